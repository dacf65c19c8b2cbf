"""The messages: every one in four languages, with the same places to fill in."""

import re
import string

import pytest
from budgetmeter import texts
from budgetmeter.casebook import rulebook
from budgetmeter.errors import InputError
from budgetmeter.fleet import compare, totals
from budgetmeter.report.phases import PHASES
from meterproto.codes import Event, Kind, LogCode, Reason


def test_no_message_lacks_a_language():
    for key, row in texts.table().items():
        assert len(row) == len(texts.LANGUAGES), key
        assert all(text.strip() for text in row), key


def test_all_languages_fill_in_the_same():
    for key, row in texts.table().items():
        places = [
            sorted(name for _, name, _, _ in string.Formatter().parse(t) if name) for t in row
        ]
        assert places == [places[-1]] * len(row), key


def test_lists_are_as_long_in_every_language():
    for key, count in (("months", 12), ("weekdays", 7), ("units", 4)):
        assert {len(texts.of(one).list(f"calendar.{key}")) for one in texts.LANGUAGES} == {count}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_code_that_people_read_has_a_message(language):
    words = texts.of(language)
    needed = [f"event.{code.word}" for code in (*Event, *LogCode)]
    needed += [f"reason.{code.word}" for code in Reason]
    needed += [f"kind.{code.word}" for code in Kind]
    needed += [f"phase.{phase}" for phase in PHASES]
    needed += [f"measure.{measure.name}" for measure in compare.MEASURES]
    needed += [f"age.{name}" for name, _, _ in totals.AGE_CLASSES]
    needed += [f"actor.{actor}" for actor in rulebook.ACTORS]
    assert [key for key in needed if key not in words] == []


def test_every_key_in_the_source_is_a_message():
    root = texts.files("budgetmeter")
    found = set()
    for folder in ("report", "fleet", "cli"):
        for path in (root / folder).iterdir():
            if path.name.endswith(".py"):
                found |= set(re.findall(r'words\(\s*"([a-z_.]+)"', path.read_text("utf-8")))
    assert len(found) > 60
    assert found <= set(texts.table())


def test_a_day_in_each_language():
    day = texts.date(2020, 7, 6)
    assert [texts.of(one).date(day) for one in texts.LANGUAGES] == [
        "ma 6 jul 2020", "lun 6 juil 2020", "Mo 6 Juli 2020", "Mon 6 Jul 2020",
    ]  # fmt: skip


def test_another_language_is_refused():
    with pytest.raises(InputError, match="one of nl, fr, de, en"):
        texts.of("es")
