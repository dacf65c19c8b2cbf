"""Runs: the same to the bit however they are made; stopped, killed and taken up again."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from budgetmeter.errors import BudgetmeterError, InputError
from budgetmeter.fleet import engine, results, run, table

from tests.fleet.stops import cluster, octets
from tests.fleet.support import POOR, small

CARD = 'profile = "wallonia-card"'
METERS = 103


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A study ready to run, and its table computed in one piece in this process."""
    study = small(tmp_path_factory.mktemp("study"), CARD, meters=METERS, days=40)
    ready = engine.world(study)
    return study, ready, table.build(engine.simulate(ready, 0, METERS), engine.last_day(ready))


def finished(fleet, folder, chunk, workers=1, scheduler="", progress=None):
    study, ready, _ = fleet
    opened = run.open_folder(study, ready, folder, chunk)
    run.finish(opened, ready, workers, scheduler, progress)
    return results.Results(folder)


def same(fleet, found):
    """Whether a run is the table, column by column, row by row."""
    expected, seen = fleet[2], found.table()
    assert seen.schema.equals(expected.schema, check_metadata=False)
    return seen.equals(expected)


@pytest.mark.parametrize(("chunk", "workers"), [(10, 2), (50, 1), (1000, 2)])
def test_chunks_and_workers_are_not_seen(fleet, tmp_path, chunk, workers):
    assert same(fleet, finished(fleet, tmp_path, chunk, workers))
    assert len(list(tmp_path.glob("chunk-*.parquet"))) == -(-METERS // chunk)
    assert not list(tmp_path.glob(".*"))


def test_another_seed_is_seen(fleet, tmp_path):
    other = small(tmp_path, CARD, METERS, 40, changes=("seed=2",))
    seen = table.build(
        engine.simulate(engine.world(other), 0, METERS), engine.last_day(engine.world(other))
    )
    assert not seen.equals(fleet[2])


def test_money_is_conserved_over_the_fleet(fleet, tmp_path):
    found = finished(fleet, tmp_path, 20)
    held, booked = found.conservation()
    assert held == booked != 0
    assert results.summary(found)["conservation"]["exact"] is True


def test_a_meter_that_loses_money_is_found(fleet, monkeypatch):
    broken = run.engine._check

    def a_millicent_less(chunk, room):
        chunk.outcomes["credited"][3] -= 1
        broken(chunk, room)

    monkeypatch.setattr(engine, "_check", a_millicent_less)
    with pytest.raises(BudgetmeterError, match="meter 8 does not conserve money"):
        engine.simulate(fleet[1], 5, 5)


def test_a_worker_killed_in_the_middle_changes_nothing(fleet, tmp_path):
    killed = []

    def kill(done):
        if done and not killed:
            worker = multiprocessing.active_children()[0]
            os.kill(worker.pid, signal.SIGKILL)
            killed.append(worker.pid)

    assert same(fleet, finished(fleet, tmp_path, 5, 2, progress=kill))
    assert killed


def test_whole_chunks_are_not_computed_again(fleet, tmp_path):
    class Stop(Exception):
        pass

    def stop(done):
        if done >= 40:
            raise Stop

    with pytest.raises(Stop):
        finished(fleet, tmp_path, 20, progress=stop)
    there = sorted(tmp_path.glob("chunk-*.parquet"))
    assert 2 <= len(there) < 6
    with pytest.raises(InputError, match="chunks are not there; run it again to go on"):
        results.Results(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in there[1:]}
    there[0].write_bytes(there[0].read_bytes()[:-20])  # damaged
    (tmp_path / ".chunk-00000020.parquet.77").write_bytes(b"half")
    told = []
    assert same(fleet, finished(fleet, tmp_path, 20, progress=told.append))
    assert told[0] == 20 * len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(tmp_path.glob(".*"))


def command(*arguments):
    return [str(Path(sys.executable).with_name("budgetmeter")), "fleet", *map(str, arguments)]


def test_a_killed_run_is_taken_up_again(fleet, tmp_path):
    study = tmp_path / "small.toml"
    chosen = small(tmp_path, CARD, METERS, 40)
    assert chosen.digest() == fleet[0].digest()
    options = [f"--set={change}" for change in POOR]
    options += [f"--meters={METERS}", "--days=40", "--chunk=4"]
    arguments = command("run", study, "--out", tmp_path / "out", *options, "--workers=1")
    process = subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while len(list((tmp_path / "out").glob("chunk-*.parquet"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(list((tmp_path / "out").glob("chunk-*.parquet"))) < METERS // 4
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert same(fleet, results.Results(tmp_path / "out"))


def test_a_cluster_gives_the_same_when_a_worker_dies_and_ends_in_a_line_when_all_is_lost(
    fleet, tmp_path
):
    with cluster(2) as (scheduler, workers):
        address = scheduler.scheduler_address

        def kill(done):
            if done and workers[0].poll() is None:
                workers[0].kill()
                workers[0].wait()

        def lose(done):
            if done:
                scheduler.close()

        finished(fleet, tmp_path / "far", 5, scheduler=address, progress=kill)
        assert [worker.poll() for worker in workers] == [-signal.SIGKILL, None]
        with pytest.raises(BudgetmeterError, match=r"lost the scheduler .*; run it again to go on"):
            finished(fleet, tmp_path / "lost", 5, scheduler=address, progress=lose)
    finished(fleet, tmp_path / "here", 5)
    assert octets(tmp_path / "far") == octets(tmp_path / "here")
    assert 0 < len(list((tmp_path / "lost").glob("chunk-*.parquet"))) < METERS // 5
    finished(fleet, tmp_path / "lost", 5)
    assert octets(tmp_path / "lost") == octets(tmp_path / "here")


def test_a_worker_with_other_sources_is_refused(fleet):
    with pytest.raises(BudgetmeterError, match=r"a worker on .* has another budgetmeter"):
        run._far_job(fleet[1], "digest", "others", 0, 1)


def test_a_folder_of_another_run_is_refused(fleet, tmp_path):
    study, ready, _ = fleet
    run.open_folder(study, ready, tmp_path, 10)
    with pytest.raises(InputError, match="was begun with --chunk 10"):
        run.open_folder(study, ready, tmp_path, 20)
    other = small(tmp_path, CARD, METERS, 41)
    with pytest.raises(InputError, match="holds another run"):
        run.open_folder(other, engine.world(other), tmp_path, 10)
    manifest = tmp_path / run.MANIFEST
    manifest.write_text("{")
    with pytest.raises(InputError, match="not the manifest of a run"):
        run.open_folder(study, ready, tmp_path, 10)
    manifest.unlink()
    (tmp_path / "mine.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds Parquet files but no _fleet\.json"):
        run.open_folder(study, ready, tmp_path, 10)


def test_the_sources_and_the_data_are_part_of_the_fingerprint(fleet, monkeypatch):
    study, ready, _ = fleet
    known = run.fingerprint(study, ready)
    days = ready.tables.days.copy()
    days[0, 0] += 1
    assert run.fingerprint(study, ready._replace(tables=ready.tables._replace(days=days))) != known
    monkeypatch.setattr(engine, "source_digest", lambda: "others")
    assert run.fingerprint(study, ready) != known


def test_every_column_is_described(fleet, tmp_path):
    finished(fleet, tmp_path, METERS)
    text = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text("utf-8")
    for field in results.Results(tmp_path).table().schema:
        assert field.metadata[b"meaning"]
        assert f"`{field.name}`" in text, field.name
    assert json.loads((tmp_path / run.MANIFEST).read_text())["meters"] == METERS
