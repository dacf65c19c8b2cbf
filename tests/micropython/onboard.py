"""What makes a board of MicroPython's WebAssembly port; runs in it before anything else.

Replaced: `sys.platform` and the streams of `sys` (for the program; the REPL has its own), `select`
on them, `machine`, `rp2` and `esp32` (virtual peripherals), the size of the flash (`os.statvfs`),
and the number of the error "no such file", which emscripten gives as 44. `machine.reset` ends what
runs and leaves a file that the bridge looks for.
"""

import binascii
import builtins
import json
import os
import select
import sys

import peripherals

BLOCK = 4096
ENOENT, EMSCRIPTEN_ENOENT = 2, 44

received = bytearray()


class System:
    """Stands for `sys`: some names are others, the rest its own."""

    def __init__(self, **others):
        for name, value in others.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        return getattr(sys, name)


class Implementation:
    """Stands for `sys.implementation`."""

    def __init__(self, options):
        self.name = "micropython"
        self.version = tuple(options.get("release", sys.implementation.version))
        self._machine = options["machine"]
        self._mpy = options.get("mpy", sys.implementation._mpy)


class Input:
    """Stands for `sys.stdin` and its buffer: what came in at the port."""

    def __init__(self):
        self.buffer = self

    def read(self, size):
        data = bytes(received[:size])
        received[:] = received[size:]
        return data


class Poll:
    """Stands for `select.poll` on the streams of `sys`."""

    def __init__(self):
        self.streams = []

    def register(self, stream, event):
        self.streams.append((stream, event))

    def ipoll(self, timeout):
        return [
            (stream, event) for stream, event in self.streams if event == select.POLLOUT or received
        ]


class Reset(SystemExit):
    """Ends what runs."""


def reset():
    with open("/bridge/reset", "w"):
        raise Reset


def feed(digits):
    """Octets come in at the port, as hexadecimal digits."""
    received.extend(binascii.unhexlify(digits))


def translated(call):
    """A call whose "no such file" has the number that boards give it."""

    def wrapped(*arguments):
        try:
            return call(*arguments)
        except OSError as error:
            if error.errno == EMSCRIPTEN_ENOENT:
                raise OSError(ENOENT) from None
            raise

    return wrapped


def used(folder):
    """Blocks that the files of a folder fill."""
    blocks = 0
    for name, kind, *_ in os.ilistdir(folder):
        if folder == "/" and name in ("bridge", "dev", "home", "proc", "tmp"):
            continue
        path = folder + name
        blocks += used(path + "/") if kind == 0x4000 else -(-os.stat(path)[6] // BLOCK)
    return blocks


def begin(options):
    """Become the board that the options tell of."""
    options = json.loads(options)
    made = peripherals.modules()
    machine = made["machine"]
    machine.reset = reset
    sys.modules["machine"] = machine
    if options["platform"] in made:
        sys.modules[options["platform"]] = made[options["platform"]]
    for name in options.get("lacks", ()):
        delattr(made[options["platform"]], name)
    if options.get("chip"):
        chip = peripherals.world.devices[0x68] = peripherals.Ds3231()
        chip.receive(bytes((0, 0, 0, 0x12, 2, 2, 6, 0x20)))  # 2020-06-02 12:00
        chip.receive(bytes((15, 0)))
    if options.get("safe_boot"):
        peripherals.world.level = lambda number: 0
    sys.modules["sys"] = System(
        platform=options["platform"], implementation=Implementation(options), stdin=Input()
    )
    sys.modules["select"] = peripherals.Module(
        poll=Poll, POLLIN=select.POLLIN, POLLOUT=select.POLLOUT
    )
    blocks = used("/") + options["room"] if "room" in options else 352
    os.statvfs = lambda path: (BLOCK, BLOCK, blocks, blocks - used("/"))
    for name in ("stat", "remove", "rename"):
        setattr(os, name, translated(getattr(os, name)))
    builtins.open = translated(builtins.open)
