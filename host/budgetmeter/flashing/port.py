"""The serial port of a board: into the REPL, whatever runs there; asking a meter who it is."""

import time
from contextlib import closing
from typing import Any

from budgetmeter.client.errors import LineError, NoAnswer
from budgetmeter.client.lines import SerialLine
from budgetmeter.client.meter import Meter
from budgetmeter.errors import InputError

ANSWER_S = 15  # a board that has not answered by then does not
PATIENCE_S = 15  # another program may have the port for so long, as one that looks for modems
START_S = 60  # nor has a meter started that has not answered by then
ASK_S = 1  # between questions
AWAY_S = 0.05  # between looks at a port that is away: USB goes with a reset, and comes back
OPEN = "the board may be in its REPL, with supply open; the same command again mends it"
PROMPTS = 3  # questions that a REPL answered instead of a meter: there is no meter

# A REPL ends its line, interrupts what runs, leaves raw mode, and says whether it has restarted
# since `_LEAVE`; a meter refuses a line of control characters.
_PROBE = b"\r\x03\x03\x02(%d,'_left'in dir())\r"
_REFUSED = b"error not plain text"
_LEAVE_REPL = b"import machine;_left=1;f=open('repl','w');f.write('1');f.close();machine.reset()\r"
_LEAVE_METER = b"\rrepl\r"
_LEAVE = {"meter": _LEAVE_METER, "restarted": _LEAVE_REPL, "leaving": _LEAVE_REPL}
_PROMPT = b">>> "
_END_LINE = b"\r"  # a REPL then answers what stands on its line, with a prompt behind it


class Silent(InputError):
    """Nothing answers at a port: whatever is there was left as it was."""


def check(device: str) -> None:
    """See whether a port can be used.

    :raises LineError: it is not there or not free; one line
    """
    SerialLine(device).close()


def wait(device: str) -> None:
    """Wait until a port is there and free: it goes with a reset, and others try what appears.

    :raises LineError: it is not within PATIENCE_S; one line
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return check(device)
        except LineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(AWAY_S)


def leave(device: str) -> None:
    """Restart what runs on the board into its REPL, and wait until that answers.

    A meter leaves by its console. A board in its REPL is restarted too: a watchdog may be running,
    and memory in use.

    :raises LineError: the port is not there or not free, and the board was left as it was; one line
    :raises Silent: nothing answers; one line
    :raises InputError: it does not leave; one line
    """
    left, number, failed = b"", 0, None
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        number += 1
        try:
            with closing(SerialLine(device)) as line:
                failed = None
                answer = _probe(line, number)
                if answer == "restarted" and left:
                    return
                if answer:
                    left = _LEAVE[answer]
                    line.write(left)
                    _let_leave(line)
        except LineError as error:
            failed = error
            time.sleep(AWAY_S)
    if left and failed is not None:
        raise InputError(f"{failed}; {OPEN}")
    if left:
        what = "meter" if left == _LEAVE_METER else "board"
        raise InputError(
            f"{device}: the {what} there does not leave to its REPL; hold its safe-boot pin low "
            "and reset it"
        )
    if failed is not None:
        raise failed
    raise Silent(
        f"{device}: nothing answers; is MicroPython on the board? If so, hold its safe-boot pin "
        "low and reset it"
    )


def _let_leave(line: SerialLine) -> None:
    """Say nothing until the port goes away, or for a while: a probe would interrupt a REPL.

    :raises LineError: the port has gone away
    """
    until = line.now() + ASK_S
    while (left := until - line.now()) > 0:
        line.read(left)


def _probe(line: SerialLine, number: int) -> str:
    """What is there: "meter", "restarted" (a REPL), "leaving" (a REPL that should) or "".

    :param number: of the question; a REPL repeats it in its answer
    """
    line.write(_PROBE % number)
    answers = {b"(%d, False)" % number: "restarted", b"(%d, True)" % number: "leaving"}
    answers[_REFUSED] = "meter"
    heard = b""
    until = line.now() + ASK_S
    while (left := until - line.now()) > 0:
        heard += line.read(left)
        for words, answer in answers.items():
            if words in heard:
                return answer
    return ""


def identify(device: str) -> Any:
    """Who the meter is. Waits for port and meter to come up.

    :returns: a `budgetmeter.client.Identity`
    :raises InputError: no meter answers; one line
    :raises BadAnswer: its answer is none; one line
    """
    prompts = 0
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and prompts < PROMPTS:
        try:
            with Meter(SerialLine(device), timeout=ASK_S, tries=1) as meter:
                while time.monotonic() < deadline and prompts < PROMPTS:
                    meter.line.write(_END_LINE)
                    try:
                        return meter.identify()
                    except NoAnswer:
                        prompts += _PROMPT in meter.exchange.text
        except LineError:
            time.sleep(AWAY_S)
    if prompts >= PROMPTS:
        raise InputError(
            f"{device}: the board restarted into its REPL; is the safe-boot pin held low?"
        )
    raise InputError(f"{device}: no meter answers after the restart; {OPEN}")


def clock_set(device: str) -> bool:
    """Whether the meter is sure of its time.

    :raises MeterError: it does not answer; one line
    """
    with Meter(SerialLine(device)) as meter:
        return not meter.status().uncertain
