"""The display: pages, what they say, and that they fit."""

import struct
import unittest

from meterfw import layouts
from meterfw.panel import display
from meterfw.store.journal import crc

from tests.firmware.support import EUR, GIVEN, Kind, clock, mc, meter
from tests.firmware.unit.bench import Bench

NOON = clock("2020-12-08 12:00")  # a Tuesday, outside friendly hours

# From the most pressing on: each says what it says although all after it hold too.
HEADLINES = (
    ("OFF: CALL", {"reasons": layouts.REASON_TAMPER}),
    ("OFF BY OPERATOR", {"reasons": layouts.REASON_OPERATOR}),
    ("TEST 719 s", {"reasons": layouts.REASON_LEAK_TEST, "leak_left_s": 719}),
    (
        "OFF: PRESS (EC)",
        {
            "reasons": layouts.REASON_CREDIT,
            "emergency_status": layouts.EMERGENCY_STATUS_SELECTABLE,
            "limiter_available": 1,
        },
    ),
    (
        "OFF: PRESS (LIM)",
        {"reasons": layouts.REASON_CREDIT, "limiter_available": 1, "limiter_engaged": 0},
    ),
    ("OFF: TOP UP", {"reasons": layouts.REASON_CREDIT}),
    ("OFF: OVERLOAD", {"reasons": layouts.REASON_OVERLOAD}),
    ("PRESS TO CONNECT", {"control_state": layouts.CONTROL_STATE_READY}),
    ("LIMITED", {"limiter_engaged": 1}),
    ("NO PREPAYMENT", {"payment_mode": layouts.PAYMENT_MODE_CREDIT}),
    ("EMERGENCY CREDIT", {"emergency_status": layouts.EMERGENCY_STATUS_IN_USE}),
    ("KEPT ON", {"kept": 1}),
    ("LOW CREDIT", {"warned": 1}),
)

# Where numbers are at their longest
EDGES = (
    {"credit": -layouts.BALANCE_LIMIT, "arrears": layouts.BALANCE_LIMIT},
    {"credit": layouts.BALANCE_LIMIT, "overdraft": layouts.OVERDRAFT_LIMIT},
    {"emergency_preset": layouts.PRESET_LIMIT, "limit_w": layouts.POWER_LIMIT},
    {"emergency_used": layouts.PRESET_LIMIT, "limit_ma": 32_000, "clock": 52_595_999},
    {
        "energy_wh": layouts.REGISTER_LIMIT - 1,
        "limited_wh": layouts.REGISTER_LIMIT - 1,
        "volume_l": layouts.REGISTER_LIMIT - 1,
    },
)


class Headline(unittest.TestCase):
    def test_it_says_what_a_customer_most_needs_to_know(self):
        for at, (said, _) in enumerate(HEADLINES):
            with self.subTest(said=said):
                m, p = meter("wallonia-card", credit=mc(20))
                assert display.headline(m, p) == ""
                for _, state in reversed(HEADLINES[at:]):
                    for field in state:
                        bits = m.reasons if field == "reasons" else 0
                        setattr(m, field, state[field] | bits)
                assert display.headline(m, p) == said

    def test_it_says_what_to_do(self):
        bench = Bench(clock=NOON)
        bench.state.credit = mc("0.25")
        bench.board.use(1000)
        bench.wait(1)
        assert bench.board.lines[3] == "OFF: PRESS (EC)"
        bench.press()
        assert bench.board.lines[3] == "PRESS TO CONNECT"
        bench.press()
        assert bench.board.lines[3] == "EMERGENCY CREDIT"
        bench.enter(bench.office.token(Kind.DISCONNECT, 1))
        assert bench.board.lines[3] == "OFF BY OPERATOR"


class Pages(unittest.TestCase):
    def test_they_turn_by_the_button(self):
        bench = Bench("flanders-2003", clock=NOON)
        bench.enter(bench.office.token(Kind.TOP_UP, mc("12.34")))
        bench.press()  # to the second page
        first, pages = bench.board.lines, []
        for _ in range(display.PAGES):
            pages.append(bench.board.lines)
            bench.press()
        assert bench.board.lines == first
        assert pages[4][1] == "12.34"
        assert pages[0][1] == "left 12.50"
        assert pages[1][:3] == ("connected", "", "12:00")
        assert pages[2][0] == "limit 1380 W"
        assert pages[3][0] == "0.000 kWh"

    def test_they_fit_at_the_edges_of_every_range(self):
        for name in GIVEN["profiles"]:
            for state in EDGES:
                with self.subTest(name=name, state=state):
                    m, p = meter(name)
                    for field in state:
                        setattr(m, field, state[field])
                    for number in range(display.PAGES):
                        lines = display.page(m, p, number)
                        assert len(lines) == 4
                        assert max([len(line) for line in lines]) <= 16, lines

    def test_the_words_are_those_of_their_file_where_it_fits_this_firmware(self):
        english = display.WORDS.decode().split(",")
        other = b",".join([word.lower().encode() for word in english])
        bench = Bench(clock=NOON)
        bench.enter(bench.office.token(Kind.DISCONNECT, 1))
        for text, head in (
            (other, "off by operator"),
            (b"x," + other, "OFF BY OPERATOR"),  # of another firmware
            (b"", "OFF BY OPERATOR"),
        ):
            for tail in (b"", b"\n2 a reason\n"):
                data = text + tail
                bench.board.files["words"] = data + struct.pack("<L", crc(data))
                bench.restart()
                assert bench.board.lines[3] == head
        bench.board.files["words"] = other + b"1234"  # damaged
        bench.restart()
        assert bench.board.lines[3] == "OFF BY OPERATOR"

    def test_gas_is_shown_in_litres_and_a_limiter_without_prepayment_its_limit(self):
        m, p = meter("wallonia-gas", credit=mc(5))
        m.volume_l, m.energy_wh = 1234, 12_963
        assert display.page(m, p, 4)[:2] == ("12.963 kWh", "1234 l")
        m, p = meter("brussels-limiter")
        assert display.page(m, p, 0) == ("LIMIT", "2300 W", "", "LIMITED")
        m.limit_ma = 10_500
        assert display.limit_text(m) == "10.5 A"
        m.limit_ma = m.limit_w = 0
        assert display.limit_text(m) == "none"

    def test_a_page_is_built_when_a_cent_a_minute_or_the_state_changes(self):
        bench = Bench(clock=NOON)
        bench.state.credit = 10 * EUR
        bench.board.use(1)
        bench.wait(1)
        shown = bench.board.lines
        assert shown[1] == "9.99"
        bench.wait(1)
        assert bench.board.lines is shown
        bench.board.use(40)
        bench.wait(1)
        assert bench.board.lines[1] == "9.98"
