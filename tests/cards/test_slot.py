"""The meter's side: what it makes of a card, what it shows, and removal at any octet."""

import struct

import pytest
from budgetmeter.card import SPOILS, MemoryCard, write_inward
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.world import insert
from budgetmeter.errors import InputError
from budgetmeter.issue import Issuer
from budgetmeter.loads import NOTHING
from budgetmeter.office import books
from budgetmeter.orders import Order
from hypothesis import given, settings
from hypothesis import strategies as st
from meterfw import layouts
from meterfw.meter import Meter
from meterfw.panel import display
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import CardOutcome, CardType, Kind, TokenStatus

from tests.cards.counter import GOOD, METER, Counter
from tests.firmware.support import clock, conserved, mc


@pytest.fixture
def counter():
    return Counter().enrol(protected=True)


def held_in(counter, card):
    """Put a card in and leave it there."""
    counter.board.slot = card
    for _ in range(2000):
        counter.meter.poll()


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
def test_a_card_that_cannot_be_used_is_left_as_it_is(counter, spoil, outcome):
    counter.pay("20.00")
    spoil(counter.card)
    before, balance = bytes(counter.card.data), counter.balance
    beeps = counter.board.beeps
    held_in(counter, counter.card)
    assert counter.meter.slot.outcome == outcome
    assert counter.board.lines[0] == f"CARD {outcome:d}"
    assert counter.board.beeps == beeps + 1
    assert bytes(counter.card.data) == before
    assert counter.balance == balance
    assert counter.meter.log.entry(counter.meter.log.place - 1)[2] == layouts.LOG_CODE_CARD_REFUSED
    counter.board.slot = None
    counter.meter.poll()
    assert counter.board.lines[0] == "CREDIT EUR"


def test_a_bare_meter_reads_no_card():
    bare = Meter(VirtualBoard(clock("2020-12-08 12:00"), {}))
    with pytest.raises(InputError, match="not flashed"):
        insert(bare, MemoryCard())
    assert bare.board.slot is None


@pytest.mark.rule("B-5", "B-8")
def test_a_good_card_shows_nine_and_beeps_twice(counter):
    counter.pay("20.00")
    held_in(counter, counter.card)
    assert counter.board.lines == ("CARD 9", "loaded 1", "35.00", "")
    assert counter.board.beeps == 2
    held_in(counter, counter.card)  # it stays in: nothing more happens
    assert counter.board.beeps == 2
    assert counter.balance == mc(35)
    assert all(len(line) <= 16 for line in counter.board.lines)


def test_no_line_of_the_card_page_is_wider_than_the_display(counter):
    for outcome in CardOutcome:
        for taken in (0, 20):
            lines = display.card_page(counter.state, counter.meter.profile, int(outcome), taken)
            assert all(len(line) <= 16 for line in lines)


def test_both_areas_of_the_terminal_spoiled_nothing_is_taken_and_the_report_is_written(counter):
    counter.pay("20.00")
    for i in (0, 1):
        counter.card.data[layout.INWARD + i * layout.INWARD_SIZE + 8] ^= 0x40
    assert counter.insert() == CardOutcome.DAMAGED
    assert counter.balance == mc(15)
    assert counter.report()["head"].inward == 0
    counter.pay()  # the books know what is on its way: the terminal writes it again
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)


def test_a_token_of_a_newer_version_is_refused_and_the_others_are_taken(counter):
    key = counter.keys.meter_key(METER, 1)
    issuer = counter.office.issue(METER, Order(Kind.TOP_UP, mc(5)))
    later = bytearray(issuer.token)
    later[0] = 9
    other = counter.office.issue(METER, Order(Kind.TOP_UP, mc(7))).token
    assert tokens.genuine(other, key)
    write_inward(counter.card, 0, [bytes(later), other, b"", b"?"])
    assert counter.insert() == CardOutcome.REFUSED
    assert counter.balance == mc(22)
    reasons = [a.reason for a in counter.report()["answers"]]
    lengths = [layouts.TOKEN_REASON_LENGTH, layouts.TOKEN_REASON_LENGTH]
    assert reasons == [layouts.TOKEN_REASON_VERSION, layouts.TOKEN_REASON_NONE, *lengths]


def test_the_entry_of_a_card_has_the_balance_of_its_moment(counter):
    """A token comes in by network while the card is being read, and is in force by then."""
    counter.pay("20.00")
    counter.board.slot = counter.card
    for _ in range(10):
        counter.meter.poll()
    issuer = Issuer(METER, counter.keys.meter_key(METER, 1))
    issuer.number = 100
    assert counter.meter.enter(issuer.token(Kind.TOP_UP, mc(5)))[0] == TokenStatus.EXECUTED
    balance, log = counter.balance, counter.meter.log
    held_in(counter, counter.card)
    entries = [entry for _, entry in log.numbered()]
    read = [entry for entry in entries if entry[2] == layouts.LOG_CODE_CARD_READ]
    assert [entry[4] for entry in read] == [balance]
    assert counter.balance == balance + mc(20)


def test_all_tokens_of_a_card_are_one_commit_and_judged_together(counter):
    """AMB-08: two payments of 250 and one of 5 EUR restore what one alone would not."""
    counter.put(credit=-mc(504))
    for euros in ("250.00", "250.00", "5.00"):
        counter.pay(euros)
    before = counter.meter.till.sequence()
    assert counter.insert() == GOOD
    assert counter.meter.till.sequence() == before + 1
    assert counter.balance == mc(1)
    assert counter.ready


def test_a_full_card_is_taken_at_once_and_no_more_than_that_fits(counter):
    for _ in range(books.MOST_MONEY):
        counter.pay("5.00")
    counter.queue("price", price="0.30")  # two places are kept for what is not money
    counter.queue("test")
    assert counter.pay().tokens == layout.MOST_TOKENS
    with pytest.raises(InputError, match="full"):
        counter.pay("5.00")
    assert counter.insert() == GOOD
    assert counter.balance == mc(15 + 5 * books.MOST_MONEY)
    assert counter.money() == (mc(90), 0, 0)
    counter.pay("5.00")
    assert counter.money() == (mc(5), mc(90), 0)


def read_tokens(slot, content, count):
    """What the slot reads of an inward area's content."""
    head = struct.calcsize(layouts.AREA_FORMAT)
    inward = struct.calcsize(layouts.INWARD_FORMAT)
    struct.pack_into(layouts.AREA_FORMAT, slot.area, 0, 1, inward + len(content))
    struct.pack_into(layouts.INWARD_FORMAT, slot.area, head, 0, count)
    slot.area[head + inward : head + inward + len(content)] = content
    return slot._tokens()[0]


def test_a_token_ends_within_its_area_and_a_card_has_no_more_than_twenty(counter):
    slot = counter.meter.slot
    assert read_tokens(slot, b"\x03abc", 1) == [b"abc"]
    assert read_tokens(slot, b"\x03ab", 1) == []
    assert read_tokens(slot, b"\x01a\x03bc", 2) == [b"a"]
    many = layout.MOST_TOKENS + 5
    assert read_tokens(slot, b"\x01a" * many, many) == [b"a"] * layout.MOST_TOKENS


def test_a_meter_that_cannot_store_takes_nothing_and_writes_nothing(counter):
    counter.pay("20.00")

    class Full(dict):
        def __setitem__(self, name, data):
            raise OSError(28)

    files, counter.board.files = counter.board.files, Full(counter.board.files)
    before = bytes(counter.card.data)
    assert counter.insert() == CardOutcome.NOT_STORED
    assert bytes(counter.card.data) == before
    assert counter.balance == mc(15)
    counter.board.files = files
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)


def test_a_card_that_falls_silent_does_not_hold_up_the_meter(counter):
    class Silent(MemoryCard):
        def read_into(self, at, buffer):
            return at < 64 and MemoryCard.read_into(self, at, buffer)

    card = Silent(bytes(counter.card.data))
    assert counter.insert(card) == CardOutcome.NO_ANSWER


def test_a_card_that_does_not_keep_what_is_written_is_told(counter):
    class Worn(MemoryCard):
        def write(self, at, data):
            if at == layout.OUTWARD + 64:
                return True
            return MemoryCard.write(self, at, data)

    card = Worn(bytes(counter.card.data))
    assert counter.insert(card) == CardOutcome.NO_ANSWER


def test_one_page_a_pass(counter):
    """No pass of the meter moves more than one page over the contacts."""

    class Counted(MemoryCard):
        moved = 0

        def read_into(self, at, buffer):
            self.moved += len(buffer)
            return MemoryCard.read_into(self, at, buffer)

        def write(self, at, data):
            self.moved += len(data)
            return MemoryCard.write(self, at, data)

    counter.pay("20.00")
    card = Counted(bytes(counter.card.data))
    counter.board.slot = card
    for _ in range(1000):
        before = card.moved
        counter.meter.poll()
        assert card.moved - before <= layout.PAGE
    assert counter.meter.slot.outcome == CardOutcome.GOOD


def test_the_report_says_what_was_committed(counter):
    counter.pay("20.00")
    counter.insert()
    parts = counter.report()
    for name in layouts.STATE_FIELDS:
        assert parts["state"][name] == getattr(counter.state, name), name
    for name in layouts.PROFILE_FIELDS:
        assert parts["profile"][name] == getattr(counter.meter.profile, name), name
    head = parts["head"]
    assert head.sequence == counter.meter.till.sequence()
    assert head.numbers == bytes(counter.meter.memory.numbers.bits)
    assert (head.number, head.order, head.lost) == (1, 1, 0)
    assert layout.report_genuine(
        layout.newest(bytes(counter.card.data), layout.OUTWARD, layout.OUTWARD_SIZE)[2],
        counter.keys.meter_key(METER, 1),
    )
    counter.cut_power()  # what was reported is never taken back
    assert counter.balance == parts["state"].credit


def test_a_report_is_never_taken_back_by_a_power_cut(counter):
    """Also what was used since the last commit is committed before it is reported."""
    counter.board.draw = NOTHING._replace(rate=3000, wanted=3000, ma=4000, w=3000)
    counter.wait(4)  # 200 Wh: not yet due for a commit
    used = counter.meter.till.uncommitted_wh()
    assert used == 200
    counter.insert()
    first = counter.report()
    reported = first["state"]
    counter.cut_power()
    assert counter.state.energy_wh == reported.energy_wh == used
    assert counter.balance == reported.credit
    counter.insert()
    assert counter.report()["head"].sequence > first["head"].sequence


def test_events_come_back_once_and_the_newest_when_there_are_too_many(counter):
    counter.insert()
    first = counter.report()
    assert first["head"].first_event == 0
    counter.pay()
    counter.insert()
    again = counter.report()
    assert again["head"].first_event == first["head"].first_event + len(first["events"])
    for _ in range(100):
        counter.meter.log.add(counter.state, layouts.LOG_CODE_POWER_UP)
    counter.insert()
    parts = counter.report()
    last = parts["head"].first_event + len(parts["events"])
    assert last == counter.meter.log.count
    assert len(parts["events"]) == layout.most_events(0, 0)


def area_sizes():
    """Octets over the contacts of a whole visit."""
    return 32 + 2 * 32 + 3 * 1216 + 2 * 32 + 2 * 800


@pytest.mark.rule("OC-05")
@pytest.mark.parametrize("spoil", SPOILS)
def test_pulled_out_at_any_octet_the_card_keeps_a_report_and_its_tokens(spoil):
    """Every octet of a visit that takes two tokens and overwrites the older of two reports."""
    counter = Counter().enrol()
    counter.insert()
    counter.pay("20.00")
    counter.insert()
    counter.wait(1)
    counter.pay("30.00")
    counter.pay("5.00")
    start, files = bytes(counter.card.data), dict(counter.board.files)
    sequence = counter.report()["head"].sequence
    pulled = 0
    for octets in range(1, area_sizes()):
        counter.board.files = dict(files)
        counter.cut_power()
        card = MemoryCard(start)
        card.pull_at(octets, spoil)
        if counter.insert(card) is not None:
            break
        pulled += 1
        assert counter.balance in (mc(35), mc(70))
        report = counter.report(card)
        taken = report["head"].number == 3
        assert report["head"].sequence > sequence if taken else report["head"].number == 1
        if taken:
            assert report["state"].credit == counter.balance == mc(70)
        _, batch = layout.tokens_of(
            layout.newest(bytes(card.data), layout.INWARD, layout.INWARD_SIZE)[2]
        )
        assert len(batch) == 2
        if octets % 16 == 0 or counter.balance == mc(35):
            card.push()
            assert counter.insert(card) == GOOD
            assert counter.balance == mc(70)
    assert pulled > 1700


@given(data=st.binary(max_size=layout.SIZE), head=st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_card_whatsoever_leaves_the_meter_whole(data, head):
    counter = COUNTER
    image = bytearray(data.ljust(layout.SIZE, b"\xff"))
    if head:
        image[:32] = counter.card.data[:32]
    balance = counter.balance
    assert counter.insert(MemoryCard(bytes(image))) is not None
    assert counter.balance == balance
    assert conserved(counter.state)


@given(
    contents=st.binary(min_size=5, max_size=layout.INWARD_SIZE - 10),
    sequence=st.integers(0, 2**30 - 1),
)
@settings(max_examples=100, deadline=None)
def test_any_contents_in_a_whole_area_leave_the_meter_whole(contents, sequence):
    """Lengths and counts that lie, with the checks right."""
    counter = COUNTER
    card = MemoryCard(bytes(counter.card.data))
    area = layout.area(sequence, contents)
    for i in (0, 1):
        at = layout.INWARD + i * layout.INWARD_SIZE
        card.data[at : at + len(area)] = area
    balance = counter.balance
    assert counter.insert(card) in (GOOD, CardOutcome.REFUSED)
    assert counter.balance == balance


COUNTER = Counter().enrol()


@pytest.mark.rule("B-17")
def test_the_index_is_captured_on_the_first_of_each_month_for_a_year():
    counter = Counter(at="2020-01-15 10:00").enrol()
    counter.at("2021-04-10 10:00")
    counter.insert()
    captures = counter.report()["captures"]
    assert len(captures) == layout.CAPTURES
    months = [f"{2020 + i // 12}-{i % 12 + 1:02d}-01 00:00" for i in range(3, 16)]
    assert [c.clock for c in captures] == [clock(text) for text in months]


@pytest.mark.rule("B-17")
def test_captures_survive_and_a_midnight_without_mains_is_made_up_for():
    counter = Counter(at="2020-11-30 23:00").enrol()
    counter.wait(120)
    counter.cut_power()
    counter.board.pass_time(40 * 86_400)
    counter.board.elapsed_ms()
    counter.cut_power()
    counter.wait(1)
    clocks = [clock("2020-12-01 00:00"), clock("2021-01-10 01:00")]
    seen = [capture_clock(counter, i) for i in range(counter.meter.captures.count)]
    assert seen[0] == clocks[0]
    assert abs(seen[1] - clocks[1]) <= 1
    assert len(seen) == 2
    counter.board.files["captures"] = b"junk"
    counter.cut_power()
    assert counter.meter.captures.count == 0


def capture_clock(counter, i):
    size = layout.Capture.sizeof()
    data = counter.meter.captures.data[i * size : (i + 1) * size]
    return layout.Capture.parse(data).clock


def test_one_shot_cards_bring_a_report_back_too(counter):
    item = counter.queue("hold", until="2021-01-10")
    repair = counter.terminal.new_card(METER, CardType.REPAIR, item.item)
    assert counter.insert(repair) == GOOD
    assert counter.report(repair)["head"].number == 1
    assert counter.state.hold_until == clock("2021-01-11 00:00")


@pytest.mark.rule("B-7")
def test_a_repair_card_is_valid_for_fifteen_days(counter):
    item = counter.queue("hold", until="2021-01-10")
    repair = counter.terminal.new_card(METER, CardType.REPAIR, item.item)
    counter.at("2020-12-23 12:00")
    assert counter.insert(repair) == CardOutcome.REFUSED
    assert counter.state.hold_until == 0
