"""The technician's console: one command a line, answers in plain ASCII.

Every answer is lines of `name value unit`, closed by a line `ok`, or `error` and a reason. So a
person and a script read the same.
"""

from meterfw import VERSION, layouts
from meterfw.account.calendar import local, weekday
from meterfw.account.rules import balance
from meterfw.board import Board
from meterfw.panel.panel import Panel, spoken
from meterfw.store.crashes import Crashes
from meterfw.tokens.till import Till
from meterfw.wire import text
from meterfw.wire.link import Link
from meterfw.wire.text import DAYS, euros, exact, kwh, timestamp, total

# Texts of many words stand as one: a tuple of texts takes several times the memory.
HELP = """\
help                this list
status              account, limits and supply now
registers           energy and lifetime totals
events              the event log, oldest first
profile             every value of the profile
token TOKEN         enter a token: groups of characters, or hexadecimal digits
test                display and beeper; clicks the relay when no load flows
echo on             what is typed comes back, and a prompt, until the next ~
version             who the meter is
repl                restart the board into its REPL; supply is open until the next start"""


class Console:
    """Answers command lines about an account.

    :param profile_name: as in the identity
    """

    def __init__(
        self,
        board: Board,
        link: Link,
        till: Till,
        panel: Panel,
        crashes: Crashes,
        profile_name: bytes,
    ) -> None:
        self.board = board
        self.link = link
        self.till = till
        self.ledger = till.ledger
        self.gateway = till.gateway
        self.panel = panel
        self.crashes = crashes
        self.profile_name = profile_name

    def answer(self, line: str) -> None:
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
        elif word == "echo":
            self.link.echo = rest.strip() != "off"
            self._say("ok")
        elif word not in commands and word != "repl":
            self.refuse("unknown command; try help")
        elif rest.strip():
            self.refuse("%s takes no argument" % word)
        elif word == "repl":
            self._repl()
        else:
            commands[word]()
            self._say("ok")

    def refuse(self, reason: str) -> None:
        """Close an answer with an error."""
        self._say("error " + reason)

    def _say(self, line: str) -> None:
        self.link.send_line(line)

    def _help(self) -> None:
        for line in HELP.split("\n"):
            self._say(line)

    def _say_word(self, name: str, words: str, i: int) -> None:
        self._say("%s %s" % (name, words.split()[i]))

    def _say_end(self, name: str) -> None:
        self._say("%s %s" % (name, timestamp(getattr(self.ledger.state, name), 0)))

    def _say_fields(self, fields: str) -> None:
        """Fields of the state: NAME or NAME=FIELD, and :UNIT."""
        for item in fields.split():
            name, _, unit = item.partition(":")
            name, _, field = name.partition("=")
            value = getattr(self.ledger.state, field or name)
            if unit == "kWh":
                value = kwh(value)
            elif unit[:3] == "EUR":
                value = exact(value)
            self._say(("%s %s %s" % (name, value, unit)).rstrip())

    def _status(self) -> None:
        m, memory = self.ledger.state, self.ledger.memory
        say = self._say
        day = DAYS.split()[weekday(local(m.clock) // 1440)]
        say("time %s %s" % (timestamp(m.clock, m.second), day))
        self._say_fields("time_uncertain=uncertain")
        self._say_word("payment_mode", layouts.PAYMENT_MODE_WORDS, m.payment_mode)
        self._say_word("supply", layouts.CONTROL_STATE_WORDS, m.control_state)
        words = layouts.REASON_WORDS.split()
        reasons = [word for i, word in enumerate(words) if m.reasons >> i & 1]
        say("reasons " + (",".join(reasons) or "none"))
        say("balance %s EUR" % exact(balance(m)))
        self._say_fields("credit:EUR")
        self._say_word("emergency", layouts.EMERGENCY_STATUS_WORDS, m.emergency_status)
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
        say("locked %d s" % self.gateway.locked_s())
        say("memory_lost %d" % memory.lost)

    def _registers(self) -> None:
        self._say_fields(
            "energy=energy_wh:kWh energy_limited=limited_wh:kWh energy_unbilled=unbilled_wh:kWh "
            "energy_disconnected=tamper_wh:kWh volume=volume_l:l"
        )
        m = self.ledger.state
        for name in ("credited", "charged", "settled"):
            eur, mc = getattr(m, name + "_eur"), getattr(m, name + "_mc")
            self._say("%s %s EUR" % (name, total(eur, mc)))

    def _events(self) -> None:
        log = self.till.log
        for number, (clock, second, code, _, mc) in log.numbered():
            name = log.name(code)
            self._say("%d %s %s %s EUR" % (number, timestamp(clock, second), name, euros(mc)))
        self._say_crash()

    def _profile(self) -> None:
        self._say("name " + self._profile_text())
        for name, unit in zip(layouts.PROFILE_FIELDS, layouts.PROFILE_UNITS.split()):
            value = getattr(self.ledger.profile, name)
            self._say("%s %s" % (name, text.in_unit(value, unit)))

    def _repl(self) -> None:
        if not self.board.leave(self.till.commit):  # else nobody is left to answer
            self.refuse("not on this board, or its flash is full")

    def _profile_text(self) -> str:
        return self.profile_name.decode().rstrip("\x00")

    def _version(self) -> None:
        self._say("meter %09d" % self.gateway.meter)
        self._say("firmware " + VERSION)
        self._say("protocol %d" % layouts.PROTOCOL_VERSION)
        self._say("profile " + self._profile_text())
        self._say("key_revision %d" % self.ledger.memory.key_revision)
        self._say("safe_state %d" % self.crashes.safe)
        self._say_crash()

    def _say_crash(self) -> None:
        for line in self.crashes.lines():
            self._say("crash " + line)

    def _test(self) -> None:
        clicked = self.panel.test(relay=True)
        self._say("display tested")
        self._say("relay " + ("clicked" if clicked else "not clicked: not safe now"))

    def _token(self, typed: str) -> None:
        if not typed.strip():
            self.refuse("token takes a token")
            return
        data = text.token_from(typed)
        if data is None:
            status, why = layouts.TOKEN_STATUS_FORMAT_FAILURE, layouts.TOKEN_REASON_MISTYPED
        else:
            status, why = self.till.enter(data)
        if data is not None:
            self._say("number %d" % self.gateway.number)
        m = self.ledger.state
        self._say("balance %s EUR" % exact(balance(m)))
        self._say_word("supply", layouts.CONTROL_STATE_WORDS, m.control_state)
        if why == layouts.TOKEN_REASON_LOCKED:
            self._say("locked %d s" % self.gateway.locked_s())
        self._say("status %d" % status)
        self._say("reason %d" % why)
        if status == layouts.TOKEN_STATUS_EXECUTED:
            self._say("ok")
        else:
            self.refuse(self._in_words(why))

    def _in_words(self, why: int) -> str:
        """A reason as the sentence that the board was flashed with, and its number."""
        words = spoken(self.board)
        mark = ("\n%d " % why).encode()
        begin = words.find(mark) + len(mark)
        if begin < len(mark):
            return "refused, reason %d" % why
        return "%s (reason %d)" % (str(words[begin : words.find(b"\n", begin)], "ascii"), why)
