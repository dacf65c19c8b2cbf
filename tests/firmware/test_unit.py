"""The unit tests on the real MicroPython; and what they stand on, against the host's own."""

import importlib
import json
import unittest
from pathlib import Path

import pytest
from budgetmeter import identity, profiles, units
from budgetmeter.issue import Issuer
from construct import GreedyRange
from hypothesis import given
from hypothesis import strategies as st
from meterproto import codes, framing, messages, tokens
from meterproto.codes import Message

from tests import micropython
from tests.firmware import given as given_data
from tests.firmware import support
from tests.firmware.unit import bench

UNIT = Path(bench.__file__).parent
MODULES = sorted(f"{path.parent.name}.{path.stem}" for path in UNIT.glob("*/test_*.py"))
SCRIPT = Path(micropython.__file__).with_name("unit.py")


@pytest.mark.parametrize("name", MODULES)
def test_the_same_tests_pass_in_micropython(name):
    """All that CPython finds in the module is run; nothing fails, nothing is skipped."""
    module = importlib.import_module(f"tests.firmware.unit.{name}")
    count = unittest.defaultTestLoader.loadTestsFromModule(module).countTestCases()
    assert count > 0
    output = micropython.run(SCRIPT, module.__name__)
    assert json.loads(output.splitlines()[-1]) == [count, 0, 0, 0], output


# ---- What they are given -----------------------------------------------------------------------


def test_the_file_is_what_profiles_and_vectors_make():
    """Changed on purpose? `python -m tests.firmware.given` writes it anew."""
    assert given_data.FILE.read_text("utf-8") == given_data.text()


def test_codes_are_named_as_declared():
    for code in (
        *(codes.Cause, codes.ControlState, codes.EmergencyStatus, codes.Kind, codes.LogCode),
        *(codes.Message, codes.PaymentMode, codes.Reason, codes.Result),
        *(codes.TokenReason, codes.TokenStatus),
    ):
        named = getattr(support, code.__name__)
        assert [getattr(named, member.name) for member in code] == [m.value for m in code]


@given(st.datetimes(units.EPOCH.replace(day=2), units.EPOCH.replace(year=2099)))
def test_clock_values_are_those_of_the_host(moment):
    assert support.clock(f"{moment:%Y-%m-%d %H:%M}") == units.to_clock(moment)


@given(st.integers(-(10**9), 10**9), st.integers(0, 5))
def test_amounts_are_those_of_the_host(amount, places):
    text = units.euros(amount, places) if places else str(amount)
    assert support.mc(text) == units.mc(text)


# ---- The bench -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", profiles.names())
def test_a_meter_is_flashed_as_by_the_host(name):
    key = bytes(range(100, 132))
    filled = profiles.load(name)
    assert bench.flashed(bench.METER, 3, key, name) == identity.flashed(bench.METER, 3, key, filled)


def test_tokens_are_those_of_the_vending_office():
    portable = bench.Office(bench.METER, bench.VENDING_KEY, derive=True)
    office = Issuer(bench.METER, bench.VENDING_KEY, derive=True)
    for kind in codes.Kind:
        more = {"order_id": 7, "expiry": 8}
        if kind == codes.Kind.KEY_CHANGE:
            more["new_key"] = bytes(range(32))
        token = office.token(kind, 5, 6, **more)
        assert portable.token(kind, 5, 6, **more) == token
        assert bench.typed(token) == tokens.to_text(token)
        assert tokens.from_text(bench.with_check(token).hex()) == token
    assert portable.change_key(bytes(32), 9) == office.change_key(bytes(32), 9)
    assert portable.token(codes.Kind.TEST) == office.token(codes.Kind.TEST)


@given(st.binary(min_size=1, max_size=framing.MAX_CONTENT))
def test_frames_are_those_declared(content):
    assert bench.frame(content) == framing.encode(content)
    assert bench.content(framing.encode(content)) == content


def test_answers_are_read_as_construct_reads_them():
    portable = bench.Bench()
    token = portable.office.token(codes.Kind.TOP_UP, units.EUR)
    for kind, payload in (
        *((kind, b"") for kind in (Message.IDENTIFY, Message.STATUS, Message.REGISTERS)),
        *((Message.EVENTS, bytes(4)), (Message.TOKEN, token)),
    ):
        _, data = bench.Bench().request(kind, payload)
        assert vars(bench.Bench().ask(kind, payload)) == parsed(messages.ANSWERS[kind], data)
    assert vars(portable.ask(99)) == {"code": codes.MessageError.TYPE}
    _, page = portable.request(Message.EVENTS, bytes(4))
    entries = GreedyRange(messages.Entry).parse(page[messages.EventsPage.sizeof() :])
    names = [field.name for field in messages.Entry.subcons]
    assert [vars(entry) for _, entry in portable.events()] == [
        {name: entry[name] for name in names} for entry in entries
    ]


def parsed(struct, data):
    """The fields of an answer, as construct reads them."""
    answer = struct.parse(data)
    return {field.name: answer[field.name] for field in struct.subcons}
