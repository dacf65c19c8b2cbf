"""The technician's console: one command a line, answers in plain ASCII.

Every answer is lines of `name value unit`, closed by a line `ok` or `error` and a reason, so that a
person and a script read the same.
"""

from meterfw import VERSION, layouts
from meterfw.account.calendar import local, weekday
from meterfw.wire import text
from meterfw.wire.text import euros, exact, kwh, timestamp, total

# Texts of many words stand as one: a tuple of texts takes several times the memory.
HELP = """\
help                this list
status              account, limits and supply now
registers           energy and lifetime totals
events              the event log, oldest first
profile             every value of the profile
token TOKEN         enter a token: groups of characters, or hexadecimal digits
test                display and beeper; clicks the relay when no load flows
version             who the meter is
repl                restart the board into its REPL; supply is open until the next start"""
_DAYS = "Mon Tue Wed Thu Fri Sat Sun"
_MODES = "- credit prepayment limiter-only"
_CONTROL = "disconnected connected ready"
_REASONS = "credit overload operator tamper leak-test"
_EMERGENCY = "enabled selectable - in-use consumed"
_STATUS = "- - - executed format authentication validation execution"


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
        for line in HELP.split("\n"):
            self._say(line)

    def _say_word(self, name, words, i):
        self._say("%s %s" % (name, words.split()[i]))

    def _say_end(self, name):
        self._say("%s %s" % (name, timestamp(getattr(self.meter.state, name), 0)))

    def _say_fields(self, fields):
        """Fields of the state: NAME or NAME=FIELD, and :UNIT."""
        for told in fields.split():
            name, _, unit = told.partition(":")
            name, _, field = name.partition("=")
            value = getattr(self.meter.state, field or name)
            if unit == "kWh":
                value = kwh(value)
            elif unit[:3] == "EUR":
                value = exact(value)
            self._say(("%s %s %s" % (name, value, unit)).rstrip())

    def _status(self):
        m = self.meter.state
        memory = self.meter.memory
        say = self._say
        day = _DAYS.split()[weekday(local(m.clock) // 1440)]
        say("time %s %s" % (timestamp(m.clock, m.second), day))
        self._say_fields("time_uncertain=uncertain")
        self._say_word("payment_mode", _MODES, m.payment_mode)
        self._say_word("supply", _CONTROL, m.control_state)
        reasons = [word for i, word in enumerate(_REASONS.split()) if m.reasons >> i & 1]
        say("reasons " + (",".join(reasons) or "none"))
        say("balance %s EUR" % exact(m.credit - m.emergency_used))
        self._say_fields("credit:EUR")
        self._say_word("emergency", _EMERGENCY, m.emergency_status)
        self._say_fields("emergency_preset:EUR emergency_used:EUR arrears:EUR overdraft:EUR")
        if m.overdraft:
            self._say_end("overdraft_until")
        if m.hold_until:
            self._say_end("hold_until")
        else:
            say("hold_until none")
        self._say_fields("friendly_hours=window winter price:EUR/kWh")
        if m.price_from:
            self._say_fields("price_next:EUR/kWh")
            self._say_end("price_from")
        self._say_fields("limiter_available limiter_engaged minimum_supply_disabled")
        self._say_fields("limit_current=limit_ma:mA limit_power=limit_w:W")
        if m.limit_until:
            self._say_end("limit_until")
        self._say_fields("last_top_up:EUR")
        say("token_number %d" % memory.numbers.highest)
        say("locked %d s" % ((self.meter.gateway.locked_ms + 999) // 1000))
        say("memory_lost %d" % memory.lost)

    def _registers(self):
        self._say_fields(
            "energy=energy_wh:kWh energy_limited=limited_wh:kWh energy_unbilled=unbilled_wh:kWh "
            "energy_disconnected=tamper_wh:kWh volume=volume_l:l"
        )
        m = self.meter.state
        for name in ("credited", "charged", "settled"):
            eur, mc = getattr(m, name + "_eur"), getattr(m, name + "_mc")
            self._say("%s %s EUR" % (name, total(eur, mc)))

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
        if not self.meter.board.leave(self.meter.commit):  # else nobody is left to answer
            self.refuse("not on this board, or its flash is full")

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
            status, why = layouts.TOKEN_STATUS_FORMAT_FAILURE, layouts.TOKEN_REASON_MISTYPED
        else:
            status, why = self.meter.enter(data)
        if data is not None:
            self._say("number %d" % self.meter.gateway.number)
        m = self.meter.state
        self._say("balance %s EUR" % exact(m.credit - m.emergency_used))
        self._say_word("supply", _CONTROL, m.control_state)
        self._say("status %d" % status)
        self._say("reason %d" % why)
        if status == layouts.TOKEN_STATUS_EXECUTED:
            self._say("ok")
        else:
            self.refuse("%s failure, reason %d" % (_STATUS.split()[status], why))
