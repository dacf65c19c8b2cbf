"""An office sells 20 EUR, a meter takes the token, and takes it only once."""

import tempfile
from pathlib import Path

from budgetmeter import orders, profiles, units
from budgetmeter.client import Meter, TokenRefused
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office

NUMBER = 123_456_789  # of the meter
PROFILE = "wallonia-card"


def open_books(folder):
    """A new office in a folder, with one meter in its books: the office and its keys."""
    keys = KeyFile.create(folder / "vending.key")
    office = Office(f"sqlite:///{folder / 'vending.db'}", keys, create=True)
    office.begin()
    office.add_meter(NUMBER, PROFILE)
    return office, keys


def emulated(keys):
    """The meter as it is flashed for that office."""
    key = keys.meter_key(NUMBER, keys.latest), keys.latest
    start = units.to_clock(units.moment("2020-06-02 12:00"))
    return Emulator(profiles.load(PROFILE), start, ConstantLoad(), meter=NUMBER, key=key)


def main():
    """Issue, enter, and enter once more."""
    with tempfile.TemporaryDirectory() as folder:
        office, keys = open_books(Path(folder))
        issued = office.issue(NUMBER, orders.read("top-up", {"amount": "20.00"}))
        print(f"issued     token {issued.number}, 20.00 EUR")
        with Meter(LoopbackLine(emulated(keys))) as meter:
            print(f"before     {meter.status().balance:.2f} EUR")
            print(f"after      {meter.enter(issued.text).balance:.2f} EUR")
            try:
                meter.enter(issued.text)
            except TokenRefused as refused:
                print(f"once more  {refused}")
        office.engine.dispose()


if __name__ == "__main__":
    main()
