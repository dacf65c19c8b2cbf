"""The report as one HTML file: whole, nothing from elsewhere, safe whatever somebody wrote."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from budgetmeter import catalogue, texts
from budgetmeter.casebook import letters, rulebook
from budgetmeter.report import figures, page, written

from tests.command import run as budgetmeter
from tests.host.stories import told

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e$x^2$"
SHORT = '<script>alert(1)</script>&"'  # a customer has at most 32 characters
VOID = {"meta", "br", "img", "link"}


class Document(HTMLParser):
    """An HTML page as it is read: text, elements that open and close, attributes."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], [], []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def alone(document):
    """Nothing is loaded, nothing runs."""
    assert not {"script", "iframe", "img", "link", "object", "form"} & set(document.tags)
    for tag, name, value in document.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#"), f"{tag} {name}={value}"


@pytest.fixture(scope="module")
def ran():
    chosen, world, _ = told("negative-limit")
    return world, figures.summary(world, chosen)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_report_is_one_file_with_everything_in_it(ran, language):
    world, summary = ran
    words = texts.of(language)
    source = written.page(world, summary, words).html()
    document = Document(source)
    alone(document)
    assert ("html", "lang", language) in document.attributes
    shown = document.words
    for entry in world.trace.entries:
        assert words(f"event.{entry.code.word}") in shown
        for rule in entry.rules(world.profile.region):
            known = catalogue.rules()[rule]
            assert f"{known.title} ({known.clause})" in shown
    for key in world.profile.values:
        assert key in shown
    assert f"{summary['money']['balance']} EUR" in shown
    assert "svg" in document.tags
    assert "@page { size: A4" in source


def test_the_plot_in_it_is_well_formed(ran):
    world, summary = ran
    source = written.page(world, summary, texts.of()).html()
    image = source[source.index("<svg") : source.index("</svg>") + 6]
    root = ET.fromstring(image)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    scales = re.findall(r"scale\(([0-9.]+)", image)
    assert scales
    assert any("." in one and len(one) > 4 for one in scales)  # only paths are rounded


def test_what_somebody_wrote_stays_text(ran):
    world, summary = ran
    made = written.page(
        world, {**summary, "title": EVIL, "load": EVIL, "load_notes": [EVIL]}, texts.of(),
        failures=[EVIL],
    )  # fmt: skip
    made.heading(EVIL)
    made.table((EVIL, EVIL), [(EVIL, [EVIL, "OC-15 " + EVIL])])
    document = Document(made.html())
    alone(document)
    assert document.words.count("<script>alert(1)</script>") >= 8


def test_the_same_run_gives_the_same_file(ran):
    world, summary = ran
    once, again = (written.page(world, summary, texts.of()).html() for _ in range(2))
    assert once == again


def test_run_writes_a_report(tmp_path):
    path = tmp_path / "out.html"
    done = budgetmeter("run", "hold-2020", "--lang", "nl", "--report", path)
    assert done.status == 0
    document = Document(path.read_text("utf-8"))
    alone(document)
    assert "Opschorting voorbij" in document.words
    assert "Opschorting voorbij" in done.said


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--report", "nowhere/out.html"), "nowhere/out.html: No such file or directory"),
        (("--report", "out.doc"), "--report out.doc: a file ending in .html or .htm"),
        (("--report", "a.html", "--events", "a.html"), "a.html: would be written twice"),
        (("--lang", "es"), "language 'es': one of nl, fr, de, en"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, line, tmp_path):
    done = budgetmeter("run", "hold-2020", *arguments, cwd=tmp_path)
    assert done.status == 2
    assert done.error == f"budgetmeter: {line}\n"
    assert not list(tmp_path.iterdir())


def test_a_case_is_a_report_too(tmp_path):
    def of(*arguments):
        return budgetmeter(*arguments, cwd=tmp_path)

    of("office", "init")
    of("case", "open", "--customer", SHORT, "--rules", "wallonia-electricity")
    of("case", "fact", "invoice", "amount=150.00", "--on", "2023-02-01", "--case", 1)
    of("case", "fact", "reminder", "--on", "2023-02-18", "--case", 1)
    asked = ("--case", 1, "--on", "2023-03-01", "--lang", "de")
    done = of("case", "show", *asked, "--report", "c.html")
    assert done.status == 0, done.error
    document = Document((tmp_path / "c.html").read_text("utf-8"))
    alone(document)
    shown = document.words
    step = rulebook.load("wallonia-electricity").steps["reminder"]
    assert step.source in shown
    for one in step.rule.split(", "):
        assert catalogue.rules()[one].title in shown
    german = letters.table()["names"]
    assert all(german[name][texts.place("de")] in shown for name in step.letter)
    assert "157.50" in shown
    assert SHORT in shown
    lost = of("case", "show", "--case", 1, "--report", "nowhere/c.html")
    assert (lost.status, lost.error.count("\n")) == (2, 1)
    yearly = of("case", "report", "fe-40", 2003, "--report", "fe.html")
    assert yearly.status == 0
    alone(Document((tmp_path / "fe.html").read_text("utf-8")))


def test_numbers_have_the_places_a_reader_needs():
    assert [page.number(x) for x in (12345.6, 123.46, 1.234, 0.1234)] == [
        "12,346", "123.5", "1.23", "0.123",
    ]  # fmt: skip
    assert page.number(-0.0001, sign=True) == "0.000"
