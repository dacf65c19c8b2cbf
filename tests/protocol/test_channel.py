"""Office, a bad line, and the meter: every token that gets through counts exactly once.

The line drops, duplicates, reorders, splits byte by byte and flips bits, and loses answers. The
model is a dictionary of numbers.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from meterfw import layouts
from meterproto import framing, messages
from meterproto.codes import Kind, Message, TokenReason, TokenStatus

from tests.firmware.bench import Bench
from tests.firmware.support import EUR, conserved

INITIAL = 15 * EUR


class Line(RuleBasedStateMachine):
    """Frames wait in flight until they are delivered, in any order and any state."""

    flight = Bundle("flight")

    @initialize()
    def begin(self):
        self.bench = Bench()
        self.taken = {}  # number: amount
        self.orders = {}  # order: number that took effect
        self.sequence = 0

    @rule(target=flight, amount=st.integers(1, 250 * EUR), order=st.integers(0, 40))
    def issue(self, amount, order):
        token = self.bench.office.token(Kind.SUPPORT, amount, order_id=order)
        return self.frame(token, amount, order, self.bench.office.number)

    @rule(
        target=flight,
        amount=st.integers(1, 20 * EUR),
        ahead=st.sampled_from([0, 1, 100, 255, 256, 300]),
    )
    def issue_ahead(self, amount, ahead):
        """Numbers handed out elsewhere in the meantime."""
        self.bench.office.number += ahead
        token = self.bench.office.token(Kind.SUPPORT, amount)
        return self.frame(token, amount, 0, self.bench.office.number)

    def frame(self, token, amount, order, number):
        self.sequence = (self.sequence + 1) % 256
        header = {"version": 1, "type": Message.TOKEN, "sequence": self.sequence}
        wire = framing.encode(messages.Header.build(header) + token)
        return {"wire": wire, "amount": amount, "order": order, "number": number}

    @rule(sent=flight)
    def deliver(self, sent):
        """A frame arrives whole, perhaps not for the first time; its answer is checked."""
        answer = self.answer(self.bench.send(sent["wire"]))
        assert (answer.status, answer.reason) == self.expected(sent)
        assert answer.number == sent["number"]
        self.book(sent)

    @rule(sent=flight, twice=st.booleans())
    def deliver_and_lose_the_answer(self, sent, twice):
        self.bench.send(sent["wire"] * (2 if twice else 1))
        self.book(sent)

    @rule(sent=flight, cuts=st.lists(st.integers(0, 120), max_size=4))
    def deliver_in_pieces(self, sent, cuts):
        wire, seen, last = sent["wire"], b"", 0
        for cut in [*sorted(cut for cut in cuts if cut < len(wire)), len(wire)]:
            seen += self.bench.send(wire[last:cut])
            last = cut
        answer = self.answer(seen)
        assert (answer.status, answer.reason) == self.expected(sent)
        self.book(sent)

    @rule(sent=flight, flips=st.lists(st.integers(0, 10**6), min_size=1, max_size=3, unique=True))
    def deliver_damaged(self, sent, flips):
        """Flipped bits: nothing counts, and the next line end makes the port sane again."""
        wire = bytearray(sent["wire"])
        for flip in flips:
            wire[flip // 8 % len(wire)] ^= 1 << flip % 8
        if bytes(wire) == sent["wire"]:
            return
        before = self.bench.state.credit
        self.bench.send(bytes(wire) + b"\r\n")
        assert self.bench.state.credit == before

    @rule(sent=flight, size=st.integers(1, 60))
    def deliver_cut_short(self, sent, size):
        before = self.bench.state.credit
        self.bench.send(sent["wire"][:-size] + b"\r\n")
        assert self.bench.state.credit == before

    @rule()
    def restart(self):
        self.bench.restart()

    def answer(self, wire):
        (content,) = framing.Decoder().feed(wire)
        return messages.TokenAnswer.parse(content[messages.Header.sizeof() :])

    def expected(self, sent):
        """Status and reason that the dictionary foretells."""
        number, order = sent["number"], sent["order"]
        highest = max(self.taken, default=0)
        newest = max((o for o in self.orders), default=0)
        if number <= highest - 256:
            return TokenStatus.VALIDATION_FAILURE, TokenReason.TOO_OLD
        if number in self.taken:
            return TokenStatus.VALIDATION_FAILURE, TokenReason.USED
        assert not order or order > newest - 256
        if order and order in self.orders:
            return TokenStatus.EXECUTED, TokenReason.RESULT + layouts.RESULT_NO_EFFECT
        return TokenStatus.EXECUTED, TokenReason.NONE

    def book(self, sent):
        if self.expected(sent)[0] != TokenStatus.EXECUTED:
            return
        counts = not sent["order"] or sent["order"] not in self.orders
        self.taken[sent["number"]] = sent["amount"] if counts else 0
        if sent["order"]:
            self.orders.setdefault(sent["order"], sent["number"])

    @invariant()
    def every_token_taken_counts_once(self):
        m = self.bench.state
        assert m.credit == INITIAL + sum(self.taken.values())
        assert m.credited_eur * EUR + m.credited_mc == m.credit
        assert conserved(m)


Line.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLine = Line.TestCase
