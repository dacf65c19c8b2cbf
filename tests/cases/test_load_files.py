"""Files of consumption that people have: no energy is lost or made in silence.

A file gives the energy that stands in it, to the Wh, or it is refused in one line that names the
line or the column. What the meter is not given is said to be missing, and only that is.
"""

import random
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.command import run
from tests.emulate.process import Emulated

FILES = Path(__file__).parent / "load"
MIDNIGHT = datetime(2025, 1, 6)


@dataclass(frozen=True)
class Sum:
    """What a file comes to.

    :ivar wh: energy in it
    :ivar missing_s: time for which it has no value
    :ivar start: Belgian local time of its first moment; None where that is not asked
    """

    wh: int
    missing_s: int = 0
    start: str | None = None


def emulate(path, folder, *options):
    """The report on a meter that never cuts supply for want of money."""
    scenario = folder / "scenario.toml"
    scenario.write_text(f'profile = "brussels-limiter"\n[load]\ncsv = "{path}"\n', "utf-8")
    return run("run", scenario, *options)


def seen(done):
    """The sum that a run reports, or the line that refuses its file."""
    if done.status == 2 and done.error.count("\n") == 1:
        return done.error
    report = done.data
    return Sum(report["energy"]["wanted"], report["missing_samples_s"], report["start"])


def fits(found, right):
    """Whether what was seen is right: a sum, or words of the line that refuses."""
    if isinstance(right, str) or isinstance(found, str):
        return isinstance(right, str) and isinstance(found, str) and right in found
    exact = abs(found.wh - right.wh) <= 1 and found.missing_s == right.missing_s
    return exact and right.start in (None, found.start)


CASES = [
    # ---- What everybody can read ---------------------------------------------------------------
    ("local-time/summer.csv", [Sum(98_000)], "plain times are UTC+1 all year"),
    ("local-time/peak.csv", [Sum(107_100)], "and the same in another week"),
    ("local-time/peak-utc1.csv", [Sum(107_100)], "the same load an hour earlier"),
    ("spelling/compact.csv", [Sum(50)], "ISO 8601 without separators"),
    ("spelling/weekdate.csv", [Sum(50)], "ISO 8601 by week"),
    ("spelling/epoch8.csv", [Sum(4800)], "a date of eight digits, a row a day"),
    ("spelling/tz-space.csv", [Sum(200)], "a space for the T"),
    ("spelling/end-stamp.csv", [Sum(50)], "nothing tells the end from the start"),
    ("spelling/cr-only.csv", [Sum(200)], "lines that end in a carriage return"),
    ("spelling/crlf-bom.csv", [Sum(200)], "a byte order mark, lines of Windows"),
    ("spelling/quoted.csv", [Sum(200)], "everything in quotes"),
    ("spelling/upper.csv", [Sum(200)], "names of columns in capitals"),
    ("spelling/trailing-comma.csv", [Sum(200)], "a column without a name"),
    # ---- What may be read or refused, but not read as something else ---------------------------
    ("local-time/october.csv", ["line 110"], "an hour twice, where the zone has none"),
    ("spelling/24h.csv", [Sum(50), "line 3"], "24:00 is the end of a day"),
    ("spelling/arabic-digits.csv", [Sum(246), "line 2"], "digits of another script"),
    ("spelling/underscore.csv", [Sum(2468), "line 2"], "underscores within a number"),
    ("spelling/comment.csv", [Sum(200), "line 1"], "a comment above the header"),
    ("spelling/sep-line.csv", [Sum(200), "line 1"], "a spreadsheet's line above the header"),
    ("spelling/tab.tsv", [Sum(200), "line 1"], "tabs between the fields"),
    ("spelling/desc.csv", [Sum(200), "line 3"], "the latest row first"),
    ("spelling/dmy.csv", [Sum(200), "line 2"], "the day first"),
    ("spelling/epoch.csv", [Sum(50), "line 2"], "seconds since 1970"),
    ("spelling/empty-end-rows.csv", [Sum(200), "line 10"], "rows without a field at the end"),
    ("spelling/total-row.csv", [Sum(200), "line 10"], "a total is no sample"),
    ("spelling/nul.csv", [Sum(200), "line 2"], "a NUL within a number"),
    ("spelling/nan.csv", [Sum(25, 900), "line 2"], "NaN is no power"),
    ("spelling/null.csv", [Sum(25, 900), "line 2"], "nor is null"),
    ("spelling/question.csv", [Sum(25, 900), "line 2"], "nor is a question mark"),
    ("spelling/thousands.csv", [Sum(2469), "line 2"], "1,234.5"),
    ("spelling/thousands-nl.csv", [Sum(2469), "line 2"], "1.234,5"),
    ("spelling/trailing-comma-rows-only.csv", [Sum(200), "line 2"], "a field without a column"),
    ("spelling/neg-solar.csv", ["line 2"], "a household draws no negative power"),
    ("spelling/monthly.csv", ["apart"], "a row a month says nothing of a day"),
    # ---- What people have ----------------------------------------------------------------------
    (
        "fluvius/week.csv",
        [Sum(98_000, start="2025-01-06T00:00")],
        "kWh a quarter of two registers",
    ),
    (
        "fluvius/march.csv",
        [Sum(41_800, start="2025-03-29T00:00")],
        "local time without 02:00; injection is left out",
    ),
    (
        "fluvius/october.csv",
        [Sum(42_200, start="2025-10-25T00:00")],
        "local time with 02:00 twice, told by the order of the rows",
    ),
    (
        "offsets/enedis.csv",
        [Sum(98_000, start="2025-06-02T00:00")],
        "stamps at the end of each half hour",
    ),
    (
        "offsets/with-z.csv",
        [Sum(98_000, start="2025-06-02T00:00")],
        "times in UTC are exact",
    ),
    (
        "jitter/quarter-one-early.csv",
        [Sum(24_000)],
        "one row more in a day of quarters takes nothing from the others",
    ),
    (
        "jitter/quarter-seconds.csv",
        [Sum(24_000)],
        "quarters that come a second late",
    ),
    (
        "jitter/fractions.csv",
        [Sum(1000)],
        "ten seconds and a twentieth, in turn more and less",
    ),
    (
        "homewizard/homewizard.csv",
        [Sum(44)],
        "an index: energy is the difference of two rows",
    ),
    (
        "spelling/latin1.csv",
        [Sum(200)],
        "a header in cp1252",
    ),
    (
        "spelling/utf16.csv",
        [Sum(200)],
        "a spreadsheet's UTF-16",
    ),
    (
        "spelling/semicolon-comma.csv",
        [Sum(201)],
        "semicolons and decimal commas, as in most of Europe",
    ),
    (
        "spelling/twice-watts.csv",
        ["line 1"],
        "nobody knows which of two columns of watts is meant",
    ),
]


@pytest.mark.parametrize(("file", "rights", "why"), CASES)
def test_a_file_has_its_energy_or_is_refused(file, rights, why, tmp_path):
    found = seen(emulate(FILES / file, tmp_path, "--json"))
    assert any(fits(found, right) for right in rights), f"{why}: {found}"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("index/index.csv", "12,345 W every quarter, and ever more"),
        ("index/kwh-as-watts.csv", "a household of a quarter watt"),
        ("homewizard/renamed.csv", "an index called watts"),
        ("spelling/dot-thousands.csv", "1.234: a point or thousands"),
    ],
)
def test_values_that_cannot_be_watts_are_refused_or_said(file, why, tmp_path):
    neutral = tmp_path / "load.csv"  # the report shows the name
    neutral.write_bytes((FILES / file).read_bytes())
    done = emulate(neutral, tmp_path)
    assert done.status in (0, 2)
    assert "watts" in done.said + done.error, why


# ---- Rows that come when they like -----------------------------------------------------------


def written(path, rows):
    """A file of (time, W)."""
    lines = [f"{time.isoformat()},{watts}" for time, watts in rows]
    path.write_text("\n".join(["time,watts", *lines]) + "\n", "utf-8")
    return path


def test_a_log_every_ten_seconds_with_a_second_of_jitter(tmp_path):
    """1000 W for a day are 24 kWh."""
    rng = random.Random(1)
    seconds = [0, *(10 * i + rng.randint(-1, 1) for i in range(1, 8640))]
    log = written(tmp_path / "p1.csv", [(MIDNIGHT + timedelta(seconds=s), 1000) for s in seconds])
    found = seen(emulate(log, tmp_path, "--json"))
    assert fits(found, Sum(24_000)), found


def gap(folder):
    """100 W in quarters, but for six hours."""
    quarters = [MIDNIGHT + timedelta(minutes=15 * i) for i in (*range(24), *range(48, 72))]
    return written(folder / "gap.csv", [(time, 100) for time in quarters])


def test_a_row_holds_at_most_three_distances(tmp_path):
    """The row at 05:45 holds until 06:30; from there to 12:00 the file has no value."""
    found = seen(emulate(gap(tmp_path), tmp_path, "--json"))
    assert fits(found, Sum(1250, missing_s=5 * 3600 + 1800)), found


def test_emulate_says_what_is_missing(tmp_path):
    with Emulated("--load", gap(tmp_path), "--speed", "max") as emulated:
        status, said = emulated.end(signal.SIGTERM)
    assert status == 0
    assert "missing" in said


def test_a_log_of_changes_without_its_shape(tmp_path):
    """Rows 12 s to 38 min apart, 1000 W; at most the last 391 s are more than three distances."""
    report = emulate(FILES / "home-assistant/as-time-watts.csv", tmp_path, "--json").data
    assert report["energy"]["wanted"] >= 890
    assert report["missing_samples_s"] <= 392


def test_a_history_holds_until_the_next_change(tmp_path):
    """512 W for 432.123 s, 1800 W for 767.877 s, unavailable for 90.5 s, then 640 W."""
    report = emulate(FILES / "home-assistant/history.csv", tmp_path, "--json").data
    assert report["energy"]["wanted"] >= 445
    assert report["missing_samples_s"] in (90, 91)


# ---- Zones -----------------------------------------------------------------------------------

BELGIUM = ("--profile", "brussels-limiter", "--load-zone", "Europe/Brussels", "--json")


@pytest.mark.parametrize(
    ("file", "right"), [("march.csv", Sum(41_800)), ("october.csv", Sum(42_200))]
)
def test_plain_times_in_belgium_over_a_change_of_clock(file, right):
    found = seen(run("run", "--load", FILES / "local-time" / file, *BELGIUM))
    assert fits(found, right), found


def test_the_same_load_in_both_zones_is_the_same_life():
    folder = FILES / "local-time"
    local = run("run", "--load", folder / "peak.csv", *BELGIUM).data
    plain = ("--profile", "brussels-limiter", "--json")
    assert local["events"] == run("run", "--load", folder / "peak-utc1.csv", *plain).data["events"]


# ---- What the report says --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            "fluvius/week.csv",
            ("Fluvius", "672 quarter-hours", "98.000 kWh"),
        ),
        (
            "fluvius/march.csv",
            ("Fluvius", "284 quarter-hours", "injection left out"),
        ),
        ("local-time/summer.csv", ("UTC+1",)),
    ],
)
def test_the_report_says_what_was_read(file, words, tmp_path):
    done = emulate(FILES / file, tmp_path)
    assert done.status == 0, done.error
    for word in words:
        assert word in done.said
