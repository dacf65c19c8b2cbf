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


def images(start, operations, wanted=lambda fault: True):
    """Every wanted fault of a record that leaves an image of its own, as (Fault, bytearray).

    :param start: the image before the first operation
    :param operations: `Operation`s in order
    :param wanted: whether to build the image of a fault
    """
    image = bytearray(start)  # with all operations before the cut
    without = {}  # by number: since the last sync, with all operations but this one
    if wanted(Fault(0, "nothing")):
        yield Fault(0, "nothing"), bytearray(image)
    for cut, operation in enumerate(operations):
        if operation == SYNC:
            without.clear()
            continue
        for variant, at, piece in _pieces(image, operation):
            if wanted(Fault(cut, variant)):
                made = bytearray(image)
                made[at : at + len(piece)] = piece
                yield Fault(cut, variant), made
        before = bytearray(image)
        _land(image, operation)
        for earlier, made in without.items():
            _land(made, operation)
            fault = Fault(cut, f"{WITHOUT}{earlier}")
            if wanted(fault) and made != image:
                yield fault, bytearray(made)
        without[cut] = before


def _pieces(image, operation):
    """What an operation can leave where it writes, each once: (variant, address, octets)."""
    at, data = operation
    size = SECTOR if data is None else len(data)
    piece = image[at : at + size]
    whole = bytearray(piece)
    _land(whole, operation._replace(at=0))
    seen = [piece, whole]
    for variant in VARIANTS:
        made = bytearray(piece)
        _land(made, operation._replace(at=0), variant, flip=at)
        if variant == "whole":
            if whole != piece:
                yield variant, at, whole
        elif made not in seen:
            seen.append(made)
            yield variant, at, made


def image_of(start, operations, fault):
    """The image of one fault.

    :raises LookupError: for a fault the record does not have
    """
    for _, image in images(start, operations, lambda found: found == fault):
        return image
    raise LookupError(f"no fault {fault}")


def _land(image, operation, variant="whole", flip=None):
    """Let an operation land on an image, as far as the variant says.

    :param flip: decides which bit flips; its address without one
    """
    at, data = operation
    size = SECTOR if data is None else len(data)
    landed = VARIANTS[variant](size)
    if data is None:
        image[at : at + landed] = ERASED[:landed]
    else:
        program(image, at, data[:landed])
    if variant == "bit flip":
        # some bit of what was being written
        bit = ((at if flip is None else flip) * 2654435761 + size) % (size * 8)
        image[at + bit // 8] ^= 1 << bit % 8
