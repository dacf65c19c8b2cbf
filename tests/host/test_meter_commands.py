"""The verbs that talk to a meter: what they print, on a terminal and into a pipe."""

import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from tests.emulate.process import BUDGETMETER, Emulated


def budgetmeter(*arguments, said=""):
    return subprocess.run(
        [BUDGETMETER, *arguments],
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_each_reading_as_text_and_as_json():
    with Emulated("--watts", "0") as emulated:
        status = budgetmeter("status", emulated.url).stdout
        assert "balance                 15.00000" in status
        assert "what the customer sees" in status
        assert (
            json.loads(budgetmeter("status", emulated.url, "--json").stdout)["credit"] == "15.00000"
        )
        assert "credited                15.00000" in budgetmeter("registers", emulated.url).stdout
        registers = json.loads(budgetmeter("registers", emulated.url, "--json").stdout)
        assert (registers["energy_wh"], registers["credited"]) == (0, "15.00000")
        assert "state-new" in budgetmeter("events", emulated.url).stdout
        (event,) = budgetmeter("events", emulated.url, "--json").stdout.splitlines()
        assert json.loads(event)["code"] == "state-new"
        assert budgetmeter("events", emulated.url, "--first", "1").stdout == ""


@pytest.mark.parametrize("verb", ["status", "registers"])
def test_watching_reads_again_and_again(verb):
    watch = [BUDGETMETER, verb, "loop", "--json", "--watch", "--every", "0.05"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(5)]
        process.terminate()
    assert (
        len({json.loads(line)["energy_wh" if verb == "registers" else "credit"] for line in lines})
        == 1
    )


def test_watching_events_shows_what_comes():
    with Emulated("--watts", "9000", "--speed", "20000") as emulated:
        watch = [BUDGETMETER, "events", emulated.url, "--json", "--watch", "--every", "0.05"]
        with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as process:
            numbers = [json.loads(process.stdout.readline())["number"] for _ in range(3)]
            process.terminate()
    assert numbers == [0, 1, 2]


@pytest.mark.parametrize("verb", ["status", "events"])
def test_watching_comes_back_after_a_lost_line(verb):
    with Emulated("--watts", "9000", "--speed", "20000") as emulated:
        url = emulated.url
        watch = [BUDGETMETER, verb, url, "--json", "--watch", "--every", "0.05"]
        process = subprocess.Popen(watch, stdout=-1, stderr=-1, text=True)
        assert json.loads(process.stdout.readline())
        emulated.end(signal.SIGTERM)
    with process:
        assert process.stderr.readline().endswith("; trying again\n")  # once
        before = ["--watts", "9000", "--speed", "20000", "--tcp", url.rpartition(":")[2]]
        with Emulated(*before):
            while not process.stdout.readline():
                assert process.poll() is None
            process.terminate()
            assert process.stderr.read() == ""


def test_a_meter_that_is_not_there_at_first_is_an_error():
    done = budgetmeter("status", "socket://127.0.0.1:1", "--watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "budgetmeter: socket://127.0.0.1:1: Connection refused\n"


def test_the_console_from_a_pipe():
    done = budgetmeter("console", "loop", said="version\n\nhello\nregisters\nquit\nstatus\n")
    assert done.returncode == 1  # one command was answered with an error
    lines = done.stdout.splitlines()
    assert lines[0] == "meter 100000001"
    assert "error unknown command; try help" in lines
    assert "energy 0.000 kWh" in lines
    refused = budgetmeter("console", "loop", said="token 1234\nprofile\n").stdout.splitlines()
    assert "error the check of the typed text does not fit (reason 2)" in refused
    assert {"price 0.25 EUR/kWh", "window_from 16:00"} <= set(refused)
    assert not any(line.startswith("balance") for line in lines)
    assert "\x1b" not in done.stdout
    assert budgetmeter("console", "loop", said="version\n").returncode == 0
    for hostile in ("a~b\n", "\x03\n", "\xe9\n", "x" * 200 + "\n"):
        done = budgetmeter("console", "loop", said=hostile)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, folder, *arguments):
        environment = {**os.environ, "TERM": "xterm", "XDG_STATE_HOME": str(folder)}
        self.shown = ""  # and not yet asked for
        self.process, self.fd = pty.fork()
        if self.process == 0:
            os.execve(BUDGETMETER, [BUDGETMETER, *arguments], environment)

    def until(self, text):
        """What is shown next, up to a text."""
        while text not in self.shown:
            assert select.select([self.fd], [], [], 30)[0], self.shown
            self.shown += os.read(self.fd, 4096).decode()
        seen, text, self.shown = self.shown.partition(text)
        return seen + text

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """Its exit status, after what it still shows."""
        try:
            while select.select([self.fd], [], [], 30)[0] and os.read(self.fd, 4096):
                pass
        except OSError:
            pass  # the terminal is closed
        for _ in range(3000):  # at most half a minute; a hanging command fails the test
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.process, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_the_console_on_a_terminal_edits_completes_and_remembers(tmp_path):
    terminal = Terminal(tmp_path, "console", "loop")
    assert "meter 100000001 on loop" in terminal.until("> ")
    terminal.type("vers\t\n")
    assert "\x1b[32mok" in terminal.until("ok")
    terminal.until("> ")
    terminal.type("helo\x7fp\n")  # mistyped and mended
    terminal.until("> ")
    terminal.type("a~b\n")
    assert "printable ASCII" in terminal.until("without ~")
    terminal.until("> ")  # a Ctrl-D typed before is lost as the line editor takes over
    terminal.type("\x04")
    assert terminal.end() == 0
    history = (tmp_path / "budgetmeter" / "history").read_text()
    assert history.splitlines()[0].strip() == "version"
    again = Terminal(tmp_path, "console", "loop")
    again.until("> ")
    again.type("\x1b[A\x1b[A\x1b[A\n")  # three lines up
    assert "firmware" in again.until("ok")
    again.until("> ")
    again.type("quit\n")
    assert again.end() == 0
