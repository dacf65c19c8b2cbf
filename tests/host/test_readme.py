"""What the READMEs show works as written."""

import re
from pathlib import Path

import pytest
from budgetmeter import profiles, scenario
from budgetmeter.emulator.household import Habits

ROOT = Path(__file__).parents[2]
READMES = [*sorted(ROOT.glob("*/README.md")), ROOT / "README.md"]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)


PYTHON = [(path, code) for path in READMES for code in blocks(path, "python")]


@pytest.mark.parametrize(("path", "code"), PYTHON, ids=[str(p.parent.name) for p, _ in PYTHON])
def test_python_blocks_run(path, code):
    exec(compile(code, str(path), "exec"), {})


def test_the_scenario_of_its_readme_holds(tmp_path):
    folder = ROOT / "host" / "budgetmeter" / "scenario" / "shipped"
    (text,) = blocks(folder / "README.md", "toml")
    path = tmp_path / "readme.toml"
    path.write_text(text, "utf-8")
    _, failures = scenario.run(scenario.load(str(path)))
    assert failures == []


def test_the_scenario_readme_names_every_key():
    text = (ROOT / "host" / "budgetmeter" / "scenario" / "shipped" / "README.md").read_text("utf-8")
    for key in (*scenario.ACTIONS, *scenario.EXPECTATIONS):
        assert f"`{key}`" in text, key


def test_the_readme_names_profiles_scenarios_and_habits():
    text = (ROOT / "README.md").read_text("utf-8")
    for name in (*profiles.names(), *scenario.names(), *Habits.__dataclass_fields__):
        assert f"`{name}`" in text, name
