"""The figures of a report, chunk by chunk, against NumPy and Python over everything at once."""

import numpy as np
import pyarrow as pa
from budgetmeter.fleet import totals
from hypothesis import given, settings
from hypothesis import strategies as st

PERCENTS = [0, 10, 50, 90, 100]
PARTS = st.lists(st.lists(st.integers(0, 100_000), max_size=30), max_size=5)


@settings(deadline=None)
@given(PARTS, st.sampled_from([1, 3600]))
def test_percentiles_are_those_of_numpy_to_the_bit(parts, unit):
    arrays = [np.array(part, np.int64) for part in parts]
    found = totals.percentiles(lambda: arrays, PERCENTS, unit)
    whole = np.concatenate([np.array([], np.int64), *arrays])
    if len(whole):
        assert found == np.percentile(whole / unit, PERCENTS).tolist()
    else:
        assert found is None


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9), max_size=4))
def test_sums_are_exact_where_64_bits_are_too_few(parts):
    chunks = [pa.table({"credit": pa.array(part, pa.int64())}) for part in parts]
    assert totals.sums(chunks)["credit"] == sum(map(sum, parts))
