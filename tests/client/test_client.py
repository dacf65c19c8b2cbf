"""The client: what it reads, raises and repeats, and lines that are not what they should be."""

from datetime import datetime
from decimal import Decimal

import pytest
from budgetmeter import profiles
from budgetmeter.client import (
    BadAnswer,
    ExecutionFailure,
    FaultyLine,
    LineError,
    Meter,
    MeterError,
    NoAnswer,
    TokenRefused,
    TokenUsed,
    ValidationFailure,
    readings,
)
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.errors import BudgetmeterError, InputError
from meterproto import framing, messages, tokens
from meterproto.codes import Cause, Kind, LogCode, Message, Reason, Result, TokenReason
from meterproto.quantity import fields

from tests.firmware.bench import METER, Bench
from tests.firmware.support import EUR, clock


@pytest.fixture
def bench():
    return Bench()


class Lossy:
    """A line that loses the answers named, counted from 1."""

    def __init__(self, bench, lost):
        self.line = LoopbackLine(bench)
        self.lost = lost
        self.answers = 0

    def read(self, wait_s):
        data = self.line.read(wait_s)
        if data:
            self.answers += 1
            if self.answers in self.lost:
                return b""
        return data

    def __getattr__(self, name):
        return getattr(self.line, name)


class Scripted:
    """A line that answers every request with the same octets; `%` is where the sequence stands."""

    def __init__(self, answer):
        self.answer = answer
        self.came = b""
        self.passed = 0.0

    def write(self, data):
        for content in framing.Decoder().feed(data):
            self.came = self.answer(content[2])

    def read(self, wait_s):
        data, self.came = self.came, b""
        self.passed += 0 if data else wait_s
        return data

    def now(self):
        return self.passed

    def close(self):
        pass


# ---- Reading ------------------------------------------------------------------------------------


def test_a_status_in_human_units():
    bench = Bench(clock=clock("2020-12-08 12:00"))
    bench.enter(bench.office.token(Kind.OVERDRAFT, 50 * EUR, clock("2021-01-31 10:00"), order_id=1))
    bench.enter(bench.office.token(Kind.DISCONNECT, 1))
    status = Meter(LoopbackLine(bench)).status()
    assert status.time == datetime(2020, 12, 8, 12)
    assert (status.balance, status.price) == (Decimal(15), Decimal("0.25"))
    assert (status.overdraft, status.overdraft_until) == (50, datetime(2021, 1, 31, 10))
    assert status.hold_until is None
    assert status.reasons == (Reason.OPERATOR,)
    assert (status.supply_on, status.winter) == (False, True)
    registers = Meter(LoopbackLine(bench)).registers()
    assert (registers.credited, registers.settled) == (15, 0)


def test_negative_totals_read_exactly(bench):
    bench.state.settled_eur, bench.state.settled_mc = -8, 25_000
    assert Meter(LoopbackLine(bench)).registers().settled == Decimal("-7.75")


@pytest.mark.parametrize("kind", [readings.Identity, readings.Status, readings.Registers])
def test_every_declared_field_is_in_a_reading(kind):
    struct = getattr(messages, kind.__name__)
    for name, _, _ in fields(struct):
        base = name.removesuffix("_eur").removesuffix("_mc")
        base = {"clock": "time", "second": "time"}.get(base, base)
        assert base in kind.meanings
        assert f":ivar {base}:" in kind.__doc__


def test_a_reading_as_plain_data(bench):
    data = readings.plain(Meter(LoopbackLine(bench)).status())
    assert data["balance"] == "15.00000"
    assert data["control_state"] == "connected"
    assert data["time"] == "2020-12-08 07:20:00"
    assert data["reasons"] == []
    assert data["hold_until"] is None
    entry = Meter(LoopbackLine(bench)).events()[0]
    assert (entry.code, entry.number) == (LogCode.STATE_NEW, 0)
    assert readings.plain(entry)["code"] == "state-new"


def test_loop_is_a_meter_in_this_process():
    with Meter("loop:flanders-2003") as meter:
        assert meter.identify().profile == "flanders-2003"


# ---- Tokens -------------------------------------------------------------------------------------


def test_a_token_whose_answer_is_lost_is_taken_once_and_said_so(bench):
    meter = Meter(Lossy(bench, lost=[1]))
    entered = meter.enter(bench.office.token(Kind.TOP_UP, 20 * EUR))
    assert (entered.balance, entered.confirmed) == (35, False)
    assert meter.registers().credited == 35


def test_a_key_change_whose_answer_is_lost_is_known_by_the_revision(bench):
    token = bench.office.change_key(bytes(range(32, 64)))
    entered = Meter(Lossy(bench, lost=[1])).enter(token)
    assert not entered.confirmed
    assert Meter(LoopbackLine(bench)).identify().key_revision == 2
    with pytest.raises(TokenRefused) as refused:  # and is refused when it is entered anew
        Meter(LoopbackLine(bench)).enter(token)
    assert refused.value.reason == TokenReason.KEY_REVISION


def test_a_refusal_whose_answer_is_lost_is_still_a_refusal(bench):
    with pytest.raises(ExecutionFailure) as refused:
        Meter(Lossy(bench, lost=[1])).enter(bench.office.token(Kind.TOP_UP, 251 * EUR))
    assert refused.value.reason == TokenReason.RESULT + Result.ABOVE_CAP
    assert "amount above the cap" in str(refused.value)
    assert refused.value.balance == 15


def test_a_token_used_is_an_exception_of_its_own(bench):
    token = bench.office.token(Kind.TOP_UP, EUR)
    meter = Meter(LoopbackLine(bench))
    assert meter.enter(tokens.to_text(token)).number == 1
    with pytest.raises(TokenUsed) as refused:
        meter.enter(token)
    assert (refused.value.number, refused.value.reason) == (1, TokenReason.USED)
    for kind in (ValidationFailure, TokenRefused, MeterError, BudgetmeterError):
        assert isinstance(refused.value, kind)


@pytest.mark.parametrize("text", ["", "hello", "0" * 64, "~" * 64, "é" * 64])
def test_text_that_is_no_token_never_leaves(bench, text):
    line = LoopbackLine(bench)
    line.write = None
    with pytest.raises(InputError, match="no token"):
        Meter(line).enter(text)
    for octets in (b"", bytes(500)):
        with pytest.raises(InputError):
            Meter(line).enter(octets)


# ---- Lines --------------------------------------------------------------------------------------


def test_no_answer_after_so_many_tries():
    line = Scripted(lambda sequence: b"")
    with pytest.raises(NoAnswer, match="asked 3 times for 2 s"):
        Meter(line, timeout=2, tries=3).status()
    assert line.passed == pytest.approx(6)


def answer(kind, payload, version=1):
    """What answers every request with the same payload."""

    def made(sequence):
        return framing.encode(bytes([version, kind, sequence]) + payload)

    return made


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (answer(128 + 127, b"\1"), "a later version of the protocol"),
        (answer(128 + 127, b"\2"), "no such message"),
        (answer(128 + 127, b"\x63"), "is none"),
        (answer(128 + 127, b""), "is none"),
        (answer(131, b""), "of 0 octets"),
        (answer(131, bytes(103)), "of 103 octets"),
        (answer(131, b"\xff" * 102), "is none"),
        (answer(131, bytes(102), version=2), "speaks version 2"),
    ],
)
def test_answers_that_are_none(answers, said):
    with pytest.raises(BadAnswer, match=said):
        Meter(Scripted(answers)).status()


def test_a_page_of_events_with_a_wrong_count():
    page = messages.EventsPage.build({"first": 0, "next": 16, "total": 16, "count": 16})
    with pytest.raises(BadAnswer, match="a page of 16 events"):
        Meter(Scripted(answer(128 + Message.EVENTS, page))).events()


def test_a_page_that_does_not_go_on_ends_the_reading():
    page = messages.EventsPage.build({"first": 0, "next": 0, "total": 9, "count": 0})
    assert Meter(Scripted(answer(128 + Message.EVENTS, page))).events() == []


@pytest.mark.parametrize("wrong", [(131, 9), (132, 0)])
def test_answers_to_others_pass_by(bench, wrong):
    kind, other = wrong
    rest = messages.Status.build(
        {name: max(quantity.low, 0) for name, quantity, _ in fields(messages.Status)}
    )
    line = Scripted(
        lambda sequence: framing.encode(bytes([1, kind, (sequence + other) % 256]) + rest)
    )
    with pytest.raises(NoAnswer):
        Meter(line).status()


@pytest.mark.parametrize("line", ["", " ", "a~b", "é", "a\x03", "status\nhelp", "x" * 161])
def test_what_is_no_command_never_leaves(bench, line):
    with pytest.raises(InputError):
        Meter(LoopbackLine(bench)).command(line)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no port"),
        ("\0", "is no port"),
        ("/dev/no-such-port", "no port /dev/no-such-port; is it plugged in?"),
        ("/tmp", "Is a directory"),
        ("socket://127.0.0.1:1", "Connection refused"),
        ("socket://", "an address such as"),
        ("socket://here:there", "an address such as"),
        ("socket://127.0.0.1:99999", "an address such as"),
        ("nothing://x", "protocol 'nothing' not known"),
    ],
)
def test_ports_that_cannot_be_opened_are_one_line(url, said):
    with pytest.raises(LineError, match=said) as error:
        Meter(url)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("port", [None, 5, b"/dev/ttyACM0"])
def test_what_is_no_port(port):
    with pytest.raises(InputError, match=r"a port is a URL or a budgetmeter\.client\.Line, not"):
        Meter(port)


@pytest.mark.parametrize("token", [None, 5, ["a"]])
def test_what_is_no_token_never_leaves(bench, token):
    with pytest.raises(InputError, match="a token is bytes or text, not"):
        Meter(LoopbackLine(bench)).enter(token)


def test_a_device_that_is_no_serial_port_is_said_to_be_none():
    with pytest.raises(LineError, match=r"^/dev/null: not a serial port$"):
        Meter("/dev/null")


# ---- Faults -------------------------------------------------------------------------------------

ALL = {"split": 0.3, "drop": 0.1, "duplicate": 0.2, "delay": 0.3, "flip": 0.001}


def story(seed, **odds):
    """What becomes of the same traffic under a seed."""
    bench, came = Bench(), []
    line = FaultyLine(LoopbackLine(bench), seed, **odds)
    for sequence in range(60):
        line.write(framing.encode(bytes([1, Message.STATUS, sequence])))
        came.append(line.read(0.3))
    return came, line.faults


def test_the_seed_decides_every_fault():
    assert story(1, **ALL) == story(1, **ALL)
    assert story(1, **ALL) != story(2, **ALL)
    assert all(count > 0 for count in story(1, **ALL)[1].values())
    assert story(1) == story(2)  # without faults there is nothing to decide


@pytest.mark.parametrize("fault", ALL)
def test_each_fault_alone_is_survived(fault):
    bench = Bench()
    line = FaultyLine(LoopbackLine(bench), 3, **{fault: ALL[fault]})
    meter = Meter(line, tries=20)
    for i in range(30):
        assert meter.status().balance == 15, i
    assert {name for name, count in line.faults.items() if count} == {fault}


def test_a_line_keeps_its_order():
    line = FaultyLine(LoopbackLine(Bench()), 3, delay=0.9, delay_s=5)
    for sequence in range(20):
        line.write(framing.encode(bytes([1, Message.PING, sequence])))
    came = b""
    while len(list(framing.Decoder().feed(came))) < 20:
        came += line.read(1)
    assert [content[2] for content in framing.Decoder().feed(came)] == list(range(20))


def test_odds_are_parts():
    with pytest.raises(ValueError, match="drop=2 is not a part"):
        FaultyLine(LoopbackLine(Bench()), drop=2)


def test_the_rig_is_this_meter(bench):
    assert Meter(LoopbackLine(bench)).identify().meter == METER


def test_a_status_says_what_flows_now():
    world = Emulator(profiles.load("wallonia-card"), 11_012_400, ConstantLoad(2300))
    world.run(world.now_s + 60)
    status = Meter(LoopbackLine(world)).status()
    assert (status.power_w, status.current_ma, status.voltage_mv) == (2300, 10_000, 230_000)
    assert world.order(Kind.DISCONNECT, Cause.FRAUD) is Result.DONE
    world.run(world.now_s + 1)
    status = Meter(LoopbackLine(world)).status()
    assert (status.power_w, status.current_ma) == (0, 0)


class FirstEdition:
    """A line to a meter that knows the first edition of the status only."""

    def __init__(self, world):
        self.line = LoopbackLine(world)
        self.refused = 0

    def write(self, data):
        decoder = framing.Decoder()
        for content in decoder.feed(data):
            asked = content[1] == Message.STATUS and len(content) > 3
            self.refused += asked
            # Such a meter refuses any payload, as today's does an unknown one
            self.line.write(framing.encode(content[:3] + b"x" if asked else content))

    def read(self, wait_s):
        return self.line.read(wait_s)

    def now(self):
        return self.line.now()

    def close(self):
        self.line.close()


def test_a_meter_of_the_first_edition_is_read_all_the_same():
    world = Emulator(profiles.load("wallonia-card"), 11_012_400, ConstantLoad(2300))
    line = FirstEdition(world)
    client = Meter(line)
    for _ in range(2):
        status = client.status()
        assert (status.balance, status.power_w, status.voltage_mv) == (15, None, None)
    assert line.refused == 1  # it is asked for the second edition once
