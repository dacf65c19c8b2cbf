"""A buzzer that sounds by itself while its pin is high."""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import Pin

_BEEP_MS = const(120)


class Beeper:
    """Beeps of _BEEP_MS with as long between them."""

    def __init__(self, pin: "Pin") -> None:
        self.pin = pin
        self._halves = 0  # phases left, sound and silence in turn
        self._left_ms = 0
        pin.value(0)

    def beep(self, times: int) -> None:
        """Sound so many times, from now on."""
        self._halves = 2 * times
        self._left_ms = _BEEP_MS
        self.pin.value(1)

    def pass_time(self, ms: int) -> None:
        """Go on with it."""
        if self._halves == 0:
            return
        self._left_ms -= ms
        if self._left_ms <= 0:
            self._halves -= 1
            self._left_ms = _BEEP_MS
            self.pin.value(1 if self._halves and self._halves % 2 == 0 else 0)
