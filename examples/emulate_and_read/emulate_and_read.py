"""A meter on a TCP port, read by a client."""

import subprocess
import sys

from budgetmeter.client import Meter

EMULATE = [sys.executable, "-m", "budgetmeter", "emulate", "--start", "2020-06-02T12:00"]


def read(url):
    """Print what a meter at a URL says about itself."""
    with Meter(url) as meter:
        identity, status = meter.identify(), meter.status()
        last = meter.events()[-1]
    print(f"meter      {identity.meter:09d}")
    print(f"profile    {identity.profile}")
    print(f"balance    {status.balance:.2f} EUR")
    print(f"supply     {status.control_state.name.lower()}")
    print(f"last event {last.time:%Y-%m-%d %H:%M:%S} {last.code.name}")


def main():
    """Emulate a meter, read it, stop the emulator."""
    with subprocess.Popen(EMULATE, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            _, url = next(iter(emulator.stdout or ())).split()  # "number url": now it answers
            read(url)
        finally:
            emulator.terminate()


if __name__ == "__main__":
    main()
