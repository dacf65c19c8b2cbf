"""What a meter keeps: its identity as flashed, and its account as one record, committed whole."""

from meterproto.codes import Setting
from meterproto.fcs import fcs16
from meterproto.messages import Entry
from meterproto.quantity import Declared, Opaque, Quantity, Record, fields, flag
from meterproto.records import CLOCK_LIMIT, Profile, State, clock, watts
from meterproto.tokens import KEY_SIZE, METER_LIMIT, NUMBER_LIMIT, WINDOW

MAGIC = 0x0D7E4242  # begins every stored record
RANKS = Setting.PARAMETER + len(fields(Profile))  # one for each setting; those of values last


def crc() -> Quantity:
    return Quantity("L", "", 0, 2**32 - 1)


Identity = Record(
    "meter" / Quantity("L", "", 1, METER_LIMIT) * "serial number",
    "key_revision" / Quantity("H", "", 1, 65_535) * "revision of the key it was flashed with",
    "key" / Opaque(KEY_SIZE) * "that key",
    "profile" / Opaque(24) * "name of its profile, ASCII, padded with zeros",
    "crc" / crc() * "CRC-32 of all before it",
)
Key = Record(
    "key_revision" / Quantity("H", "", 1, 65_535) * "highest revision ever in force",
    "key" / Opaque(KEY_SIZE) * "its key",
    "crc" / crc() * "CRC-32 of all before it",
)
TokenMemory = Record(
    "key_revision" / Quantity("H", "", 1, 65_535) * "revision of the key in force",
    "key" / Opaque(KEY_SIZE) * "key in force",
    "number" / Quantity("L", "", 0, NUMBER_LIMIT) * "highest token number taken",
    "numbers" / Opaque(WINDOW // 8) * "bit i set: number minus i is taken",
    "order" / Quantity("L", "", 0, NUMBER_LIMIT) * "highest order taken",
    "orders" / Opaque(WINDOW // 8) * "bit i set: order minus i is taken",
    "lock_level" / Quantity("b", "", 0, 7) * "0 open; else 60 s doubled for each level above 1",
    "lost" / flag() * "replay memory lost: only a key change is taken",
    "profile_crc" / crc() * "CRC-32 of the profile file the profile was taken from",
    "superseded" / Opaque(WINDOW // 8) * "bit i set: order minus i is taken, and came too late",
    "priced" / Quantity("L", "clock", 0, CLOCK_LIMIT) * "when the last price of today was taken",
    "ranks"
    / Opaque(4 * RANKS)
    * "rank (L) of the newest order taken of each setting (codes.Setting): its id plus 2^30, or the"
    " number of a token without one; 0 none",
)
Head = Record(
    "magic" / Quantity("L", "", MAGIC, MAGIC) * "begins every stored record",
    "layout" / Quantity("H", "", 1, 65_535) * "version of the layouts of what follows",
    "sequence" / Quantity("L", "", 0, NUMBER_LIMIT) * "one higher with each commit",
)
Owner = Record(
    "meter" / Quantity("L", "", 1, METER_LIMIT) * "serial number; another's record is foreign",
)
LogHead = Record(
    "count" / Quantity("L", "", 0, NUMBER_LIMIT) * "number of the next entry of the event log",
)
PEAKS = 13  # months whose peak a meter with a P1 port keeps: a year and a month

# The file `demand` is the first of these, as many of the second as are kept, and a CRC-32.
Demand = Record(
    "until" / clock() * "when the running month ends",
    "clock" / clock() * "when the quarter of its peak ended; before the first, its begin",
    "peak" / watts() * "highest mean of a quarter in it",
)
Peak = Record(
    "until" / clock() * "when a month ended",
    "clock" / clock() * "when the quarter of its peak ended",
    "peak" / watts() * "highest mean of a quarter in it",
)

LOG_SIZE = 128  # entries of the event log that are stored
LogTail = Record(
    "place" / Quantity("L", "", 0, NUMBER_LIMIT) * "entries written so far: where the next stands",
    "skipped"
    / Opaque(2 * LOG_SIZE)
    * "numbers (H) left out before the entry at each place: a start goes on above all that can have"
    " been shown",
)
Crc = Record("crc" / crc() * "CRC-32 of all before it")

# The stored record is these one after the other, with LOG_SIZE entries (messages.Entry) after
# LogHead; the entry of a place stands at that place modulo LOG_SIZE.
PARTS = (Head, State, TokenMemory, Profile, Owner, LogHead, LogTail, Crc)
_ENTRIES = LogHead.sizeof() + LOG_SIZE * Entry.sizeof()
_LOG = _ENTRIES + LogTail.sizeof()

# A layout grows at the end of the state, of the profile, of the token memory and of the log, and
# nowhere else. For every version: how many fields of the state and of the profile it has, the
# octets of its event log (0: none, nor an owner), those of its token memory, and the fingerprint of
# its fields, which a test compares, so that no field moves unnoticed.
LAYOUT = 4
HISTORY = {
    3139: (52, 38, 0, 112, 0x5601),  # the first, which called itself by a checksum
    2: (54, 38, _ENTRIES, 112, 0xD21E),
    3: (54, 38, _ENTRIES, 364, 0x5C32),
    4: (54, 38, _LOG, TokenMemory.sizeof(), 0x12B0),
}


def fingerprint(version: int) -> int:
    """Sixteen bits that change with the names, order or widths of a version's fields."""
    states, profiles, log, octets, _ = HISTORY[version]
    memory: list[tuple[str, Declared, str]] = []
    at = 0
    for field in fields(TokenMemory):
        if at < octets:
            memory.append(field)
        at += field[1].sizeof()
    declared = [*fields(State)[:states], *memory, *fields(Profile)[:profiles]]
    if log:
        declared += [*fields(Owner), *fields(LogHead), *fields(Entry)]
    if log > _ENTRIES:
        declared += fields(LogTail)
    return fcs16(" ".join(f"{name}:{field.code}" for name, field, _ in declared).encode())
