"""The meter's side: what it makes of a card, what it shows, and removal at any octet."""

import pytest
from budgetmeter.card import SPOILS, MemoryCard, write_inward
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.world import insert
from budgetmeter.errors import InputError
from budgetmeter.loads import NOTHING
from budgetmeter.orders import Order
from hypothesis import given, settings
from hypothesis import strategies as st
from meterfw import layouts
from meterfw.meter import Meter
from meterfw.panel import display
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import CardOutcome, CardType, Kind

from tests.cards.desk import GOOD, METER, Desk
from tests.firmware.support import clock, conserved, mc


@pytest.fixture
def desk():
    return Desk().enrol(protected=True)


def held_in(desk, card):
    """Put a card in and leave it there."""
    desk.board.slot = card
    for _ in range(2000):
        desk.meter.poll()


def foreign(card):
    card.data[0] ^= 1


def damaged_head(card):
    card.data[8] ^= 1


def newer(card):
    card.data[4] = 2


def other_meter(card):
    head = layout.Head.parse(bytes(card.data))
    page = layout.head(bytes(32), type=1, meter=METER + 1, card=head.card, key_revision=1)
    card.data[: len(page)] = page


def blank(card):
    card.data[:] = b"\xff" * layout.SIZE


def zeros(card):
    card.data[:] = bytes(layout.SIZE)


@pytest.mark.rule("B-5", "B-8", "OC-05")
@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (blank, CardOutcome.BLANK),
        (zeros, CardOutcome.BLANK),
        (foreign, CardOutcome.FOREIGN),
        (damaged_head, CardOutcome.DAMAGED),
        (newer, CardOutcome.NEWER),
        (other_meter, CardOutcome.OTHER_METER),
    ],
)
def test_a_card_that_cannot_be_used_is_left_as_it_is(desk, spoil, outcome):
    desk.pay("20.00")
    spoil(desk.card)
    before, balance = bytes(desk.card.data), desk.balance
    beeps = desk.board.beeps
    held_in(desk, desk.card)
    assert desk.meter.slot.outcome == outcome
    assert desk.board.lines[0] == f"CARD {outcome:d}"
    assert desk.board.beeps == beeps + 1
    assert bytes(desk.card.data) == before
    assert desk.balance == balance
    assert desk.meter.log.entry(desk.meter.log.count - 1)[2] == layouts.LOG_CODE_CARD_REFUSED
    desk.board.slot = None
    desk.meter.poll()
    assert desk.board.lines[0] == "CREDIT EUR"


def test_a_bare_meter_reads_no_card():
    bare = Meter(VirtualBoard(clock("2020-12-08 12:00"), {}))
    with pytest.raises(InputError, match="not flashed"):
        insert(bare, MemoryCard())
    assert bare.board.slot is None


@pytest.mark.rule("B-5", "B-8")
def test_a_good_card_shows_nine_and_beeps_twice(desk):
    desk.pay("20.00")
    held_in(desk, desk.card)
    assert desk.board.lines == ("CARD 9", "loaded 1", "35.00", "")
    assert desk.board.beeps == 2
    held_in(desk, desk.card)  # it stays in: nothing more happens
    assert desk.board.beeps == 2
    assert desk.balance == mc(35)
    assert all(len(line) <= 16 for line in desk.board.lines)


def test_no_line_of_the_card_page_is_wider_than_the_display(desk):
    for outcome in CardOutcome:
        for taken in (0, 20):
            lines = display.card_page(desk.state, desk.meter.profile, int(outcome), taken)
            assert all(len(line) <= 16 for line in lines)


def test_both_areas_of_the_terminal_spoiled_nothing_is_taken_and_the_report_is_written(desk):
    desk.pay("20.00")
    for i in (0, 1):
        desk.card.data[layout.INWARD + i * layout.INWARD_SIZE + 8] ^= 0x40
    assert desk.insert() == CardOutcome.DAMAGED
    assert desk.balance == mc(15)
    assert desk.report()["head"].inward == 0
    desk.pay()  # the books know what is on its way: the terminal writes it again
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)


def test_a_token_of_a_newer_version_is_refused_and_the_others_are_taken(desk):
    key = desk.keys.meter_key(METER, 1)
    issuer = desk.office.issue(METER, Order(Kind.TOP_UP, mc(5)))
    later = bytearray(issuer.token)
    later[0] = 9
    other = desk.office.issue(METER, Order(Kind.TOP_UP, mc(7))).token
    assert tokens.genuine(other, key)
    write_inward(desk.card, 0, [bytes(later), other, b"", b"?"])
    assert desk.insert() == CardOutcome.REFUSED
    assert desk.balance == mc(22)
    reasons = [a.reason for a in desk.report()["answers"]]
    lengths = [layouts.TOKEN_REASON_LENGTH, layouts.TOKEN_REASON_LENGTH]
    assert reasons == [layouts.TOKEN_REASON_VERSION, layouts.TOKEN_REASON_NONE, *lengths]


def test_all_tokens_of_a_card_are_one_commit_and_judged_together(desk):
    """AMB-08: two payments of 250 and one of 5 EUR restore what one alone would not."""
    desk.put(credit=-mc(504))
    for euros in ("250.00", "250.00", "5.00"):
        desk.pay(euros)
    before = desk.meter.sequence()
    assert desk.insert() == GOOD
    assert desk.meter.sequence() == before + 1
    assert desk.balance == mc(1)
    assert desk.ready


def test_a_full_card_is_taken_at_once_and_no_more_than_that_fits(desk):
    for _ in range(layout.MOST_TOKENS):
        desk.pay("5.00")

    with pytest.raises(InputError, match="full"):
        desk.pay("5.00")
    assert desk.insert() == GOOD
    assert desk.balance == mc(15 + 5 * layout.MOST_TOKENS)
    assert desk.money() == (mc(100), 0, 0)
    desk.pay("5.00")
    assert desk.money() == (mc(5), mc(100), 0)


def test_a_meter_that_cannot_store_takes_nothing_and_writes_nothing(desk):
    desk.pay("20.00")

    class Full(dict):
        def __setitem__(self, name, data):
            raise OSError(28)

    files, desk.board.files = desk.board.files, Full(desk.board.files)
    before = bytes(desk.card.data)
    assert desk.insert() == CardOutcome.NOT_STORED
    assert bytes(desk.card.data) == before
    assert desk.balance == mc(15)
    desk.board.files = files
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)


def test_a_card_that_falls_silent_does_not_hold_up_the_meter(desk):
    class Silent(MemoryCard):
        def read_into(self, at, buffer):
            return at < 64 and MemoryCard.read_into(self, at, buffer)

    card = Silent(bytes(desk.card.data))
    assert desk.insert(card) == CardOutcome.NO_ANSWER


def test_a_card_that_does_not_keep_what_is_written_is_told(desk):
    class Worn(MemoryCard):
        def write(self, at, data):
            if at == layout.OUTWARD + 64:
                return True
            return MemoryCard.write(self, at, data)

    card = Worn(bytes(desk.card.data))
    assert desk.insert(card) == CardOutcome.NO_ANSWER


def test_one_page_a_pass(desk):
    """No pass of the meter moves more than one page over the contacts."""

    class Counted(MemoryCard):
        moved = 0

        def read_into(self, at, buffer):
            self.moved += len(buffer)
            return MemoryCard.read_into(self, at, buffer)

        def write(self, at, data):
            self.moved += len(data)
            return MemoryCard.write(self, at, data)

    desk.pay("20.00")
    card = Counted(bytes(desk.card.data))
    desk.board.slot = card
    for _ in range(1000):
        before = card.moved
        desk.meter.poll()
        assert card.moved - before <= layout.PAGE
    assert desk.meter.slot.outcome == CardOutcome.GOOD


def test_the_report_says_what_was_committed(desk):
    desk.pay("20.00")
    desk.insert()
    parts = desk.report()
    for name in layouts.STATE_FIELDS:
        assert parts["state"][name] == getattr(desk.state, name), name
    for name in layouts.PROFILE_FIELDS:
        assert parts["profile"][name] == getattr(desk.meter.profile, name), name
    head = parts["head"]
    assert head.sequence == desk.meter.sequence()
    assert head.numbers == bytes(desk.meter.memory.numbers.bits)
    assert (head.number, head.order, head.lost) == (1, 1, 0)
    assert layout.report_genuine(
        layout.newest(bytes(desk.card.data), layout.OUTWARD, layout.OUTWARD_SIZE)[2],
        desk.keys.meter_key(METER, 1),
    )
    desk.cut_power()  # what was reported is never taken back
    assert desk.balance == parts["state"].credit


def test_a_report_is_never_taken_back_by_a_power_cut(desk):
    """Also what was used since the last commit is committed before it is reported."""
    desk.board.draw = NOTHING._replace(rate=3000, wanted=3000, ma=4000, w=3000)
    desk.wait(4)  # 200 Wh: not yet due for a commit
    used = desk.meter.uncommitted_wh()
    assert used == 200
    desk.insert()
    first = desk.report()
    reported = first["state"]
    desk.cut_power()
    assert desk.state.energy_wh == reported.energy_wh == used
    assert desk.balance == reported.credit
    desk.insert()
    assert desk.report()["head"].sequence > first["head"].sequence


def test_events_come_back_once_and_the_newest_when_there_are_too_many(desk):
    desk.insert()
    first = desk.report()
    assert first["head"].first_event == 0
    desk.pay()
    desk.insert()
    again = desk.report()
    assert again["head"].first_event == first["head"].first_event + len(first["events"])
    for _ in range(100):
        desk.meter.log.add(desk.state, layouts.LOG_CODE_POWER_UP)
    desk.insert()
    parts = desk.report()
    last = parts["head"].first_event + len(parts["events"])
    assert last == desk.meter.log.count
    assert len(parts["events"]) == layout.most_events(0, 0)


def area_sizes():
    """Octets over the contacts of a whole visit."""
    return 32 + 2 * 32 + 3 * 1216 + 2 * 32 + 2 * 800


@pytest.mark.rule("OC-05")
@pytest.mark.parametrize("spoil", SPOILS)
def test_pulled_out_at_any_octet_the_card_keeps_a_report_and_its_tokens(spoil):
    """Every octet of a visit that takes two tokens and overwrites the older of two reports."""
    desk = Desk().enrol()
    desk.insert()
    desk.pay("20.00")
    desk.insert()
    desk.wait(1)
    desk.pay("30.00")
    desk.pay("5.00")
    start, files = bytes(desk.card.data), dict(desk.board.files)
    sequence = desk.report()["head"].sequence
    pulled = 0
    for octets in range(1, area_sizes()):
        desk.board.files = dict(files)
        desk.cut_power()
        card = MemoryCard(start)
        card.pull_at(octets, spoil)
        if desk.insert(card) is not None:
            break
        pulled += 1
        assert desk.balance in (mc(35), mc(70))
        report = desk.report(card)
        taken = report["head"].number == 3
        assert report["head"].sequence > sequence if taken else report["head"].number == 1
        if taken:
            assert report["state"].credit == desk.balance == mc(70)
        _, batch = layout.tokens_of(
            layout.newest(bytes(card.data), layout.INWARD, layout.INWARD_SIZE)[2]
        )
        assert len(batch) == 2
        if octets % 16 == 0 or desk.balance == mc(35):
            card.push()
            assert desk.insert(card) == GOOD
            assert desk.balance == mc(70)
    assert pulled > 1700


@given(data=st.binary(max_size=layout.SIZE), head=st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_card_whatsoever_leaves_the_meter_whole(data, head):
    desk = DESK
    image = bytearray(data.ljust(layout.SIZE, b"\xff"))
    if head:
        image[:32] = desk.card.data[:32]
    balance = desk.balance
    assert desk.insert(MemoryCard(bytes(image))) is not None
    assert desk.balance == balance
    assert conserved(desk.state)


@given(
    contents=st.binary(min_size=5, max_size=layout.INWARD_SIZE - 10),
    sequence=st.integers(0, 2**30 - 1),
)
@settings(max_examples=100, deadline=None)
def test_any_contents_in_a_whole_area_leave_the_meter_whole(contents, sequence):
    """Lengths and counts that lie, with the checks right."""
    desk = DESK
    card = MemoryCard(bytes(desk.card.data))
    area = layout.area(sequence, contents)
    for i in (0, 1):
        at = layout.INWARD + i * layout.INWARD_SIZE
        card.data[at : at + len(area)] = area
    balance = desk.balance
    assert desk.insert(card) in (GOOD, CardOutcome.REFUSED)
    assert desk.balance == balance


DESK = Desk().enrol()


@pytest.mark.rule("B-17")
def test_the_index_is_captured_on_the_first_of_each_month_for_a_year():
    desk = Desk(at="2020-01-15 10:00").enrol()
    desk.at("2021-04-10 10:00")
    desk.insert()
    captures = desk.report()["captures"]
    assert len(captures) == layout.CAPTURES
    months = [f"{2020 + i // 12}-{i % 12 + 1:02d}-01 00:00" for i in range(3, 16)]
    assert [c.clock for c in captures] == [clock(text) for text in months]


@pytest.mark.rule("B-17")
def test_captures_survive_and_a_midnight_without_mains_is_made_up_for():
    desk = Desk(at="2020-11-30 23:00").enrol()
    desk.wait(120)
    desk.cut_power()
    desk.board.pass_time(40 * 86_400)
    desk.board.elapsed_ms()
    desk.cut_power()
    desk.wait(1)
    clocks = [clock("2020-12-01 00:00"), clock("2021-01-10 01:00")]
    seen = [capture_clock(desk, i) for i in range(desk.meter.captures.count)]
    assert seen[0] == clocks[0]
    assert abs(seen[1] - clocks[1]) <= 1
    assert len(seen) == 2
    desk.board.files["captures"] = b"junk"
    desk.cut_power()
    assert desk.meter.captures.count == 0


def capture_clock(desk, i):
    size = layout.Capture.sizeof()
    data = desk.meter.captures.data[i * size : (i + 1) * size]
    return layout.Capture.parse(data).clock


def test_one_shot_cards_bring_a_report_back_too(desk):
    item = desk.queue("hold", until="2021-01-10")
    repair = desk.terminal.new_card(METER, CardType.REPAIR, item.item)
    assert desk.insert(repair) == GOOD
    assert desk.report(repair)["head"].number == 1
    assert desk.state.hold_until == clock("2021-01-11 00:00")


@pytest.mark.rule("B-7")
def test_a_repair_card_is_valid_for_fifteen_days(desk):
    item = desk.queue("hold", until="2021-01-10")
    repair = desk.terminal.new_card(METER, CardType.REPAIR, item.item)
    desk.at("2020-12-23 12:00")
    assert desk.insert(repair) == CardOutcome.REFUSED
    assert desk.state.hold_until == 0
