"""Files put where a script in MicroPython finds them; runs in MicroPython."""

import os
from binascii import unhexlify


def place(told):
    """Put down what `tests.boards.measure.told` says: modules below /lib, what is flashed here."""
    for path, text in told["modules"].items():
        folder = ""
        for part in ("/lib/" + path).split("/")[1:-1]:
            folder += "/" + part
            try:
                os.mkdir(folder)
            except OSError:
                pass  # there already
        _write("/lib/" + path, text)
    for name, data in told["flashed"].items():
        _write(name, data)


def _write(path, text):
    with open(path, "wb") as file:
        file.write(unhexlify(text))
