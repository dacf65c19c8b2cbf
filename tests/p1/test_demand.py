"""The mean of the quarter and the peaks of the months, against sums worked out another way."""

import random
import struct
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from budgetmeter import profiles, units
from budgetmeter.emulator import Emulator, telegrams
from budgetmeter.loads import Draw
from budgetmeter.testing import MeterUnderTest
from dsmr_parser.parsers import TelegramParser
from dsmr_parser.telegram_specifications import BELGIUM_FLUVIUS
from meterproto import stored

from tests.firmware.support import clock

EVER = profiles.load("wallonia-digital")


class Steps:
    """A load that changes at random times, never a whole number of minutes apart."""

    def __init__(self, seed, seconds):
        rng = random.Random(seed)
        self.starts, self.watts, at = [], [], 0
        while at < seconds:
            self.starts.append(at)
            self.watts.append(rng.choice((0, 250, 1201, 3600, 7300, 9200)))
            at += rng.choice((37, 611, 2000, 5000, 40_000))
        self.starts.append(at)

    def at(self, second):
        i = next(i for i, end in enumerate(self.starts[1:]) if second < end)
        watts = self.watts[i]
        return Draw(rate=watts, ma=0, w=watts, until=self.starts[i + 1], wanted=watts)


def world(load, start, adaptive=True):
    """A meter with a P1 port, rich enough to stay connected."""
    made = Emulator(EVER, clock(start), load, adaptive=adaptive, p1=True)
    made.meter.state.credit = 1_000_000_000
    return made


def counted(load, seconds):
    """Wh counted from the start until each second that ends a quarter: energy in whole pulses."""
    total, i, found = 0, 0, {}
    for second in range(seconds + 1):
        if second % 900 == 0:
            found[second] = total // 3600
        while second >= load.starts[i + 1]:
            i += 1
        total += load.watts[i]
    return found


def local(moment):
    """UTC+1 as Belgian local time."""
    return units.from_clock(int((moment - datetime(2000, 1, 1)).total_seconds() // 60))


def peaks(load, start, seconds):
    """Of each local month: its peak in W and when that quarter ended, in local time."""
    totals = counted(load, seconds)
    found = {}
    for end in sorted(totals)[1:]:
        w = 4 * (totals[end] - totals[end - 900])
        when = start + timedelta(seconds=end)
        month = local(start + timedelta(seconds=end - 900))
        best = found.get((month.year, month.month))
        if w and (best is None or w > best[0]):
            found[month.year, month.month] = (w, local(when))
    return found


def read(made):
    """The demand that a stranger reads: mean, peak, history; times local, W."""
    parsed = TelegramParser(BELGIUM_FLUVIUS).parse(telegrams.telegram(made).decode())
    peak = parsed.BELGIUM_MAXIMUM_DEMAND_MONTH
    history = getattr(parsed, "BELGIUM_MAXIMUM_DEMAND_13_MONTHS", [])
    return (
        int(parsed.BELGIUM_CURRENT_AVERAGE_DEMAND.value * 1000),
        (int(peak.value * 1000), belgian(peak.datetime)),
        [(belgian(p.datetime), int(p.value * 1000), belgian(p.occurred)) for p in history],
    )


def belgian(moment):
    """A time of a reader as Belgian local time without a zone."""
    return local((moment + timedelta(hours=1)).replace(tzinfo=None))


@pytest.mark.parametrize("seed", range(2))
def test_peaks_are_those_of_the_load(seed):
    start = datetime(2021, 3, 20 + seed, 11, 15)  # over the change of clocks, and two months
    seconds = 50 * 86_400
    load = Steps(seed, seconds)
    made = world(load, f"{start:%Y-%m-%d %H:%M}")
    made.run(made.start_s + seconds)
    wanted = peaks(load, start, seconds)
    mean, peak, history = read(made)
    last = sorted(wanted)[-1]
    assert peak == wanted[last]
    assert [(w, when) for _, w, when in history] == [wanted[m] for m in sorted(wanted)[:-1]]
    ends = [datetime(2021, 4, 1), datetime(2021, 5, 1)]
    assert [end for end, _, _ in history] == ends[: len(history)]
    assert mean == 0


def test_the_mean_rises_within_a_quarter_and_begins_anew():
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-03-03 12:00")
    seen = []
    for _ in range(4):
        meter.use(watts=3600, minutes=5)
        seen.append(read(meter.world)[0])
    assert seen == [1200, 2400, 0, 1200]


def test_steps_of_an_hour_and_of_a_second_see_the_same():
    load = Steps(9, 2 * 86_400)
    told = []
    for adaptive in (True, False):
        made = world(load, "2021-03-30 22:30", adaptive)
        made.run(made.start_s + 86_400 + 12_345)
        told.append((read(made), made.meter.p1.demand.months.tolist()))
    assert told[0] == told[1]
    assert told[0][0][2]  # a month ended


def test_thirteen_months_are_kept_and_the_oldest_gives_way():
    meter = MeterUnderTest(profile="wallonia-digital", start="2019-12-31 12:00")
    for month in range(15):
        meter.at(f"{2020 + month // 12}-{month % 12 + 1:02d}-15 12:00")
        meter.order("top-up", amount="250.00")
        meter.use(watts=1000 + 100 * month, minutes=15)
    _, peak, history = read(meter.world)
    assert peak == (2400, datetime(2021, 3, 15, 12, 15))
    assert len(history) == 13
    assert [w for _, w, _ in history] == [1100 + 100 * i for i in range(13)]
    assert [end.day for end, _, _ in history] == [1] * 13
    assert "0-0:98.1.0(13)(1-0:1.6.0)(1-0:1.6.0)(200301000000W)(200215121500W)" in meter.p1()


def test_a_power_cut_takes_the_running_quarter_alone():
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-03-03 12:00")
    meter.use(watts=2000, minutes=15)
    meter.use(watts=9000, minutes=10)
    assert read(meter.world)[0] == 6000
    meter.cut_power(minutes=1)
    assert read(meter.world)[:2] == (0, (2000, datetime(2021, 3, 3, 12, 15)))
    meter.use(watts=1000, minutes=10)  # the rest of the quarter, and six minutes
    assert read(meter.world)[1] == (2000, datetime(2021, 3, 3, 12, 15))


def test_a_month_that_ends_without_mains_is_closed_at_the_start():
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-03-31 12:00")
    meter.use(watts=2000, minutes=15)
    meter.cut_power(hours=24 * 40)
    assert read(meter.world)[2] == [(datetime(2021, 4, 1), 2000, datetime(2021, 3, 31, 12, 15))]
    assert meter.world.meter.p1.demand.peak_w == 0


@pytest.mark.parametrize(
    "spoil", [lambda d: d[:-1], lambda d: d[:5] + b"\1" + d[6:], lambda d: b""]
)
def test_a_damaged_file_counts_as_none(spoil):
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-03-03 12:00")
    meter.use(watts=2000, minutes=15)
    files = meter.world.board.files
    files["demand"] = spoil(files["demand"])
    balance = meter.balance
    meter.cut_power()
    assert read(meter.world)[1][0] == 0
    assert meter.balance == balance


def test_a_clock_set_back_counts_no_quarter_and_no_month_twice():
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-04-01 00:20")
    meter.use(watts=2000, minutes=25)
    _, before, history = read(meter.world)
    meter.order("clock", time="2021-03-31 23:40")
    meter.use(watts=500, minutes=60)
    _, after, again = read(meter.world)
    assert (after, again) == (before, history)
    meter.order("clock", time="2020-01-31 23:50")  # a year: the month begins anew
    meter.use(watts=400, minutes=8)
    assert read(meter.world)[1] == (0, datetime(2020, 1, 31, 23, 45))


def test_the_file_is_as_declared_and_written_once_a_peak():
    meter = MeterUnderTest(profile="wallonia-digital", start="2021-03-31 12:00")
    stores = []
    files = meter.world.board.files
    meter.world.board.store = lambda name, data: (stores.append(name), files.update({name: data}))
    for watts in (1000, 900, 2000, 2000, 0):
        meter.use(watts=watts, minutes=15)
    assert stores.count("demand") == 2
    meter.at("2021-04-02 12:00")
    assert stores.count("demand") == 3
    data = bytes(files["demand"])
    head = stored.Demand.parse(data)
    assert (head.peak, head.until) == (0, clock("2021-05-01 00:00"))
    month = stored.Peak.parse(data[stored.Demand.sizeof() :])
    assert (month.until, month.peak) == (clock("2021-04-01 00:00"), 2000)
    assert len(data) == stored.Demand.sizeof() + stored.Peak.sizeof() + struct.calcsize("<L")


class Cut(Exception):
    """The mains go away."""


@pytest.mark.parametrize("landed", [False, True])
def test_a_cut_at_any_store_leaves_the_peaks_of_before_or_of_after(landed):
    """And the account as without the peaks: credit is not in this file."""

    class Files(dict):
        left = None

        def __setitem__(self, name, data):
            if self.left == 0:
                if landed:
                    super().__setitem__(name, data)
                raise Cut
            if self.left is not None:
                self.left -= 1
            super().__setitem__(name, data)

    def story(made):
        for watts in (1000, 3000, 2000, 4000):
            made.load.set(watts, False)
            made.load_changed()
            made.run(made.now_s + 900)

    def life(left):
        from budgetmeter.emulator import ConstantLoad

        files = Files()
        made = Emulator(EVER, clock("2021-03-31 23:00"), ConstantLoad(), files=files, p1=True)
        files.left = left
        try:
            story(made)
        except Cut:
            files.left = None
            made.cut_power()
        else:
            return made, True
        return made, False

    whole, _ = life(None)
    wanted = {1000, 3000, 4000, 0}
    cut = 0
    for left in range(200):
        made, done = life(left)
        held, booked = made.conservation()
        assert held == booked
        demand = made.meter.p1.demand
        assert demand.peak_w in wanted
        assert set(demand.months.tolist()[2::3]) <= wanted
        assert made.board.drawn // 3600 - made.meter.state.energy_wh <= 250
        if done:
            break
        cut += 1
    assert cut > 8
    assert whole.meter.p1.demand.months.tolist()[2] == 4000  # the month ends with the story


def test_gas_has_no_demand():
    meter = MeterUnderTest(profile="wallonia-gas")
    assert "1.6.0" not in meter.p1()
    assert Decimal(meter.p1().split("24.2.3(")[1][15:24]) == 0
