"""The events that a change of the state must come with."""

from meterfw import layouts as L


def missing(before, after):
    """Names of events that the net change of a state needs and that are not among its events.

    :param before: all fields before (a dictionary)
    :param after: all fields after, `events` holding what happened in between
    """
    return [
        name
        for name, happened in _needed(before, after)
        if happened and not any(after["events"] & getattr(L, f"EVENT_{n}") for n in name.split())
    ]


def _needed(b, a):
    def rose(field):
        return b[field] == 0 and a[field] == 1

    def began(bit):
        return a["reasons"] & bit and not b["reasons"] & bit

    def became(field, value):
        return a[field] == value != b[field]

    in_use, consumed = L.EMERGENCY_STATUS_IN_USE, L.EMERGENCY_STATUS_CONSUMED
    used_before = b["emergency_status"] in (in_use, consumed)
    yield "LIMITER_ENGAGED MODE_CHANGED", rose("limiter_engaged")
    yield "LIMITER_RELEASED MODE_CHANGED", b["limiter_engaged"] and not a["limiter_engaged"]
    yield "LIMITER_AVAILABLE MODE_CHANGED", rose("limiter_available")
    yield (
        "MINIMUM_SUPPLY_CHANGED",
        b["minimum_supply_disabled"] != a["minimum_supply_disabled"],
    )
    yield "LOW_CREDIT", rose("warned")
    yield "KEPT_ON", rose("kept")
    yield "UNBILLED", rose("charge_stopped")
    yield "EMERGENCY_IN_USE", became("emergency_status", in_use)
    yield "EMERGENCY_SELECTABLE", became("emergency_status", L.EMERGENCY_STATUS_SELECTABLE)
    yield "EMERGENCY_CONSUMED", became("emergency_status", consumed)
    restored = used_before and a["emergency_status"] in (0, L.EMERGENCY_STATUS_SELECTABLE)
    yield "EMERGENCY_RESTORED MODE_CHANGED", restored
    yield "OVERDRAFT_GRANTED", a["overdraft_order"] != b["overdraft_order"]
    yield "OVERDRAFT_ENDED MODE_CHANGED", b["overdraft"] and not a["overdraft"]
    yield "HOLD_GRANTED", a["hold_until"] not in (0, b["hold_until"])
    yield "HOLD_ENDED MODE_CHANGED", b["hold_until"] and not a["hold_until"]
    yield "MODE_CHANGED", a["payment_mode"] != b["payment_mode"]
    yield "PRICE_CHANGED", a["price"] != b["price"]
    yield "LIMIT_CHANGED MODE_CHANGED", a["limit_until"] != b["limit_until"]
    credited = (a["credited_eur"], a["credited_mc"]) != (b["credited_eur"], b["credited_mc"])
    yield "CREDITED ARREARS_PAID MODE_CHANGED", credited
    yield "OVERLOAD", began(L.REASON_OVERLOAD)
    yield "TAMPER", began(L.REASON_TAMPER)
    yield "LEAK_TEST_STARTED", began(L.REASON_LEAK_TEST)
    tested = b["reasons"] & L.REASON_LEAK_TEST and not a["reasons"] & L.REASON_LEAK_TEST
    yield "LEAK_TEST_FAILED CONNECTED", tested
    yield (
        "DISCONNECTED",
        b["control_state"] == L.CONTROL_STATE_CONNECTED and a["control_state"] == 0,
    )
    yield "READY", became("control_state", L.CONTROL_STATE_READY)
    yield "CONNECTED", became("control_state", L.CONTROL_STATE_CONNECTED)
