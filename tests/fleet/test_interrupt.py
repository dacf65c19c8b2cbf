"""Ctrl-C ends a run quietly: the workers, of the same group, never hear it."""

import json
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from budgetmeter.fleet import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def interrupted():
    """A worker gets Ctrl-C and lives on."""
    os.kill(os.getpid(), signal.SIGINT)
    return json.dumps("alive")


@pytest.mark.parametrize("deaf", [True, False])
def test_a_worker_started_inside_does_not_hear_it(deaf):
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        if deaf:
            with run._deaf():
                given = pool.submit(interrupted)
            assert given.result() == '"alive"'
        else:
            with pytest.raises(KeyboardInterrupt):
                pool.submit(interrupted).result()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask  # this process hears it again
