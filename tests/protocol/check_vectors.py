"""Checks the golden vectors against the firmware; runs on both interpreters.

In MicroPython this file is run with the vectors as JSON in the global INPUT and prints what failed.
"""

import json
from binascii import hexlify, unhexlify

from meterfw.meter import Meter
from meterfw.tokens import crypto
from meterfw.wire import fcs, text

from tests.firmware.unit.bench import BenchBoard


def board(vectors):
    """A board flashed as the vectors say."""
    files = {name: unhexlify(vectors[name]) for name in ("identity", "profile")}
    return BenchBoard(vectors["clock"], files)


def exchange(meter, sent):
    """What a meter answers to octets."""
    wire = meter.board
    wire.received, wire.sent = sent, b""
    while wire.received:
        meter.poll()
    meter.poll()
    return wire.sent


def failures(vectors):
    """What does not come out as the vectors say."""
    failed = []
    for key, data, wanted in vectors["hmac"]:
        if hexlify(crypto.hmac(unhexlify(key), unhexlify(data))).decode() != wanted:
            failed.append("hmac " + wanted)
    for _, _, info, key, wanted in vectors["hkdf"]:
        if hexlify(crypto.expand(unhexlify(key), unhexlify(info))).decode() != wanted[:64]:
            failed.append("hkdf " + wanted)
    for data, wanted in vectors["fcs"]:
        check = bytes([wanted & 0xFF, wanted >> 8])
        if not fcs.good(unhexlify(data) + check) or fcs.good(unhexlify(data) + b"\x12\x34"):
            failed.append("fcs " + data)
    for case in vectors["typed"]:
        data = unhexlify(case["bytes"])
        failed.extend("right " + t for t in case["right"] if text.token_from(t) != data)
        failed.extend("wrong " + t for t in case["wrong"] if text.token_from(t) is not None)
    started = Meter(board(vectors)).board
    if len(started.files["store.0"]) != vectors["record"]:
        failed.append("record size")
    meter = None
    for case in vectors["exchanges"]:
        if case["fresh"]:
            meter = Meter(board(vectors))
        seen = hexlify(exchange(meter, unhexlify(case["in"]))).decode()
        if seen != case["out"]:
            failed.append(case["about"] + ": " + seen)
    return failed


if "INPUT" in globals():
    print(json.dumps(failures(json.loads(globals()["INPUT"]))))
