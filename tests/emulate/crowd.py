"""Many clients at once, each asking again as soon as it is answered; how long each answer took."""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from meterproto import framing, messages
from meterproto.codes import Message

FLAG = b"\x7e"
WAIT_S = 60  # for any answer at all


class Client:
    """A connection that asks one question again and again.

    :param question: octets
    :param whole: whether these octets are a whole answer
    """

    def __init__(self, url: str, question: bytes, whole: Callable[[bytes], bool]) -> None:
        self.socket = connect(url)
        self.socket.setblocking(False)
        self._question, self._whole = question, whole
        self._said = b""
        self._asked = 0.0
        self.latencies: list[float] = []
        self.last = b""

    def ask(self) -> None:
        """Send the question."""
        self._said = b""
        self._asked = time.perf_counter()
        self.socket.send(self._question)

    def take(self) -> bool:
        """Read on; True when the answer is whole.

        :raises AssertionError: the other side hangs up
        """
        data = self.socket.recv(4096)
        assert data, f"hung up on after {len(self.latencies)} answers: {self._said!r}"
        self._said += data
        if not self._whole(self._said):
            return False
        self.latencies.append(time.perf_counter() - self._asked)
        self.last = self._said
        return True


def connect(url: str) -> socket.socket:
    """A connection to a port; each question goes out at once."""
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname, parts.port), WAIT_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def ask_all(clients: Sequence[Client], times: int) -> float:
    """Each client asks so often; seconds until the last answer.

    :raises AssertionError: no answer, or a client is hung up on
    """
    left = len(clients)
    wanted = {client: len(client.latencies) + times for client in clients}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        begun = time.perf_counter()
        for client in clients:
            client.ask()
        while left:
            ready = selector.select(WAIT_S)
            assert ready, f"{left} clients wait in vain"
            for key, _ in ready:
                client = key.data
                if not client.take():
                    continue
                if len(client.latencies) == wanted[client]:
                    left -= 1
                else:
                    client.ask()
        return time.perf_counter() - begun


def status_request() -> bytes:
    """The question for a meter's status."""
    header = {"version": 1, "type": Message.STATUS, "sequence": 1}
    return framing.encode(messages.Header.build(header))


def whole_frame(data: bytes) -> bool:
    """Whether a frame is complete, from flag to flag."""
    return len(data) > 2 and data.endswith(FLAG)


def meter(url: str) -> Client:
    """A client that asks a meter for its status."""
    return Client(url, status_request(), whole_frame)


def is_status(answer: bytes) -> bool:
    """Whether an answer is a status, whole and right."""
    (content,) = framing.Decoder().feed(answer)
    messages.Status.parse(content[3:])
    return content[1] == Message.STATUS | messages.ANSWER


def percentile(latencies: Sequence[float], part: float) -> float:
    """Below which such a part of them lies, seconds."""
    ordered = sorted(latencies)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
