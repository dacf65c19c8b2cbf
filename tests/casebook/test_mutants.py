"""Every third number of each rule file is changed by one, and a border vector notices.

`make casebook` changes all of them.
"""

import pytest
from budgetmeter import resources

from tests.casebook import mutants

SHARE = 3


@pytest.mark.parametrize("file", resources.names("rules"))
def test_each_number_of_a_rule_file_is_tested(file):
    every = mutants.mutants(file)
    assert len(every) > 20
    chosen = every[::SHARE]
    alive = {(one.file, one.name) for one in mutants.survivors(chosen)}
    explained = {(one.file, one.name) for one in chosen} & set(mutants.EXPLAINED)
    assert alive == explained
    assert len(mutants.EXPLAINED) <= mutants.MOST * len(every)


def test_a_number_without_a_vector_would_be_found():
    every = mutants.mutants("brussels-2011")
    chosen = next(one for one in every if "proof_term" in one.name)
    known = [one for one in mutants.vectors() if "BX-13" not in one.ids]
    assert mutants.killer(chosen, known) is None
    assert mutants.killer(chosen, mutants.vectors()) is not None
