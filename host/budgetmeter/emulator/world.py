"""The emulator: a meter on a virtual board, a load, people, and things planned, in virtual time."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from construct import ConstructError
from meterfw import layouts
from meterfw.account import rules
from meterfw.meter import Meter
from meterfw.store.journal import LOST, NEW
from meterfw.tokens.memory import USED
from meterproto import cards, tokens
from meterproto.codes import CardOutcome, Event, Result, TokenReason

from budgetmeter import units
from budgetmeter.card import MemoryCard
from budgetmeter.emulator import telegrams
from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.emulator.parts import Files, Load, People, TokenIssuer
from budgetmeter.emulator.strides import stride
from budgetmeter.errors import InputError
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from budgetmeter.loads import NOTHING, SampledLoad
from budgetmeter.profiles import Profile
from budgetmeter.report.phases import phase
from budgetmeter.report.trace import SAMPLE_S, NoTrace, Trace
from budgetmeter.spoken import words_file
from budgetmeter.units import DAY_S

Action = Callable[[], object]  # what is done at a planned time

METER = 100_000_001  # serial number of an emulated meter
VENDING_KEY = b"emulated meters only, no secret."  # 32 bytes


class Emulator:
    """A budget meter in virtual time.

    :param profile: a `budgetmeter.profiles.Profile`
    :param clock: start, minutes since 2000-01-01 00:00 UTC+1
    :param load: what is consumed; `at(second)` with seconds since the start
    :param household: the people; None for nobody
    :param adaptive: False steps every second (slow; for proofs)
    :param files: where the meter keeps its files, as `VirtualBoard` wants them; a meter found there
        goes on where it was, with the identity it was flashed with
    :param meter: serial number
    :param key: the key to flash it with, and its revision; by default one that is no secret
    :param p1: the board has a P1 port
    :param language: of display and console; None for that of the profile
    :param trace: False keeps no trace, for a meter that lives long
    :raises OSError: when the files cannot be read or written
    """

    def __init__(
        self,
        profile: Profile,
        clock: int,
        load: Load,
        household: People | None = None,
        adaptive: bool = True,
        files: Files | None = None,
        meter: int = METER,
        key: tuple[bytes, int] | None = None,
        trace: bool = True,
        p1: bool = False,
        language: str | None = None,
    ) -> None:
        self.profile = profile
        self.load = load
        self.household = household
        self.trace = Trace() if trace else NoTrace()
        files = {} if files is None else files
        own_key, revision = key or (tokens.meter_key(VENDING_KEY, meter, 1), 1)
        for name, data in flashed(meter, revision, own_key, profile).items():
            found = files.get(name)
            if found is None or (name == "profile" and found != data):
                files[name] = data
        self.language = language or profile.language
        for name, data in words_file(self.language).items():
            if files.get(name) != data:
                files[name] = data
        self.board = VirtualBoard(clock, files, p1)
        self.meter = Meter(self.board)
        memory = self.meter.memory
        issuer = Issuer(meter, memory.key, memory.key_revision)
        issuer.number = memory.numbers.highest
        self.issuer: TokenIssuer = issuer
        self.start_s = clock * 60
        self.behind: Emulator | None = None  # a gas meter in the telegrams of this one
        self.p1_every_second = True  # a P1 reader gets a telegram for every second
        self._longest = rules.STEP_S if adaptive else 1
        self._plans: list[tuple[int, int, Action]] = []  # when (s), order of planning, what
        self._serial = count()
        self._seen = 0
        self._draw_until = self.start_s
        self._sample_at = self.start_s
        self._note()
        if household is not None:
            household.move_in(self)

    def speak(self, language: str) -> None:
        """Display and console speak another language from now on.

        :raises InputError: no such language
        """
        for name, data in words_file(language).items():
            self.board.files[name] = data
        self.language = language
        self.meter.panel.speak()
        self.meter.panel.drive()

    # Time

    @property
    def now_s(self) -> int:
        """Seconds since 2000-01-01 00:00 UTC+1."""
        return self.board.now_s

    def local_time(self) -> datetime:
        """Belgian local time now."""
        return units.from_clock(self.now_s // 60, self.now_s % 60)

    def plan(self, time: datetime, action: Action) -> None:
        """Do something at a Belgian local time (at once when that is past).

        What is planned for after the meter's calendar is left out: no run gets there.
        """
        if time < units.END:
            self.plan_at(units.to_clock(time) * 60 + time.second, action)

    def plan_at(self, at_s: int, action: Action) -> None:
        """The same at a time in seconds since 2000 UTC+1."""
        heapq.heappush(self._plans, (at_s, next(self._serial), action))

    def load_changed(self) -> None:
        """The load draws something else from now on."""
        self._draw_until = self.now_s

    def draw(self) -> None:
        """Let the board see what the load draws now, not with the next step of time."""
        self._draw()

    def run(self, until_s: int, progress: Callable[[int], object] | None = None) -> None:
        """Run to a time in seconds since 2000 UTC+1; `progress(now_s)` is called every day."""
        report_at = self.now_s + DAY_S
        while self.now_s < until_s:
            self._do_planned()
            if self.now_s < until_s:
                self._step(until_s)
            if progress is not None and self.now_s >= report_at:
                progress(self.now_s)
                report_at = self.now_s + DAY_S
        self._do_planned()
        self._sample()

    def _do_planned(self) -> None:
        while self._plans and self._plans[0][0] <= self.now_s:
            heapq.heappop(self._plans)[2]()
            self._note()

    def _step(self, until_s: int) -> None:
        board, meter = self.board, self.meter
        now = board.now_s
        if now >= self._draw_until:
            self._draw()
        if now >= self._sample_at:
            self._sample()
            self._sample_at = now - now % SAMPLE_S + SAMPLE_S
        until = min(until_s, self._draw_until)
        if self._plans:
            until = min(until, self._plans[0][0])
        flow = board.flowing()
        most = min(until - now, self._longest)
        steps = stride(meter, most, (flow.rate, flow.ma, flow.w), board.drawn)
        if steps > 1 and meter.p1 is not None:
            steps = min(steps, telegrams.to_quarter(self))
        name = phase(meter.state)
        self.trace.pass_bars(meter.state, now, now + steps)
        board.pass_time(steps)
        meter.poll()
        if board.heard_p1:
            telegrams.send(self)
        self.trace.pass_time(name, now, now + steps)
        if meter.log.count != self._seen:
            self._note()

    def _draw(self) -> None:
        draw = self.load.at(self.now_s - self.start_s)
        if self.household is not None:
            draw = self.household.use(draw)
        self.board.draw = draw
        self._draw_until = self.start_s + draw.until

    def _sample(self) -> None:
        self.trace.sample(self.now_s, self.meter.state, self.board.drawn)

    def _note(self) -> None:
        """Take over new log entries and let the people notice them."""
        log = self.meter.log
        if log.count == self._seen:
            return
        first = len(self.trace.entries)
        self._seen = self.trace.drain(log, self._seen, self.meter.state)
        if self.household is not None and first:
            events = 0
            for entry in self.trace.entries[first:]:
                if isinstance(entry.code, Event):
                    events |= 1 << entry.code
            self.household.notice(events)
            self.load_changed()

    def receive(self, octets: bytes) -> None:
        """Octets come in on the meter's port; what it answers is in `board.sent`."""
        self.board.receive(octets, self.meter.poll)
        self._note()

    def settle(self) -> None:
        """Let the meter do a pass: something was asked of it beside its port."""
        self.meter.poll()
        self._note()

    # What people and the operator do

    def press(self, pressed_s: int = 0) -> None:
        """Press the button for so many seconds."""
        self.trace.press(self.now_s)
        self.board.press(pressed_s)
        self.meter.poll()
        self._note()

    def top_up(self, amount: int) -> Result | TokenReason:
        """Buy credit, mc; answers as `order` does."""
        return self.order(layouts.KIND_TOP_UP, amount)

    def order(
        self, kind: int, value: int = 0, extra: int = 0, order_id: int = 0, expiry: int = 0
    ) -> Result | TokenReason:
        """Give the meter an order (`meterproto.codes.Kind`) as a token.

        Tokens under one order id take effect once; 0 none. From the clock value `expiry` on the
        meter refuses it; 0 never. Answers a `Result`, or the `TokenReason` for which the token was
        not even tried.
        """
        token = self.issuer.token(kind, value, extra, order_id=order_id, expiry=expiry)
        _, why = self.enter(token)
        if layouts.TOKEN_REASON_NONE < why < layouts.TOKEN_REASON_RESULT:
            return TokenReason(why)
        result = Result(max(why - layouts.TOKEN_REASON_RESULT, layouts.RESULT_DONE))
        if kind == layouts.KIND_TOP_UP and result is Result.DONE:
            self.trace.top_ups.append((self.now_s // 60, value))
        return result

    def enter(self, token: bytes) -> tuple[int, int]:
        """A token comes in by network or typed; answers its status and reason (`Till.enter`)."""
        status, why = self.meter.enter(token)
        if status == layouts.TOKEN_STATUS_EXECUTED:
            self.trace.take(self.now_s, token)
        self._note()
        return status, why

    def insert(self, card: MemoryCard) -> CardOutcome | None:
        """Put a card into the slot, wait for its outcome, take it out; returns the outcome.

        None when it was pulled out before (`MemoryCard.pull_at`).
        """
        waiting = [token for number, token in _carried(card) if not self._took(number)]
        outcome = insert(self.meter, card)
        for token in waiting:
            if self._took(tokens.parse(token).number):
                self.trace.take(self.now_s, token)
        self._note()
        return outcome

    def put_in(self, card: MemoryCard) -> CardOutcome | None:
        """Put a card into the slot, wait for its outcome and leave it there; as `insert`."""
        outcome = put_in(self.meter, card)
        self._note()
        return outcome

    def pull_out(self) -> MemoryCard | None:
        """Take the card out of the slot; None where none is in."""
        card, self.board.slot = self.board.slot, None
        self.meter.poll()
        self._note()
        return card

    def _took(self, number: int) -> bool:
        """Whether the meter has taken the token of this number."""
        return self.meter.memory.numbers.state(number) == USED

    def cut_power(self, seconds: int = 0) -> None:
        """Take the mains away for so long; the meter restarts from its files."""
        begin = self.now_s
        self.board.draw = NOTHING
        self.board.pass_time(seconds)
        self.trace.pass_time("power cut", begin, self.now_s)
        self.load_changed()
        self.board.elapsed_ms()
        self.meter = Meter(self.board)
        afresh = self.meter.found in (NEW, LOST)
        self._seen = 0 if afresh else self._seen
        self._note()

    # What is asked

    def balance(self) -> int:
        """The balance the customer sees, mc."""
        return rules.balance(self.meter.state)

    def conservation(self) -> tuple[int, int]:
        """Books that must be equal: what the account holds, and what went in and out, mc."""
        m = self.meter.state
        account = rules.balance(m) - m.arrears
        credited = m.credited_eur * units.EUR + m.credited_mc
        charged = m.charged_eur * units.EUR + m.charged_mc
        settled = m.settled_eur * units.EUR + m.settled_mc
        return account, credited - charged + settled


def _carried(card: MemoryCard) -> list[tuple[int, bytes]]:
    """The tokens that a card brings, each with its number; none where nothing whole is on it."""
    found = cards.newest(card.data, cards.INWARD, cards.INWARD_SIZE)
    if found is None:
        return []
    try:
        return [(tokens.parse(one).number, one) for one in cards.tokens_of(found[2])[1]]
    except (ConstructError, ValueError):
        return []


def insert(meter: Meter, card: MemoryCard) -> CardOutcome | None:
    """A card's visit to a meter on a virtual board; answers its CardOutcome, None if pulled out.

    :raises InputError: a meter without identity or profile, which reads no card
    """
    outcome = put_in(meter, card)
    assert isinstance(meter.board, VirtualBoard)
    meter.board.slot = None
    meter.poll()
    return outcome


def put_in(meter: Meter, card: MemoryCard) -> CardOutcome | None:
    """The first half of a visit: the card stays in the slot.

    :raises InputError: a meter without identity or profile, which reads no card
    """
    if not meter.flashed:
        raise InputError("the meter is not flashed: it reads no card")
    board = meter.board
    assert isinstance(board, VirtualBoard)
    board.slot = card
    meter.poll()
    while board.card_in() and meter.slot.outcome == layouts.CARD_OUTCOME_READING:
        meter.poll()
    return CardOutcome(meter.slot.outcome) if board.card_in() else None


def start_of(load: SampledLoad) -> int:
    """Clock value at which a sampled load begins (its times are UTC+1)."""
    return int((load.begin - units.EPOCH).total_seconds() // 60)
