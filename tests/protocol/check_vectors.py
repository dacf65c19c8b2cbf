"""Checks the golden vectors against the firmware; runs on both interpreters.

In MicroPython this file is run with the vectors as JSON in the global INPUT and prints what failed.
"""

import json
from binascii import hexlify, unhexlify

from meterfw import crypto, fcs, text
from meterfw.board import Board
from meterfw.meter import Meter


class Wire(Board):
    """A board that is only files and a serial port."""

    def __init__(self, vectors):
        self.files = {
            "identity": unhexlify(vectors["identity"]),
            "profile": unhexlify(vectors["profile"]),
        }
        self.now = vectors["clock"]
        self.received = b""
        self.sent = b""

    def elapsed_ms(self):
        return 0

    def pulses(self):
        return 0

    def supply(self, closed):
        pass

    def clock(self):
        return self.now

    def read_into(self, buffer):
        size = min(len(buffer), len(self.received))
        for i in range(size):
            buffer[i] = self.received[i]
        self.received = self.received[size:]
        return size

    def write(self, data, size):
        self.sent += bytes(data[:size])

    def load(self, name):
        return self.files.get(name)

    def store(self, name, data):
        self.files[name] = bytes(data)


def exchange(meter, sent):
    """What a meter answers to octets."""
    board = meter.board
    board.received, board.sent = sent, b""
    while board.received:
        meter.poll()
    meter.poll()
    return board.sent


def failures(vectors):
    """What does not come out as the vectors say."""
    failed = []
    for key, data, wanted in vectors["hmac"]:
        if hexlify(crypto.hmac(unhexlify(key), unhexlify(data))).decode() != wanted:
            failed.append("hmac " + wanted)
    for _, _, info, key, wanted in vectors["hkdf"]:
        if hexlify(crypto.expand(unhexlify(key), unhexlify(info))).decode() != wanted[:64]:
            failed.append("hkdf " + wanted)
    for data, wanted in vectors["fcs"]:
        check = bytes([wanted & 0xFF, wanted >> 8])
        if not fcs.good(unhexlify(data) + check) or fcs.good(unhexlify(data) + b"\x12\x34"):
            failed.append("fcs " + data)
    for case in vectors["typed"]:
        data = unhexlify(case["bytes"])
        failed.extend("right " + t for t in case["right"] if text.token(t) != data)
        failed.extend("wrong " + t for t in case["wrong"] if text.token(t) is not None)
    wire = Wire(vectors)
    Meter(wire)
    if len(wire.files["store.0"]) != vectors["record"]:
        failed.append("record size")
    meter = None
    for case in vectors["exchanges"]:
        if case["fresh"]:
            meter = Meter(Wire(vectors))
        seen = hexlify(exchange(meter, unhexlify(case["in"]))).decode()
        if seen != case["out"]:
            failed.append(case["about"] + ": " + seen)
    return failed


if "INPUT" in globals():
    print(json.dumps(failures(json.loads(globals()["INPUT"]))))
