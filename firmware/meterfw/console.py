"""The technician's console: one command a line, answers in plain ASCII.

Every answer is lines of `name value unit`, closed by a line `ok` or `error` and a reason, so that a
person and a script read the same.
"""

from meterfw import VERSION, layouts, text
from meterfw.calendar import local, weekday
from meterfw.text import euros, exact, kwh, timestamp, total

HELP = (
    "help                this list",
    "status              account, limits and supply now",
    "registers           energy and lifetime totals",
    "events              the event log, oldest first",
    "profile             every value of the profile",
    "token TOKEN         enter a token: groups of characters, or hexadecimal digits",
    "test                display and beeper; clicks the relay when no load flows",
    "version             who the meter is",
    "repl                restart the board into its REPL; supply is open until the next start",
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MODES = {1: "credit", 2: "prepayment", 3: "limiter-only"}
_CONTROL = ("disconnected", "connected", "ready")
_REASONS = ("credit", "overload", "operator", "tamper", "leak-test")
_EMERGENCY = {0: "enabled", 1: "selectable", 3: "in-use", 4: "consumed"}
_STATUS = {
    3: "executed",
    4: "format failure",
    5: "authentication failure",
    6: "validation failure",
    7: "execution failure",
}


class Console:
    """Answers command lines for a meter."""

    def __init__(self, meter):
        self.meter = meter

    def answer(self, line):
        """Serve one line."""
        word, _, rest = line.strip().partition(" ")
        word = word.lower()
        if not word:
            return
        commands = {
            "help": self._help,
            "status": self._status,
            "registers": self._registers,
            "events": self._events,
            "profile": self._profile,
            "test": self._test,
            "version": self._version,
        }
        if word == "token":
            self._token(rest)
        elif word not in commands and word != "repl":
            self.refuse("unknown command; try help")
        elif rest.strip():
            self.refuse("%s takes no argument" % word)
        elif word == "repl":
            self._repl()
        else:
            commands[word]()
            self._say("ok")

    def refuse(self, reason):
        """Close an answer with an error."""
        self._say("error " + reason)

    def _say(self, line):
        self.meter.link.send_line(line)

    def _help(self):
        for line in HELP:
            self._say(line)

    def _status(self):
        m = self.meter.state
        memory = self.meter.memory
        say = self._say
        say("time %s %s" % (timestamp(m.clock, m.second), _DAYS[weekday(local(m.clock) // 1440)]))
        say("time_uncertain %d" % m.uncertain)
        say("payment_mode " + _MODES[m.payment_mode])
        say("supply " + _CONTROL[m.control_state])
        reasons = [_REASONS[i] for i in range(5) if m.reasons >> i & 1]
        say("reasons " + (",".join(reasons) or "none"))
        say("balance %s EUR" % exact(m.credit - m.emergency_used))
        say("credit %s EUR" % exact(m.credit))
        say("emergency " + _EMERGENCY[m.emergency_status])
        say("emergency_preset %s EUR" % exact(m.emergency_preset))
        say("emergency_used %s EUR" % exact(m.emergency_used))
        say("arrears %s EUR" % exact(m.arrears))
        say("overdraft %s EUR" % exact(m.overdraft))
        if m.overdraft:
            say("overdraft_until " + timestamp(m.overdraft_until, 0))
        say("hold_until " + (timestamp(m.hold_until, 0) if m.hold_until else "none"))
        say("friendly_hours %d" % m.window)
        say("winter %d" % m.winter)
        say("price %s EUR/kWh" % exact(m.price))
        if m.price_from:
            say("price_next %s EUR/kWh" % exact(m.price_next))
            say("price_from " + timestamp(m.price_from, 0))
        say("limiter_available %d" % m.limiter_available)
        say("limiter_engaged %d" % m.limiter_engaged)
        say("minimum_supply_disabled %d" % m.minimum_supply_disabled)
        say("limit_current %d mA" % m.limit_ma)
        say("limit_power %d W" % m.limit_w)
        if m.limit_until:
            say("limit_until " + timestamp(m.limit_until, 0))
        say("last_top_up %s EUR" % exact(m.last_top_up))
        say("token_number %d" % memory.numbers.highest)
        say("locked %d s" % ((self.meter.gateway.locked_ms + 999) // 1000))
        say("memory_lost %d" % memory.lost)

    def _registers(self):
        m = self.meter.state
        say = self._say
        say("energy %s kWh" % kwh(m.energy_wh))
        say("energy_limited %s kWh" % kwh(m.limited_wh))
        say("energy_unbilled %s kWh" % kwh(m.unbilled_wh))
        say("energy_disconnected %s kWh" % kwh(m.tamper_wh))
        say("volume %d l" % m.volume_l)
        say("credited %s EUR" % total(m.credited_eur, m.credited_mc))
        say("charged %s EUR" % total(m.charged_eur, m.charged_mc))
        say("settled %s EUR" % total(m.settled_eur, m.settled_mc))

    def _events(self):
        log = self.meter.log
        for number in range(log.first(), log.count):
            clock, second, code, _, balance = log.entry(number)
            name = log.name(code)
            self._say("%d %s %s %s EUR" % (number, timestamp(clock, second), name, euros(balance)))

    def _profile(self):
        self._say("name " + self.meter.profile_text())
        for name in layouts.PROFILE_FIELDS:
            self._say("%s %d" % (name, getattr(self.meter.profile, name)))

    def _repl(self):
        self.meter.commit()
        if not self.meter.board.leave():  # else nobody is left to answer
            self.refuse("this board has none")

    def _version(self):
        meter = self.meter
        self._say("meter %09d" % meter.gateway.meter)
        self._say("firmware " + VERSION)
        self._say("protocol %d" % layouts.PROTOCOL_VERSION)
        self._say("profile " + meter.profile_text())
        self._say("key_revision %d" % meter.memory.key_revision)

    def _test(self):
        clicked = self.meter.test(relay=True)
        self._say("display tested")
        self._say("relay " + ("clicked" if clicked else "not clicked: not safe now"))

    def _token(self, typed):
        if not typed.strip():
            self.refuse("token takes a token")
            return
        data = text.token(typed)
        if data is None:
            status, why = layouts.STATUS_FORMAT_FAILURE, layouts.WHY_MISTYPED
        else:
            status, why = self.meter.enter(data)
        if data is not None:
            self._say("number %d" % self.meter.gateway.number)
        m = self.meter.state
        self._say("balance %s EUR" % exact(m.credit - m.emergency_used))
        self._say("supply " + _CONTROL[m.control_state])
        self._say("status %d" % status)
        self._say("reason %d" % why)
        if status == layouts.STATUS_EXECUTED:
            self._say("ok")
        else:
            self.refuse("%s, reason %d" % (_STATUS[status], why))
