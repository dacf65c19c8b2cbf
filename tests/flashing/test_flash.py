"""`budgetmeter flash` against a real MicroPython REPL, driven by the real mpremote."""

import contextlib
import http.server
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
from hashlib import sha256
from pathlib import Path

import meterfw
import pytest
import serial
from budgetmeter import identity, orders, profiles
from budgetmeter.cli import flash as command
from budgetmeter.client import LineError
from budgetmeter.errors import InputError
from budgetmeter.flashing import flash, port, remote, sources
from budgetmeter.issue import Issuer
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from budgetmeter.spoken import words_file
from meterproto import stored, tokens
from meterproto.codes import Kind

from tests.firmware.support import mc
from tests.flashing.board import Board

METER = 123_456_789
SHIPPED = Path(profiles.__file__).parent
COMMAND = Path(sys.executable).with_name("budgetmeter")
DRIVER = b"class SSD1306_I2C:\n    def __init__(self, *_):\n        raise OSError(19)\n"
ANSWER_S = 60  # slow machines


@pytest.fixture
def keys(tmp_path):
    return KeyFile.create(tmp_path / "vending.key")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What belongs on an RP2040, by name."""
    kind = sources.board("rp2040")
    paths = sources.build(kind, tmp_path_factory.mktemp("compiled"))
    return {name: path.read_bytes() for name, path in paths.items()}


@pytest.fixture
def flashed(tmp_path, keys, compiled):
    """The flash of a board that is a meter, display driver and all, never started."""
    key = keys.meter_key(METER, 1)
    meter = identity.flashed(METER, 1, key, profiles.load("wallonia-card"))
    files = {**compiled, **meter, **words_file()}
    return write(tmp_path / "flash", {**files, "lib/ssd1306.py": DRIVER})


def write(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def files_of(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def arguments(plugged, keys, **changes):
    """Arguments of the command for a board, some changed."""
    given = {
        "board": "rp2040",
        "port": plugged.port,
        "serial": METER,
        "profile": "wallonia-card",
        "key": keys.path,
        **changes,
    }
    return [str(COMMAND), "flash", *(f"--{name}={value}" for name, value in given.items())]


def run(command, **more):
    """Run a command of the command line."""
    more = {"stdin": subprocess.DEVNULL, **more}
    return subprocess.run(
        [*command], capture_output=True, text=True, timeout=300, check=False, **more
    )


def run_flash(plugged, keys, *flags, **changes):
    """Flash a board; the report of what was done."""
    done = run([*arguments(plugged, keys, **changes), "--json", *flags])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done):
    """The one line of a command that did not do it."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line.removeprefix("budgetmeter: ")


def console(board, line):
    """The lines the meter answers on its console; the last is `ok` or an error."""
    port.identify(str(board.port))  # waits for it
    with contextlib.closing(serial.Serial(str(board.port), timeout=ANSWER_S)) as link:
        link.write(b"\r" + line.encode() + b"\r")
        lines = []
        while not lines or lines[-1].split()[0] not in ("ok", "error"):
            line = link.readline().rpartition(b"~")[2]  # behind answers to earlier questions
            lines.append(line.decode().strip())
            assert lines[-1], "the meter does not answer"
        return lines


def wait_for_free(name):
    """Until a process that was killed has let go of a port."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            return port.check(str(name))
        except LineError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def account(board):
    """Balance and registers of the meter."""
    status = [line for line in console(board, "status") if line.startswith(("balance", "credit"))]
    return status + console(board, "registers")


# ---- A blank board -----------------------------------------------------------------------------


@pytest.fixture
def index():
    """A package index with a display driver; its address."""
    digest = sha256(DRIVER).hexdigest()
    served = {
        "/package/6/ssd1306/latest.json": json.dumps({"hashes": [["ssd1306.py", digest[:8]]]}),
        f"/file/{digest[:2]}/{digest[:8]}": DRIVER.decode(),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = served.get(self.path)
            self.send_response(404 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_):
            """Not to standard error."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_blank_board_becomes_a_meter_and_the_second_run_copies_nothing(
    tmp_path, keys, compiled, index
):
    with Board(tmp_path / "flash") as board:
        first = run(arguments(board, keys, index=index))
        assert first.returncode == 0, first.stderr
        assert first.stderr == ""
        assert f"{METER} runs on rp2040: wallonia-card, firmware {meterfw.VERSION}" in first.stdout
        assert f"office flashed {METER} --revision 1 --profile wallonia-card" in first.stdout
        assert f"meter {METER}" in console(board, "version")
        before = account(board)
        again = run_flash(board, keys, index=index)
        assert account(board) == before
    assert again["copied"] == again["removed"] == []
    assert again["unchanged"] == len(compiled) + 3
    assert (again["meter"], again["account"], again["key_revision"]) == (METER, "kept", 1)
    files = files_of(tmp_path / "flash")
    flashed = identity.flashed(METER, 1, keys.meter_key(METER, 1), profiles.load("wallonia-card"))
    for name, data in {**compiled, **flashed, **words_file(), "lib/ssd1306.py": DRIVER}.items():
        assert files.pop(name) == data, name
    assert set(files) == {"store.0", "store.1", "begun"}


def test_an_esp32_becomes_a_meter(tmp_path, keys, flashed):
    """The modules are there already, those of the board are not."""
    for name in ("board.mpy", "main.py", "identity", "profile", "words"):
        (flashed / name).unlink()
    with Board(flashed, "esp32") as board:
        own = keys.path.with_name("à soi, pour la maison de campagne.toml")  # not ASCII, and long
        shutil.copyfile(SHIPPED / "wallonia-gas.toml", own)
        told = run_flash(board, keys, board="esp32", profile=own, serial=7)
        version = console(board, "version")
        assert version[0] == "meter 000000007"
        assert "profile ? soi, pour la maison de" in version
    assert set(told["copied"]) == {"board.mpy", "main.py", "identity", "profile", "words"}


# ---- A meter -----------------------------------------------------------------------------------


def test_flashing_again_keeps_the_account_and_mends_the_modules(keys, flashed):
    stale = {"meterfw/text.mpy": b"M", "rig/relay.py": b"1/0", "board.py": b"1/0"}
    office = Issuer(METER, keys.meter_key(METER, 1))
    with Board(flashed) as board:
        typed = tokens.to_text(office.token(Kind.TOP_UP, mc(20)))
        assert console(board, f"token {typed}")[-1] == "ok"
        before = account(board)
    write(flashed, {**stale, "mine.txt": b"mine", "meterfw/meter.mpy": b"of another release"})
    (flashed / "board.mpy").unlink()
    (flashed / "main.py").unlink()  # or it would not start
    with Board(flashed) as board:
        told = run_flash(board, keys, profile="wallonia-digital")
        assert account(board) == before
        assert "profile wallonia-digital" in console(board, "version")
        assert console(board, f"token {typed}")[-1] == "error taken before (reason 35)"
    assert set(told["removed"]) == set(stale)
    changed = {"meterfw/meter.mpy", "board.mpy", "main.py", "identity", "profile"}
    assert set(told["copied"]) == changed
    assert told["account"] == "kept"
    files = files_of(flashed)
    assert not set(stale) & set(files)
    assert files["mine.txt"] == b"mine"


def test_a_key_change_outlives_the_flash(keys, flashed):
    """The identity keeps the key it was flashed with, the account the key in force."""
    office = Issuer(METER, keys.meter_key(METER, 1))
    keys.add_revision()
    with Board(flashed) as board:
        token = office.change_key(keys.meter_key(METER, 2))
        assert console(board, f"token {tokens.to_text(token)}")[-1] == "ok"
        told = run_flash(board, keys)
        assert (told["copied"], told["key_revision"]) == ([], 2)
        typed = tokens.to_text(office.token(Kind.TOP_UP, mc(5)))
        assert console(board, f"token {typed}")[-1] == "ok"


def test_a_flash_cut_short_is_mended_by_the_next(keys, flashed, compiled):
    with Board(flashed) as board:
        before = account(board)
    for name in ("board.mpy", "meterfw/meter.mpy"):
        (flashed / name).write_bytes(b"old")
    (flashed / "main.py").write_bytes(b"raise SystemExit\n")
    with Board(flashed) as board:
        cut_short(board, arguments(board, keys), b"open('meterfw/meter.mpy','wb')")
        port.leave(str(board.port))
        files = files_of(flashed)
        assert files["board.mpy"] == compiled["board.mpy"]
        assert files["meterfw/meter.mpy"] in (b"old", b"")
        assert "main.py" not in files  # it would start half old, half new
        told = run_flash(board, keys)
        assert account(board) == before
    assert "meterfw/meter.mpy" in told["copied"]
    assert "board.mpy" not in told["copied"]
    files = files_of(flashed)
    assert {name: files[name] for name in compiled} == compiled
    assert not [name for name in files if name.endswith(".new")]


def test_a_meter_outlives_what_its_bridge_held_of_earlier_starts(flashed):
    with Board(flashed, collecting=True) as board:
        for _ in range(3):
            assert console(board, "version")[0] == f"meter {METER}"
            port.leave(str(board.port))
            remote.Remote(str(board.port)).restart()
        assert console(board, "version")[0] == f"meter {METER}"


def cut_short(board, command, octets):
    """Run a command, and kill it and its mpremote as the board receives these octets."""
    cut = board.expect(octets)
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **nowhere)
    assert cut.wait(ANSWER_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_for_free(board.port)


# ---- Boards of earlier releases ----------------------------------------------------------------

FLAT = ("calendar", "console", "crypto", "display", "fcs", "files", "journal", "layouts", "link")
PARTS = ("__init__", "at24c", "beeper", "board", "button", "port", "pzem", "relay", "wiring")
LINKED = ["meterfw/meter.mpy"]  # the whole firmware in one file, the parts in board.mpy
PLAIN = [
    *(f"meterfw/{name}.mpy" for name in (*FLAT, "__init__", "meter", "card")),
    *(f"rig/{name}.mpy" for name in PARTS),
]


@pytest.mark.parametrize("layout", [LINKED, PLAIN], ids=["linked", "plain"])
def test_a_board_of_an_earlier_release_becomes_one_of_this(keys, flashed, compiled, layout):
    """Cut short in the middle first: it starts into its REPL then, and the next run mends it."""
    with Board(flashed) as board:
        before = account(board)
    for name in compiled:
        (flashed / name).unlink()
    for folder in sorted(flashed.glob("**/"), reverse=True):
        if folder.name not in ("lib", flashed.name):
            folder.rmdir()
    write(flashed, dict.fromkeys((*layout, "board.mpy"), b"M of an earlier release"))
    write(flashed, {"main.py": b"raise SystemExit\n"})
    with Board(flashed) as board:
        cut_short(board, arguments(board, keys), b"open('meterfw/store/journal.mpy','wb')")
        port.leave(str(board.port))
        assert "main.py" not in files_of(flashed)
        told = run_flash(board, keys)
        assert account(board) == before
    assert told["account"] == "kept"
    files = files_of(flashed)
    assert {name: files.pop(name) for name in compiled} == compiled
    assert not [name for name in files if "/" in name and name != "lib/ssd1306.py"]
    assert sorted(path.name for path in flashed.iterdir() if path.is_dir()) == [
        "lib",
        "meterfw",
        "parts",
    ]


# ---- Factory -----------------------------------------------------------------------------------


def test_factory_asks_erases_and_begins_with_a_newer_key(tmp_path, keys, flashed):
    office = Office(f"sqlite:///{tmp_path}/vending.db", keys)
    office.add_meter(METER, "wallonia-card")
    top_up = orders.read("top-up", {"amount": "20.00"})
    first, second = office.issue(METER, top_up), office.issue(METER, top_up)
    with Board(flashed) as board:
        new = account(board)
        assert console(board, f"token {first.text}")[-1] == "ok"
        before = account(board)
        assert before != new
        assert "none above it; make one with: budgetmeter office new-key" in refused(
            run([*arguments(board, keys), "--factory", "--yes"])
        )
        keys.add_revision()
        assert "say --yes in a script" in refused(run([*arguments(board, keys), "--factory"]))
        master, slave = pty.openpty()
        os.write(master, b"n\n")
        declined = run([*arguments(board, keys), "--factory"], stdin=slave)
        os.close(master)
        os.close(slave)
        assert f"Erase account, registers and event log of meter {METER} on" in declined.stderr
        assert declined.stderr.endswith("budgetmeter: nothing was changed\n")
        assert declined.returncode == 2
        assert account(board) == before  # and it runs
        told = run_flash(board, keys, "--factory", "--yes")
        assert (told["account"], told["key_revision"]) == ("erased", 2)
        assert account(board) == new
        # The office follows: what it issued before is dead, what it issues now is taken.
        refusal = console(board, f"token {second.text}")[-1]
        assert refusal == "error key revision unknown (reason 16)"
        office.flashed(METER, 2, "wallonia-card")
        assert console(board, f"token {office.issue(METER, top_up).text}")[-1] == "ok"
    flashed_with = stored.Identity.parse((flashed / "identity").read_bytes())
    assert flashed_with.key_revision == 2
    office.engine.dispose()


def test_factory_that_is_cut_short_has_erased_nothing(keys, flashed):
    office = Issuer(METER, keys.meter_key(METER, 1))
    keys.add_revision()
    with Board(flashed) as board:
        typed = tokens.to_text(office.token(Kind.TOP_UP, mc(20)))
        assert console(board, f"token {typed}")[-1] == "ok"
        before = account(board)
        command = [*arguments(board, keys), "--factory", "--yes"]
        cut_short(board, command, b"open('identity.new','wb')")
        told = run_flash(board, keys)
        assert (told["account"], told["key_revision"]) == ("kept", 1)
        assert account(board) == before
    assert not [name for name in files_of(flashed) if name.endswith(".new")]


# ---- What cannot be done -----------------------------------------------------------------------


class Quiet:
    """A user who agrees to nothing, and keeps the warnings."""

    def __init__(self):
        self.warnings = []

    def confirm(self, question):
        return False

    def warn(self, text):
        self.warnings.append(text)

    def doing(self, what, done=0, total=None):
        pass


def attempt(board, keys, serial=METER, profile="wallonia-card", index=""):
    """Flash from within; what the user was warned of."""
    user = Quiet()
    wanted = flash.Wanted(sources.board("rp2040"), serial, profiles.load(profile), keys)
    flash.flash(str(board.port), wanted, user, index)
    return user.warnings


OTHER_PLATFORM = "the board is no rp2040, it is: Generic ESP32 module with ESP32; try --board esp32"
WILL_NOT_DO = {
    "wrong-board": ("esp32", {}, {}, OTHER_PLATFORM),
    "too-old": ("rp2", {"release": [1, 18, 0], "mpy": 5}, {}, "MicroPython 1.18.0 on the board is"),
    "too-new": ("rp2", {"mpy": 7}, {}, "is too new: it loads .mpy files of version 7, not 6"),
    "lacks": ("rp2", {"lacks": ["StateMachine"]}, {}, "on the board has no rp2.StateMachine"),
    "full": (
        "rp2",
        {"room": 0},
        {"profile": "wallonia-gas"},
        "the flash of the board is full: 8 KiB",
    ),
    "another-meter": ("rp2", {}, {"serial": 5}, f"has the account of meter {METER}; --factory"),
    "other-keys": ("rp2", {}, {"keys": "other.key"}, "was flashed with other vending keys than"),
}


@pytest.mark.parametrize("case", WILL_NOT_DO)
def test_a_board_that_will_not_do_goes_on_as_it_was(tmp_path, keys, flashed, case):
    platform, options, asked, said = WILL_NOT_DO[case]
    if "keys" in asked:
        asked = {"keys": KeyFile.create(tmp_path / asked["keys"])}
    flashed_with = files_of(flashed)
    with Board(flashed, platform, **options) as board:
        with pytest.raises(InputError) as raised:
            attempt(board, **{"keys": keys, **asked})
        if case not in ("wrong-board", "lacks"):  # those could not run before
            assert console(board, "version")[0] == f"meter {METER}"
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    files = files_of(flashed)
    assert {name: files[name] for name in flashed_with} == flashed_with
    assert set(files) - set(flashed_with) <= {"store.0", "store.1", "begun"}


def test_a_meter_that_has_left_when_the_user_gives_up_runs_again(keys, flashed, monkeypatch):
    leave = port.leave

    def give_up(device):
        leave(device)
        raise KeyboardInterrupt

    monkeypatch.setattr(port, "leave", give_up)
    with Board(flashed) as board:
        with pytest.raises(KeyboardInterrupt):
            attempt(board, keys)
        assert console(board, "version")[0] == f"meter {METER}"


def test_another_release_and_a_missing_driver_are_warnings(keys, flashed):
    (flashed / "lib/ssd1306.py").unlink()
    with Board(flashed, release=[1, 26, 1]) as board:
        other, driver = attempt(board, keys, index="http://127.0.0.1:9")
        assert console(board, "version")[0] == f"meter {METER}"
    assert other == "MicroPython 1.26.1 on the board; tested with 1.27"
    assert driver.startswith("no driver ssd1306 for a display, the meter runs without it: ")
    assert "\n" not in driver


def test_a_board_that_restarts_into_its_repl_is_told(keys, flashed):
    with Board(flashed, safe_boot=True) as board, pytest.raises(InputError) as raised:
        attempt(board, keys)
    assert "restarted into its REPL; is the safe-boot pin held low?" in str(raised.value)


def test_what_the_meter_says_is_compared(keys, flashed, monkeypatch):
    """A module that is not the one that answers: here, another version on the host."""
    monkeypatch.setattr(meterfw, "VERSION", "9.9.9")
    with Board(flashed) as board, pytest.raises(InputError) as raised:
        attempt(board, keys)
    assert "the meter says firmware 0.1.0, not 9.9.9" in str(raised.value)


def port_that_says(text):
    """A serial port where something answers every line so; its name."""
    return port_of(lambda heard: text)


@contextlib.contextmanager
def port_of(answer):
    """A serial port where something answers what it hears; its name."""
    master, slave = pty.openpty()
    tty.setraw(slave)

    def serve():
        with contextlib.suppress(OSError):
            while heard := os.read(master, 4096):
                os.write(master, answer(heard))

    thread = threading.Thread(target=serve)
    thread.start()
    yield os.ttyname(slave)
    os.close(slave)
    thread.join()
    os.close(master)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "nothing answers; is MicroPython on the board?"),
        (b"AT\r\nERROR\r\n", "nothing answers; is MicroPython on the board?"),
        (b"error not plain text\r\n", "does not leave to its REPL; hold its safe-boot pin low"),
    ],
)
def test_a_board_that_does_not_answer(monkeypatch, answer, said):
    monkeypatch.setattr(port, "ANSWER_S", 0.5)
    monkeypatch.setattr(port, "ASK_S", 0.1)
    with port_that_says(answer) as name, pytest.raises(InputError) as raised:
        port.leave(name)
    assert said in str(raised.value)


class SlowRepl:
    """A REPL behind a chip of its own: what it runs takes a while, and Ctrl-C interrupts it.

    :ivar restarts: how often it has restarted
    """

    RUNS_S = 0.2  # a file written, then the reset

    def __init__(self):
        self.restarts = 0
        self._left = False
        self._resets = None  # when it does

    def answer(self, heard):
        if self._resets is not None and time.monotonic() >= self._resets:
            self.restarts += 1
            self._left = False
        if b"\x03" in heard:
            self._resets = None
        if b"machine.reset()" in heard:
            self._left, self._resets = True, time.monotonic() + self.RUNS_S
        number = re.search(rb"\((\d+),'_left'in dir\(\)\)", heard)
        return b"" if number is None else b"(%s, %s)\r\n>>> " % (number[1], self._told())

    def _told(self):
        return str(self._left).encode()


def test_a_repl_is_not_interrupted_as_it_leaves():
    repl = SlowRepl()
    with port_of(repl.answer) as name:
        port.leave(name)
    assert repl.restarts == 1


def test_a_repl_that_does_not_restart_is_told(monkeypatch):
    monkeypatch.setattr(port, "ANSWER_S", 0.5)
    monkeypatch.setattr(port, "ASK_S", 0.1)
    monkeypatch.setattr(SlowRepl, "RUNS_S", 60)
    with port_of(SlowRepl().answer) as name, pytest.raises(InputError) as raised:
        port.leave(name)
    assert "the board there does not leave to its REPL" in str(raised.value)


def test_a_board_that_restarts_by_itself_leaves_all_the_same(flashed):
    with Board(flashed) as board:
        console(board, "version")
        port.leave(str(board.port))
        with serial.Serial(str(board.port)) as link:
            link.write(b"import time,machine;time.sleep_ms(500);machine.reset()\r")
        port.leave(str(board.port))
        remote.Remote(str(board.port)).restart()
        assert console(board, "version")[0] == f"meter {METER}"


def test_a_port_that_goes_away_for_good(monkeypatch, tmp_path):
    monkeypatch.setattr(port, "ANSWER_S", 0.2)
    name = tmp_path / "port"
    with pytest.raises(LineError) as raised:
        port.leave(str(name))
    assert str(raised.value) == f"no port {name}; is it plugged in?"


def test_a_cable_pulled_out_after_the_meter_has_left(keys, flashed, monkeypatch):
    monkeypatch.setattr(port, "PATIENCE_S", 0.5)
    leave = port.leave

    def pull_out(device):
        leave(device)
        Path(device).rename(f"{device}.out")

    monkeypatch.setattr(port, "leave", pull_out)
    with Board(flashed) as board:
        with pytest.raises(InputError) as raised:
            attempt(board, keys)
        monkeypatch.setattr(port, "leave", leave)
        Path(f"{board.port}.out").rename(board.port)
        attempt(board, keys)  # the same again
        assert console(board, "version")[0] == f"meter {METER}"
    assert str(raised.value) == f"no port {board.port}; is it plugged in?; {port.OPEN}"


def test_a_cable_pulled_out_while_the_meter_leaves(monkeypatch, tmp_path):
    monkeypatch.setattr(port, "ANSWER_S", 1)
    monkeypatch.setattr(port, "ASK_S", 0.1)
    plugged = tmp_path / "port"

    def answer(heard):
        if b"repl" in heard:
            plugged.unlink(missing_ok=True)
        return b"error not plain text\r\n"

    with port_of(answer) as name:
        plugged.symlink_to(name)
        with pytest.raises(InputError) as raised:
            port.leave(str(plugged))
    assert str(raised.value) == f"no port {plugged}; is it plugged in?; {port.OPEN}"


def test_another_program_takes_the_port_under_the_hands_of_mpremote(monkeypatch):
    """The port was free a moment before: mpremote has done nothing, and is run again."""
    with port_of(lambda heard: b"") as name:
        taken = serial.Serial(name, exclusive=True)
        looks = []

        def see(device):
            looks.append(device)
            if len(looks) == 2:
                taken.close()

        monkeypatch.setattr(port, "wait", see)
        monkeypatch.setattr(remote, "STALLED_S", 1)
        with pytest.raises(InputError) as raised:
            remote.Remote(name).inspect(sources.board("rp2040"))
    assert looks == [name, name]
    assert str(raised.value) == f"{name}: the board stopped answering"


@pytest.mark.parametrize("chip", [True, False])
def test_the_token_that_sets_a_clock_is_named(keys, flashed, chip):
    with Board(flashed, chip=chip) as board:
        done = run(arguments(board, keys))
        assert done.returncode == 0, done.stderr
        assert ("the meter is not sure of its time" in done.stdout) is not chip
        if not chip:
            (line,) = [line for line in done.stdout.splitlines() if "not sure" in line]
            hint = line.partition("it: budgetmeter ")[2].split()
            assert hint[:5] == ["token", "issue", "clock", "--meter", str(METER)]


def test_a_console_that_sends_a_board_to_its_repl_ends(flashed):
    with Board(flashed) as board:
        console(board, "version")
        done = run([COMMAND, "console", str(board.port)], stdin=None, input="version\nrepl\nhelp\n")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(
            "leaves to its REPL with supply open; the connection ends here\n"
        )
        remote.Remote(str(board.port)).restart()
        assert console(board, "version")[0] == f"meter {METER}"


def test_a_board_that_falls_silent(monkeypatch):
    monkeypatch.setattr(remote, "STALLED_S", 1)
    with port_that_says(b"") as name, pytest.raises(InputError) as raised:
        remote.Remote(name).inspect(sources.board("rp2040"))
    assert str(raised.value) == f"{name}: the board stopped answering"


def test_without_its_tools_flash_says_what_to_install(keys, monkeypatch):
    monkeypatch.setattr(command, "_installed", lambda name: name != "mpremote")
    with pytest.raises(
        InputError, match=r"flash needs mpremote: pip install 'budgetmeter\[flashing\]'"
    ):
        command.flash("rp2040", "/dev/nowhere", METER, "wallonia-card", keys.path)


def test_a_port_in_use(keys, tmp_path):
    with port_that_says(b"") as name, serial.Serial(name, exclusive=True):
        command = [str(COMMAND), "flash", "--board=rp2040", f"--port={name}", "--serial=5"]
        done = run([*command, "--profile=wallonia-card", f"--key={keys.path}"])
    assert refused(done) == f"{name}: in use by another program"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no port /dev/nowhere; is it plugged in?"),
        ({"board": "rp2350"}, "no board rp2350; did you mean rp2040?"),
        ({"serial": 0}, "'0' is no serial number: up to nine digits, from 1"),
        ({"serial": 1_000_000_000}, "'1000000000' is no serial number: up to nine digits"),
        ({"serial": "x"}, "Invalid value for '--serial'"),
        ({"profile": "walonia-card"}, "did you mean wallonia-card?"),
        ({"key": "none.key"}, "none.key: No such file or directory"),
        ({"key": "/dev/null"}, "/dev/null: not a file of vending keys"),
        ({"port": "/dev/null"}, "/dev/null: not a serial port"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(tmp_path, keys, changes, said):
    nowhere = Board(tmp_path / "flash")
    given = arguments(nowhere, keys, **{"port": "/dev/nowhere", **changes})
    assert said in refused(run(given, cwd=tmp_path))


# ---- The wheel ---------------------------------------------------------------------------------


def test_the_wheel_brings_what_goes_onto_a_board(tmp_path, compiled):
    root = Path(__file__).parents[2]
    built = run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=root
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    program = (
        "import sys\nfrom budgetmeter.flashing import sources\n"
        "for name, path in sources.build(sources.board('rp2040'), sys.argv[1]).items():\n"
        "    print(name, path.read_bytes().hex())"
    )
    (tmp_path / "compiled").mkdir()
    done = run(
        [sys.executable, "-c", program, tmp_path / "compiled"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {name: bytes.fromhex("".join(data)) for name, *data in lines} == compiled
    assert (tmp_path / "site/budgetmeter/flashing/main.py").exists()
    golden = root / "tests" / "protocol" / "vectors.json"
    assert (tmp_path / "site/meterproto/vectors.json").read_bytes() == golden.read_bytes()
