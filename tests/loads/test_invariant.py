"""Random files of any shape, jitter, gaps and encoding: the sum is kept, or one line refuses."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError
from hypothesis import HealthCheck, assume, example, given, settings

from tests.loads import written


def tenth(number):
    """W with a decimal."""
    return number / 10


# Three rows of which the middle distance is no distance of the file.
FEW = pd.Series(
    [25, np.nan, np.nan],
    pd.to_datetime(["2025-01-06T00:05Z", "2025-01-06T00:15Z", "2025-01-06T00:20Z"]),
)
STARTS = ["2025-01-06", "2025-03-29 18:00", "2025-10-25 20:00", "2025-12-31 12:00"]


@st.composite
def files(draw):
    """Name of a shape, its series and its usual step."""
    name = draw(st.sampled_from(sorted(written.WRITERS)))
    step = pd.Timedelta(draw(st.sampled_from(["5min", "15min", "30min", "1h"])))
    size = draw(st.integers(4, 60))
    begin = pd.Timestamp(draw(st.sampled_from(STARTS)), tz="UTC")
    times = pd.date_range(begin, periods=size, freq=step)
    whole = written.WRITERS[name].quantity in ("energy", "end")
    if not whole and name not in ("homewizard", "dashboard"):
        shift = draw(st.lists(st.integers(-60, 60), min_size=size, max_size=size))
        times = times + pd.to_timedelta(shift, "s")
    watts = draw(
        st.lists(
            st.one_of(st.just(np.nan), st.integers(0, 9000), st.integers(0, 90_000).map(tenth)),
            min_size=size, max_size=size,
        )
    )  # fmt: skip
    kept = draw(st.lists(st.booleans() | st.just(True), min_size=size, max_size=size))
    series = pd.Series(np.array(watts, float), times)[kept]
    assume(len(series) != 1)  # one power alone does not say how long it lasts
    return name, series, step


def either(path, zone=""):
    """The load of a file, or None when one line refuses it."""
    try:
        return loads.read(path, request=loads.Request(zone=zone))
    except InputError as error:
        line = str(error)
    assert line.startswith(str(path))
    assert "\n" not in line
    return None


@given(files(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
@example(("enedis", FEW, pd.Timedelta("5min")), "utf-8")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_sum_is_kept_or_one_line_refuses(tmp_path_factory, file, encoding):
    name, watts, step = file
    text = written.WRITERS[name].write(watts, step).lstrip("\ufeff")
    path = tmp_path_factory.mktemp("loads") / "x.csv"
    path.write_bytes(text.encode(encoding))
    zone = "Europe/Brussels" if name == "german" else ""
    load = either(path, zone)
    if load is None:
        return
    wh, missing = written.given(load)
    if not load.doubts and "read as an index" not in load.notes[0]:
        assert wh == pytest.approx(written.right(name, watts, step), abs=1)
    assert 0 <= missing <= load.seconds
    assert load.label == str(path)


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_junk_is_one_line(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("loads") / "x.csv"
    path.write_bytes(b"time,watts\n" + junk)
    either(path)
