"""What the plot of a run draws: power as it was, one line to the end of the run."""

from datetime import datetime
from itertools import pairwise

import pytest
from budgetmeter import scenario, units
from budgetmeter.report import plot
from budgetmeter.units import DAY_S


def ran(name):
    world, _ = scenario.run(scenario.load(str(name)))
    return world


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
    edges, powers = plot.powers(ran(name))
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
    edges, powers = plot.powers(ran(path))
    assert min(powers) == 0
    assert max(powers) == pytest.approx(0.7)
    assert edges[-1] - edges[0] == DAY_S


def test_gas_is_drawn_as_power_too(tmp_path):
    path = tmp_path / "gas.toml"
    path.write_text(
        "profile = 'wallonia-gas'\nstart = 2020-12-08T09:00:00\ndays = 1\n"
        "[load]\nlitres_per_hour = 400\n[change]\nwh_per_m3 = 10\n"
    )
    _, powers = plot.powers(ran(path))
    assert set(powers) == {4.0}


def test_a_minute_is_drawn_from_end_to_end(tmp_path):
    (tmp_path / "one.csv").write_text("time,watts\n2021-07-01T00:00,1000\n")
    (tmp_path / "one.toml").write_text("[load]\ncsv = 'one.csv'\n")
    world = ran(tmp_path / "one.toml")
    assert plot.powers(world) == ([world.start_s, world.start_s + 60], [1.0])
    figure = plot.draw(world, "One minute")
    power, supply = figure.axes[1:]
    assert set(power.patches[0].get_path().vertices[:, 1]) == {1.0}
    assert supply.get_xlim()[1] - supply.get_xlim()[0] == pytest.approx(60 / DAY_S)
    figure.canvas.draw()
    labels = [label.get_text() for label in supply.get_xticklabels()]
    assert "01:00:10" in labels
