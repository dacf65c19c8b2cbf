"""The emulator: the measured household, exact strides, people, cuts, the virtual board."""

from datetime import datetime

import pytest
from budgetmeter import loads, profiles, scenario, units
from budgetmeter.emulator import ConstantLoad, Emulator, Household
from budgetmeter.emulator.nor import BOARDS, LittleFiles, Nor
from budgetmeter.report.phases import OFF
from budgetmeter.units import DAY_S
from meterfw import layouts
from meterfw.store.journal import WHOLE
from meterproto.codes import Event, Kind, LogCode

from tests.firmware.support import clock, fields
from tests.host.stories import told

HOUR = 3600


def emulator(name="wallonia-card", watts=1000, at="2020-12-08 10:00", household=None, **changes):
    profile = profiles.load(name)
    if changes:
        profile = profile.changed(changes, "test")
    return Emulator(profile, clock(at), ConstantLoad(watts, profile.gas), household)


def main_job(name, days, adaptive):
    """The main job under a profile: measured load, the household topping up."""
    profile = profiles.load(name)
    load = scenario.default_load(profile, datetime(2007, 1, 1), days)
    world = Emulator(profile, clock("2007-01-01 00:00"), load, Household(), adaptive)
    world.run(world.now_s + days * DAY_S)
    return world


@pytest.mark.parametrize("name", profiles.names())
def test_adaptive_stride_is_exact_on_the_measured_household(name):
    fast, slow = (main_job(name, 3, adaptive) for adaptive in (True, False))
    assert fields(fast.meter.state) == fields(slow.meter.state)
    assert fast.trace.entries == slow.trace.entries
    assert fast.trace.durations == slow.trace.durations
    assert (fast.board.drawn, fast.board.wanted) == (slow.board.drawn, slow.board.wanted)


@pytest.fixture(scope="module")
def four_months():
    return told(scenario.DEFAULT)[1]


def test_the_main_job_tells_the_story(four_months):
    """Credit runs out, emergency credit comes in, supply opens and comes back."""
    trace = four_months.trace
    for event in (
        Event.EMERGENCY_IN_USE,
        Event.DISCONNECTED,
        Event.CONNECTED,
        Event.CREDITED,
    ):
        assert trace.count(event) > 3
    assert sum(trace.durations.values()) == 120 * DAY_S
    held, booked = four_months.conservation()
    assert held == booked


def test_missing_samples_are_counted_and_no_energy_is_made_up(four_months):
    assert four_months.board.missing_s == 3728 * 60
    load = loads.household()
    wanted = sum(rate for rate in load.rates if rate > 0) * 60
    assert four_months.board.wanted == wanted
    m = four_months.meter.state
    assert m.energy_wh == four_months.board.drawn // 3600


def test_supply_never_opens_for_credit_inside_friendly_hours(four_months):
    for entry in four_months.trace.entries:
        if entry.code is Event.DISCONNECTED and entry.reasons & layouts.REASON_CREDIT:
            assert entry.time.weekday() < 5
            assert 8 <= entry.time.hour < 16


def test_the_same_seed_gives_the_same_life():
    first, second = (main_job("wallonia-card", 8, True) for _ in range(2))
    assert first.trace.entries == second.trace.entries


def test_people_press_and_top_up_when_supply_opened():
    world = emulator(household=Household())
    world.run(world.now_s + 20 * DAY_S)
    assert world.trace.top_ups
    assert world.trace.count(Event.DISCONNECTED) > 1
    assert world.meter.state.charged_eur > 50
    off = sum(world.trace.durations.get(phase, 0) for phase in OFF)
    assert 0 < off < 5 * DAY_S


def test_a_gas_household_closes_its_appliances_for_the_leak_test():
    world = emulator("wallonia-gas", watts=800, household=Household())
    world.run(world.now_s + 20 * DAY_S)
    assert world.trace.count(Event.LEAK_TEST_STARTED) > 0
    assert world.trace.count(Event.LEAK_TEST_FAILED) == 0
    assert world.trace.durations["off: leak test"] == 720 * world.trace.count(
        Event.LEAK_TEST_STARTED
    )


def test_after_an_overload_people_stay_below_the_limit():
    world = emulator("brussels-limiter", watts=3000, household=Household())
    world.run(world.now_s + DAY_S)
    assert 3 <= world.trace.count(Event.OVERLOAD) <= 12


def test_a_load_only_flows_while_supply_is_closed():
    world = emulator(watts=1000, initial_reserve="0.50")
    world.run(world.now_s + 5 * HOUR)
    assert world.meter.state.energy_wh == 2000
    assert world.board.closed is False


def test_a_bypass_is_seen_as_tamper():
    world = emulator(watts=1000, initial_reserve="0.50")
    world.run(world.now_s + 2 * HOUR)
    world.board.bypass = True
    world.run(world.now_s + HOUR)
    assert world.meter.state.reasons & layouts.REASON_TAMPER


def test_a_power_cut_is_a_restart_with_the_account_as_it_was():
    world = emulator(watts=1000)
    world.run(world.now_s + HOUR + 600)
    before = world.meter.state
    committed = before.credit
    world.cut_power(2 * HOUR)
    m = world.meter.state
    assert world.now_s // 60 == m.clock
    assert 0 <= m.credit - committed <= 25_000 * 15 // 60  # at most a quarter of an hour unbilled
    assert world.trace.entries[-1].code is LogCode.CLOCK_SET
    assert LogCode.POWER_UP in [entry.code for entry in world.trace.entries]
    held, booked = world.conservation()
    assert held == booked
    assert world.trace.durations["power cut"] == 2 * HOUR


@pytest.mark.parametrize("name", ["wallonia-card", "wallonia-gas"])
def test_what_a_cut_loses_does_not_depend_on_the_stride(name):
    """Commits fall on the same second, so the restart finds the same account."""
    worlds = []
    for adaptive in (True, False):
        profile = profiles.load(name)
        load = ConstantLoad(1777, profile.gas)
        world = Emulator(profile, clock("2020-12-08 10:00"), load, None, adaptive)
        for minutes in (7, 1, 23, 58):
            world.run(world.now_s + minutes * 60 + 13)
            world.cut_power(40)
        worlds.append(world)
    fast, slow = worlds
    assert fields(fast.meter.state) == fields(slow.meter.state)
    assert fast.trace.entries == slow.trace.entries
    m = fast.meter.state
    assert (m.volume_l if profile.gas else m.energy_wh) < fast.board.drawn // 3600


@pytest.mark.parametrize("board", BOARDS)
def test_a_meter_goes_on_from_its_files_on_flash(board):
    flash = Nor(BOARDS[board].sectors)
    at = clock("2020-12-08 10:00")
    profile = profiles.load("wallonia-card")
    files = LittleFiles(flash, BOARDS[board], format=True)
    first = Emulator(profile, at, ConstantLoad(1000), files=files)
    first.top_up(20 * units.EUR)
    first.run(first.now_s + 2 * HOUR)
    stored = {name: files.get(name) for name in ("store.0", "store.1")}
    again = LittleFiles(Nor(flash.sectors, flash.image), BOARDS[board])
    second = Emulator(profile, at + 120, ConstantLoad(1000), files=again)
    assert second.meter.found == WHOLE
    assert fields(second.meter.state) == fields(first.meter.state)
    assert {name: files.get(name) for name in stored} != stored  # the start is noted there


def test_a_cut_stops_the_leak_test():
    world = emulator("wallonia-gas", watts=0, initial_reserve="0.00", window_days=[])
    world.press(5)
    assert world.meter.state.reasons == layouts.REASON_LEAK_TEST
    assert world.board.closed
    world.cut_power(10)
    assert not world.board.closed
    assert world.meter.state.control_state == layouts.CONTROL_STATE_READY


def test_an_unreadable_state_starts_anew_and_says_so():
    world = emulator()
    world.board.files["store.0"] = world.board.files["store.1"] = b"broken"
    world.cut_power()
    assert LogCode.STATE_LOST in [entry.code for entry in world.trace.entries]


def test_the_clock_follows_the_chip():
    world = emulator(watts=0)
    world.board.set_clock(world.now_s // 60 + 45)
    for _ in range(2):  # so far away it has to say so twice
        world.board.pass_time(60)
        world.meter.poll()
    assert world.meter.state.clock == world.board.clock() == world.now_s // 60 + 45


def test_a_clock_order_sets_the_chip_too():
    world = emulator(watts=0)
    later = world.now_s // 60 + 1000
    world.order(Kind.CLOCK, later)
    world.board.pass_time(120)
    world.meter.poll()
    assert world.meter.state.clock == later + 2


def test_the_log_of_the_meter_is_a_ring():
    world = emulator(watts=0)
    for _ in range(100):
        world.order(Kind.HOLD, world.meter.state.clock + 100)
    log = world.meter.log
    assert len(list(log.numbered())) == 80
    assert sum(entry.code is Event.HOLD_GRANTED for entry in world.trace.entries) == 100


def test_the_beeper_warns():
    world = emulator(watts=1000, initial_reserve="5.10")
    world.run(world.now_s + HOUR)
    assert world.board.beeps == 1


@pytest.mark.parametrize("amount", [-1, 0, 99, 1000, 123_456, -999, -1000, -123_456_789])
def test_amounts_are_shown_rounded_towards_zero(amount):
    from meterfw.panel import display

    assert display.euros(amount) == units.euros(amount)
