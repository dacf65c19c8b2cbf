"""The client: a meter by the URL of its port."""

# The checker takes a code for the tuple it is declared with:
# pyright: reportUnnecessaryComparison=false

import contextlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from construct import ConstructError
from meterproto import cards, messages, tokens
from meterproto.codes import ControlState, Kind, Message, MessageError, TokenReason, TokenStatus

from budgetmeter.client.errors import BadAnswer, LockedOut, MeterError, TokenUsed, refusal
from budgetmeter.client.exchange import Exchange
from budgetmeter.client.lines import Line, open_line
from budgetmeter.client.readings import Entry, Identity, R, Registers, Status, reading
from budgetmeter.errors import InputError

TIMEOUT_S = 1.0
TRIES = 5
LINE = ("write", "read", "now", "close")  # what makes a `Line`
REPORT_TRIES = 5  # how often a report is begun again
STATUS_NOW = messages.StatusRequest.build({"edition": messages.NOW_EDITION})
LONGEST_LINE = 160  # characters of a console command


@dataclass(frozen=True)
class Entered:
    """A token that was taken.

    :ivar number: its number
    :ivar balance: the balance now, EUR
    :ivar control_state: the supply control switch now
    :ivar effect: False when the order behind it had taken effect before
    :ivar confirmed: False when a first try got no answer, and the meter answered a later one
        that the token is spent: by that first try, unless somebody had entered it before
    """

    number: int
    balance: Decimal
    control_state: ControlState
    effect: bool = True
    confirmed: bool = True


class Meter:
    """A meter, real or emulated. A context manager; not to be shared by threads.

        with Meter("/dev/ttyACM0") as meter:
            print(meter.status().balance)

    :param port: a pyserial URL (`/dev/ttyACM0`, `socket://127.0.0.1:7000`), `loop` for an emulated
        meter in this process, or a `budgetmeter.client.Line`
    :param timeout: seconds to wait for an answer before a request is repeated
    :param tries: how often a request is sent at most
    :raises LineError: when the port cannot be opened
    :raises InputError: what is no port
    """

    def __init__(self, port: str | Line, timeout: float = TIMEOUT_S, tries: int = TRIES) -> None:
        if timeout <= 0 or tries < 1:
            raise InputError("timeout is above 0 s, and tries at least 1")
        if not isinstance(port, str) and not all(hasattr(port, name) for name in LINE):
            raise InputError(f"a port is a URL or a budgetmeter.client.Line, not {port!r}"[:200])
        self.line = open_line(port) if isinstance(port, str) else port
        self._tells_flow = True  # until it says that it knows the first edition only
        self.exchange = Exchange(self.line, timeout, tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self.line.close()

    # Reading. Each may raise NoAnswer, BadAnswer or LineError.

    def identify(self) -> Identity:
        """Who it is: an `Identity`."""
        return self._read(Identity, Message.IDENTIFY)

    def status(self) -> Status:
        """Account, limits and supply now: a `Status`; an older meter's lacks what flows now."""
        if self._tells_flow:
            try:
                return reading(Status, self.exchange.ask(Message.STATUS, STATUS_NOW).payload)
            except BadAnswer as error:
                if error.code != MessageError.LENGTH:
                    raise
                self._tells_flow = False
        return self._read(Status, Message.STATUS)

    def registers(self) -> Registers:
        """Energy and lifetime totals: `Registers`."""
        return self._read(Registers, Message.REGISTERS)

    def _read(self, kind: type[R], message: Message) -> R:
        return reading(kind, self.exchange.ask(message).payload)

    def events(self, first: int = 0) -> list[Entry]:
        """The event log from entry number `first` on, oldest first: a list of `Entry`.

        A meter keeps the latest 128; what is older is gone.
        """
        entries: list[Entry] = []
        total = first + 1
        while first < total:
            request = messages.EventsRequest.build({"first": first})
            page = self.exchange.ask(Message.EVENTS, request).payload
            for number, raw in enumerate(page.entries, page.first):
                raw.number = number
                entries.append(reading(Entry, raw))
            if page.next <= first:
                break
            first, total = page.next, page.total
        return entries

    def report(self, first: int = 0) -> bytes:
        """The report a card would carry to the office, under the meter's tag: its octets.

        The tag is unchecked here: `meterproto.cards.report_genuine` checks it with the key.

        :param first: number of the first event that is wanted
        :raises BadAnswer: a card is in the slot, or cards and commits come faster than the parts
        """
        for _ in range(REPORT_TRIES):
            data = self._report_parts(first)
            if data is not None:
                whole = cards.contents(data)
                if whole is None:
                    raise BadAnswer("the report is not whole")
                return whole[1]
        raise BadAnswer("the meter gave no report: a card is in it, or goes in and out")

    def _report_parts(self, first: int) -> bytes | None:
        """The octets of an area; None where the meter says to begin again."""
        data, sequence, size = b"", 0, 1
        while len(data) < size:
            asked = {"sequence": sequence, "first_event": first, "at": len(data)}
            request = messages.ReportRequest.build(asked)
            try:
                part = self.exchange.ask(Message.REPORT, request).payload
            except BadAnswer as error:
                if error.code == MessageError.AGAIN:
                    return None
                raise
            if part.at != len(data) or (data and part.sequence != sequence):
                return None
            sequence, size = part.sequence, part.size
            data += part.octets
        return data

    def ping(self) -> None:
        """Ask for a sign of life."""
        self.exchange.ask(Message.PING)

    # Changing

    def enter(self, token: str | bytes | bytearray | memoryview) -> Entered:
        """Enter a token, as bytes or as its text. Repeating it is safe: it is spent once.

        :returns: `Entered`
        :raises TokenRefused: with the reason; nothing has changed
        :raises InputError: what is no token
        :raises NoAnswer: it may have been taken or not; enter it again to know
        """
        if isinstance(token, str):
            try:
                token = tokens.from_text(token)
            except ValueError as error:
                raise InputError(f"no token: {error}") from None
        if not isinstance(token, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"a token is bytes or text, not {type(token).__name__}")
        token = bytes(token)
        if not 0 < len(token) <= tokens.KeyToken.sizeof():
            raise InputError(f"a token has at most {tokens.KeyToken.sizeof()} bytes")
        answer, tries = self.exchange.ask(Message.TOKEN, token)
        status, reason, number = answer.status, answer.reason, answer.number
        balance = Decimal(answer.balance).scaleb(-5)
        switch = ControlState(answer.control_state)
        if status == TokenStatus.EXECUTED:
            return Entered(number, balance, switch, effect=reason == TokenReason.NONE)
        refused = refusal(status, reason, number, balance)
        if tries > 1 and (isinstance(refused, TokenUsed) or self._key_changed(token, reason)):
            return Entered(number, balance, switch, confirmed=False)
        if isinstance(refused, LockedOut):
            with contextlib.suppress(MeterError):
                refused.lasts(self.status().locked_s)
        raise refused

    def _key_changed(self, token: bytes, reason: int) -> bool:
        """Whether a key change, refused for its revision, is the one now in force."""
        if reason != TokenReason.KEY_REVISION or token[1] != Kind.KEY_CHANGE:
            return False
        try:
            return tokens.parse(token).value == self.identify().key_revision
        except (ConstructError, ValueError, MeterError):
            return False

    def command(self, line: str) -> list[str]:
        """Lines the console answers to a command; the last one is `ok` or begins with `error`.

        It is sent once: a command is not repeated by itself.

        :raises InputError: what cannot be sent as one line of the console
        :raises NoAnswer: the answer did not come to its end
        """
        if not line.isascii() or not line.isprintable() or "~" in line:
            raise InputError("a command is a line of printable ASCII without ~")
        if not line.strip() or len(line) > LONGEST_LINE:
            raise InputError(f"a command has 1 to {LONGEST_LINE} characters")
        return self.exchange.command(line)
