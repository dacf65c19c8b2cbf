"""Single requests octet by octet: the right code for each refusal; junk does no harm."""

import pytest
from budgetmeter.bridges.dlms import apdu, data
from budgetmeter.bridges.dlms.hdlc import Frame, build, parse
from budgetmeter.bridges.dlms.history import ENTRIES, History
from budgetmeter.bridges.dlms.ports import EmulatedSide
from budgetmeter.bridges.dlms.session import Session, Source
from budgetmeter.client import MeterError
from budgetmeter.client.errors import NoAnswer
from budgetmeter.testing import MeterUnderTest

from tests.dlms import fuzz

# The example of an AARQ and its AARE in the Green Book: lowest level, public client
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400")


@pytest.fixture(scope="module")
def meter():
    return MeterUnderTest()


@pytest.fixture
def session(meter):
    """A session with an association."""
    made = Session(Source(lambda: meter.client, ()))
    assert made.answer(fuzz.AARQ).startswith(AARE)
    return made


def asked(session, text):
    """The answer to octets in hexadecimal, likewise."""
    return (session.answer(bytes.fromhex(text)) or b"").hex()


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("c001c1000301000108ff000200", "c401c10104"),  # no such object
        ("c001c1000301000108 00ff0900", "c401c10104"),  # no such attribute
        ("c001c1000301000108 00ff0000", "c401c10104"),  # all attributes
        ("c001c1000101000108 00ff0200", "c401c10109"),  # another class
        ("c001c1000301000108 00ff0201010600000000", "c401c1010d"),  # selects where nothing is
        ("c001c10007010063 0100ff0201030600000000", "c401c1010c"),  # no such selector
        ("c001c10007010063 0100ff0201010600000000", "c401c1010c"),  # no range
        ("c101c1000301000108 00ff02001105", "c501c103"),  # SET
        ("c101c1000301000108 00ff09001105", "c501c104"),
        ("c301c1004600006003 0aff0100", "c701c10300"),  # disconnect
        ("c301c1004600006003 0aff0300", "c701c10400"),  # no such method
        ("c301c1000f00002800 00ff0101090100", "c701c10300"),  # HLS reply
        ("c301c1007300001328 00ff0100", "c701c10c00"),  # a token without octets
        ("c301c1007300001328 00ff01010500000001", "c701c10c00"),
        ("c301c1007300001328 00ff0101090101", "c701c1fa00"),  # a token of one octet
        ("c002c100000001", "c402c1010000000101 10"),  # no transfer to go on with
        ("c003c100", "c403c100"),  # a list of nothing
        ("c003c1020003010001 0800ff02000003010001 0800ff0900", None),
        ("c102c1", "d80202"),  # SET in blocks
        ("c303c1", "d80202"),  # ACTION with a list
        ("c005c1", "d80202"),
        ("c001c1", "d80203"),
        ("c001c1000301000108 00ff020000", "d80203"),  # an octet too many
        ("c8c1", "d80202"),  # a service that was not agreed on
        ("00", "d80202"),
        ("", ""),
    ],
)
def test_a_request_and_its_answer(session, request_, answer):
    found = asked(session, request_)
    if answer is None:
        assert found.startswith("c403c1020006")
        assert found.endswith("0104")
    else:
        assert found == answer.replace(" ", "")


def test_nothing_is_answered_before_the_association(session):
    session.reset()
    for request in (fuzz.GET, fuzz.SET, fuzz.ACTION, b"\x00"):
        assert session.answer(request) == bytes([apdu.EXCEPTION, 1, 1])
    assert session.answer(fuzz.RLRQ) == bytes.fromhex("6303800100")
    assert session.answer(fuzz.AARQ).startswith(AARE)
    assert session.answer(fuzz.GET, client=1) == bytes([apdu.EXCEPTION, 1, 1])


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("80101be", "80102be", "a203020101a305a103020102"),  # short names
        ("06 5f1f", "05 5f1f", "a203020101a305a103020101be0604040e010601"),  # version
        ("00001e1d", "00001e0d", "a203020101a305a103020101be0604040e010602"),  # no GET
        ("ffff", "0010", "a203020101a305a103020101be0604040e010603"),  # too short
        ("be10", "8b0760857405080205be10", "a203020101a305a10302010b"),  # HLS
    ],
)
def test_an_association_that_cannot_be(session, old, new, result):
    whole = fuzz.AARQ.hex().replace(old.replace(" ", ""), new.replace(" ", ""), 1)
    whole = f"60{len(whole) // 2 - 2:02x}{whole[4:]}"
    assert asked(session, whole)[4 + 22 :] == result
    assert session.answer(fuzz.GET) == bytes([apdu.EXCEPTION, 1, 1])


def test_a_client_gets_of_the_services_what_it_asks_for(session):
    """Without blocks an answer that is too long is refused; without lists a list is."""
    only_get = fuzz.AARQ[:-5] + bytes.fromhex("000010 0040")
    assert session.answer(only_get).endswith(bytes.fromhex("000010 0400 0007"))
    assert session.answer(fuzz.GET) == bytes.fromhex("c401c101fa")
    assert session.answer(fuzz.LIST) == session.answer(fuzz.SET) == bytes.fromhex("d80202")
    assert session.answer(fuzz.RANGE) == bytes.fromhex("c401c1010d")


def test_blocks_out_of_turn_end_the_transfer(session):
    small = fuzz.AARQ[:-2] + bytes.fromhex("0040")
    session.answer(small)
    first = session.answer(fuzz.GET)
    assert first[:8] == bytes.fromhex("c402c10000000001")
    assert session.answer(bytes.fromhex("c002c100000002")).endswith(b"\x01\x13")
    assert session.answer(fuzz.NEXT).endswith(b"\x01\x10")
    session.answer(fuzz.GET)
    assert session.answer(fuzz.NEXT)[:8] == bytes.fromhex("c402c10000000002")


def test_a_meter_that_does_not_answer_is_a_temporary_failure():
    lost = []

    def gone():
        raise NoAnswer("nobody there")

    session = Session(Source(gone, (), lost=lambda: lost.append(1)))
    session.answer(fuzz.AARQ)
    assert session.answer(fuzz.GET) == bytes.fromhex("c401c10102")
    assert session.answer(fuzz.SET) == bytes.fromhex("c501c102")
    assert session.answer(fuzz.ACTION) == bytes.fromhex("c701c10200")
    assert len(lost) == 3
    assert issubclass(NoAnswer, MeterError)


def test_deep_and_long_data_are_refused(session):
    deep = bytes.fromhex("c101c100030100010800ff0200") + b"\x02\x01" * 900 + b"\x00"
    assert session.answer(deep) == bytes.fromhex("d80203")
    allowed = bytes.fromhex("c101c100030100010800ff0200") + b"\x02\x01" * data.DEEPEST + b"\x00"
    assert session.answer(allowed) == bytes.fromhex("c501c103")
    many = bytes.fromhex("c101c100030100010800ff0200") + b"\x01\x84\xff\xff\xff\xff"
    assert session.answer(many) == bytes.fromhex("d80203")


def test_a_list_of_the_longest_answers_stays_within_bounds(meter):
    history = History()
    for quarter in range(ENTRIES + 5):
        history.add(600_000_000 + quarter * 900, quarter, quarter)
    assert len(history.rows) == ENTRIES
    session = Session(Source(lambda: meter.client, history.rows))
    session.answer(fuzz.AARQ)
    one = bytes.fromhex("00070100630100ff0200")
    answer = session.answer(bytes.fromhex("c003c164") + 100 * one)
    assert answer[:2] == bytes([apdu.GET_ANSWER, apdu.NEXT])
    assert 1 << 17 < len(answer) + len(session._transfer.rest) < 1 << 18


@pytest.mark.parametrize("at", range(10))
def test_a_frame_with_a_flipped_bit_is_dropped(at):
    whole = build(Frame(b"\x03", b"\x21", 0x10, b"\xe6\xe6\x00abc"))[1:-1]
    assert parse(whole).information == b"\xe6\xe6\x00abc"
    for bit in range(8):
        spoilt = bytearray(whole)
        spoilt[at * len(whole) // 10] ^= 1 << bit
        assert parse(bytes(spoilt)) is None


def test_hdlc_repeats_an_answer_that_got_lost(meter):
    """The same frame again: the same answer, and the token in it is entered once."""
    side = EmulatedSide(meter.world)
    token = meter.vending.top_up("20.00").octets
    request = bytes.fromhex("c301c1007300001328 00ff0101 09") + bytes([len(token)]) + token
    side.receive(fuzz.SNRM + fuzz.framed(fuzz.AARQ, 0))
    side.sent.clear()
    before = meter.balance
    side.receive(fuzz.framed(request, 1))
    first = bytes(side.sent)
    side.receive(fuzz.framed(request, 1))
    assert bytes(side.sent) == first + first
    assert meter.balance - before == 20


@pytest.mark.parametrize("seed", range(2))
def test_junk_is_answered_or_dropped(seed):
    assert fuzz.lives(150, seed) > 150
