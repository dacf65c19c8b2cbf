"""`budgetmeter emulate` as a process: ports, speed, state, signals, and being killed."""

import signal
import subprocess
from datetime import datetime

import pytest
from budgetmeter.client import LineError, Meter
from budgetmeter.emulator.world import VENDING_KEY
from budgetmeter.issue import Issuer
from budgetmeter.office.keys import KeyFile
from budgetmeter.testing import Vending

from tests.emulate import killed, soak
from tests.emulate.process import BUDGETMETER, Emulated


def vending(meter, number=0):
    issuer = Issuer(meter, VENDING_KEY, derive=True)
    issuer.number = number
    return Vending(issuer)


def test_many_meters_each_on_its_port_and_a_clean_end():
    with Emulated("--count", 3, "--meter", 200, "--profile", "flanders-digital") as emulated:
        assert list(emulated.urls) == [200, 201, 202]
        for number, url in emulated.urls.items():
            with Meter(url) as meter:
                identity = meter.identify()
                assert (identity.meter, identity.profile) == (number, "flanders-digital")
                assert abs((meter.status().time - belgian_now()).total_seconds()) < 120
                assert meter.enter(vending(number).top_up("20.00").octets).balance == 20
        assert emulated.end(signal.SIGTERM) == (0, "")


def belgian_now():
    from budgetmeter import units

    return units.from_clock(units.clock_now())


def test_a_pseudo_terminal_is_a_serial_port():
    with Emulated("--pty") as emulated:
        assert emulated.url.startswith("/dev/")
        for _ in range(3):
            with Meter(emulated.url) as meter:
                assert meter.status().balance == 15
                with pytest.raises(LineError, match="in use by another program"):
                    Meter(emulated.url)
        assert emulated.end(signal.SIGINT) == (0, "")


def test_a_state_goes_on_after_a_clean_end_and_after_a_kill(tmp_path):
    start = "2020-06-02T12:00"
    arguments = ("--state", tmp_path, "--start", start, "--speed", 100, "--watts", 1000)
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        number = meter.identify().meter
        token = vending(number).top_up("20.00")
        meter.enter(token.octets)
        emulated.end(signal.SIGKILL)
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        assert meter.registers().credited == 35
        assert meter.status().token_number == token.number
        while not (seen := meter.registers().energy_wh):
            pass
        assert meter.status().time >= datetime.fromisoformat(start)
        emulated.end(signal.SIGTERM)
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        assert meter.registers().energy_wh >= seen  # a clean end stores everything
        names = [entry.code.name for entry in meter.events()]
        assert names.count("POWER_UP") == 1  # starts in a row are one


def test_one_process_to_a_state_and_no_other_profile(tmp_path):
    with Emulated("--state", tmp_path) as first:
        done = emulate("--state", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            done.stderr
            == f"budgetmeter: {tmp_path}: process {first.process.pid} (emulate) has it\n"
        )
    done = emulate("--state", tmp_path, "--profile", "flanders-2003")
    assert done.returncode == 2
    assert "this meter has profile wallonia-card" in done.stderr


def emulate(*arguments):
    """The command, where it is to end by itself."""
    return subprocess.run(
        [BUDGETMETER, "emulate", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_offices_own_keys(tmp_path):
    keys = KeyFile.create(tmp_path / "vending.key")
    arguments = ("--key", keys.path, "--meter", 77, "--state", tmp_path / "state")
    issuer = Issuer(77, keys.meter_key(77, 1))
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        assert meter.enter(Vending(issuer).top_up("5.00").octets).balance == 20
    keys.add_revision()  # a meter keeps the key it was flashed with
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        assert meter.identify().key_revision == 1
        assert meter.enter(Vending(issuer).top_up("5.00").octets).balance == 25


def test_a_load_as_fast_as_it_goes_stands_still_at_its_end(tmp_path):
    load = tmp_path / "load.csv"
    hours = [f"2021-01-04T{hour:02d}:00,1000" for hour in range(24)]
    load.write_text("time,watts\n" + "\n".join(hours) + "\n")
    with Emulated("--load", load, "--speed", "max") as emulated, Meter(emulated.url) as meter:
        while meter.status().time < datetime(2021, 1, 5):
            pass
        assert meter.registers().energy_wh == 24_000
        assert meter.status().time == datetime(2021, 1, 5)
    # begun in the middle, the load goes by the clock
    arguments = ("--load", load, "--speed", "max", "--state", tmp_path / "state")
    arguments = (*arguments, "--start", "2021-01-04T12:00")
    with Emulated(*arguments) as emulated, Meter(emulated.url) as meter:
        while meter.status().time < datetime(2021, 1, 5):
            pass
        assert meter.registers().energy_wh == 12_000


def test_another_address_only_by_name_and_with_a_warning(tmp_path):
    with Emulated("--bind", "0.0.0.0") as emulated:
        assert emulated.url.startswith("socket://0.0.0.0:")
        status, said = emulated.end(signal.SIGTERM)
    assert status == 0
    assert said.startswith("budgetmeter: warning: 0.0.0.0 may be reached from other machines")
    assert len(said.splitlines()) == 1
    assert said.endswith(
        "; without --key the meters take tokens under a key that everybody knows\n"
    )
    keys = KeyFile.create(tmp_path / "vending.key")
    with Emulated("--bind", "0.0.0.0", "--key", keys.path) as emulated:
        assert "without --key" not in emulated.end(signal.SIGTERM)[1]
    with Emulated("--bind", "localhost") as emulated:
        assert emulated.end(signal.SIGTERM) == (0, "")


def test_it_ends_by_itself_and_keeps_its_meters(tmp_path):
    state = ("--state", tmp_path, "--start", "2020-06-02T12:00", "--speed", 1000, "--watts", 2000)
    done = emulate(*state, "--for", 1)
    assert (done.returncode, done.stderr) == (0, "")
    with Emulated(*state) as emulated, Meter(emulated.url) as meter:
        assert meter.registers().energy_wh > 0
        emulated.end(signal.SIGTERM)


def test_killed_at_random_moments_nothing_is_lost_or_doubled():
    """A slice of `make kills`."""
    assert killed.run(rounds=5, seed=1) > 0


def test_a_thousand_meters_answer_and_do_not_grow():
    """A slice of `make soak`."""
    rate, grown = soak.soak(1000, 3)
    assert rate > 0
    assert grown < 10_000


@pytest.mark.parametrize(("files", "status"), [(100, 2), (110, 0)])
def test_meters_need_a_file_each_and_their_users_what_the_system_leaves(files, status):
    limited = f"ulimit -n {files}; exec {BUDGETMETER} emulate --count 40 --for 0.1"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == status
    if status:
        assert (
            done.stderr
            == "budgetmeter: --count 40: 104 open files needed, 100 allowed (ulimit -n)\n"
        )
