# Run in MicroPython, beside the files of a board: the heap it takes as it starts. Printed: octets
# in use after the imports and after the start, and whether there is a meter. INPUT "p1": with a P1
# port.
import gc

import bare

gc.collect()
# ---- collected ----
before = gc.mem_alloc()
import board  # noqa: E402
from meterfw.meter import Meter  # noqa: E402

board.P1 = globals()["INPUT"] == "p1"
gc.collect()
# ---- collected ----
imported = gc.mem_alloc() - before
meter = Meter(board.make())
gc.collect()
# ---- collected ----
started = gc.mem_alloc() - before
# ---- collected ----
print(imported, started, meter.flashed, bare.__name__)
