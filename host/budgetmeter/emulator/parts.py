"""What an `Emulator` is put together from: anything with these calls will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from budgetmeter.emulator.world import Emulator
    from budgetmeter.loads import Draw


class Files(Protocol):
    """Where a meter keeps its files; a dict is one, in memory. Both calls may raise OSError."""

    def get(self, name: str, /) -> bytes | None:
        """Contents of a file; None if there is none."""
        ...

    def __setitem__(self, name: str, data: bytes, /) -> None:
        """Replace a file, whole."""
        ...


class Load(Protocol):
    """What is consumed."""

    def at(self, second: int) -> Draw:
        """What is drawn from a second since the start on, until the draw's `until`."""
        ...


class People(Protocol):
    """Who lives with the meter."""

    def move_in(self, world: Emulator) -> None:
        """Make the first plans."""
        ...

    def notice(self, events: int) -> None:
        """Something happened at the meter (a mask of `layouts.EVENT_…`)."""
        ...

    def use(self, draw: Draw) -> Draw:
        """What of a load is drawn."""
        ...


class TokenIssuer(Protocol):
    """Who numbers and seals the meter's tokens."""

    def token(
        self, kind: int, value: int = 0, extra: int = 0, *, order_id: int = 0, expiry: int = 0
    ) -> bytes:
        """The next token."""
        ...
