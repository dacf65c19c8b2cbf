"""A meter followed by its URL, over a line that breaks and comes back."""

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from budgetmeter.bridges.seen import Seen, look
from budgetmeter.client import Entered, Entry, Meter, MeterError
from budgetmeter.errors import BudgetmeterError, InputError

FIRST_WAIT_S = 1.0  # before a lost line is opened again; doubles
LONGEST_WAIT_S = 60.0

Answered = Callable[[Entered | BudgetmeterError], None]


class Command(NamedTuple):
    """A token to enter, and who wants to know what became of it."""

    token: str
    answered: Answered


class Listener(Protocol):
    """Who is interested in followed meters. It is called from the thread of each."""

    def seen(self, follower: "Follower", seen: Seen, entries: Sequence[Entry]) -> None:
        """The meter was read; `entries` of its log are new since the time before."""
        ...

    def lost(self, follower: "Follower", error: MeterError) -> None:
        """The meter does not answer, or its line broke. It is tried again."""
        ...


class Follower(threading.Thread):
    """Reads one meter again and again, and enters tokens, until it is stopped.

    :param url: of the meter's port
    :param every_s: seconds between two looks
    :param timeout: as of `budgetmeter.client.Meter`
    :param listener: hears of every look
    :ivar tried: set once the first look has succeeded or failed
    :ivar mistake: why the URL is none, and the thread has ended
    """

    def __init__(self, url: str, every_s: float, timeout: float, listener: Listener) -> None:
        super().__init__(name=f"meter at {url}", daemon=True)
        self.url = url
        self.tried = threading.Event()
        self.mistake: InputError | None = None
        self._every_s, self._timeout = every_s, timeout
        self._listener = listener
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._waiting: Command | None = None  # taken from the queue, not tried yet
        self._stopped = False
        self._number: int | None = None  # of the meter whose log is followed
        self._next_entry = 0

    def enter(self, token: str, answered: Answered) -> None:
        """Enter a token soon; `answered` gets what the meter says, or why it could not."""
        self._commands.put(Command(token, answered))

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped = True
        self._commands.put(None)

    def run(self) -> None:
        """Follow the meter until `stop`."""
        wait_s = FIRST_WAIT_S
        while not self._stopped:
            try:
                with Meter(self.url, self._timeout) as meter:
                    self._look(meter)
                    wait_s = FIRST_WAIT_S
                    self._follow(meter)
            except MeterError as error:
                self._listener.lost(self, error)
                self._refuse(error)
                self.tried.set()
                self._wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except InputError as error:
                self.mistake = error
                self.tried.set()
                return

    def _follow(self, meter: Meter) -> None:
        """Look, and enter tokens as they come."""
        while not self._stopped:
            if self._waiting is None:
                self._wait(self._every_s)
            while self._waiting is not None:
                self._enter(meter, self._waiting)
                self._wait(0)
            if not self._stopped:
                self._look(meter)

    def _look(self, meter: Meter) -> None:
        seen = look(meter)
        first = self._next_entry
        known = self._number == seen.identity.meter
        entries = meter.events(first if known else 0)
        if entries:
            self._next_entry = entries[-1].number + 1
        self._number = seen.identity.meter
        self._listener.seen(self, seen, entries if known else ())
        self.tried.set()

    def _enter(self, meter: Meter, command: Command) -> None:
        """:raises MeterError: when the line broke; the command has been answered"""
        self._waiting = None
        try:
            command.answered(meter.enter(command.token))
        except BudgetmeterError as error:
            command.answered(error)

    def _wait(self, wait_s: float) -> None:
        """Wait, at most until a command comes."""
        with contextlib.suppress(queue.Empty):
            self._waiting = (
                self._commands.get(timeout=wait_s) if wait_s else self._commands.get(False)
            )

    def _refuse(self, error: MeterError) -> None:
        """Answer what waits for a meter that cannot be reached."""
        while self._waiting is not None:
            command, self._waiting = self._waiting, None
            command.answered(error)
            self._wait(0)
