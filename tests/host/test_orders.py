"""Orders, declared once: whichever way one is given, the meter gets the same token."""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from budgetmeter import orders, scenario
from budgetmeter.cli.main import main
from budgetmeter.errors import InputError
from budgetmeter.fleet import single, study
from budgetmeter.issue import Issuer
from budgetmeter.office import customers
from budgetmeter.office.office import Office
from budgetmeter.report import kinds as page
from budgetmeter.testing import MeterUnderTest
from hypothesis import given, settings
from hypothesis import strategies as st
from meterfw.account import orders as rules
from meterfw.meter import Meter
from meterproto import generate, kinds, records, tokens
from meterproto.codes import Kind, Result

from tests.firmware.support import clock, fields, meter
from tests.host.test_vending import GOOD

EXPIRY = "2031-03-31"
EXPIRES = clock("2031-04-01 00:00")
WINTER = "2020-12-08T10:00"  # when winter aid may be queued
SUMMER = "2020-06-08T10:00"  # when minimum supply may end


@dataclass(frozen=True)
class Body:
    """What of a token does not depend on who sealed it."""

    kind: int
    value: int
    extra: int
    order_id: int
    expiry: int


def body(octets):
    fields = tokens.parse(octets)
    return Body(fields.kind, fields.value, fields.extra, fields.order_id, fields.expiry)


def toml(value):
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


def table(name, options):
    """Kind and options as a TOML file has them, a line each."""
    return [f'kind = "{name}"', *(f"{key} = {toml(value)}" for key, value in options.items())]


def flags(options):
    """Options as on the command line."""
    words = []
    for key, value in options.items():
        words += [f"--{key}"] if value is True else [f"--{key}", value]
    return words


class Ways:
    """All ways of giving an order. Each answers the `Body` of its token.

    Each raises InputError for an order that is none; `expiry` is text or None.
    """

    def __init__(self, monkeypatch, capsys):
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.books = {}  # of an office with one meter, by its profile

    def all(self):
        """By name."""
        return {
            "token issue": self.by_token,
            "office queue": self.by_queue,
            "office queue, as it was": self.by_queue_as_it_was,
            "scenario": self.by_scenario,
            "fleet": self.by_fleet,
            "test API": self.by_test_api,
            "Python": self.by_python,
        }

    # The command line

    def command(self, *arguments):
        """What the command prints."""
        self.monkeypatch.setattr(sys, "argv", ["budgetmeter", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        if ended.value.code == 2:
            assert (out, len(err.splitlines())) == ("", 1)
            raise InputError(err.strip())
        assert not ended.value.code, err
        return out

    def open_office(self, name):
        """Books with one meter, of a kind that gets this order; its order ids begin at 1."""
        profile = "wallonia-gas" if name == "aid" else "wallonia-card"
        for file in Path().glob("vending.*"):
            file.unlink()
        if profile not in self.books:
            self.command("office", "init")
            contract = ("--protected", "--since", "2019-01-01")
            self.command("office", "add-meter", "5", "--profile", profile, *contract)
            self.books[profile] = {f: f.read_bytes() for f in Path().glob("vending.*")}
        for file, octets in self.books[profile].items():
            file.write_bytes(octets)
            file.chmod(0o600)

    def by_token(self, name, options, expiry):
        self.open_office(name)
        more = ["--expiry", expiry] if expiry else []
        more += ["--at", WINTER if name == "aid" else SUMMER]
        made = self.command(
            "token", "issue", name, "--meter", "5", *flags(options), *more, "--json"
        )
        return body(bytes.fromhex(json.loads(made)["hex"]))

    def by_queue(self, name, options, expiry):
        return self._queued(name, flags(options), expiry)

    def by_queue_as_it_was(self, name, options, expiry):
        pairs = [f"{key}={str(v).lower() if v is True else v}" for key, v in options.items()]
        return self._queued(name, pairs, expiry)

    def _queued(self, name, arguments, expiry):
        self.open_office(name)
        at = ["--at", WINTER if name == "aid" else SUMMER]
        more = ["--expiry", expiry] if expiry else []
        queue = ("office", "queue", name, "--meter", "5")
        made = json.loads(self.command(*queue, *arguments, *more, *at, "--json"))
        sent = json.loads(self.command("office", "send", made["item"], *at, "--json"))
        return body(bytes.fromhex(sent["hex"]))

    # Files

    def _tokens(self, play):
        """Tokens with an order id that a meter is given while something is played."""
        seen, entered = [], Meter.enter

        def recorded(meter, octets, *more):
            seen.append(bytes(octets))
            return entered(meter, octets, *more)

        with self.monkeypatch.context() as patch:
            patch.setattr(Meter, "enter", recorded)
            play()
        return [octets for octets in seen if tokens.parse(octets).order_id]

    def by_scenario(self, name, options, expiry):
        more = ["order-id = 1", *([f'expiry = "{expiry}"'] if expiry else [])]
        Path("s.toml").write_text(
            "start = 2020-06-08T09:00:00\ndays = 1\n[load]\nwatts = 0\n"
            "[[at]]\ntime = 2020-06-08T10:00:00\n"
            f"order = {{ {', '.join([*table(name, options), *more])} }}\n",
            "utf-8",
        )
        chosen = scenario.load("s.toml")
        (octets,) = self._tokens(lambda: scenario.run(chosen))
        return body(octets)

    def by_fleet(self, name, options, expiry):
        assert not expiry  # nothing is late in a fleet
        Path("f.toml").write_text(
            "start = 2020-06-08\n[fleet]\ndays = 1\nmeters = 1\n"
            "[[policy.order]]\ntime = 2020-06-08T10:00:00\n" + "\n".join(table(name, options)),
            "utf-8",
        )
        world, end_s = single.emulator(study.load("f.toml"), 0)
        (octets,) = self._tokens(lambda: world.run(end_s))
        return body(octets)

    # Python

    def by_test_api(self, name, options, expiry):
        return body(MeterUnderTest().vending.issue(name, 1, expiry=expiry, **options).octets)

    def by_python(self, name, options, expiry):
        order = orders.read(name, options)
        ends = orders.expiry(expiry)
        issuer = Issuer(5, bytes(32))
        return body(issuer.token(order.kind, order.value, order.extra, order_id=1, expiry=ends))


@pytest.fixture
def ways(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Ways(monkeypatch, capsys).all()


def fits(way, name, expiry=None):
    """Whether a way takes a kind at all."""
    if way == "fleet":
        return not expiry and name not in study.NOT_FOR_A_FLEET
    return True


CASES = [case for case in GOOD if case[0] != "key-change"]


OFFICE = ("office queue", "token issue")


@pytest.mark.parametrize("expiry", [None, EXPIRY])
@pytest.mark.parametrize(
    ("name", "options", "wanted"), CASES, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(CASES)]
)
def test_every_way_of_giving_an_order_makes_the_same_token(ways, name, options, wanted, expiry):
    ends = EXPIRES if expiry else 0
    made = {w: way(name, options, expiry) for w, way in ways.items() if fits(w, name, expiry)}
    wants = {w: Body(*wanted, 1, ends) for w in made}
    if name == "aid":  # WG-30: the office lets it end with the winter
        of_winter = Body(*wanted, 1, clock("2021-03-16 00:00"))
        wants |= {w: of_winter for w in made if w.startswith(OFFICE)}
    if name == "overdraft":  # OC-12: the office lets it end with the limit it sets
        _, _, end = wanted
        of_limit = Body(*wanted, 1, min(ends or end, end))
        wants |= {w: of_limit for w in made if w.startswith(OFFICE)}
    assert made == wants
    assert len(made) >= 6


def test_a_key_change_comes_from_an_office_alone(ways):
    """It carries a key that only an office has."""
    said = {
        "token issue": "meter 5 has the latest key",
        "office queue": "meter 5 has the latest key",
        "office queue, as it was": "meter 5 has the latest key",
        "scenario": "key changes come from an office",
        "fleet": "key-change is not for a fleet",
        "test API": "key changes come from an office",
    }
    for way, words in said.items():
        with pytest.raises(InputError, match=words):
            ways[way]("key-change", {}, None)


@pytest.mark.parametrize("day", ["2031-03-31", "20310331"])
@pytest.mark.parametrize("name", orders.kinds_of("until"))
def test_a_day_as_an_end_is_its_last_minute_on_every_way(ways, name, day):
    options = {"amount": "5"} if name == "overdraft" else {}
    options |= {"until": day} | ({"power": "5"} if name == "limit" else {})
    for way, give in ways.items():
        made = give(name, options, None)
        assert EXPIRES in (made.value, made.extra), way
        exact = give(name, options | {"until": "2031-03-31T00:00"}, None)
        assert clock("2031-03-31 00:00") in (exact.value, exact.extra), way


def test_the_judges_end_on_the_command_line_is_a_day_to_its_last_minute(ways):
    command = ways["token issue"].__self__.command
    command("office", "init")
    command("office", "add-meter", "5", "--judge-until", "2031-03-31")
    office = Office("sqlite:///vending.db")
    contract = office.transaction(lambda connection: customers.contract(connection, 5))
    office.engine.dispose()
    assert contract["judge_until_s"] == EXPIRES * 60


def test_a_day_as_toml_or_python_has_it_is_an_end_too():
    read = orders.read_table({"kind": "hold", "until": datetime(2031, 3, 31).date()})
    assert read.order.value == EXPIRES
    read = orders.read_table({"kind": "hold", "until": datetime(2031, 3, 31)})
    assert read.order.value == clock("2031-03-31 00:00")
    token = MeterUnderTest().vending.issue("test", expiry=datetime(2031, 3, 31).date())
    assert tokens.parse(token.octets).expiry == EXPIRES


def test_the_older_name_of_an_order_id_is_taken():
    vending = MeterUnderTest().vending
    old, new = vending.issue("test", order=7), vending.issue("test", order_id=7)
    assert tokens.parse(old.octets).order_id == tokens.parse(new.octets).order_id == 7
    assert tokens.parse(vending.issue("test", order=0).octets).order_id == 0
    assert tokens.parse(vending.issue("test").octets).order_id == 0


def test_an_overdraft_has_an_order_id_without_one_being_given():
    """The meter grants it once for each id, and refuses it without one."""
    under_test = MeterUnderTest()
    under_test.order("overdraft", amount="5", until="2021-01-01")
    assert under_test.world.meter.state.overdraft_order == 1
    assert [row.kind for row in kinds.ROWS.values() if row.once] == [Kind.OVERDRAFT]


# ---- Ranges --------------------------------------------------------------------------------------

CENT = 1000  # mc
FACTORS = {"mc": 100_000, "mc/kWh": 100_000, "Wh": 1000, "W": 1}
LATEST, EARLIEST = "2099-12-31T23:59", "2000-01-01T01:00"
TOO_LATE, TOO_EARLY = "2100-01-01T00:00", "2000-01-01T00:59"

# Beside the value that is tried.
REST = {
    "overdraft": {"amount": "5", "until": "2031-01-01"},
    "limit": {"power": "5", "until": "2031-01-01"},
    "price": {"price": "0.30"},
    "payment-mode": {"mode": "credit", "protected": True},
}


def written(value, meaning):
    """A value as a person writes it."""
    return str(Decimal(value) / FACTORS[meaning.unit])


def ends_of(meaning):
    """Texts that are just within the range, and texts that are just outside."""
    if meaning.unit == "clock":
        return [EARLIEST, LATEST], [TOO_EARLY, TOO_LATE]
    if meaning.codes is not None:
        return meaning.codes.words(), ["none-of-them"]
    step = CENT if meaning.unit == "mc" else 1  # people pay no part of a cent
    lowest = 0 if meaning.zero else -(-meaning.low // step) * step
    inside, outside = (lowest, meaning.high), (lowest - step, meaning.high + step)
    return [written(v, meaning) for v in inside], [written(v, meaning) for v in outside]


def ranged():
    """Every option with a range of its own: kind, option, what it means."""
    for name, form in orders.KINDS.items():
        for part in form.parts:
            if part.option and part.unit not in (orders.FLAG, orders.FIELD, orders.PLAIN):
                yield name, part.option, form.meaning(part)


RANGED = list(ranged())


@pytest.mark.parametrize(
    ("name", "option", "meaning"), RANGED, ids=[f"{n}-{o}" for n, o, _ in RANGED]
)
def test_a_range_is_enforced_at_both_ends_on_every_way(ways, name, option, meaning):
    inside, outside = ends_of(meaning)
    for way, give in ways.items():
        if not fits(way, name) or way == "office queue, as it was":
            continue
        for text in inside:
            give(name, REST.get(name, {}) | {option: text}, None)
        for text in outside:
            with pytest.raises(InputError) as raised:
                give(name, REST.get(name, {}) | {option: text}, None)
            assert f"{option}: " in str(raised.value), way
            assert "\n" not in str(raised.value)


NUMBERS = [(n, o, m) for n, o, m in RANGED if m.unit in FACTORS]


@given(case=st.sampled_from(NUMBERS), data=st.data())
def test_whatever_number_is_written_the_row_says_whether_it_is_taken(case, data):
    name, option, meaning = case
    near = st.integers(-3, 3)
    value = data.draw(
        st.one_of(
            st.integers(-(10**10), 10**10),
            near.map(lambda d: meaning.low + d),
            near.map(lambda d: meaning.high + d),
        )
    )
    options = REST.get(name, {}) | {option: written(value, meaning)}
    fine = meaning.low <= value <= meaning.high or (value == 0 and meaning.zero)
    fine = fine and not (meaning.unit == "mc" and value % CENT)
    if fine:
        order = orders.read(name, options)
        assert value in (order.value, order.extra)
        assert orders.in_words(orders.note(order)) == orders.text(order)
    else:
        with pytest.raises(InputError):
            orders.read(name, options)


@settings(max_examples=300)
@given(kind=st.sampled_from([k for k in Kind if kinds.ROWS[k].value]), data=st.data())
def test_the_meter_refuses_what_lies_outside_of_a_row(kind, data):
    """The ranges that are declared are those of the rules."""
    row = kinds.ROWS[kind]
    if kind in (Kind.KEY_CHANGE, Kind.PARAMETER):
        return  # these are the gateway's
    extra = (
        data.draw(st.sampled_from([0, 1])) if row.other else (row.extra.high if row.extra else 0)
    )
    meaning = row.value_meaning(extra)
    lowest = 0 if meaning.zero or meaning.unit == "clock" else meaning.low
    value = data.draw(st.sampled_from([lowest - 1, meaning.high + 1, -(2**30), 2**30 - 1]))
    m, p = meter("wallonia-card")
    before = fields(m)
    refused = (Result.OUT_OF_RANGE, Result.ABOVE_CAP, Result.EXPIRED, Result.NOT_FITTED)
    assert rules.apply(m, p, int(kind), value, extra, 1) in refused
    assert fields(m) == before


# ---- The rows themselves -------------------------------------------------------------------------


def test_every_kind_has_its_rows():
    assert set(kinds.ROWS) == set(Kind)
    assert {form.kind for form in orders.KINDS.values()} == set(Kind)
    assert set(orders.OPTIONS) == {o for form in orders.KINDS.values() for o in form.options()}
    for form in orders.KINDS.values():
        for part in form.parts:
            assert form.meaning(part).what
    names = [row.name for row in kinds.ROWS.values()]
    assert len(set(names)) == len(names)


def test_what_adds_and_what_sets_is_as_the_design_has_it():
    adds = {row.name for row in kinds.ROWS.values() if row.effect is kinds.Effect.ADDS}
    assert adds == {"top-up", "support", "aid", "arrears-paid"}
    sets = {row.name for row in kinds.ROWS.values() if row.effect is kinds.Effect.SETS}
    assert {"price", "hold", "limit", "emergency-preset", "payment-mode", "parameter"} <= sets
    assert {"overdraft", "minimum-supply-disable", "minimum-supply-enable", "clock"} <= sets
    assert all((row.setting == "") is (row.kind == Kind.TEST) for row in kinds.ROWS.values())


def test_money_on_a_card_is_what_adds_to_the_credit():
    assert set(kinds.CREDIT) == {Kind.TOP_UP, Kind.SUPPORT, Kind.AID}
    assert set(kinds.ADDS) - set(kinds.CREDIT) == {Kind.ARREARS_PAID}


def test_the_meanings_fit_into_a_token():
    for row in kinds.ROWS.values():
        for meaning in filter(None, (row.value, row.extra, row.other)):
            assert -(2**30) <= meaning.low <= meaning.high < 2**30
            assert meaning.unit != "clock" or meaning.high == records.CLOCK_LIMIT


def test_the_tables_of_orders_are_fresh():
    """Stale? `make layouts` writes them anew."""
    assert page.README.read_text("utf-8") == page.readme()
    assert generate.README.read_text("utf-8") == generate.readme()


def test_help_lists_every_kind_with_its_options(monkeypatch, capsys):
    for verb in (("token", "issue"), ("office", "queue")):
        monkeypatch.setattr(sys, "argv", ["budgetmeter", *verb, "--help"])
        with pytest.raises(SystemExit):
            main()
        lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
        for name, form in orders.KINDS.items():
            assert f"{name} {form.usage()}".rstrip() in lines
