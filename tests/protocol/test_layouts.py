"""One declaration: construct, the generated layouts, the firmware's records and NumPy agree."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from budgetmeter import profiles
from budgetmeter.fleet import compiled
from construct import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from meterfw import layouts
from meterfw.account import record
from meterproto import generate, records
from meterproto.codes import CODES, Code
from meterproto.quantity import fields

SMALL_INT = 2**30
RECORDS = {
    "STATE": (records.State, record.State, compiled.STATE),
    "PROFILE": (records.Profile, record.Profile, compiled.PROFILE),
}


def test_generated_layouts_are_fresh():
    """Stale? `make layouts` writes them anew."""
    assert generate.LAYOUTS.read_text("utf-8") == generate.layouts()
    assert generate.RECORD_TYPES.read_text("utf-8") == generate.record_types()


def test_fields_have_documentation_units_and_small_ranges():
    for struct, *_ in RECORDS.values():
        for name, quantity, docs in fields(struct):
            assert docs, name
            assert -SMALL_INT <= quantity.low <= quantity.high < SMALL_INT, name
    for codes in CODES:
        assert all(code.meaning for code in codes)


@st.composite
def values(draw, struct):
    return {name: draw(st.integers(q.low, q.high)) for name, q, _ in fields(struct)}


@pytest.mark.parametrize("name", RECORDS)
@given(data=st.data())
def test_construct_firmware_and_numpy_read_and_write_the_same_bytes(name, data):
    struct, made, dtype = RECORDS[name]
    filled = data.draw(values(struct))
    packed = struct.build(filled)
    layout = getattr(layouts, f"{name}_FORMAT")
    names = getattr(layouts, f"{name}_FIELDS")
    one = made()
    record.unpack(one, packed, layout, names)
    assert {n: getattr(one, n) for n in names} == filled
    assert record.pack(one, layout, names) == packed
    row = np.frombuffer(packed, dtype)[0]
    assert {n: int(row[n]) for n in names} == filled


@pytest.mark.parametrize("name", RECORDS)
def test_out_of_range_is_refused_on_both_sides(name):
    struct, made, _ = RECORDS[name]
    names = getattr(layouts, f"{name}_FIELDS")
    low, high = getattr(layouts, f"{name}_LOW"), getattr(layouts, f"{name}_HIGH")
    good = {field: quantity.low for field, quantity, _ in fields(struct)}
    for field, quantity, _ in fields(struct):
        for bad in (quantity.low - 1, quantity.high + 1):
            with pytest.raises(ValidationError):
                struct.build({**good, field: bad})
            one = made()
            for n, value in good.items():
                setattr(one, n, value)
            assert record.in_range(one, names, low, high) is None
            setattr(one, field, bad)
            assert record.in_range(one, names, low, high) == field


def test_a_record_of_another_size_is_refused():
    with pytest.raises(ValueError, match="size"):
        record.unpack(record.State(), b"short", layouts.STATE_FORMAT, layouts.STATE_FIELDS)


def test_codes_stay_in_their_ranges():
    assert all(isinstance(code, Code) for codes in CODES for code in codes)
    for name in profiles.names():
        records.Profile.parse(profiles.load(name).pack())


def test_every_name_of_the_layouts_is_read():
    """By the firmware or a board, or by what runs beside it on one: each takes memory there."""
    root = Path(generate.__file__).parents[2]
    readers = [
        *(path for path in root.glob("firmware/**/*.py") if path.name != "layouts.py"),
        *root.glob("boards/**/*.py"),
        *root.glob("tests/firmware/**/*.py"),
        *root.glob("host/budgetmeter/web/*.py"),
    ]
    read = set(re.findall(r"\w+", " ".join(path.read_text("utf-8") for path in readers)))
    tree = ast.parse(generate.LAYOUTS.read_text("utf-8"))
    names = [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]
    codes = [n for n in names if n.startswith(("CAUSE_", "TOKEN_REASON_"))]  # by prefix in tests
    assert [name for name in names if name not in read and name not in codes] == []
    assert len(names) > 200
