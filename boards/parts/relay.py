"""The supply switch: a relay, or a gas valve, with a contact that says where it is."""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import Pin

_GRACE_MS = const(500)  # how long contacts and feedback may take


class Relay:
    """A relay on a pin, open until the meter closes it.

    :param pin: output; 1 closes it
    :param feedback: input that reads 1 while it is closed; None without
    :ivar stuck: True while the feedback contradicts for longer than _GRACE_MS
    """

    def __init__(self, pin: "Pin", feedback: "Pin | None" = None) -> None:
        self.pin = pin
        self.feedback = feedback
        self.stuck = False
        self._wanted = 0
        self._wrong_ms = -1  # -1 while the feedback is right
        pin.value(0)

    def put(self, closed: int) -> None:
        """Close (1) or open (0) it."""
        self._wanted = closed
        self._wrong_ms = -1
        self.pin.value(closed)

    def pass_time(self, ms: int) -> None:
        """Compare the feedback."""
        if self.feedback is None:
            return
        if self.feedback.value() == self._wanted:
            self._wrong_ms = -1
            self.stuck = False
            return
        if self._wrong_ms < 0:  # seen for the first time: it may be new
            self._wrong_ms = 0
            return
        self._wrong_ms = min(self._wrong_ms + ms, _GRACE_MS)
        if self._wrong_ms == _GRACE_MS:
            self.stuck = True
