"""The report over the wire: the one a card would carry, in parts, under the meter's tag."""

import pytest
from budgetmeter.card import MemoryCard
from budgetmeter.client import BadAnswer, Meter
from budgetmeter.emulator.loopback import LoopbackLine
from meterproto import cards, messages
from meterproto.codes import Kind, Message, MessageError

from tests.firmware.bench import METER, Bench
from tests.firmware.support import EUR, mc


@pytest.fixture
def bench():
    return Bench()


def client(bench):
    return Meter(LoopbackLine(bench))


def part(bench, sequence=0, first_event=0, at=0):
    """The raw answer to one request: the message's type and its payload."""
    asked = {"sequence": sequence, "first_event": first_event, "at": at}
    return bench.request(Message.REPORT, messages.ReportRequest.build(asked))


def test_it_is_genuine_and_says_what_was_taken(bench):
    bench.enter(bench.office.token(Kind.TOP_UP, 20 * EUR, order_id=7))
    data = client(bench).report()
    assert cards.report_genuine(data, bench.office.key)
    assert not cards.report_genuine(data, bytes(32))
    report = cards.report(data)
    head = report["head"]
    assert (head.meter, head.card, head.inward, head.number, head.order) == (METER, 0, 0, 1, 7)
    assert report["state"].credit == mc(35)
    assert head.sequence == bench.meter.till.sequence()


def test_it_takes_more_than_one_part_and_costs_no_commit(bench):
    stored = bench.stores()
    data = client(bench).report()
    assert len(data) > messages.REPORT_PART
    assert stored == []


def test_it_gives_the_events_from_a_number_on(bench):
    for _ in range(4):
        bench.enter(bench.office.token(Kind.TOP_UP, EUR))
    count = bench.meter.log.count
    report = cards.report(client(bench).report(first=count - 1))
    assert report["head"].first_event == count - 1
    assert len(report["events"]) == 1


def test_a_changed_octet_is_noticed(bench):
    data = bytearray(client(bench).report())
    for at in range(0, len(data), 37):
        data[at] ^= 1
        assert not cards.report_genuine(bytes(data), bench.office.key)
        data[at] ^= 1


def test_while_a_card_is_in_there_is_none(bench):
    bench.board.slot = MemoryCard()
    bench.meter.poll()
    kind, payload = part(bench)
    assert (kind, payload[0]) == (Message.ERROR, MessageError.AGAIN)
    with pytest.raises(BadAnswer, match="a card is in it"):
        client(bench).report()
    bench.board.slot = None
    bench.meter.poll()
    assert client(bench).report()


def test_a_card_between_two_parts_begins_it_again(bench):
    _, payload = part(bench)
    first = messages.ReportPart.parse(payload)
    bench.board.slot = MemoryCard()
    bench.meter.poll()
    bench.board.slot = None
    bench.meter.poll()
    kind, payload = part(bench, first.sequence, at=messages.REPORT_PART)
    assert (kind, payload[0]) == (Message.ERROR, MessageError.AGAIN)


@pytest.mark.parametrize("at", [60_000, 65_535])
def test_nothing_lies_beyond_its_end(bench, at):
    _, payload = part(bench)
    sequence = messages.ReportPart.parse(payload).sequence
    assert part(bench, sequence, at=at)[0] == Message.ERROR


def test_a_request_of_another_length_is_refused(bench):
    kind, payload = bench.request(Message.REPORT, b"x")
    assert (kind, payload[0]) == (Message.ERROR, MessageError.LENGTH)
