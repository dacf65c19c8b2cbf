"""The journal: what is stored when, what is found at start, older layouts, uncertain time."""

import struct
import unittest

from meterfw import layouts
from meterfw.account import rules
from meterfw.store import journal
from meterfw.tokens.till import COMMIT_MIN, COMMIT_WH

from tests.firmware.support import (
    EUR,
    Kind,
    LogCode,
    Message,
    TokenReason,
    TokenStatus,
    clock,
    conserved,
    golden,
    mc,
    profile,
)
from tests.firmware.unit.bench import METER, Bench, Office, flashed, profile_file

OLD = golden("layout_3139.json")
NOON = clock("2020-12-08 12:00")  # a Tuesday, outside friendly hours

EVENING = clock("2020-12-08 17:00")  # inside


def codes(bench):
    """The event codes the meter's log holds."""
    log = bench.meter.log
    return [entry[2] for _, entry in log.numbered()]


def use(bench, wh):
    """Consume so much in one second."""
    bench.board.use(wh)
    bench.wait(1)


def head(bench, name):
    """Magic, layout and sequence of a stored record."""
    size = struct.calcsize(layouts.HEAD_FORMAT)
    return struct.unpack(layouts.HEAD_FORMAT, bench.board.files[name][:size])


def spoil(bench, name, damage):
    """Damage a file of the board."""
    files, data = bench.board.files, bytearray(bench.board.files[name])
    if damage == "cut short":
        files[name] = bytes(data[:-1])
    elif damage == "a bit":
        data[len(data) // 2] ^= 4
        files[name] = bytes(data)
    elif damage == "foreign":
        files[name] = b"\x00\x01 some other program's file" * 30
    elif damage == "gone":
        del files[name]
    else:
        bench.board.unreadable.add(name)


def forget(bench):
    """As if there had been no commit."""
    for name in journal.FILES + (journal.BEGUN,):
        bench.board.files.pop(name, None)


def profile_of(bench):
    """The values of the profile in force."""
    return [getattr(bench.meter.profile, name) for name in layouts.PROFILE_FIELDS]


def bench_of_the_first_layout():
    """A board with the files of a meter of the first layout, and its office."""
    bench = Bench(clock=NOON)
    bench.board.files = {name: bytes.fromhex(data) for name, data in OLD["files"].items()}
    bench.office.key, bench.office.revision = bytes(range(1, 33)), OLD["key_revision"]
    bench.office.number = OLD["number"]
    bench.restart()
    return bench


def without_clock(at=EVENING):
    """A meter with no battery-backed clock."""
    bench = Bench(clock=at)
    bench.board.has_clock = False
    return bench


class Stored(unittest.TestCase):
    def test_energy_is_stored_by_the_quarter_kilowatt_hour(self):
        bench = Bench(clock=NOON)
        names = bench.stores()
        use(bench, COMMIT_WH - 1)
        assert names == []
        use(bench, 1)
        assert len(names) == 1
        assert bench.meter.till.uncommitted_wh() == 0
        use(bench, 100)
        assert bench.meter.till.uncommitted_wh() == 100

    def test_time_is_stored_by_the_quarter_hour(self):
        bench = Bench(clock=NOON)
        names = bench.stores()
        for _ in range(COMMIT_MIN * 60 - 1):
            bench.wait(1)
        assert names == []
        bench.wait(1)
        assert len(names) == 1
        for _ in range(4):
            bench.wait(COMMIT_MIN * 60)
        assert len(names) == 5
        assert set(names) == set(journal.FILES)  # in turn

    def test_a_cut_loses_at_most_a_quarter_kilowatt_hour_and_never_credit(self):
        """Which way the loss falls: energy since the last commit goes uncharged."""
        bench = Bench(clock=NOON)
        use(bench, COMMIT_WH - 1)
        before, energy = bench.state.credit, bench.state.energy_wh
        bench.restart()
        assert energy - bench.state.energy_wh == COMMIT_WH - 1
        assert bench.state.credit - before == (COMMIT_WH - 1) * bench.state.price // 1000
        assert conserved(bench.state)

    def test_an_event_is_stored_at_once(self):
        bench = Bench(clock=NOON)
        while bench.state.control_state == layouts.CONTROL_STATE_CONNECTED:
            use(bench, 200)
        bench.restart()
        assert bench.state.control_state != layouts.CONTROL_STATE_CONNECTED
        assert bench.state.reasons == layouts.REASON_CREDIT
        assert bench.board.closed is False

    def test_a_store_that_fails_is_tried_again_when_it_is_due(self):
        bench = Bench(clock=NOON)
        plain = bench.board.store
        tries = []

        def full(name, data):
            tries.append(name)
            raise OSError(28)

        bench.board.store = full
        use(bench, COMMIT_WH)
        for _ in range(COMMIT_MIN * 60 - 2):
            bench.wait(1)
        assert len(tries) == 1  # not every second
        bench.wait(1)
        assert len(tries) == 2
        assert codes(bench).count(LogCode.COMMIT_FAILED) == 1  # as often as it happens in a row
        bench.board.store = plain
        energy = bench.state.energy_wh
        bench.wait(COMMIT_MIN * 60)
        bench.restart()
        assert bench.state.energy_wh == energy

    def test_a_failed_commit_spoils_only_the_older_record(self):
        """A write that breaks off leaves the newest record where it was."""
        bench = Bench(clock=NOON)
        use(bench, 300)
        kept = bench.state.energy_wh

        def torn(name, data):
            bench.board.files[name] = bytes(data[: len(data) // 2])
            raise OSError(5)

        bench.board.store = torn
        for _ in range(3):
            use(bench, 300)
        del bench.board.store
        bench.restart()
        assert bench.state.energy_wh == kept
        assert bench.meter.found == journal.REPAIRED


class Found(unittest.TestCase):
    def test_the_newest_whole_record_wins(self):
        for which in [0, 1]:
            for damage in ["cut short", "a bit", "foreign", "unreadable", "gone"]:
                with self.subTest(which=which, damage=damage):
                    bench = Bench(clock=NOON)
                    bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR))
                    by_age = sorted(journal.FILES, key=lambda name: head(bench, name)[2])
                    name = by_age[which]  # the older, then the newest
                    spoil(bench, name, damage)
                    bench.restart()
                    assert bench.state.credit == mc(15 if which else 20)
                    assert conserved(bench.state)
                    repaired = damage != "gone"
                    assert bench.meter.found == (journal.REPAIRED if repaired else journal.WHOLE)
                    assert (LogCode.JOURNAL_REPAIRED in codes(bench)) == repaired

    def test_a_lost_store_starts_safe_and_says_so(self):
        for damage in ["cut short", "a bit", "foreign", "unreadable", "gone"]:
            with self.subTest(damage=damage):
                bench = Bench(clock=NOON)
                bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR))
                if damage == "unreadable":
                    bench.board.unreadable = set(bench.board.files)
                    bench.restart()  # not even its identity can be read
                    assert bench.type("status")[-1] == "ok"
                    assert "NOT FLASHED" in bench.board.lines[0]
                    bench.board.unreadable = set(journal.FILES)
                else:
                    for name in journal.FILES:
                        spoil(bench, name, damage)
                bench.restart()
                assert bench.meter.found == journal.LOST
                assert LogCode.STATE_LOST in codes(bench)
                m = bench.state
                assert (m.credit, m.credited_eur, m.credited_mc, m.energy_wh) == (0, 0, 0, 0)
                assert m.control_state != layouts.CONTROL_STATE_CONNECTED
                assert m.reasons & layouts.REASON_CREDIT
                assert bench.ask(Message.STATUS).memory_lost == 1
                assert (
                    bench.enter(bench.office.token(Kind.TOP_UP, EUR))[1] == TokenReason.MEMORY_LOST
                )

    def test_a_lost_store_keeps_supply_where_the_profile_keeps_it(self):
        """Inside friendly hours nobody is cut off by a broken flash."""
        bench = Bench(clock=EVENING)
        bench.lose_store()
        bench.restart()
        assert bench.state.control_state == layouts.CONTROL_STATE_CONNECTED
        assert bench.state.kept == 1

    def test_a_first_start_is_no_loss(self):
        bench = Bench(clock=NOON)
        assert codes(bench)[0] == LogCode.STATE_NEW
        assert bench.board.files[journal.BEGUN] == b"1"

    def test_a_meter_cut_before_its_first_commit_starts_as_new(self):
        bench = Bench(clock=NOON)
        forget(bench)
        bench.board.files["store.0"] = b""  # made, never written
        bench.restart()
        assert bench.meter.found == journal.NEW
        assert bench.state.credit == mc(15)

    def test_a_board_that_is_not_flashed_comes_up_and_says_so(self):
        for damage in ["gone", "cut short", "a bit"]:
            for missing in ["identity", "profile"]:
                with self.subTest(damage=damage, missing=missing):
                    bench = Bench(clock=NOON)
                    forget(bench)
                    spoil(bench, missing, damage)
                    names = bench.stores()
                    bench.restart()
                    for _ in range(30):
                        bench.wait(60)
                    assert "NOT FLASHED" in bench.board.lines[0]
                    assert bench.board.closed is False
                    assert bench.type("status")[-1] == "ok"
                    assert bench.type("events")[-1] == "ok"
                    for kind in (Message.STATUS, Message.REGISTERS, Message.IDENTIFY):
                        assert bench.ask(kind) is not None
                    assert bench.enter(bench.office.token(Kind.TOP_UP, EUR))[1] == TokenReason.METER
                    assert names == []

    def test_an_identity_flashed_again_brings_a_bare_meter_back(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR))
        identity = bench.board.files.pop("identity")
        bench.restart()
        assert bench.meter.flashed is False
        bench.board.files["identity"] = identity
        bench.restart()
        assert bench.state.credit == mc(20)

    def test_no_damage_to_the_profile_file_reaches_the_profile_in_force(self):
        """The journal's own copy goes on, and tokens are taken."""
        bench = Bench(clock=NOON)
        good = bench.board.files["profile"]
        before = profile_of(bench)
        for bit in range(len(good) * 8):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            bench.board.files["profile"] = bytes(bad)
            bench.restart()
            assert profile_of(bench) == before
            assert LogCode.PROFILE_REFUSED in codes(bench)
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED

    def test_a_whole_profile_file_that_contradicts_itself_is_refused(self):
        for name, value in (("energy", 1), ("limit_w", -1), ("winter_to", 0)):
            with self.subTest(name=name):
                bench = Bench(clock=NOON)
                before = profile_of(bench)
                p = profile("wallonia-card")
                setattr(p, name, value)
                bench.board.files["profile"] = profile_file(p)
                bench.restart()
                assert profile_of(bench) == before
                assert LogCode.PROFILE_REFUSED in codes(bench)

    def test_a_profile_flashed_anew_brings_its_limit(self):
        bench = Bench(clock=NOON)
        bench.board.files["profile"] = profile_file(profile("flanders-2003"))
        bench.restart()
        assert (bench.state.limit_ma, bench.state.limit_w) == (0, 1380)

    def test_the_store_of_another_meter_is_foreign(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.TOP_UP, 20 * EUR))
        other = Office(222, bytes(32), derive=True)
        bench.board.files.update(flashed(222, 1, other.key, "wallonia-card"))
        bench.restart()
        assert bench.meter.found == journal.LOST
        assert bench.state.credit == 0
        bench.board.files.update(flashed(222, 2, bytes(range(32)), "wallonia-card"))
        bench.restart()  # flashed with a newer key it is in service again
        assert bench.meter.memory.lost == 0
        assert LogCode.KEY_FLASHED in codes(bench)
        other.key, other.revision = bytes(range(32)), 2
        assert bench.enter(other.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED

    def test_a_lost_meter_needs_a_key_above_every_earlier_one(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.change_key(bytes(range(1, 33))))  # revision 2
        old = bench.office.token(Kind.TOP_UP, 20 * EUR)
        bench.enter(old)
        bench.lose_store()
        for revision in (1, 2):
            bench.board.files.update(flashed(METER, revision, bytes(32), "wallonia-card"))
            bench.restart()
            assert bench.meter.memory.lost == 1
        bench.board.files.update(flashed(METER, 3, bytes(32), "wallonia-card"))
        bench.restart()
        assert bench.meter.memory.lost == 0
        assert bench.enter(old)[1] == TokenReason.KEY_REVISION
        assert bench.state.credit == 0

    def test_the_lock_out_level_is_stored(self):
        bench = Bench(clock=NOON)
        token = bench.office.token(Kind.TOP_UP, EUR)
        forged = token[:-1] + bytes([token[-1] ^ 1])
        for _ in range(5):
            assert bench.enter(forged)[0] == TokenStatus.AUTHENTICATION_FAILURE
        bench.restart()
        assert bench.ask(Message.STATUS).locked_s == 60
        assert bench.enter(forged)[1] == TokenReason.LOCKED
        bench.wait(1)
        assert bench.enter(token)[0] == TokenStatus.EXECUTED
        bench.restart()
        assert bench.ask(Message.STATUS).locked_s == 0

    def test_the_event_log_survives_and_is_read_over_wire_and_console(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR))
        count = bench.meter.log.count
        bench.restart()
        names = [line.split()[3] for line in bench.type("events")[:-1]]
        assert names[0] == "state-new"
        assert "token-accepted" in names[:count]
        assert names[count:] == ["power-down", "power-up"]
        assert [entry.code for _, entry in bench.events()] == codes(bench)


class OlderLayouts(unittest.TestCase):
    def test_a_store_of_the_first_layout_is_migrated(self):
        """Written by the release before the journal; its file is `store`."""
        bench = bench_of_the_first_layout()
        assert bench.meter.found == journal.WHOLE
        after = {name: getattr(bench.state, name) for name in OLD["state"]}
        assert after == OLD["state"]
        assert bench.meter.profile.low_credit == OLD["low_credit"]
        memory = bench.meter.memory
        assert (memory.numbers.highest, memory.orders.highest) == (OLD["number"], OLD["order"])
        assert memory.key_revision == OLD["key_revision"]
        assert head(bench, "store.1")[1] == layouts.LAYOUT
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED
        bench.restart()  # and the old file never wins again
        assert bench.state.credit == OLD["state"]["credit"] + EUR
        bench.lose_store()
        bench.restart()
        assert bench.meter.found == journal.LOST

    def test_a_layout_nobody_knows_is_refused_not_misread(self):
        for layout in [0, 1, layouts.LAYOUT + 1, 3138, 65_535]:
            with self.subTest(layout=layout):
                bench = Bench(clock=NOON)
                bench.enter(bench.office.token(Kind.TOP_UP, 5 * EUR))
                for name in journal.FILES:
                    data = bytearray(bench.board.files[name])
                    data[4:6] = struct.pack("<H", layout)
                    data[-4:] = struct.pack("<L", journal.crc(data[:-4]))
                    bench.board.files[name] = bytes(data)
                bench.restart()
                assert bench.meter.found == journal.LOST
                assert bench.state.credit == 0


class OutOfRange(unittest.TestCase):
    def test_a_field_out_of_its_range_is_not_stored(self):
        """`struct` would wrap it in silence."""
        bench = Bench()
        stored = dict(bench.board.files)
        bench.state.payment_mode = 99
        assert not bench.meter.commit()
        assert bench.board.files == stored


class UncertainTime(unittest.TestCase):
    def test_a_clock_chip_gives_the_time_back(self):
        bench = Bench(clock=NOON)
        bench.board.pass_time(7200)
        bench.restart()
        assert bench.state.clock == NOON + 120
        assert bench.state.uncertain == 0

    def test_without_one_each_restart_is_a_commit_interval_later_and_uncertain(self):
        bench = without_clock()
        bench.board.pass_time(7200)
        bench.restart()
        assert bench.state.clock == EVENING + COMMIT_MIN
        assert bench.state.uncertain == 1
        assert bench.meter.log.entry(bench.meter.log.place - 1)[2] == LogCode.TIME_UNCERTAIN
        bench.restart()
        assert bench.state.clock == EVENING + 2 * COMMIT_MIN
        assert "time_uncertain 1" in bench.type("status")
        assert bench.ask(Message.STATUS).uncertain == 1

    def test_a_first_start_without_a_clock_is_uncertain_and_no_later(self):
        bench = without_clock()
        forget(bench)
        bench.restart()
        assert (bench.state.clock, bench.state.uncertain) == (0, 1)

    def test_uncertain_friendly_hours_protect_for_a_day_of_power(self):
        """Nobody can stay in friendly hours by pulling the plug."""
        bench = without_clock()
        bench.enter(bench.office.token(Kind.HOLD, EVENING + 20_000, order_id=1))
        bench.restart()
        while bench.state.credit - bench.state.emergency_used >= 0:
            use(bench, 400)
        while (
            bench.state.control_state == layouts.CONTROL_STATE_CONNECTED
            and bench.state.uncertain_min < 1440
        ):
            bench.wait(3600)
            bench.restart()
            assert bench.state.control_state == layouts.CONTROL_STATE_CONNECTED or (
                bench.state.uncertain_min == 1440
            )
        assert bench.state.uncertain_min == 1440
        assert bench.state.hold_until > bench.state.clock  # the hold itself stands
        assert rules.kept_on(bench.state) == 0
        assert bench.state.control_state != layouts.CONTROL_STATE_CONNECTED
        assert bench.state.reasons == layouts.REASON_CREDIT

    def test_the_time_by_token_or_chip_makes_it_certain_again(self):
        bench = without_clock()
        bench.restart()
        bench.enter(bench.office.token(Kind.CLOCK, EVENING + 100, order_id=1))
        assert (bench.state.clock, bench.state.uncertain, bench.state.uncertain_min) == (
            EVENING + 100,
            0,
            0,
        )
        bench.restart()
        assert bench.state.uncertain == 1
        bench.board.has_clock = True
        bench.wait(60)
        assert bench.state.uncertain == 0

    def test_what_expires_waits_for_the_time(self):
        """A token still good at the last commit's time may be long over after a cut."""
        bench = without_clock(NOON)
        token = bench.office.token(Kind.TOP_UP, EUR, expiry=NOON + 60)
        late = bench.office.token(Kind.TOP_UP, EUR, expiry=NOON + COMMIT_MIN - 1)
        bench.board.pass_time(86_400)
        bench.restart()
        assert bench.enter(late)[1] == TokenReason.EXPIRED
        assert bench.enter(token)[1] == TokenReason.TIME_UNCERTAIN
        endless = bench.office.token(Kind.TOP_UP, EUR)
        assert bench.enter(endless)[0] == TokenStatus.EXECUTED
        now = bench.office.token(Kind.CLOCK, NOON + 30, expiry=NOON + 59)
        assert bench.enter(now)[0] == TokenStatus.EXECUTED
        assert bench.enter(token)[0] == TokenStatus.EXECUTED
        assert bench.enter(token)[1] == TokenReason.USED

    def test_one_wrong_reading_of_the_chip_ends_nothing(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.HOLD, NOON + 1000, order_id=1))
        for wrong in (NOON + 500_000, 60_000_000, 0, -5):
            bench.board.clock = lambda wrong=wrong: wrong
            bench.wait(60)
            assert NOON <= bench.state.clock < NOON + 60
            del bench.board.clock
            bench.wait(60)
            assert bench.state.hold_until == NOON + 1000
        bench.board.set_clock(bench.board.clock() + 500)
        bench.wait(60)
        assert bench.state.clock < NOON + 60
        bench.wait(60)  # twice the same
        assert bench.state.clock > NOON + 500

    def test_a_chip_that_has_lost_the_time_is_none(self):
        """After a change of its battery, or with garbage for a date."""
        for wrong in (0, 60_000_000):
            with self.subTest(wrong=wrong):
                bench = Bench(clock=NOON)
                bench.board.clock = lambda wrong=wrong: wrong
                bench.restart()
                assert bench.state.clock == NOON + COMMIT_MIN
                assert bench.state.uncertain == 1
                token = bench.office.token(Kind.TOP_UP, EUR)
                assert bench.enter(token)[0] == TokenStatus.EXECUTED

    def test_a_clock_token_that_was_cut_can_be_entered_again(self):
        bench = Bench(clock=NOON)
        token = bench.office.token(Kind.CLOCK, NOON + 600, order_id=1)

        def cut(name, data):
            raise KeyboardInterrupt

        bench.board.store = cut
        try:
            raise AssertionError(bench.enter(token))
        except KeyboardInterrupt:
            del bench.board.store
        bench.restart()
        assert bench.enter(token)[0] == TokenStatus.EXECUTED
        assert bench.state.clock == bench.board.clock() == NOON + 600

    def test_a_chip_that_cannot_be_put_refuses_the_token(self):
        def broken(clock):
            raise OSError(5)

        bench = Bench(clock=NOON)
        bench.board.set_clock = broken
        token = bench.office.token(Kind.CLOCK, NOON + 600, order_id=1)
        assert bench.enter(token)[1] == TokenReason.COMMIT_FAILED
        assert bench.state.clock == NOON
        del bench.board.set_clock
        assert bench.enter(token)[0] == TokenStatus.EXECUTED

    def test_restarts_move_an_uncertain_clock_by_a_day_in_all(self):
        bench = without_clock()
        for _ in range(300):
            bench.restart()
        assert bench.state.clock == EVENING + 1440 + COMMIT_MIN


class LogAndErrors(unittest.TestCase):
    def test_restarts_in_a_row_are_one_pair_under_new_numbers(self):
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.TOP_UP, EUR))
        before = codes(bench)
        last = -1
        for _ in range(200):
            bench.restart()
            assert codes(bench) == before + [LogCode.POWER_DOWN, LogCode.POWER_UP]
            (down, _), (up, _) = bench.events()[-2:]
            assert down > last
            last = up
        bench.enter(bench.office.token(Kind.TOP_UP, EUR))
        bench.restart()
        assert codes(bench).count(LogCode.POWER_UP) == 2

    def test_a_number_that_was_shown_is_never_another_event(self):
        """Noting a refused token wears no flash: a start goes on above all that can be shown."""
        bench = Bench(clock=NOON)
        names = bench.stores()
        seen = {}
        for count in (0, 1, 40, 320):  # at last more than the numbers of one reserve
            for i in range(count):
                bench.enter(b"junk")
                if i % 7 == 0:
                    bench.meter.log.note(bench.state, LogCode.SENSOR_SILENT)
                if i % 50 == 0:
                    self._see(bench, seen)
            self._see(bench, seen)
            assert names == []
            highest = max(seen)
            bench.restart()
            fresh = [(n, entry.code) for n, entry in bench.events() if n > highest]
            assert [code for _, code in fresh] == [LogCode.POWER_DOWN, LogCode.POWER_UP]
            self._see(bench, seen)
            names.clear()

    def _see(self, bench, seen):
        for number, entry in bench.events():
            one = (entry.clock, entry.second, entry.code, entry.reasons, entry.balance)
            assert seen.setdefault(number, one) == one

    def test_refusals_in_a_row_are_one_entry(self):
        bench = Bench(clock=NOON)
        before = bench.meter.log.count
        for _ in range(500):
            bench.enter(b"junk")
        assert len(codes(bench)) == before + 1
        assert codes(bench)[-1] == LogCode.TOKEN_REFUSED
        assert LogCode.STATE_NEW in codes(bench)

    def test_a_batch_that_cannot_be_stored_leaves_one_line_in_the_log(self):
        for error in (OSError(28), MemoryError()):
            with self.subTest(error=error):
                bench = Bench(clock=NOON)

                def failing(name, data, error=error):
                    raise error

                before = codes(bench)
                bench.board.store = failing
                tokens = [bench.office.token(Kind.SUPPORT, 1) for _ in range(60)]
                answers = bench.meter.till.enter_all(tokens)
                refused = (TokenStatus.EXECUTION_FAILURE, TokenReason.COMMIT_FAILED)
                assert set(answers) == {refused}
                assert codes(bench) == before + [LogCode.COMMIT_FAILED]
                assert bench.state.credit == mc(15)
                del bench.board.store
                statuses = [status for status, _ in bench.meter.till.enter_all(tokens)]
                assert set(statuses) == {TokenStatus.EXECUTED}
                assert bench.state.credit == mc(15) + 60

    def test_an_error_after_all_has_landed_is_no_failure(self):
        """Said to have failed, but there: the record is read back."""
        bench = Bench(clock=NOON)

        def late(name, data):
            bench.board.files[name] = bytes(data)
            raise OSError(5)

        bench.board.store = late
        token = bench.office.token(Kind.TOP_UP, EUR)
        assert bench.enter(token)[0] == TokenStatus.EXECUTED
        del bench.board.store
        bench.restart()
        assert bench.state.credit == mc(16)
        assert bench.enter(token)[1] == TokenReason.USED

    def test_power_cuts_buy_no_free_wrong_tags(self):
        bench = Bench(clock=NOON)
        token = bench.office.token(Kind.TOP_UP, EUR)
        forged = token[:-1] + bytes([token[-1] ^ 1])
        tried = 0
        for _ in range(50):
            bench.restart()
            for _ in range(4):
                tried += bench.enter(forged)[1] == TokenReason.TAG
        assert tried <= 2  # each one locks, and the cut begins the delay again
