"""A card's visit to the meter, on both interpreters, and the exchanges of a terminal."""

import json
import tempfile
from pathlib import Path

from budgetmeter import profiles
from budgetmeter.card import MemoryCard, personalise, write_inward
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterproto.codes import Kind

from tests import micropython
from tests.bench.measure import report, spread, timed
from tests.cards import visits
from tests.cards.counter import METER, Counter
from tests.firmware.support import EUR, clock

RUNS = 5
EXCHANGES = 100

# Run in MicroPython after `visits`: what a visit allocates in all, with the collector off.
TAIL = """
import gc
told = json.loads(INPUT)
meter = Meter(Holder({k: unhexlify(v) for k, v in told["files"].items()}, told["clock"]))
meter.board.card = bytearray(unhexlify(told["card"]))
gc.collect()
gc.disable()
before = gc.mem_alloc()
while meter.slot.outcome == 0:
    meter.poll()
print(gc.mem_alloc() - before)
"""


class Counted(MemoryCard):
    """Counts what goes over the contacts."""

    read = written = 0

    def read_into(self, at, buffer):
        done = MemoryCard.read_into(self, at, buffer)
        self.read += len(buffer) if done else 0
        return done

    def write(self, at, data):
        done = MemoryCard.write(self, at, data)
        self.written += len(data) if done else 0
        return done


def main():
    """Octets over the contacts, allocation, exchanges per second."""
    for tokens in (1, 20):
        office = Issuer(METER, Counter().keys.meter_key(METER, 1))
        card = personalise(office.key, type=1, meter=METER, card=1, key_revision=1)
        batch = [office.token(Kind.TOP_UP, 5 * EUR, order_id=i + 1) for i in range(tokens)]
        write_inward(card, 0, batch)
        image = bytes(card.data)
        seconds = []
        for _ in range(RUNS):
            counter, counted = Counter(), Counted(image)
            seconds.append(timed(lambda d=counter, c=counted: d.insert(c)) * 1000)
        report(
            "card_visit", tokens=tokens, unit="ms", read=counted.read, written=counted.written,
            **spread(seconds),
        )  # fmt: skip
        _in_micropython(office.key, image, tokens)
    with tempfile.TemporaryDirectory() as folder:
        rates = []
        for run in range(RUNS):
            counter = Counter(url=f"sqlite:///{folder}/{run}.db").enrol()
            counter.insert()
            taken = timed(lambda d=counter: [d.pay() for _ in range(EXCHANGES)])
            rates.append(EXCHANGES / taken)
            counter.office.engine.dispose()
        report("exchanges_sqlite", unit="exchanges/s", **spread(rates))


def _in_micropython(key, image, tokens):
    """What a visit allocates in MicroPython."""
    profile = profiles.load("wallonia-card")
    told = {
        "files": {name: data.hex() for name, data in flashed(METER, 1, key, profile).items()},
        "clock": clock("2020-12-08 07:20"),
        "card": image.hex(),
    }
    source = Path(visits.__file__).read_text("utf-8").partition('if "INPUT" in globals()')[0]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "visit.py"
        script.write_text(source + TAIL, encoding="utf-8")
        allocated = [int(micropython.run(script, json.dumps(told))) for _ in range(3)]
    report("card_visit_allocated", tokens=tokens, unit="octets", **spread(allocated))
