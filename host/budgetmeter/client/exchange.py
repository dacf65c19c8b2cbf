"""Requests and their answers on a line: framed, repeated until one comes."""

import random
from typing import Any, NamedTuple

from construct import ConstructError
from meterproto import framing, messages
from meterproto.codes import Message, MessageError

from budgetmeter.client.errors import BadAnswer, LineError, NoAnswer
from budgetmeter.client.lines import Line

# Whatever came before: a flag ends a frame or a half-typed line, a line end the frame it opened.
RESET = bytes([framing.FLAG]) + b"\n"
LONGEST_TEXT = 65_536  # octets of an answer of the console
_HEADER = messages.Header.sizeof()


class Answer(NamedTuple):
    """The parsed payload, and how often the request was sent for it."""

    payload: Any
    tries: int


class Exchange:
    """Asks over a line. Every request may be repeated: a token is spent once.

    :param line: a `budgetmeter.client.lines.Line`
    :param timeout: seconds to wait for an answer before a request is repeated
    :param tries: how often a request is sent at most
    """

    def __init__(self, line: Line, timeout: float, tries: int) -> None:
        self.line = line
        self.timeout = timeout
        self.tries = tries
        self._decoder = framing.Decoder()
        self._sequence = random.randrange(256)

    @property
    def text(self) -> bytes:
        """What came in outside of frames since the last request: a console's words, or a REPL's."""
        return bytes(self._decoder.text)

    def ask(self, kind: Message, payload: bytes = b"") -> Answer:
        """The `Answer` to a request of a kind (`meterproto.codes.Message`).

        :raises NoAnswer: none came
        :raises BadAnswer: the meter could not serve it, or the answer is none
        :raises LineError: the line broke
        """
        self._sequence = (self._sequence + 1) % 256
        header = {"version": messages.VERSION, "type": kind, "sequence": self._sequence}
        request = RESET + framing.encode(messages.Header.build(header) + payload)
        self._decoder.text.clear()
        for tries in range(1, self.tries + 1):
            self.line.write(request)
            content = self._await(kind)
            if content is not None:
                return Answer(_parse(kind, content), tries)
        seconds = f"{self.timeout:g} s"
        raise NoAnswer(f"no answer to {kind.word}, asked {self.tries} times for {seconds}")

    def _await(self, kind: Message) -> bytes | None:
        """Content of the answer; None if it does not come in time. Answers to others pass by."""
        decoder = self._decoder
        kinds = (kind | messages.ANSWER, Message.ERROR | messages.ANSWER)
        until = self.line.now() + self.timeout
        while (left := until - self.line.now()) > 0:
            for content in list(decoder.feed(self._read(left))):
                if len(content) >= _HEADER and content[1] in kinds and content[2] == self._sequence:
                    return content
            del decoder.text[:-LONGEST_TEXT]
        return None

    def _read(self, wait_s: float) -> bytes:
        """Read on; a line that breaks off is told with the last that was said on it."""
        try:
            return self.line.read(wait_s)
        except LineError as error:
            said = self._decoder.text.decode("ascii", "replace").strip().splitlines()
            if not said:
                raise
            raise LineError(f"{error}: {said[-1]}") from None

    def command(self, line: str) -> list[str]:
        """Lines answered to a console command, up to `ok` or `error …`. It is sent once.

        :raises NoAnswer: the answer did not come, or not to its end
        :raises LineError: the line broke
        """
        decoder = self._decoder
        decoder.text.clear()
        self.line.write(RESET + line.encode("ascii") + b"\r\n")
        until = self.line.now() + self.timeout
        while (left := until - self.line.now()) > 0:
            data = self._read(left)
            for _ in decoder.feed(data):
                pass  # an answer that came too late
            lines = decoder.text.decode("ascii", "replace").split("\r\n")
            for i, text in enumerate(lines[:-1]):
                if text == "ok" or text.startswith("error "):
                    return lines[: i + 1]
            if data:
                until = self.line.now() + self.timeout
            if len(decoder.text) > LONGEST_TEXT:
                break
        raise NoAnswer(f"no answer to {line.split(' ', maxsplit=1)[0]} within {self.timeout:g} s")


def _parse(kind: Message, content: bytes) -> Any:
    """The payload of an answer: a construct container, or its octets where none is declared."""
    rest = content[_HEADER:]
    if content[0] != messages.VERSION:
        raise BadAnswer(f"the meter speaks version {content[0]} of the protocol")
    try:
        if content[1] == Message.ERROR | messages.ANSWER:
            code = MessageError(messages.Error.parse(rest)["code"])  # pyright: ignore
            refused = BadAnswer(f"the meter could not serve {kind.word}: {code.meaning}")
            refused.code = code
            raise refused
        struct = messages.ANSWERS[kind]
        if kind == Message.EVENTS:
            return _page(rest)
        if kind == Message.REPORT:
            return _part(rest)
        if struct is None:
            return rest
        if kind == Message.STATUS and len(rest) == messages.StatusNow.sizeof():
            return messages.StatusNow.parse(rest)
        if len(rest) != struct.sizeof():
            raise BadAnswer(f"an answer to {kind.word} of {len(rest)} octets")
        return struct.parse(rest)
    except ConstructError as error:
        reason = str(error).splitlines()[0]
        raise BadAnswer(f"the answer to {kind.word} is none: {reason}") from None


def _part(rest: bytes) -> Any:
    """A part of a report, its octets under `octets`."""
    part = messages.ReportPart.parse(rest)
    part.octets = rest[messages.ReportPart.sizeof() :]
    if not part.octets or part.at + len(part.octets) > part.size:
        raise BadAnswer(f"{len(part.octets)} octets of a report at {part.at} of {part.size}")
    return part


def _page(rest: bytes) -> Any:
    """A page of the event log, its entries under `entries`."""
    page = messages.EventsPage.parse(rest)
    size = messages.Entry.sizeof()
    begin = messages.EventsPage.sizeof()
    if len(rest) != begin + page.count * size:
        raise BadAnswer(f"a page of {page.count} events in {len(rest)} octets")
    starts = range(begin, len(rest), size)
    page.entries = [messages.Entry.parse(rest[at : at + size]) for at in starts]
    return page
