"""What each call does: the meters of a server, and those made over HTTP.

Everything here runs in the server's own thread, through `Server.ask`; nothing waits. Money reaches
a meter in tokens only, and only those whose key is no secret get tokens here.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from meterfw.account import rules
from meterfw.layouts import TOKEN_STATUS_EXECUTED
from meterfw.wire.text import exact
from meterproto import tokens
from meterproto.codes import Code, Event, Kind, LogCode, Result, TokenReason
from meterproto.tokens import METER_LIMIT

from budgetmeter import orders, profiles, units
from budgetmeter.card import MemoryCard
from budgetmeter.emulator.server import AS_FAST_AS_IT_GOES, LAST_S, Server
from budgetmeter.emulator.world import Emulator
from budgetmeter.errors import InputError
from budgetmeter.loads import ConstantLoad
from budgetmeter.web.counter import CARD_SIZE, Counter, NoCard
from budgetmeter.web.refusals import Refusal, bad, conflict, missing
from budgetmeter.web.view import events, floor, view

MADE_FROM = 900_000_001  # serial numbers of meters made over HTTP
MOST_MADE = 200
MOST_WAITING = 100  # orders at the terminals, of one meter
PROFILE = "wallonia-card"
_WORDS: dict[str, Code] = {code.word: code for code in (*Event, *LogCode)}


class Shelf:
    """The meters that HTTP knows, by number.

    :param server: serves some of them on ports; its thread does everything here
    :param open_keys: whether the meters' keys are no secret, so that tokens can be sealed here
    """

    def __init__(self, server: Server, open_keys: bool = True) -> None:
        self.server = server
        self.open_keys = open_keys
        self._made: dict[int, Emulator] = {}
        self._counters: dict[int, Counter] = {}
        self._served: dict[int, int] = {}  # places in the server, the first of each meter
        for i, world in enumerate(server.worlds):
            self._served.setdefault(world.meter.gateway.meter, i)

    def find(self, number: int) -> Emulator:
        """A meter, brought to its time.

        :raises Refusal: no such meter
        """
        if number in self._served:
            return self.server.catch_up(self._served[number])
        if number in self._made:
            return self._made[number]
        raise missing(f"There is no meter {number}.")

    def _counter(self, number: int, world: Emulator) -> Counter:
        """Who seals tokens for a meter.

        :raises Refusal: its key is an office's
        """
        if number in self._served and not self.open_keys:
            raise Refusal(403, f"Meter {number} takes tokens of its office only.")
        issuer = world.issuer
        made = self._counters.setdefault(number, Counter(issuer))  # pyright: ignore
        return made

    # What there is

    def meters(self) -> dict[str, Any]:
        urls = self.server.urls
        numbers = [*self._served, *self._made]
        return {"meters": [self._summary(number, urls) for number in numbers]}

    def _summary(self, number: int, urls: list[str]) -> dict[str, Any]:
        world = self.find(number)
        seen = view(world.meter, world.board, self._rate(world))
        summary = {key: seen[key] for key in ("meter", "energy", "time", "supply", "balance")}
        url = urls[self._served[number]] if number in self._served else None
        return summary | {
            "profile": world.profile.name,
            "speed": self._speed_of(number),
            "url": url,
        }

    def view(self, number: int) -> dict[str, Any]:
        world = self.find(number)
        seen = view(world.meter, world.board, self._rate(world))
        return seen | {"profile": world.profile.name, "speed": self._speed_of(number)}

    def stamp(self, number: int) -> tuple[Any, ...]:
        """What differs when something is to be seen, and is cheap to compare."""
        world = self.find(number)
        board, m = world.board, world.meter.state
        shown = (board.lines, board.beeps, board.closed, board.card_in(), world.meter.log.count)
        return (*shown, world.now_s, self._rate(world), m.limit_ma, m.limit_w, self.server.speed)

    def display(self, number: int) -> dict[str, Any]:
        return {"display": list(self.find(number).board.lines)}

    def balance(self, number: int) -> dict[str, Any]:
        m = self.find(number).meter.state
        return {"balance": exact(rules.balance(m)), "floor": exact(floor(m))}

    def events(self, number: int, first: int = 0) -> dict[str, Any]:
        found = events(self.find(number).meter, first)
        for entry in found:
            code = _WORDS[entry["event"]]
            entry |= {"meaning": code.meaning, "rules": list(code.rules)}
        return {"events": found}

    @staticmethod
    def _rate(world: Emulator) -> int:
        return max(world.board.draw.wanted, 0)

    def _speed_of(self, number: int) -> float | None:
        """Times real time; None where only calls let time pass, or time goes as fast as it can."""
        speed = self.server.speed
        return None if number in self._made or speed == AS_FAST_AS_IT_GOES else speed

    # What is done

    def make(
        self,
        profile: str = PROFILE,
        start: str = "",
        change: dict[str, Any] | None = None,
        language: str = "",
    ) -> dict[str, Any]:
        if len(self._made) >= MOST_MADE:
            raise conflict(f"There are {MOST_MADE} meters made over HTTP: delete one first.")
        if profile not in profiles.names():
            raise bad(f"profile is one of {', '.join(profiles.names())}.")
        chosen = profiles.load(profile).changed(change or {}, "change")
        try:
            clock = units.to_clock(units.moment(start)) if start else units.clock_now()
        except ValueError as error:
            raise bad(f"start: {error}.") from None
        taken = {*self._served, *self._made}
        number = next(n for n in range(MADE_FROM, METER_LIMIT) if n not in taken)
        load = ConstantLoad(0, chosen.gas)
        spoken = language or None
        world = Emulator(chosen, clock, load, meter=number, trace=False, language=spoken)
        world.draw()
        self._made[number] = world
        return self.view(number)

    def drop(self, number: int) -> None:
        if number in self._served:
            raise conflict(f"Meter {number} is one of emulate: only meters made here can go.")
        self.find(number)
        del self._made[number]
        self._counters.pop(number, None)

    def press(self, number: int, seconds: int = 0) -> dict[str, Any]:
        self.find(number).press(seconds)
        return self.view(number)

    def load(self, number: int, **given: int) -> dict[str, Any]:
        world = self.find(number)
        gas = world.profile.gas
        wanted = "litres_per_hour" if gas else "watts"
        if set(given) != {wanted}:
            raise bad(f"Meter {number} takes {wanted}, and nothing else.")
        if not isinstance(world.load, ConstantLoad):
            raise conflict(f"Meter {number} follows a load file.")
        world.load.set(given[wanted], gas)
        world.load_changed()
        world.draw()
        return self.view(number)

    def time(self, number: int, seconds: int) -> dict[str, Any]:
        world = self.find(number)
        if number in self._served:
            self.server.skip(self._served[number], seconds)
        else:
            world.run(min(world.now_s + seconds, LAST_S))
        return self.view(number)

    def speak(self, number: int, language: str) -> dict[str, Any]:
        self.find(number).speak(language)
        return self.view(number)

    def power_cut(self, number: int, seconds: int) -> dict[str, Any]:
        world = self.find(number)
        world.cut_power(min(seconds, max(LAST_S - world.now_s, 0)))
        if number in self._served:
            self.server.resume(self._served[number])
        world.draw()
        return self.view(number)

    # Cards

    def put_card(self, number: int, octets: bytes) -> dict[str, Any]:
        world = self.find(number)
        if len(octets) != CARD_SIZE:
            raise bad(f"A card has {CARD_SIZE} octets, not {len(octets)}.")
        if world.board.card_in():
            raise conflict("A card is in the slot already.")
        world.put_in(MemoryCard(octets))
        return self.view(number)

    def card(self, number: int) -> bytes:
        slot = self.find(number).board.slot
        if slot is None:
            raise conflict("No card is in the slot.")
        return bytes(slot.data)

    def pull_card(self, number: int) -> bytes:
        self.card(number)
        card = self.find(number).pull_out()
        assert card is not None
        return bytes(card.data)

    def terminal(self, number: int, card: str = "", pay: str = "0") -> dict[str, Any]:
        world = self.find(number)
        counter = self._counter(number, world)
        try:
            octets = bytearray(base64.b64decode(card, validate=True)) if card else None
        except binascii.Error:
            raise bad("card is no base64.") from None
        try:
            paid = units.payment(pay)
        except ValueError as error:
            raise bad(f"pay: {error}.") from None
        most = world.meter.profile.top_up_max
        if not 0 <= paid <= most:
            raise bad(f"pay is 0 to {units.euros(most)} EUR.")
        octets = octets or counter.new_card()
        try:
            done = counter.exchange(octets, paid)
        except NoCard as error:
            raise bad(f"{error}.".capitalize()) from None
        text = base64.b64encode(octets).decode("ascii")
        money = {key: exact(done[key]) for key in ("paid", "carried")}
        return {**done, **money, "card": text}

    # Orders

    @staticmethod
    def _asked(given: dict[str, Any]) -> orders.Asked:
        asked = orders.read_table(given)
        if asked.order.kind == Kind.KEY_CHANGE:
            raise bad("A key change comes from an office.")
        return asked

    def order(self, number: int, **given: Any) -> dict[str, Any]:
        world = self.find(number)
        counter = self._counter(number, world)
        asked = self._asked(given)
        order = asked.order
        octets = counter.token(order.kind, order.value, order.extra, asked.order_id, asked.expiry)
        return self._enter(number, world, octets)

    def queue(self, number: int, **given: Any) -> dict[str, Any]:
        world = self.find(number)
        counter = self._counter(number, world)
        order = self._asked(given).order
        if len(counter.waiting) >= MOST_WAITING:
            raise conflict(f"{MOST_WAITING} orders wait already.")
        counter.queue(world.meter.state.clock, order.kind, order.value, order.extra)
        return {"waiting": len(counter.waiting)}

    def token(self, number: int, token: str) -> dict[str, Any]:
        world = self.find(number)
        try:
            octets = tokens.from_text(token)
        except ValueError as error:
            raise bad(f"No token: {error}.") from None
        return self._enter(number, world, octets)

    def _enter(self, number: int, world: Emulator, octets: bytes) -> dict[str, Any]:
        status, why = world.enter(octets)
        code = Result(why - TokenReason.RESULT) if why >= TokenReason.RESULT else TokenReason(why)
        return {
            "taken": status == TOKEN_STATUS_EXECUTED,
            "reason": code.word,
            "meaning": code.meaning,
            "view": self.view(number),
        }

    # Speed

    def speed(self) -> dict[str, Any]:
        speed = self.server.speed
        return {"speed": None if speed == AS_FAST_AS_IT_GOES else speed}

    def set_speed(self, speed: float) -> dict[str, Any]:
        self.server.set_speed(speed)
        return self.speed()


def work(shelf: Shelf, name: str, given: dict[str, Any]) -> Callable[[], Any]:
    """What a call asks of the shelf, ready for `Server.ask`.

    :raises Refusal: it cannot be done
    """

    def done() -> Any:
        try:
            return getattr(shelf, name)(**given)
        except InputError as error:
            raise bad(f"{error}.") from None

    return done
