"""The vending office: which meters there are, the numbers of their tokens, and the audit log.

SQLite by default; any database SQLAlchemy knows by its URL. A token's number is taken and the token
recorded in one transaction. So no number is used twice, and none is missing from the log.
"""

import getpass
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from construct import ConstructError
from meterproto import tokens
from meterproto.codes import Kind
from sqlalchemy import event, exc

from budgetmeter import profiles
from budgetmeter.errors import InputError
from budgetmeter.issue import seal
from budgetmeter.office.tables import (
    audit,
    contracts,
    issued,
    metadata,
    meters,
    modes,
    vending_keys,
)
from budgetmeter.orders import Order, describe, note

EPOCH = datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=1)))


@dataclass(frozen=True)
class Issued:
    """A token as handed out."""

    meter: int
    number: int
    order_id: int
    kind: int
    token: bytes

    @property
    def text(self) -> str:
        """As groups of characters to type."""
        return tokens.to_text(self.token)


def connect(url: str) -> sa.Engine:
    """An engine for a database URL; SQLite waits for its turn and loses no committed token.

    :raises InputError: an unusable URL
    """
    try:
        engine = sa.create_engine(url)
    except ImportError as error:
        needs = f"needs the Python package {error.name}, which is not installed"
        raise InputError(f"{url}: {needs}") from None
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError) as error:
        raise InputError(f"{url}: {str(error).splitlines()[0]}") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin by our own BEGIN IMMEDIATE
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 60000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _check_number(meter: int) -> None:
    if not 1 <= meter <= tokens.METER_LIMIT:
        raise InputError(f"meter {meter}: a number of up to nine digits, from 1")


class Office:
    """Issues tokens against a database.

    :param url: of the database, as SQLAlchemy writes it
    :param keys: a `budgetmeter.office.keys.KeyFile`
    :param actor: who does it, for the audit log; the login name if left out
    :param create: begin the books where there are none
    :param now: the office's clock: a callable that answers an aware datetime
    :param load_profile: the `budgetmeter.profiles.Profile` of a name
    :raises InputError: when the database cannot be used, or has no books
    """

    def __init__(
        self,
        url: str,
        keys: Any = None,
        actor: str | None = None,
        create: bool = True,
        now: Any = None,
        load_profile: Any = profiles.load,
    ) -> None:
        self.engine = connect(url)
        self._load_profile = load_profile
        self._now = now
        self._keys = keys
        self.actor = actor or _login()
        self._vouched = set()  # revisions whose key is known to be this office's
        if not create and not self._guard(self._has_books):
            raise InputError(f"{url}: no vending office there; budgetmeter office init makes one")
        self._guard(lambda: metadata.create_all(self.engine))

    def _has_books(self) -> bool:
        """Whether the office was made; looking does not make SQLite create a file."""
        file = self.engine.url.database or ""
        plain = self.engine.dialect.name == "sqlite" and not file.startswith("file:")
        if plain and not os.path.exists(file):
            return False
        return sa.inspect(self.engine).has_table(meters.name)

    @property
    def keys(self) -> Any:
        """The vending keys; what seals tokens needs them."""
        if self._keys is None:
            raise InputError("this needs the vending keys")
        return self._keys

    def _guard(self, work: Callable[[], Any]) -> Any:
        """Run database work, its failures as one line."""
        try:
            return work()
        except exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise InputError(f"database: {reason}") from None

    def transaction(self, work: Callable[[sa.Connection], Any]) -> Any:
        """Run `work(connection)` as one transaction, failures of the database as one line."""

        def whole() -> Any:
            with self.engine.begin() as connection:
                return work(connection)

        return self._guard(whole)

    def now(self) -> datetime:
        """The office's time, in UTC."""
        return (self._now() if self._now else datetime.now(UTC)).astimezone(UTC)

    @property
    def now_s(self) -> int:
        """The office's time in seconds since 2000-01-01 00:00 UTC+1, as meters count it."""
        return int((self.now() - EPOCH).total_seconds())

    def note_in(
        self,
        connection: sa.Connection,
        action: str,
        meter: int | None = None,
        number: int | None = None,
        detail: str = "",
    ) -> None:
        """Write a line into the audit log, in a transaction."""
        row = {
            "at": self.now(),
            "actor": self.actor[:64],
            "action": action,
            "meter": meter,
            "number": number,
            "detail": detail[:200],
        }
        connection.execute(audit.insert().values(row))

    def note(self, action: str, detail: str = "") -> None:
        """Write a line into the audit log."""
        self.transaction(lambda connection: self.note_in(connection, action, detail=detail))

    def begin(self) -> None:
        """Begin the audit log with the first vending key.

        :raises InputError: when the books are those of another key
        """

        def work(connection: sa.Connection) -> Any:
            self._vouch(connection, self.keys.latest)
            self.note_in(connection, "init", detail=f"vending key revision {self.keys.latest}")

        self.transaction(work)

    def new_key(self) -> int:
        """Add a vending key to the file; returns its revision.

        :raises InputError: when the file is another office's or cannot be written
        """

        def work(connection: sa.Connection) -> Any:
            self._vouch(connection, self.keys.latest)
            revision = self.keys.add_revision()
            self._vouch(connection, revision)
            self.note_in(connection, "new-key", detail=f"vending key revision {revision}")
            return revision

        return self.transaction(work)

    def _vouch(self, connection: sa.Connection, revision: int) -> None:
        """Remember the fingerprint of a vending key, and refuse another one."""
        if revision in self._vouched:
            return
        mine = self.keys.fingerprint(revision)
        query = sa.select(vending_keys.c.fingerprint).where(vending_keys.c.revision == revision)
        known = connection.execute(query).scalar()
        if known is None:
            connection.execute(vending_keys.insert().values(revision=revision, fingerprint=mine))
        elif known == mine:
            self._vouched.add(revision)
        else:
            raise InputError(
                f"{self.keys.path}: its key of revision {revision} is not this office's; "
                "no meter would take its tokens"
            )

    def add_meter(self, meter: int, profile: Any, **contract: Any) -> None:
        """Take a meter into the books, with the latest vending key.

        :param profile: name of its profile
        :param contract: `customer` (their number; the meter's if left out), `protected`, `since_s`
            (in service since; now if left out), `judge_s` (prepayment ordered by a judge, when
            activated), `judge_until_s` (the judge's own end of the limiter's guarantee)
        :raises InputError: a number that is none, or a meter there already
        """
        _check_number(meter)
        row = {"meter": meter, "profile": profile, "key_revision": self.keys.latest}

        def work(connection: sa.Connection) -> Any:
            if self.row(connection, meter) is not None:
                raise InputError(f"meter {meter} is in the books already")
            self._vouch(connection, self.keys.latest)
            self._take_in(connection, row, **contract)
            self.note_in(connection, "add-meter", meter, detail=profile)

        self.transaction(work)

    def _take_in(
        self, connection: sa.Connection, row: Any, since_s: int | None = None, **contract: Any
    ) -> None:
        """A meter's rows in the books, from a row of `meters` on."""
        meter = row["meter"]
        mode = self._load_profile(row["profile"]).values["payment_mode"]
        at_s = self.now_s if since_s is None else since_s
        known = {"meter": meter, "customer": f"{meter:09d}", "protected": False, **contract}
        connection.execute(meters.insert().values(row))
        connection.execute(contracts.insert().values(known))
        connection.execute(modes.insert().values(meter=meter, at_s=at_s, mode=mode))

    def flashed(self, meter: int, revision: int, profile: Any) -> None:
        """Note what a meter was flashed with, and take it into the books if it is not there.

        Its tokens are sealed with the key of that revision from then on.

        :raises InputError: a number that is none, a revision the key file does not have, or one
            below that in the books
        """
        _check_number(meter)
        self.keys.meter_key(meter, revision)
        values = {"profile": profile, "key_revision": revision}

        def work(connection: sa.Connection) -> Any:
            row = self.row(connection, meter)
            if row is None:
                self._take_in(connection, {"meter": meter, **values})
            elif revision < row["key_revision"]:
                raise InputError(
                    f"meter {meter} has key revision {row['key_revision']} in the books; no "
                    "meter goes back"
                )
            else:
                connection.execute(meters.update().where(meters.c.meter == meter).values(values))
            self.note_in(connection, "flashed", meter, detail=f"{profile}, revision {revision}")

        self.transaction(work)

    def row(self, connection: sa.Connection, meter: int) -> Any:
        """A meter's row of the books; None if it is not in them."""
        found = connection.execute(sa.select(meters).where(meters.c.meter == meter))
        return found.mappings().first()

    def profile_in(self, connection: sa.Connection, meter: int) -> Any:
        """The profile of a meter.

        :raises InputError: when it is not in the books
        """
        row = self.row(connection, meter)
        if row is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        return self._load_profile(row["profile"])

    def meter(self, meter: int) -> Any:
        """What the books say of a meter.

        :raises InputError: when it is not in the books
        """

        def work() -> Any:
            with self.engine.connect() as connection:
                return self.row(connection, meter)

        row = self._guard(work)
        if row is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        return row

    def issue(
        self, meter: int, order: Order, expiry: int = 0, order_id: int | None = None
    ) -> Issued:
        """Number, seal and record one token.

        :param order: a `budgetmeter.orders.Order`
        :param expiry: clock value from which on the meter refuses it; 0 never
        :param order_id: issue an earlier order again, as it was; by default it is a new one
        :raises InputError: an unknown meter, an order that was another one, a value no token has,
            or the database
        """
        return self.issue_all(meter, [order], expiry, order_id)[0]

    def issue_all(
        self, meter: int, orders: Iterable[Order], expiry: int = 0, order_id: int | None = None
    ) -> list[Issued]:
        """Several tokens for one meter in one transaction; arguments as `issue`."""

        def work(connection: sa.Connection) -> Any:
            if order_id is not None and _first(connection, meter, order_id) is None:
                raise InputError(f"meter {meter} has no order {order_id}")
            return [self.issue_in(connection, meter, o, expiry, order_id) for o in orders]

        return self.transaction(work)

    def reserve_order(self, connection: sa.Connection, meter: int) -> int:
        """The next order id of a meter; locks its row until the transaction ends."""
        reserved = connection.execute(
            meters.update()
            .where(meters.c.meter == meter)
            .values(last_order=meters.c.last_order + 1)
            .returning(meters.c.last_order)
        ).scalar()
        if reserved is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        return reserved

    def issue_in(
        self,
        connection: sa.Connection,
        meter: int,
        order: Order,
        expiry: int = 0,
        order_id: int | None = None,
    ) -> Issued:
        """One token in a transaction; arguments as `issue`, and an order that was reserved."""
        earlier = None
        if order_id is not None:
            earlier = self._earlier(connection, meter, order, order_id)
            if earlier is not None and order.kind == Kind.KEY_CHANGE:
                order_id = None  # its revision makes it count once; a fresh order closes all before
        taken = connection.execute(
            meters.update()
            .where(meters.c.meter == meter)
            .values(
                last_number=meters.c.last_number + 1,
                last_order=meters.c.last_order + (1 if order_id is None else 0),
            )
            .returning(meters.c.last_number, meters.c.last_order, meters.c.key_revision)
        ).first()
        if taken is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        number, last_order, revision = taken
        fields: dict[str, Any] = {
            "meter": meter,
            "number": number,
            "order_id": last_order if order_id is None else order_id,
            "kind": int(order.kind),
            "value": order.value,
            "extra": order.extra,
            "expiry": expiry,
            "key_revision": revision,
        }
        token = self._seal(connection, fields, earlier)
        made = {"token": token, "at": self.now(), "actor": self.actor[:64]}
        connection.execute(issued.insert().values(**fields, **made))
        self.note_in(connection, "issue", meter, number, note(order))
        return Issued(meter, number, fields["order_id"], int(order.kind), token)

    def _earlier(self, connection: sa.Connection, meter: int, order: Order, order_id: int) -> Any:
        """The first token of an order that is to be issued again; None if it was only reserved."""
        found = _first(connection, meter, order_id)
        if found is None:
            return None
        same = found.kind == order.kind
        if order.kind != Kind.KEY_CHANGE:
            same = same and (found.value, found.extra) == (order.value, order.extra)
        if not same:
            was = ", ".join(f"{label} {text}" for label, text in describe(found))
            raise InputError(f"meter {meter}: order {order_id} was another one: {was}")
        return found

    def _seal(
        self, connection: sa.Connection, fields: dict[str, Any], earlier: Any = None
    ) -> bytes:
        """The token.

        A key change puts the latest vending key in force: what is issued after it is sealed with
        the new key. Issued again, it is sealed once more with the key it was to replace, so that it
        reaches a meter that never got it.
        """
        meter = fields["meter"]
        more = {}
        if fields["kind"] == Kind.KEY_CHANGE:
            if earlier is None:
                fields["value"] = self._next_key(connection, meter, fields["key_revision"])
            else:
                fields["key_revision"], fields["value"] = earlier.key_revision, earlier.value
            self._vouch(connection, fields["value"])
            more["new_key"] = self.keys.meter_key(meter, fields["value"])
        self._vouch(connection, fields["key_revision"])
        key = self.keys.meter_key(meter, fields["key_revision"])
        try:
            return seal(key, **fields, **more)
        except ConstructError as error:
            raise InputError(f"no token can hold that: {str(error).splitlines()[0]}") from None

    def _next_key(self, connection: sa.Connection, meter: int, revision: int) -> int:
        """Put the latest vending key in force for a meter; its revision."""
        latest = self.keys.latest
        if latest <= revision:
            where = sa.and_(issued.c.meter == meter, issued.c.kind == int(Kind.KEY_CHANGE))
            sent = connection.execute(sa.select(sa.func.max(issued.c.number)).where(where)).scalar()
            again = f"token show {meter} {sent} prints its key change again; " if sent else ""
            raise InputError(f"meter {meter} has the latest key; {again}office new-key first")
        connection.execute(
            meters.update().where(meters.c.meter == meter).values(key_revision=latest)
        )
        return latest

    def show(self, meter: int, number: int) -> Issued:
        """A token that was issued, as it was; the audit log records that it was shown.

        :raises InputError: when there is none
        """

        def work(connection: sa.Connection) -> Any:
            where = sa.and_(issued.c.meter == meter, issued.c.number == number)
            row = connection.execute(sa.select(issued).where(where)).first()
            if row is None:
                raise InputError(f"no token {number} was issued for meter {meter}")
            self.note_in(connection, "show", meter, number, Kind(row.kind).name)
            return Issued(meter, number, row.order_id, row.kind, bytes(row.token))

        return self.transaction(work)

    def log(self, meter: int | None = None) -> Any:
        """The audit log, oldest first, as plain data."""

        def work() -> Any:
            query = sa.select(audit).order_by(audit.c.id)
            if meter is not None:
                query = query.where(audit.c.meter == meter)
            with self.engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]

        return self._guard(work)

    def tokens(self, meter: int) -> Any:
        """The tokens issued for a meter, in order of number, as plain data."""

        def work() -> Any:
            query = sa.select(issued).where(issued.c.meter == meter).order_by(issued.c.number)
            with self.engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]

        return self._guard(work)


def _first(connection: sa.Connection, meter: int, order_id: int) -> Any:
    """The first token of an order; None if there is none."""
    where = sa.and_(issued.c.meter == meter, issued.c.order_id == order_id)
    return connection.execute(sa.select(issued).where(where).order_by(issued.c.number)).first()


def _login() -> str:
    """Who is logged in; a number where the system knows no name."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
