"""Each border: the day before, the day, the day after; a cent below, equal, above."""

import pytest

from tests.casebook.vectors_of import book, mistake, vectors

ALL = vectors()


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(one, marks=pytest.mark.rule(*one.ids), id=f"{one.rules}-{n}")
        for n, one in enumerate(ALL)
    ],
)
def test_a_border(vector):
    wrong = mistake(book(vector.rules), vector)
    assert not wrong, f"{vector.about}: {vector.answer}: {wrong}"


def test_there_are_enough_of_them():
    assert len({(one.facts, one.answer) for one in ALL}) >= 250
