"""Ports a meter is reached on: TCP and PTY. Nothing waits, and every buffer is bounded.

A port has one user at a time, as a serial port has. What a meter says is kept for a user who is
slow to read; while much is kept, nothing is read from him, and who hardly reads is given up in the
end. Who says nothing for long loses the port when another wants it; who is gone without a goodbye
is missed by the keep-alive of TCP.
"""

import contextlib
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from budgetmeter.errors import InputError, port_problem

READ = 256  # octets taken in at a time
ROOM = 16_384  # octets waiting to be read by the user, above which none are taken in
GIVE_UP_S = 30.0  # they may wait so long without
LEAST = 4096  # of them being read
IDLE_S = 60.0  # a user who says nothing for so long gives way to another
KEEPALIVE_S = 30  # TCP asks a silent user's machine so often
ASKED = 3  # times without an answer
AT_ONCE = 8  # users let in or sent away at a time
PIECES = 32  # taken in at once from a user whom another one wants to follow
BUSY = b"error port in use\r\n"
IDLE = b"error idle: another user has the port\r\n"
MORE, NOTHING, GONE = range(3)
# For a port that was in use a moment ago; Windows would let two programs listen on one.
_FOR_ONE = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


class Sends(Protocol):
    """Where what a meter sent is.

    :ivar sent: octets for the user; whoever takes them empties it
    """

    sent: bytearray


class Stores(Protocol):
    """What stores an account."""

    def commit(self) -> bool:
        """Store it."""
        ...


class Hears(Protocol):
    """What takes in what a user says."""

    def receive(self, octets: bytes) -> None:
        """Octets come in.

        :raises ConnectionError: the user is to be hung up on
        """
        ...


class Served(Hears, Protocol):
    """What is served on a port: an `Emulator`, or something beside one."""

    @property
    def board(self) -> Sends: ...

    @property
    def meter(self) -> Stores: ...

    @property
    def now_s(self) -> int: ...

    def run(self, until_s: int) -> None: ...


class Port(Protocol):
    """What a `Server` needs of a port.

    :ivar url: where a client finds it
    """

    url: str

    @property
    def stream(self) -> "Stream | None":
        """To and from its present user; None without one."""
        ...

    def interests(self) -> "Mapping[int, Interest]":
        """By file descriptor: what to select it for, and the stream on it."""
        ...

    def serve(self, world: Served, fd: int) -> None:
        """A file descriptor has something to read."""
        ...

    def outgoing(self, world: Served) -> bytearray:
        """What the meter has sent on this port."""
        ...

    def hang_up(self) -> None:
        """The user is gone, or given up."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


class Stream:
    """Octets to and from one file descriptor.

    :param fd: what to select for
    :param read: takes a number of octets, and returns at most so many; b"" at the end
    :param write: takes octets, and returns how many of them it took
    """

    def __init__(
        self, fd: int, read: Callable[[int], bytes], write: Callable[[bytearray], int]
    ) -> None:
        self.fd = fd
        self._read, self._write = read, write
        self.ended = False  # nothing more will come in
        self._out = bytearray()
        self._stuck_since: float | None = None
        self._sent = 0  # octets since then
        self.heard = time.monotonic()  # when something last came in

    def interest(self) -> "Mapping[int, Interest]":
        """What to select for, by file descriptor; nothing when nothing can happen."""
        events = selectors.EVENT_WRITE if self._out else 0
        if not self.ended and self.takes_more():
            events |= selectors.EVENT_READ
        return {self.fd: (events, self)} if events else {}

    def serve(self, world: Hears) -> int:
        """Take in a piece for the meter to answer: MORE may have come, NOTHING, or he is GONE."""
        try:
            data = self._read(READ)
        except BlockingIOError:
            return NOTHING
        except OSError:
            return GONE
        if data:
            self.heard = time.monotonic()
            try:
                world.receive(data)
            except ConnectionError:
                return GONE
            return MORE
        self.ended = True
        return NOTHING if self._out else GONE

    def takes_more(self) -> bool:
        """Whether there is room for more answers."""
        return len(self._out) <= ROOM

    def hold(self, sent: bytearray) -> None:
        """Keep octets for the user; `sent` is emptied."""
        self._out += sent
        sent.clear()

    def send(self, now: float) -> bool:
        """Send what goes of what is kept; False when the user is gone."""
        while self._out:
            try:
                sent = self._write(self._out)
            except BlockingIOError:
                if self._stuck_since is None or self._sent >= LEAST:
                    self._stuck_since, self._sent = now, 0
                return True
            except OSError:
                return False
            del self._out[:sent]
            self._sent += sent
        self._stuck_since = None
        return not self.ended

    def stuck(self, now: float, give_up_s: float) -> bool:
        """Whether hardly anything has been read for too long."""
        return self._stuck_since is not None and now - self._stuck_since > give_up_s

    def forget(self) -> None:
        """Drop what waits."""
        self._out.clear()
        self._stuck_since = None


Interest = tuple[int, Stream | None]  # events of `selectors`, and the stream


class TcpPort:
    """A listening socket and its one user at a time; a second one is sent away.

    :param host: address to listen on
    :param port: number; 0 takes a free one
    :param idle_s: who says nothing for so long loses the port when another wants it
    :param keepalive_s: how often TCP asks whether a silent user's machine is still there
    :raises InputError: when it cannot be had
    :cvar busy: what a second user is sent before he is sent away
    :cvar idle: what a silent user is sent before he gives way
    """

    busy, idle = BUSY, IDLE

    def __init__(
        self,
        host: str,
        port: int,
        idle_s: float = IDLE_S,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        self.idle_s, self.keepalive_s = idle_s, keepalive_s
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._listener = socket.socket(family, kind)
        except (OSError, UnicodeError) as error:
            raise InputError(port_problem(host, error)) from None
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, _FOR_ONE, 1)
            self._listener.bind(address)
            self._listener.listen(socket.SOMAXCONN)
        except OSError as error:
            self._listener.close()
            raise InputError(port_problem(f"{host}, port {port}", error)) from None
        self._listener.setblocking(False)
        at = self._listener.getsockname()
        shown = f"[{at[0]}]" if family == socket.AF_INET6 else at[0]
        self.url = f"socket://{shown}:{at[1]}"
        self._user: socket.socket | None = None
        self.stream: Stream | None = None
        self._leaving: deque[socket.socket] = deque()  # sent away

    def interests(self) -> Mapping[int, Interest]:
        """By file descriptor: what to select it for, and the stream on it."""
        wanted: dict[int, Interest] = {self._listener.fileno(): (selectors.EVENT_READ, None)}
        return wanted if self.stream is None else {**wanted, **self.stream.interest()}

    def serve(self, world: Served, fd: int) -> None:
        """A file descriptor has something to read."""
        if fd == self._listener.fileno():
            self._accept(world)
        elif self.stream is not None and self.take_in(self.stream, world) == GONE:
            self.hang_up()

    def take_in(self, stream: Stream, world: Served) -> int:
        """Take in a piece of what a user says, as `Stream.serve`."""
        return stream.serve(world)

    def outgoing(self, world: Served) -> bytearray:
        """What the meter has sent on this port."""
        return world.board.sent

    def _accept(self, world: Served) -> None:
        """Let in whoever waits, if nobody else is in."""
        in_use: bool | None = None
        for _ in range(AT_ONCE):
            try:
                user, _ = self._listener.accept()
            except OSError:  # nobody, or gone again already
                return
            user.setblocking(False)
            if in_use is None:
                in_use = self._in_use(world)
            if in_use:
                self._send_away(user)
                continue
            in_use = None  # the new one may be gone again already
            self.hang_up()
            user.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _keep_alive(user, self.keepalive_s)
            self._user, self.stream = user, Stream(user.fileno(), user.recv, user.send)

    def _in_use(self, world: Served) -> bool:
        """Whether the present user is still there: he may have left behind what he has sent."""
        stream = self.stream
        if stream is None:
            return False
        for _ in range(PIECES):
            if stream.ended or not stream.takes_more():
                break
            found = self.take_in(stream, world)
            stream.hold(self.outgoing(world))
            if found == GONE:
                return False
            if found == NOTHING:
                break
        if stream.ended:
            return False
        if time.monotonic() - stream.heard < self.idle_s:
            return True
        stream.hold(bytearray(self.idle))
        stream.send(time.monotonic())
        return False

    def _send_away(self, user: socket.socket) -> None:
        """Tell him, and close when he has had time to read it."""
        with contextlib.suppress(OSError):
            user.send(self.busy)
            user.shutdown(socket.SHUT_WR)
        self._leaving.append(user)
        if len(self._leaving) > AT_ONCE:
            self._leaving.popleft().close()

    def hang_up(self) -> None:
        """The user is gone, or given up."""
        if self._user is not None:
            self._user.close()
        self._user = self.stream = None

    def close(self) -> None:
        """Give the port back."""
        self.hang_up()
        for user in self._leaving:
            user.close()
        self._listener.close()


def _keep_alive(user: socket.socket, every_s: int) -> None:
    """Let TCP ask so often; systems name the first wait differently, and some have no names."""
    user.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    first = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    names = (first, getattr(socket, "TCP_KEEPINTVL", None), getattr(socket, "TCP_KEEPCNT", None))
    for name, value in zip(names, (every_s, every_s, ASKED), strict=True):
        if name is not None:
            user.setsockopt(socket.IPPROTO_TCP, name, value)


class PtyPort:
    """A pseudo-terminal, as a serial device would be.

    :raises InputError: when there is none left, or this system has none
    """

    def __init__(self) -> None:
        try:
            import tty  # noqa: PLC0415  # Windows has none
        except ImportError:
            raise InputError("this system has no pseudo-terminals: use --tcp") from None
        try:
            self._master, self._device = os.openpty()  # kept open, so that users come and go
        except OSError as error:
            raise InputError(f"no pseudo-terminal: {error.strerror}") from None
        tty.setraw(self._device)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._device)
        read, write = partial(os.read, self._master), partial(os.write, self._master)
        self.stream = Stream(self._master, read, write)

    def interests(self) -> Mapping[int, Interest]:
        """By file descriptor: what to select it for, and the stream on it."""
        return self.stream.interest()

    def serve(self, world: Served, fd: int) -> None:
        """The file descriptor has something to read."""
        self.stream.serve(world)

    def outgoing(self, world: Served) -> bytearray:
        """What the meter has sent on this port."""
        return world.board.sent

    def hang_up(self) -> None:
        """Nobody reads: what waits, either way, is dropped, as on a serial line."""
        self.stream.forget()
        with contextlib.suppress(BlockingIOError):
            for _ in range(ROOM // READ):
                os.read(self._master, READ)

    def close(self) -> None:
        """Give the device back."""
        os.close(self._master)
        os.close(self._device)
