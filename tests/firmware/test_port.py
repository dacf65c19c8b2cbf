"""Junk at the serial port, and what it leaves behind."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.firmware import fuzz
from tests.firmware.bench import Bench
from tests.firmware.fuzz import PING, PONG
from tests.firmware.support import fields


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([PING, b"status\r", b"~", b"}"])))
)
def test_any_octets_leave_state_and_port_as_they_were(pieces):
    bench = Bench()
    before = fields(bench.state)
    for piece in pieces:
        bench.send(piece)
    assert fields(bench.state) == before
    bench.send(b"\r\n")
    assert bench.send(PING).endswith(PONG)


def test_a_slice_of_the_fuzzer():
    """`make fuzz` runs ten million octets; this is a hundred thousand."""
    assert fuzz.run(seed=random.randrange(10**6), octets=100_000).octets >= 100_000


def test_the_fuzzer_finds_a_meter_that_takes_anything(monkeypatch):
    from meterfw.tokens import crypto

    monkeypatch.setattr(crypto, "equal", lambda a, b: True)
    with pytest.raises(AssertionError, match="state"):
        fuzz.run(seed=1, octets=300_000)
