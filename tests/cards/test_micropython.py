"""Cards in the real MicroPython: the same images, octet for octet, and genuine to construct."""

import json

from budgetmeter import profiles
from budgetmeter.card import MemoryCard, personalise, write_inward
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterproto import cards as layout
from meterproto.codes import CardOutcome, Kind

from tests import micropython
from tests.cards import visits
from tests.firmware.support import EUR, clock, mc

METER = 123_456_789
KEY = Issuer(METER, bytes(range(32)), derive=True).key


def card(*batch):
    made = personalise(KEY, type=1, meter=METER, card=7, key_revision=1)
    if batch:
        write_inward(made, 0, list(batch))
    return made


def told():
    """A life of a card: empty, pulled, loaded, full, refused, damaged, foreign, new keys."""
    office = Issuer(METER, KEY)
    tokens = [office.token(Kind.TOP_UP, 5 * EUR, order_id=i + 1) for i in range(20)]
    forged = bytearray(office.token(Kind.TOP_UP, EUR))
    forged[-1] ^= 1
    blank = MemoryCard()
    damaged = card(tokens[0])
    for i in (0, 1):
        damaged.data[layout.INWARD + i * layout.INWARD_SIZE + 7] ^= 1
    newer = card()
    newer.data[4] = 2
    lying = card()
    area = layout.area(9, bytes([0, 0, 0, 0, 20, 255]) + b"x" * 40)
    lying.data[layout.INWARD : layout.INWARD + len(area)] = area

    def step(card, pull=-1, cut=False):
        shown = card if card == "same" else bytes(card.data).hex()
        return {"card": shown, "pull": pull, "cut": cut}

    steps = [step(card()), step("same"), step(card(*tokens[:3]), 1000), step("same", cut=True)]
    steps += [step("same", octets) for octets in (1, 31, 33, 200, 700, 1300, 1500, 1700)]
    steps += [step("same"), step(card(*tokens)), step("same"), step(card(bytes(forged), tokens[4]))]
    steps += [step(blank), step(damaged), step(newer), step(lying)]
    change = office.change_key(bytes(32))
    after = office.token(Kind.TOP_UP, EUR, order_id=21)
    steps += [step(card(change, after), cut=True), step("same")]
    profile = profiles.load("wallonia-card")
    files = {name: data.hex() for name, data in flashed(METER, 1, KEY, profile).items()}
    return {"files": files, "clock": clock("2020-12-08 07:20"), "visits": steps}


def test_micropython_makes_of_every_card_what_cpython_makes_of_it():
    made = json.dumps(told())
    seen = json.loads(micropython.run(visits.__file__, made))
    assert seen == json.loads(json.dumps(visits.run(json.loads(made))))
    outcomes = [step["outcome"] for step in seen]
    pulled = 8 * [None]
    good, refused = CardOutcome.GOOD, CardOutcome.REFUSED
    assert outcomes[:4] == [good, good, None, good]
    assert outcomes[4:12] == pulled
    assert outcomes[12:16] == [good, good, good, refused]
    wrong = [CardOutcome.BLANK, CardOutcome.DAMAGED, CardOutcome.NEWER, good]
    assert outcomes[16:20] == wrong
    assert outcomes[20:] == [good, good]  # numbers outlive the key
    # 15 EUR of initial reserve, twenty top-ups of 5 EUR, one of 1 EUR under the new key.
    assert [seen[i]["credit"] for i in (3, 13, 14, 20)] == [mc(30), mc(115), mc(115), mc(116)]
    assert seen[13]["lines"][:2] == ["CARD 9", "loaded 17"]
    assert seen[13]["beeps"] == 2
    image = bytes.fromhex(seen[13]["card"])
    held = layout.newest(image, layout.OUTWARD, layout.OUTWARD_SIZE)[2]
    assert layout.report_genuine(held, KEY)
    report = layout.report(held)
    assert report["state"].credit == mc(115)
    assert len(report["answers"]) == 20
