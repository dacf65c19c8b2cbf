"""Numbers and references that people give: kept as they are, refused where two look the same."""

import unicodedata

from budgetmeter.errors import InputError


def check(what: str, text: str, longest: int) -> str:
    """An identifier as it is kept: refused, never cut.

    A space at an end cannot be seen, and accents may be written in two ways: the same would be two.

    :param what: the words it is called by
    :raises InputError: empty, too long, or not printable in one way
    """
    if not 0 < len(text) <= longest or not text.isprintable():
        raise InputError(f"{what}: 1 to {longest} printable characters, not {text!r}")
    if text != text.strip():
        raise InputError(f"{what}: {text!r} begins or ends with a space")
    if text != unicodedata.normalize("NFKC", text):
        raise InputError(f"{what}: {text!r} has characters that can be written in another way")
    return text
