"""Messages in frames: requests to the meter and its answers.

Reading is free on the local port; whatever changes the meter is a token (`tokens`). An answer has
the request's type with 128 added and its sequence.
"""

from meterproto.codes import (
    ControlState,
    Energy,
    Event,
    Message,
    MessageError,
    TokenReason,
    TokenStatus,
)
from meterproto.quantity import Opaque, Quantity, Record, flag, one_of, pick
from meterproto.records import State
from meterproto.tokens import METER_LIMIT, NUMBER_LIMIT

VERSION = 1
ANSWER = 128
PAGE = 16  # entries of the event log in one answer
MAX_PING = 64
NOW_EDITION = 2  # of a status with what flows now; a request without payload gets the first
REPORT_PART = 240  # octets of a report in one answer


def number() -> Quantity:
    return Quantity("L", "", 0, NUMBER_LIMIT)


Header = Record(
    "version" / Quantity("B", "", 1, 255) * "version of the protocol: 1",
    "type" / Quantity("B", "", 1, 255, Message) * "message; an answer has 128 added",
    "sequence" / Quantity("B", "", 0, 255) * "chosen by the asker, repeated in the answer",
)
Identity = Record(
    "meter" / Quantity("L", "", 0, METER_LIMIT) * "serial number; 0: not flashed yet",
    "key_revision" / Quantity("H", "", 1, 65_535) * "revision of its key",
    "energy" / one_of(Energy) * "what it meters",
    "firmware" / Opaque(8) * "version of the firmware, ASCII, padded with zeros",
    "profile" / Opaque(24) * "name of its profile, ASCII, padded with zeros",
    "layout" / Quantity("H", "", 0, 65_535) * "version of the layouts it stores",
)
Status = Record(
    *pick(
        State,
        *("clock", "second", "uncertain", "payment_mode", "control_state", "reasons"),
        *("credit", "emergency_status", "emergency_preset", "emergency_used", "arrears"),
        *("overdraft", "overdraft_until", "overdraft_order", "hold_until"),
        *("price", "price_next", "price_from", "warned", "kept", "charge_stopped"),
        *("limiter_available", "limiter_engaged", "minimum_supply_disabled"),
        *("limit_ma", "limit_w", "limit_until", "connection_w"),
        *("rearm_left_s", "leak_left_s", "window", "winter"),
        *("last_top_up", "last_top_up_clock"),
    ),
    "supply_on" / flag() * "energy may flow",
    "token_number" / number() * "highest token number taken",
    "token_order" / number() * "highest order taken",
    "locked_s"
    / Quantity("H", "s", 0, 3600)
    * "time until a wrong token counts again; a genuine one is always taken",
    "memory_lost" / flag() * "replay memory lost: only a key change is taken",
)
StatusRequest = Record(
    "edition" / Quantity("B", "", NOW_EDITION, NOW_EDITION) * "of the answer: 2 adds what flows",
)
Present = Record(
    "power_w" / Quantity("l", "W", 0, 2**30 - 1) * "total power now",
    "current_ma" / Quantity("l", "mA", 0, 2**30 - 1) * "largest current of a phase now",
    "voltage_mv" / Quantity("l", "mV", 0, 2**30 - 1) * "voltage now; 0: not measured",
)
StatusNow = Record(*Status.subcons, *Present.subcons)
Registers = Record(
    *pick(
        State,
        *("energy_wh", "limited_wh", "unbilled_wh", "volume_l", "tamper_wh"),
        *("credited_eur", "credited_mc", "charged_eur", "charged_mc"),
        *("settled_eur", "settled_mc"),
    ),
)
EventsRequest = Record("first" / number() * "number of the first entry wanted")
EventsPage = Record(
    "first" / number() * "number of the first entry that follows",
    "next" / number() * "number to ask for next",
    "total" / number() * "number of the next entry to be written",
    "count" / Quantity("B", "", 0, PAGE) * "entries that follow",
)
Entry = Record(
    *pick(State, "clock", "second"),
    "code" / Quantity("B", "", 0, 255, Event) * "event (codes.Event, codes.LogCode)",
    *pick(State, "reasons"),
    "balance" / Quantity("l", "mc", -(2**30), 2**30 - 1) * "balance then",
)
TokenAnswer = Record(
    "status" / Quantity("B", "", 3, 7, TokenStatus) * "token status code of DLMS class 115",
    "reason" / Quantity("B", "", 0, 255, TokenReason) * "why; 64 plus the result of the order",
    "number" / number() * "number of the token",
    "balance" / Quantity("l", "mc", -(2**30), 2**30 - 1) * "balance now",
    "control_state" / one_of(ControlState) * "supply control switch now",
)
ReportRequest = Record(
    "sequence" / number() * "commit the report is about, as its first part has it; 0 asks for that",
    "first_event" / number() * "of a first part: number of the first event the asker lacks",
    "at" / Quantity("H", "octets", 0, 65_535) * "where the part begins; 0 in the first",
)
ReportPart = Record(
    "sequence" / number() * "commit the report is about",
    "size" / Quantity("H", "octets", 0, 65_535) * "of the whole: an area as on a card (cards.Area)",
    "at" / Quantity("H", "octets", 0, 65_535) * "where the octets that follow begin",
)
Error = Record("code" / Quantity("B", "", 1, 4, MessageError) * "what was wrong")

# Payload of each request and of each answer; None: any octets, or none.
REQUESTS = {
    Message.PING: None,
    Message.IDENTIFY: None,
    Message.STATUS: None,
    Message.REGISTERS: None,
    Message.EVENTS: EventsRequest,
    Message.TOKEN: None,
    Message.REPORT: ReportRequest,
}
ANSWERS = {
    Message.PING: None,
    Message.IDENTIFY: Identity,
    Message.STATUS: Status,
    Message.REGISTERS: Registers,
    Message.EVENTS: EventsPage,
    Message.TOKEN: TokenAnswer,
    Message.REPORT: ReportPart,
    Message.ERROR: Error,
}
