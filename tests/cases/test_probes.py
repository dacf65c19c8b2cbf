"""Programs that probe every serial port that appears: a meter loses nothing by their words.

A modem manager, a printer service or an IDE opens the port of a board, says things no meter knows,
and goes away in the middle of a line. The meter answers the next user as if nothing had been said.
"""

import socket
from urllib.parse import urlsplit

import pytest
from budgetmeter.client import Meter

PROBES = (
    b"AT\r",
    b"AT+GCAP\r",
    b"ATI\r",
    b"AT+CPIN?\r",
    b"~x\xf0~",
    b"\x7e\x00\x78\xf0\x7e",
    b"\r\n\x03\x03\x01\x02\x04",
    b"+++",
    b"\x1a" * 3,
    b"\x00" * 300,
    b"x" * 5000 + b"\r\n",
    b"\x7e" * 1000,
    b"half a li",
)


def seen(meter):
    """What a user sees, but for the line he asks on."""
    return meter.time, meter.balance, meter.supply, meter.display, meter.events()


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: repr(probe[:9]))
def test_a_probe_changes_nothing(meter, probe):
    before = seen(meter), meter.status(), meter.registers()
    meter.line.write(probe)
    meter.line.read(0)
    assert (seen(meter), meter.status(), meter.registers()) == before
    assert meter.top_up("5.00").balance == 20


def test_the_next_user_of_the_port_is_served(meter, meter_url):
    """All of them over TCP, by a program that goes away without a word."""
    before = seen(meter)
    where = urlsplit(meter_url)
    with socket.create_connection((where.hostname, where.port)) as prober:
        for probe in PROBES:
            prober.sendall(probe)
    with Meter(meter_url) as client:
        assert client.status().balance == 15
    assert seen(meter) == before
