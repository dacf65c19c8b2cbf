"""The event log: a ring of the last entries, made once."""

from array import array

from meterfw import layouts

SIZE = 64


class Log:
    """Entries are numbered from 0; `count` is the number of the next one."""

    def __init__(self):
        self.count = 0
        self.clock = array("l", [0] * SIZE)
        self.second = array("b", [0] * SIZE)
        self.code = array("b", [0] * SIZE)
        self.reasons = array("b", [0] * SIZE)
        self.balance = array("l", [0] * SIZE)

    def add(self, m, code):
        """Note one event code with the state's time, reasons and balance (mc)."""
        i = self.count % SIZE
        self.clock[i] = m.clock
        self.second[i] = m.second
        self.code[i] = code
        self.reasons[i] = m.reasons
        self.balance[i] = m.credit - m.emergency_used
        self.count += 1

    def add_events(self, m):
        """Note what the rules did, in causal order, and clear it in the state."""
        events = m.events
        m.events = 0
        code = 0
        while events:
            if events & 1:
                self.add(m, code)
            events >>= 1
            code += 1

    def entry(self, number):
        """Clock, second, code, reasons and balance of an entry still held."""
        i = number % SIZE
        return self.clock[i], self.second[i], self.code[i], self.reasons[i], self.balance[i]

    @staticmethod
    def name(code):
        """Name of an event code."""
        names = layouts.EVENT_NAMES if code < 32 else layouts.LOG_NAMES
        return names[code % 32].lower().replace("_", "-")

    def first(self):
        """Number of the oldest entry still held."""
        return max(0, self.count - SIZE)
