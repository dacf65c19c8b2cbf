"""Scenario files: the shipped ones hold, a failed expectation says so, mistakes are one line."""

import pytest
from budgetmeter import resources, scenario
from budgetmeter.errors import InputError
from budgetmeter.scenario.spelling import OLD, new_spelling

from tests.firmware.support import clock


@pytest.mark.rule("WE-29", "WG-12")
def test_a_story_is_one_timeline_of_steps_letters_ledger_and_meter():
    chosen = scenario.load("falls-behind")
    chosen.steps = chosen.steps[:23]  # up to the first top-up
    chosen.days = 115
    scenario.run(chosen)
    assert chosen.story is not None
    lines = list(chosen.story.text())
    assert [line.at for line in chosen.story.lines] == sorted(one.at for one in chosen.story.lines)
    assert "2023-02-17        letter     reminder of the supplier: owed 247.50, cost 7.50, " in (
        "\n".join(lines)
    )
    # Notified at activation: the exact old debt, with the costs of the procedure.
    assert any("activation of the operator: owed 262.50" in line for line in lines)
    assert "2023-02-17        ledger     supplier 7.50 costs, owed 247.50" in lines
    assert "2023-05-22 12:00  meter      credited +20.00" in lines
    named = {text: letter for _, text, letter in chosen.story.marks}
    assert named["reminder"] is True
    assert named["invoice"] is False


def test_every_shipped_scenario_is_tested_above_or_is_the_main_job():
    assert set(scenario.names()) == {
        "main-job",
        "negative-limit",
        "hold-2020",
        "hold-2020-incident",
        "cards-2020",
        "cards-2020-incident",
        "falls-behind",
        "gas-winter-aid",
        "flanders-2003",
        "brussels",
        "covid-winter",
        "friday-evening",
        "under-the-limiter",
        "card-december-2020",
        "gas-leak-test",
    }


HEAD = """
start = 2020-12-08T09:00:00
days = 1
[load]
watts = 1000
[change]
initial_reserve = "1.00"
"""


AT = "[[at]]\ntime = 2020-12-08T10:00:00\n"


def asking(kind, **options):
    """The line of an order; options as TOML has them."""
    given = "".join(f", {key} = {value}" for key, value in options.items())
    return f'order = {{ kind = "{kind}"{given} }}\n'


SUPPORT = 'order = { kind = "support", amount = "1.00" }\n'
ORDER = 'order = {{ kind = "overdraft", amount = 5, until = 2021-01-01, order-id = {} }}\n'


@pytest.fixture
def write(tmp_path):
    def write(text, head=HEAD):
        path = tmp_path / "mine.toml"
        path.write_text(head + text, "utf-8")
        return str(path)

    return write


ALL_ACTIONS = """
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "support", amount = "1.00" }
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "aid", amount = "1.00" }
expect = { credit = "2.75", result = "done" }
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "limiter-enable" }
expect = { limiter = "available" }
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "price", price = "0.50", from = 2020-12-08T11:00:00 }
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "emergency-preset", kwh = 4 }
[[at]]
time = 2020-12-08T10:00:00
order = { kind = "emergency-preset", amount = "2.00" }
[[at]]
time = 2020-12-08T12:00:00
load = { watts = 4000 }
expect = { credit = "2.00", display = "2.00" }
[[at]]
time = 2020-12-08T13:00:00
expect = { supply = "disconnected", phase = "off: credit", emergency = "selectable" }
[[at]]
time = 2020-12-08T13:00:00
press = true
[[at]]
time = 2020-12-08T13:00:00
press = 1
expect = { supply = "connected" }
[[at]]
time = 2020-12-08T14:00:00
expect = { supply = "disconnected", emergency = "consumed", emergency_used = "2.00" }
[[at]]
time = 2020-12-08T14:00:00
press = true
expect = { limiter = "engaged" }
[[at]]
time = 2020-12-08T14:00:00
press = true
[[at]]
time = 2020-12-08T14:01:30
expect = { phase = "off: overload", arrears = "0.03", never = "tamper" }
[[at]]
time = 2020-12-08T14:05:00
order = { kind = "arrears-paid", amount = "1.00" }
expect = { arrears = "0.00", credit = "0.96" }
[[at]]
time = 2020-12-08T14:06:00
order = { kind = "minimum-supply-disable" }
expect = { result = "barred" }
[[at]]
time = 2020-12-08T14:07:00
bypass = true
[[at]]
time = 2020-12-08T14:10:00
order = { kind = "clear-tamper" }
expect = { happened = { event = "tamper", time = 2020-12-08T14:07:45 } }
[[at]]
time = 2020-12-08T14:10:00
bypass = false
[[at]]
time = 2020-12-08T14:11:00
order = { kind = "disconnect", cause = "safety" }
expect = { phase = "off: operator" }
[[at]]
time = 2020-12-08T14:12:00
order = { kind = "reconnect" }
[[at]]
time = 2020-12-08T14:20:00
cut_power = 600
[[at]]
time = 2020-12-08T14:40:00
order = { kind = "payment-mode", mode = "credit" }
expect = { mode = "credit" }
[[at]]
time = 2020-12-08T14:41:00
order = { kind = "payment-mode", mode = "prepayment", protected = true }
expect = { credit = "1.00", result = "done" }
[[at]]
time = 2020-12-08T14:42:00
order = { kind = "hold", until = 2020-12-08T20:00:00 }
[[at]]
time = 2020-12-08T14:43:00
order = { kind = "end-hold" }
[[at]]
time = 2020-12-08T14:44:00
order = { kind = "limit", until = 2020-12-09T20:00:00, power = 4000 }
expect = { result = "not-fitted" }
[[at]]
time = 2020-12-08T14:44:00
order = { kind = "limiter-release" }
expect = { result = "no-effect" }
[[at]]
time = 2020-12-08T14:45:00
order = { kind = "overdraft", amount = "10.00", until = 2021-01-01T00:00:00 }
[[at]]
time = 2020-12-08T14:45:00
order = { kind = "top-up", amount = "5.00" }
expect = { balance = "6.00" }
[[at]]
time = 2020-12-08T14:46:00
queue = { kind = "support", amount = "1.00" }
[[at]]
time = 2020-12-08T14:47:00
card = true
expect = { card = "good" }
[[at]]
time = 2020-12-08T14:48:00
campaign = "winter-2020"
[[at]]
time = 2020-12-08T14:49:00
terminal = "5.00"
expect = { given = 1, withheld = 1, carried = "6.00", needed = "5.00", lacking = "0.00" }
[[at]]
time = 2020-12-08T14:50:00
network = 1
"""


def test_every_action_and_expectation(write):
    loaded = scenario.load(write(ALL_ACTIONS))
    _, failures = scenario.run(loaded)
    assert [str(failure) for failure in failures] == []
    played = ALL_ACTIONS + (resources.folder("scenario") / "falls-behind.toml").read_text()
    used = {key for key in scenario.ACTIONS if f"\n{key} = " in played}
    assert used == set(scenario.ACTIONS)
    assert all(f"{key} =" in played for key in scenario.EXPECTATIONS)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ('supply = "ready"', "supply: expected ready, seen connected"),
        ('balance = "9.00"', "balance: expected 9.00, seen 1.75"),
        ('never = "credited"', "never: expected no credited, seen credited at 2020-12-08 10:00:00"),
        (
            'happened = { event = "tamper", time = 2020-12-08T10:00:00 }',
            "happened: expected tamper at 2020-12-08 10:00:00, seen never",
        ),
        (
            'display = "hello"',
            "display: expected 'hello', seen 'CREDIT EUR | 1.75 |  | LOW CREDIT'",
        ),
        ('result = "barred"', "result: expected barred, seen done"),
    ],
)
def test_a_failed_expectation_says_what_was_expected_and_seen(write, expect, said):
    step = f"{AT}{SUPPORT}expect = {{ {expect} }}\n"
    _, failures = scenario.run(scenario.load(write(step)))
    assert [str(failure) for failure in failures] == [
        f"{failures[0].where}, 2020-12-08 10:00: {said}"
    ]
    assert failures[0].where.endswith("mine.toml: at 1")


def test_an_order_that_is_refused_is_a_failure_unless_expected(write):
    step = AT + 'order = { kind = "top-up", amount = "101.00" }\n'
    _, failures = scenario.run(scenario.load(write(step, HEAD + 'top_up_max = "100.00"\n')))
    assert "result: expected done, seen above-cap" in str(failures[0])


def test_a_token_that_is_not_even_tried_is_a_result_too(write):
    """The order window of a meter has 256 numbers; order 1 is beyond it after order 300."""
    steps = AT + ORDER.format(300) + AT + ORDER.format(1)
    _, failures = scenario.run(scenario.load(write(steps)))
    (failure,) = failures
    assert "result: expected done, seen order-too-old" in str(failure)
    assert scenario.run(scenario.load(write(steps + 'expect.result = "order-too-old"\n')))[1] == []


def test_a_household_at_the_end_of_the_calendar(write):
    """Its next visit would be in 2100."""
    text = "start = 2099-12-21\ndays = 10\nhousehold = true\n[load]\nwatts = 500\n"
    world, _ = scenario.run(scenario.load(write("", text)))
    assert world.now_s == world.start_s + 10 * 86_400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "not TOML"),
        ("[[at]]\n", "at 1: time is missing"),
        ('[[at]]\ntime = "soon"\npress = true\n', "at 1: time: 'soon' is not a time"),
        ("[[at]]\ntime = 2020-12-08T10:00:00Z\npress = true\n", "Belgian local time"),
        ("[[at]]\ntime = 1999-12-08T10:00:00\npress = true\n", "not within 2000 to 2099"),
        (AT, "at 1: nothing to do"),
        (AT + "pres = true\n", "at 1: unknown key pres; did you mean press?"),
        (AT + SUPPORT + "press = true\n", "one action at a time, not order and press"),
        (AT + asking("top-up", amount="'lots'"), "at 1: amount: 'lots' is not a number"),
        (AT + asking("top-up", amount="0.000001"), "at 1: amount: 0.000001 is finer than 0.00001"),
        (AT + asking("top-up", amount="nan"), "at 1: amount: NaN is not a number"),
        (AT + asking("top-up", amount="true"), "at 1: amount: True is not a number"),
        (AT + asking("top-up", amount="[1]"), "at 1: amount: [1] is not a number"),
        (AT + asking("limiter-on"), "at 1: no kind limiter-on; one of top-up"),
        (AT + 'order = { kind = ["hold"] }\n', "at 1: no kind ['hold']; one of top-up"),
        (AT + "order = { amount = 5 }\n", "at 1: kind is missing"),
        (AT + 'order = "hold"\n', 'at 1: a table such as { kind = "hold", until = 2021-03-31 }'),
        (AT + asking("key-change"), "at 1: key changes come from an office"),
        (
            AT + asking("payment-mode", mode="'free'"),
            "'free' is not one of credit, prepayment, lim",
        ),
        (AT + asking("payment-mode", mode="1.5"), "mode: 1.5 is not one of credit"),
        (AT + asking("overdraft", amount="5"), "at 1: overdraft needs until"),
        (AT + asking("overdraft", amount="5", power="1"), "takes amount and until, not power"),
        (AT + asking("hold", until="16:00:00"), "is not a time such as"),
        (AT + asking("emergency-preset", amount="1", kwh="2"), "takes either amount or kwh"),
        (AT + asking("hold", until="2021-01-01", expiry="'x'"), "at 1: expiry: 'x' is not a time"),
        (AT + asking("clear-tamper", to="'yes'"), "takes no option of its own, not to"),
        (AT + asking("parameter", name="'energy'", to="1"), "name: energy is fixed when the meter"),
        (AT + asking("parameter", name="'close_auto'", to="5"), "to: close_auto: 5 is not allowed"),
        (AT + asking("parameter", name="5", to="5"), "name: unknown key 5"),
        (AT + "load = { litres_per_hour = 5 }\n", "watts for electricity"),
        (AT + "load = { watts = -5 }\n", "watts is from 0 to 100000"),
        (AT + "load = { watts = 5, x = 1 }\n", "unknown key x"),
        (AT + "cut_power = -1\n", "seconds, up to a year"),
        (AT + "card = { pull = -1 }\n", "at 1: pull is a number of octets, at least 1"),
        (AT + "card = { pull = 0 }\n", "pull is a number of octets, at least 1"),
        (AT + "terminal = { pull = -1 }\n", "pull is a number of octets, at least 1"),
        (AT + "card = { file = 5 }\n", "at 1: file is the name of a file"),
        ("[[at]]\ntime = 2020-03-29T02:30:00\npress = true\n", "does not exist: summer time"),
        (AT + 'expect = { supply = "maybe" }\n', "'maybe' is not one of disconnected"),
        (AT + "expect = { supplies = 1 }\n", "unknown key supplies; did you mean supply?"),
        (AT + 'expect = { happened = "tamper" }\n', "a table such as"),
        (AT + "press = true\n[[at]]\ntime = 2020-12-08T09:30:00\npress = true\n", "order of time"),
        ("at = 5\n", "write actions as [[at]] tables"),
        ("x = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("x = " + "9" * 5000, "not TOML: a number too large"),
        ("x = 0x" + "f" * 5000, "not TOML: a number too large"),
        ("x = 1e" + "9" * 30, "not TOML: a number too large"),
        (AT + asking("top-up", amount="99999999"), "at 1: amount: 99999999 EUR is not above 0"),
        (AT + asking("top-up", amount="-5"), "-5 EUR is not above 0 and at most 250.00 EUR"),
        (AT + asking("support", amount="251"), "at most 250.00 EUR"),
        (AT + asking("arrears-paid", amount="10001"), "at most 10000.00 EUR"),
        (AT + asking("overdraft", amount="501", until="2021-01-01"), "at most 500.00 EUR"),
        (AT + ORDER.format(-1), "order -1 is not a whole number from 1"),
        (AT + ORDER.format(0), "order 0 is not a whole number from 1"),
        (AT + ORDER.format('"a"'), "order 'a' is not a whole number from 1"),
        (AT + ORDER.format("1.5"), "is not a whole number from 1"),
        (AT + ORDER.format(99999999999), "is not a whole number from 1 to"),
        (AT + asking("price", price="99999"), "EUR/kWh is not from 0 to 2.00"),
        (AT + asking("emergency-preset", kwh="9999999999"), "kWh is not from 0 to 1000"),
        (AT + asking("emergency-preset", amount="251"), "EUR is not from 0 to 250.00"),
        (AT + asking("limit", until="2021-01-01", power="99999999999"), "W is not from 0"),
        (
            AT + asking("payment-mode", mode="'credit'", protected="'maybe'"),
            "protected: 'maybe' is not true or false",
        ),
        (AT + 'bypass = "no"\n', "at 1: bypass: 'no' is not true or false"),
        (AT + "press = -1\n", "true, or seconds from 0 to 3600"),
        (AT + "expect = { supply = [1] }\n", "[1] is not one of disconnected"),
        (AT + 'expect = { result = "none" }\n', "'none' is not one of"),
    ],
)
def test_mistakes_are_one_line(write, text, said):
    head = HEAD if not text.startswith(("at =", "x = ")) else ""
    path = write(text, head)
    if text.startswith("at ="):
        path = write(text + HEAD, "")
    with pytest.raises(InputError) as raised:
        scenario.load(path)
    message = str(raised.value)
    assert message.startswith(path)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("titel = 1\n", "unknown key titel; did you mean title?"),
        ("days = 0\n", "days is a whole number from 1"),
        ("days = true\n", "days is a whole number from 1"),
        ("[load]\nwatts = 5\n", "start is missing"),
        ("start = 2020-01-01\n[load]\nwatts = 5\n", "days is missing"),
        ('start = "now"\n', "start: 'now' is not a time"),
        ("[load]\nwatts = 5\ncsv = 'x'\n", "one of measured, csv, watts, litres_per_hour"),
        ("[load]\nkilowatts = 5\n", "unknown key kilowatts"),
        ('profile = "walonia-gas"\n', "did you mean wallonia-gas?"),
        ("", "load is missing"),
        ("title = 'x'\n", "load is missing"),
        ("[load]\nmeasured = false\n", "measured is true, or another load"),
        ("[load]\ncsv = 5\n", "csv is the name of a file"),
        ('[load]\ncsv = "\\u0000"\n', "not the name of a file"),
        ("profile = 5\n", "profile is a name or a TOML file"),
        ('profile = ["a"]\n', "profile is a name or a TOML file"),
        ('profile = "\\u0000.toml"\n', "not the name of a file"),
        ("change = 5\n", "change: a table of values of the profile"),
        ("[household]\nerrand_h = 9999999999999\n", "at most a year"),
        ("[household]\nnotice_min = 99999999999\n", "at most a year"),
        ("[change]\nprize = 5\n", "change: unknown key prize; did you mean price?"),
        ("[change]\nprice = 5\n", "change: price: 5 is out of range; 0 to 2 EUR/kWh"),
        ("household = 5\n", "household is true, false or a table"),
        ("[household]\namount = 5\n", "household: 'amount=5'"),
        ("[household]\namounts = [1]\n", "amounts are from 5 to 250 EUR"),
        ("[household]\nseed = -1\n", "seed is at least 0"),
        ("[household]\ndays = []\n", "household: days=: a value such as Mon,Fri"),
        ("start = 2007-03-25T02:30:00\n[load]\nmeasured = true\n", "start: 2007-03-25T02:30 does"),
        ("[household]\nskip = 2\n", "skip is from 0 to 1"),
        ("[household]\ndays = ['Mo']\n", "household: days=Mo: a value such as Mon,Fri"),
        ("[household]\nopens = 20\n", "opens and closes are hours"),
        ("[household]\nwakes = 23\n", "wakes and sleeps are hours"),
        ("[household]\nerrand_h = 0\n", "at least 1"),
    ],
)
def test_mistakes_at_the_top(write, head, said):
    with pytest.raises(InputError) as raised:
        scenario.load(write("", head))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "head",
    [
        "start = 2020-01-01\ndays = 99999999999\n[load]\nwatts = 5\n",
        "start = 2099-12-20T23:00:00\ndays = 14\n[load]\nwatts = 5\n",
        "start = 2099-12-31\ndays = 30\nprofile = 'wallonia-gas'\n[load]\nmeasured = true\n",
        "days = 1000000000\nprofile = 'wallonia-gas'\n[load]\nmeasured = true\n",
    ],
)
def test_runs_end_within_the_calendar(write, head):
    with pytest.raises(InputError, match="on end after 2099"):
        scenario.start(scenario.load(write("", head)))


def test_a_load_that_ends_with_the_calendar_is_refused(write, tmp_path):
    (tmp_path / "load.csv").write_text("time,watts\n2099-12-31T23:58,5\n2099-12-31T23:59,5\n")
    with pytest.raises(InputError, match="on end after 2099"):
        scenario.start(scenario.load(write("", '[load]\ncsv = "load.csv"\n')))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"title = '\xe3'\n")
    with pytest.raises(InputError, match=r"mine.toml: not a text file \(UTF-8\)$"):
        scenario.load(str(tmp_path / "mine.toml"))


def test_names_files_and_times_outside(write, tmp_path):
    with pytest.raises(InputError, match="did you mean hold-2020"):
        scenario.load("hold2020")
    with pytest.raises(InputError, match="No such file"):
        scenario.load(str(tmp_path / "none.toml"))
    late = write("[[at]]\ntime = 2020-12-10T10:00:00\npress = true\n")
    with pytest.raises(InputError, match="outside the scenario"):
        scenario.run(scenario.load(late))
    fixed = write(
        AT + "load = { watts = 5 }\n", "start = 2007-01-05\ndays = 5\n[load]\nmeasured = true\n"
    )
    with pytest.raises(InputError, match=r"only a constant load|outside"):
        scenario.run(scenario.load(fixed))


def test_a_load_file_beside_the_scenario(write, tmp_path):
    (tmp_path / "load.csv").write_text("time,watts\n2020-12-08T09:00,400\n2020-12-08T10:00,400\n")
    path = write("", 'household = { seed = 2 }\n[load]\ncsv = "load.csv"\n')
    world, failures = scenario.run(scenario.load(path))
    assert not failures
    assert world.meter.state.energy_wh == 800


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('top_up = "20.00"', '{ kind = "top-up", amount = "20.00" }'),
        ("support = 5.5", '{ kind = "support", amount = 5.5 }'),
        ("aid = 20", '{ kind = "aid", amount = 20 }'),
        ('arrears_paid = "1.00"', '{ kind = "arrears-paid", amount = "1.00" }'),
        ("hold = 2021-03-31", '{ kind = "hold", until = 2021-03-31 }'),
        ("hold = 2021-03-31T23:59:00", '{ kind = "hold", until = 2021-03-31T23:59:00 }'),
        ('hold = "end"', '{ kind = "end-hold" }'),
        ('limiter = "enable"', '{ kind = "limiter-enable" }'),
        ('limiter = "release"', '{ kind = "limiter-release" }'),
        ('minimum_supply = "disable"', '{ kind = "minimum-supply-disable" }'),
        ('minimum_supply = "enable"', '{ kind = "minimum-supply-enable" }'),
        (
            "limit = { until = 2021-01-01, connection_w = 4000 }",
            '{ kind = "limit", until = 2021-01-01, power = 4000 }',
        ),
        (
            'price = { value = "0.50", from = 2021-01-01 }',
            '{ kind = "price", price = "0.50", from = 2021-01-01 }',
        ),
        ("emergency_preset = { kwh = 4 }", '{ kind = "emergency-preset", kwh = 4 }'),
        ('mode = "credit"', '{ kind = "payment-mode", mode = "credit" }'),
        (
            'mode = { to = "prepayment", protected = true }',
            '{ kind = "payment-mode", mode = "prepayment", protected = true }',
        ),
        ('disconnect = "safety"', '{ kind = "disconnect", cause = "safety" }'),
        ("reconnect = true", '{ kind = "reconnect" }'),
        ("clear_tamper = true", '{ kind = "clear-tamper" }'),
        (
            "overdraft = { amount = 5, until = 2021-01-01, order = 7 }",
            '{ kind = "overdraft", amount = 5, until = 2021-01-01, order-id = 7 }',
        ),
        # What was not right in the old spelling either is told the shape of the new one.
        ("overdraft = 5", '{ kind = "overdraft", amount = "…", until = "…" }'),
        ("limiter = [1]", '{ kind = "limiter-enable" }'),
        ("mode = 5", '{ kind = "payment-mode", mode = "…", protected = "…" }'),
        # Who writes the kind as the key.
        ("limiter-enable = true", '{ kind = "limiter-enable" }'),
    ],
)
def test_an_order_in_an_old_spelling_is_told_the_new_one(write, old, new):
    key = old.partition(" ")[0]
    with pytest.raises(InputError) as raised:
        scenario.load(write(AT + old + "\n"))
    assert str(raised.value).endswith(f"mine.toml: at 1: {key} is an order now: order = {new}")
    assert "\n" not in str(raised.value)


def test_every_old_action_is_told_its_new_spelling_and_those_are_right(write):
    """What is told can be written: the old line's twin is read, and is the same order."""
    assert set(OLD) == {
        *("top_up", "support", "aid", "arrears_paid", "overdraft", "hold", "limiter", "limit"),
        *("minimum_supply", "price", "emergency_preset", "mode", "disconnect", "reconnect"),
        "clear_tamper",
    }
    told = new_spelling("limit", {"until": "2021-01-01T00:00", "connection_w": 4000})
    assert scenario.load(write(AT + told + "\n")).steps[0].act is not None


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("2021-03-31", "2021-04-01 00:00"),
        ('"2021-03-31"', "2021-04-01 00:00"),
        ("2021-03-31T00:00:00", "2021-03-31 00:00"),
    ],
)
def test_the_judges_end_of_a_contract_is_a_day_to_its_last_minute(write, written, ends):
    read = scenario.load(write(f"[contract]\njudge_until = {written}\n"))
    assert read.contract == {"judge_until_s": clock(ends) * 60}
