"""The catalogue's test vectors on the rules themselves; `vectors.toml` is the data."""

import tomllib
from pathlib import Path

import pytest
from meterfw import layouts, orders, rules
from meterproto.codes import ControlState, EmergencyStatus, Kind, Reason, Result

from tests.firmware import support

VECTORS = tomllib.loads(Path(__file__).with_name("vectors.toml").read_text("utf-8"))["vector"]
MONEY = {"credit", "emergency_used", "emergency_preset", "arrears", "overdraft"}
CLOCKS = {"overdraft_until", "hold_until"}


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
        return support.order(m, p, Kind[step["order"]])
    return None


def seen(m, key):
    if key == "supply":
        return "on" if rules.supply_on(m) else "off"
    if key == "control":
        return ControlState(m.control_state).name
    if key == "emergency":
        return EmergencyStatus(m.emergency_status).name
    if key == "reasons":
        return [reason.name for reason in Reason if m.reasons & reason]
    if key == "limiter":
        return "engaged" if m.limiter_engaged else ("available" if m.limiter_available else "none")
    if key == "balance":
        return m.credit - m.emergency_used
    return getattr(m, key)


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(v, id=v["id"].replace(" ", "-"), marks=pytest.mark.rule(*v["rules"]))
        for v in VECTORS
    ],
)
def test_vector(vector):
    state = {}
    for key, value in vector["state"].items():
        if key in MONEY:
            state[key] = support.mc(value)
        elif key in CLOCKS:
            state[key] = support.clock(value)
        else:
            state[key] = value
    m, p = support.meter(
        vector["profile"], vector.get("at", support.NOON), vector.get("changes"), **state
    )
    for number, step in enumerate(vector["steps"], 1):
        result = act(m, p, step)
        if result is not None:
            assert Result(result).name == step.get("result", "DONE"), f"step {number}"
        for key, expected in step["expect"].items():
            money = key in MONEY or key == "balance"
            wanted = support.mc(expected) if money else expected
            assert seen(m, key) == wanted, f"step {number}: {key}"
        assert support.conserved(m), f"step {number}"
        assert support.out_of_range(m) is None, f"step {number}"


@pytest.mark.rule("AMB-08")
def test_tokens_of_one_insertion_are_booked_before_supply_is_judged():
    m, p = support.meter("wallonia-card", credit=-support.mc(60))
    assert support.off(m)
    assert orders.apply(m, p, layouts.KIND_TOP_UP, support.mc(50), 0, 0) == layouts.RESULT_DONE
    assert orders.apply(m, p, layouts.KIND_TOP_UP, support.mc("10.50"), 0, 0) == layouts.RESULT_DONE
    rules.judge(m, p)
    assert support.ready(m)
    assert m.credit == support.mc("0.50")
