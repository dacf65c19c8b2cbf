"""A port that cannot be used is said in one sentence, whoever wanted it."""

import errno
import os
import socket

import pytest
import serial
from budgetmeter import errors
from budgetmeter.office.keys import KeyFile

from tests import command


def verbs(port, folder):
    """Every verb that opens a port, on this one."""
    path = folder / "vending.key"
    key = path if path.exists() else KeyFile.create(path).path
    board = ["--board=rp2040", "--serial=5", "--profile=wallonia-card", f"--key={key}"]
    yield from (["status", port], ["registers", port], ["events", port], ["console", port])
    yield ["flash", *board, f"--port={port}"]


def test_a_port_that_is_not_there(tmp_path):
    for arguments in verbs("/dev/nowhere", tmp_path):
        done = command.run(*arguments)
        assert done == (2, "", "budgetmeter: no port /dev/nowhere; is it plugged in?\n"), arguments


def test_a_port_that_another_program_has(tmp_path):
    master, device = os.openpty()
    name = os.ttyname(device)
    with serial.Serial(name, exclusive=True):
        for arguments in verbs(name, tmp_path):
            done = command.run(*arguments)
            assert done == (2, "", f"budgetmeter: {name}: in use by another program\n"), arguments
    os.close(master)
    os.close(device)


def test_a_tcp_port_that_another_program_has():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command.run("emulate", "--tcp", port)
    said = f"budgetmeter: 127.0.0.1, port {port}: in use by another program\n"
    assert done == (2, "", said)


DENIED = "permission denied; on Linux your user has to be in the group dialout"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EACCES, "Permission denied"), DENIED),
        (serial.SerialException(13, "could not open port x: [Errno 13] Permission denied"), DENIED),
        (serial.SerialException("Could not configure port: (5, 'Input/output error')"), "is gone"),
        (serial.SerialException("write failed: [Errno 110] whatever"), "Connection timed out"),
        (OSError(10_061, "the other side\nrefused"), "the other side refused"),
        (ValueError("invalid URL, protocol 'x' not known"), "invalid URL, protocol 'x' not known"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
    ],
)
def test_what_the_system_or_pyserial_says_is_one_line(error, said):
    assert errors.port_problem("/dev/null", error).startswith("/dev/null: ")
    assert errors.port_problem("/dev/null", error).endswith(said)


def test_only_a_device_is_a_matter_of_groups():
    low = errors.port_problem("127.0.0.1, port 80", OSError(errno.EACCES, "Permission denied"))
    assert low == "127.0.0.1, port 80: permission denied"


def test_windows_says_access_is_denied_where_a_program_has_the_port(monkeypatch):
    error = serial.SerialException(
        "could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"
    )
    monkeypatch.setattr(errors.os, "name", "nt")
    assert errors.port_problem("COM3", error) == "COM3: in use by another program"
