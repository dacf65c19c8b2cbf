"""The vending office: which meters there are, the numbers of their tokens, and the audit log.

SQLite by default; any database SQLAlchemy knows by its URL. A token's number is taken and the token
recorded in one transaction. So no number is used twice, and none is missing from the log.
"""

import getpass
import os
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from types import SimpleNamespace

import sqlalchemy as sa
from construct import ConstructError
from meterproto import tokens
from meterproto.codes import Kind

from budgetmeter import profiles
from budgetmeter.errors import InputError
from budgetmeter.issue import seal
from budgetmeter.office import customers, judge, later, payments, restore, settle
from budgetmeter.office import schema as books_schema
from budgetmeter.office.database import Database, keep_private
from budgetmeter.office.payments import Issued
from budgetmeter.office.tables import (
    audit,
    deliveries,
    issued,
    items,
    meters,
    modes,
    vending_keys,
)
from budgetmeter.orders import Order, describe, note

EPOCH = datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=1)))


def _check_number(meter):
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
    :ivar despite: why orders are given against the case of their meter; "" not at all
    :raises InputError: when the database cannot be used, or has no books
    """

    def __init__(self, url, keys=None, actor=None, create=True, now=None, load_profile=None):
        self.database = Database(url)
        self.engine = self.database.engine
        # A shipped profile is read once, not once for each meter.
        self._load_profile = load_profile or cache(profiles.load)
        self._now = now
        self._keys = keys
        self.actor = actor or _login()
        self.despite = ""
        self._vouched = set()  # revisions whose key is known to be this office's
        if not create and not self.database.guard(lambda: books_schema.exists(self.database)):
            raise InputError(
                f"{self.database.name}: no vending office there; budgetmeter office init makes one"
            )
        keep_private(self.database.file)
        books_schema.bring_up(self.database)

    @property
    def keys(self):
        """The vending keys; what seals tokens needs them."""
        if self._keys is None:
            raise InputError("this needs the vending keys")
        return self._keys

    def transaction(self, work):
        """Run `work(connection)` as one transaction that writes; it may run more than once.

        :raises InputError: when the database fails
        """
        return self.database.write(work)

    def reading(self, work):
        """Run `work(connection)` on the books as they are now, without keeping anybody waiting.

        :raises InputError: when the database fails
        """
        return self.database.read(work)

    def now(self):
        """The office's time, in UTC."""
        return (self._now() if self._now else datetime.now(UTC)).astimezone(UTC)

    @property
    def now_s(self):
        """The office's time in seconds since 2000-01-01 00:00 UTC+1, as meters count it."""
        return int((self.now() - EPOCH).total_seconds())

    def note_in(self, connection, action, meter=None, number=None, detail=""):
        """Write a line into the audit log, in a transaction."""
        row = {**self._signed(action), "meter": meter, "number": number, "detail": detail[:200]}
        connection.execute(audit.insert(), row)

    def notes_in(self, connection, action, lines):
        """Write lines of one action into the audit log, each a (meter, detail)."""
        signed = self._signed(action)
        rows = [{**signed, "meter": meter, "detail": detail[:200]} for meter, detail in lines]
        connection.execute(audit.insert(), rows)

    def _signed(self, action):
        """What stands in every line of the audit log: who did what, and when."""
        return {
            "at": self.now(),
            "actor": self.actor[:64],
            "action": action,
            "real_at": datetime.now(UTC),
            "real_user": _real_user()[:64],
        }

    def note(self, action, detail=""):
        """Write a line into the audit log."""
        self.transaction(lambda connection: self.note_in(connection, action, detail=detail))

    def begin(self):
        """Begin the audit log with the first vending key.

        :raises InputError: when the books are those of another key
        """

        def work(connection):
            self._vouch(connection, self.keys.latest)
            self.note_in(connection, "init", detail=f"vending key revision {self.keys.latest}")

        self.transaction(work)

    def new_key(self):
        """Add a vending key to the file; returns its revision.

        :raises InputError: when the file is another office's or cannot be written
        """

        with self.keys.locked():  # the file is locked before the books: no deadlock
            self.reading(self._vouch_for_all)
            revision = self.keys.add_while_locked()

        def work(connection):
            self._vouch(connection, revision)
            self.note_in(connection, "new-key", detail=f"vending key revision {revision}")

        self.transaction(work)
        return revision

    def _vouch_for_all(self, connection):
        """Whether the file has every key that the books know.

        :raises InputError: when one is missing or another one
        """
        known = connection.execute(
            sa.select(vending_keys.c.revision, vending_keys.c.fingerprint)
        ).all()
        for revision, fingerprint in known:
            if revision not in self.keys.revisions:
                raise InputError(
                    f"{self.keys.path}: its key of revision {revision} is missing: this is an "
                    "older copy of the file"
                )
            self._agree(revision, fingerprint)

    def _vouch(self, connection, revision):
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
            self._agree(revision, known)

    def _agree(self, revision, known):
        """Whether a vending key is the one that the books know."""
        if self.keys.fingerprint(revision) != known:
            raise InputError(
                f"{self.keys.path}: its key of revision {revision} is not this office's; "
                "no meter would take its tokens"
            )

    def add_meter(self, meter, profile, **contract):
        """Take a meter into the books, with the latest vending key.

        :param profile: name of its profile
        :param contract: `customer` (their number; the meter's if left out), `protected`, `since_s`
            (in service since; now if left out), `judge_s` (prepayment ordered by a judge, when
            activated), `judge_until_s` (the judge's own end of the limiter's guarantee)
        :raises InputError: a number that is none, or a meter there already
        """
        _check_number(meter)
        row = {"meter": meter, "profile": profile, "key_revision": self.keys.latest}

        def work(connection):
            if self.row(connection, meter) is not None:
                raise InputError(f"meter {meter} is in the books already")
            self._vouch(connection, self.keys.latest)
            self._take_in(connection, row, **contract)
            self.note_in(connection, "add-meter", meter, detail=profile)

        self.transaction(work)

    def take_in(self, connection, meter, profile, **contract):
        """A meter comes into the books in a transaction; arguments as `add_meter`."""
        _check_number(meter)
        row = {"meter": meter, "profile": profile, "key_revision": self.keys.latest}
        self._vouch(connection, self.keys.latest)
        self._take_in(connection, row, **contract)

    def _take_in(self, connection, row, since_s=None, **contract):
        """A meter's rows in the books, from a row of `meters` on."""
        meter = row["meter"]
        mode = self._load_profile(row["profile"]).values["payment_mode"]
        at_s = self.now_s if since_s is None else since_s
        known = {"meter": meter, "customer": f"{meter:09d}", "protected": False, **contract}
        connection.execute(meters.insert(), row)
        customers.begin(connection, meter, known, at_s)
        connection.execute(modes.insert().values(meter=meter, at_s=at_s, mode=mode))

    def flashed(self, meter, revision, profile):
        """Note what a meter was flashed with, and take it into the books if it is not there.

        Its tokens are sealed with the key of that revision from then on.

        :raises InputError: a number that is none, a revision the key file does not have, or one
            below that in the books
        """
        _check_number(meter)
        self.keys.meter_key(meter, revision)
        values = {"profile": profile, "key_revision": revision}

        def work(connection):
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

    def row(self, connection, meter):
        """A meter's row of the books; None if it is not in them."""
        found = connection.execute(sa.select(meters).where(meters.c.meter == meter))
        return found.mappings().first()

    def profile_in(self, connection, meter):
        """The profile of a meter.

        :raises InputError: when it is not in the books
        """
        return self.profile_of(self.known(connection, meter))

    def known(self, connection, meter):
        """A meter's row of the books.

        :raises InputError: when it is not in them
        """
        row = self.row(connection, meter)
        if row is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        return row

    def profile_of(self, row):
        """The profile of a row of the table `meters`.

        :raises InputError: its file is missing or wrong
        """
        return self._load_profile(row["profile"])

    def meter(self, meter):
        """What the books say of a meter.

        :raises InputError: when it is not in the books
        """
        return self.reading(lambda connection: self.known(connection, meter))

    def issue(self, meter, order, expiry=0, order_id=None, reference=None):
        """Number, seal and record one token.

        :param order: a `budgetmeter.orders.Order`
        :param expiry: clock value from which on the meter refuses it; 0 never
        :param order_id: issue an earlier order again, as it was; by default it is a new one
        :param reference: the payment's own: with the same again, the answer is the same token
        :raises InputError: an unknown meter, an order that was another one, a value no token has,
            a reference that was another payment's, or the database
        """

        if reference is not None and order_id is not None:
            raise InputError("--reference is of a new payment, and --order is an earlier one")

        def work(connection):
            if reference is not None:
                paid = payments.find(connection, reference, meter, order)
                if paid is not None:
                    return payments.token_of(connection, paid)
            return self._issue_again(connection, meter, order, expiry, order_id, reference)

        return self.transaction(work)

    def issue_all(self, meter, orders, expiry=0):
        """Several tokens for one meter in one transaction; arguments as `issue`."""

        def work(connection):
            return [self._issue_again(connection, meter, o, expiry) for o in orders]

        return self.transaction(work)

    def _issue_again(self, connection, meter, order, expiry, order_id=None, reference=None):
        """A token of a new order, or of an earlier one as it stands now."""
        if order_id is None:
            expiry = judge.judge(connection, self, meter, order, expiry)
            later.withdraw_older(connection, self, meter, order, expiry)
            made = self.issue_in(connection, meter, order, expiry, reference=reference)
            if order.kind == Kind.OVERDRAFT:
                self._note_right(connection, made, order, expiry)
            return made
        known = current(connection, meter, order_id)
        if known is None:
            raise InputError(f"meter {meter} has no order {order_id}")
        self._earlier(connection, meter, order, known.order_id)
        if known.state == settle.VOID:
            raise InputError(f"meter {meter}: order {order_id} is void")
        if known.doubt == settle.OVERTAKEN:
            return settle.renew(connection, self, known)
        if known.doubt:
            raise InputError(f"meter {meter}: order {order_id}: {known.doubt}")
        return self.issue_in(connection, meter, order, expiry, known.order_id)

    def issue_in(
        self, connection, meter, order, expiry=0, order_id=None, on_card=False, reference=None
    ):
        """One token in a transaction; arguments as `issue`.

        :param on_card: whether it goes on the customer's card
        """
        earlier = None
        if order_id is not None:
            earlier = self._earlier(connection, meter, order, order_id)
            if earlier is not None and order.kind == Kind.KEY_CHANGE:
                order_id = None  # its revision makes it count once; a fresh order closes all before
        fields, token, taken = self._seal_for(connection, meter, order, expiry, order_id, earlier)
        if earlier is not None and order_id is None:
            settle.change(connection, earlier, state=settle.RENEWED, became=fields.order_id)
        made = self.record(
            connection,
            fields,
            token,
            on_card,
            reference=reference,
            after_revision=taken.read_revision,
            after_sequence=taken.read_sequence,
        )
        self.note_in(connection, "issue", meter, made.number, note(order))
        return made

    def _seal_for(self, connection, meter, order, expiry, order_id, earlier=None):
        """The next number of a meter, sealed: fields of the token, its octets, the meter's row."""
        taken = connection.execute(
            meters.update()
            .where(meters.c.meter == meter)
            .values(
                last_number=meters.c.last_number + 1,
                last_order=meters.c.last_order + (1 if order_id is None else 0),
            )
            .returning(meters)
        ).first()
        if taken is None:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        # A clock that is wrong may be what keeps a report from ending the wait.
        if taken.restored_s is not None and order.kind != Kind.CLOCK:
            raise InputError(restore.waits(meter))
        if taken.retired_s is not None:
            raise InputError(f"meter {meter} is retired")
        fields = {
            "meter": meter,
            "number": taken.last_number,
            "order_id": taken.last_order if order_id is None else order_id,
            "kind": int(order.kind),
            "value": order.value,
            "extra": order.extra,
            "expiry": expiry,
            "key_revision": taken.key_revision,
        }
        token = self._seal(connection, fields, earlier)
        return SimpleNamespace(**fields), token, taken

    def record(self, connection, fields, token, on_card, **more):
        """Put a sealed token into the books, and its order on its way.

        :param fields: of the token, as attributes
        :param more: of the order's row, where it is new
        """
        newest = {"number": fields.number, "revision": fields.key_revision}
        shared = {
            "meter": fields.meter,
            "order_id": fields.order_id,
            "kind": fields.kind,
            "value": fields.value,
            "extra": fields.extra,
            "expiry": fields.expiry,
        }
        sealed = {
            "number": fields.number,
            "key_revision": fields.key_revision,
            "token": token,
            "at": self.now(),
            "actor": self.actor[:64],
        }
        connection.execute(issued.insert(), shared | sealed)
        where = sa.and_(
            deliveries.c.meter == fields.meter, deliveries.c.order_id == fields.order_id
        )
        again = {**newest, "on_card": True} if on_card else newest
        if not connection.execute(deliveries.update().where(where).values(again)).rowcount:
            state = {"state": settle.OUT, "on_card": on_card, "at_s": self.now_s}
            connection.execute(deliveries.insert(), shared | newest | state | more)
        return Issued(fields.meter, fields.number, fields.order_id, fields.kind, token)

    def _note_right(self, connection, token, order, expiry):
        """A right that is once only stands among the items, whatever way it was given."""
        values = {
            "meter": token.meter,
            "order_id": token.order_id,
            "kind": token.kind,
            "value": order.value,
            "extra": order.extra,
            "expiry": expiry,
            "customer": judge.holder(connection, token.meter),
            "energy": self.profile_in(connection, token.meter).values["energy"],
            "queued_s": self.now_s,
            "cancelled": False,
            "actor": self.actor[:64],
        }
        connection.execute(items.insert(), values)

    def close_in(self, connection, order):
        """A token of an order that changes nothing: once taken, the order has no effect.

        :param order: a row of `deliveries`
        """
        on_card, number = order.on_card, order.number
        where = sa.and_(deliveries.c.meter == order.meter, deliveries.c.order_id == order.order_id)
        made = self._seal_for(connection, order.meter, Order(Kind.TEST), 0, order.order_id)
        fields, token, _ = made
        closing = self.record(connection, fields, token, on_card)
        kept = {"number": number, "revision": fields.key_revision, "closing": closing.number}
        connection.execute(deliveries.update().where(where).values(kept))
        self.note_in(connection, "close", order.meter, closing.number, f"order {order.order_id}")
        return closing

    def moved_item(self, connection, meter, order_id, became):
        """Let the item of an order that was renewed follow it."""
        where = sa.and_(items.c.meter == meter, items.c.order_id == order_id)
        connection.execute(items.update().where(where).values(order_id=became))

    def _earlier(self, connection, meter, order, order_id):
        """The order that is to be issued again, a row of `deliveries`; None if there is none."""
        where = sa.and_(deliveries.c.meter == meter, deliveries.c.order_id == order_id)
        found = connection.execute(sa.select(deliveries).where(where)).first()
        if found is None:
            return None
        same = found.kind == order.kind
        if order.kind != Kind.KEY_CHANGE:
            same = same and (found.value, found.extra) == (order.value, order.extra)
        if not same:
            was = ", ".join(f"{label} {text}" for label, text in describe(found))
            raise InputError(f"meter {meter}: order {order_id} was another one: {was}")
        return found

    def _seal(self, connection, fields, earlier=None):
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
                first = _first_token(connection, meter, earlier.order_id)
                fields["key_revision"], fields["value"] = first.key_revision, first.value
            self._vouch(connection, fields["value"])
            more["new_key"] = self.keys.meter_key(meter, fields["value"])
        self._vouch(connection, fields["key_revision"])
        key = self.keys.meter_key(meter, fields["key_revision"])
        try:
            return seal(key, **fields, **more)
        except ConstructError as error:
            raise InputError(f"no token can hold that: {str(error).splitlines()[0]}") from None

    def _next_key(self, connection, meter, revision):
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

    def show(self, meter, number):
        """A token that was issued, as it was; the audit log records that it was shown.

        :raises InputError: when there is none
        """

        def work(connection):
            where = sa.and_(issued.c.meter == meter, issued.c.number == number)
            row = connection.execute(sa.select(issued).where(where)).first()
            if row is None:
                raise InputError(f"no token {number} was issued for meter {meter}")
            reached = self.row(connection, meter)["read_revision"]
            if row.kind == Kind.KEY_CHANGE and row.value <= reached:
                raise InputError(
                    f"meter {meter} has reported key revision {reached}: its key change is not "
                    "shown any more"
                )
            self.note_in(connection, "show", meter, number, Kind(row.kind).name)
            return Issued(meter, number, row.order_id, row.kind, bytes(row.token))

        return self.transaction(work)

    def log(self, meter=None, last=None, since=None):
        """The audit log, oldest first, as plain data.

        :param last: only so many of the newest lines
        :param since: only from a time on, an aware datetime
        """
        query = sa.select(audit).order_by(audit.c.id.desc() if last else audit.c.id)
        if meter is not None:
            query = query.where(audit.c.meter == meter)
        if since is not None:
            query = query.where(audit.c.at >= since)
        if last:
            query = query.limit(last)
        rows = self.reading(lambda c: [dict(row) for row in c.execute(query).mappings()])
        return rows[::-1] if last else rows

    def tokens(self, meter):
        """The tokens issued for a meter, in order of number, as plain data."""

        query = sa.select(issued).where(issued.c.meter == meter).order_by(issued.c.number)
        return self.reading(lambda c: [dict(row) for row in c.execute(query).mappings()])


def current(connection, meter, order_id):
    """The row of an order as it stands now, whatever was issued in its place; None if unknown."""
    while True:
        where = sa.and_(deliveries.c.meter == meter, deliveries.c.order_id == order_id)
        found = connection.execute(sa.select(deliveries).where(where)).first()
        if found is None or found.became is None or found.kind == Kind.KEY_CHANGE:
            return found
        order_id = found.became


def _first_token(connection, meter, order_id):
    """The first token of an order."""
    where = sa.and_(issued.c.meter == meter, issued.c.order_id == order_id)
    return connection.execute(sa.select(issued).where(where).order_by(issued.c.number)).first()


def _real_user():
    """Who the system says runs this, whatever the environment says."""
    try:
        import pwd  # noqa: PLC0415  # not on every system

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:
        return _login()
    except KeyError:
        return str(os.getuid())


def _login():
    """Who is logged in; a number where the system knows no name."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
