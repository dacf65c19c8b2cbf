"""A run: chunks of meters over local processes or a Dask cluster, one Parquet file for each.

The workers give bytes back and this process writes them, so they need no common disk. A chunk file
has its name only once it is whole; a run taken up again computes what is not there. What a meter
does depends on nothing but the study and its number, so neither chunks nor workers are seen in the
result.
"""

import hashlib
import io
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from budgetmeter.errors import BudgetmeterError, InputError
from budgetmeter.fleet import engine, table
from budgetmeter.fleet.study import Study

if TYPE_CHECKING:
    from concurrent.futures import Future

MANIFEST = "_fleet.json"  # readers of Parquet folders skip names that begin so
CHUNK = 1000
AHEAD = 2  # chunks given out for each worker
PATIENCE = 3  # times in a row that workers may die without a chunk done


@dataclass(frozen=True)
class Run:
    """A folder of chunks.

    :ivar digest: fingerprint of all that decides the result
    """

    folder: Path
    digest: str
    meters: int
    chunk: int

    @property
    def firsts(self) -> range:
        """Number of the first meter of each chunk."""
        return range(0, self.meters, self.chunk)

    def path(self, first: int) -> Path:
        """The file of a chunk."""
        return self.folder / f"chunk-{first:08d}.parquet"

    def size(self, first: int) -> int:
        """Meters in a chunk."""
        return min(self.chunk, self.meters - first)

    def whole(self, first: int) -> bool:
        """Whether the file of a chunk is there and is of this run."""
        try:
            found = pq.read_metadata(self.path(first))
        except (OSError, pa.ArrowInvalid):
            return False
        noted = (found.metadata or {}).get(b"digest", b"").decode()
        return noted == self.digest and found.num_rows == self.size(first)


def fingerprint(study: Study, ready: engine.World) -> str:
    """Fingerprint of a study, its data and the sources that run it."""
    data = hashlib.sha256()
    for array in ready.tables:
        data.update(repr((array.dtype.str, array.shape)).encode())
        data.update(array.tobytes())
    return study.digest(data.hexdigest(), engine.source_digest())


def open_folder(study: Study, ready: engine.World, folder: str | Path, chunk: int = CHUNK) -> Run:
    """The folder of a run, made or taken up again.

    :raises InputError: when it holds another run, or cannot be made
    """
    run = Run(Path(folder), fingerprint(study, ready), study.values["meters"], chunk)
    manifest = run.folder / MANIFEST
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            found = json.loads(manifest.read_text(encoding="utf-8"))
            if found.get("digest") != run.digest:
                raise InputError(f"{folder} holds another run: {found.get('title')}; give --out")
            if found.get("chunk") != chunk:
                raise InputError(f"{folder} was begun with --chunk {found.get('chunk')}")
        else:
            if any(run.folder.glob("*.parquet")):
                raise InputError(f"{folder} holds Parquet files but no {MANIFEST}; give --out")
            described = {
                "title": study.title,
                "study": study.name,
                "digest": run.digest,
                "chunk": chunk,
                "meters": run.meters,
                "gas": study.profile.gas,
                "months": ready.tables.months.tolist(),
                **study.plain(),
            }
            _write(manifest, json.dumps(described, indent=1).encode())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
        raise InputError(f"{manifest}: not the manifest of a run") from None
    return run


def _write(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def compute(ready: engine.World, digest: str, first: int, count: int) -> bytes:
    """A chunk as the bytes of its Parquet file."""
    made = table.build(engine.simulate(ready, first, count), engine.last_day(ready))
    made = made.replace_schema_metadata({"digest": digest})
    buffer = io.BytesIO()
    pq.write_table(made, buffer, compression="zstd")
    return buffer.getvalue()


def finish(
    run: Run,
    ready: engine.World,
    workers: int | None = None,
    scheduler: str = "",
    progress: Callable[[int], object] | None = None,
) -> None:
    """Compute the chunks that are not there; `progress(meters done)` is called as they come.

    :param workers: local processes; as many as there are cores if not given
    :param scheduler: address of a Dask scheduler to use instead
    :raises InputError: a scheduler that is not there, a full disk
    :raises BudgetmeterError: when workers keep dying
    """
    for left in run.folder.glob(".chunk-*.parquet.*"):
        left.unlink()
    todo = [first for first in run.firsts if not run.whole(first)]
    done = run.meters - sum(run.size(first) for first in todo)
    if progress is not None:
        progress(done)
    if not todo:
        return
    workers = workers or os.cpu_count() or 1
    if scheduler:
        made = _on_cluster(run, ready, todo, scheduler)
    elif workers == 1:
        made = ((first, compute(ready, run.digest, first, run.size(first))) for first in todo)
    else:
        made = _in_processes(run, ready, todo, workers)
    for first, data in made:
        try:
            _write(run.path(first), data)
        except OSError as error:
            raise InputError(f"{run.path(first)}: {error.strerror or error}") from None
        done += run.size(first)
        if progress is not None:
            progress(done)


# ---- Local processes ----------------------------------------------------------------------------

_ready: engine.World | None = None


def _equip(ready: engine.World) -> None:
    global _ready  # noqa: PLW0603  # once for a worker's life
    _ready = ready


def _job(digest: str, first: int, count: int) -> bytes:
    assert _ready is not None  # `_equip` has run in this process
    return compute(_ready, digest, first, count)


def _in_processes(
    run: Run, ready: engine.World, todo: list[int], workers: int
) -> Iterator[tuple[int, bytes]]:
    """Chunks as they come; a worker that dies is replaced and its chunks are given out again."""
    left, died = list(todo), 0
    workers = min(workers, len(left))
    if engine.kept_in():
        engine.warm(ready)  # compiled once and kept, before the workers look for it
    while left:
        try:
            for first, data in _pool(run, ready, left, workers):
                left.remove(first)
                died = 0
                yield first, data
        except BrokenProcessPool:
            died += 1
            if died > PATIENCE:
                raise BudgetmeterError(
                    f"the workers keep dying; {len(left)} chunks are left, run it again to go on"
                ) from None


@contextmanager
def _deaf() -> Generator[None]:
    """What is started inside never hears Ctrl-C: this process alone ends a run, and quietly."""
    mask = getattr(signal, "pthread_sigmask", None)
    if mask is None:  # not a Unix
        yield
        return
    before = mask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


def _pool(
    run: Run, ready: engine.World, todo: list[int], workers: int
) -> Iterator[tuple[int, bytes]]:
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_equip, initargs=(ready,)
    ) as pool:
        waiting = iter(list(todo))
        given: dict[Future[bytes], int] = {}

        def give(count: int) -> None:
            for first in islice(waiting, count):
                given[pool.submit(_job, run.digest, first, run.size(first))] = first

        try:
            with _deaf():
                give(AHEAD * workers)
            while given:
                finished, _ = wait(given, return_when=FIRST_COMPLETED)
                for future in finished:
                    data = future.result()
                    give(1)
                    yield given.pop(future), data
        finally:
            pool.shutdown(cancel_futures=True)


# ---- A Dask cluster -----------------------------------------------------------------------------


def _threads(client: Any) -> dict[str, int]:
    """Threads of each worker."""
    return client.nthreads()


def _same(ready: engine.World) -> engine.World:
    return ready


def _far_job(ready: engine.World, digest: str, sources: str, first: int, count: int) -> bytes:
    """A chunk on a machine of the cluster.

    :raises BudgetmeterError: when it has other sources, so that its meters would do something else
    """
    if engine.source_digest() != sources:
        raise BudgetmeterError(f"a worker on {socket.gethostname()} has another budgetmeter")
    return compute(ready, digest, first, count)


def _on_cluster(
    run: Run, ready: engine.World, todo: list[int], address: str
) -> Iterator[tuple[int, bytes]]:
    """Chunks as they come; the scheduler gives out again what a worker took with it."""
    with _client(address) as client:
        from distributed import as_completed  # noqa: PLC0415

        sources = engine.source_digest()
        # A task of its own: lost with a worker, it is made again.
        held = client.submit(_same, ready, key=f"world-{run.digest}")
        waiting = iter(todo)
        given: dict[Any, int] = {}

        def give(count: int) -> list[Any]:
            futures: list[Any] = []
            for first in islice(waiting, count):
                futures.append(
                    client.submit(
                        _far_job, held, run.digest, sources, first, run.size(first),
                        key=f"{run.digest}-{first}",
                    )
                )  # fmt: skip
                given[futures[-1]] = first
            return futures

        coming = as_completed(
            give(AHEAD * max(sum(_threads(client).values()), 1)), loop=client.loop
        )
        for future in coming:
            data = future.result()
            coming.update(give(1))
            yield given.pop(future), data
            future.release()


@contextmanager
def _client(address: str) -> Generator[Any]:
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415  # slow to come
        from distributed.comm.core import CommClosedError  # noqa: PLC0415
    except ImportError:
        needs = "--scheduler needs distributed: pip install 'budgetmeter[fleet]'"
        raise InputError(needs) from None
    try:
        host, port = address.rsplit("/", 1)[-1].rsplit(":", 1)
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        client = Client(address, timeout=10, set_as_default=False)
    except ValueError:
        raise InputError(f"--scheduler {address}: an address such as tcp://host:8786") from None
    except OSError as error:
        raise InputError(f"--scheduler {address}: {error.strerror or 'no answer'}") from None
    for name in [
        name for name in logging.root.manager.loggerDict if name.startswith("distributed")
    ]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is lost is made again, quietly
    try:
        yield client
    except KilledWorker:
        raise BudgetmeterError("the workers keep dying; run it again to go on") from None
    except (CommClosedError, CancelledError):
        raise BudgetmeterError(f"lost the scheduler {address}; run it again to go on") from None
    finally:
        client.close()
