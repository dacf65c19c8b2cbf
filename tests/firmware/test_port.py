"""The serial port: console and frames on one stream, and what junk leaves behind."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meterfw import layouts
from meterproto import framing, messages, tokens
from meterproto.codes import Event, Kind, LogCode, Message

from tests.firmware import fuzz
from tests.firmware.rig import Rig, executed
from tests.firmware.support import EUR, clock, fields, mc

PING = framing.encode(messages.Header.build({"version": 1, "type": 1, "sequence": 9}) + b"there?")
PONG = framing.encode(messages.Header.build({"version": 1, "type": 129, "sequence": 9}) + b"there?")


@pytest.fixture
def rig():
    return Rig()


def values(lines):
    """The `name value` lines of an answer."""
    assert lines[-1] == "ok"
    return dict(line.split(" ", 1) for line in lines[:-1])


# ---- Console -----------------------------------------------------------------------------------


def test_help_names_every_command(rig):
    lines = rig.type("help")
    assert lines[-1] == "ok"
    names = [line.split()[0] for line in lines[:-1]]
    assert names == ["help", "status", "registers", "events", "profile", "token", "test", "version"]
    for name in names:
        if name != "token":
            assert rig.type(name)[-1] == "ok"


def test_status_and_registers_in_a_stable_form(rig):
    rig.enter(rig.office.token(Kind.TOP_UP, 20 * EUR))
    status = values(rig.type("status"))
    assert status["balance"] == "35.00000 EUR"
    assert status["supply"] == "connected"
    assert status["reasons"] == "none"
    assert status["time"] == "2020-12-08 07:20:00 Tue"
    assert status["price"] == "0.25000 EUR/kWh"
    assert status["last_top_up"] == "20.00000 EUR"
    registers = values(rig.type("registers"))
    assert registers["credited"] == "35.00000 EUR"
    assert registers["energy"] == "0.000 kWh"


def test_status_shows_grants_and_reasons():
    rig = Rig(clock=clock("2020-12-08 12:00"))
    until = clock("2021-01-31 10:00")
    rig.enter(rig.office.token(Kind.OVERDRAFT, 50 * EUR, until, order=1))
    rig.enter(rig.office.token(Kind.PRICE, 30_000, until))
    rig.enter(rig.office.token(Kind.DISCONNECT, 1))
    status = values(rig.type("status"))
    assert status["overdraft_until"] == "2021-01-31 10:00:00"
    assert status["price_from"] == "2021-01-31 10:00:00"
    assert (status["supply"], status["reasons"]) == ("disconnected", "operator")
    rig = Rig("brussels-limiter", clock=clock("2020-12-08 12:00"))
    rig.enter(rig.office.token(Kind.LIMIT, until, 9200))
    status = values(rig.type("status"))
    assert status["limit_until"] == "2021-01-31 10:00:00"
    assert status["limit_power"] == "4600 W"


def test_negative_totals_are_shown_exactly():
    from meterfw import text

    assert text.total(-8, 25_000) == "-7.75000"
    assert text.total(-8, 0) == "-8.00000"
    assert text.total(7, 1) == "7.00001"


@pytest.mark.parametrize("form", ["groups", "digits"])
def test_a_typed_token(rig, form):
    token = rig.office.token(Kind.TOP_UP, 20 * EUR)
    text = tokens.to_text(token)
    if form == "digits":
        text = (token + tokens.fcs16(token).to_bytes(2, "little")).hex()
    answer = values(rig.type("token " + text))
    assert answer == {
        "number": "1",
        "balance": "35.00000 EUR",
        "supply": "connected",
        "status": "3",
        "reason": "0",
    }
    again = rig.type("TOKEN " + text.lower().replace("-", " "))
    assert again[-1] == "error validation failure, reason 35"
    assert "balance 35.00000 EUR" in again


def test_a_mistyped_token_is_a_format_failure_and_no_forgery(rig):
    text = tokens.to_text(rig.office.token(Kind.TOP_UP, EUR))
    swapped = text[:5] + text[6] + text[5] + text[7:]
    for _ in range(20):
        answer = rig.type("token " + swapped)
        assert answer[-1] == "error format failure, reason 2"
    assert rig.meter.gateway.locked_ms == 0
    assert rig.type("token " + text)[-1] == "ok"


def test_events_on_the_console(rig):
    rig.enter(rig.office.token(Kind.TOP_UP, 20 * EUR))
    lines = rig.type("events")
    assert lines[0] == "0 2020-12-08 07:20:00 state-new 15.00 EUR"
    assert any("credited 35.00 EUR" in line for line in lines)
    assert any("token-accepted" in line for line in lines)


def test_profile_and_version(rig):
    profile = values(rig.type("profile"))
    assert profile["name"] == "wallonia-card"
    assert profile["emergency_preset"] == str(12 * EUR)
    assert set(profile) == {"name", *layouts.PROFILE_FIELDS}
    version = values(rig.type("version"))
    assert version["meter"] == "123456789"
    assert version["key_revision"] == "1"


def test_the_relay_clicks_only_when_that_is_safe(rig):
    assert rig.type("test") == ["display tested", "relay clicked", "ok"]
    assert rig.board.lines == ("8" * 16,) * 4 or rig.board.closed is False
    rig.wait(1)
    assert rig.board.closed is True
    rig.board.draw = rig.board.draw._replace(rate=100, w=100, ma=400)
    assert "relay not clicked: not safe now" in rig.type("test")
    gas = Rig("wallonia-gas")
    assert "relay not clicked: not safe now" in gas.type("test")
    off = Rig(clock=clock("2020-12-08 12:00"))
    off.enter(off.office.token(Kind.DISCONNECT, 1))
    assert "relay not clicked: not safe now" in off.type("test")
    assert off.board.closed is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello", "error unknown command; try help"),
        ("status now", "error status takes no argument"),
        ("token", "error token takes a token"),
        ("token 1234", "error format failure, reason 2"),
        ("token " + "Z" * 64, "error format failure, reason 2"),
        ("x" * 161, "error line too long"),
        ("x" * 5000, "error line too long"),
    ],
)
def test_unusable_lines_say_so_and_leave_the_port_usable(rig, line, said):
    before = fields(rig.state)
    assert rig.type(line)[-1] == said
    assert fields(rig.state) == before
    assert rig.type("version")[-1] == "ok"
    assert rig.send(PING) == PONG


def test_bytes_that_are_no_text(rig):
    assert rig.send(b"\x80\xff\x00\r\n") == b"error not plain text\r\n"
    assert rig.send(b"stat\x08\x08atus\r\n").endswith(b"ok\r\n")  # the backspace works
    assert rig.send(b"\r\n\r\n   \r\n") == b""


# ---- Frames ------------------------------------------------------------------------------------


def test_text_and_frames_share_the_port(rig):
    answer = rig.send(b"versi" + PING + b"version\r\n" + PING)
    assert answer.count(PONG) == 2
    assert b"meter 123456789" in answer


def test_a_frame_byte_by_byte(rig):
    seen = b"".join(rig.send(bytes([octet])) for octet in PING)
    assert seen == PONG


def test_events_by_page(rig):
    for _ in range(60):
        rig.enter(rig.office.token(Kind.HOLD, rig.state.clock + 100))
    seen = rig.events()
    numbers = [entry.number for entry in seen]
    assert numbers == list(range(rig.meter.log.first(), rig.meter.log.count))
    assert len(numbers) == 80
    codes = {entry.code for entry in seen}
    assert codes == {Event.HOLD_GRANTED, LogCode.TOKEN_ACCEPTED}


def test_a_token_in_a_frame_answers_number_balance_and_supply(rig):
    answer = rig.ask(Message.TOKEN, rig.office.token(Kind.TOP_UP, EUR))
    assert (answer.status, answer.reason, answer.number) == (3, 0, 1)
    assert (answer.balance, answer.control_state) == (mc(16), 1)


def test_reading_changes_nothing(rig):
    before = fields(rig.state), rig.meter.memory.pack()
    for kind in (Message.PING, Message.IDENTIFY, Message.STATUS, Message.REGISTERS):
        rig.ask(kind)
    for command in ("status", "registers", "events", "profile", "version", "help"):
        rig.type(command)
    assert (fields(rig.state), rig.meter.memory.pack()) == before


# ---- Junk --------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([PING, b"status\r", b"~", b"}"])))
)
def test_any_octets_leave_state_and_port_as_they_were(pieces):
    rig = Rig()
    before = fields(rig.state)
    for piece in pieces:
        rig.send(piece)
    assert fields(rig.state) == before
    rig.send(b"\r\n")
    assert rig.send(PING).endswith(PONG)


def test_a_slice_of_the_fuzzer():
    """`make fuzz` runs ten million octets; this is a hundred thousand."""
    assert fuzz.run(seed=random.randrange(10**6), octets=100_000).octets >= 100_000


def test_the_fuzzer_finds_a_meter_that_takes_anything(monkeypatch):
    from meterfw import crypto

    monkeypatch.setattr(crypto, "equal", lambda a, b: True)
    with pytest.raises(AssertionError, match="state"):
        fuzz.run(seed=1, octets=300_000)


def test_a_genuine_token_after_junk_still_counts(rig):
    rig.send(b"~}garbage~~" + bytes(range(256)))
    assert executed(rig.enter(rig.office.token(Kind.TOP_UP, EUR)))
