"""The display: four lines of sixteen characters on 128 by 64 pixels."""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from framebuf import FrameBuffer
    from machine import I2C

    class Framed(FrameBuffer):
        def show(self) -> None: ...


_WIDTH = const(128)
_HEIGHT = const(64)
_LINE_HEIGHT = const(16)


class Screen:
    """Lines on anything that is a `framebuf.FrameBuffer` with `show()`, such as an SSD1306.

    :ivar buffer: it; None without a display

    A page that gets lost, on the bus or for want of memory, is made good by the next one.
    """

    def __init__(self, buffer: "Framed | None") -> None:
        self.buffer = buffer

    def show(self, lines: "tuple[str, ...]") -> None:
        """Show four lines."""
        if self.buffer is None:
            return
        self.buffer.fill(0)
        y = (_LINE_HEIGHT - 8) // 2
        for line in lines:
            self.buffer.text(line, 0, y)
            y += _LINE_HEIGHT
        try:
            self.buffer.show()
        except (OSError, MemoryError):
            pass


def fitted(i2c: "I2C") -> Screen:
    """The display on a bus; it shows nothing when there is none, or its driver is not installed."""
    try:
        import ssd1306  # pyright: ignore[reportMissingImports]  # installed when flashing

        return Screen(ssd1306.SSD1306_I2C(_WIDTH, _HEIGHT, i2c))
    except (ImportError, OSError, MemoryError, ValueError):  # ValueError: a damaged .mpy
        return Screen(None)
