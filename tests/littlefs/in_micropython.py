# Run in MicroPython's unix port: a meter's story on littlefs on a flash in memory, and its cuts.
# Argument: a JSON file of the job (`unix.Job`). Printed: JSON of what was tried and what was lost.
import json
import os
import sys
from binascii import unhexlify

sys.path[:] = sys.argv[2:] + [".frozen"]

import vfs  # noqa: E402
from meterfw import layouts  # noqa: E402
from meterfw.account import record  # noqa: E402
from meterfw.meter import Meter  # noqa: E402
from meterfw.store import files  # noqa: E402
from meterfw.store.journal import NEW, REPAIRED, WHOLE, Journal, Ledger  # noqa: E402

from tests.firmware.support import conserved  # noqa: E402
from tests.firmware.unit.bench import METER, BenchBoard  # noqa: E402

SECTOR, SECTORS = 4096, 24
ERASED = b"\xff" * SECTOR
EIO = 5
SYNC = (-1, None)
SPENT = (layouts.TOKEN_REASON_USED, layouts.TOKEN_REASON_KEY_REVISION)
MOUNTED = "/flash"


class Lost(Exception):
    """A cut that lost or doubled something, or from which the meter does not come up."""


class Flash:
    """NOR flash as a block device: a bit is programmed once, until its sector is erased.

    :ivar erases: False for a chip that does not, a planted defect
    :ivar operations: programs and erases as (address, octets or None), and `SYNC`
    :ivar twice: programs of what was not erased

    With `left` a number, the power goes in the operation after so many: it is half done, and
    everything from then on raises, in the finalisers of forgotten files too.
    """

    def __init__(self, image, erases=True):
        self.image = image
        self.erases = erases
        self.operations = None
        self.twice = 0
        self.left = None

    def readblocks(self, block, buffer, offset=0):
        if self.left == -1:
            raise OSError(EIO)
        start = block * SECTOR + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._do(block * SECTOR + offset, bytes(buffer))

    def ioctl(self, request, argument):
        if request == 3:
            if self.operations is not None:
                self.operations.append(SYNC)
            return -EIO if self.left == -1 else 0
        if request == 4:
            return SECTORS
        if request == 5:
            return SECTOR
        if request == 6:
            if self.erases:
                self._do(argument * SECTOR, None)
        return 0

    def _do(self, at, data):
        if self.left == -1:
            raise OSError(EIO)
        if self.left == 0:
            land(self.image, at, data, 2)
            self.left = -1
            raise OSError(EIO)
        if self.left is not None:
            self.left -= 1
        if data is not None and self.image[at : at + len(data)] != ERASED[: len(data)]:
            self.twice += 1
        if self.operations is not None:
            self.operations.append((at, data))
        land(self.image, at, data)


def land(image, at, data, part=1):
    """Let the first `part`-th of an operation land on an image."""
    if data is None:
        image[at : at + SECTOR // part] = ERASED[: SECTOR // part]
        return
    for i in range(len(data) // part):
        image[at + i] &= data[i]


class OnLittlefs(BenchBoard):
    """A bench whose files are on the littlefs of a flash, mounted as a board mounts it."""

    def __init__(self, clock, flash, prog_size, mtime=True):
        BenchBoard.__init__(self, clock, {})
        try:
            vfs.umount(MOUNTED)
        except OSError:
            pass
        vfs.mount(vfs.VfsLfs2(flash, progsize=prog_size, mtime=mtime), MOUNTED)
        os.chdir(MOUNTED)

    load = staticmethod(files.load)
    store = staticmethod(files.store)


def credited(m):
    """Lifetime total of credit booked, mc."""
    return m.credited_eur * layouts.EUR + m.credited_mc


def kept(ledger, log):
    """What a commit keeps."""
    return (
        record.pack(ledger.state, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
        + ledger.memory.pack()
        + record.pack(ledger.profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        + bytes(log.pack())
    )


class Story:
    """A meter's life, recorded: flash operations, what each commit kept, when each answer left.

    :ivar commits: operations done when a commit returned, and what it kept
    :ivar entered: operations done before a token and after it, the token, the credit booked then
    """

    def __init__(self, job, mtime=True, left=None):
        image = bytearray(ERASED * SECTORS)
        self.flash = Flash(image, erases=job["plant"] != "unerased")
        self.job = job
        vfs.VfsLfs2.mkfs(self.flash, progsize=job["prog_size"])
        self.board = OnLittlefs(job["now"], self.flash, job["prog_size"], mtime)
        for name, data in job["files"].items():
            files.store(name, unhexlify(data))
        self.start = bytes(image)
        self.operations = self.flash.operations = []
        self.commits, self.entered = [], []
        self.flash.left = left

    def live(self):
        """From the first start on."""
        commit, held = Journal.commit, []

        def watched(journal, ledger):
            if (
                self.job["plant"] == "late" and not held
            ):  # a planted defect: stored at the next occasion
                held.append(1)
                done = True
            else:
                held.clear()
                done = commit(journal, ledger)
            self.commits.append((len(self.operations), kept(ledger, journal.log)))
            return done

        Journal.commit = watched
        try:
            self._live()
        finally:
            Journal.commit = commit

    def _live(self):
        board = self.board
        meter = Meter(board)
        for step, value in self.job["steps"]:
            if step == "use":
                board.use(value)
                board.pass_time(1)
            elif step == "wait":
                board.pass_time(value)
            elif step == "press":
                board.press(value)
            else:
                self._enter(meter, unhexlify(value))
            meter.poll()

    def _enter(self, meter, token):
        begin = len(self.operations)
        status, _ = meter.enter(token)
        broken = self.flash.left == -1 or self.flash.twice
        assert status == layouts.TOKEN_STATUS_EXECUTED or broken
        self.entered.append((begin, len(self.operations), token, credited(meter.state)))


def images(story):
    """Every cut as (operation, name, image): half done, whole, and lost under the next one."""
    image = bytearray(story.start)
    operations = story.operations
    for cut, (at, data) in enumerate(operations):
        if at < 0:
            continue
        half = bytearray(image)
        land(half, at, data, 2)
        yield cut, "half", half
        after = operations[cut + 1] if cut + 1 < len(operations) else SYNC
        if after != SYNC:
            lost = bytearray(image)
            land(lost, after[0], after[1])
            yield cut, "lost", lost
        land(image, at, data)
        yield cut, "whole", bytearray(image)


def judge(story, cut, image):
    """Start a meter from what a cut left, and check every promise.

    :raises Lost: naming what is wrong
    """
    flash = Flash(image)
    try:
        board = OnLittlefs(story.board._chip_s // 60, flash, story.job["prog_size"])
        found, journal = Ledger(), Journal(board)
        how = journal.load(METER, found)
        kept_now = kept(found, journal.log)
        meter = Meter(board)
    except OSError as error:
        raise Lost(f"does not come up: {error}") from None
    done = len([1 for end, _ in story.commits if end <= cut])
    if how == NEW:
        if done:
            raise Lost("a commit is forgotten: starts as new")
        return flash.twice
    if how not in (WHOLE, REPAIRED):
        raise Lost("the account is lost")
    if kept_now not in [commit for _, commit in story.commits[max(done - 1, 0) : done + 1]]:
        raise Lost("neither the last commit nor the one that was cut")
    if not conserved(meter.state) or meter.state.energy_wh < found.state.energy_wh:
        raise Lost("the books do not add up, or a register ran back")
    for begin, end, token, booked in story.entered:
        if end <= cut or begin <= cut:
            status, why = meter.enter(token)
            may_execute = cut < end
            if why not in SPENT and not (may_execute and status == layouts.TOKEN_STATUS_EXECUTED):
                raise Lost(f"a token entered again answers {status}, {why}")
            if may_execute and credited(meter.state) != booked:
                raise Lost("a token entered again does not count exactly once")
    return flash.twice


def campaign(job):
    """Judge every `step`-th cut from `first` on."""
    story = Story(job)
    story.live()
    tried, lost, twice = 0, [], story.flash.twice
    for number, (cut, name, image) in enumerate(images(story)):
        if number % job["step"] != job["first"]:
            continue
        tried += 1
        try:
            twice += judge(story, cut, image)
        except Lost as error:
            lost.append(f"{cut}:{name}: {error}")
    return {
        "operations": len([1 for at, _ in story.operations if at >= 0]),
        "commits": len(story.commits),
        "tokens": len(story.entered),
        "tried": tried,
        "lost": lost,
        "twice": twice,
    }


def alive(job):
    """Cuts of the story while it runs: what is left must be what the record says of them."""
    whole = Story(job, mtime=False)
    whole.live()
    tried, wrong, before = 0, [], -1
    for cut, name, image in images(whole):
        if name != "half":
            continue
        before += 1
        if before % job["step"] != job["first"]:
            continue
        tried += 1
        story = Story(job, mtime=False, left=before)
        try:
            story.live()
        except OSError:
            pass
        if story.flash.image != image:
            wrong.append(cut)
    return {"tried": tried, "wrong": wrong}


with open(sys.argv[1]) as file:
    job = json.load(file)
print(json.dumps(alive(job) if job["alive"] else campaign(job)))
