"""The panel: a single HTML file in which the firmware itself runs, without a server.

It carries MicroPython's WebAssembly port (`micropython/`, MIT), the firmware as boards are flashed
with it, compiled, and the page. Nothing is fetched when it is opened.
"""

import base64
import gzip
import json
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from meterproto.tokens import meter_key

from budgetmeter import profiles
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.flashing import sources
from budgetmeter.identity import flashed
from budgetmeter.profiles import Profile
from budgetmeter.spoken import words_file
from budgetmeter.texts import LANGUAGES
from budgetmeter.web import page, stories

HOST = Path(__file__).parents[1]
# What runs in MicroPython beside the firmware, each where it stands in the package.
INSIDE = (
    "emulator/strides",
    "report/phases",
    "web/counter",
    "web/onboard",
    "web/view",
)
GUARD = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
    "script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; connect-src data: blob:"
)


def html() -> str:
    """The whole page as one file.

    :raises InputError: what compiles the firmware is not installed
    """
    bundle = gzip.compress(json.dumps(_bundle(), separators=(",", ":")).encode(), 9, mtime=0)
    packed = base64.b64encode(bundle).decode("ascii")
    text = page.read("index.html")
    head, _, body = text.partition("<!-- style -->")
    middle, _, end = body.partition("<!-- scripts -->")
    guard = f'<meta http-equiv="Content-Security-Policy" content="{GUARD}">'
    style = f"<style>\n{page.read(page.STYLE)}</style>"
    scripts = [f"<script>\n{page.read(name)}</script>" for name in page.SCRIPTS]
    data = f'<script type="text/plain" id="bundle">{packed}</script>'
    return "\n".join([head + guard, style + middle, data, *scripts, end.lstrip()])


def _bundle() -> dict[str, Any]:
    """All that is packed."""
    port = files("budgetmeter.web") / "micropython"
    wasm = (port / "micropython.wasm").read_bytes()
    return {
        "page": page.contents(),
        "glue": (port / "micropython.mjs").read_text(encoding="utf-8"),
        "wasm": base64.b64encode(wasm).decode("ascii"),
        "files": dict(_compiled()),
        "spoken": {name: words_file(name)["words"].hex() for name in LANGUAGES},
        "meters": {
            **{name: _flashed(profiles.load(name)) for name in profiles.names()},
            **{f"story {name}": _flashed(stories.story(name).profile) for name in stories.NAMES},
        },
    }


def _compiled() -> Iterator[tuple[str, str]]:
    """The firmware and what goes with it, compiled: base64 by the path in MicroPython."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = {**sources.firmware(), **{f"budgetmeter/{n}": HOST / f"{n}.py" for n in INSIDE}}
        for name, path in wanted.items():
            data = sources.compiled(path, name, Path(folder)).read_bytes()
            yield f"/lib/{name}.mpy", base64.b64encode(data).decode("ascii")


def _flashed(profile: Profile) -> dict[str, str]:
    """The files of a meter with a key that is no secret, in hexadecimal digits."""
    found = flashed(METER, 1, meter_key(VENDING_KEY, METER, 1), profile)
    return {name: data.hex() for name, data in found.items()}
