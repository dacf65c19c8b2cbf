"""HTTP: what 200 clients get done on a thousand meters of one process."""

from tests.bench.measure import report
from tests.web import crowd

CLIENTS = 200
METERS = 1000


def main():
    """Calls a second; the clients share the machine with the server."""
    rate, grown = crowd.crowd(CLIENTS, METERS, 2)
    report("http_calls", unit="1/s", clients=CLIENTS, meters=METERS, rate=rate, grown_kib=grown)
