"""The verb `emulate`: meters on real ports."""

import contextlib
import ipaddress
import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from meterproto.records import CLOCK_LIMIT
from meterproto.tokens import METER_LIMIT

from budgetmeter import loads, profiles, texts, units
from budgetmeter.bridges.dlms.ports import DlmsPort, EmulatedSide, read_password
from budgetmeter.bridges.seen import look
from budgetmeter.cli.arguments import LOOPBACK, port_option
from budgetmeter.cli.load import LoadShape, LoadZone, load_request
from budgetmeter.cli.metrics import MetricsOption, exporter, metrics_place
from budgetmeter.cli.options import serial_number
from budgetmeter.client import Meter
from budgetmeter.emulator import ConstantLoad, Emulator, telegrams
from budgetmeter.emulator.folder import Folder, StateFolder, stored_clock
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.emulator.ports import GIVE_UP_S, IDLE_S, KEEPALIVE_S, PtyPort, TcpPort
from budgetmeter.emulator.server import AS_FAST_AS_IT_GOES, LAST_S, Server
from budgetmeter.emulator.side import SidePort
from budgetmeter.emulator.world import METER, start_of
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile

if TYPE_CHECKING:
    from budgetmeter.bridges.metrics import Sample, Source
    from budgetmeter.web.serve import HttpServer

MOST = 10_000  # meters in one process
FASTEST = 1_000_000  # times real time


def emulate(
    tcp: Annotated[
        int | None,
        port_option("TCP port; 0 takes a free one"),
    ] = None,
    pty: Annotated[bool, typer.Option("--pty", help="a pseudo-terminal instead")] = False,
    http: Annotated[
        int | None,
        port_option("HTTP and a page beside; 0 takes a free port"),
    ] = None,
    http_secret: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="HTTP: what callers must send stands in this file"),
    ] = None,
    bind: Annotated[
        str, typer.Option(metavar="ADDRESS", help="TCP and HTTP: listen here")
    ] = LOOPBACK,
    p1: Annotated[
        int | None,
        port_option("P1 telegrams on this TCP port; 0: a free one"),
    ] = None,
    gas: Annotated[
        str, typer.Option(metavar="PROFILE", help="a gas meter behind each, in its telegrams")
    ] = "",
    dlms: Annotated[
        int | None,
        port_option("DLMS on this TCP port; 0: a free one"),
    ] = None,
    dlms_password: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="DLMS: who enters tokens gives the password in it"),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=MOST, help="meters, each on its port")] = 1,
    profile: Annotated[str, typer.Option(help="a name or a TOML file")] = "wallonia-card",
    meter: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", parser=serial_number, help="serial number; counted on from there"
        ),
    ] = METER,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="vending keys, to take an office's tokens"),
    ] = None,
    speed: Annotated[str, typer.Option(metavar="X|max", help="times real time")] = "1",
    load: Annotated[Path | None, typer.Option(metavar="CSV", help="what is consumed")] = None,
    load_zone: LoadZone = "",
    load_shape: LoadShape = "",
    watts: Annotated[int | None, typer.Option(min=0, max=100_000, help="a constant load")] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="of displays and consoles: nl, fr, de or en; by default that of the profile",
        ),
    ] = None,
    start: Annotated[str, typer.Option(help="where time begins, e.g. 2020-06-02T12:00")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="time stops after so many")] = None,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=0.1, max=31_536_000, metavar="SECONDS", help="end after so long"),
    ] = None,
    idle: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="silent users give way to others after"),
    ] = IDLE_S,
    keep_alive: Annotated[
        int,
        typer.Option(min=1, max=3600, metavar="SECONDS", help="TCP looks for silent users every"),
    ] = KEEPALIVE_S,
    give_up: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="hang up on who does not read for"),
    ] = GIVE_UP_S,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="keep the meters here; go on from there")
    ] = None,
    metrics: MetricsOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="print each meter as JSON")] = False,
) -> None:
    """Meters on real ports, until stopped. Prints number and URL of each as soon as it answers."""
    _check_place(tcp, pty, bind, http, http_secret)
    tcp = tcp or 0
    numbers = 2 * count if gas else count
    password = _password(dlms_password, dlms)
    _check_numbers(
        meter, numbers, {"--tcp": (tcp, numbers), "--p1": (p1, count), "--dlms": (dlms, numbers)}
    )
    if load is not None and watts is not None:
        raise InputError("either --load or --watts")
    chosen = _speaking(profiles.load(profile), language)
    behind = _gas_profile(gas, chosen, p1)
    keys = None if key is None else KeyFile(key)
    request = load_request(load, load_zone, load_shape)
    sampled = None if load is None else loads.read(load, chosen.gas, request)
    clock = _start(start, sampled)
    rate = _speed(speed)
    place = metrics_place(metrics)
    _make_room(count, ((tcp, numbers), (p1, count), (dlms, numbers), (state, numbers)))
    with contextlib.ExitStack() as stack:
        kept = None if state is None else contextlib.closing(StateFolder(state))
        folder = kept and stack.enter_context(kept)
        follow = not start and sampled is None and rate == 1  # the clock on the wall
        server = Server(rate, _end(clock, sampled, days), give_up)
        stack.callback(server.close)
        ports = _Ports(pty, bind, tcp, p1, dlms, password, meter, idle, keep_alive)
        worlds: list[Emulator] = []
        announced: list[dict[str, int | str]] = []

        def serve(number: int, kind: profiles.Profile) -> Emulator:
            """Make a meter and put it on its ports."""
            files = None if folder is None else folder.meter(number, kind)
            stored = None if follow or files is None else stored_clock(files)
            drawn = (None, None) if kind is behind else (sampled, watts)
            with_p1 = p1 is not None and kind is chosen
            world = _emulator(kind, stored or clock, *drawn, files, number, keys, with_p1)
            world.p1_every_second = rate <= telegrams.EVERY_SECOND
            worlds.append(world)
            announced.append(ports.open(server, world, number))
            return world

        for number in range(meter, meter + count):
            world = serve(number, chosen)
            world.behind = behind and serve(number + count, behind)
        if place is not None:
            stack.enter_context(contextlib.closing(exporter(place, _source(worlds, server.lock))))
        web = None if http is None else _http(server, bind, http, http_secret, key is None)
        page = web and stack.enter_context(web).url
        _stop_on_signals(server)
        _announce(announced, as_json, page)
        for line in () if sampled is None else sampled.notes:
            print(f"budgetmeter: {line}", file=sys.stderr, flush=True)
        if not pty:
            _warn(bind, key is None)
        if for_s is not None:
            stack.callback(_ending(server, for_s).cancel)
        server.run()


def _check_place(
    tcp: int | None, pty: bool, bind: str, http: int | None, secret: Path | None
) -> None:
    """Whether it is clear where the meters are reached.

    :raises InputError: it is not
    """
    if secret is not None and http is None:
        raise InputError("--http-secret goes with --http")
    if pty and (tcp is not None or (bind != LOOPBACK and http is None)):
        raise InputError("either --tcp or --pty")
    if not bind:
        raise InputError("--bind takes an address")


def _ending(server: Server, after_s: float) -> threading.Timer:
    """What ends the server after so long."""
    ending = threading.Timer(after_s, server.stop)
    ending.daemon = True
    ending.start()
    return ending


def _password(path: Path | None, dlms: int | None) -> bytes | None:
    """The password of DLMS; None without.

    :raises InputError: none in the file, or no DLMS
    """
    if path is not None and dlms is None:
        raise InputError("--dlms-password goes with --dlms")
    return read_password(path)


def _check_numbers(meter: int, numbers: int, asked: Mapping[str, tuple[int | None, int]]) -> None:
    """Whether there are ports and serial numbers enough.

    :param asked: by option: the first port, and how many
    :raises InputError: there are not
    """
    for option, (port, ports) in asked.items():
        if port and port + ports - 1 > 65_535:
            raise InputError(f"{option} {port}: {ports} meters need ports above 65535")
    if meter + numbers - 1 > METER_LIMIT:
        raise InputError(f"--meter {meter}: {numbers} meters need numbers above {METER_LIMIT}")


class _Ports(NamedTuple):
    """Where meters are reached: options of the command."""

    pty: bool
    bind: str
    tcp: int
    p1: int | None
    dlms: int | None
    password: bytes | None  # of DLMS
    first: int  # number of the first meter, on the ports given
    idle: float
    keep_alive: int

    def open(self, server: Server, world: Emulator, number: int) -> dict[str, int | str]:
        """Put a meter on its ports: what is told of it."""
        own = self._own(self.tcp, number)
        port = PtyPort() if self.pty else TcpPort(self.bind, own, self.idle, self.keep_alive)
        server.add(world, port)
        told: dict[str, int | str] = {"meter": number, "url": port.url}
        if world.board.fitted_p1:
            own = self._own(self.p1, number)
            reader = telegrams.port(world, self.bind, own, self.keep_alive)
            server.add(world, reader)
            told["p1"] = reader.url
        if self.dlms is not None:
            own = self._own(self.dlms, number)
            side = EmulatedSide(world, self.password)
            client = DlmsPort(self.bind, own, side, self.idle, self.keep_alive)
            server.add(world, client)
            told["dlms"] = client.url
        return told

    def _own(self, first: int | None, number: int) -> int:
        """The port of a meter, counted on from the first one; 0 where free ones are taken."""
        return first + number - self.first if first else 0


def _emulator(
    profile: profiles.Profile,
    clock: int,
    sampled: loads.SampledLoad | None,
    watts: int | None,
    files: Folder | None,
    number: int,
    keys: KeyFile | None,
    p1: bool,
) -> Emulator:
    """One meter, its load begun where its clock says."""
    consumption = ConstantLoad(watts or 0, profile.gas)
    if sampled is not None:
        consumption = loads.From(sampled, clock)
    key = None
    if keys is not None:
        key = (keys.meter_key(number, keys.latest), keys.latest)
    try:
        return Emulator(
            profile, clock, consumption, files=files, meter=number, key=key, trace=False, p1=p1
        )
    except OSError as error:
        raise InputError(f"{error.filename or 'files'}: {error.strerror or error}") from None


def _speaking(profile: profiles.Profile, language: str | None) -> profiles.Profile:
    """A profile whose meters speak the language that was chosen, if one was.

    :raises InputError: no such language
    """
    if language is None:
        return profile
    return replace(profile, language=texts.of(language).language)


def _gas_profile(gas: str, chosen: profiles.Profile, p1: int | None) -> profiles.Profile | None:
    """The profile of the gas meters behind electricity meters; None without.

    :raises InputError: no gas profile, or no P1 port that would tell of it
    """
    if not gas:
        return None
    if p1 is None:
        raise InputError("--gas puts a gas meter into P1 telegrams: it needs --p1")
    behind = replace(profiles.load(gas), language=chosen.language)
    if not behind.gas or chosen.gas:
        raise InputError("--gas takes a gas profile, and --profile one of electricity")
    return behind


def _source(worlds: Sequence[Emulator], lock: AbstractContextManager) -> "Source":
    """Where metrics come from: every meter, read beside its port."""
    meters = [Meter(LoopbackLine(SidePort(world))) for world in worlds]

    def read() -> "Iterator[Sample]":
        from budgetmeter.bridges.metrics import Sample  # noqa: PLC0415  # an extra

        for meter in meters:
            with lock:
                seen = look(meter)
            yield Sample(seen.identity.meter, seen, True)

    return read


def _start(start: str, sampled: loads.SampledLoad | None) -> int:
    """Clock value at which time begins: as asked, with the load, or now."""
    begin = units.clock_now() if sampled is None else start_of(sampled)
    clock = begin
    if start:
        try:
            clock = units.to_clock(units.moment(start))
        except ValueError as error:
            raise InputError(f"--start: {error}") from None
    if sampled is not None:
        if not 0 <= begin <= CLOCK_LIMIT:
            raise InputError(f"{sampled.label}: its times are not within 2000 to 2099")
        if not begin * 60 <= clock * 60 < begin * 60 + sampled.seconds:
            raise InputError(f"--start {start} is outside {sampled.label}")
    return clock


def _end(clock: int, sampled: loads.SampledLoad | None, days: int | None) -> int:
    """Where time stops: seconds since 2000-01-01 00:00 UTC+1."""
    ends = [LAST_S]
    if days is not None:
        ends.append(clock * 60 + days * units.DAY_S)
    if sampled is not None:
        ends.append(start_of(sampled) * 60 + sampled.seconds)
    return min(ends)


def _speed(text: str) -> float:
    """Seconds of virtual time in a second."""
    if text == "max":
        return AS_FAST_AS_IT_GOES
    try:
        speed = float(units.decimal(text))
    except ValueError:
        speed = 0
    if not 0 < speed <= FASTEST:
        raise InputError(f"--speed {text}: above 0 and at most {FASTEST}, or max")
    return speed


def _stop_on_signals(server: Server) -> None:
    """Let Ctrl-C and, where the system has it, SIGTERM end the server."""
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(AttributeError, ValueError):  # none such; not the main thread
            signal.signal(getattr(signal, name), lambda *_: server.stop())


def _make_room(count: int, places: Sequence[tuple[object, int]]) -> None:
    """Allow as many open files as places of the meters need, and users of them.

    Where the system allows fewer, not every meter can have a user at once.

    :param places: the first port of a kind, or the folder with a lock for each; and how many
    :raises InputError: the system allows too few for the places alone
    """
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return
    open_now = sum(many for place, many in places if place is not None)
    least, wanted = open_now + 64, 2 * open_now + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY:
        if hard < least:
            raise InputError(
                f"--count {count}: {least} open files needed, {hard} allowed (ulimit -n)"
            )
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _http(
    server: Server, bind: str, port: int, secret: Path | None, open_keys: bool
) -> "HttpServer":
    """The same meters over HTTP; what serves it is an extra.

    :raises InputError: it is not installed, or the address cannot be used
    """
    try:
        from budgetmeter.web.guard import read_secret  # noqa: PLC0415
        from budgetmeter.web.serve import HttpServer  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "--http needs Starlette and uvicorn: pip install 'budgetmeter[web]'"
        ) from None
    word = "" if secret is None else read_secret(secret)
    return HttpServer(server, bind, port, word, open_keys)


def _announce(meters: Sequence[dict[str, int | str]], as_json: bool, page: str | None) -> None:
    """Print number and URL of each meter, of its P1 port, and where the page is."""
    for told in meters:
        number, *urls = told.values()
        print(json.dumps(told) if as_json else f"{number:09d} {' '.join(map(str, urls))}")
    if page is not None:
        print(json.dumps({"http": page}) if as_json else f"page      {page}")
    sys.stdout.flush()


def _warn(bind: str, key_is_public: bool) -> None:
    """Say so when others can reach the port, and seal tokens for it."""
    if ipaddress.ip_address(socket.getaddrinfo(bind, None)[0][4][0]).is_loopback:
        return
    told = f"{bind} may be reached from other machines, and the port has no transport security"
    if key_is_public:
        told += "; without --key the meters take tokens under a key that everybody knows"
    print(f"budgetmeter: warning: {told}", file=sys.stderr, flush=True)
