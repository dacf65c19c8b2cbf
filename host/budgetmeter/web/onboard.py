"""The meter in a page: the firmware on a board of MicroPython's WebAssembly port, in virtual time.

It runs in MicroPython alone. The page calls `call` with a name and JSON, and is answered in JSON.
Every call that HTTP has is one here, and answers the same.
"""

import json

from meterfw import layouts
from meterfw.account import rules
from meterfw.board import Board
from meterfw.meter import Meter
from meterfw.wire.text import exact

from budgetmeter.emulator.strides import stride
from budgetmeter.web.counter import Counter, NoCard
from budgetmeter.web.view import events, view

NOMINAL_V = 230
CARD_SIZE = 4096


class PageBoard(Board):
    """What a page can do to a board: as `budgetmeter.emulator.board.VirtualBoard` does it."""

    def __init__(self, now_s, files):
        self.files = files
        self.now_s = now_s
        self.rate = self.ma = self.w = 0
        self.closed = False
        self.lines = ("", "", "", "")
        self.beeps = 0
        self.drawn = 0  # pulse-seconds an hour
        self.slot = None  # a card's octets
        self._asked_s = now_s
        self._counted = 0
        self._pressed_s = -1

    def use(self, rate, gas):
        self.rate = rate
        self.w = 0 if gas else rate
        self.ma = self.w * 1000 // NOMINAL_V

    def flow(self):
        return (self.rate, self.ma, self.w) if self.closed else (0, 0, 0)

    def pass_time(self, seconds, flows=True):
        self.now_s += seconds
        if flows and self.closed:
            self.drawn += self.rate * seconds

    def press(self, seconds):
        self._pressed_s = seconds

    # What the meter asks

    def elapsed_ms(self):
        passed = self.now_s - self._asked_s
        self._asked_s = self.now_s
        return passed * 1000

    def pulses(self):
        total = self.drawn // 3600
        new = total - self._counted
        self._counted = total
        return new

    def current_ma(self):
        return self.ma if self.closed else 0

    def power_w(self):
        return self.w if self.closed else 0

    def voltage_mv(self):
        return NOMINAL_V * 1000

    def supply(self, closed):
        self.closed = closed == 1

    def button_s(self):
        pressed_s, self._pressed_s = self._pressed_s, -1
        return pressed_s

    def clock(self):
        return self.now_s // 60

    def clock_s(self):
        return self.now_s % 60

    def show(self, lines):
        self.lines = lines

    def beep(self, times):
        self.beeps += times

    def card_in(self):
        return 1 if self.slot is not None else 0

    def card_read_into(self, at, buffer):
        if self.slot is None:
            return False
        buffer[:] = self.slot[at : at + len(buffer)]
        return True

    def card_write(self, at, data):
        if self.slot is None:
            return False
        self.slot[at : at + len(data)] = data
        return True

    def load(self, name):
        return self.files.get(name)

    def store(self, name, data):
        self.files[name] = bytes(data)


class Issuer:
    """Whose tokens the counter counts on."""

    def __init__(self, meter):
        memory = meter.memory
        self.meter = meter.gateway.meter
        self.revision = memory.key_revision
        self.key = memory.key
        self.number = memory.numbers.highest


class World:
    """One meter, its board and its counter.

    :param files: by name; "identity" and "profile" make it a meter
    """

    def __init__(self, files, now_s):
        self.board = PageBoard(now_s, files)
        self.meter = Meter(self.board)
        self.issuer = Issuer(self.meter)
        self.counter = Counter(self.issuer)

    @property
    def gas(self):
        return self.meter.profile.energy == layouts.ENERGY_GAS

    def run(self, seconds):
        board, meter = self.board, self.meter
        until = board.now_s + seconds
        while board.now_s < until:
            most = min(until - board.now_s, rules.STEP_S)
            board.pass_time(stride(meter, most, board.flow(), board.drawn))
            meter.poll()

    def restart(self):
        self.board.elapsed_ms()
        self.meter = Meter(self.board)


world = None


def call(name, text):
    """Do what the page asks; {"error": …} where that cannot be."""
    try:
        return json.dumps(CALLS[name](json.loads(text)))
    except (NoCard, Refused) as error:
        return json.dumps({"error": str(error)})


class Refused(ValueError):
    """What cannot be done, in a sentence."""


# Octets go to and from the page as hexadecimal digits: this port's base64 is slow.


def _bytes(text):
    return bytes.fromhex(text)


def _text(data):
    return bytes(data).hex()


def _seen():
    board = world.board
    return view(world.meter, board, board.rate)


def make(given):
    """A meter as flashed, or as `kept` left it."""
    global world  # noqa: PLW0603  # one page, one meter
    files = {name: _bytes(data) for name, data in given["files"].items()}
    world = World(files, given["now_s"])
    board = world.board
    if "kept" in given:
        kept = given["kept"]
        board.drawn = kept["drawn"]
        board._counted = board.drawn // 3600
        board.beeps = kept["beeps"]
        world.issuer.number = max(world.issuer.number, kept["number"])
        world.counter.waiting = [tuple(one) for one in kept["waiting"]]
        world.counter._sent = [(n, money, _bytes(token)) for n, money, token in kept["sent"]]
        board.use(kept["rate"], world.gas)
    return _seen()


def keep(_):
    """All that a reload needs: the meter stores its account, and goes on from there."""
    world.meter.commit()
    board, counter = world.board, world.counter
    kept = {
        "drawn": board.drawn,
        "beeps": board.beeps,
        "rate": board.rate,
        "number": world.issuer.number,
        "waiting": [list(one) for one in counter.waiting],
        "sent": [(n, money, _text(token)) for n, money, token in counter._sent],
    }
    files = {name: _text(data) for name, data in board.files.items()}
    card = None if board.slot is None else _text(board.slot)
    return {"files": files, "now_s": board.now_s, "kept": kept, "card": card}


def use(given):
    world.board.use(given["rate"], world.gas)
    return _seen()


def speak(given):
    """Display and console speak the language of a file "words"."""
    board, panel = world.board, world.meter.panel
    board.files["words"] = _bytes(given["words"])
    panel.speak()
    panel.drive()
    return _seen()


def wait(given):
    world.run(given["seconds"])
    return _seen()


def press(given):
    world.board.press(given["seconds"])
    world.meter.poll()
    return _seen()


def cut(given):
    world.board.pass_time(given["seconds"], False)
    world.restart()
    return _seen()


def order(given):
    """An order of the operator by network; how the meter answers it."""
    options = {key: given.get(key, 0) for key in ("value", "extra", "order_id", "expiry")}
    token = world.counter.token(given["kind"], **options)
    status, why = world.meter.enter(token)
    return {"status": status, "reason": why, "view": _seen()}


def queue(given):
    world.counter.queue(world.meter.state.clock, given["kind"], given["value"])
    return {"waiting": len(world.counter.waiting)}


def terminal(given):
    card = bytearray(_bytes(given["card"])) if given.get("card") else world.counter.new_card()
    answer = world.counter.exchange(card, given["pay"])
    answer["carried"] = exact(answer["carried"])
    answer["paid"] = exact(answer["paid"])
    answer["card"] = _text(card)
    return answer


def put_card(given):
    card = bytearray(_bytes(given["card"]))
    if len(card) != CARD_SIZE:
        raise Refused("a card has 4096 octets")
    if world.board.slot is not None:
        raise Refused("a card is in the slot already")
    world.board.slot = card
    world.meter.poll()
    while world.meter.slot.outcome == layouts.CARD_OUTCOME_READING:
        world.meter.poll()
    return _seen()


def pull_card(_):
    card, world.board.slot = world.board.slot, None
    if card is None:
        raise Refused("no card is in the slot")
    world.meter.poll()
    return {"card": _text(card), "view": _seen()}


CALLS = {
    "make": make,
    "keep": keep,
    "view": lambda _: _seen(),
    "events": lambda given: events(world.meter, given["first"]),
    "use": use,
    "speak": speak,
    "wait": wait,
    "press": press,
    "cut": cut,
    "order": order,
    "queue": queue,
    "terminal": terminal,
    "put_card": put_card,
    "pull_card": pull_card,
}
