"""What a meter says by itself in one language: the file "words" of a board, in ASCII.

Its first line has the words of the display, in the order of `meterfw.panel.display.WORDS`. Each
line after it is a number and the sentence of a refusal, which the console reads when it needs it.
"""

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

from meterproto.codes import Code, Result, TokenReason

from budgetmeter import texts
from budgetmeter.identity import sealed

GERMAN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "ss"}
)
LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "’": "'", "\u00a0": " "})


def words_file(language: str = texts.DEFAULT) -> dict[str, bytes]:
    """The file "words" by its name, as it stands beside identity and profile.

    :raises InputError: no such language
    """
    return {"words": _words_file(language)}


@cache
def _words_file(language: str) -> bytes:
    lines = [",".join(display(language).values())]
    lines += [f"{number} {text}" for number, text in refusals(language).items()]
    return sealed(("\n".join(lines) + "\n").encode("ascii"))


def display(language: str) -> dict[str, str]:
    """The words of the display by their keys, as a board draws them.

    :raises InputError: no such language
    """
    place = texts.place(language)
    source = (files("budgetmeter") / "data" / "display.toml").read_text(encoding="utf-8")
    table = texts.rows(tomllib.loads(source))
    return {key: ascii_of(words[place], language) for key, words in table}


def refusals(language: str) -> dict[int, str]:
    """Sentences of why a token was refused, by the number that the meter answers with.

    :raises InputError: no such language
    """
    words = texts.of(language)

    def said(table: str, code: Code) -> str:
        return ascii_of(words(f"{table}.{code.word}"), language)

    reasons = {
        int(reason): said("refusal", reason)
        for reason in TokenReason
        if reason != TokenReason.RESULT
    }
    return reasons | {TokenReason.RESULT + result: said("result", result) for result in Result}


def ascii_of(text: str, language: str) -> str:
    """A text in the letters a board draws: accents go; in German an umlaut is two letters."""
    if language == "de":
        text = text.translate(GERMAN)
    split = unicodedata.normalize("NFKD", text.translate(LIGATURES))
    return "".join(c for c in split if not unicodedata.combining(c))
