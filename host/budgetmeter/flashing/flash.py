"""Flashing: what is on the board, what has to change, and the proof that the meter runs."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import meterfw
from meterfw import layouts
from meterproto import tokens

from budgetmeter import identity, spoken, texts
from budgetmeter.client.errors import LineError
from budgetmeter.errors import BudgetmeterError, InputError
from budgetmeter.flashing import port, sources
from budgetmeter.flashing.remote import ACCOUNT, NEW, Found, Remote
from budgetmeter.issue import VendingKeys
from budgetmeter.profiles import Profile

LEFT = (
    "repl",
    "main.py.new",
    "identity.new",
    "profile.new",
    "words.new",
    "crash",
)  # by another run
SHADOW = "board.py"  # would be imported in place of board.mpy
DRIVER = "ssd1306"  # of the display; micropython-lib's own
DRIVER_BLOCKS = 3  # a file, and its folder `lib`
SPARE_BLOCKS = 8  # for the account: two records, one of them written anew, and their folder


@dataclass(frozen=True)
class Plan:
    """What has to change on a board.

    :ivar revision: revision of the key it is flashed with
    :ivar keeps: there is an account, and it stays
    :ivar files: path here of each file to copy, by the name it is copied to
    :ivar moved: names copied as NAME.new, which take NAME's place at the end
    :ivar remove: files to remove before copying
    :ivar gone: folders to remove then, what is in a folder before it
    :ivar folders: folders to make
    :ivar erase: files of the account to remove at the end
    :ivar same: how many files are as they should be
    """

    revision: int
    keeps: bool
    files: Mapping[str, Path]
    moved: tuple[str, ...]
    remove: tuple[str, ...]
    gone: tuple[str, ...]
    folders: tuple[str, ...]
    erase: tuple[str, ...]
    same: int

    @property
    def copied(self) -> list[str]:
        """Names of the files it copies, as they end up."""
        return [name.removesuffix(NEW) for name in self.files]

    def steps(self) -> list[tuple[str, str]]:
        """What is done at the end, in one go: (name, new name), or (name, "") to remove it.

        A meter never runs on an old identity without its account, nor on half of its modules:
        `main.py` comes last.
        """
        first = [name for name in self.moved if name != "main.py"]
        last = [name for name in self.moved if name == "main.py"]
        renamed = [(name + NEW, name) for name in first]
        kept = [name for name in LEFT if name.removesuffix(NEW) not in self.moved]
        removed = [(name, "") for name in (*self.erase, *kept)]
        return [*renamed, *removed, *((name + NEW, name) for name in last)]

    def sizes(self) -> dict[str, int]:
        """Octets of each file to copy."""
        return {name: path.stat().st_size for name, path in self.files.items()}


@dataclass(frozen=True)
class Wanted:
    """What a board is to become.

    :ivar serial: number of the meter
    :ivar keys: the office's vending keys
    :ivar factory: erase the account, and begin with a key newer than every earlier one
    :ivar language: of display and console
    :raises InputError: a serial number that is none
    """

    kind: sources.Board
    serial: int
    profile: Profile
    keys: VendingKeys
    factory: bool = False
    language: str = texts.DEFAULT

    def __post_init__(self) -> None:
        if not 1 <= self.serial <= tokens.METER_LIMIT:
            raise InputError(f"--serial {self.serial}: a number of up to nine digits, from 1")


class User(Protocol):
    """Who hears what happens, and is asked."""

    def confirm(self, question: str) -> bool:
        """Whether to go on."""
        ...

    def warn(self, text: str) -> None:
        """Something the user should know."""
        ...

    def doing(self, what: str, done: int = 0, total: int | None = None) -> None:
        """What is being done; octets copied so far, and in all."""
        ...


def flash(device: str, wanted: Wanted, user: User, index: str = "") -> tuple[Plan, Any, bool]:
    """Make the board at a port the meter that is wanted, and prove that it runs.

    :param device: serial port
    :param index: of packages for `mpremote mip`; "" for its own
    :returns: the `Plan` that was carried out; what the meter said of itself, a
        `budgetmeter.client.Identity`; whether it is sure of its time
    :raises BudgetmeterError: one line; before anything is changed, the board is left as it was
    """
    port.check(device)
    with TemporaryDirectory(prefix="budgetmeter-") as folder:
        user.doing("compiling")
        compiled = sources.build(wanted.kind, folder)
        user.doing("looking at the board")
        remote = Remote(device)
        with _restarting(remote, user):
            port.leave(device)
            found = remote.inspect(wanted.kind)
            _judge(found, wanted)
            plan = _plan(found, wanted, compiled, Path(folder))
            _fit(found, plan)
            if plan.erase and not user.confirm(_question(device, found)):
                raise InputError("nothing was changed")
        if found.release[:2] != sources.RELEASE:
            user.warn(
                f"MicroPython {_dotted(found.release)} on the board; tested with "
                f"{_dotted(sources.RELEASE)}"
            )
        _carry_out(remote, plan, user)
        if not found.display:
            user.doing("installing ssd1306")
            _install_driver(remote, user, index)
        user.doing("starting the meter")
        remote.finish(plan.steps())
        answer = port.identify(device)
    _verify(device, answer, found, wanted, plan)
    return plan, answer, port.clock_set(device)


@contextmanager
def _restarting(remote: Remote, user: User) -> Iterator[None]:
    """When nothing comes of it, what ran on the board runs again; or the user hears that not."""
    try:
        yield
    except (LineError, port.Silent):  # the board was left as it was
        raise
    except BaseException as error:
        if not remote.restart() and port.OPEN not in str(error):
            if isinstance(error, BudgetmeterError):
                raise InputError(f"{error}; {port.OPEN}") from None
            user.warn(port.OPEN)
        raise


def _judge(found: Found, wanted: Wanted) -> None:
    """See whether the board can become what is wanted.

    :raises InputError: it cannot
    """
    kind = wanted.kind
    release = f"MicroPython {_dotted(found.release)}"
    if found.platform != kind.platform:
        others = [name for name, b in sources.BOARDS.items() if b.platform == found.platform]
        hint = f"; try --board {others[0]}" if others else ""
        raise InputError(f"the board is no {kind.name}, it is: {found.machine}{hint}")
    if found.mpy != sources.MPY_VERSION:
        age = "too old" if found.mpy < sources.MPY_VERSION else "too new"
        raise InputError(
            f"{release} on the board is {age}: it loads .mpy files of version {found.mpy}, not "
            f"{sources.MPY_VERSION}; put {_dotted(sources.RELEASE)} on it"
        )
    if not found.fits:
        raise InputError(
            f"{release} on the board has no {'.'.join(kind.needs)}: it is too old; put "
            f"{_dotted(sources.RELEASE)} on it"
        )


def _plan(found: Found, wanted: Wanted, compiled: Mapping[str, Path], folder: Path) -> Plan:
    """What has to change for the board to be what is wanted.

    :param compiled: path of each file by name
    :param folder: where the files of identity, profile and words are written
    """
    revision = _revision(found, wanted)
    key = wanted.keys.meter_key(wanted.serial, revision)
    last = {"main.py": compiled["main.py"]}
    spoken_and_flashed = {
        **spoken.words_file(wanted.language),
        **identity.flashed(wanted.serial, revision, key, wanted.profile),
    }
    for name, data in spoken_and_flashed.items():
        last[name] = folder / name
        last[name].write_bytes(data)
    modules = {name: path for name, path in compiled.items() if name not in last}
    files = {name: path for name, path in modules.items() if not _has(found, name, path)}
    remove = [name for name in found.files if _stale(name, compiled)]
    moved = [name for name, path in last.items() if not _has(found, name, path)]
    if files or remove or wanted.factory:
        # Half old and half new it must not run: until all is there, it starts into its REPL.
        moved = ["main.py", *(name for name in moved if name != "main.py")]
        remove = [*(name for name in found.files if name == "main.py"), *remove]
    folders = _folders(modules)
    return Plan(
        revision=revision,
        keeps=found.account and not wanted.factory,
        files={**files, **{name + NEW: last[name] for name in moved}},
        moved=tuple(moved),
        remove=tuple(remove),
        gone=tuple(sorted(set(found.folders) - set(folders), reverse=True)),
        folders=tuple(name for name in folders if name not in found.folders),
        erase=tuple(name for name in ACCOUNT if wanted.factory and name in found.files),
        same=len(modules) + len(last) - len(files) - len(moved),
    )


def _folders(modules: Iterable[str]) -> list[str]:
    """The folders of the modules, each after the one it is in."""
    return sorted({str(up) for name in modules for up in PurePosixPath(name).parents} - {"."})


def _has(found: Found, name: str, path: Path) -> bool:
    """Whether the board has a file just so."""
    data = path.read_bytes()
    return found.files.get(name) == (len(data), sha256(data).hexdigest())


def _stale(name: str, compiled: Mapping[str, Path]) -> bool:
    """Whether a file on the board is one of ours that has no place there any more."""
    ours = "/" in name and name.partition("/")[0] in sources.FOLDERS
    return name not in compiled and (ours or name == SHADOW)


def _revision(found: Found, wanted: Wanted) -> int:
    """Revision of the key to flash: the one it has where the account is kept, else the latest.

    :raises InputError: the account is another meter's, its key is another, or none is new enough
    """
    keys, before = wanted.keys, found.identity
    if wanted.factory or not found.account:
        if found.key_seen + found.account > keys.latest:
            raise InputError(
                f"the board has had key revision {found.key_seen}, and {keys.path} has none above "
                "it; make one with: budgetmeter office new-key"
            )
        return keys.latest
    if before is None:
        raise InputError("the board has an account and does not say whose; --factory erases it")
    if before.meter != wanted.serial:
        raise InputError(
            f"the board has the account of meter {before.meter:09d}; --factory erases it"
        )
    if keys.meter_key(wanted.serial, before.key_revision) != before.key:
        raise InputError(
            f"the board was flashed with other vending keys than {keys.path}; give those, or "
            "--factory, which erases its account"
        )
    return before.key_revision


def _fit(found: Found, plan: Plan) -> None:
    """See whether everything finds room.

    :raises InputError: it does not
    """

    def blocks(size: int) -> int:
        return -(-size // found.block)

    needed = sum(blocks(size) for size in plan.sizes().values()) + 2 * len(plan.folders)
    freed = sum(
        blocks(found.files[name][0]) for name in {*plan.remove, *plan.files} if name in found.files
    )
    needed += 0 if found.account else SPARE_BLOCKS
    needed += 0 if found.display else DRIVER_BLOCKS
    if needed - freed > found.free:
        have, want = found.free * found.block // 1024, (needed - freed) * found.block // 1024
        raise InputError(
            f"the flash of the board is full: {want} KiB are needed, {have} KiB are free; remove "
            "files of yours with: mpremote rm :NAME"
        )


def _question(device: str, found: Found) -> str:
    """What the user is asked before an account is erased."""
    whose = "a meter" if found.identity is None else f"meter {found.identity.meter:09d}"
    return f"Erase account, registers and event log of {whose} on {device}?"


def _carry_out(remote: Remote, plan: Plan, user: User) -> None:
    """Copy what is to be copied."""
    if not (plan.files or plan.remove or plan.gone or plan.folders):
        return
    before: dict[str, int] = {}
    total = 0
    for name, size in plan.sizes().items():
        before[name] = total
        total += size

    def begun(name: str) -> None:
        user.doing(f"copying {name.removesuffix(NEW)}", before[name], total)

    remote.copy(plan.files, plan.remove, plan.gone, plan.folders, begun)


def _install_driver(remote: Remote, user: User, index: str) -> None:
    """The driver of the display, from micropython-lib; the meter runs without."""
    try:
        remote.install(DRIVER, index)
    except InputError as error:
        user.warn(f"no driver {DRIVER} for a display, the meter runs without it: {error}")


def _verify(device: str, answer: Any, found: Found, wanted: Wanted, plan: Plan) -> None:
    """Compare what the meter says of itself.

    :raises InputError: it is not what was flashed
    """
    # A key change taken since it was flashed has put a higher revision in force.
    highest = max(plan.revision, found.key_seen) if plan.keeps else plan.revision
    revision = min(max(answer.key_revision, plan.revision), highest)
    says = {
        "serial number": (answer.meter, wanted.serial),
        "firmware": (answer.firmware, meterfw.VERSION),
        "layout": (answer.layout, layouts.LAYOUT),
        "profile": (answer.profile, identity.flashed_name(wanted.profile.name)),
        "key revision": (answer.key_revision, revision),
    }
    for what, (said, flashed) in says.items():
        if said != flashed:
            raise InputError(f"{device}: the meter says {what} {said}, not {flashed}")


def _dotted(release: Iterable[int]) -> str:
    """A release as people write it, 1.27."""
    return ".".join(str(part) for part in release)
