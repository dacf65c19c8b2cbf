"""Replays lives of a meter and answers a checksum after every operation; runs on both interpreters.

In MicroPython this file is run with the lives as JSON in the global INPUT and prints one line of
checksums a life; in CPython `checksums` is called. A life with "locked" runs its operations with
MicroPython's heap locked: there every allocation raises, and an integer outside the 31-bit small
ints is one.
"""

from meterfw import layouts
from meterfw.account import orders, record, rules

try:
    import micropython
except ImportError:
    micropython = None


def filled(target, names, values):
    """A record with the values given in the order of its fields."""
    for name, value in zip(names, values):
        setattr(target, name, value)
    return target


def apply(m, p, operation):
    """Carry out one operation of `histories`; returns an integer answer."""
    kind = operation[0]
    if kind == 0:
        rules.advance(m, p, operation[1], operation[2], operation[3], operation[4])
        return rules.supply_on(m)
    if kind == 1:
        return rules.press(m, p, operation[1])
    if kind == 4:
        if len(operation) > 1:
            rules.resume(m, p, operation[1])
        rules.power_up(m, p)
        return 0
    answer = orders.apply(m, p, operation[1], operation[2], operation[3], operation[4])
    if kind == 2:
        rules.judge(m, p)
    return answer


def checksum(m, answer):
    """A number that every field and the answer go into."""
    total = answer
    for name in layouts.STATE_FIELDS:
        total = (total * 31 + getattr(m, name)) % 1000000007
    return total


def checksums(life):
    """Checksums of a life: a dictionary with profile, clock, operations, and fields to set."""
    p = filled(record.Profile(), layouts.PROFILE_FIELDS, life["profile"])
    m = record.State()
    orders.install(m, p, life["clock"])
    for name, value in life.get("state", {}).items():
        setattr(m, name, value)
    totals = [checksum(m, 0)]
    locked = micropython is not None and "locked" in life
    for operation in life["operations"]:
        if locked:
            micropython.heap_lock()
        try:
            answer = apply(m, p, operation)
        finally:
            if locked:
                micropython.heap_unlock()
        totals.append(checksum(m, answer))
        totals.append(rules.stride(m, p, 3600, 1500, 6500, 1500))
    return totals


if "INPUT" in globals():
    import json

    for life in json.loads(globals()["INPUT"]):
        print(json.dumps(checksums(life)))
