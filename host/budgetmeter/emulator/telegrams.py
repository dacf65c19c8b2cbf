"""The P1 telegrams of an emulated meter: whole, and for a reader one each second."""

from functools import partial
from typing import TYPE_CHECKING

from meterfw.p1.telegram import Telegram

from budgetmeter.emulator.p1 import P1Port
from budgetmeter.emulator.ports import KEEPALIVE_S

if TYPE_CHECKING:
    from budgetmeter.emulator.world import Emulator

QUARTER_S = 900
EVERY_SECOND = 250  # times real time: up to there a reader gets every second
KEPT = 1 << 16  # octets that wait for a reader, at most; older telegrams give way


def port(world: "Emulator", host: str, number: int, keepalive_s: int = KEEPALIVE_S) -> P1Port:
    """The P1 port of an emulated meter on TCP.

    :param world: the meter, with a P1 port on its board
    :raises InputError: when it cannot be had
    """
    return P1Port(world.board.sent_p1, partial(listen, world), host, number, keepalive_s)


def listen(world: "Emulator", listens: bool) -> None:
    """A reader begins or ceases to listen at the P1 port of a meter; he gets a telegram at once."""
    board = world.board
    if listens and not board.heard_p1:
        board.heard_p1 = True
        send(world)
    elif not listens:
        board.heard_p1 = False
        board.sent_p1.clear()


def send(world: "Emulator") -> None:
    """Send a telegram of now to who listens at the P1 port of a meter."""
    port, board = world.meter.p1, world.board
    if port is None or not board.heard_p1:
        return
    if len(board.sent_p1) > KEPT:
        board.sent_p1.clear()
    bring_behind(world, port.telegram, world.behind)
    board.open_p1 = True
    port.begin()
    while port.poll():
        pass
    board.open_p1 = False


def bring_behind(world: "Emulator", telegram: Telegram, gas: "Emulator | None") -> None:
    """Make a gas meter part of an electricity meter's telegram; its time is brought to that."""
    if gas is not None:
        gas.run(world.now_s)
        telegram.gas = gas.meter.ledger
        telegram.gas_number = gas.meter.gateway.meter


def telegram(world: "Emulator", gas: "Emulator | None" = None) -> bytes:
    """The P1 telegram of a meter now, whole, with a gas meter behind it where one is given."""
    port = world.meter.p1
    assert port is not None, "a board without a P1 port"
    made = Telegram(world.meter.ledger, world.board, world.meter.gateway.meter, port.demand)
    bring_behind(world, made, gas or world.behind)
    return whole(made)


def whole(telegram: Telegram) -> bytes:
    """All pieces of a telegram, from the first one on."""
    telegram.begin()
    pieces: list[bytes] = []
    while size := telegram.piece():
        pieces.append(bytes(telegram.buffer[:size]))
    return b"".join(pieces)


def to_quarter(world: "Emulator") -> int:
    """Seconds until the quarter of an hour ends at the meter, or 1 if somebody gets every second.

    A step may not go beyond, or the mean of a quarter would depend on the steps.
    """
    if world.board.heard_p1 and world.p1_every_second:
        return 1
    m = world.meter.state
    return QUARTER_S - (m.clock * 60 + m.second) % QUARTER_S
