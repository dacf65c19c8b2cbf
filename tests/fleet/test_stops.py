"""A sweep stopped by Ctrl-C, then by kill -9, each in the middle: the same figures in the end.

The slice of `make stops`.
"""

import signal

from tests.command import run
from tests.fleet.stops import PAIR, octets, stopped

SWEEP = ("compare", *PAIR, "--meters=40", "--days=20", "--chunk=4", "--workers=1",
         "--sweep=hold_skip_pct=0,50")  # fmt: skip


def test_a_sweep_goes_on_where_it_was_stopped(tmp_path):
    clean, cut = tmp_path / "clean", tmp_path / "cut"
    clean.mkdir()
    cut.mkdir()
    whole = 4 * 10  # two values, two policies, ten files each

    def files():
        return len(list(cut.rglob("chunk-*.parquet")))

    assert stopped(SWEEP, cut, signal.SIGINT, lambda: files() >= 3) == 130
    first = files()
    assert 3 <= first < whole
    assert stopped(SWEEP, cut, signal.SIGKILL, lambda: files() >= first + 12) == -signal.SIGKILL
    assert first + 12 <= files() < whole
    ends = [run("fleet", *SWEEP, "--json", cwd=folder) for folder in (cut, clean)]
    assert [(end.status, end.error) for end in ends] == [(0, "")] * 2
    assert ends[0].said == ends[1].said
    assert octets(cut) == octets(clean)
