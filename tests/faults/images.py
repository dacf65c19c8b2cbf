"""What a power cut leaves on flash: images built from recorded operations.

A fault is a cut in one program or erase, with what had landed of it, or with an earlier operation
since the last sync that had not landed although this one had.
"""

from typing import NamedTuple

from budgetmeter.emulator.nor import ERASED, SECTOR, SYNC, program

WITHOUT = "without "


class Fault(NamedTuple):
    """A cut in operation `cut`; `variant` is one of VARIANTS or "without N": N had not landed."""

    cut: int
    variant: str

    def __str__(self):
        return f"{self.cut}:{self.variant}"

    @classmethod
    def parse(cls, text):
        """From its text form."""
        cut, _, variant = text.partition(":")
        return cls(int(cut), variant)


# How many of `size` octets had landed. "nothing" is "whole" of the operation before.
VARIANTS = {
    "nothing": lambda size: 0,
    "first byte": lambda size: 1,
    "half": lambda size: size // 2,
    "all but one byte": lambda size: size - 1,
    "bit flip": lambda size: size,
    "whole": lambda size: size,
}


def images(start, operations):
    """Every fault of a record that leaves an image of its own, as (Fault, bytearray).

    :param start: the image before the first operation
    :param operations: `Operation`s in order
    """
    image = bytearray(start)  # with all operations before the cut
    synced, first = bytes(start), 0  # and as it was at the last sync, before operation `first`
    yield Fault(0, "nothing"), bytearray(image)
    for cut, operation in enumerate(operations):
        if operation == SYNC:
            synced, first = bytes(image), cut + 1
            continue
        whole = bytearray(image)
        _land(whole, operation)
        seen = [image, whole]
        for variant in VARIANTS:
            made = whole
            if variant != "whole":
                made = bytearray(image)
                _land(made, operation, variant)
                if made in seen:
                    continue
                seen.append(made)
            elif whole == image:
                continue
            yield Fault(cut, variant), bytearray(made)
        for earlier in range(first, cut):
            made = bytearray(synced)
            for i in range(first, cut + 1):
                if i != earlier:
                    _land(made, operations[i])
            if made != whole:
                yield Fault(cut, f"{WITHOUT}{earlier}"), made
        image = whole


def image_of(start, operations, fault):
    """The image of one fault.

    :raises LookupError: for a fault the record does not have
    """
    for found, image in images(start, operations):
        if found == fault:
            return image
    raise LookupError(f"no fault {fault}")


def _land(image, operation, variant="whole"):
    """Let an operation land on an image, as far as the variant says."""
    at, data = operation
    size = SECTOR if data is None else len(data)
    landed = VARIANTS[variant](size)
    if data is None:
        image[at : at + landed] = ERASED[:landed]
    else:
        program(image, at, data[:landed])
    if variant == "bit flip":
        bit = (at * 2654435761 + size) % (size * 8)  # some bit of what was being written
        image[at + bit // 8] ^= 1 << bit % 8
