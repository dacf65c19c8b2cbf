"""Crashes: what they leave, and after how many the meter stays up without measuring."""

import unittest

from meterfw.board import RESET_COMMAND, RESET_POWER, RESET_WATCHDOG
from meterfw.meter import Meter
from meterfw.store.crashes import Crashes

from tests.firmware.support import EUR, Kind, LogCode, Message, TokenStatus
from tests.firmware.unit.bench import Bench


def restart(bench, cause):
    """The board starts again."""
    bench.board.reset_cause = lambda: cause
    bench.meter = Meter(bench.board)
    return bench.meter.crashes


def crash(bench, text="broken"):
    """A pass fails, as in `main.py`; the board is reset by a command."""
    bench.meter.crashes.note(ValueError(text))
    return restart(bench, RESET_COMMAND)


def codes(bench):
    return [entry[2] for _, entry in bench.meter.log.numbered()]


class Row(unittest.TestCase):
    def test_the_third_crash_in_a_row_leads_to_the_safe_state(self):
        bench = Bench()
        for count in (1, 2):
            assert not crash(bench).safe
            assert bench.meter.crashes.count == count
        assert crash(bench).safe
        assert codes(bench)[-2:] == [LogCode.CRASHED, LogCode.SAFE_STATE]

    def test_five_quiet_minutes_begin_a_new_row(self):
        bench = Bench()
        for wait, count in ((0, 1), (299, 2), (300, 1), (299, 2), (0, 3)):
            bench.wait(wait)
            assert crash(bench).count == count

    def test_hangs_count_and_commands_do_not(self):
        bench = Bench()
        for _ in range(5):
            assert restart(bench, RESET_COMMAND).count == 0
        assert codes(bench)[-1] == LogCode.RESTARTED
        for count in (1, 2, 3):
            assert restart(bench, RESET_WATCHDOG).count == count
        assert bench.meter.crashes.safe
        assert codes(bench)[-2:] == [LogCode.HUNG, LogCode.SAFE_STATE]
        assert restart(bench, RESET_COMMAND).safe  # a command is no repair

    def test_a_power_cut_ends_the_row_and_the_safe_state(self):
        bench = Bench()
        for _ in range(3):
            crash(bench)
        assert not restart(bench, RESET_POWER).safe
        assert bench.meter.crashes.count == 0
        assert bench.meter.crashes.lines()[-1] == "ValueError: broken"
        assert LogCode.CRASHED not in codes(bench)[-2:]
        assert not crash(bench).safe

    def test_a_crash_is_told_once(self):
        bench = Bench()
        crash(bench)
        assert codes(bench).count(LogCode.CRASHED) == 1
        restart(bench, RESET_COMMAND)
        assert codes(bench)[-1] == LogCode.RESTARTED


class Kept(unittest.TestCase):
    def test_the_end_of_a_long_traceback_is_kept_and_shown_as_plain_text(self):
        bench = Bench()
        crash(bench, "a" * 600 + chr(7) + "b\nc")
        lines = bench.meter.crashes.lines()
        assert (lines[-2][-4:], lines[-1]) == ("aa?b", "c")
        assert len(bench.meter.crashes.text) == 480

    def test_version_and_events_show_it(self):
        bench = Bench()
        assert "safe_state 0" in bench.type("version")
        crash(bench)
        for word in ("version", "events"):
            said = [line for line in bench.type(word) if line.startswith("crash ")]
            assert said[-1] == "crash ValueError: broken"

    def test_a_file_of_junk_or_a_full_flash_stops_no_meter(self):
        for junk in (b"", b"\n", b"!\n", b"9", b"x\ny", b"-1\n", bytes(900), b"\xff" * 40):
            bench = Bench()
            bench.board.files["crash"] = junk
            assert restart(bench, RESET_COMMAND).count in (0, 9)
        bench = Bench()

        def full(name, data):
            raise OSError(28)

        bench.board.store = full
        crashes = Crashes(bench.board)
        crashes.note(ValueError("broken"))
        assert crashes.count == 1


class Safe(unittest.TestCase):
    def test_supply_stays_as_the_account_says_and_the_port_answers(self):
        bench = Bench()
        for _ in range(3):
            crash(bench)

        def broken():
            raise OSError(5)

        bench.board.pulses = broken
        bench.wait(5)
        assert bench.board.closed == 1
        assert "safe_state 1" in bench.type("version")
        before = bench.state.credit
        status, _ = bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR, order_id=1))
        assert status == TokenStatus.EXECUTED
        assert bench.ask(Message.STATUS).credit == before + 5 * EUR

    def test_what_fails_there_is_passed_over(self):
        bench = Bench()
        for _ in range(3):
            crash(bench)
        whole = bench.board.read_into

        def broken(buffer):
            raise OSError(5)

        bench.board.read_into = broken
        bench.wait(2)
        bench.board.read_into = whole
        assert "safe_state 1" in bench.type("version")
