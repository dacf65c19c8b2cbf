"""Compiled code is kept where it can be, and does without where it cannot."""

import os
from pathlib import Path

import pytest
from budgetmeter.fleet import compiled, draws, engine, run


def test_code_is_kept_in_a_folder_of_its_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = engine.kept_in()
    assert folder == tmp_path / "budgetmeter" / engine.code_digest()[:16]
    kept = compiled.compile_function(draws.chance, (draws,), folder)
    assert Path(kept.stats.cache_path).parent == folder
    assert kept(0, 50) == 1
    assert list(folder.rglob("*.nbi"))


@pytest.mark.parametrize("cache", ["/dev/null", "/proc/nothing"])
def test_nothing_is_kept_without_a_folder_to_write(cache, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert engine.kept_in() is None


def test_nothing_is_kept_for_a_user_without_a_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert engine.kept_in() is None


def test_a_function_that_is_not_kept_runs():
    loose = compiled.compile_function(draws.chance, (draws,), None)
    assert loose.stats.cache_path is None
    assert loose(0, 50) == 1


@pytest.mark.parametrize(("folder", "times"), [("kept", 1), (None, 0)])
def test_code_is_compiled_ahead_of_the_workers_only_where_they_find_it(folder, times, monkeypatch):
    warmed = []
    monkeypatch.setattr(engine, "kept_in", lambda: folder)
    monkeypatch.setattr(engine, "warm", warmed.append)
    monkeypatch.setattr(run, "_pool", lambda fleet, ready, left, workers: iter([(0, b"")]))
    assert list(run._in_processes(None, None, [0], 2)) == [(0, b"")]
    assert len(warmed) == times
