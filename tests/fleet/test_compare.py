"""Two policies on the same households: pairs, intervals, deciles, times until reconnected."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from budgetmeter import texts, units
from budgetmeter.errors import InputError
from budgetmeter.fleet import compare, engine, plot, results, run, totals

from tests.fleet.support import small

CARD = 'profile = "wallonia-card"\n'
OPEN = f'{CARD}[policy.change]\nwindow_from = "00:00"\nwindow_to = "00:00"\nwindow_days = []\n'


def finished(study, folder, chunk=50):
    ready = engine.world(study)
    run.finish(run.open_folder(study, ready, folder, chunk), ready, workers=1)
    return results.Results(folder)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [
        finished(small(folder, text, meters=150, days=60, name=name), folder / name)
        for name, text in (("with", CARD), ("without", OPEN))
    ]


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        mean, half = compare.interval(rng.exponential(3.0, 400))
        hits += mean - half <= 3 <= mean + half
    assert 1860 < hits < 1940  # 95 %, give or take four deviations


def test_the_same_households_are_paired(pair):
    figures = compare.compare(*pair)
    off = figures["measures"]["self_disconnections"]
    a, b = (one.columns("spells")[0].astype(float) for one in pair)
    assert off["difference"] == pytest.approx((b - a).mean())
    assert off["low"] < off["difference"] < off["high"]
    assert off["difference"] > 0  # friendly hours keep supply closed
    # pairing is worth having: two samples of other people would differ by chance much more
    unpaired = 1.96 * np.sqrt(a.var() / len(a) + b.var() / len(b))
    assert off["high"] - off["difference"] < unpaired
    assert 100 * (b > a).mean() == pytest.approx(off["more_pct"])
    wanted = [one.columns("wanted", "base_wh", "amount") for one in pair]
    assert all((x == y).all() for x, y in zip(*wanted, strict=True))
    assert figures["conservation"] is True


def test_a_policy_against_itself_differs_in_nothing(pair):
    for row in compare.compare(pair[0], pair[0])["measures"].values():
        assert row["difference"] == row["more_pct"] == row["less_pct"] == 0


def test_deciles_are_tenths_by_consumption(pair):
    decile = compare.deciles(pair[0])
    wanted = pair[0].columns("wanted")[0]
    assert [int((decile == d).sum()) for d in range(10)] == [15] * 10
    for d in range(9):
        assert wanted[decile == d].max() <= wanted[decile == d + 1].min()


def test_reconnections_fall_into_the_classes_of_the_report():
    day = units.DAY_S
    lasted = [[1, day], [], [day + 1, 7 * day, 7 * day + 1, 30 * day, 30 * day + 1, 5]]
    chunk = pa.table({"spells": [2, 0, 6], "still_off": [0, 0, 1], "spells_s": lasted})
    assert totals.reconnections([chunk]) == {
        "within 24 h": 2,
        "1 to 7 days": 2,
        "8 to 30 days": 2,
        "more than 30 days": 1,
        "still off": 1,
    }


def test_reconnections_count_every_self_disconnection(pair):
    for one in pair:
        assert sum(one.reconnections().values()) == one.columns("spells")[0].sum() > 0


def test_other_households_are_not_compared(pair, tmp_path):
    other = finished(
        small(tmp_path, CARD, meters=150, days=60, changes=("seed=2",)), tmp_path / "o"
    )
    with pytest.raises(InputError, match="not the same households"):
        compare.compare(pair[0], other)
    few = finished(small(tmp_path, CARD, meters=5, days=3), tmp_path / "few")
    with pytest.raises(InputError, match="5 meters are too few"):
        compare.compare(few, few)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_plot_is_written(pair, tmp_path, suffix):
    plot.save(*pair, tmp_path / f"plot.{suffix}")
    assert (tmp_path / f"plot.{suffix}").stat().st_size > 5000


def test_a_curve_of_one_household_is_a_line(tmp_path):
    _, axis = plot.plt.subplots()
    plot._falling(axis, np.array([0.0, 3.0, 0.0, 0.0]))
    assert axis.lines[0].get_xydata().tolist() == [[0, 3], [25, 3]]
    plot._falling(axis, np.array([1.0, 3.0, 0.0, 2.0]))
    assert axis.lines[1].get_xydata().tolist() == [[0, 3], [25, 3], [50, 2], [75, 1]]
    assert axis.lines[1].get_drawstyle() == "steps-pre"
    assert plot._falling(axis, np.zeros(4)) == 0
    assert len(axis.lines) == 2


def test_what_is_owed_begins_with_nothing_at_the_start(pair):
    _, axis = plot.plt.subplots()
    plot._owed(axis, *pair, texts.of())
    assert axis.lines
    for line in axis.lines:
        dates, euros = line.get_xdata(), line.get_ydata()
        assert (dates[0].isoformat(), euros[0]) == ("2021-01-01T00:00:00", 0)
        assert len(dates) == 1 + len(pair[0].about["months"])


def test_nothing_owed_is_said(pair, monkeypatch):
    monkeypatch.setattr(results.Results, "months", lambda self, name: np.zeros((150, 3)))
    _, axis = plot.plt.subplots()
    plot._owed(axis, *pair, texts.of())
    assert [text.get_text() for text in axis.texts] == ["nothing was owed at the end of a month"]
    assert not len(axis.get_xticks())


def test_no_zero_is_negative(pair, monkeypatch):
    nearly = np.full(pair[0].meters, 10_000)
    nearly[0] -= 1
    less = iter((nearly, np.full(pair[0].meters, 10_000)))
    monkeypatch.setattr(compare, "hardship", lambda results: next(less))
    _, axis = plot.plt.subplots()
    plot._gains(axis, *pair, texts.of())
    shown = [text.get_text() for text in axis.texts]
    assert "0.0 ± 0.0 kWh" in shown
    assert not [text for text in shown if text.startswith(("-0.0 ", "+0.0 "))]


def test_a_fleet_to_which_nothing_happens_is_plotted(tmp_path):
    rich = ("cover_pct=1000", "rhythm_days=1", "base_kwh=500", "heated_pct=0")
    calm = finished(
        small(tmp_path, 'profile = "flanders-digital"', 30, 5, changes=rich), tmp_path / "calm"
    )
    assert compare.compare(calm, calm)["measures"].get("self_disconnections") is None
    plot.save(calm, calm, tmp_path / "plot.svg")


def test_a_damaged_file_is_one_line(pair, tmp_path):
    study = small(tmp_path, CARD, meters=40, days=3)
    found = finished(study, tmp_path / "run")
    path = found.run.path(0)
    table = pq.read_table(path)
    assert table.num_rows == 40
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged; delete it and run it again"):
        found.table()
    with pytest.raises(InputError, match="no run there"):
        results.Results(tmp_path / "nowhere")
    (tmp_path / "run" / run.MANIFEST).write_text("[]")
    with pytest.raises(InputError, match="not the manifest of a run"):
        results.Results(tmp_path / "run")


def test_what_is_drawn_has_its_interval_and_stays_on_the_page(pair):
    figure = plot.draw(*pair)
    figure.canvas.draw()
    durations, owed, gains, reconnected = figure.axes
    assert len(durations.collections) == len(durations.lines) > 0
    assert len(owed.collections) == len(owed.lines) > 0
    assert len(gains.containers) == 2 * 2 * compare.DECILES  # a bar and its interval
    assert len([one for one in reconnected.containers if hasattr(one, "lines")]) == 2
    page = figure.bbox.padded(2)
    for axis in figure.axes:
        inside = axis.get_tightbbox()
        assert page.x0 <= inside.x0
        assert inside.x1 <= page.x1
    assert durations.get_xlim()[1] > max(line.get_xdata().max() for line in durations.lines)
    plot.plt.close(figure)


def test_the_band_of_a_curve_holds_in_nineteen_of_twenty_samples():
    """Against samples of a known curve: no more than one in twenty may leave the band."""
    draws = np.random.default_rng(20201208)
    left = 0
    for _ in range(400):
        sample = np.sort(draws.random(200))
        steps = np.arange(201) / 200
        far = max(np.abs(steps[1:] - sample).max(), np.abs(steps[:-1] - sample).max())
        left += 100 * far > plot.band(200)
    assert 4 < left < 36


def test_each_age_class_counts_the_households_it_comes_from(pair):
    for one in pair:
        spells = one.columns("spells")[0]
        classes = [name for name, _, _ in totals.AGE_CLASSES]
        each = np.stack([one.ages()[name] for name in (*classes, "still off")])
        assert each.sum(axis=0).tolist() == spells.tolist()


def test_a_sweep_draws_every_measure_with_its_own_interval():
    rows = [
        {"value": value, "a": "A", "b": "B", "measures": {
            name: {"label": name, "unit": "h", "difference": d, "low": d - 1, "high": d + 3}
            for name in ("topped_up", "limited_h", "trips", "owed", "arrears", "top_ups", "off_h")
        }} for value, d in (("0", 1.0), ("75", 2.0))
    ]  # fmt: skip
    figure = plot.draw_sweep({"key": "hold_skip_pct", "values": rows})
    drawn = [axis for axis in figure.axes if axis.get_visible()]
    assert len(drawn) == 7
    reach = drawn[0].containers[0].lines[2][0].get_segments()
    assert [segment[:, 1].tolist() for segment in reach] == [[0, 4], [1, 5]]
    plot.plt.close(figure)
