"""Draw the wiring of a board from the pins in its `board.py`: `python boards/draw.py`.

Writes `wiring.svg` beside each `board.py`; a test fails when one is stale.
"""

import ast
from pathlib import Path

HERE = Path(__file__).parent
TITLES = {"rp2040": ("Raspberry Pi Pico", "GP"), "esp32": ("ESP32 DevKit", "GPIO")}

# Part, its supply, and its connections: our pin by name, its terminal.
PARTS = (
    ("kWh meter, S0 output", "none", (("s0", "S0+"), ("GND", "S0-"))),
    ("Relay module or contactor driver", "5 V", (("relay", "IN, 10 kohm to GND"), ("GND", "GND"))),
    ("Feedback contact", "none", (("relay_feedback", "opens when closed"), ("GND", "common"))),
    ("Push button", "none", (("button", "one side"), ("GND", "other side"))),
    ("Buzzer, active", "3.3 V", (("beeper", "+ by a transistor"), ("GND", "-"))),
    ("PZEM-004T v3", "5 V", (("pzem_tx", "RX"), ("pzem_rx", "TX, by a divider"), ("GND", "GND"))),
    ("SSD1306, DS3231, AT24C32 card", "3.3 V", (("sda", "SDA"), ("scl", "SCL"), ("GND", "GND"))),
    ("Serial link, if used", "none", (("link_tx", "RX"), ("link_rx", "TX"), ("GND", "GND"))),
    ("Safe-boot switch", "none", (("safe_boot", "one side"), ("GND", "other side"))),
)  # fmt: skip

ROW, GAP, TOP = 26, 18, 64
LEFT, RIGHT, WIDTH = 210, 450, 980
COLOURS = {"GND": "#444444", "signal": "#0b6e4f"}


def pins(board):
    """PINS of a board's `board.py`, which only its MicroPython can import."""
    tree = ast.parse((HERE / board / "board.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PINS":
            return ast.literal_eval(node.value)
    raise LookupError(f"no PINS in {board}/board.py")


def drawing(board):
    """The text of a board's `wiring.svg`."""
    title, prefix = TITLES[board]
    numbers = pins(board)
    body, y = [], TOP
    for name, supply, wires in PARTS:
        height = ROW * len(wires) + 8
        body.append(_box(RIGHT, y, WIDTH - RIGHT - 20, height + 20))
        body.append(_text(RIGHT + 190, y + 16, name, "600"))
        if supply != "none":
            body.append(_text(RIGHT + 190, y + 34, f"supply {supply}", "400", "#666666"))
        at = y + ROW
        for pin, terminal in wires:
            label = "GND" if pin == "GND" else f"{prefix}{numbers[pin]}"
            colour = COLOURS["GND" if pin == "GND" else "signal"]
            body.append(
                f'<path d="M{LEFT} {at}H{RIGHT}" stroke="{colour}" stroke-width="2" fill="none"/>'
            )
            body.append(f'<circle cx="{LEFT}" cy="{at}" r="4" fill="{colour}"/>')
            body.append(f'<circle cx="{RIGHT}" cy="{at}" r="4" fill="{colour}"/>')
            body.append(_text(LEFT - 12, at + 5, label, "600", colour, "end"))
            if pin != "GND":
                body.append(_text(LEFT + 14, at - 6, pin, "400", "#666666"))
            body.append(_text(RIGHT + 12, at + 5, terminal, "400"))
            at += ROW
        y += height + 20 + GAP
    board_box = _box(20, TOP, LEFT - 20, y - GAP - TOP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 4}" '
        'font-family="sans-serif" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{y + 4}" fill="#ffffff"/>\n'
    )
    words = _text(20, 34, f"{title} as a budget meter: signals and low voltage only", "600")
    return head + "\n".join([words, board_box, *body]) + "\n</svg>\n"


def _box(x, y, width, height):
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
        'fill="#f6f6f2" stroke="#999999"/>'
    )


def _text(x, y, text, weight, colour="#222222", anchor="start"):
    return (
        f'<text x="{x}" y="{y}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{text}</text>'
    )


if __name__ == "__main__":
    for board in TITLES:
        (HERE / board / "wiring.svg").write_text(drawing(board), encoding="utf-8")
