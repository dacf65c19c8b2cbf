"""What a meter says in four languages: nothing missing, plain ASCII, and it fits."""

import binascii
import re

import pytest
from budgetmeter import profiles, spoken, texts
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.errors import InputError
from meterfw import layouts
from meterfw.p1 import telegram
from meterfw.panel import display
from meterproto.codes import CardOutcome, Kind, Result, TokenReason

from tests.firmware.support import mc, meter
from tests.firmware.unit.panel.test_display import EDGES, HEADLINES

WIDTH = 16
languages = pytest.mark.parametrize("language", texts.LANGUAGES)


def words(language):
    """The first line of the file."""
    return spoken.words_file(language)["words"].partition(b"\n")[0]


def test_english_is_what_the_firmware_says_by_itself():
    assert words("en") == display.WORDS
    table = spoken.refusals("en")
    for reason in TokenReason:
        assert reason == TokenReason.RESULT or table[reason] == reason.meaning
    for result in Result:
        assert table[TokenReason.RESULT + result] == result.meaning


@languages
def test_every_page_in_every_state_fits_in_every_language(language):
    said = words(language)
    for name in profiles.names():
        for state in (*EDGES, *(state for _, state in HEADLINES)):
            m, p = meter(name)
            m.kept = 1
            for field, value in state.items():
                setattr(m, field, value)
            pages = [display.page(m, p, number, said) for number in range(display.PAGES)]
            for outcome in CardOutcome:
                pages += [display.card_page(m, p, outcome, taken, said) for taken in (0, 99)]
            assert all(len(lines) == 4 for lines in pages)
            for line in (line for lines in pages for line in lines):
                assert len(line) <= WIDTH
                assert line.isascii()
                assert line.isprintable() or line == ""


@languages
def test_what_a_customer_most_needs_to_know_is_said_in_so_many_ways(language):
    """No two headlines, and no two outcomes of a card, are the same words."""
    said = words(language).decode().split(",")
    heads, outcomes = said[:13], said[14:24]
    assert len({*heads}) == len(heads)
    assert len({*outcomes}) == len(outcomes) == len(CardOutcome)
    assert len(said) == len(display.WORDS.split(b","))
    assert [i for i, word in enumerate(said) if not word] == [13]


@languages
def test_a_refusal_is_a_sentence_on_a_line_of_ascii(language):
    table = spoken.refusals(language)
    assert len({*table.values()}) == len(table)
    data = spoken.words_file(language)["words"]
    assert int.from_bytes(data[-4:], "little") == binascii.crc32(data[:-4])
    lines = data[:-4].decode("ascii").splitlines()[1:]
    assert lines == [f"{number} {text}" for number, text in table.items()]


def test_no_language_is_another():
    """A text that is the same in two languages is a word that both have."""
    keys = [*spoken.display("en")]
    for key in keys:
        said = {language: spoken.display(language)[key] for language in texts.LANGUAGES}
        if key.startswith(("headline.", "card.")) and said["en"]:
            assert len({*said.values()}) == 4, said


@pytest.mark.parametrize(
    ("text", "language", "plain"),
    [
        ("DRÜCKEN: größer", "de", "DRUECKEN: groesser"),
        ("COUPÉ dû à l’œuvre", "fr", "COUPE du a l'oeuvre"),
        ("geïnstalleerd", "nl", "geinstalleerd"),
        ("coupé : é", "fr", "coupe : e"),
    ],
)
def test_letters_a_board_lacks_are_spelt_with_those_it_has(text, language, plain):
    assert spoken.ascii_of(text, language) == plain


@languages
def test_a_meter_speaks_it_on_display_console_and_p1_and_after_a_restart(language):
    world = Emulator(profiles.load("wallonia-card"), 11_012_400, ConstantLoad(0), language=language)
    world.enter(world.issuer.token(Kind.DISCONNECT, 1))
    said = spoken.display(language)
    assert world.board.lines == (said["page.balance"], "15.00", "", said["headline.operator"])
    world.cut_power(600)
    assert world.board.lines[3] == said["headline.operator"]
    world.speak("nl")
    assert world.board.lines[3] == "UIT: NETBEHEER"


@languages
def test_the_p1_port_says_the_headline_in_that_language(language):
    m, p = meter("wallonia-card", credit=mc(20))
    m.reasons = layouts.REASON_LEAK_TEST
    m.leak_left_s = 719
    writes = telegram.Telegram.__new__(telegram.Telegram)
    writes.buffer, writes.words, writes._end = bytearray(192), words(language), 0

    class Ledger:
        state, profile = m, p

    writes._message(Ledger)
    text = bytes.fromhex(writes.buffer[: writes._end].decode()).decode()
    assert text == f"20.00 EUR, {spoken.display(language)['headline.leak_test']} 719 s"


def test_a_language_there_is_none_of():
    with pytest.raises(InputError, match="one of nl, fr, de, en"):
        spoken.words_file("lb")


def test_the_profile_chooses_the_language(tmp_path):
    shipped = (profiles.resources.files("budgetmeter") / "profiles/wallonia-card.toml").read_text(
        "utf-8"
    )
    own = tmp_path / "namur.toml"
    own.write_text('language = "fr"\n' + shipped, "utf-8")
    world = Emulator(profiles.load(str(own)), 11_012_400, ConstantLoad(0))
    assert world.board.lines[0] == "CREDIT EUR"
    assert world.language == "fr"
    own.write_text('language = "wa"\n' + shipped, "utf-8")
    with pytest.raises(InputError, match=re.escape("language is one of nl, fr, de, en")):
        profiles.load(str(own))
