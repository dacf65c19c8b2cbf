"""Fuzzing the port: random and mutated frames, lines and tokens.

`python -m tests.firmware.fuzz [OCTETS [SEED]]`: no exception may leave `poll`, no state may change
without a valid tag, and the port must answer a ping afterwards. A failure names the seed.
"""

import random
import sys
import time
from dataclasses import dataclass

from budgetmeter.issue import Issuer
from meterfw.tokens.gateway import _LONGEST_LOCK_S, SIZE
from meterproto import framing, messages, tokens
from meterproto.codes import Kind, Message

from tests.firmware.bench import METER, Bench
from tests.firmware.support import fields

PING = framing.encode(messages.Header.build({"version": 1, "type": 1, "sequence": 5}) + b"?")
PONG = framing.encode(messages.Header.build({"version": 1, "type": 129, "sequence": 5}) + b"?")
WORDS = ("status", "token ", "registers", "events", "help", "profile", "version", "tokn", "~")
CHECK_EVERY = 4000  # octets


@dataclass
class Tally:
    """What was sent."""

    octets: int = 0
    pieces: int = 0


class Fuzzer:
    """Makes pieces for one meter; forged tokens are sealed with a key that is not the meter's."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.forger = Issuer(METER, b"not the vending key of this meter"[:32], derive=True)

    def piece(self):
        """One line, frame or stretch of noise, often mutated."""
        rng = self.random
        make = rng.choice((self._noise, self._line, self._frame, self._frame, self._token_frame))
        data = make()
        if rng.random() < 0.5:
            data = self._mutated(data)
        return data

    def _noise(self):
        return self.random.randbytes(self.random.randint(1, 60))

    def _line(self):
        rng = self.random
        word = rng.choice(WORDS)
        if word == "token ":
            word += tokens.to_text(self._token())
        return word.encode() + rng.choice((b"\r\n", b"\n", b"\r", b" x\r\n", b""))

    def _frame(self):
        rng = self.random
        kind = rng.choice((*Message, rng.randint(0, 255)))
        head = bytes([rng.choice((1, 1, 1, 0, 2, 255)), kind, rng.randint(0, 255)])
        return framing.encode(head + rng.randbytes(rng.choice((0, 0, 4, SIZE, 250))))

    def _token_frame(self):
        header = {"version": 1, "type": Message.TOKEN, "sequence": 1}
        return framing.encode(messages.Header.build(header) + self._token())

    def _token(self):
        rng = self.random
        kind = rng.choice((*Kind, rng.randint(0, 255)))
        number = rng.randint(1, 2**30 - 1)
        more = {"new_key": rng.randbytes(32)} if kind == Kind.KEY_CHANGE else {}
        value = rng.choice((1, 100_000, 2_000_000, -1, 2**30 - 1))
        if more:
            value = rng.randint(1, 65_535)
        return self.forger.reissue(number, kind, value, rng.randint(0, 9), **more)

    def _mutated(self, data):
        rng = self.random
        changed = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            way = rng.randrange(4)
            at = rng.randrange(len(changed) + 1)
            if way == 0 and at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            elif way == 1 and at < len(changed):
                del changed[at]
            elif way == 2:
                changed.insert(at, rng.randrange(256))
            elif changed:
                changed = changed[:at] or changed
        return bytes(changed)


def run(seed, octets, progress=None):
    """Send so many octets to one meter; returns a `Tally`.

    :raises AssertionError: when a promise is broken, naming seed and octet
    """
    fuzzer, bench, tally = Fuzzer(seed), Bench(), Tally()
    before = fields(bench.state)
    checked = 0
    while tally.octets < octets:
        data = fuzzer.piece()
        tally.octets += len(data)
        tally.pieces += 1
        bench.meter.gateway.pass_time(
            _LONGEST_LOCK_S * 1000
        )  # so that forged tags go on being judged
        try:
            _send(bench, data)
        except Exception as error:
            raise AssertionError(
                f"seed {seed}, octet {tally.octets}: {error!r} left poll"
            ) from error
        if tally.octets - checked >= CHECK_EVERY:
            checked = tally.octets
            _check(bench, before, f"seed {seed}, octet {tally.octets}")
            if progress is not None:
                progress(tally.octets)
    _check(bench, before, f"seed {seed}, octet {tally.octets}")
    return tally


def _send(bench, data):
    bench.board.received += data
    while bench.board.received:
        bench.meter.poll()
    bench.board.sent.clear()


def _check(bench, before, where):
    assert fields(bench.state) == before, f"{where}: the state changed without a valid tag"
    assert bench.meter.memory.numbers.highest == 0, f"{where}: a token was taken"
    bench.send(b"\r\n")
    assert bench.send(PING).endswith(PONG), f"{where}: the port does not answer"


def main():
    octets = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"fuzzing {octets} octets, seed {seed}", flush=True)

    def progress(done):
        print(f"\r{done / octets:6.1%}", end="", file=sys.stderr, flush=True)

    tally = run(seed, octets, progress if sys.stderr.isatty() else None)
    print(f"{tally.octets} octets in {tally.pieces} frames, lines and tokens: nothing broke")


if __name__ == "__main__":
    main()
