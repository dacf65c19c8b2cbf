"""Studies: what ships is sound, what is overridden counts, every mistake is one clear line."""

from pathlib import Path

import pytest
from budgetmeter.errors import InputError
from budgetmeter.fleet import engine, study
from budgetmeter.fleet.rows import Config, fields_of

DOCS = Path(__file__).parents[2] / "docs" / "fleet.md"


@pytest.mark.parametrize("name", study.names())
def test_shipped_studies_are_sound(name):
    chosen = study.load(name)
    assert chosen.values["meters"] in (20_000, 60_000)
    assert chosen.title
    assert chosen.about
    assert engine.world(chosen).tables.months[-1] == chosen.end


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("flanders-10a", "flanders-6a"),
        ("wallonia-friendly-hours", "wallonia-no-friendly-hours"),
        ("wallonia-2020", "wallonia-2020-hold"),
    ],
)
def test_shipped_pairs_are_the_same_households(a, b):
    one, two = study.load(a), study.load(b)
    assert one.population() == two.population()
    assert one.digest() != two.digest()


@pytest.mark.rule("FE-25")
def test_the_six_amperes_are_those_of_the_decree():
    values = study.load("flanders-6a").profile.values
    assert (values["limit_ma"], values["limit_w"]) == (6000, 1380)


@pytest.mark.rule("B-7")
def test_the_hold_of_2020_ends_as_the_operator_said():
    lines = study.load("wallonia-2020-hold").program
    ends = [study.units.from_clock(line[2]).isoformat() for line in lines]
    assert ends == ["2020-06-30T23:59:00", "2020-07-03T23:01:00"]


def test_every_parameter_reaches_the_run_and_is_described():
    text = DOCS.read_text("utf-8")
    known = {*fields_of(Config), "base_kwh", "heating_kwh", "rhythm_days", "cover_pct"}
    known |= {"errand_h", "limited_h", "season", "cold", "hours", "meters", "days"}
    known |= set(study.SECTIONS["law"])  # the officials read them by name: tests/fleet/test_law.py
    for section in study.SECTIONS.values():
        for key, parameter in section.items():
            assert key in known, key
            assert f"| `{key}` |" in text, key
            assert parameter.meaning in text, key


@pytest.mark.parametrize(
    "key", [k for s in ("homes", "people") for k in study.SECTIONS[s] if k != "season"]
)
def test_a_parameter_changes_what_happens(key, tmp_path):
    """Each one is obeyed: another value, another fleet."""
    path = tmp_path / "study.toml"
    path.write_text(
        "start = 2021-01-01\n[homes]\nheated_pct = 50\ncar_pct = 50\n"
        "[people]\ncover_pct = [30, 120]\nprotected_pct = 60\nbill_paid_pct = 50\n"
        '[policy]\nprofile = "wallonia-digital"\n[[policy.order]]\n'
        'time = 2021-01-20T00:00:00\nkind = "hold"\nuntil = 2021-02-20T00:00:00\n',
        encoding="utf-8",
    )
    sizes = ["meters=150", "days=70"]
    plain = study.load(str(path), sizes)
    parameter, value = next(
        (s[key], plain.values[key]) for s in study.SECTIONS.values() if key in s
    )
    if parameter.size:
        value = [*value[1:], value[0]]
        other = value if value != plain.values[key] else [n * 2 for n in value]
        other[5] += 100
    elif isinstance(value, list):
        other = [min(n * 3, parameter.high) for n in value]
    else:
        other = value + 1 if key in ("opens", "closes", "wakes", "sleeps") else value // 2 + 10
        if key in ("charge_from", "charge_to"):
            other = value + 1 if key == "charge_from" else value + 2
    given = ",".join(map(str, other)) if isinstance(other, list) else str(other)
    changed = study.load(str(path), [*sizes, f"{key}={given}"])
    seen = [engine.simulate(engine.world(one), 0, 150) for one in (plain, changed)]
    assert (seen[0].outcomes != seen[1].outcomes).any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "unknown key x in the file"),
        ("[fleet]\nmeter = 1", "unknown key meter in fleet; did you mean meters?"),
        ("[fleet]\nmeters = 0", "meters: 0 is not from 1 to"),
        ("[fleet]\nmeters = 1.5", "meters: 1.5 is not a whole number"),
        ("[fleet]\nstep_min = 7", "step_min: 7 does not divide 60"),
        ("[fleet]\ndays = [1]", "fleet: days: a number"),
        ("fleet = 3", "fleet is a table"),
        ("[homes]\nseason = [1, 2]", "season: a list of 12 numbers"),
        ("[homes]\nseason = [0,0,0,0,0,0,0,0,0,0,0,0]", "nothing is used in any month"),
        ("[homes]\nbase_kwh = [9, 5]", "from the lowest to the highest"),
        ("[homes]\nbase_kwh = []", "a list of at least one numbers"),
        ("[people]\nskip_pct = 101", "skip_pct: 101 is not from 0 to 100"),
        ("[people]\nskip_pct = true", "skip_pct: True is not a whole number"),
        ("[people]\nwakes = 23\nsleeps = 23", "wakes and sleeps are hours, one after the other"),
        ("start = 2021-01-01T10:00:00", "a run begins at midnight"),
        ("start = 'soon'", "start: 'soon' is not a time"),
        ("start = 2099-06-01", "is not within 2000 to 2099"),
        ("load = 'mine.csv'", "load is a list of files"),
        ("[policy]\nprofile = 'walonia-card'", "did you mean wallonia-card?"),
        ("[policy]\nprofile = 3", "policy: profile is a name"),
        ("[policy.change]\nlimit_w = 1", "unknown"),
        ("[policy]\nchange = 1", "policy: change is a table"),
        ("[policy]\norder = 1", "write orders as [[policy.order]] tables"),
        ("[[policy.order]]\nkind = 'hold'", "order 1: time is missing"),
        ("[[policy.order]]\ntime = 2021-02-01", "order 1: kind is missing"),
        ("[[policy.order]]\ntime = 2020-02-01\nkind = 'hold'", "before the start"),
        ("[[policy.order]]\ntime = 2021-02-01\nkind = 'hold'", "order 1: hold needs until"),
        ("[[policy.order]]\ntime = 2021-02-01\nkind = 'test'", "test is not for a fleet"),
        (
            "[[policy.order]]\ntime = 2021-02-01\nkind = 'limiter-release'\nshare_pct = 101",
            "share_pct: 101 is not from 0 to 100",
        ),
        (
            "[[policy.order]]\ntime = 2021-02-02\nkind = 'limiter-release'\n"
            "[[policy.order]]\ntime = 2021-02-01\nkind = 'limiter-release'",
            "not in order of time",
        ),
    ],
)
def test_a_mistake_is_one_line_naming_file_and_key(text, said, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("limit_w = 1", "limit_volts = 1"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        study.load(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing", "title = 'x'\nstart = 2021-01-01", "[fleet]"])
def test_a_study_that_names_nothing_is_refused(text, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.toml: nothing to run: .* profile = .*\[people\]"):
        study.load(str(path))


@pytest.mark.parametrize("text", ["load = ['x.csv']", "[homes]\ncar_pct = 5", "[policy.change]"])
def test_a_study_may_leave_out_the_rest(text, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert study.load(str(path)).profile.name == "wallonia-card"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("meters", "--set meters: write meters=VALUE"),
        ("metres=3", "--set metres=3: no parameter metres; did you mean meters?"),
        ("metres", "--set metres: no parameter metres; did you mean meters?"),
        ("=3", "--set =3: write KEY=VALUE"),
        ("zz=3", "--set zz=3: no parameter zz; there are meters, seed, "),
        ("meters=many", "--set meters=many: whole numbers, separated by commas"),
        ("meters=1,2", "--set meters: a number"),
        ("meters=0", "--set meters: 0 is not from 1 to"),
        ("step_min=7", "--set step_min: 7 does not divide 60"),
        ("errand_h=9,1", "--set errand_h: quantiles go from the lowest to the highest"),
        ("opens=22", "--set opens: opens and closes are hours, one after the other"),
    ],
)
def test_a_mistaken_override_is_one_line(change, said):
    with pytest.raises(InputError) as caught:
        study.load("flanders-10a", [change])
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"meters": 99999999999999}, "--meters: 99999999999999 is not from 1 to 16777214"),
        ({"seed": -1}, "--seed: -1 is not from 0 to"),
        ({"step_min": 7}, "--step: 7 does not divide 60"),
        ({"days": 4000}, "--days: 4000 is not from 1 to 3660"),
    ],
)
def test_a_mistaken_option_is_named(options, said):
    with pytest.raises(InputError) as caught:
        study.load("flanders-10a", ["meters=3"], options)
    assert str(caught.value).startswith(said)


def test_days_beyond_the_calendar_are_those_of_the_option(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("start = 2099-01-01\n[fleet]\ndays = 3")
    with pytest.raises(InputError, match=r"^--days: .* is not within 2000 to 2099"):
        study.load(str(path), options={"days": 400})
