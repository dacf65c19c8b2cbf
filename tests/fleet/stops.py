"""Runs and comparisons stopped at any second, by Ctrl-C and by kill -9, and begun again.

`make stops` stops each command some forty times. Ctrl-C ends it with status 130 and not a word, no
process is left, and what is finished in the end is octet for octet what an undisturbed command
makes. N=10 for fewer stops, SEED=n for others.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import LocalCluster

SIZE = ("--meters=400", "--days=60", "--chunk=10")
PAIR = ("wallonia-2020", "wallonia-2020-hold")
COMMANDS = {
    "one process": ("run", "flanders-6a", *SIZE, "--workers=1"),
    "processes": ("run", "flanders-6a", *SIZE, "--workers=2"),
    "a cluster": ("run", "flanders-6a", *SIZE),
    "a sweep": ("compare", *PAIR, *SIZE, "--sweep=hold_skip_pct=0,50", "--workers=1"),
    "a sweep by processes": ("compare", *PAIR, *SIZE, "--sweep=hold_skip_pct=0,50", "--workers=2"),
}
AGAIN = 20  # seconds after which a stopped command has to be gone


def command(arguments):
    return [str(Path(sys.executable).with_name("budgetmeter")), "fleet", *arguments, "--json"]


def octets(folder):
    """What stands in a folder, by the digests of its files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def alive(group):
    """Processes of a group that still run; what has ended and waits to be counted does not."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            found.append(path.parent.name)
    return found


def stopped(arguments, folder, number, enough):
    """Begin a command, send it a signal once `enough()`; its status.

    :raises AssertionError: when it says something, stays, or leaves a process behind
    """
    process = subprocess.Popen(
        command(arguments), cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while process.poll() is None and not enough():
        time.sleep(0.005)
    if process.poll() is None:
        os.killpg(process.pid, number)
    out, error = process.communicate(timeout=AGAIN)
    assert error == "", error
    if process.returncode == 0:
        return 0  # it was faster
    assert out == ""
    assert process.returncode in (-number, 130), process.returncode
    until = time.monotonic() + AGAIN
    while alive(process.pid):
        assert time.monotonic() < until, "a process is left behind"
        time.sleep(0.01)
    return process.returncode


def done(arguments, folder):
    """What a command prints that nobody stops, and the octets it leaves."""
    ended = subprocess.run(
        command(arguments), cwd=folder, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout, octets(folder)


@contextmanager
def cluster(workers):
    """A scheduler here, and workers on ports of their own that nobody starts again."""
    alone = {"n_workers": 0, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**alone) as scheduler, ExitStack() as stack:
        dask = [str(Path(sys.executable).with_name("dask")), "worker", scheduler.scheduler_address]
        options = ["--no-nanny", "--no-dashboard", "--nthreads=1"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started = [subprocess.Popen([*dask, *options], **quiet) for _ in range(workers)]
        for worker in started:
            stack.callback(worker.wait)
            stack.callback(worker.kill)
        while len(scheduler.scheduler_info["workers"]) < workers:
            assert all(worker.poll() is None for worker in started)
            time.sleep(0.05)
        yield scheduler, started


def campaign(name, arguments, stops, rng):
    """Stop one command at random moments, some of its files taken away in between; finish it."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        begin = time.monotonic()
        right = done(arguments, Path(one))
        takes = time.monotonic() - begin
        ends = dict.fromkeys((0, 130, -signal.SIGINT, -signal.SIGKILL), 0)
        for _ in range(stops):
            number = rng.choice((signal.SIGINT, signal.SIGKILL))
            until = time.monotonic() + rng.uniform(0, takes)
            ends[
                stopped(arguments, Path(other), number, lambda at=until: time.monotonic() > at)
            ] += 1
            for path in sorted(Path(other).rglob("chunk-*")):
                if rng.random() < 0.3:
                    path.unlink()
        assert done(arguments, Path(other)) == right
        print(f"{name}: {stops} stops, {ends}; the same octets and the same report", flush=True)


def main(stops, seed):
    rng = random.Random(seed)
    for name, arguments in COMMANDS.items():
        if name == "a cluster":
            with cluster(2) as (scheduler, _):
                far = f"--scheduler={scheduler.scheduler_address}"
                campaign(name, (*arguments, far), stops, rng)
        else:
            campaign(name, arguments, stops, rng)


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["40"])[0]), int((sys.argv[2:] or ["1"])[0]))
