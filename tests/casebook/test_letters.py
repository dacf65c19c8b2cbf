"""Letters in four languages: every title and all that a source demands has its translation."""

from budgetmeter import casebook, texts
from budgetmeter.casebook import rulebook
from budgetmeter.casebook.letters import table

OVERLAYS = ("ores-charter", "ores-covid")


def books():
    """Every shipped rule file, with the overlays laid over the one they fit."""
    for name in casebook.names():
        if name not in OVERLAYS:
            yield rulebook.load(name)
    for overlay in OVERLAYS:
        yield rulebook.load("wallonia-electricity", (overlay,))


def said():
    """Titles of letters, and what they name."""
    steps = [step for book in books() for step in book.steps.values() if step.letter]
    return {step.title for step in steps}, {name for step in steps for name in step.letter}


def test_every_letter_has_its_translations_and_no_translation_is_of_none():
    titles, names = said()
    assert {*table()["titles"]} == titles
    assert {*table()["names"]} == names
    for rows in table().values():
        for english, row in rows.items():
            assert len(row) == len(texts.LANGUAGES) - 1
            assert all(text.strip() == text != "" for text in row)
            assert len({english, *row}) == 4, english


def test_two_letters_are_not_the_same_words():
    for rows in table().values():
        for place in range(3):
            assert len({row[place] for row in rows.values()}) == len(rows)
