"""Each example runs, and prints what its page shows."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from budgetmeter import profiles
from budgetmeter.client import Meter
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.web.serve import served
from meterproto.tokens import meter_key

from tests.command import run
from tests.emulate.process import Emulated
from tests.micropython import node

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROGRAMS = ("emulate_and_read", "issue_and_enter", "own_board")


def start(*arguments, cwd):
    """Run Python in a folder of the test: what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def runs_as_its_page_shows(script, *arguments):
    """Run an example in Node: it prints what the page beside it shows."""
    done = subprocess.run(
        [node(), script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = script.with_name("README.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    assert done.stdout == shown


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_what_its_page_shows(name, tmp_path):
    said = start(EXAMPLES / name / f"{name}.py", cwd=tmp_path)
    page = (EXAMPLES / name / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    assert said == shown
    assert list(tmp_path.iterdir()) == []


def test_every_cell_of_the_notebook_runs(tmp_path):
    cells = json.loads((EXAMPLES / "analyse" / "region.ipynb").read_text("utf-8"))["cells"]
    source = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(source) > 5
    program = tmp_path / "region.py"
    shown = "print(by_hour.sum(), months.owed_eur.max() > 0)"
    program.write_text("\n\n".join([*source, shown]), encoding="utf-8")
    spells, owed = start(program, cwd=tmp_path).split()
    assert int(spells) > 0
    assert owed == "True"


def test_the_client_in_javascript_prints_what_its_page_shows():
    key = meter_key(VENDING_KEY, METER, 1).hex()
    with Emulated("--watts", "1000", "--start", "2020-06-02T12:00") as emulated:
        port = emulated.url.rpartition(":")[2]
        with Meter(emulated.url) as meter:
            while not meter.status().power_w:  # until its first second has begun
                pass
        client = EXAMPLES / "javascript" / "client.mjs"
        runs_as_its_page_shows(client, "127.0.0.1", port, key, "1", "2000")
    assert len(client.read_text("utf-8").splitlines()) <= 100  # a page


@pytest.fixture(scope="module")
def http_url():
    """A meter over HTTP, whose time stands still."""
    world = Emulator(profiles.load("wallonia-card"), 11_012_400, ConstantLoad(500))
    with served(world, threading.Lock()) as url:
        yield url


def test_another_language_reconnects_a_card_meter_over_http(http_url):
    runs_as_its_page_shows(EXAMPLES / "http" / "reconnect.mjs", http_url)


PLACE = "http://127.0.0.1:8080/"


def test_the_curl_lines_of_the_readme_do_what_they_say(http_url):
    page = (ROOT / "README.md").read_text("utf-8")
    lines = [shlex.split(line, comments=True) for line in page.splitlines() if "curl -" in line]
    *calls, stream = [[word.replace(PLACE, http_url) for word in line] for line in lines]
    answers = []
    for call in calls:
        done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=True)
        answers.append(json.loads(done.stdout))
    meters, balance, pressed, later, topped_up = answers
    assert meters["meters"][0]["meter"] == METER
    assert balance["balance"] == "15.00000"
    assert pressed["time"] < later["time"]
    assert later["balance"] == "14.87500"  # an hour of 500 W at 0.25 EUR/kWh
    assert topped_up["taken"]
    assert topped_up["view"]["balance"] == "34.87500"
    with subprocess.Popen(stream, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "event: view\n"
        assert json.loads(process.stdout.readline().removeprefix("data: "))["meter"] == METER
        process.kill()


def test_the_scenario_meets_its_expectations():
    done = run("run", EXAMPLES / "scenario" / "first-week.toml")
    assert (done.status, done.error) == (0, "")
    assert "kept on" in done.said.lower()


def test_the_pytest_project_passes_in_a_place_of_its_own(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(EXAMPLES / "pytest_project", project)
    said = start("-m", "pytest", "-p", "no:cacheprovider", project, cwd=tmp_path)
    assert "3 passed" in said


def test_every_example_is_on_the_first_page():
    page = (EXAMPLES / "README.md").read_text("utf-8")
    for folder in EXAMPLES.iterdir():
        if (folder / "README.md").exists():
            assert f"]({folder.name}/README.md)" in page, folder.name
