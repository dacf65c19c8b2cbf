"""The numbers that stand for words in the state, in orders, events and answers.

Names follow DLMS/COSEM where it has a word: control state of class 70, credit status of class 112,
payment mode of class 111. `rules` on a member are the ids of the requirement it stems from.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """An integer code with its meaning and the rule ids behind it."""

    _value_: int
    meaning: str
    rules: tuple[str, ...]

    def __new__(cls, value: int, meaning: str = "", rules: Iterable[str] = ()) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.rules = tuple(rules)
        return member

    @property
    def word(self) -> str:
        """The name as people write and read it: "limiter-only"."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of_word(cls, word: object) -> Self:
        """The member of a word.

        :raises ValueError: no member has it; the message lists those there are
        """
        for member in cls:
            if member.word == word:
                return member
        raise ValueError(f"{word!r} is not one of {', '.join(cls.words())}")

    @classmethod
    def words(cls) -> list[str]:
        """The words of all members, in their order."""
        return [member.word for member in cls]


class Energy(Code):
    ELECTRICITY = 0, "pulses are Wh"
    GAS = 1, "pulses are litres, converted with the calorific value"


class PaymentMode(Code):
    CREDIT = 1, "postpaid: balances frozen, never open for credit", ("OC-10",)
    PREPAYMENT = 2, "budget meter active", ("FE-01",)
    LIMITER_ONLY = 3, "no prepayment, a power limiter always in force", ("FE-18", "BE-01")


class ControlState(Code):
    DISCONNECTED = 0, "supply open"
    CONNECTED = 1, "supply closed"
    READY = 2, "ready for reconnection: supply open, to be closed by hand"


class Reason(Code):
    """Bits: why supply is open."""

    CREDIT = 1, "lack of credit", ("OC-15", "FE-30")
    OVERLOAD = 2, "load above the limiter's limit", ("OC-21", "FE-25")
    OPERATOR = 4, "disconnected by the operator", ("FE-27",)
    TAMPER = 8, "consumption counted while disconnected", ()
    LEAK_TEST = 16, "gas: the leak test before reopening is running", ("B-4",)


class EmergencyStatus(Code):
    ENABLED = 0, "not needed now"
    SELECTABLE = 1, "offered, waits for the button", ("OC-15",)
    IN_USE = 3, "being consumed", ("OC-15", "FE-02")
    CONSUMED = 4, "used up to its preset", ("OC-15", "FE-24")


class LimiterRepay(Code):
    INVOICE = 0, "by invoice: released by token or when paid", ("OC-23", "WE-40")
    TOPUP_ALL = 1, "by the whole of the next top-ups", ("AMB-10",)
    TOPUP_SHARE = 2, "by a share of each top-up", ("FE-22",)


class WinterBar(Code):
    """Bits: what is refused between the winter dates of the profile."""

    MINIMUM_SUPPLY = 1, "no suspension of the minimum supply", ("WE-39",)
    BAD_WILL = 2, "no disconnection for manifest bad will", ("FE-28",)


class Kind(Code):
    """What an order to the meter asks for; `kinds` says what its two values are."""

    TOP_UP = 1, "credit bought", ("FE-21", "OC-16")
    SUPPORT = 2, "credit given", ("OC-04", "AMB-26")
    AID = 3, "credit of a supply card", ("WG-30",)
    OVERDRAFT = 4, "negative credit limit", ("OC-12",)
    HOLD = 5, "no disconnection for lack of credit", ("B-7",)
    LIMITER_ENABLE = 6, "the limiter becomes available", ("OC-19", "WE-33")
    LIMIT = 7, "raised limit", ("BE-02",)
    LIMITER_RELEASE = 8, "back to full power", ("WE-40", "AMB-13")
    MINIMUM_SUPPLY_DISABLE = 9, "no minimum supply", ("FE-30", "AMB-13")
    MINIMUM_SUPPLY_ENABLE = 10, "minimum supply again", ("FE-30",)
    ARREARS_PAID = 11, "minimum supply paid by invoice", ("OC-23", "WE-40")
    PRICE = 12, "another price", ("B-20", "FE-14")
    EMERGENCY_PRESET = 13, "another emergency credit", ("FE-14", "B-1")
    PAYMENT_MODE = 14, "another payment mode", ("OC-09", "OC-11")
    DISCONNECT = 15, "the operator opens supply", ("FE-27", "OC-01")
    RECONNECT = 16, "the operator's disconnection ends", ("FE-34",)
    CLEAR_TAMPER = 17, "tamper seen and settled", ()
    CLOCK = 18, "the clock is set", ()
    PARAMETER = 19, "another value of the profile", ("FE-23",)
    KEY_CHANGE = 20, "a new key, which comes wrapped in the token", ()
    TEST = 21, "test of display and beeper; changes nothing", ()


class Setting(Code):
    """What of a meter an order sets: of each, the last one issued counts.

    The meter keeps a rank for each (`stored.TokenMemory`). Numbers 13 to 15 are free; from
    PARAMETER on there is one for each value of the profile, its field number added.
    """

    PRICE = 0, "the price in force", ("B-20",)
    ANNOUNCED_PRICE = 1, "the price to come", ("B-20",)
    HOLD = 2, "the hold on disconnections", ("B-7",)
    OVERDRAFT = 3, "the negative credit limit", ("OC-12",)
    LIMIT = 4, "the raised limit", ("BE-02",)
    EMERGENCY_PRESET = 5, "the emergency credit on offer", ("FE-14",)
    PAYMENT_MODE = 6, "the payment mode", ("OC-09", "OC-11")
    MINIMUM_SUPPLY = 7, "whether there is a minimum supply", ("FE-30",)
    SUPPLY = 8, "the operator's own switch", ("FE-27", "FE-34")
    CLOCK = 9, "the clock", ()
    LIMITER = 10, "whether the limiter is available", ("OC-19",)
    LIMITER_RELEASE = 11, "the release of the limiter", ("WE-40",)
    TAMPER = 12, "the clearing of tamper", ()
    PARAMETER = 16, "a value of the profile", ("FE-23",)


class Cause(Code):
    """Why an operator disconnects."""

    SAFETY = 1, "immediate danger", ("FE-27", "OC-01")
    FRAUD = 2, "fraud, after the commission's advice", ("FE-27",)
    BAD_WILL = 3, "manifest bad will without access, after the commission's advice", ("FE-27",)


class Result(Code):
    """What became of an order."""

    DONE = 0, "carried out"
    NO_EFFECT = 1, "accepted before under the same order id, or nothing to change", ("OC-12",)
    OUT_OF_RANGE = 2, "a value the field cannot hold"
    ABOVE_CAP = 3, "amount above the cap of one top-up", ("B-8",)
    BALANCE_LIMIT = 4, "the account would pass 10,000 EUR"
    WRONG_MODE = 5, "not in this payment mode", ("OC-04",)
    NOT_FITTED = 6, "this meter does not have it", ("OC-18",)
    NEEDS_CREDIT = 7, "disconnected: top up to the reconnection minimum first", ("OC-19", "OC-20")
    BARRED = 8, "barred in winter or by a hold", ("WE-39", "FE-28", "OC-01")
    EXPIRED = 9, "its end lies in the past"
    TOO_LONG = 10, "a longer period than the rule allows", ("BE-02",)
    UNKNOWN = 11, "no such order"
    NOT_STORED = 12, "the new key could not be stored"
    SUPERSEDED = 13, "accepted and spent: a later order of the same setting is in force"


class TokenStatus(Code):
    """Token status code of the DLMS/COSEM token gateway, class 115."""

    EXECUTED = 3, "token execution result: OK"
    FORMAT_FAILURE = 4, "token format failure"
    AUTHENTICATION_FAILURE = 5, "authentication failure"
    VALIDATION_FAILURE = 6, "validation result failure"
    EXECUTION_FAILURE = 7, "token execution result failure"


class TokenReason(Code):
    """Why, beside the status. From 64 on: 64 plus the `Result` of the order."""

    NONE = 0, "nothing to add"
    LENGTH = 1, "truncated, or too long"
    MISTYPED = 2, "the check of the typed text does not fit"
    VERSION = 3, "a token of a later version"
    KIND = 4, "a kind this meter does not know"
    RANGE = 5, "a value that no token has"
    KEY_REVISION = 16, "key revision unknown"
    TAG = 17, "tag wrong"
    LOCKED = 18, "locked out after wrong tags: a genuine token is taken, one try a second"
    METER = 32, "not for this meter"
    EXPIRED = 33, "past its expiry"
    TOO_OLD = 34, "older than the window of 256 numbers: to be issued again"
    USED = 35, "taken before"
    MEMORY_LOST = 36, "replay memory lost: only a key change is taken"
    OLD_REVISION = 37, "key change to a revision not above every earlier one"
    ORDER_TOO_OLD = 38, "its order is older than the window of 256 orders"
    TIME_UNCERTAIN = 39, "its expiry may be over: the meter waits for the time"
    COMMIT_FAILED = 48, "could not be stored; nothing changed"
    RESULT = 64, "64 plus the result of the order"


class Message(Code):
    """Type of a request; its answer has 128 added."""

    PING = 1, "answered with the same octets"
    IDENTIFY = 2, "who the meter is"
    STATUS = 3, "account, limits and supply now"
    REGISTERS = 4, "energy and lifetime totals"
    EVENTS = 5, "a page of the event log"
    TOKEN = 6, "enter a token"
    REPORT = 7, "a part of the report a card would carry, under the meter's tag"
    ERROR = 127, "answer only: the request could not be served"


class MessageError(Code):
    """What was wrong with a request."""

    VERSION = 1, "a later version of the protocol"
    TYPE = 2, "no such message"
    LENGTH = 3, "not the length of this message"
    AGAIN = 4, "not now, or no more: ask again from the beginning"


class Event(Code):
    """What happened in the rules: bit numbers in `events` of the state, in causal order."""

    PRICE_CHANGED = 0, "price changed", ("B-20", "FE-14")
    CREDITED = 1, "top-up booked", ("OC-16", "FE-21")
    OVERDRAFT_GRANTED = 2, "negative credit limit granted", ("OC-12", "OC-14")
    OVERDRAFT_ENDED = 3, "negative credit limit ended", ("AMB-06", "AMB-23")
    HOLD_GRANTED = 4, "hold on disconnections granted", ("B-7",)
    HOLD_ENDED = 5, "hold on disconnections ended", ("B-7",)
    MODE_CHANGED = 6, "payment mode changed", ("OC-10", "OC-11")
    ARREARS_PAID = 7, "minimum supply paid", ("OC-23", "WE-40")
    LIMIT_CHANGED = 8, "limit raised or back to default", ("BE-02",)
    MINIMUM_SUPPLY_CHANGED = 9, "minimum supply disabled or enabled", ("FE-30", "AMB-13")
    LOW_CREDIT = 10, "low credit warning", ("B-5",)
    KEPT_ON = 11, "credit used up, kept on by a window or hold", ("B-3", "B-7")
    EMERGENCY_RESTORED = 12, "emergency credit available again", ("OC-16", "B-4")
    EMERGENCY_SELECTABLE = 13, "emergency credit offered", ("OC-15", "B-4")
    EMERGENCY_IN_USE = 14, "emergency credit in use", ("OC-15", "FE-02")
    EMERGENCY_CONSUMED = 15, "emergency credit consumed", ("OC-15", "FE-24")
    LIMITER_AVAILABLE = 16, "limiter available", ("OC-19", "WE-33")
    LIMITER_ENGAGED = 17, "minimum supply under the limiter", ("WE-35", "FE-24")
    LIMITER_RELEASED = 18, "limiter released, full power", ("OC-23", "AMB-10")
    OVERLOAD = 19, "load above the limit", ("OC-21", "FE-25")
    TAMPER = 20, "consumption while disconnected", ()
    UNBILLED = 21, "account at its limit, charging stopped", ()
    DISCONNECTED = 22, "supply opened", ("OS-05",)
    READY = 23, "ready for reconnection", ("OC-16", "B-9")
    LEAK_TEST_STARTED = 24, "leak test started", ("B-4",)
    LEAK_TEST_FAILED = 25, "leak test failed", ("B-4",)
    CONNECTED = 26, "supply closed", ("B-4", "B-9")


FIRST_LOG_CODE = 32  # codes of the event log below it are bit numbers of `Event`


class LogCode(Code):
    """Entries of the event log beside `Event`."""

    POWER_UP = 32, "started"
    STATE_NEW = 33, "no stored state: put into service"
    STATE_LOST = 34, "no stored state readable: started with nothing booked"
    CLOCK_SET = 35, "clock set"
    TOKEN_ACCEPTED = 36, "token accepted"
    TOKEN_REFUSED = 37, "token refused"
    LOCKED_OUT = 38, "port locked out after wrong tags"
    POWER_DOWN = 39, "power was cut; the time is that of the last commit"
    TIME_UNCERTAIN = 40, "no battery clock: the time is a lower bound"
    JOURNAL_REPAIRED = 41, "a damaged record was passed over"
    PROFILE_CHANGED = 42, "a new profile was flashed"
    COMMIT_FAILED = 43, "the account could not be stored"
    SWITCH_STUCK = 44, "the supply switch is not where it was put"
    SENSOR_SILENT = 45, "the current sensor does not answer: the limiter sees nothing"
    PROFILE_REFUSED = 46, "the flashed profile is damaged: the one in force goes on"
    KEY_FLASHED = 47, "a newer key was flashed"
    CARD_READ = 48, "a card for this meter was put in"
    CARD_REFUSED = 49, "a card that cannot be used was put in"
    RESTARTED = 50, "restarted by a command or the reset button, without a power cut"
    CRASHED = 51, "restarted by an error of the firmware: `version` shows it"
    HUNG = 52, "restarted by the watchdog: a pass took too long"
    SAFE_STATE = 53, "three crashes in a row: nothing is measured until the power is cut"


def logged(number: int) -> Event | LogCode:
    """What the code of an entry of the event log stands for.

    :raises ValueError: a code unknown here
    """
    return Event(number) if number < FIRST_LOG_CODE else LogCode(number)


class CardType(Code):
    """What a card is for. Whatever it says, only its tokens count."""

    CUSTOMER = 1, "the customer's own, between meter and terminal", ("OC-03", "OC-05")
    TECHNICAL = 2, "one-shot, by post, straight into the meter", ("OC-13",)
    DEACTIVATION = 3, "one-shot: ends prepayment", ("OC-09",)
    SUPPLY = 4, "one-shot: aid", ("WG-30",)
    REPAIR = 5, "one-shot, in the customer's name, valid for a few days", ("B-7",)


class CardOutcome(Code):
    """What the meter shows of the card in its slot. Only 9 is known of real meters (B-5, B-8)."""

    READING = 0, "being read or written: do not pull it out"
    BLANK = 1, "nothing was ever written on it"
    FOREIGN = 2, "not a card of this system"
    DAMAGED = 3, "neither area of the terminal is whole: nothing taken, the report was written"
    OTHER_METER = 4, "the card of another meter"
    NEWER = 5, "a layout later than this meter knows"
    NOT_STORED = 6, "the meter could not store: nothing taken, nothing written"
    NO_ANSWER = 7, "the card does not answer, or does not keep what is written"
    REFUSED = 8, "read and written; a token on it was refused"
    GOOD = 9, "read and written", ("B-5", "B-8")


def prefix(codes: type[Code]) -> str:
    """What the constants of a class of codes begin with in the layouts: its name, PAYMENT_MODE."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", codes.__name__).upper()


# The classes of codes, in the order of the generated layouts.
CODES: tuple[type[Code], ...] = (
    Energy,
    PaymentMode,
    ControlState,
    Reason,
    EmergencyStatus,
    LimiterRepay,
    WinterBar,
    Kind,
    Setting,
    Cause,
    Result,
    TokenStatus,
    TokenReason,
    Message,
    MessageError,
    Event,
    LogCode,
    CardType,
    CardOutcome,
)
