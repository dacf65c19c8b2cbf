"""`python -m tests.bench [NAME …]`: run the benchmarks, all or the named ones."""

import sys

from tests.bench import (
    boards,
    cards,
    emulator,
    fleet,
    http,
    journal,
    office,
    p1,
    pipeline,
    ports,
    protocol,
    rules,
    strangers,
    vending,
)

BENCHMARKS = {
    "rules": rules.main,
    "boards": boards.main,
    "emulator": emulator.main,
    "fleet": fleet.main,
    "http": http.main,
    "protocol": protocol.main,
    "journal": journal.main,
    "vending": vending.main,
    "office": office.main,
    "p1": p1.main,
    "strangers": strangers.main,
    "pipeline": pipeline.main,
    "ports": ports.main,
    "cards": cards.main,
}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
