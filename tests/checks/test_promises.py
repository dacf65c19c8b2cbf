"""The public CI asks for what pyproject.toml promises, extra by extra."""

import tomllib
from pathlib import Path

import pytest
import yaml

from tests.checks import extras

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
VERSION = "Programming Language :: Python :: 3."


def test_the_ci_has_every_version_that_the_package_names():
    named = [line.removeprefix(VERSION) for line in PROJECT["classifiers"] if VERSION in line]
    versions = [f"3.{minor}" for minor in named]
    assert JOBS["linux"]["strategy"]["matrix"]["python"] == versions
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert set(JOBS["elsewhere"]["strategy"]["matrix"]["python"]) <= set(versions)


def test_the_ci_has_three_systems():
    systems = [JOBS["linux"]["runs-on"], *JOBS["elsewhere"]["strategy"]["matrix"]["os"]]
    assert [system.partition("-")[0] for system in systems] == ["ubuntu", "windows", "macos"]


def test_the_matrix_of_extras_is_that_of_the_package():
    assert "--list" in JOBS["list-extras"]["steps"][-1]["run"]
    assert (
        "fromJSON(needs.list-extras.outputs.extras)"
        in JOBS["extras"]["strategy"]["matrix"]["extra"]
    )
    for name in extras.declared():
        assert name in extras.PROMISED, f"tests/checks/extras.py does not say what {name} promises"


@pytest.mark.parametrize("extra", extras.PROMISED)
def test_what_an_extra_promises_exists(extra):
    extras.keep(extra)


def test_make_and_the_ci_use_what_there_is():
    targets = (ROOT / "Makefile").read_text("utf-8")
    runs = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    for run in runs:
        if run.startswith("make "):
            assert f"\n{run.split()[1]}:" in targets, run
        for word in run.split():
            if word.startswith("tests/"):
                assert (ROOT / word).exists(), word
