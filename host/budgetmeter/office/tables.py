"""The tables of the vending office. Times in seconds (`…_s`) count from 2000-01-01 00:00 UTC+1.

A column that version 1 did not have takes a default of the database, so that old books can grow it.
"""

import sqlalchemy as sa

metadata = sa.MetaData()
ZERO, FALSE, EMPTY = sa.text("0"), sa.false(), sa.text("''")

schema = sa.Table(
    "schema",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)
meters = sa.Table(
    "meters",
    metadata,
    sa.Column("meter", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("profile", sa.String(24), nullable=False),
    sa.Column("key_revision", sa.Integer, nullable=False),
    sa.Column("last_number", sa.Integer, nullable=False, default=0),
    sa.Column("last_order", sa.Integer, nullable=False, default=0),
    # The newest report in the books: key revision and sequence; 0 there is none.
    sa.Column("read_revision", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("read_sequence", sa.Integer, nullable=False, server_default=ZERO),
    # The books were restored from a backup at this time, and this meter was not read since.
    sa.Column("restored_s", sa.BigInteger),
    # A report or a token proved that the books had lost something of this meter.
    sa.Column("raised", sa.Boolean, nullable=False, server_default=FALSE),
    # It hangs no more: retired, or replaced by another one.
    sa.Column("retired_s", sa.BigInteger),
    sa.Column("successor", sa.Integer),
)
issued = sa.Table(
    "tokens",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("order_id", sa.Integer, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("second", sa.Integer, key="extra", nullable=False),
    sa.Column("expiry", sa.Integer, nullable=False),
    sa.Column("key_revision", sa.Integer, nullable=False),
    sa.Column("token", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Index("tokens_by_order", "meter", "order_id"),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("meter", sa.Integer),
    sa.Column("number", sa.Integer),
    sa.Column("detail", sa.String(200), nullable=False),
    # The machine's own clock and user, whatever the command line or the environment says.
    sa.Column("real_at", sa.DateTime(timezone=True)),
    sa.Column("real_user", sa.String(64)),
    sa.Index("audit_by_meter", "meter", "id"),
)
vending_keys = sa.Table(
    "vending_keys",
    metadata,
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", sa.String(16), nullable=False),
)

# ---- Customers, cards and what is on its way ----------------------------------------------------

contracts = sa.Table(
    "contracts",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("customer", sa.String(32), nullable=False, index=True),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("judge_s", sa.BigInteger),
    sa.Column("judge_until_s", sa.BigInteger),
)
points = sa.Table(  # access points; one has the number of the first meter that hung there
    "points",
    metadata,
    sa.Column("point", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ean", sa.String(18), unique=True),
    sa.Column("residence", sa.Boolean, nullable=False, server_default=sa.true()),  # the main one
)
placements = sa.Table(  # which meter hung at an access point, and when
    "placements",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("point", sa.ForeignKey("points.point"), nullable=False, index=True),
    sa.Column("since_s", sa.BigInteger, nullable=False),
    sa.Column("until_s", sa.BigInteger),
)
periods = sa.Table(  # who lived at an access point, and when they were protected
    "periods",
    metadata,
    sa.Column("period", sa.Integer, primary_key=True),
    sa.Column("point", sa.ForeignKey("points.point"), nullable=False, index=True),
    sa.Column("customer", sa.String(32), nullable=False, index=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("since_s", sa.BigInteger, nullable=False),
    sa.Column("until_s", sa.BigInteger),
)
modes = sa.Table(  # the payment mode from a time on
    "modes",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("mode", sa.Integer, nullable=False),
)
cards = sa.Table(
    "cards",
    metadata,
    sa.Column("card", sa.Integer, primary_key=True),
    sa.Column("meter", sa.ForeignKey("meters.meter"), nullable=False, index=True),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("replaced", sa.Boolean, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
)
areas = sa.Table(  # when a terminal wrote an area of a card
    "areas",
    metadata,
    sa.Column("card", sa.ForeignKey("cards.card"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_s", sa.BigInteger, nullable=False),
)
items = sa.Table(  # what the office has pending; once per customer, energy and campaign
    "items",
    metadata,
    sa.Column("item", sa.Integer, primary_key=True),
    sa.Column("meter", sa.ForeignKey("meters.meter"), nullable=False, index=True),
    sa.Column("order_id", sa.Integer, nullable=False),  # 0 until a token of it is sealed
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("second", sa.Integer, key="extra", nullable=False),
    sa.Column("expiry", sa.Integer, nullable=False),
    sa.Column("campaign", sa.String(48)),
    sa.Column("customer", sa.String(32), nullable=False, index=True),
    sa.Column("energy", sa.Integer, nullable=False),
    sa.Column("queued_s", sa.BigInteger, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.UniqueConstraint("campaign", "customer", "energy"),
)
deliveries = sa.Table(  # an order of which a token was sealed, whatever way it went
    "deliveries",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("order_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("on_card", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("answer", sa.Integer, nullable=False, default=0),
    sa.Column("kind", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("value", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("second", sa.Integer, key="extra", nullable=False, server_default=ZERO),
    sa.Column("expiry", sa.Integer, nullable=False, server_default=ZERO),
    # Of its newest token: number, and revision of the key it is sealed with.
    sa.Column("number", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("revision", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("at_s", sa.BigInteger, nullable=False, server_default=ZERO),  # of its first token
    # The newest report in the books when its first token was sealed: no report up to it has seen
    # the token.
    sa.Column("after_revision", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("after_sequence", sa.Integer, nullable=False, server_default=ZERO),
    sa.Column("reference", sa.String(64)),  # the payment's own, of whoever took it
    sa.Column("closing", sa.Integer),  # number of the token that closes it at the meter
    sa.Column("became", sa.Integer),  # the order that was issued in its place
    sa.Column("doubt", sa.String(80), nullable=False, server_default=EMPTY),
    sa.Index(  # of those that have one: else whatever has none would be looked through
        "deliveries_by_reference",
        "reference",
        unique=True,
        sqlite_where=sa.text("reference IS NOT NULL"),
        postgresql_where=sa.text("reference IS NOT NULL"),
    ),
    sa.Index("deliveries_by_state", "meter", "state"),
)
readings = sa.Table(  # the reports that meters sent, by card or otherwise
    "readings",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("key_revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_s", sa.BigInteger, nullable=False),
    sa.Column("report", sa.LargeBinary, nullable=False),
)

# ---- The case book ------------------------------------------------------------------------------

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("case", sa.Integer, primary_key=True),
    sa.Column("customer", sa.String(32), nullable=False, index=True),
    sa.Column("meter", sa.Integer, index=True),  # no key: a case may stand without vending books
    sa.Column("rules", sa.String(120), nullable=False),  # a rule file, and overlays after a plus
)
case_ends = sa.Table(  # from when on a case is no more that of its meter: somebody else lives there
    "case_ends",
    metadata,
    sa.Column("case", sa.ForeignKey("cases.case"), primary_key=True),
    sa.Column("at_s", sa.BigInteger, nullable=False),
)
running = cases.c.case.not_in(sa.select(case_ends.c.case))  # of cases: that no end has
case_facts = sa.Table(  # append only: a fact is never changed
    "case_facts",
    metadata,
    sa.Column("case", sa.ForeignKey("cases.case"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("given", sa.Text, nullable=False),  # JSON, as people write it
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
)
