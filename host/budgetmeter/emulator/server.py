"""Meters on ports of their own, in one process and one thread, in real time, faster, or at will."""

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

from meterproto.records import CLOCK_LIMIT

from budgetmeter.emulator.ports import GIVE_UP_S, Interest, Port, Served
from budgetmeter.errors import InputError

AS_FAST_AS_IT_GOES = float("inf")
LAST_S = CLOCK_LIMIT * 60 - 3600  # the clock's end, seconds since 2000
SLICE_S = 3600  # virtual time of one meter between looks at the ports, at most
BUDGET_S = 0.01  # and real time of all of them
SHORTEST_S = 0.005  # sleep between steps of virtual time
SLOWEST_S = 60.0  # and longest, however slowly time passes
SWEEP_S = 1.0  # between looks at users who do not read, at most
LONGEST_S = None if os.name == "posix" else 1.0  # of a wait: on Windows Ctrl-C does not end it


class Server:
    """Serves meters until it is stopped.

    :param speed: seconds of virtual time in a second; 0 leaves the time to whoever has `lock`;
        `AS_FAST_AS_IT_GOES`
    :param until_s: where time stops, seconds since 2000-01-01 00:00 UTC+1
    :param give_up_s: how long a user may leave answers unread
    :param lock: taken while a meter is touched
    """

    def __init__(
        self,
        speed: float = 1.0,
        until_s: int = LAST_S,
        give_up_s: float = GIVE_UP_S,
        lock: AbstractContextManager | None = None,
    ) -> None:
        self.speed = speed
        self.until_s = min(until_s, LAST_S)
        self.give_up_s = give_up_s
        self.lock = lock or threading.Lock()
        # emulator, port, and its time at the server's start
        self._meters: list[tuple[Served, Port, int]] = []  # and when its time begins
        self._round: float = 0  # seconds since the start that all meters are being brought to
        self._left = 0  # how many are not known to be there
        self._next = 0  # whose turn it is
        self._settled: float = 0  # and where all of them are
        self._selector = selectors.DefaultSelector()
        self._watched: list[dict[int, Interest]] = []  # of each meter, by file descriptor
        self._unread: set[int] = set()  # meters with answers that wait to be read
        self._bell, self._ringer = socket.socketpair()
        self._ringer.setblocking(False)
        self._asked: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._stopped = False
        self._begun = time.monotonic()

    @property
    def urls(self) -> list[str]:
        """Of the ports, in the order they were added."""
        return [port.url for _, port, _ in self._meters]

    def add(self, world: Served, port: Port) -> None:
        """Serve a meter on a port from now on."""
        self._meters.append((world, port, self._begins(world)))
        self._watched.append({})
        self._left = len(self._meters)
        self._watch(len(self._meters) - 1)

    @property
    def worlds(self) -> list[Any]:
        """The meters, in the order they were added."""
        return [world for world, _, _ in self._meters]

    def run(self) -> None:
        """Serve until `stop` is called."""
        while not self._stopped:
            self.turn()

    def stop(self) -> None:
        """Let `run` return; from any thread or a signal handler."""
        self._stopped = True
        self.ring()

    def ring(self) -> None:
        """Wake the server up, from any thread: it hands on what a meter has sent meanwhile.

        Where the bell is full, it has been rung.
        """
        with contextlib.suppress(BlockingIOError):
            self._ringer.send(b"\n")

    def ask(self, work: Callable[[], Any]) -> "Future[Any]":
        """Have something done in the server's own thread, between two turns; from any thread.

        :returns: what comes of it: the answer of `work`, or what it raised
        """
        future: Future[Any] = Future()
        self._asked.append((work, future))
        if self._stopped:
            self._answer(gone=True)
        else:
            self.ring()
        return future

    def _answer(self, gone: bool = False) -> None:
        """Do what was asked for, or say that nobody is left to do it."""
        for _ in range(len(self._asked)):
            try:
                work, future = self._asked.popleft()
            except IndexError:  # another thread has said so
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if gone:
                    raise InputError("the emulator has ended")
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)

    # Within `ask` alone

    def catch_up(self, index: int) -> Any:
        """A meter, brought to its time as far as one look at the ports allows."""
        world, _, begin_s = self._meters[index]
        self._let_pass(world, begin_s, self._passed())
        return world

    def skip(self, index: int, seconds: int) -> None:
        """Let time pass for one meter alone; it goes on from there."""
        world = self._meters[index][0]
        world.run(max(min(world.now_s + seconds, self.until_s), world.now_s))
        self.resume(index)
        self._deliver(index)

    def resume(self, index: int) -> None:
        """A meter goes on from its own time, wherever it has been brought to."""
        world, port, _ = self._meters[index]
        self._meters[index] = (world, port, self._begins(world))

    def _begins(self, world: Served) -> int:
        """When a meter's time begins, so that it goes on from where it is."""
        passed = self._passed()
        return world.now_s - (0 if passed == AS_FAST_AS_IT_GOES else int(passed))

    def set_speed(self, speed: float) -> None:
        """Another speed from now on; each meter goes on from its own time."""
        self.speed = speed
        self._begun = time.monotonic()
        self._round = self._settled = 0
        self._left, self._next = len(self._meters), 0
        self._meters = [(world, port, world.now_s) for world, port, _ in self._meters]

    def close(self) -> None:
        """Store every account and give the ports back."""
        self._stopped = True
        self._answer(gone=True)
        with self.lock:
            for world in {id(world): world for world, _, _ in self._meters}.values():
                world.meter.commit()
            for _, port, _ in self._meters:
                port.close()
            self._selector.close()
            self._bell.close()
            self._ringer.close()

    # One turn

    def turn(self) -> None:
        """Wait for something to do, and do it."""
        ready = self._selector.select(self._idle_s())
        with self.lock:
            touched = {}
            for key, events in ready:
                if key.data is None:
                    self._bell.recv(64)
                    touched |= dict.fromkeys(range(len(self._meters))) if self.speed == 0 else {}
                    continue
                touched[key.data] = None
                if events & selectors.EVENT_READ:
                    world, port, begin_s = self._meters[key.data]
                    self._let_pass(world, begin_s, self._passed())
                    port.serve(world, key.fd)
            for index in touched:
                self._deliver(index)
            self._answer()
            self._pass_time()
            self._sweep()

    def _passed(self) -> float:
        """Virtual seconds since the start."""
        if self.speed == AS_FAST_AS_IT_GOES:
            return AS_FAST_AS_IT_GOES
        return int((time.monotonic() - self._begun) * self.speed)

    def _idle_s(self) -> float | None:
        """How long nothing needs to be done unless a port asks; None for ever."""
        if self._passed() > self._settled:
            return 0
        waits = [SWEEP_S] if self._unread else []
        if 0 < self.speed < AS_FAST_AS_IT_GOES:
            passed = (time.monotonic() - self._begun) * self.speed
            waits.append(min(max((1 - passed % 1) / self.speed, SHORTEST_S), SLOWEST_S))
        return min(waits, default=LONGEST_S)

    def _let_pass(self, world: Served, begin_s: int, passed: float) -> bool:
        """Bring a meter towards its time; False if it is not there yet."""
        target = min(begin_s + passed, self.until_s)
        until = min(target, world.now_s + SLICE_S)
        if until > world.now_s:
            world.run(int(until))
        return until >= target

    def _pass_time(self) -> None:
        """Let time pass for the meters in turn, as long as the ports can wait."""
        if self._passed() <= self._settled:
            return
        end = time.monotonic() + BUDGET_S
        while self._left > 0:
            world, _, begin_s = self._meters[self._next]
            there = self._let_pass(world, begin_s, self._round)
            self._left = self._left - 1 if there else len(self._meters)
            self._deliver_new(self._next)
            self._next = (self._next + 1) % len(self._meters)
            if time.monotonic() > end:
                return
        self._settled = self._round
        self._round, self._left = self._passed(), len(self._meters)

    # Ports

    def _deliver_new(self, index: int) -> None:
        """Hand on what a meter has sent by itself, if anything."""
        world, port, _ = self._meters[index]
        if port.outgoing(world):
            self._deliver(index)

    def _deliver(self, index: int) -> None:
        """Hand on what a meter has sent, and look at its port anew."""
        world, port, _ = self._meters[index]
        stream = port.stream
        if stream is None:
            port.outgoing(world).clear()
        else:
            stream.hold(port.outgoing(world))
            if not stream.send(time.monotonic()):
                port.hang_up()
        self._watch(index)

    def _watch(self, index: int) -> None:
        """Select for what a port waits for now."""
        watched, wanted = self._watched[index], self._meters[index][1].interests()
        if wanted == watched:
            return
        for fd in list(watched):
            if wanted.get(fd) != watched[fd]:
                self._selector.unregister(fd)
                del watched[fd]
        for fd, interest in wanted.items():
            if fd not in watched:
                self._selector.register(fd, interest[0], index)
                watched[fd] = interest
        unread = any(events & selectors.EVENT_WRITE for events, _ in wanted.values())
        (self._unread.add if unread else self._unread.discard)(index)

    def _sweep(self) -> None:
        """Give up users who leave their answers unread."""
        now = time.monotonic()
        for index in list(self._unread):
            port = self._meters[index][1]
            if port.stream is not None and port.stream.stuck(now, self.give_up_s):
                port.hang_up()
                self._watch(index)
