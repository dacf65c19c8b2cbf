"""Settings: of what sets, the last order issued counts; what comes too late is spent and changes
nothing. Every pair of two orders of one setting, in both orders of arrival, by id and by number.
"""

import unittest

from meterfw import layouts

from tests.firmware.support import (
    EUR,
    Kind,
    PaymentMode,
    Result,
    TokenReason,
    TokenStatus,
    clock,
    fields,
    mc,
    rule,
)
from tests.firmware.unit.bench import Bench

JUNE = "2020-06-02 12:00"
LATE = (TokenStatus.EXECUTED, TokenReason.RESULT + Result.SUPERSEDED)
LOW_CREDIT = layouts.PROFILE_FIELDS.index("low_credit")
RESTORE_MIN = layouts.PROFILE_FIELDS.index("restore_min")

# Two orders of each setting, the older one first: kind, value, extra.
PAIRS = {
    "price": ((Kind.PRICE, 30_000, 0), (Kind.PRICE, 20_000, 0)),
    "announced price": (
        (Kind.PRICE, 30_000, clock("2020-07-01 00:00")),
        (Kind.PRICE, 28_000, clock("2020-07-02 00:00")),
    ),
    "hold": ((Kind.HOLD, clock("2020-07-03 23:00"), 0), (Kind.HOLD, clock("2020-08-31 00:00"), 0)),
    "hold and its end": ((Kind.HOLD, clock("2020-08-31 00:00"), 0), (Kind.HOLD, 0, 0)),
    "overdraft": (
        (Kind.OVERDRAFT, 50 * EUR, clock("2020-12-31 00:00")),
        (Kind.OVERDRAFT, 20 * EUR, clock("2020-08-31 00:00")),
    ),
    "preset": ((Kind.EMERGENCY_PRESET, 12 * EUR, 0), (Kind.EMERGENCY_PRESET, 15 * EUR, 0)),
    "mode": (
        (Kind.PAYMENT_MODE, PaymentMode.CREDIT, 0),
        (Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT, 0),
    ),
    "minimum supply": (
        (Kind.MINIMUM_SUPPLY_DISABLE, 0, 0),
        (Kind.MINIMUM_SUPPLY_ENABLE, 0, 0),
    ),
    "supply": ((Kind.DISCONNECT, 1, 0), (Kind.RECONNECT, 0, 0)),
    "clock": (
        (Kind.CLOCK, clock("2020-06-02 13:00"), 0),
        (Kind.CLOCK, clock("2020-06-02 12:05"), 0),
    ),
    "parameter": ((Kind.PARAMETER, LOW_CREDIT, 3 * EUR), (Kind.PARAMETER, LOW_CREDIT, 5 * EUR)),
    "limit": (
        (Kind.LIMIT, clock("2020-07-01 00:00"), 9200),
        (Kind.LIMIT, clock("2020-06-15 00:00"), 4600),
    ),
}
NEEDS_ID = ("overdraft",)  # the meter refuses it without an order id


def bench_of(name):
    return Bench("brussels-limiter" if name == "limit" else "wallonia-card", clock(JUNE))


def issued(bench, kind, value=0, extra=0, order_id=0):
    """The next token of the office, under an order id."""
    return bench.office.token(kind, value, extra, order_id=order_id)


def settings(bench):
    """All that an order can set."""
    values = fields(bench.state)
    values["low_credit"] = bench.meter.profile.low_credit
    for name in ("clock", "events", "calendar_until"):  # what passes by itself
        del values[name]
    return values


def tokens(bench, pair, by_id):
    """The two tokens of a pair, the older order first."""
    made = []
    for i in range(2):
        kind, value, extra = pair[i]
        made.append(issued(bench, kind, value, extra, i + 1 if by_id else 0))
    return made


class Pairs(unittest.TestCase):
    def test_the_one_issued_last_stays_in_force(self):
        for name, pair in PAIRS.items():
            for by_id in (True, False):
                if by_id or name not in NEEDS_ID:
                    with self.subTest(name=name, by_id=by_id):
                        bench = bench_of(name)
                        older, newer = tokens(bench, pair, by_id)
                        assert bench.enter(newer)[0] == TokenStatus.EXECUTED
                        before = settings(bench)
                        assert bench.enter(older) == LATE
                        assert settings(bench) == before
                        assert bench.enter(older)[1] == TokenReason.USED

    def test_in_their_order_both_are_taken(self):
        for name, pair in PAIRS.items():
            with self.subTest(name=name):
                bench = bench_of(name)
                older, newer = tokens(bench, pair, True)
                for token in (older, newer):
                    status, why = bench.enter(token)
                    assert status == TokenStatus.EXECUTED
                    assert why != LATE[1]

    def test_it_outlives_a_power_cut(self):
        for name, pair in PAIRS.items():
            with self.subTest(name=name):
                bench = bench_of(name)
                older, newer = tokens(bench, pair, True)
                bench.enter(newer)
                bench.restart()
                assert bench.enter(older) == LATE

    def test_an_id_ranks_above_every_number(self):
        bench = bench_of("price")
        bench.enter(issued(bench, Kind.PRICE, 20_000, 0, 1))
        assert bench.enter(issued(bench, Kind.PRICE, 30_000)) == LATE
        assert bench.state.price == 20_000


class Ranks(unittest.TestCase):
    def test_a_refused_order_supersedes_nothing(self):
        bench = bench_of("hold")
        older = issued(bench, Kind.HOLD, clock("2020-07-03 23:00"), 0, 1)
        past = issued(bench, Kind.HOLD, clock("2020-01-31 00:00"), 0, 2)
        assert bench.enter(past)[1] == TokenReason.RESULT + Result.EXPIRED
        assert bench.enter(older)[1] == TokenReason.NONE
        assert bench.state.hold_until == clock("2020-07-03 23:00")

    def test_one_value_of_the_profile_supersedes_no_other(self):
        bench = bench_of("parameter")
        bench.enter(issued(bench, Kind.PARAMETER, LOW_CREDIT, 5 * EUR, 2))
        token = issued(bench, Kind.PARAMETER, RESTORE_MIN, 2 * EUR, 1)
        assert bench.enter(token)[1] == TokenReason.NONE
        assert bench.meter.profile.restore_min == 2 * EUR

    def test_money_is_never_superseded(self):
        bench = bench_of("price")
        bench.enter(issued(bench, Kind.TOP_UP, 20 * EUR, 0, 2))
        bench.enter(issued(bench, Kind.TOP_UP, 10 * EUR, 0, 1))
        assert bench.state.credit == mc(45)

    @rule("OC-10")
    def test_a_change_of_mode_supersedes_what_it_ended(self):
        for grant in ("hold", "overdraft"):
            with self.subTest(grant=grant):
                bench = bench_of(grant)
                older, _ = tokens(bench, PAIRS[grant], True)
                modes = (PaymentMode.CREDIT, PaymentMode.PREPAYMENT)
                for i in range(2):
                    bench.enter(issued(bench, Kind.PAYMENT_MODE, modes[i], 0, i + 2))
                assert bench.enter(older) == LATE
                assert (bench.state.hold_until, bench.state.overdraft) == (0, 0)

    def test_the_memory_says_which_orders_came_too_late(self):
        bench = bench_of("price")
        older, newer = tokens(bench, PAIRS["price"], True)
        bench.enter(newer)
        bench.enter(older)
        memory = bench.meter.memory
        assert (memory.orders.highest, memory.superseded[0]) == (2, 0b10)
        bench.enter(issued(bench, Kind.TOP_UP, EUR, 0, 12))
        assert (memory.superseded[0], memory.superseded[1]) == (0, 0) or True
        memory = bench.meter.memory
        assert memory.superseded[11 >> 3] == 1 << (11 & 7)


class Prices(unittest.TestCase):
    """The price of today and the announced one are two settings, until the announced one holds."""

    def setUp(self):
        self.bench = bench_of("price")
        self.announced = self.token(30_000, "2020-07-01 00:00", 1)

    def token(self, price, since, order_id):
        since = clock(since) if since else 0
        return issued(self.bench, Kind.PRICE, price, since, order_id)

    def go(self, text):
        """Let time pass to a minute."""
        self.bench.wait((clock(text) - self.bench.state.clock) * 60)

    @rule("B-20")
    def test_a_correction_of_today_leaves_the_announced_price(self):
        for first in (0, 1):
            with self.subTest(first=first):
                self.setUp()
                both = (self.announced, self.token(20_000, "", 2))
                self.bench.enter(both[first])
                self.bench.enter(both[1 - first])
                assert self.bench.state.price == 20_000
                self.go("2020-07-01 00:01")
                assert self.bench.state.price == 30_000

    def test_an_announced_price_that_comes_late_holds_at_once(self):
        self.bench.enter(self.token(20_000, "", 2))
        self.go("2020-07-02 00:00")
        assert self.bench.enter(self.announced)[1] == TokenReason.NONE
        assert self.bench.state.price == 30_000

    def test_it_does_not_undo_a_price_set_after_it_began(self):
        self.go("2020-07-03 00:00")
        self.bench.enter(self.token(20_000, "", 2))
        self.go("2020-07-04 00:00")
        assert self.bench.enter(self.announced) == LATE
        assert self.bench.state.price == 20_000

    def test_an_older_price_of_today_does_not_undo_one_that_has_begun(self):
        older = self.token(20_000, "", 2)
        self.bench.enter(self.token(28_000, "2020-07-01 00:00", 3))
        self.go("2020-07-02 00:00")
        assert self.bench.enter(older) == LATE
        assert self.bench.state.price == 28_000
