"""The push button: how long it was pressed, bounces passed over."""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import Pin

_BOUNCE_MS = const(30)


class Button:
    """A button to ground on an input with pull-up."""

    def __init__(self, pin: "Pin") -> None:
        self.pin = pin
        self._down = 0
        self._changed_ms = -1  # -1 while the level is the one that counts
        self._pressed_ms = 0
        self._released_s = -1

    def pass_time(self, ms: int) -> None:
        """Look at the pin; a level counts once it has stood for _BOUNCE_MS."""
        down = 1 - self.pin.value()
        if self._down:
            self._pressed_ms += ms
        if down == self._down:
            self._changed_ms = -1
            return
        if self._changed_ms < 0:  # seen for the first time: it may be new
            self._changed_ms = 0
            return
        self._changed_ms += ms
        if self._changed_ms < _BOUNCE_MS:
            return
        self._changed_ms = -1
        self._down = down
        if not down:
            self._released_s = self._pressed_ms // 1000
        self._pressed_ms = 0

    def released_s(self) -> int:
        """Seconds it was pressed when last released; -1 if it was not since last asked."""
        pressed_s, self._released_s = self._released_s, -1
        return pressed_s
