"""Profiles: the shipped ones are complete and sourced; a bad one is one clear line."""

from importlib.resources import files

import pytest
from budgetmeter import catalogue, profiles
from budgetmeter.errors import InputError
from meterfw import layouts
from meterfw.account import record

EXPECTED = {
    "brussels-limiter",
    "flanders-2003",
    "flanders-digital",
    "wallonia-card",
    "wallonia-digital",
    "wallonia-gas",
}


def test_the_named_profiles_are_there():
    assert set(profiles.names()) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_value_has_a_source_and_fits_the_record(name):
    profile = profiles.load(name)
    assert set(profile.values) == set(profile.rules) == set(layouts.PROFILE_FIELDS)
    known = {*catalogue.rules(), catalogue.NO_SOURCE}
    assert all(set(ids) <= known for ids in profile.rules.values())
    assert profile.left_out
    filled = profile.record()
    fields = layouts.PROFILE_FIELDS
    assert record.in_range(filled, fields, layouts.PROFILE_LOW, layouts.PROFILE_HIGH) is None
    assert all(profiles.shown(key, value) for key, value in profile.values.items())


@pytest.mark.rule("WE-35", "FE-25", "BE-01", "B-9")
def test_limits_of_the_regions():
    limits = {
        name: (profiles.load(name).values["limit_ma"], profiles.load(name).values["limit_w"])
        for name in EXPECTED
    }
    assert limits == {
        "wallonia-card": (10_000, 2300),
        "wallonia-digital": (10_000, 2300),
        "wallonia-gas": (0, 0),
        "flanders-2003": (0, 1380),
        "flanders-digital": (10_000, 2300),
        "brussels-limiter": (0, 2300),
    }


@pytest.mark.rule("B-1", "B-2", "FE-14")
def test_emergency_credit_of_the_regions():
    def preset(name):
        values = profiles.load(name).values
        return profiles.shown("emergency_preset", values["emergency_preset"]), profiles.shown(
            "emergency_wh", values["emergency_wh"]
        )

    assert preset("wallonia-card") == ("12.00 EUR", "0 kWh")
    assert preset("wallonia-gas") == ("15.00 EUR", "0 kWh")
    assert preset("flanders-2003") == ("0.00 EUR", "50 kWh")
    assert preset("flanders-digital") == ("50.00 EUR", "0 kWh")


@pytest.fixture
def write(tmp_path):
    """Writes a copy of wallonia-card with lines replaced, and answers its path."""
    text = (files("budgetmeter") / "profiles" / "wallonia-card.toml").read_text("utf-8")

    def write(key, line):
        lines = [line if row.startswith(f"{key} =") else row for row in text.splitlines()]
        if key not in text:
            lines.append(line)
        path = tmp_path / "mine.toml"
        path.write_text("\n".join(lines), "utf-8")
        return str(path)

    return write


def test_a_profile_file_is_read(write):
    path = write("price", 'price = { value = "0.30", unit = "EUR/kWh", rule = "no source" }')
    assert profiles.load(path).values["price"] == 30_000


@pytest.mark.parametrize(
    ("key", "line", "said"),
    [
        ("pryce", 'pryce = { value = 1, rule = "B-20" }', "unknown key pryce; did you mean price?"),
        ("price", 'price = { value = 3, unit = "EUR/kWh", rule = "B-20" }', "0 to 2 EUR/kWh"),
        ("price", 'price = { value = 0.25, unit = "EUR", rule = "B-20" }', "0 to 2 EUR/kWh"),
        ("price", 'price = { value = 0.25, rule = "B-20" }', "0 to 2 EUR/kWh"),
        ("price", 'price = { value = "x", unit = "EUR/kWh", rule = "B-20" }', "0 to 2 EUR/kWh"),
        ("price", 'price = { value = 0.25, unit = "EUR/kWh" }', "write {"),
        ("price", "price = 0.25", "write {"),
        ("price", 'price = { value = 1, unit = "EUR/kWh", rule = "B-99" }', "not in the catalogue"),
        ("price", 'price = { unit = "EUR/kWh", rule = "B-20" }', "value is missing"),
        ("price", 'price = { value = 1, unit = "EUR/kWh", rule = "B-20", x = 1 }', "unknown"),
        ("energy", 'energy = { value = "steam", rule = "B-1" }', "one of electricity, gas"),
        ("phases", 'phases = { value = 4, rule = "B-1" }', "1 to 3"),
        ("limiter_auto", 'limiter_auto = { value = 1, rule = "B-4" }', "true or false"),
        ("window_from", 'window_from = { value = "25:00", rule = "B-3" }', "a time such as"),
        ("window_days", 'window_days = { value = ["Sun", "Sol"], rule = "B-3" }', "a list of Mon"),
        ("window_days", 'window_days = { value = "Sat", rule = "B-3" }', "a list of Mon"),
        ("winter_from", 'winter_from = { value = "02-30", rule = "B-3" }', "a day such as"),
        ("winter_from", 'winter_from = { value = "none", rule = "B-3" }', "both days of winter"),
        ("winter_bars", 'winter_bars = { value = ["snow"], rule = "B-3" }', "a list of minimum"),
        ("over_s", 'over_s = { value = 0, unit = "s", rule = "B-9" }', "1 to 3600 s"),
        ("over_s", 'over_s = { value = 1.5, unit = "s", rule = "B-9" }', "1 to 3600 s"),
        ("leak_test_s", 'leak_test_s = { value = 5, unit = "s", rule = "B-4" }', "no leak test"),
        ("limit_w", 'limit_w = { value = 0, unit = "W", rule = "B-9" }', "needs a limit"),
        ("energy", 'energy = { value = "gas", rule = "B-1" }', "calorific value"),
        (
            "emergency_wh",
            'emergency_wh = { value = 9, unit = "kWh", rule = "B-1" }',
            "as energy or",
        ),
        ("title", "titel = 1", "title is missing"),
        ("region", 'region = "Luxembourg"', "region is one of"),
        ("region", 'region = ["a"]', "region is one of"),
        ("title", "title = 5", "title is text"),
        ("energy", 'energy = { value = 1, rule = "OC-14" }', "one of electricity, gas"),
        ("winter_bars", 'winter_bars = { value = [1], rule = "WE-39" }', "a list of minimum"),
        ("winter_bars", 'winter_bars = { value = "snow", rule = "WE-39" }', "a list of minimum"),
        (
            "winter_bars",
            'winter_bars = { value = ["minimum-supply", "minimum-supply"], rule = "WE-39" }',
            "a list of minimum-supply",
        ),
        ("window_days", 'window_days = { value = [[1]], rule = "B-3" }', "a list of Mon"),
        ("[values]", "values = 5", "not TOML"),
    ],
)
def test_a_bad_profile_is_one_line_naming_file_key_and_what_is_allowed(write, key, line, said):
    path = write(key, line)
    if key == "[values]":
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n= broken")
    with pytest.raises(InputError) as raised:
        profiles.load(path)
    message = str(raised.value)
    assert message.startswith(path)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("value", ["5", "[5]", '"text"'])
def test_what_is_left_out_is_a_list_of_texts(tmp_path, value):
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "t"\nregion = "Wallonia"\nleft_out = {value}\nvalues = {{}}\n')
    with pytest.raises(InputError, match="left_out is a list of texts"):
        profiles.load(str(path))


def test_missing_keys_files_and_names(write, tmp_path):
    with pytest.raises(InputError, match="price is missing"):
        profiles.load(write("price", "# nothing"))
    with pytest.raises(InputError, match="No such file"):
        profiles.load(str(tmp_path / "nowhere.toml"))
    with pytest.raises(InputError, match="did you mean wallonia-card"):
        profiles.load("walonia-card")
    with pytest.raises(InputError, match="there are brussels-limiter"):
        profiles.load("xyz")


def test_relevant_rules_by_region():
    assert catalogue.relevant(("OC-15", "FE-02"), "Flanders") == ["FE-02"]
    assert catalogue.relevant(("OC-15", "OS-05"), "Brussels") == ["OC-15", "OS-05"]
