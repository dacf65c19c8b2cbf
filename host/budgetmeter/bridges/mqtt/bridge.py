"""Meters on a broker: what is read of each goes out, and tokens come in where that is allowed."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from budgetmeter.bridges.follower import Follower
from budgetmeter.bridges.mqtt.broker import Broker, Received
from budgetmeter.bridges.mqtt.discovery import LONGEST_TOKEN, OFFLINE, ONLINE, Topics, config
from budgetmeter.bridges.mqtt.payload import answer, event, state
from budgetmeter.bridges.seen import Seen
from budgetmeter.client import Entered, Entry, MeterError
from budgetmeter.errors import BudgetmeterError, InputError, InputErrors

REMEMBERED = 256  # commands that are known when the broker sends them again


@dataclass
class _Known:
    """What the bridge knows of a meter."""

    follower: Follower
    seen: Seen
    there: bool
    state: str = ""  # as it was published


@dataclass
class _Command:
    """A token that came in: how to acknowledge it, once it is done."""

    mark: tuple[int, int, int]
    done: bool = False


@dataclass
class _Trouble:
    """What was said of a URL, so that it is said once."""

    lines: dict[str, str] = field(default_factory=dict)

    def new(self, url: str, line: str) -> bool:
        """Whether this has not been said yet."""
        if url in self.lines:
            return False
        self.lines[url] = line
        return True


class Bridge:
    """Followed meters on one connection.

    State, availability and discovery are retained, and go out again with every connection: a
    broker may forget them. Events and answers wait for a connection. A token that the broker
    repeats, because the acknowledgement was lost, is not entered again.

    :param urls: of the meters
    :param broker: the connection, not opened yet
    :param topics: where messages go
    :param every_s: seconds between two looks at a meter
    :param timeout: as of `budgetmeter.client.Meter`
    :param accept_tokens: whether messages may carry tokens for the meters
    :param say: tells a person
    """

    def __init__(
        self,
        urls: Sequence[str],
        broker: Broker,
        topics: Topics,
        every_s: float,
        timeout: float,
        accept_tokens: bool,
        say: Callable[[str], object],
    ) -> None:
        self.topics = topics
        self.accept_tokens = accept_tokens
        self._broker, self._say = broker, say
        self._lock = threading.RLock()
        self._known: dict[int, _Known] = {}
        self._commands: OrderedDict[tuple[int, str], _Command] = OrderedDict()
        self._trouble = _Trouble()
        self._warned: set[str] = set()  # topics with a retained token
        self._started = False
        self._followers = [Follower(url, every_s, timeout, self) for url in urls]
        broker.on_connected = self._announce_all
        broker.on_message = self._received

    # Life

    def open(self) -> None:
        """Look at every meter for the first time, then connect.

        :raises InputError: no meter answers, two URLs lead to one, or there is no broker
        """
        for follower in self._followers:
            follower.start()
        for follower in self._followers:
            follower.tried.wait()
            if follower.mistake is not None:
                self._stop()
                raise follower.mistake
        with self._lock:
            trouble = [*self._trouble.lines.values()]
            same = [line for line in trouble if "the same meter" in line]
            if same or not self._known:
                self._stop()
                raise InputErrors(same or trouble)
            for line in trouble:
                self._say(f"{line}; trying again")
            self._started = True
        try:
            self._broker.open()
        except InputError:
            self._stop()
            raise

    def close(self) -> None:
        """Say that the bridge goes, and give the lines back."""
        self._stop()
        for follower in self._followers:
            follower.join()
        self._broker.close(self.topics.bridge, OFFLINE)

    def _stop(self) -> None:
        for follower in self._followers:
            follower.stop()

    def readings(self) -> list[tuple[int, Seen, bool]]:
        """Number, latest look, and whether it answers now, of each meter that ever did."""
        with self._lock:
            return [(number, known.seen, known.there) for number, known in self._known.items()]

    # From the meters

    def seen(self, follower: Follower, seen: Seen, entries: Sequence[Entry]) -> None:
        """A meter was read."""
        number = seen.identity.meter
        with self._lock:
            known = self._known.get(number)
            if known is not None and known.follower is not follower:
                self._complain(follower, f"{follower.url}: the same meter as {known.follower.url}")
                return
            if self._trouble.lines.pop(follower.url, "") and self._started:
                self._say(f"{follower.url}: meter {number:09d} answers")
            if known is None or not known.there or known.seen.identity != seen.identity:
                self._leave(follower, number)
                known = self._known[number] = _Known(follower, seen, True)
                self._announce(known)
            known.seen = seen
            for entry in entries:
                self._broker.tell(self.topics.event(number), json.dumps(event(entry)))
            self._publish_state(known)

    def lost(self, follower: Follower, error: MeterError) -> None:
        """A meter does not answer."""
        with self._lock:
            self._complain(follower, str(error))
            self._leave(follower)

    def _leave(self, follower: Follower, but: int | None = None) -> None:
        """The meters on a line, but for one, are not there any more."""
        for number, known in self._known.items():
            if known.follower is follower and number != but and known.there:
                known.there = False
                self._broker.retain(self.topics.availability(number), OFFLINE)

    def _complain(self, follower: Follower, line: str) -> None:
        if self._trouble.new(follower.url, line) and self._started:
            self._say(f"{line}; trying again")

    # To the broker

    def _announce_all(self) -> None:
        """Publish all there is: the broker is new, or may have forgotten it."""
        with self._lock:
            self._broker.subscribe([self.topics.birth])
            self._broker.retain(self.topics.bridge, ONLINE)
            for known in self._known.values():
                self._announce(known)
                self._publish_state(known)

    def _announce(self, known: _Known) -> None:
        number = known.seen.identity.meter
        if self.accept_tokens:
            self._broker.subscribe([self.topics.token(number)])
        message = config(known.seen, self.topics, self.accept_tokens)
        self._broker.retain(self.topics.config(number), json.dumps(message))
        self._broker.retain(self.topics.availability(number), ONLINE if known.there else OFFLINE)
        known.state = ""

    def _publish_state(self, known: _Known) -> None:
        """Publish the state, if it has changed."""
        now = json.dumps(state(known.seen))
        if now != known.state:
            self._broker.retain(self.topics.state(known.seen.identity.meter), now)
            known.state = now

    # From the broker

    def _received(self, message: Received) -> None:
        if message.topic == self.topics.birth:
            if message.payload == ONLINE.encode() and not message.retained:
                self._announce_all()
            self._broker.acknowledge(message.mark)
            return
        with self._lock:
            found = [n for n in self._known if self.topics.token(n) == message.topic]
            if not self.accept_tokens or not found or message.retained:
                if message.retained and message.topic not in self._warned:
                    self._warned.add(message.topic)
                    self._say(f"{message.topic}: a retained token is not taken")
                self._broker.acknowledge(message.mark)
                return
            self._take(found[0], message)

    def _take(self, number: int, message: Received) -> None:
        """Enter a token, unless the broker repeats itself."""
        token = message.payload[: LONGEST_TOKEN + 1].decode("ascii", "replace").strip()
        key = (number, token)
        if message.again and key in self._commands:
            command = self._commands[key]
            command.mark = message.mark
            if command.done:
                self._broker.acknowledge(message.mark)
            return
        command = self._commands[key] = _Command(message.mark)
        self._commands.move_to_end(key)
        if len(self._commands) > REMEMBERED:
            self._commands.popitem(last=False)

        def answered(outcome: Entered | BudgetmeterError) -> None:
            with self._lock:
                command.done = True
                self._broker.tell(self.topics.answer(number), json.dumps(answer(outcome)))
                self._broker.acknowledge(command.mark)

        self._known[number].follower.enter(token, answered)


def topics(base: str, discovery: str, client: str) -> Topics:
    """Topics as a person names them.

    :raises InputError: what no topic can begin with
    """
    named: dict[str, Any] = {"--topic": base, "--discovery": discovery, "--client-id": client}
    for option, text in named.items():
        if not text or set(text) & set("+#") or not text.isprintable() or text.strip("/") != text:
            raise InputError(f"{option} {text}: letters and digits, without + and #")
    return Topics(base, discovery, client)
