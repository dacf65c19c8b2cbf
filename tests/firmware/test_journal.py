"""The stored record against its declaration."""

from binascii import crc32

from construct import Array
from meterfw import layouts
from meterfw.store import journal
from meterproto import messages, stored
from meterproto.codes import Kind

from tests.firmware.bench import METER, Bench
from tests.firmware.support import EUR, fields


def newest(bench):
    """The newest stored record, parsed by construct: one value for each part."""
    files = [bench.board.files.get(name) for name in journal.FILES]
    data = max(filter(None, files), key=lambda data: stored.Head.parse(data).sequence)
    parts, at = [], 0
    entries = Array(stored.LOG_SIZE, messages.Entry)
    for part in (*stored.PARTS[:-2], entries, *stored.PARTS[-2:]):
        parts.append(part.parse(data[at:]))
        at += part.sizeof()
    assert at == len(data)
    assert parts[-1].crc == crc32(data[:-4])
    return parts


def test_the_record_is_what_is_declared():
    bench = Bench()
    bench.enter(bench.office.token(Kind.TOP_UP, 20 * EUR, order_id=1))
    head, state, memory, profile, owner, log, entries, tail, _ = newest(bench)
    assert (head.magic, head.layout) == (stored.MAGIC, stored.LAYOUT)
    assert {name: state[name] for name in layouts.STATE_FIELDS} == fields(bench.state)
    assert (memory.number, memory.order, memory.key_revision) == (1, 1, 1)
    assert owner.meter == METER
    assert profile.price == bench.meter.profile.price
    assert log.count == bench.meter.log.count
    assert tail.place == bench.meter.log.place
    assert entries[log.count - 1].balance == 35 * EUR


def test_no_layout_has_changed_unnoticed():
    """A field moved, renamed or widened needs a new version in `stored.HISTORY`."""
    for version, (*_, noted) in stored.HISTORY.items():
        assert stored.fingerprint(version) == noted, f"layout {version}: {noted:#x}"
    states, profiles, has_log, memory, _ = stored.HISTORY[stored.LAYOUT]
    assert has_log
    assert (states, profiles) == (len(layouts.STATE_FIELDS), len(layouts.PROFILE_FIELDS))
    assert memory == stored.TokenMemory.sizeof()
