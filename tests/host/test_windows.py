"""What runs on Windows too: everything but pseudo-terminals, in a Python that lacks what it lacks.

Each command is a process in which the modules of Unix are missing and `os` behaves as it does on
Windows where that matters: no file that is open is moved, no folder is opened, no socket is read
by its descriptor. The library of locks then takes a file in place of a lock of the system.
"""

import json
import os
import signal
import subprocess
import sys

import pytest
from budgetmeter.client import Meter
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.issue import Issuer
from budgetmeter.office import keys
from budgetmeter.testing import Vending

WINDOWS = """
import os, stat, sys, warnings
for name in "fcntl grp pty pwd readline resource termios tty".split():
    sys.modules[name] = None
for name in "fork getegid geteuid getgid getuid killpg openpty set_blocking ttyname".split():
    delattr(os, name)
del os.O_DIRECTORY
warnings.filterwarnings("ignore", "only soft file lock is available")


def instead(name, refuses):
    real = getattr(os, name)

    def call(what, *more, **named):
        if refuses(what):
            raise PermissionError(13, "Permission denied", str(what))
        return real(what, *more, **named)

    setattr(os, name, call)


def is_open(path):
    opened = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return os.path.realpath(path) in map(os.path.realpath, opened)


def is_socket(fd):
    return stat.S_ISSOCK(os.fstat(fd).st_mode)


instead("open", os.path.isdir)
instead("replace", is_open)
instead("read", is_socket)
instead("write", is_socket)
from budgetmeter.__main__ import main
sys.argv[0] = "budgetmeter"
main()
"""
NAMES = ("LNAME", "LOGNAME", "USER", "USERNAME")
NAMELESS = {name: value for name, value in os.environ.items() if name not in NAMES}


@pytest.fixture
def started(tmp_path):
    """Starts commands there, in a folder of their own; ends those that still run."""
    running = []

    def start(*arguments):
        command = [sys.executable, "-c", WINDOWS, *map(str, arguments)]
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, cwd=tmp_path, env=NAMELESS, **said))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def run(started):
    """Runs a command there to its end: what it printed."""

    def ended(*arguments):
        process = started(*arguments)
        said, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        return said

    return ended


def test_the_version(run):
    assert run("--version").startswith("budgetmeter ")


def test_a_day_of_a_household(run):
    assert json.loads(run("run", "--days", "1", "--json"))["conservation"]["exact"] is True


def test_a_meter_on_a_port_answers_is_stopped_and_goes_on(started, run, tmp_path):
    arguments = ("emulate", "--json", "--state", "state")
    token = Vending(Issuer(METER, VENDING_KEY, derive=True)).top_up("20.00")
    for balance in ("15.00000", "35.00000"):
        emulated = started(*arguments)
        url = json.loads(emulated.stdout.readline())["url"]
        assert json.loads(run("status", url, "--json"))["balance"] == balance
        if balance == "15.00000":
            with Meter(url) as meter:
                meter.enter(token.octets)
        second = started(*arguments)
        assert second.communicate(timeout=60)[1] == (
            f"budgetmeter: state: process {emulated.pid} (emulate) has it\n"
        )
        assert second.returncode == 2
        emulated.send_signal(signal.SIGINT)
        assert emulated.communicate(timeout=60) == ("", "")
        assert emulated.returncode == 0
    assert (tmp_path / "state" / f"{METER:09d}" / "identity").exists()


def test_an_office_its_card_and_a_meter_in_a_folder(run):
    run("office", "init")
    run("office", "add-meter", "123456789", "--profile", "wallonia-card")
    run("office", "new-key")
    run("card", "new", "a.card", "--meter", "123456789")
    run("terminal", "exchange", "a.card", "--pay", "20.00")
    seen = json.loads(run("card", "insert", "a.card", "--meter-dir", "m", "--json"))
    assert (seen["told"], seen["balance"]) == ("good", "35.00000")
    assert "somebody" in run("office", "log")


def test_a_pseudo_terminal_is_refused_in_one_line(started):
    process = started("emulate", "--pty")
    said = process.communicate(timeout=60)
    assert said == ("", "budgetmeter: this system has no pseudo-terminals: use --tcp\n")
    assert process.returncode == 2


def test_where_modes_tell_nothing_a_key_file_is_taken(tmp_path, monkeypatch):
    made = keys.KeyFile.create(tmp_path / "vending.key")
    made.path.chmod(0o666)  # as Windows says of every file
    monkeypatch.setattr(keys, "MODES_TELL", False)
    assert keys.KeyFile(made.path).latest == 1


def test_the_double_of_windows_refuses_what_windows_refuses(tmp_path):
    """Else the tests above would prove nothing."""
    program = WINDOWS.partition("from budgetmeter")[0] + (
        "def refused(call, *arguments):\n"
        "    try:\n"
        "        call(*arguments)\n"
        "    except PermissionError:\n"
        "        return True\n"
        "import socket\n"
        "open('a', 'w').close()\n"
        "print(refused(os.open, '.', os.O_RDONLY))\n"
        "with open('a'): print(refused(os.replace, 'a', 'b'))\n"
        "one, other = socket.socketpair()\n"
        "print(refused(os.write, one.fileno(), b'x'))\n"
        "print(hasattr(os, 'getuid'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True", "True", "False"]


def test_a_meter_of_there_is_a_meter_of_here(started):
    with_status = started("emulate", "--json")
    with Meter(json.loads(with_status.stdout.readline())["url"]) as meter:
        assert meter.identify().profile == "wallonia-card"
