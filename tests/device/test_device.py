"""What a meter does at its port and in its life, on whatever it runs."""

from contextlib import suppress
from decimal import Decimal

import pytest
from budgetmeter import profiles
from budgetmeter.client import (
    AuthenticationFailure,
    FaultyLine,
    FormatFailure,
    LockedOut,
    Meter,
    TokenUsed,
    ValidationFailure,
)
from budgetmeter.issue import Issuer
from meterfw.tokens.till import COMMIT_WH
from meterproto import framing, messages, tokens
from meterproto.codes import (
    ControlState,
    EmergencyStatus,
    Kind,
    LogCode,
    Message,
    TokenReason,
)


def balances(client):
    """Both sides of the books, EUR."""
    status, registers = client.status(), client.registers()
    held = status.credit - status.emergency_used - status.arrears
    return held, registers.credited - registers.charged + registers.settled


# ---- Reading ------------------------------------------------------------------------------------


def test_it_says_who_it_is(device):
    identity = device.client.identify()
    assert identity.meter > 0
    assert identity.firmware == "0.1.0"
    assert identity.profile in profiles.names()


def test_its_books_are_equal(device):
    held, booked = balances(device.client)
    assert held == booked


def test_the_console_says_what_the_frames_say(device):
    lines = device.client.command("registers")
    said = dict(line.split(" ", 1) for line in lines[:-1])
    registers = device.client.registers()
    assert lines[-1] == "ok"
    assert said["credited"] == f"{registers.credited:.5f} EUR"
    assert said["settled"] == f"{registers.settled:.5f} EUR"
    version = device.client.command("version")
    assert version[0] == f"meter {device.client.identify().meter:09d}"


def test_events_are_numbered_and_come_in_pages(device):
    entries = device.client.events()
    first = entries[0].number
    assert [entry.number for entry in entries] == list(range(first, first + len(entries)))
    assert device.client.events(entries[-1].number) == entries[-1:]
    assert device.client.events(entries[-1].number + 1) == []


def test_it_answers_after_noise_half_frames_and_half_lines(device):
    client = device.client
    request = framing.encode(messages.Header.build({"version": 1, "type": 3, "sequence": 0}))
    for left in (b"\x00\xff\x80", request[:4], request[:-1], b"sta", b"~" * 40, b"x" * 500):
        client.line.write(left)
        client.ping()
        assert client.command("hello") == ["error unknown command; try help"]
    assert client.command("version")[-1] == "ok"


def test_it_refuses_what_is_no_token(device):
    before = device.client.status().balance
    identity = device.client.identify()
    stranger = Issuer(identity.meter % 999_999_999 + 1, bytes(32), identity.key_revision)
    with pytest.raises(FormatFailure):
        device.client.enter(b"not a token")
    with pytest.raises(ValidationFailure) as refused:
        device.client.enter(stranger.token(Kind.TOP_UP, 100_000))
    assert refused.value.reason == TokenReason.METER
    assert device.client.status().balance == before


# ---- Tokens -------------------------------------------------------------------------------------


@pytest.mark.needs("tokens")
def test_a_token_counts_once(device):
    client = device.client
    before = client.registers().credited
    token = device.vending.top_up("20.00")
    entered = client.enter(token.octets)
    assert (entered.number, entered.effect, entered.confirmed) == (token.number, True, True)
    with pytest.raises(TokenUsed):
        client.enter(token.text)
    assert client.registers().credited - before == 20
    held, booked = balances(client)
    assert held == booked


@pytest.mark.needs("tokens")
def test_tokens_come_in_any_order(device):
    before = device.client.registers().credited
    made = [device.vending.top_up("1.00") for _ in range(5)]
    for token in reversed(made):
        assert device.client.enter(token.octets).number == token.number
    assert device.client.registers().credited - before == 5


@pytest.mark.needs("tokens")
def test_a_token_typed_at_the_console(device):
    before = device.client.registers().credited
    answer = device.client.command("token " + device.vending.top_up("2.50").text)
    assert answer[-1] == "ok"
    assert device.client.registers().credited - before == Decimal("2.50")


@pytest.mark.needs("tokens")
def test_a_forged_token_is_refused_and_a_genuine_one_is_not(device):
    token = bytearray(device.vending.top_up("20.00").octets)
    token[16] ^= 1
    with pytest.raises(AuthenticationFailure) as refused:
        device.client.enter(bytes(token))
    assert refused.value.reason == TokenReason.TAG
    token[16] ^= 1
    assert device.client.enter(bytes(token)).effect


@pytest.mark.needs("tokens")
def test_tokens_over_a_bad_line_count_once(device):
    client = device.client
    line = FaultyLine(
        client.line, 7, split=0.3, drop=0.15, duplicate=0.2, delay=0.2, delay_s=0.05, flip=0.0005
    )
    bad = Meter(line, timeout=0.1, tries=200)
    before = client.registers().credited
    for _ in range(10):
        with suppress(TokenUsed):  # sent once, arrived twice, and the first answer was lost
            bad.enter(device.vending.top_up("1.00").octets)
    assert sum(line.faults.values()) > 10
    while client.line.read(0.1):
        pass  # answers that come late
    assert client.registers().credited - before == 10


@pytest.mark.needs("tokens")
def test_a_second_token_of_an_order_has_no_effect(device):
    before = device.client.registers().credited
    order = device.client.status().token_order + 1
    first, second = (device.vending.issue("top-up", order, amount="3.00") for _ in range(2))
    assert device.client.enter(second.octets).effect
    assert not device.client.enter(first.octets).effect
    assert device.client.registers().credited - before == 3


# ---- Its life -----------------------------------------------------------------------------------


@pytest.mark.rule("FE-01")
@pytest.mark.needs("fresh", "load", "time")
def test_consumption_is_charged(device):
    device.use(watts=1500, hours=2)
    registers = device.client.registers()
    assert registers.energy_wh == 3000
    assert registers.charged == 3000 * device.client.status().price / 1000


@pytest.mark.rule("OC-15", "OC-16")
@pytest.mark.needs("fresh", "load", "time", "button", "tokens")
def test_from_credit_over_emergency_credit_to_darkness_and_back(device):
    client = device.client
    assert client.status().credit == 15
    device.use(watts=2000, hours=31)  # 62 kWh wanted, 60 paid for; Wednesday 19:00
    status = client.status()
    assert status.control_state == ControlState.DISCONNECTED or status.kept
    device.wait(hours=14)  # friendly hours are over
    status = client.status()
    assert status.control_state == ControlState.DISCONNECTED
    assert status.emergency_status == EmergencyStatus.SELECTABLE
    device.press()  # takes up emergency credit
    assert client.status().emergency_status == EmergencyStatus.IN_USE
    device.press()  # and closes supply
    device.use(watts=9000, hours=6)  # 12 EUR are 48 kWh
    status = client.status()
    assert status.control_state == ControlState.DISCONNECTED
    assert status.emergency_status == EmergencyStatus.CONSUMED
    owed = -status.balance
    assert owed >= 12
    client.enter(device.vending.top_up(owed + Decimal("0.49")).octets)
    assert client.status().control_state == ControlState.DISCONNECTED
    client.enter(device.vending.top_up("0.01").octets)
    assert client.status().control_state == ControlState.READY
    device.press()
    assert client.status().control_state == ControlState.CONNECTED
    held, booked = balances(client)
    assert held == booked


@pytest.mark.needs("fresh", "load", "time", "mains", "tokens")
def test_a_power_cut_takes_no_credit_and_no_token(device):
    client = device.client
    token = device.vending.top_up("20.00").octets
    client.enter(token)
    device.use(watts=1000, minutes=14)
    before = client.registers()
    device.cut_power(minutes=10)
    after = client.registers()
    assert after.credited == before.credited == 35
    assert 0 <= before.energy_wh - after.energy_wh <= 250
    with pytest.raises(TokenUsed):
        client.enter(token)
    names = [entry.code.name for entry in client.events()]
    assert names[-3:-1] == ["POWER_DOWN", "POWER_UP"] or "POWER_UP" in names
    held, booked = balances(client)
    assert held == booked


@pytest.mark.needs("fresh", "time", "tokens")
def test_five_wrong_tags_lock_guesses_out_for_a_minute_and_no_genuine_token(device):
    client = device.client
    token = device.vending.top_up("20.00").octets
    forged = token[:-1] + bytes([token[-1] ^ 1])
    reasons = []
    for _ in range(7):
        with pytest.raises(AuthenticationFailure) as refused:
            client.enter(forged)
        reasons.append(refused.value.reason)
    assert reasons == [TokenReason.TAG] * 5 + [TokenReason.LOCKED] * 2
    assert isinstance(refused.value, LockedOut)
    assert 0 < refused.value.locked_s <= 60
    assert f"{refused.value.locked_s} s left" in str(refused.value)
    device.wait(seconds=1)
    assert client.enter(token).effect


def test_a_long_request_is_answered_with_an_error(device):
    assert tokens.KeyToken.sizeof() < framing.MAX_CONTENT
    exchange = device.client.exchange
    octets = bytes(range(64))
    assert exchange.ask(Message.PING, octets).payload == octets


def test_it_says_what_flows(device):
    status = device.client.status()
    assert (status.power_w, status.current_ma) != (None, None)
    assert status.supply_on or status.power_w == 0
    old = device.client.exchange.ask(Message.STATUS).payload  # who asks for the first edition
    assert "power_w" not in old


# ---- By hand: what a person at the bench does, and what the meter must show --------------------


def events_of(device, step):
    """Log codes of what happens while a person does something."""
    after = device.client.events()[-1].number
    device.hand(step)
    return [entry.code for entry in device.client.events() if entry.number > after]


@pytest.mark.needs("hands")
def test_every_pulse_counts_once(device):
    before = device.client.registers()
    device.hand("pulses")
    assert device.client.registers().energy_wh - before.energy_wh == 100
    assert balances(device.client)[0] == balances(device.client)[1]


@pytest.mark.needs("hands")
def test_a_pulled_plug_takes_no_credit(device):
    before = device.client.registers()
    codes = events_of(device, "plug")
    after = device.client.registers()
    assert {LogCode.POWER_DOWN, LogCode.POWER_UP} & set(codes)
    assert after.credited == before.credited
    assert before.energy_wh - after.energy_wh < COMMIT_WH
    assert balances(device.client)[0] == balances(device.client)[1]


@pytest.mark.needs("hands")
def test_a_silent_sensor_is_named(device):
    assert LogCode.SENSOR_SILENT in events_of(device, "sensor")


@pytest.mark.needs("hands")
def test_a_stuck_switch_is_named(device):
    assert LogCode.SWITCH_STUCK in events_of(device, "feedback")
