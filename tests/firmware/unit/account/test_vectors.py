"""The catalogue's test vectors on the rules themselves; `vectors.toml` is the data."""

import unittest

from meterfw import layouts
from meterfw.account import orders, rules

from tests.firmware import support
from tests.firmware.support import ControlState, EmergencyStatus, Kind, Reason, Result, rule

VECTORS = support.GIVEN["vectors"]
MONEY = {"balance", "credit", "emergency_used", "emergency_preset", "arrears", "overdraft"}
CLOCKS = {"overdraft_until", "hold_until"}
FIELDS = {"control": "control_state", "emergency": "emergency_status"}


def act(m, p, step):
    """Carry out a step; returns the order's result, None where there was no order."""
    if "use" in step:
        support.use(m, p, step["use"])
    elif "press" in step:
        rules.press(m, p, step["press"])
    elif "load" in step:
        load = step["load"]
        pulses = load.get("pulses", 0)
        rules.advance(m, p, load["seconds"], pulses, load["ma"], load["w"])
    elif "clock" in step:
        return support.order(m, p, Kind.CLOCK, support.clock(step["clock"]))
    elif "top_up" in step:
        return support.order(m, p, Kind.TOP_UP, support.mc(step["top_up"]))
    elif "overdraft" in step:
        until = support.clock(step["until"])
        amount = support.mc(step["overdraft"])
        return support.order(m, p, Kind.OVERDRAFT, amount, until, step.get("number", 1))
    elif "hold" in step:
        return support.order(m, p, Kind.HOLD, support.clock(step["hold"]))
    elif "limit" in step:
        until = support.clock(step["limit"])
        return support.order(m, p, Kind.LIMIT, until, step["connection_w"])
    elif "mode" in step:
        return support.order(m, p, Kind.PAYMENT_MODE, step["mode"])
    else:
        return support.order(m, p, getattr(Kind, step["order"]))
    return None


def seen(m, key):
    if key == "supply":
        return "on" if rules.supply_on(m) else "off"
    if key == "limiter":
        return "engaged" if m.limiter_engaged else ("available" if m.limiter_available else "none")
    if key == "balance":
        return m.credit - m.emergency_used
    return getattr(m, FIELDS.get(key, key))


def wanted(key, value):
    """The value of a field as the state has it."""
    if key in MONEY:
        return support.mc(value)
    if key in CLOCKS:
        return support.clock(value)
    if key == "control":
        return getattr(ControlState, value)
    if key == "emergency":
        return getattr(EmergencyStatus, value)
    if key == "reasons":
        return sum([getattr(Reason, name) for name in value])
    return value


def live(vector):
    """Go through a vector: what it expects holds after each step."""
    state = {key: wanted(key, value) for key, value in vector["state"].items()}
    m, p = support.meter(
        vector["profile"], vector.get("at", support.NOON), vector.get("changes"), **state
    )
    for number, step in enumerate(vector["steps"], 1):
        result = act(m, p, step)
        if result is not None:
            assert result == getattr(Result, step.get("result", "DONE")), f"step {number}"
        for key, value in step["expect"].items():
            assert seen(m, key) == wanted(key, value), f"step {number}: {key}"
        assert support.conserved(m), f"step {number}"
        assert support.out_of_range(m) is None, f"step {number}"


class Vectors(unittest.TestCase):
    @rule("AMB-08")
    def test_tokens_of_one_insertion_are_booked_before_supply_is_judged(self):
        m, p = support.meter("wallonia-card", credit=-support.mc(60))
        assert support.off(m)
        assert orders.apply(m, p, layouts.KIND_TOP_UP, support.mc(50), 0, 0) == layouts.RESULT_DONE
        assert (
            orders.apply(m, p, layouts.KIND_TOP_UP, support.mc("10.50"), 0, 0)
            == layouts.RESULT_DONE
        )
        rules.judge(m, p)
        assert support.ready(m)
        assert m.credit == support.mc("0.50")


def _test(vector):
    """A test of one vector, marked with its rules."""

    @rule(*vector["rules"])
    def test(self):
        live(vector)

    return test


for name, vector in VECTORS.items():
    setattr(Vectors, "test_vector_" + name.replace(" ", "_").replace("-", "_"), _test(vector))
