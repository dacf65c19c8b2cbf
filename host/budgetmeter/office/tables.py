"""The tables of the vending office. Times in seconds (`…_s`) count from 2000-01-01 00:00 UTC+1."""

import sqlalchemy as sa

metadata = sa.MetaData()

meters = sa.Table(
    "meters",
    metadata,
    sa.Column("meter", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("profile", sa.String(24), nullable=False),
    sa.Column("key_revision", sa.Integer, nullable=False),
    sa.Column("last_number", sa.Integer, nullable=False, default=0),
    sa.Column("last_order", sa.Integer, nullable=False, default=0),
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
    sa.Column("customer", sa.String(32), nullable=False),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("judge_s", sa.Integer),
    sa.Column("judge_until_s", sa.Integer),
)
modes = sa.Table(  # the payment mode from a time on
    "modes",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("at_s", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("mode", sa.Integer, nullable=False),
)
cards = sa.Table(
    "cards",
    metadata,
    sa.Column("card", sa.Integer, primary_key=True),
    sa.Column("meter", sa.ForeignKey("meters.meter"), nullable=False),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("replaced", sa.Boolean, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
)
items = sa.Table(  # what the office has pending; once per customer, energy and campaign
    "items",
    metadata,
    sa.Column("item", sa.Integer, primary_key=True),
    sa.Column("meter", sa.ForeignKey("meters.meter"), nullable=False),
    sa.Column("order_id", sa.Integer, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("second", sa.Integer, key="extra", nullable=False),
    sa.Column("expiry", sa.Integer, nullable=False),
    sa.Column("campaign", sa.String(48)),
    sa.Column("customer", sa.String(32), nullable=False),
    sa.Column("energy", sa.Integer, nullable=False),
    sa.Column("queued_s", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.UniqueConstraint("campaign", "customer", "energy"),
)
deliveries = sa.Table(  # an order of which tokens were handed out: on its way, taken, or lapsed
    "deliveries",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("order_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("on_card", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("answer", sa.Integer, nullable=False, default=0),
)
readings = sa.Table(  # the reports that cards brought back
    "readings",
    metadata,
    sa.Column("meter", sa.ForeignKey("meters.meter"), primary_key=True),
    sa.Column("key_revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_s", sa.Integer, nullable=False),
    sa.Column("report", sa.LargeBinary, nullable=False),
)
