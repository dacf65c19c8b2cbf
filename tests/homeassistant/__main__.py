"""`python -m tests.homeassistant`: Home Assistant judges the discovery; silent when it is good.

The first argument may name the Python to take. Exit status 1 with each field that is wrong, or with
a planted mistake that was not found; 2 without a Python that Home Assistant runs in.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.homeassistant import messages

NEEDED = (3, 13)
RELEASE = "2025.4.4"
PACKAGES = (f"homeassistant=={RELEASE}", "paho-mqtt==2.1.0")
FOLDER = Path(sys.prefix) / "homeassistant"
JUDGE = Path(__file__).with_name("judge.py")
WAIT_S = 3600  # for packages to be fetched


def found(names):
    """The first Python of these names that is new enough; None if there is none."""
    asks = f"import sys; sys.exit(sys.version_info < {NEEDED})"
    for name in names:
        path = shutil.which(name)
        if (
            path
            and subprocess.run([path, "-c", asks], capture_output=True, check=False).returncode == 0
        ):
            return path
    return None


def environment(python):
    """The Python of an environment with Home Assistant in it; made the first time.

    :raises subprocess.SubprocessError: its packages cannot be had
    """
    there = FOLDER / "bin" / "python"
    stamp = FOLDER / RELEASE
    if not stamp.exists():
        pip = [there, "-m", "pip", "install", "--disable-pip-version-check", *PACKAGES]
        for command in ([python, "-m", "venv", "--clear", FOLDER], pip):
            subprocess.run(command, check=True, capture_output=True, timeout=WAIT_S)
        stamp.touch()
    return there


def judged(python, cases):
    """Exit status and lines of the judge."""
    lines = "".join(json.dumps({"name": name, "message": each}) + "\n" for name, each in cases)
    done = subprocess.run([python, JUDGE], input=lines, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def _names(line, field):
    """Whether a line of the judge names a planted mistake by its field, or by what it is in."""
    case, _, told = line.partition(": ")
    return case == field and told.startswith((field, f"{field.rpartition('.')[0]}: "))


def main():
    names = sys.argv[1:] or [f"python3.{minor}" for minor in (13, 14)] + ["python3", sys.executable]
    python = found(names)
    if python is None:
        print(
            "Home Assistant needs Python 3.13 or newer; set HA_PYTHON=python3.13", file=sys.stderr
        )
        return 2
    try:
        python = environment(python)
    except subprocess.SubprocessError:
        print(f"no environment with {' and '.join(PACKAGES)}", file=sys.stderr)
        return 2
    status, lines, error = judged(python, messages.good())
    if status not in (0, 1) or (status == 1 and not lines):
        lines = error.splitlines()[-1:] or ["the judge ended without a word"]
    status, found_wrong, _ = judged(python, messages.planted())
    lines += [
        f"a mistake planted in {field} was not found"
        for field in messages.PLANTED
        if not any(_names(line, field) for line in found_wrong)
    ]
    print("\n".join(lines), end="\n" if lines else "")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
