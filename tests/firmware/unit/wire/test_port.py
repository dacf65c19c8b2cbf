"""The serial port: console and frames on one stream, and what junk leaves behind."""

import struct
import unittest
from binascii import hexlify

from meterfw import layouts
from meterfw.store.journal import crc
from meterfw.wire import text

from tests.firmware.support import EUR, Kind, LogCode, Message, clock, fields, mc
from tests.firmware.unit.bench import Bench, executed, frame, typed, with_check

PING = frame(b"\x01\x01\x09there?")
PONG = frame(b"\x01\x81\x09there?")


def values(lines):
    """The `name value` lines of an answer."""
    assert lines[-1] == "ok"
    return dict(line.split(" ", 1) for line in lines[:-1])


class Console(unittest.TestCase):
    def test_help_names_every_command(self):
        bench = Bench()
        lines = bench.type("help")
        assert lines[-1] == "ok"
        names = [line.split()[0] for line in lines[:-1]]
        reading = ["help", "status", "registers", "events", "profile"]
        assert names == reading + ["token", "test", "echo", "version", "repl"]
        for name in reading + ["test", "version"]:
            assert bench.type(name)[-1] == "ok"

    def test_leaving_to_the_repl_stores_first_and_is_for_boards_that_have_one(self):
        bench = Bench()
        assert bench.type("repl") == ["error not on this board, or its flash is full"]
        stored, left = [], []
        bench.meter.till.commit = lambda: stored.append(1)

        def leave(commit):
            commit()
            left.append(list(stored))
            return True

        bench.board.leave = leave
        assert bench.type("repl") == []
        assert left == [[1]]

    def test_status_and_registers_in_a_stable_form(self):
        bench = Bench()
        bench.enter(bench.office.token(Kind.TOP_UP, 20 * EUR))
        status = values(bench.type("status"))
        assert status["balance"] == "35.00000 EUR"
        assert status["supply"] == "connected"
        assert status["reasons"] == "none"
        assert status["time"] == "2020-12-08 07:20:00 Tue"
        assert status["price"] == "0.25000 EUR/kWh"
        assert status["last_top_up"] == "20.00000 EUR"
        registers = values(bench.type("registers"))
        assert registers["credited"] == "35.00000 EUR"
        assert registers["energy"] == "0.000 kWh"

    def test_status_shows_grants_and_reasons(self):
        bench = Bench(clock=clock("2020-12-08 12:00"))
        until = clock("2021-01-31 10:00")
        bench.enter(bench.office.token(Kind.OVERDRAFT, 50 * EUR, until, order_id=1))
        bench.enter(bench.office.token(Kind.PRICE, 30_000, until))
        bench.enter(bench.office.token(Kind.DISCONNECT, 1))
        status = values(bench.type("status"))
        assert status["overdraft_until"] == "2021-01-31 10:00:00"
        assert status["price_from"] == "2021-01-31 10:00:00"
        assert (status["supply"], status["reasons"]) == ("disconnected", "operator")
        bench = Bench("brussels-limiter", clock=clock("2020-12-08 12:00"))
        bench.enter(bench.office.token(Kind.LIMIT, until, 9200))
        status = values(bench.type("status"))
        assert status["limit_until"] == "2021-01-31 10:00:00"
        assert status["limit_power"] == "4600 W"

    def test_negative_totals_are_shown_exactly(self):
        assert text.total(-8, 25_000) == "-7.75000"
        assert text.total(-8, 0) == "-8.00000"
        assert text.total(7, 1) == "7.00001"

    def test_a_typed_token(self):
        for form in ["groups", "digits"]:
            with self.subTest(form=form):
                bench = Bench()
                token = bench.office.token(Kind.TOP_UP, 20 * EUR)
                line = typed(token)
                if form == "digits":
                    line = hexlify(with_check(token)).decode()
                answer = values(bench.type("token " + line))
                assert answer == {
                    "number": "1",
                    "balance": "35.00000 EUR",
                    "supply": "connected",
                    "status": "3",
                    "reason": "0",
                }
                again = bench.type("TOKEN " + line.lower().replace("-", " "))
                assert again[-1] == "error refused, reason 35"
                assert "balance 35.00000 EUR" in again

    def test_a_mistyped_token_is_a_format_failure_and_no_forgery(self):
        bench = Bench()
        line = typed(bench.office.token(Kind.TOP_UP, EUR))
        swapped = line[:5] + line[6] + line[5] + line[7:]
        for _ in range(20):
            answer = bench.type("token " + swapped)
            assert answer[-1] == "error refused, reason 2"
        assert bench.meter.gateway.locked_ms == 0
        assert bench.type("token " + line)[-1] == "ok"

    def test_events_on_the_console(self):
        bench = Bench()
        bench.enter(bench.office.token(Kind.TOP_UP, 20 * EUR))
        lines = bench.type("events")
        assert lines[0] == "0 2020-12-08 07:20:00 state-new 15.00 EUR"
        assert any("credited 35.00 EUR" in line for line in lines)
        assert any("token-accepted" in line for line in lines)

    def test_profile_and_version(self):
        bench = Bench()
        profile = values(bench.type("profile"))
        assert profile["name"] == "wallonia-card"
        assert profile["emergency_preset"] == "12.00 EUR"
        assert profile["price"] == "0.25 EUR/kWh"
        assert (profile["window_from"], profile["window_to"]) == ("16:00", "08:00")
        assert (profile["window_days"], profile["winter_from"]) == ("Sat,Sun", "11-01")
        assert (profile["limit_ma"], profile["payment_mode"]) == ("10000 mA", "2")
        assert set(profile) == set(("name",) + layouts.PROFILE_FIELDS)
        version = values(bench.type("version"))
        assert version["meter"] == "123456789"
        assert version["key_revision"] == "1"

    def test_the_relay_clicks_only_when_that_is_safe(self):
        bench = Bench()
        assert "relay not clicked: not safe now" in bench.type(
            "test"
        )  # a minute without load first
        bench.wait(60)
        assert bench.type("test") == ["display tested", "relay clicked", "ok"]
        assert bench.board.lines == ("8" * 16,) * 4 or bench.board.closed is False
        bench.wait(1)
        assert bench.board.closed is True
        bench.wait(60)
        bench.board.w, bench.board.ma = 100, 400
        assert "relay not clicked: not safe now" in bench.type("test")
        gas = Bench("wallonia-gas")
        gas.wait(60)
        assert "relay not clicked: not safe now" in gas.type("test")
        off = Bench(clock=clock("2020-12-08 12:00"))
        off.wait(60)
        off.enter(off.office.token(Kind.DISCONNECT, 1))
        assert "relay not clicked: not safe now" in off.type("test")
        assert off.board.closed is False

    def test_nobody_at_the_port_can_hold_supply_open(self):
        """The open relay makes the load zero, which is no proof that none waits."""
        bench = Bench()
        bench.wait(60)
        opened = 0
        for _ in range(600):
            bench.type("test")
            bench.wait(1)
            opened += bench.board.closed is False
        assert opened <= 11

    def test_without_sensors_pulses_tell_of_the_load(self):
        bench = Bench()
        bench.wait(60)
        bench.board.use(1)
        bench.wait(1)
        assert "relay not clicked: not safe now" in bench.type("test")

    def test_unusable_lines_say_so_and_leave_the_port_usable(self):
        for line, said in [
            ("hello", "error unknown command; try help"),
            ("status now", "error status takes no argument"),
            ("token", "error token takes a token"),
            ("token 1234", "error refused, reason 2"),
            ("token " + "Z" * 64, "error refused, reason 2"),
            ("x" * 161, "error line too long"),
            ("x" * 5000, "error line too long"),
        ]:
            with self.subTest(line=line, said=said):
                bench = Bench()
                before = fields(bench.state)
                assert bench.type(line)[-1] == said
                assert fields(bench.state) == before
                assert bench.type("version")[-1] == "ok"
                assert bench.send(PING) == PONG

    def test_bytes_that_are_no_text(self):
        bench = Bench()
        assert bench.send(b"\x80\xff\x00\r\n") == b"error not plain text\r\n"
        assert bench.send(b"stat\x08\x08atus\r\n").endswith(b"ok\r\n")  # the backspace works
        assert bench.send(b"\r\n\r\n   \r\n") == b""

    def test_with_an_echo_a_bare_terminal_shows_what_is_typed_and_a_prompt(self):
        bench = Bench()
        assert bench.send(b"echo on\r") == b"ok\r\n> "
        assert bench.send(b"help\x7f\x7f\x7f\x7f\x7f") == b"help" + b"\b \b" * 4
        answer = bench.send(b"test\r")
        assert answer.startswith(b"test\r\ndisplay tested\r\n")
        assert answer.endswith(b"ok\r\n> ")
        assert bench.send(b"\r") == b"\r\n> "
        assert bench.send(b"echo off\r") == b"echo off\r\nok\r\n"
        assert bench.type("test")[0] == "display tested"

    def test_a_program_that_speaks_ends_the_echo(self):
        bench = Bench()
        bench.type("echo on")
        assert bench.send(PING) == PONG
        assert bench.type("version")[0] == "meter 123456789"

    def test_a_reason_is_a_sentence_of_the_file_words(self):
        bench = Bench()
        text = b"one,two\n2 verkeerd getypt\n35 al eerder aanvaard\n"
        bench.board.files["words"] = text + struct.pack("<L", crc(text))
        assert bench.type("token 1234")[-1] == "error verkeerd getypt (reason 2)"
        line = typed(bench.office.token(Kind.TOP_UP, EUR))
        assert bench.type("token " + line)[-1] == "ok"
        assert bench.type("token " + line)[-1] == "error al eerder aanvaard (reason 35)"
        bench.board.files["words"] = text + b"1234"  # damaged
        assert bench.type("token 1234")[-1] == "error refused, reason 2"
        bench.board.unreadable.add("words")
        assert bench.type("token 1234")[-1] == "error refused, reason 2"


class Frames(unittest.TestCase):
    def test_text_and_frames_share_the_port(self):
        bench = Bench()
        answer = bench.send(b"versi" + PING + b"version\r\n" + PING)
        assert answer.count(PONG) == 2
        assert b"meter 123456789" in answer

    def test_a_frame_byte_by_byte(self):
        bench = Bench()
        seen = b"".join(bench.send(bytes([octet])) for octet in PING)
        assert seen == PONG

    def test_events_by_page(self):
        bench = Bench()
        for _ in range(60):
            bench.enter(bench.office.token(Kind.HOLD, bench.state.clock + 100))
        seen = bench.events()
        numbers = [n for n, _ in seen]
        assert numbers == [n for n, _ in bench.meter.log.numbered()]
        assert len(numbers) == 80
        codes = {entry.code for _, entry in seen}
        assert codes == {layouts.EVENT_WORDS.split().index("hold-granted"), LogCode.TOKEN_ACCEPTED}

    def test_a_token_in_a_frame_answers_number_balance_and_supply(self):
        bench = Bench()
        answer = bench.ask(Message.TOKEN, bench.office.token(Kind.TOP_UP, EUR))
        assert (answer.status, answer.reason, answer.number) == (3, 0, 1)
        assert (answer.balance, answer.control_state) == (mc(16), 1)

    def test_reading_changes_nothing(self):
        bench = Bench()
        before = fields(bench.state), bench.meter.memory.pack()
        for kind in (Message.PING, Message.IDENTIFY, Message.STATUS, Message.REGISTERS):
            bench.ask(kind)
        for command in ("status", "registers", "events", "profile", "version", "help"):
            bench.type(command)
        assert (fields(bench.state), bench.meter.memory.pack()) == before


class Junk(unittest.TestCase):
    def test_a_genuine_token_after_junk_still_counts(self):
        bench = Bench()
        bench.send(b"~}garbage~~" + bytes(range(256)))
        assert executed(bench.enter(bench.office.token(Kind.TOP_UP, EUR)))
