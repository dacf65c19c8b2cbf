"""`budgetmeter emulate` as a process: ready when it says so, stopped or killed."""

import json
import signal
import subprocess
from contextlib import contextmanager

from tests.command import BUDGETMETER


class Emulated:
    """The command with arguments; a context manager that ends it.

    :ivar urls: of its ports, by meter number
    :ivar p1: of its P1 ports
    :ivar dlms: of its DLMS ports
    """

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [BUDGETMETER, "emulate", "--json", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.urls, self.p1, self.dlms = {}, {}, {}
        count = 1
        if "--count" in arguments:
            count = int(arguments[arguments.index("--count") + 1])
        if "--gas" in arguments:
            count *= 2
        for _ in range(count):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            told = json.loads(line)
            self.urls[told["meter"]] = told["url"]
            if "p1" in told:
                self.p1[told["meter"]] = told["p1"]
            if "dlms" in told:
                self.dlms[told["meter"]] = told["dlms"]

    @property
    def url(self):
        """Of the first meter."""
        return next(iter(self.urls.values()))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end(signal.SIGKILL)

    def end(self, number):
        """Send a signal; the exit status and what was said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextmanager
def bridged(*arguments):
    """A command that serves a meter at a URL, as a process; and the URL it prints."""
    process = subprocess.Popen(
        [BUDGETMETER, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=60)
