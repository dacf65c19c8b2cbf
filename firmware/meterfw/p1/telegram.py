"""The P1 telegram of a meter, after e-MUCS 1.7.1, in pieces: a line, or a part of a long one.

A piece is written into one buffer, made at the start; then nothing is allocated any more.
"""

from meterfw import const, layouts
from meterfw.account.calendar import day_of, local, month_of, summer, year_of
from meterfw.account.record import State
from meterfw.account.rules import balance
from meterfw.board import Board
from meterfw.p1.demand import Demand
from meterfw.panel.display import TESTING, WORDS, headline_of
from meterfw.store.journal import Ledger
from meterfw.wire.fcs import steps

# Pieces, each closed by a semicolon. The first octet says who sends it: `*` everybody, `e` an
# electricity meter, `3` one of three phases, `h` one with peaks of earlier months, `r` once for
# each of those, `g` a gas meter or one with a gas meter behind it. `%` and an octet are a value.
_PIECES = (
    b"*/BGT5\\budgetmeter\r\n\r\n;*0-0:96.1.4(50217)\r\n;*0-0:96.1.1(%n)\r\n;*0-0:1.0.0(%t)\r\n;"
    b"e1-0:1.8.1(%e*kWh)\r\n;e1-0:1.8.2(000000.000*kWh)\r\n;"
    b"e1-0:2.8.1(000000.000*kWh)\r\n;e1-0:2.8.2(000000.000*kWh)\r\n;"
    b"e1-0:1.4.0(%d*kW)\r\n;e1-0:1.6.0(%p)(%P*kW)\r\n;"
    b"h0-0:98.1.0(%k)(1-0:1.6.0)(1-0:1.6.0);r(%u)(%q)(%Q*kW);h\r\n;"
    b"e0-0:96.14.0(0001)\r\n;e1-0:1.7.0(%w*kW)\r\n;e1-0:2.7.0(00.000*kW)\r\n;"
    b"e1-0:21.7.0(%1*kW)\r\n;31-0:41.7.0(%2*kW)\r\n;31-0:61.7.0(%2*kW)\r\n;"
    b"e1-0:22.7.0(00.000*kW)\r\n;31-0:42.7.0(00.000*kW)\r\n;31-0:62.7.0(00.000*kW)\r\n;"
    b"e1-0:32.7.0(%v*V)\r\n;31-0:52.7.0(%v*V)\r\n;31-0:72.7.0(%v*V)\r\n;"
    b"e1-0:31.7.0(%a*A)\r\n;31-0:51.7.0(%a*A)\r\n;31-0:71.7.0(%a*A)\r\n;"
    b"e0-0:96.3.10(%b)\r\n;e0-0:17.0.0(%l*kW)\r\n;e1-0:31.4.0(%f*A)\r\n;*0-0:96.13.0(%m)\r\n;"
    b"g0-1:24.1.0(003)\r\n;g0-1:96.1.1(%N)\r\n;g0-1:24.4.0(%B)\r\n;g0-1:24.2.3(%T)(%V*m3)\r\n;"
    b"*!;*%c\r\n;"
)
_ROOM = const(192)  # of the longest piece: the message
_MOST_W = const(99_999)  # as two digits before the point and three behind it
_NO_LIMIT = const(9999)
_NO_FUSE = const(999)
_HEX = b"0123456789ABCDEF"


class Telegram:
    """Writes the telegrams of an account.

    :param number: serial number of the meter
    :param demand: of an electricity meter
    :ivar buffer: the present piece
    :ivar words: the words of the display, headlines first
    :ivar gas: account of the gas meter behind this one; of a gas meter its own
    :ivar gas_number: and its serial number
    """

    def __init__(self, ledger: Ledger, board: Board, number: int, demand: Demand) -> None:
        self.ledger = ledger
        self.board = board
        self.number = self.gas_number = number
        self.demand = demand
        self.buffer = bytearray(_ROOM)
        self.words = WORDS
        self.gas = ledger if ledger.profile.energy == layouts.ENERGY_GAS else None
        self._table = steps(0xA001)  # CRC-16/ARC
        self.begin()

    def begin(self) -> None:
        """The next piece is the first one."""
        self._at = self._row = self._crc = self._end = 0

    def piece(self) -> int:
        """Write the next piece into the buffer: its size, 0 after the last."""
        pieces = _PIECES
        while self._at < len(pieces):
            at, row, rows = self._at, self._row, self._rows(pieces[self._at])
            self._row += 1
            if self._row >= rows:
                self._at, self._row = pieces.find(b";", at) + 1, 0
            if rows:
                self._write(at + 1, row)
                return self._end
        return 0

    def _rows(self, who: int) -> int:
        """How often a piece is sent."""
        if who == 0x2A:  # *
            return 1
        if who == 0x67:  # g
            return self.gas is not None
        p = self.ledger.profile
        if p.energy == layouts.ENERGY_GAS:
            return 0
        if who == 0x33:  # 3
            return p.phases == 3
        if who == 0x65:  # e
            return 1
        return self.demand.count if who == 0x72 else self.demand.count > 0  # r, h

    def _write(self, at: int, row: int) -> None:
        """Write the piece that begins at a place, for one of its rows, and bring the CRC on."""
        pieces, buffer, table = _PIECES, self.buffer, self._table
        self._end = 0
        octet = pieces[at]
        while octet != 0x3B:  # ;
            if octet == 0x25:  # %
                at += 1
                self._value(pieces[at], row)
            else:
                self._put(octet)
            at += 1
            octet = pieces[at]
        check = self._crc
        for i in range(self._end):
            check = check >> 8 ^ table[(check ^ buffer[i]) & 0xFF]
        self._crc = check

    def _value(self, what: int, row: int) -> None:
        """Write a value; only its energy's pieces ask an account for it."""
        m, demand = self.ledger.state, self.demand
        if what == 0x6E:  # n: serial number
            self._spell_number(self.number, 9)
        elif what == 0x74:  # t: time
            self._time(m.clock, m.second)
        elif what == 0x65:  # e: energy
            self._number(m.energy_wh, 9, 3)
        elif what == 0x64:  # d: mean of the running quarter
            self._kilowatts(demand.mean_w(m))
        elif what == 0x70:  # p, P: peak of the running month
            self._time(demand.peak_clock, 0)
        elif what == 0x50:
            self._kilowatts(demand.peak_w)
        elif what == 0x6B:  # k: months that are over; u, q, Q: end, peak
            self._number(demand.count, 2 if demand.count > 9 else 1, 0)
        elif what == 0x75:
            self._time(demand.months[3 * row], 0)
        elif what == 0x71:
            self._time(demand.months[3 * row + 1], 0)
        elif what == 0x51:
            self._kilowatts(demand.months[3 * row + 2])
        elif what == 0x62:  # b: breaker
            self._number(m.control_state, 1, 0)
        elif what == 0x6C:  # l: limiter, rounded down
            none = m.limiter_engaged == 0 or m.limit_w == 0
            self._number(_NO_LIMIT if none else min(m.limit_w // 100, _NO_LIMIT - 1), 4, 1)
        elif what == 0x66:  # f: fuse, rounded down
            none = m.limiter_engaged == 0 or m.limit_ma == 0
            self._number(_NO_FUSE if none else min(m.limit_ma // 1000, _NO_FUSE - 1), 3, 0)
        elif what == 0x6D:  # m: message
            self._message(self.ledger)
            if self.gas is not None and self.gas is not self.ledger:
                self._spell(b"; gas ", 0, 6)
                self._message(self.gas)
        elif what == 0x63:  # c: CRC
            check = self._crc
            for shift in range(12, -4, -4):
                self._put(_HEX[check >> shift & 15])
        elif self.gas is not None and what > 0x40 and what < 0x5B:  # a capital letter
            self._gas_value(what, self.gas.state)
        else:
            self._sensor(what)

    def _gas_value(self, what: int, m: State) -> None:
        """A value of the gas meter."""
        if what == 0x4E:  # N: serial number
            self._spell_number(self.gas_number, 9)
        elif what == 0x42:  # B: valve
            self._number(m.control_state, 1, 0)
        elif what == 0x54:  # T: time
            self._time(m.clock, m.second)
        else:  # V: volume
            self._number(m.volume_l, 8, 3)

    def _sensor(self, what: int) -> None:
        """What flows: a board tells the sum of the phases, and the largest current."""
        board = self.board
        if what == 0x76:  # v: voltage
            self._number(board.voltage_mv() // 100, 4, 1)
        elif what == 0x61:  # a: current
            self._number(board.current_ma() // 10, 5, 2)
        else:
            w = board.power_w()
            if what != 0x77:  # w: power; 1 of the first phase, 2 of another
                other = w // 3 if self.ledger.profile.phases == 3 else 0
                w = w - 2 * other if what == 0x31 else other
            self._kilowatts(w)

    # Octets

    def _put(self, octet: int) -> None:
        self.buffer[self._end] = octet
        self._end += 1

    def _number(self, value: int, digits: int, places: int) -> None:
        """Decimal digits, with zeros before them; the last `places` stand after a point."""
        at = self._end = self._end + digits + (places > 0)
        for i in range(digits):
            if places > 0 and i == places:
                at -= 1
                self.buffer[at] = 0x2E
            at -= 1
            self.buffer[at] = 0x30 + value % 10
            value //= 10

    def _kilowatts(self, w: int) -> None:
        self._number(min(w, _MOST_W), 5, 3)

    def _time(self, clock: int, second: int) -> None:
        """Local time, as YYMMDDhhmmss, and S in summer or W."""
        now = local(clock)
        day = now // 1440
        year, month = year_of(day), month_of(day)
        self._number(year, 2, 0)
        self._number(month, 2, 0)
        self._number(day - day_of(year, month, 1) + 1, 2, 0)
        self._number(now % 1440 // 60, 2, 0)
        self._number(now % 60, 2, 0)
        self._number(second, 2, 0)
        self._put(0x53 if summer(clock) else 0x57)

    # Text is sent as the hexadecimal digits of its octets

    def _spell(self, text: bytes, begin: int, end: int) -> None:
        for i in range(begin, end):
            self._put(_HEX[text[i] >> 4])
            self._put(_HEX[text[i] & 15])

    def _spell_number(self, value: int, digits: int) -> None:
        """At least so many digits of a number."""
        scale = 1
        while digits > 1 or value // scale > 9:
            scale *= 10
            digits -= 1
        while scale > 0:
            self._put(0x33)
            self._put(0x30 + value // scale % 10)
            scale //= 10

    def _message(self, ledger: Ledger) -> None:
        """The balance, in prepayment, and what the customer most needs to know."""
        m, p = ledger.state, ledger.profile
        words = self.words
        place = headline_of(m, p)
        begin = 0
        for _ in range(place):
            begin = words.find(b",", begin) + 1
        end = words.find(b",", begin)
        if m.payment_mode == layouts.PAYMENT_MODE_PREPAYMENT:
            mc = balance(m)
            if mc <= -1000:
                self._spell(b"-", 0, 1)
            cents = abs(mc) // 1000
            self._spell_number(cents // 100, 1)
            self._spell(b".", 0, 1)
            self._spell_number(cents % 100, 2)
            self._spell(b" EUR, ", 0, 6 if end > begin else 4)
        self._spell(words, begin, end)
        if place == TESTING:
            self._spell(b" ", 0, 1)
            self._spell_number(m.leak_left_s, 1)
            self._spell(b" s", 0, 2)
