"""PZEM-004T v3: voltage, current, power and energy of one phase, by Modbus RTU.

One request a second for the ten input registers; the answer is taken when it is whole. It drives
the limiter; money is counted by the S0 pulses.
"""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import UART

BAUD = 9600
ADDRESS = 0xF8  # any single module answers to it
_REGISTERS = const(10)
ANSWER = 5 + 2 * _REGISTERS
_PERIOD_MS = const(1000)
_SILENT_MS = const(5000)  # without an answer the last values are worth nothing

_REQUEST = const(0x04)  # read input registers


def crc16(data: "bytes | bytearray", size: int) -> int:
    """CRC-16/MODBUS of the first `size` octets."""
    crc = 0xFFFF
    for i in range(size):
        crc ^= data[i]
        for _ in range(8):
            if crc & 1:
                crc = crc >> 1 ^ 0xA001
            else:
                crc >>= 1
    return crc


class Pzem:
    """The module on a UART at BAUD.

    :ivar ma: current, mA; 0 while silent
    :ivar w: power, W
    :ivar mv: voltage, mV
    :ivar wh: energy since it was last reset, Wh
    :ivar silent: True when it has not answered for _SILENT_MS
    """

    def __init__(self, uart: "UART") -> None:
        self.uart = uart
        self.ma = self.w = self.mv = self.wh = 0
        self.silent = False
        self._quiet_ms = 0
        self._until_ms = 0
        self._answer = bytearray(ANSWER)
        self._request = bytearray((ADDRESS, _REQUEST, 0, 0, 0, _REGISTERS, 0, 0))
        crc = crc16(self._request, 6)
        self._request[6] = crc & 0xFF
        self._request[7] = crc >> 8

    def pass_time(self, ms: int) -> None:
        """Take an answer that has come, ask again when it is time."""
        if self.uart.any() >= ANSWER:
            self.uart.readinto(self._answer)
            if self._whole():
                self._take()
        self._quiet_ms = min(self._quiet_ms + ms, _SILENT_MS)
        if self._quiet_ms == _SILENT_MS and not self.silent:
            self.silent = True
            self.ma = self.w = 0
        self._until_ms -= ms
        if self._until_ms <= 0:
            self._until_ms = _PERIOD_MS
            while self.uart.any():  # what is left of a damaged answer
                self.uart.readinto(self._answer)
            self.uart.write(self._request)

    def _whole(self) -> bool:
        a = self._answer
        if a[1] != _REQUEST or a[2] != 2 * _REGISTERS:
            return False
        return crc16(a, ANSWER - 2) == a[ANSWER - 2] | a[ANSWER - 1] << 8

    def _take(self) -> None:
        self.mv = self._word(0) * 100
        self.ma = self._word(1) | self._word(2) << 16
        self.w = (self._word(3) | self._word(4) << 16) // 10
        self.wh = self._word(5) | (self._word(6) & 0x3FFF) << 16
        self._quiet_ms = 0
        self.silent = False

    def _word(self, register: int) -> int:
        at = 3 + 2 * register
        return self._answer[at] << 8 | self._answer[at + 1]
