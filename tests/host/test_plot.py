"""What the plot of a run draws: power as it was, one line to the end of the run."""

from datetime import datetime
from itertools import pairwise

import pytest
from budgetmeter import profiles, scenario, texts, units
from budgetmeter.report import dates, marks, palette, plot, power
from budgetmeter.report.phases import PHASES
from budgetmeter.units import DAY_S, EUR
from colorspacious import cspace_convert, deltaE
from meterproto.codes import Kind

from tests.host.stories import told


def ran(name):
    return told(str(name))[1]


def second(text):
    return units.to_clock(datetime.fromisoformat(text)) * 60


@pytest.mark.parametrize(
    ("name", "since", "until", "kw"),
    [
        ("hold-2020", "2020-06-29T12:00", "2020-07-06T08:00", 0.2),
        ("cards-2020", "2020-06-15T10:00", "2020-07-06T08:00", 0.2),
        ("negative-limit", "2020-12-07T18:00", "2020-12-16T02:00", 1.0),
    ],
)
def test_a_constant_load_is_a_straight_line_whatever_is_asked_in_between(name, since, until, kw):
    edges, powers = power.powers(ran(name))
    begin, end = second(since), second(until)
    spells = zip(pairwise(edges), powers, strict=True)
    steady = [power for (first, last), power in spells if begin <= first and last <= end]
    assert len(steady) > 600
    assert steady == pytest.approx([kw] * len(steady))


def test_a_power_cut_draws_nothing_and_never_less(tmp_path):
    path = tmp_path / "cut.toml"
    path.write_text(
        "start = 2020-12-08T09:00:00\ndays = 1\n[load]\nwatts = 700\n"
        "[[at]]\ntime = 2020-12-08T10:07:30\ncut_power = 4000\n"
    )
    edges, powers = power.powers(ran(path))
    assert min(powers) == 0
    assert max(powers) == pytest.approx(0.7)
    assert edges[-1] - edges[0] == DAY_S


def test_gas_is_drawn_as_power_too(tmp_path):
    path = tmp_path / "gas.toml"
    path.write_text(
        "profile = 'wallonia-gas'\nstart = 2020-12-08T09:00:00\ndays = 1\n"
        "[load]\nlitres_per_hour = 400\n[change]\nwh_per_m3 = 10\n"
    )
    _, powers = power.powers(ran(path))
    assert set(powers) == {4.0}


def test_a_minute_is_drawn_from_end_to_end(tmp_path):
    (tmp_path / "one.csv").write_text("time,watts\n2021-07-01T00:00,1000\n")
    (tmp_path / "one.toml").write_text("[load]\ncsv = 'one.csv'\n")
    world = ran(tmp_path / "one.toml")
    assert power.powers(world) == ([world.start_s, world.start_s + 60], [1.0])
    figure = plot.draw(world, "One minute")
    supply = figure.axes[-1]
    assert set(figure.axes[-2].patches[0].get_path().vertices[:, 1]) == {1.0}
    assert supply.get_xlim()[1] - supply.get_xlim()[0] == pytest.approx(60 / DAY_S)
    figure.canvas.draw()
    labels = [label.get_text() for label in supply.get_xticklabels()]
    assert labels[0] == "01:00:00\nThu 1 Jul 2021"
    assert "01:00:10" in labels


# ---- The floor ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flanders():
    """A measured household on the digital meter of Flanders, which lives on emergency credit."""
    chosen = scenario.load(scenario.DEFAULT, profiles.load("flanders-digital"))
    chosen.days = 45
    return scenario.run(chosen)[0]


def phase_at(world, second):
    return next((s.phase for s in world.trace.spells if s.begin <= second < s.end), None)


def test_on_credit_nobody_is_below_the_floor(flanders):
    found = flanders.trace
    rows = list(zip(found.times, found.balances, found.floors, strict=True))
    assert all(balance >= floor for _, balance, floor in rows)
    on_credit = [row for row in rows if phase_at(flanders, row[0]) == "credit"]
    owing = [row for row in on_credit if -34 * EUR < row[1] < -20 * EUR]
    assert len(owing) > 100  # the hours that the plot showed below a floor of 0
    assert all(floor < 0 for _, _, floor in owing)


def test_credit_ends_at_the_floor(flanders):
    """Where the band turns from credit to emergency credit, the balance meets the floor."""
    found = flanders.trace
    turns = [
        after.begin
        for before, after in pairwise(found.spells)
        if (before.phase, after.phase) == ("credit", "emergency")
    ]
    assert len(turns) > 8
    for turn in turns:
        place = max(i for i, second in enumerate(found.times) if second <= turn)
        gap = found.balances[place] - found.floors[place]
        assert gap < 0.6 * EUR, f"{gap} mc above the floor within a quarter of an hour of it"


def test_a_negative_limit_and_emergency_credit_add_up():
    found = ran("negative-limit").trace
    assert min(found.floors) == -62 * EUR == min(found.balances)


# ---- Colour and grey ----------------------------------------------------------------------------

SIGHT = ("normal", "deuteranomaly", "protanomaly", "tritanomaly")


def seen(colour, sight):
    """A colour as somebody sees it (Machado and others, 2009), sRGB from 0 to 1."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    if sight == "normal":
        return rgb
    space = {"name": "sRGB1+CVD", "cvd_type": sight, "severity": 100}
    return cspace_convert(rgb, space, "sRGB1").clip(0, 1)


def lightness(colour):
    return cspace_convert(seen(colour, "normal"), "sRGB1", "CIELab")[0]


def pairs(looks):
    return [(a, b) for i, a in enumerate(looks) for b in looks[i + 1 :]]


@pytest.mark.parametrize("sight", SIGHT)
def test_phases_of_one_hatch_differ_in_colour(sight):
    for one, two in pairs(list(palette.PHASES)):
        a, b = palette.PHASES[one], palette.PHASES[two]
        if a.hatch == b.hatch:
            far = deltaE(seen(a.fill, sight), seen(b.fill, sight), input_space="sRGB1")
            assert far > 14, f"{one} and {two}"


def test_phases_of_one_hatch_differ_in_grey():
    for one, two in pairs(list(palette.PHASES)):
        a, b = palette.PHASES[one], palette.PHASES[two]
        if a.hatch == b.hatch:
            assert abs(lightness(a.fill) - lightness(b.fill)) > 9, f"{one} and {two}"


def test_no_two_phases_look_the_same():
    assert set(palette.PHASES) == set(PHASES)
    assert len(set(palette.PHASES.values())) == len(PHASES)


def test_emergency_and_limited_differ_by_more_than_a_hatch():
    one, two = palette.PHASES["emergency"].fill, palette.PHASES["limited"].fill
    assert abs(lightness(one) - lightness(two)) > 12
    for sight in SIGHT:
        assert deltaE(seen(one, sight), seen(two, sight), input_space="sRGB1") > 40


# ---- What is drawn ------------------------------------------------------------------------------


def test_what_was_done_is_marked():
    world = ran("cards-2020")
    found = {row.name: row for row in marks.rows(world.trace)}
    by_card = [one.kind for one in world.trace.orders]  # all of them came on a card
    assert by_card.count(Kind.HOLD) == len(found["order"].points) == 2
    assert len(found["given"].points) == sum(kind in marks.GIVEN for kind in by_card) == 1
    assert found["friendly"].spans
    assert {row.name for row in marks.rows(ran("hold-2020").trace)} >= {"hold", "order"}
    typed = {row.name: row for row in marks.rows(ran("negative-limit").trace)}
    assert len(typed["press"].points) == 4
    assert [power.local(at).isoformat() for at, _ in typed["topup"].points] == [
        "2020-12-18T10:00:00", "2020-12-18T10:00:00",
    ]  # fmt: skip


def test_friendly_hours_and_holds_stand_where_the_profile_and_the_order_say():
    found = ran("hold-2020").trace
    begins, ends = zip(*((power.local(a), power.local(b)) for a, b in found.friendly), strict=True)
    assert {one.strftime("%a %H:%M") for one in ends} <= {
        "Tue 08:00", "Wed 08:00", "Thu 08:00", "Fri 08:00", "Mon 08:00",
    }  # fmt: skip
    assert {one.strftime("%H:%M") for one in begins} == {"16:00"}
    assert power.local(found.holds[-1].end).isoformat() == "2020-07-03T23:01:00"


def test_a_day_of_power_is_its_lowest_mean_and_highest():
    hours = [second("2021-07-01T00:00") + 6 * 3600 * i for i in range(9)]
    rows = power.days(hours, [1.0, 2.0, 3.0, 6.0, 5.0, 5.0, 5.0, 1.0])
    assert [(d.low, d.mean, d.high) for d in rows] == [(1.0, 3.0, 6.0), (1.0, 4.0, 5.0)]
    assert [d.begin.day for d in rows] == [1, 2]
    assert rows[-1].end == datetime(2021, 7, 3)


# ---- The time axis ------------------------------------------------------------------------------


def ticks(first, last, language="en"):
    figure, axis = plot.plt.subplots()
    dates.label(axis, first, last, texts.of(language))
    found = [label.get_text() for label in axis.get_xticklabels()]
    assert axis.get_xlim() == tuple(plot.mdates.date2num([first, last]))
    plot.plt.close(figure)
    return found


def test_every_month_stands_on_the_axis():
    year = ticks(datetime(2023, 2, 1), datetime(2024, 3, 7))
    assert year[:2] == ["Feb\n2023", "Mar"]
    assert len(year) == 14
    assert year[11] == "Jan\n2024"
    assert ticks(datetime(2007, 1, 15), datetime(2007, 4, 2), "fr") == ["févr\n2007", "mars", "avr"]


def test_years_leave_room():
    long = ticks(datetime(2007, 1, 1), datetime(2047, 1, 1))
    assert 4 <= len(long) <= 25
    assert all(text.startswith("Jan\n") for text in long)


def test_days_have_their_weekday_and_hours_their_day():
    assert "Mon 6" in ticks(datetime(2020, 7, 2), datetime(2020, 7, 10))
    hours = ticks(datetime(2020, 7, 5, 20), datetime(2020, 7, 6, 4), "de")
    assert hours[0] == "20:00\nSo 5 Juli 2020"
    assert "00:00\nMo 6 Juli 2020" in hours
