"""The journal: what is stored when, what is found at start, older layouts, uncertain time."""

import struct
import unittest

from meterfw import journal, layouts, rules
from meterfw.meter import COMMIT_MIN, COMMIT_WH

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
from tests.firmware.unit.rig import METER, Office, Rig, flashed, profile_file

OLD = golden("layout_3139.json")
NOON = clock("2020-12-08 12:00")  # a Tuesday, outside friendly hours

EVENING = clock("2020-12-08 17:00")  # inside


def codes(rig):
    """The event codes the meter's log holds."""
    log = rig.meter.log
    return [log.entry(number)[2] for number in range(log.first(), log.count)]


def use(rig, wh):
    """Consume so much in one second."""
    rig.board.use(wh)
    rig.wait(1)


def head(rig, name):
    """Magic, layout and sequence of a stored record."""
    size = struct.calcsize(layouts.HEAD_FORMAT)
    return struct.unpack(layouts.HEAD_FORMAT, rig.board.files[name][:size])


def spoil(rig, name, damage):
    """Damage a file of the board."""
    files, data = rig.board.files, bytearray(rig.board.files[name])
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
        rig.board.unreadable.add(name)


def forget(rig):
    """As if there had been no commit."""
    for name in journal.FILES + (journal.BEGUN,):
        rig.board.files.pop(name, None)


def profile_of(rig):
    """The values of the profile in force."""
    return [getattr(rig.meter.profile, name) for name in layouts.PROFILE_FIELDS]


def old_rig():
    """A board with the files of a meter of the first layout, and its office."""
    rig = Rig(clock=NOON)
    rig.board.files = {name: bytes.fromhex(data) for name, data in OLD["files"].items()}
    rig.office.key, rig.office.revision = bytes(range(1, 33)), OLD["key_revision"]
    rig.office.number = OLD["number"]
    rig.restart()
    return rig


def without_clock(at=EVENING):
    """A meter with no battery-backed clock."""
    rig = Rig(clock=at)
    rig.board.has_clock = False
    return rig


class Stored(unittest.TestCase):
    def test_energy_is_stored_by_the_quarter_kilowatt_hour(self):
        rig = Rig(clock=NOON)
        names = rig.stores()
        use(rig, COMMIT_WH - 1)
        assert names == []
        use(rig, 1)
        assert len(names) == 1
        assert rig.meter.uncommitted_wh() == 0
        use(rig, 100)
        assert rig.meter.uncommitted_wh() == 100

    def test_time_is_stored_by_the_quarter_hour(self):
        rig = Rig(clock=NOON)
        names = rig.stores()
        for _ in range(COMMIT_MIN * 60 - 1):
            rig.wait(1)
        assert names == []
        rig.wait(1)
        assert len(names) == 1
        for _ in range(4):
            rig.wait(COMMIT_MIN * 60)
        assert len(names) == 5
        assert set(names) == set(journal.FILES)  # in turn

    def test_a_cut_loses_at_most_a_quarter_kilowatt_hour_and_never_credit(self):
        """Which way the loss falls: energy since the last commit goes uncharged."""
        rig = Rig(clock=NOON)
        use(rig, COMMIT_WH - 1)
        before, energy = rig.state.credit, rig.state.energy_wh
        rig.restart()
        assert energy - rig.state.energy_wh == COMMIT_WH - 1
        assert rig.state.credit - before == (COMMIT_WH - 1) * rig.state.price // 1000
        assert conserved(rig.state)

    def test_an_event_is_stored_at_once(self):
        rig = Rig(clock=NOON)
        while rig.state.control_state == layouts.CONTROL_CONNECTED:
            use(rig, 200)
        rig.restart()
        assert rig.state.control_state != layouts.CONTROL_CONNECTED
        assert rig.state.reasons == layouts.REASON_CREDIT
        assert rig.board.closed is False

    def test_a_store_that_fails_is_tried_again_when_it_is_due(self):
        rig = Rig(clock=NOON)
        plain = rig.board.store
        tries = []

        def full(name, data):
            tries.append(name)
            raise OSError(28)

        rig.board.store = full
        use(rig, COMMIT_WH)
        for _ in range(COMMIT_MIN * 60 - 2):
            rig.wait(1)
        assert len(tries) == 1  # not every second
        rig.wait(1)
        assert len(tries) == 2
        assert codes(rig).count(LogCode.COMMIT_FAILED) == 1  # as often as it happens in a row
        rig.board.store = plain
        energy = rig.state.energy_wh
        rig.wait(COMMIT_MIN * 60)
        rig.restart()
        assert rig.state.energy_wh == energy

    def test_a_failed_commit_spoils_only_the_older_record(self):
        """A write that breaks off leaves the newest record where it was."""
        rig = Rig(clock=NOON)
        use(rig, 300)
        kept = rig.state.energy_wh

        def torn(name, data):
            rig.board.files[name] = bytes(data[: len(data) // 2])
            raise OSError(5)

        rig.board.store = torn
        for _ in range(3):
            use(rig, 300)
        del rig.board.store
        rig.restart()
        assert rig.state.energy_wh == kept
        assert rig.meter.found == journal.REPAIRED


class Found(unittest.TestCase):
    def test_the_newest_whole_record_wins(self):
        for which in [0, 1]:
            for damage in ["cut short", "a bit", "foreign", "unreadable", "gone"]:
                with self.subTest(which=which, damage=damage):
                    rig = Rig(clock=NOON)
                    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
                    by_age = sorted(journal.FILES, key=lambda name: head(rig, name)[2])
                    name = by_age[which]  # the older, then the newest
                    spoil(rig, name, damage)
                    rig.restart()
                    assert rig.state.credit == mc(15 if which else 20)
                    assert conserved(rig.state)
                    repaired = damage != "gone"
                    assert rig.meter.found == (journal.REPAIRED if repaired else journal.WHOLE)
                    assert (LogCode.JOURNAL_REPAIRED in codes(rig)) == repaired

    def test_a_lost_store_starts_safe_and_says_so(self):
        for damage in ["cut short", "a bit", "foreign", "unreadable", "gone"]:
            with self.subTest(damage=damage):
                rig = Rig(clock=NOON)
                rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
                if damage == "unreadable":
                    rig.board.unreadable = set(rig.board.files)
                    rig.restart()  # not even its identity can be read
                    assert rig.type("status")[-1] == "ok"
                    assert "NOT FLASHED" in rig.board.lines[0]
                    rig.board.unreadable = set(journal.FILES)
                else:
                    for name in journal.FILES:
                        spoil(rig, name, damage)
                rig.restart()
                assert rig.meter.found == journal.LOST
                assert LogCode.STATE_LOST in codes(rig)
                m = rig.state
                assert (m.credit, m.credited_eur, m.credited_mc, m.energy_wh) == (0, 0, 0, 0)
                assert m.control_state != layouts.CONTROL_CONNECTED
                assert m.reasons & layouts.REASON_CREDIT
                assert rig.ask(Message.STATUS).memory_lost == 1
                assert rig.enter(rig.office.token(Kind.TOP_UP, EUR))[1] == TokenReason.MEMORY_LOST

    def test_a_lost_store_keeps_supply_where_the_profile_keeps_it(self):
        """Inside friendly hours nobody is cut off by a broken flash."""
        rig = Rig(clock=EVENING)
        rig.lose_store()
        rig.restart()
        assert rig.state.control_state == layouts.CONTROL_CONNECTED
        assert rig.state.kept == 1

    def test_a_first_start_is_no_loss(self):
        rig = Rig(clock=NOON)
        assert codes(rig)[0] == LogCode.STATE_NEW
        assert rig.board.files[journal.BEGUN] == b"1"

    def test_a_meter_cut_before_its_first_commit_starts_as_new(self):
        rig = Rig(clock=NOON)
        forget(rig)
        rig.board.files["store.0"] = b""  # made, never written
        rig.restart()
        assert rig.meter.found == journal.NEW
        assert rig.state.credit == mc(15)

    def test_a_board_that_is_not_flashed_comes_up_and_says_so(self):
        for damage in ["gone", "cut short", "a bit"]:
            for missing in ["identity", "profile"]:
                with self.subTest(damage=damage, missing=missing):
                    rig = Rig(clock=NOON)
                    forget(rig)
                    spoil(rig, missing, damage)
                    names = rig.stores()
                    rig.restart()
                    for _ in range(30):
                        rig.wait(60)
                    assert "NOT FLASHED" in rig.board.lines[0]
                    assert rig.board.closed is False
                    assert rig.type("status")[-1] == "ok"
                    assert rig.type("events")[-1] == "ok"
                    for kind in (Message.STATUS, Message.REGISTERS, Message.IDENTIFY):
                        assert rig.ask(kind) is not None
                    assert rig.enter(rig.office.token(Kind.TOP_UP, EUR))[1] == TokenReason.METER
                    assert names == []

    def test_an_identity_flashed_again_brings_a_bare_meter_back(self):
        rig = Rig(clock=NOON)
        rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
        identity = rig.board.files.pop("identity")
        rig.restart()
        assert rig.meter.flashed is False
        rig.board.files["identity"] = identity
        rig.restart()
        assert rig.state.credit == mc(20)

    def test_no_damage_to_the_profile_file_reaches_the_profile_in_force(self):
        """The journal's own copy goes on, and tokens are taken."""
        rig = Rig(clock=NOON)
        good = rig.board.files["profile"]
        before = profile_of(rig)
        for bit in range(len(good) * 8):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            rig.board.files["profile"] = bytes(bad)
            rig.restart()
            assert profile_of(rig) == before
            assert LogCode.PROFILE_REFUSED in codes(rig)
        assert rig.enter(rig.office.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED

    def test_a_whole_profile_file_that_contradicts_itself_is_refused(self):
        for name, value in (("energy", 1), ("limit_w", -1), ("winter_to", 0)):
            with self.subTest(name=name):
                rig = Rig(clock=NOON)
                before = profile_of(rig)
                p = profile("wallonia-card")
                setattr(p, name, value)
                rig.board.files["profile"] = profile_file(p)
                rig.restart()
                assert profile_of(rig) == before
                assert LogCode.PROFILE_REFUSED in codes(rig)

    def test_a_profile_flashed_anew_brings_its_limit(self):
        rig = Rig(clock=NOON)
        rig.board.files["profile"] = profile_file(profile("flanders-2003"))
        rig.restart()
        assert (rig.state.limit_ma, rig.state.limit_w) == (0, 1380)

    def test_the_store_of_another_meter_is_foreign(self):
        rig = Rig(clock=NOON)
        rig.enter(rig.office.token(Kind.TOP_UP, 20 * EUR))
        other = Office(222, bytes(32), derive=True)
        rig.board.files.update(flashed(222, 1, other.key, "wallonia-card"))
        rig.restart()
        assert rig.meter.found == journal.LOST
        assert rig.state.credit == 0
        rig.board.files.update(flashed(222, 2, bytes(range(32)), "wallonia-card"))
        rig.restart()  # flashed with a newer key it is in service again
        assert rig.meter.memory.lost == 0
        assert LogCode.KEY_FLASHED in codes(rig)
        other.key, other.revision = bytes(range(32)), 2
        assert rig.enter(other.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED

    def test_a_lost_meter_needs_a_key_above_every_earlier_one(self):
        rig = Rig(clock=NOON)
        rig.enter(rig.office.change_key(bytes(range(1, 33))))  # revision 2
        old = rig.office.token(Kind.TOP_UP, 20 * EUR)
        rig.enter(old)
        rig.lose_store()
        for revision in (1, 2):
            rig.board.files.update(flashed(METER, revision, bytes(32), "wallonia-card"))
            rig.restart()
            assert rig.meter.memory.lost == 1
        rig.board.files.update(flashed(METER, 3, bytes(32), "wallonia-card"))
        rig.restart()
        assert rig.meter.memory.lost == 0
        assert rig.enter(old)[1] == TokenReason.KEY_REVISION
        assert rig.state.credit == 0

    def test_the_lock_out_level_is_stored(self):
        rig = Rig(clock=NOON)
        token = rig.office.token(Kind.TOP_UP, EUR)
        forged = token[:-1] + bytes([token[-1] ^ 1])
        for _ in range(5):
            assert rig.enter(forged)[0] == TokenStatus.AUTHENTICATION_FAILURE
        rig.restart()
        assert rig.enter(token)[1] == TokenReason.LOCKED

    def test_the_event_log_survives_and_is_read_over_wire_and_console(self):
        rig = Rig(clock=NOON)
        rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
        count = rig.meter.log.count
        rig.restart()
        names = [line.split()[3] for line in rig.type("events")[:-1]]
        assert names[0] == "state-new"
        assert "token-accepted" in names[:count]
        assert names[count:] == ["power-down", "power-up"]
        assert [entry.code for _, entry in rig.events()] == codes(rig)


class OlderLayouts(unittest.TestCase):
    def test_a_store_of_the_first_layout_is_migrated(self):
        """Written by the release before the journal; its file is `store`."""
        rig = old_rig()
        assert rig.meter.found == journal.WHOLE
        after = {name: getattr(rig.state, name) for name in OLD["state"]}
        assert after == OLD["state"]
        assert rig.meter.profile.low_credit == OLD["low_credit"]
        memory = rig.meter.memory
        assert (memory.numbers.highest, memory.orders.highest) == (OLD["number"], OLD["order"])
        assert memory.key_revision == OLD["key_revision"]
        assert head(rig, "store.1")[1] == layouts.LAYOUT
        assert rig.enter(rig.office.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED
        rig.restart()  # and the old file never wins again
        assert rig.state.credit == OLD["state"]["credit"] + EUR
        rig.lose_store()
        rig.restart()
        assert rig.meter.found == journal.LOST

    def test_a_layout_nobody_knows_is_refused_not_misread(self):
        for layout in [0, 1, 3, 3138, 65_535]:
            with self.subTest(layout=layout):
                rig = Rig(clock=NOON)
                rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
                for name in journal.FILES:
                    data = bytearray(rig.board.files[name])
                    data[4:6] = struct.pack("<H", layout)
                    data[-4:] = struct.pack("<L", journal.crc(data[:-4]))
                    rig.board.files[name] = bytes(data)
                rig.restart()
                assert rig.meter.found == journal.LOST
                assert rig.state.credit == 0


class UncertainTime(unittest.TestCase):
    def test_a_clock_chip_gives_the_time_back(self):
        rig = Rig(clock=NOON)
        rig.board.pass_time(7200)
        rig.restart()
        assert rig.state.clock == NOON + 120
        assert rig.state.uncertain == 0

    def test_without_one_each_restart_is_a_commit_interval_later_and_uncertain(self):
        rig = without_clock()
        rig.board.pass_time(7200)
        rig.restart()
        assert rig.state.clock == EVENING + COMMIT_MIN
        assert rig.state.uncertain == 1
        assert rig.meter.log.entry(rig.meter.log.count - 1)[2] == LogCode.TIME_UNCERTAIN
        rig.restart()
        assert rig.state.clock == EVENING + 2 * COMMIT_MIN
        assert "time_uncertain 1" in rig.type("status")
        assert rig.ask(Message.STATUS).uncertain == 1

    def test_a_first_start_without_a_clock_is_uncertain_and_no_later(self):
        rig = without_clock()
        forget(rig)
        rig.restart()
        assert (rig.state.clock, rig.state.uncertain) == (0, 1)

    def test_uncertain_friendly_hours_protect_for_a_day_of_power(self):
        """Nobody can stay in friendly hours by pulling the plug."""
        rig = without_clock()
        rig.enter(rig.office.token(Kind.HOLD, EVENING + 20_000, order=1))
        rig.restart()
        while rig.state.credit - rig.state.emergency_used >= 0:
            use(rig, 400)
        while (
            rig.state.control_state == layouts.CONTROL_CONNECTED and rig.state.uncertain_min < 1440
        ):
            rig.wait(3600)
            rig.restart()
            assert rig.state.control_state == layouts.CONTROL_CONNECTED or (
                rig.state.uncertain_min == 1440
            )
        assert rig.state.uncertain_min == 1440
        assert rig.state.hold_until > rig.state.clock  # the hold itself stands
        assert rules.kept_on(rig.state) == 0
        assert rig.state.control_state != layouts.CONTROL_CONNECTED
        assert rig.state.reasons == layouts.REASON_CREDIT

    def test_the_time_by_token_or_chip_makes_it_certain_again(self):
        rig = without_clock()
        rig.restart()
        rig.enter(rig.office.token(Kind.CLOCK, EVENING + 100, order=1))
        assert (rig.state.clock, rig.state.uncertain, rig.state.uncertain_min) == (
            EVENING + 100,
            0,
            0,
        )
        rig.restart()
        assert rig.state.uncertain == 1
        rig.board.has_clock = True
        rig.wait(60)
        assert rig.state.uncertain == 0

    def test_expiry_is_judged_on_the_lower_bound(self):
        """A token still good at the last commit's time is good after a long cut."""
        rig = without_clock(NOON)
        token = rig.office.token(Kind.TOP_UP, EUR, expiry=NOON + 60)
        late = rig.office.token(Kind.TOP_UP, EUR, expiry=NOON + COMMIT_MIN - 1)
        rig.board.pass_time(86_400)
        rig.restart()
        assert rig.enter(late)[1] == TokenReason.EXPIRED
        assert rig.enter(token)[0] == TokenStatus.EXECUTED

    def test_one_wrong_reading_of_the_chip_ends_nothing(self):
        rig = Rig(clock=NOON)
        rig.enter(rig.office.token(Kind.HOLD, NOON + 1000, order=1))
        for wrong in (NOON + 500_000, 60_000_000, 0, -5):
            rig.board.clock = lambda wrong=wrong: wrong
            rig.wait(60)
            assert NOON <= rig.state.clock < NOON + 60
            del rig.board.clock
            rig.wait(60)
            assert rig.state.hold_until == NOON + 1000
        rig.board.set_clock(rig.board.clock() + 500)
        rig.wait(60)
        assert rig.state.clock < NOON + 60
        rig.wait(60)  # twice the same
        assert rig.state.clock > NOON + 500

    def test_a_chip_that_has_lost_the_time_is_none(self):
        """After a change of its battery, or with garbage for a date."""
        for wrong in (0, 60_000_000):
            with self.subTest(wrong=wrong):
                rig = Rig(clock=NOON)
                rig.board.clock = lambda wrong=wrong: wrong
                rig.restart()
                assert rig.state.clock == NOON + COMMIT_MIN
                assert rig.state.uncertain == 1
                token = rig.office.token(Kind.TOP_UP, EUR)
                assert rig.enter(token)[0] == TokenStatus.EXECUTED

    def test_a_clock_token_that_was_cut_can_be_entered_again(self):
        rig = Rig(clock=NOON)
        token = rig.office.token(Kind.CLOCK, NOON + 600, order=1)

        def cut(name, data):
            raise KeyboardInterrupt

        rig.board.store = cut
        try:
            raise AssertionError(rig.enter(token))
        except KeyboardInterrupt:
            del rig.board.store
        rig.restart()
        assert rig.enter(token)[0] == TokenStatus.EXECUTED
        assert rig.state.clock == rig.board.clock() == NOON + 600

    def test_a_chip_that_cannot_be_put_refuses_the_token(self):
        def broken(clock):
            raise OSError(5)

        rig = Rig(clock=NOON)
        rig.board.set_clock = broken
        token = rig.office.token(Kind.CLOCK, NOON + 600, order=1)
        assert rig.enter(token)[1] == TokenReason.COMMIT_FAILED
        assert rig.state.clock == NOON
        del rig.board.set_clock
        assert rig.enter(token)[0] == TokenStatus.EXECUTED

    def test_restarts_move_an_uncertain_clock_by_a_day_in_all(self):
        rig = without_clock()
        for _ in range(300):
            rig.restart()
        assert rig.state.clock == EVENING + 1440 + COMMIT_MIN


class LogAndErrors(unittest.TestCase):
    def test_refusals_in_a_row_are_one_entry(self):
        rig = Rig(clock=NOON)
        before = rig.meter.log.count
        for _ in range(500):
            rig.enter(b"junk")
        assert rig.meter.log.count == before + 1
        assert codes(rig)[-1] == LogCode.TOKEN_REFUSED
        assert LogCode.STATE_NEW in codes(rig)

    def test_a_batch_that_cannot_be_stored_leaves_one_line_in_the_log(self):
        for error in (OSError(28), MemoryError()):
            with self.subTest(error=error):
                rig = Rig(clock=NOON)

                def failing(name, data, error=error):
                    raise error

                before = codes(rig)
                rig.board.store = failing
                tokens = [rig.office.token(Kind.SUPPORT, 1) for _ in range(60)]
                answers = rig.meter.enter_all(tokens)
                refused = (TokenStatus.EXECUTION_FAILURE, TokenReason.COMMIT_FAILED)
                assert set(answers) == {refused}
                assert codes(rig) == before + [LogCode.COMMIT_FAILED]
                assert rig.state.credit == mc(15)
                del rig.board.store
                statuses = [status for status, _ in rig.meter.enter_all(tokens)]
                assert set(statuses) == {TokenStatus.EXECUTED}
                assert rig.state.credit == mc(15) + 60

    def test_an_error_after_all_has_landed_is_no_failure(self):
        """Said to have failed, but there: the record is read back."""
        rig = Rig(clock=NOON)

        def late(name, data):
            rig.board.files[name] = bytes(data)
            raise OSError(5)

        rig.board.store = late
        token = rig.office.token(Kind.TOP_UP, EUR)
        assert rig.enter(token)[0] == TokenStatus.EXECUTED
        del rig.board.store
        rig.restart()
        assert rig.state.credit == mc(16)
        assert rig.enter(token)[1] == TokenReason.USED

    def test_power_cuts_buy_no_free_wrong_tags(self):
        rig = Rig(clock=NOON)
        token = rig.office.token(Kind.TOP_UP, EUR)
        forged = token[:-1] + bytes([token[-1] ^ 1])
        tried = 0
        for _ in range(50):
            rig.restart()
            for _ in range(4):
                tried += rig.enter(forged)[1] == TokenReason.TAG
        assert tried <= 2  # each one locks, and the cut begins the delay again
