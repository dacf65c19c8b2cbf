"""Drivers on virtual peripherals that behave like the parts, bad days included."""

import importlib
import inspect
import os
import random
import sys
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from budgetmeter import units
from budgetmeter.card import personalise, write_inward
from meterfw import layouts
from meterfw.board import Board
from meterproto.codes import CardOutcome, Kind, TokenReason, TokenStatus

from tests.boards.support import BOARDS, METER, NAMES, STORE_MS, Bench, modbus


@pytest.fixture(params=NAMES)
def bench(request, monkeypatch, tmp_path):
    made = Bench(request.param, monkeypatch, tmp_path)
    made.flash()
    made.start()
    return made


def parts(bench, name):
    """A module of the parts, as the board imported it."""
    return getattr(bench.module.wiring, name)


# ---- S0 pulses ---------------------------------------------------------------------------------


def look(bench):
    """What a pass does with the counter: pulses since the last."""
    bench.board.elapsed_ms()
    return bench.board.pulses()


def test_every_pulse_counts_once(bench):
    bench.world.pass_time(50)
    seen = look(bench)
    for _ in range(25):
        bench.pulse(30, 30)  # the shortest the standard allows
        seen += look(bench)
    bench.world.pass_time(20)
    assert seen + look(bench) == 25
    assert look(bench) == 0


def test_pulses_are_counted_while_nothing_looks(bench):
    """An erase of the flash masks interrupts; a FIFO of four words holds no hundred pulses."""
    bench.world.pass_time(50)
    look(bench)
    for _ in range(100):
        bench.pulse()
    seen = look(bench)
    bench.world.pass_time(20)
    assert seen + look(bench) == 100  # without another pulse


@pytest.mark.parametrize("per_hour", [14_400, 20_000, 36_000, 57_600])
def test_a_pulse_never_waits_for_the_next_one(bench, per_hour):
    """Above 14.4 kW a second has more pulses than the FIFO has words; each pass empties it."""
    bench.world.pass_time(50)
    look(bench)
    between = 3_600_000 // per_hour
    for _ in range(50):
        bench.world.levels[bench.pins["s0"]] = 0
        for _ in range(30):
            bench.world.pass_time(1)
            bench.board.elapsed_ms()
        bench.world.levels[bench.pins["s0"]] = 1
        for _ in range(between - 30):
            bench.world.pass_time(1)
            bench.board.elapsed_ms()
    assert bench.board.pulses() == 50


def test_the_count_wraps(bench):
    counter = bench.board.counter
    bench.world.pass_time(50)
    look(bench)
    if hasattr(counter, "machine"):
        counter.machine.registers["x"] = (-(counter.WRAP - 2)) & 0xFFFFFFFF
        bench.world.pass_time(50)
    else:
        counter._total = counter.WRAP - 2
    before = counter.total()
    assert before == counter.WRAP - 2
    bench.board.pulses()
    assert sum(bench.pulse() or look(bench) for _ in range(5)) == 5
    assert counter.total() == 3


def test_the_changes_of_the_esp32_wrap(monkeypatch, tmp_path):
    bench = Bench("esp32", monkeypatch, tmp_path)
    bench.flash()
    bench.start()
    unit = bench.board.counter.unit
    unit.count = bench.board.counter._changes = unit.max - 3
    bench.world.pass_time(50)
    look(bench)
    assert sum(bench.pulse() or look(bench) for _ in range(5)) == 5
    assert unit.count == 7


def test_a_bouncing_contact_counts_once(bench):
    bench.world.pass_time(50)
    look(bench)
    chance = random.Random(5)
    for _ in range(20):
        for _ in range(4):
            bench.pulse(chance.randint(1, 5), chance.randint(1, 5))
            bench.board.elapsed_ms()
        bench.world.levels[bench.pins["s0"]] = 0
        bench.world.pass_time(40)
        bench.board.elapsed_ms()
        for _ in range(3):
            bench.pulse(chance.randint(1, 5), chance.randint(1, 5))
            bench.board.elapsed_ms()
        bench.world.levels[bench.pins["s0"]] = 1
        bench.world.pass_time(40)
        bench.board.elapsed_ms()
    assert bench.board.pulses() == 20


def test_other_pulse_constants_lose_nothing(bench):
    bench.board.per_1000 = 1250  # 800 pulses a kWh
    total = 0
    for _ in range(40):
        bench.pulse()
        total += look(bench)
    assert total == 50


# ---- PZEM-004T ---------------------------------------------------------------------------------


def test_the_crc_is_that_of_modbus(bench):
    crc16 = parts(bench, "pzem").crc16
    for size in (0, 1, 6, 23, 200):
        data = random.Random(size).randbytes(size)
        assert crc16(data, size) == modbus(data)


def test_current_and_power_are_read_once_a_second(bench):
    bench.pzem.ma, bench.pzem.w, bench.pzem.wh, bench.pzem.mv = 70_123, 16_128, 9_999_999, 229_900
    bench.run(3000)
    board = bench.board
    assert (board.current_ma(), board.power_w()) == (70_123, 16_128)
    assert (board.sensor.wh, board.sensor.mv) == (9_999_999, 229_900)
    assert 3 <= bench.pzem.asked <= 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer[:-1],
        lambda answer: answer[:5] + bytes([answer[5] ^ 1]) + answer[6:],
        lambda answer: answer[:-1] + bytes([answer[-1] ^ 1]),
        lambda answer: b"\x00" + answer,
        lambda answer: answer + answer[:7],
        lambda answer: b"\xf8\x84\x01" + modbus(b"\xf8\x84\x01").to_bytes(2, "little"),
    ],
)
def test_a_damaged_answer_is_never_taken_and_the_next_good_one_is(bench, spoil):
    bench.pzem.ma = 5000
    bench.pzem.spoil = spoil
    bench.run(3000)
    good = spoil(b"x" * 25)[:25] == b"x" * 25  # only something behind it
    assert bench.board.current_ma() == (5000 if good else 0)
    bench.pzem.spoil = None
    bench.pzem.ma = 7000
    bench.run(2500)
    assert bench.board.current_ma() == 7000


def test_a_silent_sensor_is_logged_and_its_last_value_ends(bench):
    bench.pzem.ma = 5000
    bench.run(2000)
    assert bench.board.faults() == 0
    bench.pzem.plugged = False
    bench.run(4000)
    assert bench.board.current_ma() == 5000
    bench.run(3000)
    assert bench.board.current_ma() == 0
    text = bench.send(b"events\r\n").decode()
    assert text.count("sensor-silent") == 1
    bench.pzem.plugged = True
    bench.run(3000)
    assert bench.board.faults() == 0


# ---- Relay, button, beeper ---------------------------------------------------------------------


def test_the_relay_starts_open_and_follows_the_meter(monkeypatch, tmp_path):
    bench = Bench("rp2040", monkeypatch, tmp_path)
    bench.flash()
    bench.module.make()
    assert bench.world.level(bench.pins["relay"]) == 0
    bench.start()
    assert bench.world.level(bench.pins["relay"]) == 1


@pytest.mark.parametrize("stuck_at", [0, 1])
def test_a_stuck_relay_is_logged_once(bench, stuck_at):
    bench.run(1000)
    assert bench.meter.state.control_state == 1
    bench.follow = lambda: bench.world.levels.update({bench.pins["relay_feedback"]: stuck_at})
    if stuck_at:
        bench.meter.enter(bench.office.token(Kind.DISCONNECT, 1))
        assert bench.world.level(bench.pins["relay"]) == 0
    bench.run(5000)
    assert bench.send(b"events\r\n").decode().count("switch-stuck") == 1
    assert bench.board.relay.stuck


def test_the_relay_may_take_its_time(bench):
    relay = bench.board.relay
    for closed in (0, 1, 0, 1):
        relay.put(closed)
        relay.pass_time(parts(bench, "relay")._GRACE_MS - 1)
        assert not relay.stuck
        bench.follow()
        relay.pass_time(1)


def test_a_relay_put_at_the_end_of_a_slow_pass_has_its_time(bench):
    """The next pass follows at once, and the milliseconds it gets are those before."""
    relay = bench.board.relay
    bench.follow()
    relay.put(1 - bench.world.level(bench.pins["relay"]))
    relay.pass_time(700)
    assert not relay.stuck
    relay.pass_time(parts(bench, "relay")._GRACE_MS)
    assert relay.stuck


@pytest.mark.parametrize(("pressed_ms", "seconds"), [(80, 0), (990, 0), (1200, 1), (5100, 5)])
def test_the_button_says_how_long_it_was_pressed(bench, pressed_ms, seconds):
    seen = []
    bench.meter._press = seen.append
    number = bench.pins["button"]
    for level, ms in ((0, 4), (1, 4), (0, pressed_ms), (1, 4), (0, 4), (1, 200)):  # bounces
        bench.world.levels[number] = level
        bench.run(ms, step=2)
    assert seen == [seconds]


def test_a_knock_is_no_press(bench):
    seen = []
    bench.meter._press = seen.append
    bench.world.levels[bench.pins["button"]] = 0
    bench.run(20)
    bench.world.levels[bench.pins["button"]] = 1
    bench.run(500)
    assert seen == []


def test_beeps_are_counted_out_without_waiting(bench):
    beeper, number = bench.board.beeper, bench.pins["beeper"]
    beeper.beep(3)
    levels = [bench.world.level(number)]
    for _ in range(100):
        beeper.pass_time(20)
        levels.append(bench.world.level(number))
    rises = [b > a for a, b in zip([0, *levels], levels, strict=False)]
    assert sum(rises) == 3
    assert levels[-1] == 0
    assert 16 <= sum(levels) <= 20


# ---- DS3231 ------------------------------------------------------------------------------------


def test_the_clock_chip_keeps_the_time_it_was_put_to(bench):
    chip = bench.board.chip
    epoch = datetime(2000, 1, 1)
    chance = random.Random(1)
    for minute in [0, 59, 1440, 84_959, 84_960, *chance.choices(range(52_596_000), k=300)]:
        chip.set(minute)
        assert chip.read() == minute
        when = epoch + timedelta(minutes=minute)
        registers = [f"{octet:02x}" for octet in bench.chip.registers[:7]]
        wanted = f"{when:%S %M %H 0}{when.isoweekday()} {when:%d %m %y}"
        assert " ".join(registers) == wanted
    bench.chip.registers[0] = 0x59
    chip.read()
    assert chip.second == 59


def test_a_chip_that_has_stood_still_or_is_gone_is_no_clock(bench):
    board = bench.board
    assert board.clock() == -1  # never set
    board.set_clock(1_000_000)
    assert board.clock() == 1_000_000
    bench.chip.registers[15] |= 0x80
    assert board.clock() == -1
    bench.chip.registers[15] = 0
    bench.chip.registers[2] |= 0x40  # hours of twelve: set by somebody else
    assert board.clock() == -1
    bench.chip.plugged = False
    assert board.clock() == -1


def test_a_chip_that_was_there_and_cannot_be_put_refuses_the_token(bench):
    before = bench.meter.state.clock
    token = bench.office.token(Kind.CLOCK, before + 600, order_id=1)
    assert bench.board.clock() == -1  # it answers, and was never set
    bench.chip.plugged = False
    assert bench.meter.enter(token)[1] == TokenReason.COMMIT_FAILED
    assert bench.meter.state.clock == before
    bench.chip.plugged = True
    assert bench.meter.enter(token)[0] == TokenStatus.EXECUTED
    assert bench.board.clock() == bench.meter.state.clock == before + 600


def test_without_a_chip_a_clock_token_is_taken(monkeypatch, tmp_path):
    bench = Bench("rp2040", monkeypatch, tmp_path)
    bench.flash()
    bench.chip.plugged = False
    bench.start()
    token = bench.office.token(Kind.CLOCK, bench.meter.state.clock + 600, order_id=1)
    assert bench.meter.enter(token)[0] == TokenStatus.EXECUTED


def test_the_meter_takes_the_time_from_the_chip(bench):
    bench.board.set_clock(units.to_clock(datetime(2020, 12, 8, 12, 0)))
    bench.run(61_000, step=500)
    assert b"time 2020-12-08 12:0" in bench.send(b"status\r\n")


# ---- AT24C -------------------------------------------------------------------------------------


def test_a_card_is_noticed_read_and_written(bench):
    board = bench.board
    bench.run(200)
    assert board.card_in() == 1
    page = bytes(range(32))
    assert board.card_write(64, page)
    buffer = bytearray(32)
    assert not board.card_read_into(64, buffer)  # busy with its write cycle
    assert board.card_in() == 1
    bench.run(20)
    assert board.card_read_into(64, buffer)
    assert buffer == page
    assert bytes(bench.card.data[96:100]) == b"\xff" * 4


def test_addresses_are_sixteen_bits(bench):
    bench.run(200)
    assert bench.board.card_write(0x0F20, b"end")
    bench.run(20)
    assert bytes(bench.card.data[0x0F20:0x0F23]) == b"end"


def test_a_card_that_is_pulled_is_gone(bench):
    bench.run(200)
    bench.card.plugged = False
    assert not bench.board.card_read_into(0, bytearray(8))
    assert not bench.board.card_write(0, b"x")
    bench.run(200)
    assert bench.board.card_in() == 0


def test_a_card_that_is_writing_stays_in_after_a_slow_pass(bench):
    """A pass that ends in a page write and began with a commit; the next one follows at once."""
    bench.run(200)
    bench.world.pass_time(STORE_MS)
    assert bench.board.card_write(64, bytes(32))
    for _ in range(20):
        bench.board.elapsed_ms()
        assert bench.board.card_in() == 1
        bench.world.pass_time(1)
    bench.card.plugged = False
    bench.run(200)
    assert bench.board.card_in() == 0


def test_a_card_is_visited_once_and_keeps_its_report(bench):
    made = personalise(bench.office.key, type=1, meter=METER, card=7, key_revision=1)
    assert write_inward(made, 0, [bench.office.token(Kind.TOP_UP, 1_000_000, order_id=1)])
    bench.card.data[:] = made.data[: len(bench.card.data)]
    bench.run(6000, step=2)
    slot = bench.meter.slot
    assert (slot.present, slot.outcome, slot.taken) == (True, CardOutcome.GOOD.value, 1)
    assert bench.send(b"events\r\n").count(b"card-read") == 1


# ---- Display -----------------------------------------------------------------------------------


def test_the_page_stands_on_the_panel(bench):
    bench.run(1000)
    texts = bench.board.screen.buffer.texts
    assert [y for _, _, y in texts] == [4, 20, 36, 52]
    assert all(len(text) <= 16 for text, _, _ in texts)
    assert bench.panel.on


def test_without_a_display_or_its_driver_the_meter_runs(monkeypatch, tmp_path):
    bench = Bench("rp2040", monkeypatch, tmp_path, display=False)
    bench.flash()
    bench.start()
    bench.run(1000)
    assert bench.board.screen.buffer is None


@pytest.mark.parametrize("trouble", [OSError(5), MemoryError()])
def test_a_display_that_misses_a_page_shows_the_next(bench, trouble):
    """A card that is put in disturbs the bus; a transfer copies a kilobyte on the RP2040."""
    screen = bench.board.screen.buffer
    show = screen.show

    def fail():
        raise trouble

    screen.show = fail
    bench.run(61_000, step=500)
    assert bench.send(b"version\r\n").endswith(b"ok\r\n")
    screen.show = show
    bench.panel.transfers = 0
    bench.run(61_000, step=500)
    assert bench.panel.transfers > 0


def test_a_display_that_is_pulled_stops_nothing(bench):
    bench.panel.plugged = False
    bench.run(61_000, step=500)
    assert bench.send(b"version\r\n").endswith(b"ok\r\n")


def test_a_driver_that_finds_no_memory_is_no_display(monkeypatch, tmp_path):
    bench = Bench("rp2040", monkeypatch, tmp_path)

    def none(*arguments):
        raise MemoryError

    monkeypatch.setattr(sys.modules["ssd1306"], "SSD1306_I2C", none)
    bench.flash()
    bench.start()
    assert bench.board.screen.buffer is None


# ---- Link --------------------------------------------------------------------------------------


def test_the_console_answers_on_the_uart(bench):
    assert b"meter 000000555" in bench.send(b"version\r\n")


def test_a_long_answer_waits_for_the_wire(bench):
    """The buffer of the UART holds 512 octets."""
    answer = bench.send(b"profile\r\n")
    assert len(answer) > 512
    assert answer.endswith(b"ok\r\n")
    names = [line.split()[0].decode() for line in answer.splitlines()[1:-1]]
    assert names == list(layouts.PROFILE_FIELDS)


def test_what_the_port_takes_later_waits_and_what_nobody_reads_is_dropped(monkeypatch):
    """USB is full for a moment after some hundred octets, or for good when the host is away."""
    monkeypatch.syspath_prepend(str(BOARDS))
    port = importlib.import_module("parts.port")
    waited, sent = [], []

    class Poll:
        room_after_ms = 5

        def register(self, stream, event):
            pass

        def ipoll(self, wait_ms):
            waited.append(wait_ms)
            return [1] if wait_ms >= self.room_after_ms else []

    streams = SimpleNamespace(buffer=SimpleNamespace(write=lambda data: sent.append(bytes(data))))
    monkeypatch.setattr(port, "select", SimpleNamespace(poll=Poll, POLLIN=1, POLLOUT=4))
    monkeypatch.setattr(port, "sys", SimpleNamespace(stdin=streams, stdout=streams))
    standard = port.Standard()
    standard.write(b"part of an answer", 4)
    assert sent == [b"part"]
    Poll.room_after_ms = 10_000
    for _ in range(3):
        standard.write(b"for nobody", 10)
    assert sent == [b"part"]
    assert waited == [port._PATIENCE_MS] * 2 + [0, 0]  # patience is lost once, not at every line
    Poll.room_after_ms = 0
    standard.write(b"back", 4)
    assert sent == [b"part", b"back"]


def test_the_console_leaves_to_the_repl(bench):
    assert bench.module.safe_boot() is False
    bench.send(b"repl\r\n")
    assert bench.world.resets >= 1
    assert bench.module.safe_boot() is True  # this start
    assert bench.module.safe_boot() is False  # and not the next


def test_a_flash_too_full_to_note_it_is_said_and_the_meter_goes_on(bench):
    os.mkdir("repl")  # cannot be written to
    assert bench.send(b"repl\r\n").splitlines()[-1].startswith(b"error ")
    assert bench.world.resets == 0
    assert bench.send(b"version\r\n").endswith(b"ok\r\n")


def test_a_rig_without_a_feedback_contact_reports_no_stuck_switch(monkeypatch, tmp_path):
    bench = Bench("rp2040", monkeypatch, tmp_path)
    bench.module.PINS["relay_feedback"] = None
    bench.flash()
    bench.start()
    monkeypatch.setattr(bench, "follow", lambda: None)
    bench.run(2000)
    assert bench.world.level(bench.pins["relay"]) == 1
    assert not bench.board.relay.stuck


def test_a_rig_does_what_a_meter_asks_of_its_board(bench):
    """It does without the base class, for the memory."""
    for name, wanted in inspect.getmembers(Board, inspect.isfunction):
        given = inspect.signature(getattr(bench.board, name)).parameters
        assert len(given) == len(inspect.signature(wanted).parameters) - 1, name


def test_the_safe_boot_pin_leads_to_the_repl(bench):
    bench.world.levels[bench.pins["safe_boot"]] = 0
    assert bench.module.safe_boot() is True


def test_the_pull_up_of_the_safe_boot_pin_has_time_to_rise(bench, monkeypatch):
    """The RP2040 pulls its pins down until then, and a long wire has a capacity."""
    number = bench.pins["safe_boot"]
    bench.world.pins.pop(number, None)
    remove, pulled_up = os.remove, []

    def look(name):
        pulled_up.append(number in bench.world.pins)
        remove(name)

    monkeypatch.setattr(os, "remove", look)
    assert bench.module.safe_boot() is False
    assert pulled_up == [True]  # it is read a look at the file system later
