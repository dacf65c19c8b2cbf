"""A meter under test, its time in the test's hands: what the fixtures of the pytest plugin are."""

import math
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import Any

from meterproto import tokens
from meterproto.codes import CardOutcome, CardType, ControlState, Kind
from meterproto.records import CLOCK_LIMIT

from budgetmeter import orders, profiles, units
from budgetmeter.card import MemoryCard, personalise, write_inward
from budgetmeter.client import Entered, Meter
from budgetmeter.emulator import ConstantLoad, Emulator, telegrams
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.server import Server
from budgetmeter.emulator.world import METER as NUMBER
from budgetmeter.errors import InputError
from budgetmeter.issue import Issuer, VendingKeys
from budgetmeter.loads import MAX_LITRES_PER_HOUR, MAX_W

KEY_SIZE = 32  # octets
PROFILE = "wallonia-card"
START = "2020-06-02 12:00"  # a Tuesday, outside friendly hours and winter
LAST_EVENTS = 12  # shown with a failure
Number = float | Decimal
Time = str | date  # a Belgian local time, as text or of datetime
UNITS_S = {"days": units.DAY_S, "hours": 3600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class Token:
    """A token for a meter.

    :ivar number: counted for each meter
    :ivar octets: as in a frame or on a card
    """

    number: int
    octets: bytes

    @property
    def text(self) -> str:
        """As groups of characters to type."""
        return tokens.to_text(self.octets)


class Vending:
    """An office for one meter, in memory: numbers and seals its tokens."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def issue(
        self,
        kind: str,
        order_id: int | None = None,
        expiry: Time | None = None,
        order: int | None = None,
        **options: object,
    ) -> Token:
        """A `Token`, not yet entered.

        :param kind: as in `budgetmeter token issue`: "top-up", "hold", "overdraft", …
        :param order_id: tokens under one id take effect once; if left out, none, and 1 for a kind
            that needs one
        :param expiry: Belgian local time from which on the meter refuses it; a day is meant to its
            last minute
        :param order: an older name of `order_id`
        :param options: those of the kind: amount="20.00", until="2021-03-31", …; `from` is a word
            of Python: `**{"from": "2021-01-01"}`
        :raises InputError: an unknown kind, or an option missing or unusable
        """
        wanted = orders.read(kind, options)
        if wanted.kind == Kind.KEY_CHANGE:
            raise InputError("key changes come from an office: budgetmeter.office")
        counted = order_id if order_id is not None else order
        number = orders.order_id(counted or None, wanted)  # 0 was "none" in the older name
        octets = self._issuer.token(
            wanted.kind,
            wanted.value,
            wanted.extra,
            order_id=number,
            expiry=orders.expiry(expiry, mark=""),
        )
        return Token(self._issuer.number, octets)

    def top_up(self, amount: object) -> Token:
        """A top-up of so many EUR, e.g. "20.00": a `Token`."""
        return self.issue("top-up", amount=amount if isinstance(amount, Decimal) else str(amount))

    def card(self, *issued: Token) -> MemoryCard:
        """A customer's card (`budgetmeter.card.MemoryCard`) that carries `Token`s, at most 20."""
        office = self._issuer
        head = {"meter": office.meter, "card": 1, "key_revision": office.revision}
        made = personalise(office.key, type=CardType.CUSTOMER.value, **head)
        write_inward(made, 0, [token.octets for token in issued])
        return made


class MeterUnderTest:
    """An emulated meter in virtual time: nothing passes but what the test lets pass.

    :param profile: a name, or a TOML file
    :param start: Belgian local time at which it is put into service
    :param number: serial number
    :param key: its own key, 32 octets; or vending keys (`budgetmeter.office.keys.KeyFile`), and
        its key is derived from the latest of them; by default one that is no secret
    :param change: values of the profile to replace, by their names in a profile file
    :raises InputError: none of these
    :ivar world: the `Emulator`
    :ivar client: a `budgetmeter.client.Meter` on it
    :ivar vending: its `Vending`
    """

    def __init__(
        self,
        profile: str = PROFILE,
        start: Time = START,
        number: int = NUMBER,
        key: bytes | VendingKeys | None = None,
        change: dict[str, Any] | None = None,
    ) -> None:
        clock = units.to_clock(moment(start))
        self._load = ConstantLoad()
        chosen = profiles.load(profile).changed(change or {}, "change")
        if type(number) is not int or not 0 < number <= tokens.METER_LIMIT:
            raise InputError(f"number={number!r}: a serial number is 1 to {tokens.METER_LIMIT}")
        sealed = None if key is None else _key(key, number)
        self.world = Emulator(chosen, clock, self._load, meter=number, key=sealed, p1=True)
        self.world.p1_every_second = False
        self._ports = ExitStack()  # the servers on `url` and `p1_url`
        self._url: str | None = None
        self._p1_url: str | None = None
        self.servers: list[Server] = []
        self.lock = threading.Lock()  # a server on the same meter takes it too
        self.line = LockedLine(self)
        self.client = Meter(self.line)
        issuer = self.world.issuer
        assert isinstance(issuer, Issuer)
        self.vending = Vending(issuer)

    @property
    def url(self) -> str:
        """Of a TCP port of the meter, open from the first time it is asked for."""
        if self._url is None:
            self._url = self._ports.enter_context(served(self))
        return self._url

    @property
    def p1_url(self) -> str:
        """Of a TCP port with its P1 telegrams, open from the first time it is asked for.

        Its one reader gets a telegram when he comes, after every call that touches the meter, and
        one for each quarter of an hour at least while time passes.
        """
        if self._p1_url is None:
            port = telegrams.port(self.world, "127.0.0.1", 0)
            self._p1_url = self._ports.enter_context(served(self, port))
        return self._p1_url

    def p1(self, gas: "MeterUnderTest | None" = None) -> str:
        """Its P1 telegram now, after e-MUCS 1.7.1.

        :param gas: the gas meter behind this one, brought to this one's time
        :raises InputError: when the gas meter is later than this one, or is none
        """
        if gas is None:
            return telegrams.telegram(self.world).decode("ascii")
        if not gas.world.profile.gas or self.world.profile.gas:
            raise InputError("p1(gas=…) puts a gas meter behind an electricity meter")
        if gas.world.now_s > self.world.now_s:
            raise InputError(f"it is {self.time}, and {gas.time} at the gas meter")
        with gas.touched():
            return telegrams.telegram(self.world, gas.world).decode("ascii")

    @contextmanager
    def touched(self) -> Generator[None]:
        """The meter for one thread; its P1 port tells what has become of it."""
        with self.lock:
            yield
            if not self.world.p1_every_second:
                telegrams.send(self.world)
        for server in self.servers:
            server.ring()

    def close(self) -> None:
        """Give the ports back."""
        self._url = self._p1_url = None
        self._ports.close()

    # Time and consumption

    def use(
        self,
        watts: Number = 0,
        litres: Number = 0,
        hours: Number = 0,
        minutes: Number = 0,
        seconds: Number = 0,
    ) -> None:
        """Draw so many watts, or litres of gas an hour, for so long; then nothing.

        A meter counts whole watts, litres an hour and seconds: fractions are rounded. While supply
        is open nothing flows, and time passes all the same.

        :raises InputError: what no household draws, or a time after the meter's calendar
        """
        gas = self.world.profile.gas
        watts = round(_number("watts", watts, 0, MAX_W))
        litres = round(_number("litres", litres, 0, MAX_LITRES_PER_HOUR))
        if watts if gas else litres:
            raise InputError("a gas meter uses litres, any other watts")
        passed = self._seconds(hours=hours, minutes=minutes, seconds=seconds)
        with self.touched():
            self._load.set(litres if gas else watts, gas)
            self.world.load_changed()
            self.world.run(self.world.now_s + passed)
            self._load.set(0, gas)
            self.world.load_changed()

    def wait(
        self, days: Number = 0, hours: Number = 0, minutes: Number = 0, seconds: Number = 0
    ) -> None:
        """Let time pass without consumption.

        :raises InputError: after the meter's calendar
        """
        self.use(seconds=self._seconds(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def _seconds(self, **parts: Number) -> int:
        """Seconds of a span, rounded, by the names of its parts.

        :raises InputError: back in time, or after the meter's calendar
        """
        total = sum(_number(name, value) * UNITS_S[name] for name, value in parts.items())
        if total < 0:
            raise InputError("time does not run back")
        if not total <= CLOCK_LIMIT * 60 - self.world.now_s:
            raise InputError(f"the meter's calendar ends in 2099, and it is {self.time}")
        return round(total)

    def at(self, time: Time) -> None:
        """Let time pass without consumption until a Belgian local time, e.g. "2020-07-02 23:00".

        :raises InputError: when it is past
        """
        time = moment(time)
        until = units.to_clock(time) * 60 + time.second
        if until < self.world.now_s:
            raise InputError(f"{time} is past: it is {self.time}")
        with self.touched():
            self.world.run(until)

    # People, the operator, the mains

    def press(self, seconds: Number = 0) -> None:
        """Press the button, and hold it for so many seconds."""
        pressed = self._seconds(seconds=seconds)
        with self.touched():
            self.world.press(pressed)

    def top_up(self, amount: object) -> Entered:
        """Enter a top-up of so many EUR, e.g. "20.00".

        :raises TokenRefused: as `enter`
        """
        return self.enter(self.vending.top_up(amount))

    def order(self, kind: str, **options: Any) -> Entered:
        """Issue a token of a kind and enter it; options as for `Vending.issue`.

        :raises TokenRefused: as `enter`
        """
        return self.enter(self.vending.issue(kind, **options))

    def enter(self, token: Token | bytes | str) -> Entered:
        """Enter a `Token`, its bytes or its text at the port: `budgetmeter.client.Entered`.

        :raises TokenRefused: with the reason
        """
        return self.client.enter(token.octets if isinstance(token, Token) else token)

    def insert(self, card: object) -> CardOutcome | None:
        """Put a card into the slot until the meter has read and written it, then take it out.

        :param card: a `budgetmeter.card.MemoryCard`, as of `Vending.card` or of a file
            (`MemoryCard.load`); it holds the meter's report afterwards
        :returns: the `CardOutcome` shown; None when it was pulled out (`MemoryCard.pull_at`)
        :raises InputError: what is no card
        """
        if not isinstance(card, MemoryCard):
            raise InputError(
                f"a card is a budgetmeter.card.MemoryCard, not {type(card).__name__}; "
                "MemoryCard.load reads a file"
            )
        with self.touched():
            return self.world.insert(card)

    def cut_power(self, hours: Number = 0, minutes: Number = 0, seconds: Number = 0) -> None:
        """Take the mains away for so long; the meter starts again from what it has stored."""
        passed = self._seconds(hours=hours, minutes=minutes, seconds=seconds)
        with self.touched():
            self.world.cut_power(passed)

    # What there is to see

    @property
    def time(self) -> datetime:
        """Belgian local time."""
        return self.world.local_time()

    @property
    def balance(self) -> Decimal:
        """What the customer sees, EUR."""
        return Decimal(self.world.balance()).scaleb(-5)

    @property
    def supply(self) -> ControlState:
        """`meterproto.codes.ControlState`: CONNECTED, DISCONNECTED or READY."""
        return ControlState(self.world.meter.state.control_state)

    @property
    def connected(self) -> bool:
        """Whether energy may flow."""
        return self.supply == ControlState.CONNECTED

    @property
    def display(self) -> tuple[str, ...]:
        """The four lines on its display."""
        return self.world.board.lines

    def status(self) -> Any:
        """A `budgetmeter.client.Status`, read at the port."""
        return self.client.status()

    def registers(self) -> Any:
        """`budgetmeter.client.Registers`, read at the port."""
        return self.client.registers()

    def events(self) -> list[str]:
        """Names of what happened, oldest first, e.g. "credited", "disconnected"."""
        entries = self.world.trace.entries
        return [entry.code.word for entry in entries]

    def story(self) -> Iterator[str]:
        """Lines that tell where the meter is and what happened last."""
        profile, entries = self.world.profile, self.world.trace.entries
        yield f"{profile.name} at {self.time:%Y-%m-%d %H:%M:%S}, {self.supply.word}"
        yield f"balance {self.balance:.5f} EUR; display: {' | '.join(map(str.strip, self.display))}"
        if len(entries) > LAST_EVENTS:
            yield f"last {LAST_EVENTS} of {len(entries)} events:"
        for entry in entries[-LAST_EVENTS:]:
            rules = " ".join(entry.rules(profile.region))
            balance = units.euros(entry.balance)
            line = f"{entry.time}  {entry.code.word:22}{balance:>9} EUR  {entry.detail}"
            yield f"{line.rstrip():<64}{'  ' if rules else ''}{rules}".rstrip()


class LockedLine(LoopbackLine):
    """A line in process to a meter that a server may be serving too."""

    def __init__(self, under_test: MeterUnderTest) -> None:
        super().__init__(under_test.world)
        self._touched = under_test.touched
        self._answer = bytearray()

    def write(self, data: bytes) -> None:
        sent = self._world.board.sent
        with self._touched():
            super().write(data)
            self._answer += sent
            sent.clear()

    def read(self, wait_s: float) -> bytes:
        data = bytes(self._answer)
        self._answer.clear()
        if not data:
            self._now += wait_s
        return data


@contextmanager
def served(under_test: MeterUnderTest, port: Any = None) -> Generator[str, None, None]:
    """A meter under test on a port, TCP on loopback by default; gives its URL."""
    server = Server(speed=0, lock=under_test.lock)
    port = port or TcpPort("127.0.0.1", 0)
    server.add(under_test.world, port)
    under_test.servers.append(server)
    thread = threading.Thread(target=server.run, name="budgetmeter", daemon=True)
    thread.start()
    try:
        yield port.url
    finally:
        under_test.servers.remove(server)
        server.stop()
        thread.join()
        server.close()


def moment(value: Time) -> datetime:
    """A naive datetime of a time or of text.

    :raises InputError: when it is none, or not within 2000 to 2099
    """
    try:
        time = units.moment(value)
        units.to_clock(time)
    except ValueError as error:
        raise InputError(str(error)) from None
    return time


def _key(key: bytes | VendingKeys, number: int) -> tuple[bytes, int]:
    """A meter's key and its revision, of what `MeterUnderTest` takes.

    :raises InputError: no key of 32 octets, and no vending keys
    """
    if isinstance(key, bytes):
        if len(key) != KEY_SIZE:
            raise InputError(f"key: {KEY_SIZE} octets, not {len(key)}")
        return key, 1
    if not hasattr(key, "meter_key"):
        raise InputError(
            f"key: {KEY_SIZE} octets, or a budgetmeter.office.keys.KeyFile, "
            f"not {type(key).__name__}"
        )
    return key.meter_key(number, key.latest), key.latest


def _number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number, from `low` to `high` where they are given.

    :raises InputError: when it is none
    """
    try:
        number = float(value) if isinstance(value, Real | Decimal) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and low <= number <= high):
        within = f" from {low} to {high}" if math.isfinite(high) else ""
        raise InputError(f"{name}={value!r} is not a number{within}"[:200])
    return number
