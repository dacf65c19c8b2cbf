"""The journal: what is stored when, what is found at start, older layouts, uncertain time."""

import json
from binascii import crc32
from pathlib import Path

import pytest
from construct import Array
from meterfw import journal, layouts, rules
from meterfw.meter import COMMIT_MIN, COMMIT_WH
from meterproto import messages, stored
from meterproto.codes import Kind, LogCode, Message, TokenReason, TokenStatus

from tests.firmware.rig import Rig
from tests.firmware.support import EUR, clock, conserved, fields, mc

OLD = json.loads((Path(__file__).parent / "layout_3139.json").read_text())
NOON = clock("2020-12-08 12:00")  # a Tuesday, outside friendly hours
EVENING = clock("2020-12-08 17:00")  # inside


@pytest.fixture
def rig():
    return Rig(clock=NOON)


def codes(rig):
    """The event codes the meter's log holds."""
    log = rig.meter.log
    return [log.entry(number)[2] for number in range(log.first(), log.count)]


def use(rig, wh):
    """Consume so much in one second."""
    rig.board.draw = rig.board.draw._replace(rate=wh * 3600)
    rig.wait(1)
    rig.board.draw = rig.board.draw._replace(rate=0)


def writes(rig):
    """The names of the files stored from now on."""
    names = []
    plain = rig.board.store
    rig.board.store = lambda name, data: (names.append(name), plain(name, data))
    return names


def newest(rig):
    """The newest stored record, parsed by construct: one value for each part."""
    files = [rig.board.files.get(name) for name in journal.FILES]
    data = max(filter(None, files), key=lambda data: stored.Head.parse(data).sequence)
    parts, at = [], 0
    entries = Array(stored.LOG_SIZE, messages.Entry)
    for part in (*stored.PARTS[:-1], entries, stored.PARTS[-1]):
        parts.append(part.parse(data[at:]))
        at += part.sizeof()
    assert at == len(data)
    assert parts[-1].crc == crc32(data[:-4])
    return parts


# ---- What is stored, and when ------------------------------------------------------------------


def test_the_record_is_what_is_declared(rig):
    rig.enter(rig.office.token(Kind.TOP_UP, 20 * EUR, order=1))
    head, state, memory, profile, log, entries, _ = newest(rig)
    assert (head.magic, head.layout) == (stored.MAGIC, stored.LAYOUT)
    assert {name: state[name] for name in layouts.STATE_FIELDS} == fields(rig.state)
    assert (memory.number, memory.order, memory.key_revision) == (1, 1, 1)
    assert profile.price == rig.meter.profile.price
    assert log.count == rig.meter.log.count
    assert entries[log.count - 1].balance == 35 * EUR


def test_energy_is_stored_by_the_quarter_kilowatt_hour(rig):
    names = writes(rig)
    use(rig, COMMIT_WH - 1)
    assert names == []
    use(rig, 1)
    assert len(names) == 1
    assert rig.meter.uncommitted_wh() == 0
    use(rig, 100)
    assert rig.meter.uncommitted_wh() == 100


def test_time_is_stored_by_the_quarter_hour(rig):
    names = writes(rig)
    for _ in range(COMMIT_MIN * 60 - 1):
        rig.wait(1)
    assert names == []
    rig.wait(1)
    assert len(names) == 1
    for _ in range(4):
        rig.wait(COMMIT_MIN * 60)
    assert len(names) == 5
    assert set(names) == set(journal.FILES)  # in turn


def test_a_cut_loses_at_most_a_quarter_kilowatt_hour_and_never_credit(rig):
    """Which way the loss falls: energy since the last commit goes uncharged."""
    use(rig, COMMIT_WH - 1)
    before, energy = rig.state.credit, rig.state.energy_wh
    rig.restart()
    assert energy - rig.state.energy_wh == COMMIT_WH - 1
    assert rig.state.credit - before == (COMMIT_WH - 1) * rig.state.price // 1000
    assert conserved(rig.state)


def test_an_event_is_stored_at_once(rig):
    while rig.state.control_state == layouts.CONTROL_CONNECTED:
        use(rig, 200)
    rig.restart()
    assert rig.state.control_state != layouts.CONTROL_CONNECTED
    assert rig.state.reasons == layouts.REASON_CREDIT
    assert rig.board.closed is False


def test_a_store_that_fails_is_tried_again_when_it_is_due(rig):
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
    assert codes(rig).count(LogCode.COMMIT_FAILED) == 2
    rig.board.store = plain
    energy = rig.state.energy_wh
    rig.wait(COMMIT_MIN * 60)
    rig.restart()
    assert rig.state.energy_wh == energy


def test_a_failed_commit_spoils_only_the_older_record(rig):
    """A write that breaks off leaves the newest record where it was."""
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


# ---- What is found at start --------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut short", "a bit", "foreign", "unreadable", "gone"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_newest_whole_record_wins(rig, which, damage):
    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
    sequence = {name: stored.Head.parse(rig.board.files[name]).sequence for name in journal.FILES}
    by_age = sorted(journal.FILES, key=sequence.get)
    name = by_age[which]  # the older, then the newest
    spoil(rig, name, damage)
    rig.restart()
    assert rig.state.credit == mc(15 if which else 20)
    assert conserved(rig.state)
    repaired = damage != "gone"
    assert rig.meter.found == (journal.REPAIRED if repaired else journal.WHOLE)
    assert (LogCode.JOURNAL_REPAIRED in codes(rig)) == repaired


def spoil(rig, name, damage):
    """Damage a file of the board."""
    files, data = rig.board.files, bytearray(rig.board.files[name])
    if damage == "cut short":
        files[name] = bytes(data[:-1])
    elif damage == "a bit":
        data[100] ^= 4
        files[name] = bytes(data)
    elif damage == "foreign":
        files[name] = b"\x00\x01 some other program's file" * 30
    elif damage == "gone":
        del files[name]
    else:
        plain = rig.board.load

        def failing(asked):
            if asked == name:
                raise OSError(5)
            return plain(asked)

        rig.board.load = failing


@pytest.mark.parametrize("damage", ["cut short", "a bit", "foreign", "unreadable", "gone"])
def test_a_lost_store_starts_safe_and_says_so(rig, damage):
    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
    if damage == "unreadable":

        def failing(name):
            raise OSError(5)

        rig.board.load, plain = failing, rig.board.load
        rig.restart()  # not even its identity can be read
        assert rig.type("status")[-1] == "ok"
        assert "NOT FLASHED" in rig.board.lines[0]
        rig.board.load = lambda name: failing(name) if "store" in name else plain(name)
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


def test_a_lost_store_keeps_supply_where_the_profile_keeps_it():
    """Inside friendly hours nobody is cut off by a broken flash."""
    rig = Rig(clock=EVENING)
    rig.lose_store()
    rig.restart()
    assert rig.state.control_state == layouts.CONTROL_CONNECTED
    assert rig.state.kept == 1


def test_a_first_start_is_no_loss(rig):
    assert codes(rig)[0] == LogCode.STATE_NEW
    assert rig.board.files[journal.BEGUN] == b"1"


def test_a_meter_cut_before_its_first_commit_starts_as_new():
    rig = Rig(clock=NOON)
    for name in (*journal.FILES, journal.BEGUN):
        rig.board.files.pop(name, None)
    rig.board.files["store.0"] = b""  # made, never written
    rig.restart()
    assert rig.meter.found == journal.NEW
    assert rig.state.credit == mc(15)


@pytest.mark.parametrize("missing", ["identity", "profile"])
@pytest.mark.parametrize("damage", ["gone", "cut short"])
def test_a_board_that_is_not_flashed_comes_up_and_says_so(missing, damage):
    rig = Rig(clock=NOON)
    spoil(rig, missing, damage)
    names = writes(rig)
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


def test_a_profile_flashed_again_brings_a_bare_meter_back(rig):
    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
    profile = rig.board.files.pop("profile")
    rig.restart()
    rig.board.files["profile"] = profile
    rig.restart()
    assert rig.state.credit == mc(20)


def test_the_lock_out_level_is_stored(rig):
    token = rig.office.token(Kind.TOP_UP, EUR)
    forged = token[:-1] + bytes([token[-1] ^ 1])
    for _ in range(5):
        assert rig.enter(forged)[0] == TokenStatus.AUTHENTICATION_FAILURE
    rig.restart()
    assert rig.enter(token)[1] == TokenReason.LOCKED


def test_the_event_log_survives_and_is_read_over_wire_and_console(rig):
    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
    count = rig.meter.log.count
    rig.restart()
    names = [line.split()[3] for line in rig.type("events")[:-1]]
    assert names[0] == "state-new"
    assert "token-accepted" in names[:count]
    assert names[count:] == ["power-down", "power-up"]
    assert [entry.code for entry in rig.events()] == codes(rig)


# ---- Older layouts -----------------------------------------------------------------------------


def old_rig():
    """A board with the files of a meter of the first layout, and its office."""
    rig = Rig(clock=NOON)
    rig.board.files.clear()
    rig.board.files |= {name: bytes.fromhex(data) for name, data in OLD["files"].items()}
    rig.office.key, rig.office.revision = bytes(range(1, 33)), OLD["key_revision"]
    rig.office.number = OLD["number"]
    rig.restart()
    return rig


def test_a_store_of_the_first_layout_is_migrated():
    """Written by the release before the journal; its file is `store`."""
    rig = old_rig()
    assert rig.meter.found == journal.WHOLE
    after = {name: getattr(rig.state, name) for name in OLD["state"]}
    assert after == OLD["state"]
    assert rig.meter.profile.low_credit == OLD["low_credit"]
    memory = rig.meter.memory
    assert (memory.numbers.highest, memory.orders.highest) == (OLD["number"], OLD["order"])
    assert memory.key_revision == OLD["key_revision"]
    assert stored.Head.parse(rig.board.files["store.1"]).layout == stored.LAYOUT
    assert rig.enter(rig.office.token(Kind.TOP_UP, EUR))[0] == TokenStatus.EXECUTED
    rig.restart()  # and the old file never wins again
    assert rig.state.credit == OLD["state"]["credit"] + EUR


@pytest.mark.parametrize("layout", [0, 1, 3, 3138, 65_535])
def test_a_layout_nobody_knows_is_refused_not_misread(rig, layout):
    rig.enter(rig.office.token(Kind.TOP_UP, 5 * EUR))
    for name in journal.FILES:
        data = bytearray(rig.board.files[name])
        data[4:6] = layout.to_bytes(2, "little")
        data[-4:] = crc32(data[:-4]).to_bytes(4, "little")
        rig.board.files[name] = bytes(data)
    rig.restart()
    assert rig.meter.found == journal.LOST
    assert rig.state.credit == 0


def test_no_layout_has_changed_unnoticed():
    """A field moved, renamed or widened needs a new version in `stored.HISTORY`."""
    for version, (*_, noted) in stored.HISTORY.items():
        assert stored.fingerprint(version) == noted, f"layout {version}: {noted:#x}"
    states, profiles, has_log, _ = stored.HISTORY[stored.LAYOUT]
    assert has_log
    assert (states, profiles) == (len(layouts.STATE_FIELDS), len(layouts.PROFILE_FIELDS))


# ---- The clock after a cut ---------------------------------------------------------------------


def without_clock(at=EVENING):
    """A meter with no battery-backed clock."""
    rig = Rig(clock=at)
    rig.board.has_clock = False
    return rig


def test_a_clock_chip_gives_the_time_back(rig):
    rig.board.pass_time(7200)
    rig.restart()
    assert rig.state.clock == NOON + 120
    assert rig.state.uncertain == 0


def test_without_one_each_restart_is_a_commit_interval_later_and_uncertain():
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


def test_a_first_start_without_a_clock_is_uncertain_and_no_later():
    rig = without_clock()
    for name in (*journal.FILES, journal.BEGUN):
        rig.board.files.pop(name, None)
    rig.restart()
    assert (rig.state.clock, rig.state.uncertain) == (0, 1)


def test_uncertain_friendly_hours_protect_for_a_day_of_power():
    """Nobody can stay in friendly hours by pulling the plug."""
    rig = without_clock()
    rig.enter(rig.office.token(Kind.HOLD, EVENING + 20_000, order=1))
    rig.restart()
    while rig.state.credit - rig.state.emergency_used >= 0:
        use(rig, 400)
    while rig.state.control_state == layouts.CONTROL_CONNECTED and rig.state.uncertain_min < 1440:
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


def test_the_time_by_token_or_chip_makes_it_certain_again():
    rig = without_clock()
    rig.restart()
    rig.enter(rig.office.token(Kind.CLOCK, EVENING + 100, order=1))
    assert (rig.state.clock, rig.state.uncertain, rig.state.uncertain_min) == (EVENING + 100, 0, 0)
    rig.restart()
    assert rig.state.uncertain == 1
    rig.board.has_clock = True
    rig.wait(60)
    assert rig.state.uncertain == 0


def test_expiry_is_judged_on_the_lower_bound():
    """A token still good at the last commit's time is good after a long cut."""
    rig = without_clock(NOON)
    token = rig.office.token(Kind.TOP_UP, EUR, expiry=NOON + 60)
    late = rig.office.token(Kind.TOP_UP, EUR, expiry=NOON + COMMIT_MIN - 1)
    rig.board.pass_time(86_400)
    rig.restart()
    assert rig.enter(late)[1] == TokenReason.EXPIRED
    assert rig.enter(token)[0] == TokenStatus.EXECUTED
