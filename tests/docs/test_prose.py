"""English that a reader from Ghent or Namur reads without stopping: short sentences, plain words.

A sentence ends at a full stop, a question mark, a colon or a semicolon, or with its paragraph, list
item or cell of a table. Code counts as one word.
"""

import re

import pytest

from tests.docs.pages import PAGES, name, prose

LONGEST = 30  # words
# Who told, said, noted, held? A button or a pin may be held down.
UNPLAIN = re.compile(r"\b(told|said|noted|held(?! (?:to|low|for|down)\b))\b", re.I)


def sentences(text):
    """The sentences of a page, each as text."""
    text = re.sub(r"<!--.*?-->", "", prose(text), flags=re.S)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    for block in re.split(r"\n\s*\n|^ *(?:[-*]|\d+\.) ", text, flags=re.M):
        cells = re.split(r"\||\n(?=\|)", block) if block.lstrip().startswith("|") else [block]
        for cell in cells:
            yield from re.split(r"(?<=[.?!:;])(?=[\s*)\"]|$)", cell)


def words(sentence):
    """How many words a sentence has."""
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_sentence_is_too_long(page):
    text = page.read_text("utf-8")
    assert [" ".join(s.split()) for s in sentences(text) if words(s) > LONGEST] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_who_acts_is_named(page):
    text = page.read_text("utf-8")
    assert [" ".join(s.split()) for s in sentences(text) if UNPLAIN.search(s)] == []


def test_a_long_sentence_and_an_unplain_word_are_found():
    long = "one " * (LONGEST + 1)
    text = f"# Title\n\nShort. {long}\n\n- It is told.\n\n| a | {long} |\n|-|-|\n"
    found = list(sentences(text))
    assert [words(s) for s in found if words(s) > LONGEST] == [LONGEST + 1] * 2
    assert [s.strip() for s in found if UNPLAIN.search(s)] == ["It is told."]
