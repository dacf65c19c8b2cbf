"""How plots tell things apart: by colour, by grey, and by hatch.

The colours differ for people who see no red or no green, and in grey on paper: a test simulates
both. Phases of one family, such as those without supply, share a colour and differ by hatch.
"""

from typing import NamedTuple


class Look(NamedTuple):
    """What a surface looks like.

    :ivar fill: its colour, "#rrggbb"
    :ivar hatch: matplotlib's letters for it; "" for none
    :ivar ink: the colour of the hatch
    """

    fill: str
    hatch: str = ""
    ink: str = "#555555"


PHASES = {
    "credit": Look("#e6f0f7"),
    "postpaid": Look("#e6f0f7", ".."),
    "negative limit": Look("#8dbcdb"),
    "kept on": Look("#f2cf4a"),
    "emergency": Look("#de7f10"),
    "limited": Look("#2b76b5"),
    "ready": Look("#93241c"),
    "off: credit": Look("#141414"),
    "off: overload": Look("#141414", "///", "#ffffff"),
    "off: leak test": Look("#141414", "oo", "#ffffff"),
    "off: operator": Look("#141414", "++", "#ffffff"),
    "off: tamper": Look("#141414", "**", "#ffffff"),
    "power cut": Look("#ffffff", "xxx"),
}

INK = "#1a1a1a"  # lines that carry the story
FAINT = "#8c8c8c"
BAND = "#c9d3da"
BELOW_FLOOR = "#ececec"
LIMIT = "#c2410c"

# Two policies beside each other: A pale and drawn through, B dark and dashed.
PAIR = ("#3b8fc4", "#a23b00")
