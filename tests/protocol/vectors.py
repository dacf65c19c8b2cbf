"""Golden vectors: bytes on the wire and what the meter must answer, as JSON for both interpreters.

Everything is built with `construct` and the standard library's `hmac`; what the meter answers is
written down here by hand, not taken from the firmware. `python -m tests.protocol.vectors` writes
`vectors.json` anew; a test compares.
"""

import json
from pathlib import Path

from budgetmeter import profiles
from budgetmeter.identity import identity_file, sealed
from budgetmeter.issue import Issuer
from meterproto import framing, messages, stored, tokens
from meterproto.codes import Kind, Message, MessageError, Result, TokenReason, TokenStatus
from meterproto.fcs import fcs16

FILE = Path(__file__).with_name("vectors.json")
METER = 123_456_789
VENDING_KEY = bytes(range(32))
REVISION = 3
CLOCK = 11_012_120  # 2020-12-08 07:20 UTC+1, inside friendly hours
EUR = 100_000

# RFC 4231, test cases 1-4 and 6-7: key, data, HMAC-SHA-256.
RFC4231 = [
    ("0b" * 20, "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    ("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ("aa" * 20, "dd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ("0102030405060708090a0b0c0d0e0f10111213141516171819", "cd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ("aa" * 131, "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579"
     "202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ("aa" * 131, "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c"
     "6f636b2d73697a65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174"
     "612e20546865206b6579206e6565647320746f20626520686173686564206265666f7265206265696e67207573"
     "65642062792074686520484d414320616c676f726974686d2e",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]  # fmt: skip

# RFC 5869, test cases 1-3: material, salt, info, pseudorandom key, output.
RFC5869 = [
    ("0b" * 22, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
    ("".join(f"{i:02x}" for i in range(0x00, 0x50)),
     "".join(f"{i:02x}" for i in range(0x60, 0xB0)),
     "".join(f"{i:02x}" for i in range(0xB0, 0x100)),
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
     "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"),
    ("0b" * 22, "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
]  # fmt: skip


def issuer():
    return Issuer(METER, VENDING_KEY, REVISION, derive=True)


def request(kind, payload=b"", sequence=7, version=messages.VERSION):
    """A request frame on the wire."""
    header = {"version": version, "type": kind, "sequence": sequence}
    return framing.encode(messages.Header.build(header) + payload)


def answer(kind, payload=b"", sequence=7):
    """An answer frame on the wire."""
    header = {"version": 1, "type": kind | messages.ANSWER, "sequence": sequence}
    return framing.encode(messages.Header.build(header) + payload)


def error(code, sequence=7):
    return answer(Message.ERROR, messages.Error.build({"code": code}), sequence)


def token_answer(status, reason, number, balance=15 * EUR):
    fields = {
        "status": status,
        "reason": reason,
        "number": number,
        "balance": balance,
        "control_state": 1,
    }
    return answer(Message.TOKEN, messages.TokenAnswer.build(fields))


STATUS = {
    "clock": CLOCK, "second": 0, "uncertain": 0,
    "payment_mode": 2, "control_state": 1, "reasons": 0,
    "credit": 15 * EUR, "emergency_status": 0, "emergency_preset": 12 * EUR, "emergency_used": 0,
    "arrears": 0, "overdraft": 0, "overdraft_until": 0, "overdraft_order": 0, "hold_until": 0,
    "price": 25_000, "price_next": 0, "price_from": 0, "warned": 0, "kept": 0,
    "charge_stopped": 0, "limiter_available": 0, "limiter_engaged": 0,
    "minimum_supply_disabled": 0, "limit_ma": 10_000, "limit_w": 0, "limit_until": 0,
    "connection_w": 0, "rearm_left_s": 0, "leak_left_s": 0, "window": 1, "winter": 1,
    "last_top_up": 0, "last_top_up_clock": 0, "supply_on": 1, "token_number": 0,
    "token_order": 0, "locked_s": 0, "memory_lost": 0,
}  # fmt: skip
REGISTERS = {
    "energy_wh": 0, "limited_wh": 0, "unbilled_wh": 0, "volume_l": 0, "tamper_wh": 0,
    "credited_eur": 15, "credited_mc": 0, "charged_eur": 0, "charged_mc": 0, "settled_eur": 0,
    "settled_mc": 0,
}  # fmt: skip
IDENTITY = {
    "meter": METER,
    "key_revision": REVISION,
    "energy": 0,
    "firmware": b"0.1.0\0\0\0",
    "profile": b"wallonia-card".ljust(24, b"\0"),
    "layout": stored.LAYOUT,
}


def frames():
    """Exchanges of frames with a fresh meter: what goes in and what must come out."""
    flags = bytes([framing.FLAG])
    ping = request(Message.PING, b"hello")
    pong = answer(Message.PING, b"hello")
    yield "ping", ping, pong
    every = bytes([0x00, 0x03, 0x0A, 0x0D, 0x11, 0x7D, 0x7E, 0x7F, 0xFF])
    yield "octets to escape", request(Message.PING, every), answer(Message.PING, every)
    yield "two frames sharing nothing", ping + ping, pong + pong
    yield "flags before and between", flags * 3 + ping + flags * 2 + ping, pong + pong
    yield (
        "identify",
        request(Message.IDENTIFY),
        answer(Message.IDENTIFY, messages.Identity.build(IDENTITY)),
    )
    yield "status", request(Message.STATUS), answer(Message.STATUS, messages.Status.build(STATUS))
    now = {"power_w": 0, "current_ma": 0, "voltage_mv": 0}  # the test's board measures none
    yield (
        "status with what flows now",
        request(Message.STATUS, b"\x02"),
        answer(Message.STATUS, messages.Status.build(STATUS) + messages.Present.build(now)),
    )
    yield (
        "status of an edition nobody knows",
        request(Message.STATUS, b"\x03"),
        error(MessageError.LENGTH),
    )
    yield (
        "registers",
        request(Message.REGISTERS),
        answer(Message.REGISTERS, messages.Registers.build(REGISTERS)),
    )
    entry = {"clock": CLOCK, "second": 0, "code": 33, "reasons": 0, "balance": 15 * EUR}
    page = messages.EventsPage.build({"first": 0, "next": 1, "total": 1, "count": 1})
    first = messages.EventsRequest.build({"first": 0})
    yield (
        "events",
        request(Message.EVENTS, first),
        answer(Message.EVENTS, page + messages.Entry.build(entry)),
    )
    page = messages.EventsPage.build({"first": 1, "next": 1, "total": 1, "count": 0})
    beyond = messages.EventsRequest.build({"first": 1000})
    yield "events beyond the end", request(Message.EVENTS, beyond), answer(Message.EVENTS, page)
    # Invalid
    yield "later protocol", request(Message.PING, version=2), error(MessageError.VERSION)
    yield "unknown type", request(99), error(MessageError.TYPE)
    yield "an answer's type", request(Message.PING | 128), error(MessageError.TYPE)
    yield "status with a payload", request(Message.STATUS, b"x"), error(MessageError.LENGTH)
    yield "events without a number", request(Message.EVENTS), error(MessageError.LENGTH)
    yield "ping too long", request(Message.PING, b"x" * 65), error(MessageError.LENGTH)
    yield "header cut short", framing.encode(b"\x01\x01"), error(MessageError.LENGTH, 0)
    damaged = bytearray(ping)
    damaged[-3] ^= 1
    yield "damaged, then whole", bytes(damaged) + ping, pong
    yield "escape before the flag", ping[:-1] + b"\x7d\x7e" + ping, pong
    yield "cut short by a line", ping[:-4] + b"\r\n" + ping, pong
    yield "longer than any frame", flags + b"x" * 400 + b"\r\n" + ping, pong
    yield "only a check", framing.encode(b""), b""
    yield "one octet", flags + b"x" + flags + b"\r\n" + ping, pong


def bodies():  # noqa: PLR0915  # a story of one meter, token after token
    """Tokens in a row for one meter: about, bytes, status, reason, balance afterwards."""
    ok, fine = TokenStatus.EXECUTED, TokenReason.NONE
    office = issuer()
    credit = office.token(Kind.TOP_UP, 20 * EUR, order_id=5)  # number 1
    yield "credit", credit, ok, fine, 1, 35
    yield "replayed", credit, TokenStatus.VALIDATION_FAILURE, TokenReason.USED, 1, 35
    again = office.token(Kind.TOP_UP, 20 * EUR, order_id=5)
    yield "same order", again, ok, TokenReason.RESULT + Result.NO_EFFECT, 2, 35
    flipped = bytearray(office.token(Kind.TOP_UP, 30 * EUR))
    flipped[16] ^= 1
    yield "tag wrong", bytes(flipped), TokenStatus.AUTHENTICATION_FAILURE, TokenReason.TAG, 3, 35
    other = Issuer(METER + 1, VENDING_KEY, REVISION, derive=True).token(Kind.TOP_UP, EUR)
    yield "other meter", other, TokenStatus.VALIDATION_FAILURE, TokenReason.METER, 1, 35
    newer = Issuer(METER, VENDING_KEY, REVISION + 1, derive=True).token(Kind.TOP_UP, EUR)
    yield (
        *("key revision", newer, TokenStatus.AUTHENTICATION_FAILURE),
        *(TokenReason.KEY_REVISION, 1, 35),
    )
    office.number = 10
    late = office.token(Kind.TOP_UP, EUR, expiry=CLOCK)
    yield "expired", late, TokenStatus.VALIDATION_FAILURE, TokenReason.EXPIRED, 11, 35
    timely = office.token(Kind.SUPPORT, EUR, expiry=CLOCK + 1)
    yield "in time", timely, ok, fine, 12, 36
    yield "truncated", timely[:-1], TokenStatus.FORMAT_FAILURE, TokenReason.LENGTH, 0, 36
    yield "too long", timely + b"x", TokenStatus.FORMAT_FAILURE, TokenReason.LENGTH, 0, 36
    yield "empty", b"", TokenStatus.FORMAT_FAILURE, TokenReason.LENGTH, 0, 36
    future = b"\x02" + timely[1:]
    yield "later version", future, TokenStatus.FORMAT_FAILURE, TokenReason.VERSION, 0, 36
    odd = tokens.Body.build(
        {**tokens.parse(timely), "number": 13}
    )  # a meter number that no token has
    odd = odd[:4] + b"\xff\xff\xff\xff" + odd[8:]
    odd += tokens.tag(office.key, odd)
    yield "value no token has", odd, TokenStatus.FORMAT_FAILURE, TokenReason.RANGE, 0, 36
    office.number = 20
    much = office.token(Kind.TOP_UP, 250 * EUR + 1)
    yield (
        *("above the cap", much, TokenStatus.EXECUTION_FAILURE),
        *(TokenReason.RESULT + Result.ABOVE_CAP, 21, 36),
    )
    strange = office.token(99, 1)
    yield (
        *("unknown kind", strange, TokenStatus.EXECUTION_FAILURE),
        *(TokenReason.RESULT + Result.UNKNOWN, 22, 36),
    )
    office.number = 300
    yield "far ahead", office.token(Kind.TEST, order_id=600), ok, fine, 301, 36
    yield "still in the window", office.reissue(46, Kind.AID, EUR), ok, fine, 46, 37
    old = office.reissue(45, Kind.TOP_UP, EUR)
    yield "too old", old, TokenStatus.VALIDATION_FAILURE, TokenReason.TOO_OLD, 45, 37
    stale = office.token(Kind.TOP_UP, EUR, order_id=344)
    yield (
        *("order too old", stale, TokenStatus.VALIDATION_FAILURE),
        *(TokenReason.ORDER_TOO_OLD, 302, 37),
    )
    fresh = office.token(Kind.TOP_UP, EUR, order_id=345)
    yield "order in the window", fresh, ok, fine, 303, 38
    parameter = office.token(Kind.PARAMETER, 7, 2 * EUR)
    yield "parameter", parameter, ok, fine, 304, 38
    fixed = office.token(Kind.PARAMETER, 0, 1)
    wrong = TokenReason.RESULT + Result.OUT_OF_RANGE
    yield "parameter fixed", fixed, TokenStatus.EXECUTION_FAILURE, wrong, 305, 38
    before = office.token(Kind.TOP_UP, EUR)
    same = office.token(Kind.KEY_CHANGE, REVISION, new_key=bytes(32))
    yield (
        *("revision not above", same, TokenStatus.VALIDATION_FAILURE),
        *(TokenReason.OLD_REVISION, 307, 38),
    )
    yield "key change", office.change_key(bytes(range(100, 132)), 9), ok, fine, 308, 38
    yield (
        *("old key is dead", before, TokenStatus.AUTHENTICATION_FAILURE),
        *(TokenReason.KEY_REVISION, 306, 38),
    )
    yield "new key", office.token(Kind.TOP_UP, 2 * EUR), ok, fine, 309, 40


def exchanges():
    """All exchanges, the frames each with a fresh meter, the tokens in a row with one."""
    made = [
        {"about": about, "fresh": True, "in": sent.hex(), "out": received.hex()}
        for about, sent, received in frames()
    ]
    fresh = True
    for about, body, status, reason, number, balance in bodies():
        received = token_answer(status, reason, number, balance * EUR)
        sent = request(Message.TOKEN, body)
        made.append({"about": about, "fresh": fresh, "in": sent.hex(), "out": received.hex()})
        fresh = False
    return made


def typed():
    """Tokens as text: the bytes, as groups, as digits, and mistyped in several ways."""
    office = issuer()
    for token in (
        office.token(Kind.TOP_UP, 20 * EUR),
        office.token(Kind.HOLD, CLOCK + 1000, order_id=3),
        office.change_key(bytes(range(32, 64))),
    ):
        groups = tokens.to_text(token)
        digits = (token + fcs16(token).to_bytes(2, "little")).hex()
        loose = groups.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        wrong = [
            groups[:-1] + ("0" if groups[-1] != "0" else "1"),
            groups[1] + groups[0] + groups[2:] if groups[0] != groups[1] else "U" + groups[1:],
            groups[:-5],
            groups.replace("-", "") + "0000",
            digits[:-1],
            digits[:-2] + ("00" if digits[-2:] != "00" else "01"),
            "U" + groups[1:],
            "",
        ]
        yield {
            "bytes": token.hex(),
            "text": groups,
            "right": [groups, groups.replace("-", ""), loose, digits, digits.upper()],
            "wrong": wrong,
        }


def document():
    """The whole file."""
    key = tokens.meter_key(VENDING_KEY, METER, REVISION)
    return {
        "hmac": [list(case) for case in RFC4231],
        "hkdf": [list(case) for case in RFC5869],
        "fcs": [["", 0x0000], ["313233343536373839", 0x906E], ["00" * 4, fcs16(bytes(4))]],
        "identity": identity_file(METER, REVISION, key, "wallonia-card").hex(),
        "profile": sealed(profiles.load("wallonia-card").pack()).hex(),
        "clock": CLOCK,
        "exchanges": exchanges(),
        "typed": list(typed()),
        "record": sum(part.sizeof() for part in stored.PARTS)
        + stored.LOG_SIZE * messages.Entry.sizeof(),
    }


def text():
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
