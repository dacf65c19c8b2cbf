"""The serial port of a board: into the REPL, whatever runs there; asking a meter who it is."""

import errno
import time

import serial
from construct import ConstructError
from meterproto import framing, messages
from meterproto.codes import Message

from budgetmeter.errors import InputError

BAUD = 115_200
ANSWER_S = 15  # a board that has not answered by then does not
START_S = 60  # nor has a meter started that has not answered by then
ASK_S = 1  # between questions
AWAY_S = 0.05  # between looks at a port that is away: USB goes with a reset, and comes back
PROMPTS = 3  # questions that a REPL answered instead of a meter: there is no meter

# A REPL ends its line, interrupts what runs, leaves raw mode, and says whether it has restarted
# since `_LEAVE`; a meter refuses a line of control characters.
_PROBE = b"\r\x03\x03\x02(%d,'_left'in dir())\r"
_REFUSED = b"error not plain text"
_LEAVE_REPL = b"import machine;_left=1;f=open('repl','w');f.write('1');f.close();machine.reset()\r"
_LEAVE_METER = b"\rrepl\r"
_LEAVE = {"meter": _LEAVE_METER, "restarted": _LEAVE_REPL, "leaving": _LEAVE_REPL}
_PROMPT = b">>> "


def check(device):
    """See whether a port can be used.

    :raises InputError: it is not there or not free; one line
    """
    try:
        _opened(device).close()
    except OSError as error:
        raise InputError(_why(device, error)) from None


def _opened(device):
    return serial.Serial(device, BAUD, timeout=AWAY_S, write_timeout=ASK_S, exclusive=True)


def _why(device, error):
    number, text = error.errno, str(error)
    if number == errno.ENOENT:
        return f"no port {device}; is the board plugged in?"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return f"{device} is in use by another program"
    if number in (errno.EACCES, errno.EPERM):
        return f"{device}: permission denied; on Linux your user has to be in the group dialout"
    return f"{device}: {text or 'cannot be opened'}"


def leave(device):
    """Restart what runs on the board into its REPL, and wait until that answers.

    A meter leaves by its console. A board in its REPL is restarted too: a watchdog may be running,
    and memory in use.

    :raises InputError: nothing answers, or it does not leave; one line
    """
    left, number, failed = b"", 0, None
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        number += 1
        try:
            with _opened(device) as port:
                failed = None
                answer = _probe(port, number)
                if answer == "restarted" and left:
                    return
                if answer:
                    port.write(_LEAVE[answer])
                    port.flush()
                    left = _LEAVE[answer]
                    _let_leave(port)
        except OSError as error:
            failed = error
            time.sleep(AWAY_S)
    if left:
        what = "meter" if left == _LEAVE_METER else "board"
        raise InputError(
            f"{device}: the {what} there does not leave to its REPL; hold its safe-boot pin low "
            "and reset it"
        )
    if failed is not None:
        raise InputError(_why(device, failed))
    raise InputError(
        f"{device}: nothing answers; is MicroPython on the board? If so, hold its safe-boot pin "
        "low and reset it"
    )


def _let_leave(port):
    """Say nothing until the port goes away, or for a while: a probe would interrupt a REPL.

    :raises OSError: the port has gone away
    """
    until = time.monotonic() + ASK_S
    while time.monotonic() < until:
        port.read(256)


def _probe(port, number):
    """What is there: "meter", "restarted" (a REPL), "leaving" (a REPL told to) or ""."""
    port.write(_PROBE % number)
    answers = {b"(%d, False)" % number: "restarted", b"(%d, True)" % number: "leaving"}
    answers[_REFUSED] = "meter"
    heard = b""
    until = time.monotonic() + ASK_S
    while time.monotonic() < until:
        heard += port.read(256)
        for words, answer in answers.items():
            if words in heard:
                return answer
    return ""


def identify(device):
    """Who the meter is: `meterproto.messages.Identity`. Waits for port and meter to come up.

    :raises InputError: no meter answers; one line
    """
    why, prompts = "no meter answers after the restart", 0
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and prompts < PROMPTS:
        try:
            with _opened(device) as port:
                decoder = framing.Decoder()
                while time.monotonic() < deadline and prompts < PROMPTS:
                    identity = _ask(port, decoder)
                    if identity is not None:
                        return identity
                    prompts += _PROMPT in decoder.text
                    decoder.text.clear()
        except OSError:
            time.sleep(AWAY_S)
    if prompts >= PROMPTS:
        why = "the board restarted into its REPL; is the safe-boot pin held low?"
    raise InputError(f"{device}: {why}")


def _ask(port, decoder):
    """Ask once who the meter is; None when no answer came."""
    header = {"version": messages.VERSION, "type": Message.IDENTIFY, "sequence": 1}
    port.write(b"\r" + framing.encode(messages.Header.build(header)))
    until = time.monotonic() + ASK_S
    while time.monotonic() < until:
        for content in decoder.feed(port.read(256)):
            start = messages.Header.sizeof()
            try:
                if messages.Header.parse(content).type == Message.IDENTIFY | messages.ANSWER:
                    return messages.Identity.parse(content[start:])
            except ConstructError:
                continue  # a request that a REPL echoes
    return None
