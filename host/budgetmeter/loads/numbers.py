"""Numbers as files write them: point or comma, thousands, units, and words for nothing."""

import re

MISSING_WORDS = frozenset(
    (
        "",
        "?",
        "-",
        "--",
        "nan",
        "na",
        "n/a",
        "#n/a",
        "null",
        "none",
        "nil",
        "unavailable",
        "unknown",
    )
)
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,' \u00a0\u202f])\d{3}(\1\d{3})*([.,]\d+)?", re.ASCII)

# Units by name: kind of quantity, and how much of W, Wh or litres one of it is.
POWER, ENERGY, VOLUME = "power", "energy", "volume"
UNITS = {
    "w": (POWER, 1), "watt": (POWER, 1), "watts": (POWER, 1),
    "kw": (POWER, 1000), "kilowatt": (POWER, 1000), "kilowatts": (POWER, 1000),
    "wh": (ENERGY, 1), "kwh": (ENERGY, 1000), "mwh": (ENERGY, 1_000_000),
    "watthour": (ENERGY, 1), "watthours": (ENERGY, 1), "kilowattuur": (ENERGY, 1000),
    "kilowatthour": (ENERGY, 1000), "kilowattheure": (ENERGY, 1000),
    "kilowattstunden": (ENERGY, 1000),
    "l": (VOLUME, 1), "litre": (VOLUME, 1), "litres": (VOLUME, 1), "liter": (VOLUME, 1),
    "liters": (VOLUME, 1), "m3": (VOLUME, 1000), "m³": (VOLUME, 1000),
}  # fmt: skip


class Numbers:
    """Reads numbers with one decimal sign; each text is read once.

    :param decimal: "." or ","; empty where the first number that tells decides
    """

    def __init__(self, decimal: str = "") -> None:
        self._decimal = decimal
        self._known: dict[str, float | None] = {}

    def read(self, text: str) -> float | None:
        """The number; None where the text stands for no value.

        :raises ValueError: no number, or one that can be read in two ways
        """
        try:
            return self._known[text]
        except KeyError:
            pass
        value = self._read(text.strip())
        if len(self._known) > 200_000:
            self._known.clear()
        self._known[text] = value
        return value

    def _read(self, text: str) -> float | None:
        if text.lower() in MISSING_WORDS:
            return None
        if self._decimal == "," and "." not in text:
            plain = text.replace(",", ".")
        elif self._decimal == ",":
            return float(_without_groups(text, "."))
        elif self._decimal == "." or "," not in text:
            plain = text
        else:
            plain = self._by_itself(text)
        if not _PLAIN.fullmatch(plain):
            plain = _without_groups(plain)
        return float(plain)

    def _by_itself(self, text: str) -> str:
        """A number with a comma where no decimal sign is agreed."""
        if "." in text:
            return _without_groups(text)
        whole, _, part = text.partition(",")
        if len(part) == 3 and whole.lstrip("+-") not in ("", "0"):
            raise ValueError(f"{text!r} has a decimal comma or thousands: nothing tells which")
        return f"{whole}.{part}"


def _without_groups(text: str, mark: str = "") -> str:
    """The text without marks of thousands.

    :param mark: the only one that may be
    :raises ValueError: no number
    """
    found = _GROUPED.fullmatch(text)
    if (
        not found
        or found[1] not in (mark or found[1])
        or (found[3] and found[3][0] == found[1])
        or text.lstrip("+-").startswith("0")
    ):
        raise ValueError(f"{text!r} is not a number")
    tail = found[3] or ""
    whole = text[: len(text) - len(tail)].replace(found[1], "")
    return whole + tail.replace(",", ".")


def decimal_sign(texts: list[str]) -> str:
    """The decimal sign of cells that stand between delimiters, empty where nothing tells.

    :raises ValueError: points that may be either, beside whole numbers
    """
    commas = [text for text in texts if "," in text]
    if not commas:
        _refuse_thousands_or_decimals([text.strip() for text in texts])
        return ""
    if any("." in text for text in texts):
        return "." if all(_thousands(text, ",") for text in commas) else ""
    # 0,050 and 100,5 are decimals; 1,234 alone may be either
    return "," if any(not _thousands(text, ",") for text in commas) else ""


def _refuse_thousands_or_decimals(texts: list[str]) -> None:
    """Who writes 1.250 with three decimals does not write 250 without."""
    pointed = [text for text in texts if "." in text]
    whole = [text for text in texts if text.isdigit() and text.strip("0")]
    if pointed and whole and all(_thousands(text, ".") for text in pointed):
        raise ValueError(
            f"{pointed[0]} beside {whole[0]}: decimals or thousands? say decimal in a file for "
            "--load-shape"
        )


def _thousands(text: str, mark: str) -> bool:
    whole, *parts = text.strip().lstrip("+-").split(mark)
    return whole not in ("", "0") and all(len(part.split(".")[0]) == 3 for part in parts)
