"""The shipped scenarios hold, and their plots are clear."""

import pytest
from budgetmeter import texts
from budgetmeter.report import palette, plot

from tests.host.stories import told


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "negative-limit",
            marks=pytest.mark.rule("OC-12", "OC-13", "OC-14", "OC-15", "OC-16", "OC-17", "AMB-06"),
        ),
        pytest.param("hold-2020", marks=pytest.mark.rule("B-7", "AMB-23")),
        pytest.param("hold-2020-incident", marks=pytest.mark.rule("B-7")),
        pytest.param("cards-2020", marks=pytest.mark.rule("B-7", "OC-05")),
        pytest.param(
            "falls-behind",
            marks=pytest.mark.rule("WE-13", "WE-29", "WE-33", "WE-36", "WE-39", "WE-40", "OC-23"),
        ),
        pytest.param("cards-2020-incident", marks=pytest.mark.rule("B-7", "OC-05")),
        pytest.param(
            "gas-winter-aid",
            marks=pytest.mark.rule("WG-03", "WG-04", "WG-10", "WG-12", "WG-30", "WG-31", "OC-24"),
        ),
        pytest.param(
            "flanders-2003",
            marks=pytest.mark.rule(
                "FE-05",
                "FE-06",
                "FE-08",
                "FE-11",
                "FE-14",
                "FE-16",
                "FE-22",
                "FE-24",
                "FE-28",
                "FE-30",
                "FE-34",
            ),
        ),
        pytest.param(
            "brussels",
            marks=pytest.mark.rule(
                "BE-01",
                "BE-02",
                "BE-03",
                "BE-04",
                "BE-06",
                "BE-07",
                "BX-08",
                "BX-10",
                "BX-11",
                "BX-12",
            ),
        ),
        pytest.param(
            "covid-winter",
            marks=pytest.mark.rule("OC-01", "OC-02", "OC-06", "OC-07", "OC-09", "OC-12", "OC-16"),
        ),
        pytest.param("friday-evening", marks=pytest.mark.rule("B-3", "B-4", "OC-03")),
        pytest.param("under-the-limiter", marks=pytest.mark.rule("OC-19", "OC-21", "OC-22")),
        pytest.param("card-december-2020", marks=pytest.mark.rule("OC-04", "OC-05")),
        pytest.param("gas-leak-test", marks=pytest.mark.rule("B-4")),
    ],
)
def test_a_shipped_scenario_holds_and_its_plot_is_clear(name, subtests):
    loaded, world, failures = told(name)
    assert sum(len(step.expect) for step in loaded.steps) >= 5
    assert failures == []
    held, booked = world.conservation()
    assert held == booked
    story = loaded.story
    figure = plot.draw(world, loaded.title, story.marks if story else (), story and story.owed)
    figure.canvas.draw()
    for check in (_no_legend_names_what_is_not_drawn, _nothing_is_cut, _no_legend_hides_a_line):
        with subtests.test(check.__name__.strip("_").replace("_", " ")):
            check(figure, world)
    plot.plt.close(figure)


def _no_legend_names_what_is_not_drawn(figure, world):
    for axis in figure.axes:
        legend = axis.get_legend()
        named = [text.get_text() for text in legend.get_texts()] if legend else []
        assert set(named) <= set(_shown(axis))
        assert len(named) == len(set(named))
    phases = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    words = texts.of()
    assert phases == [words(f"phase.{p}") for p in palette.PHASES if p in world.trace.durations]


def _shown(axis):
    """Labels of what is drawn within an axis."""
    for artist in (*axis.lines, *axis.patches, *axis.collections):
        inside = artist.get_window_extent().padded(1).overlaps(axis.get_window_extent())
        if inside and artist.get_visible():
            yield artist.get_label()


def _nothing_is_cut(figure, _):
    page = figure.bbox.padded(2)
    for axis in figure.axes:
        inside = axis.get_tightbbox()
        assert page.x0 <= inside.x0
        assert inside.x1 <= page.x1
        assert page.y0 <= inside.y0
        assert inside.y1 <= page.y1


def _no_legend_hides_a_line(figure, _):
    for axis in figure.axes:
        legend = axis.get_legend()
        if legend:
            frame, panel = legend.get_window_extent(), axis.patch.get_window_extent()
            assert not frame.padded(-1).overlaps(panel)
