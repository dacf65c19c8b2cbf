"""The terminal and the office: who is served, what is due, races, and what a forger gets."""

import pytest
from budgetmeter import orders as asked
from budgetmeter import profiles as profile
from budgetmeter.card import SPOILS, MemoryCard, personalise, write_inward
from budgetmeter.errors import InputError
from budgetmeter.office import overview
from budgetmeter.office.terminal import Terminal
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meterfw import layouts
from meterproto import cards as layout
from meterproto.codes import CardType, Kind, TokenStatus

from tests.cards.counter import GOOD, METER, NOON, REFUSED, Counter
from tests.firmware.support import clock, mc
from tests.host.test_vending import GOOD as GOOD_ORDERS


@pytest.fixture
def counter():
    return Counter().enrol(protected=True)


# ---- The card, not its holder --------------------------------------------------------------------


@pytest.mark.rule("OC-03", "B-8")
def test_a_card_is_authenticated_by_its_tag_alone(counter):
    forged = MemoryCard(bytes(counter.card.data))
    page = layout.head(bytes(32), type=1, meter=METER, card=1, key_revision=1)
    forged.data[: len(page)] = page
    with pytest.raises(InputError, match="not genuine"):
        counter.pay("20.00", forged)
    assert counter.money() == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.__setitem__(slice(0, 4096), b"\xff" * 4096), "blank"),
        (lambda data: data.__setitem__(0, 0), "not a card of this system"),
        (lambda data: data.__setitem__(4, 7), "version 7"),
        (lambda data: data.__setitem__(20, data[20] ^ 1), "damaged"),
    ],
)
def test_cards_the_terminal_does_not_take(counter, change, said):
    change(counter.card.data)
    with pytest.raises(InputError, match=said):
        counter.pay("20.00")
    assert counter.money() == (0, 0, 0)


def test_a_one_shot_card_is_for_the_meter_and_carries_its_own_kind(counter):
    item = counter.queue("hold", until="2021-01-10")
    repair = counter.terminal.new_card(METER, CardType.REPAIR, item.item)
    with pytest.raises(InputError, match="straight into the meter"):
        counter.pay("20.00", repair)
    with pytest.raises(InputError, match="not for a supply card"):
        counter.terminal.new_card(METER, CardType.SUPPLY, item.item)
    price = counter.queue("price", price="0.30")
    with pytest.raises(InputError, match="not for a deactivation card"):
        counter.terminal.new_card(METER, CardType.DEACTIVATION, price.item)
    again = counter.queue("payment-mode", mode="prepayment", protected="true")
    with pytest.raises(InputError, match="not for a deactivation card"):
        counter.terminal.new_card(METER, CardType.DEACTIVATION, again.item)
    with pytest.raises(InputError, match="carries a pending item"):
        counter.terminal.new_card(METER, CardType.TECHNICAL)


@pytest.mark.rule("B-8")
@pytest.mark.parametrize("euros", ["4.99", "250.01", "20.001"])
def test_a_payment_is_from_5_to_250_euros_in_cents(counter, euros):
    with pytest.raises(InputError, match=r"from 5\.00 to 250\.00"):
        counter.pay(euros)
    assert counter.money() == (0, 0, 0)


def test_a_lost_card_is_replaced_with_what_was_on_it(counter):
    counter.pay("20.00")
    lost = counter.card
    counter.card = counter.terminal.new_card(METER)
    with pytest.raises(InputError, match="replaced"):
        counter.pay("5.00", lost)
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)
    assert counter.insert(lost) == GOOD  # found again: its token is taken already
    assert counter.balance == mc(35)


@pytest.mark.rule("AMB-08", "OS-05")
def test_several_payments_before_the_next_insertion_add_up(counter):
    counter.put(credit=-mc(300))
    counter.insert()
    assert counter.pay().needed == mc("300.50")
    assert counter.pay("250.00").lacking == mc("50.50")
    assert counter.pay().needed == mc("50.50")
    assert counter.pay("50.50").lacking == 0
    assert counter.insert() == GOOD
    assert counter.ready
    assert counter.balance == mc("0.50")


@pytest.mark.rule("AMB-08", "FE-22")
@pytest.mark.parametrize("name", ["wallonia-card", "wallonia-digital", "flanders-2003"])
@given(owed=st.integers(1, 30_000), used=st.integers(0, 1200), arrears=st.integers(0, 20_000))
@example(owed=1, used=0, arrears=0)
@settings(max_examples=8, deadline=None)
def test_the_minimum_payment_is_what_the_meter_needs_to_the_cent(name, owed, used, arrears):
    """Paid by card into two meters alike: with it supply is back, with a cent less it is not."""
    used = min(used, 1200) * 1000
    held = {"credit": -owed * 1000, "emergency_used": used, "arrears": arrears * 1000}
    if used:
        held["emergency_status"] = layouts.EMERGENCY_STATUS_CONSUMED
    probe = Counter(name).enrol(protected=True)
    probe.put(**held)
    probe.insert()
    needed = probe.pay().needed
    for less in (0, 1000):
        if needed - less < mc(5):
            continue
        counter = Counter(name).enrol(protected=True)
        counter.put(**held)
        counter.insert()
        left = needed - less
        while left:
            part = left if left <= mc(250) else min(mc(250), left - mc(5))
            receipt = counter.terminal.exchange(counter.card, part)
            left -= part
        assert counter.insert() == GOOD
        out = counter.state.reasons & layouts.REASON_CREDIT
        if less == 0:
            assert not out
            assert receipt.lacking == 0
        else:
            assert out or counter.state.limiter_engaged
            assert receipt.lacking == 1000


@pytest.mark.rule("OC-05")
def test_uncertain_time_is_no_fresh_data(counter):
    counter.wait(20)
    counter.board.has_clock = False
    counter.cut_power()
    counter.pending.campaign("winter-2020")
    counter.insert()
    receipt = counter.pay()
    assert receipt.given == []
    assert "uncertain" in receipt.doubt
    assert counter.pay("5.00").written  # money is always taken
    counter.queue("clock", time="2020-12-08T12:30")
    assert [item.order.kind for item in counter.pay().given] == [Kind.CLOCK]
    assert counter.insert() == GOOD
    counter.board.pass_time(20 * 60)  # the office's clock agrees
    counter.meter.poll()
    counter.insert()
    assert [item.order.kind for item in counter.pay().given] == [Kind.SUPPORT]


@pytest.mark.rule("OC-05")
def test_a_meter_whose_clock_is_ahead_does_not_make_its_reports_fresh(counter):
    counter.board.set_clock(clock("2020-12-09 12:00"))
    counter.meter.poll()
    counter.wait(2)  # a clock far away is believed when it says so twice
    counter.insert()
    counter.pending.campaign("winter-2020")
    receipt = counter.pay()
    assert receipt.given == []
    assert "ahead" in receipt.doubt


@pytest.mark.rule("OC-05")
def test_an_old_report_played_back_is_refused(counter):
    counter.insert()
    old = MemoryCard(bytes(counter.card.data))
    counter.pay()
    counter.wait(1)
    counter.insert()
    counter.pay()
    counter.queue("support", amount="50.00")
    receipt = counter.pay(card=old)
    assert receipt.given == []
    assert "older" in receipt.doubt


# ---- Two ways, one order -------------------------------------------------------------------------


@pytest.mark.rule("OC-13", "OC-05")
@pytest.mark.parametrize("first", ["card", "network"])
def test_both_ways_racing_deliver_once(counter, first):
    item = counter.queue("support", amount="50.00")
    counter.insert()
    counter.pay()
    token = counter.pending.send(item.item).token
    before = counter.balance
    if first == "card":
        assert counter.insert() == GOOD
        assert counter.meter.enter(token)[0] == TokenStatus.EXECUTED
    else:
        assert counter.meter.enter(token)[0] == TokenStatus.EXECUTED
        assert counter.insert() == GOOD
    assert counter.balance == before + mc(50)
    counter.insert()
    counter.pay()
    assert counter.money() == (0, mc(50), 0)
    with pytest.raises(InputError, match="is taken"):
        counter.pending.send(item.item)


def test_money_under_an_old_key_is_issued_again_under_the_new_one(counter):
    counter.pay("20.00")
    counter.keys.add_revision()
    change = counter.office.issue(METER, asked.read("key-change", {}))
    assert (
        counter.meter.enter(change.token)[0] == TokenStatus.EXECUTED
    )  # by network, before the card
    assert counter.insert() == REFUSED
    assert counter.balance == mc(15)
    assert counter.pay().tokens == 1
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)
    counter.pay()
    assert counter.money() == (0, mc(20), 0)


def test_a_key_change_comes_by_card_after_what_its_old_key_sealed(counter):
    counter.pay("20.00")
    counter.keys.add_revision()
    counter.queue("key-change")
    assert len(counter.pay().given) == 1
    counter.pay("5.00")  # sealed with the new key already
    assert counter.insert() == GOOD
    assert counter.balance == mc(40)
    assert counter.meter.memory.key_revision == 2
    counter.pay()
    assert counter.money() == (0, mc(25), 0)


def test_a_token_older_than_the_window_is_issued_again(counter):
    counter.pay("20.00")
    test = asked.read("test", {})
    first = counter.office.issue(METER, test)
    for _ in range(300):
        last = counter.office.issue(METER, test, order_id=first.order_id)
    assert counter.meter.enter(last.token)[0] == TokenStatus.EXECUTED
    assert counter.insert() == REFUSED
    assert counter.report()["answers"][0].reason == layouts.TOKEN_REASON_TOO_OLD
    assert counter.balance == mc(15)
    assert counter.pay().tokens == 1
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)


@pytest.mark.parametrize("spoil", SPOILS)
def test_pulled_out_of_the_terminal_at_any_octet_the_card_keeps_its_tokens(spoil):
    start = personalise(bytes(32), type=1, meter=METER, card=1, key_revision=1)
    batches = [[bytes([i]) * 38] * (6 + i) for i in range(3)]
    for batch in batches[:2]:
        assert write_inward(start, 0, batch)
    for octets in range(400):
        card = MemoryCard(bytes(start.data))
        card.pull_at(octets, spoil)
        written = write_inward(card, 0, batches[2])
        held = layout.newest(bytes(card.data), layout.INWARD, layout.INWARD_SIZE)[2]
        assert layout.tokens_of(held)[1] == batches[2 if written else 1]
        assert bytes(card.data[layout.OUTWARD :]) == bytes(start.data[layout.OUTWARD :])
    assert written


def test_a_card_pulled_out_of_the_terminal_gets_the_same_again(counter):
    for octets in range(1, 56, 3):
        counter.card.pull_at(octets, SPOILS[octets % 3])
        assert not counter.pay("5.00").written or octets >= 54
        counter.card.push()
        receipt = counter.pay()
        assert receipt.written
        assert receipt.carried == mc(5)
        assert counter.insert() == GOOD
        counter.pay()
        assert counter.money()[0] == 0
    assert counter.balance == mc(15) + counter.money()[1]
    assert counter.money()[1] == mc(5) * 19


# ---- Forgers -------------------------------------------------------------------------------------


@given(
    edits=st.lists(st.tuples(st.integers(0, layout.SIZE - 1), st.integers(1, 255)), max_size=8),
    checked=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_an_edited_card_never_yields_money_twice(edits, checked):
    """Octets changed by hand, also with the checks of the areas made right again."""
    counter = Counter().enrol()
    counter.insert()
    counter.pay("20.00")
    for at, change in edits:
        counter.card.data[at] ^= change
    if checked:
        for at, size in ((layout.INWARD, 800), (layout.OUTWARD, 1216)):
            for i in (0, 1):
                mend(counter.card.data, at + i * size, size)
    for _ in range(2):
        counter.insert()
        assert counter.balance in (mc(15), mc(35))
        try:
            counter.pay()
        except InputError:
            counter.card = counter.terminal.new_card(METER)
    counter.insert()
    counter.pay()
    counter.insert()
    counter.pay()
    assert counter.balance == mc(35)
    assert counter.money() == (0, mc(20), 0)


def mend(data, at, size):
    """Make the CRC of an area right."""
    end = 6 + int.from_bytes(data[at + 4 : at + 6], "little")
    if end + 4 <= size:
        data[at + end : at + end + 4] = layout.crc_of(bytes(data[at : at + end]))


@given(size=st.integers(0, layout.SIZE), filling=st.sampled_from([b"\xff", b"\0"]))
@settings(max_examples=40, deadline=None)
def test_a_truncated_card_never_yields_money_twice(size, filling):
    counter = Counter().enrol()
    counter.insert()
    counter.pay("20.00")
    whole = bytes(counter.card.data)
    counter.insert(MemoryCard(whole[:size].ljust(layout.SIZE, filling)))
    assert counter.balance in (mc(15), mc(35))
    counter.insert(MemoryCard(whole))
    assert counter.balance == mc(35)


@given(ways=st.lists(st.sampled_from(["a meter", "b meter", "a pay", "b pay"]), max_size=12))
@settings(max_examples=25, deadline=None)
def test_two_copies_of_a_card_in_turn_never_yield_money_twice(ways):
    counter = Counter().enrol()
    copies = {"a": counter.card, "b": MemoryCard(bytes(counter.card.data))}
    paid = 0
    for way in ways:
        card = copies[way[0]]
        if way.endswith("pay"):
            counter.pay("5.00", card)
            paid += 5
        else:
            counter.insert(card)
        assert counter.balance <= mc(15 + paid)
    for card in copies.values():
        counter.pay(0, card)
        counter.insert(card)
        assert counter.insert(card) == GOOD
    assert counter.balance == mc(15 + paid)


def test_a_report_made_up_is_not_read(counter):
    counter.insert()
    which, sequence, held = layout.newest(
        bytes(counter.card.data), layout.OUTWARD, layout.OUTWARD_SIZE
    )
    forged = bytearray(held)
    forged[len(layout.LABEL) + 5] ^= 1
    forged_area = layout.area(sequence + 1, bytes(forged))
    at = layout.OUTWARD + (1 - which) * layout.OUTWARD_SIZE
    counter.card.data[at : at + len(forged_area)] = forged_area
    assert counter.pay().reading.head.sequence == layout.report(held)["head"].sequence
    counter.card.data[layout.OUTWARD : layout.OUTWARD + 2 * layout.OUTWARD_SIZE] = (
        forged_area.ljust(layout.OUTWARD_SIZE, b"\xff") * 2
    )
    receipt = counter.pay()
    assert receipt.reading is None
    assert receipt.doubt


# ---- Campaigns -----------------------------------------------------------------------------------


@pytest.mark.rule("OC-04", "AMB-22", "AMB-25")
def test_a_campaign_is_for_active_meters_once_per_customer_and_energy():
    counter = Counter()
    profiles = {1: "wallonia-card", 2: "wallonia-gas", 3: "wallonia-card", 4: "wallonia-card"}
    counter.office._load_profile = profile.load
    since = clock("2020-01-01 00:00") * 60
    late = clock("2020-12-02 00:00") * 60
    for meter, name in profiles.items():
        customer = "one" if meter in (1, 2, 3) else "other"
        counter.office.add_meter(
            meter, name, customer=customer, since_s=late if meter == 4 else since
        )
    made = counter.pending.campaign("winter-2020")
    # Both energies of one customer, not a second meter of one energy, not who came later.
    assert [(item.meter, item.order.value) for item in made] == [(1, mc(50)), (2, mc(150))]
    assert counter.pending.campaign("winter-2020") == []


@pytest.mark.rule("OC-04")
def test_a_meter_deactivated_before_the_reference_date_gets_nothing():
    counter = Counter(at="2020-11-20 12:00").enrol()
    counter.queue("payment-mode", mode="credit")
    counter.deliver()
    counter.pay()  # the report says so
    counter.at("2020-12-08 12:00")
    assert counter.pending.campaign("winter-2020") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "id is missing"),
        ('id = "x"\nkind = "gift"\nreference = 2020-12-01', "support or hold"),
        ('id = "x"\nkind = "hold"\nreference = 2020-12-01', "until is missing"),
        ('id = "x"\nkind = "support"\nreference = 2020-12-01', "amounts is a table"),
        ('id = "x"\nkind = "support"\nreference = 5\namounts = { gas = "5" }', "not a time"),
        ('id = "x"\nkind = "support"\nreference = 2020-12-01\namounts = { oil = "5" }', "amounts"),
        ('id = "x"\nkind = "support"\nreference = 2020-12-01\namounts = { gas = "900" }', "900"),
        ('id = "x"\ncolour = 1', "unknown key colour"),
    ],
)
def test_campaign_files_that_are_wrong(counter, tmp_path, text, said):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        counter.pending.campaign(str(path))


def test_an_item_past_its_expiry_is_not_handed_out(counter):
    order = asked.read("support", {"amount": "50.00"})
    item = counter.pending.queue(METER, order, clock("2020-12-09 12:00"))
    counter.at("2020-12-09 12:00")
    assert counter.deliver().given == []
    assert counter.pending.item(item.item).state == "expired"


def test_an_order_too_old_is_issued_under_a_new_one_once(counter):
    """The meter's total of credit tells that it took nothing: the card is made whole."""
    counter.pay("20.00")
    tests = [counter.office.issue(METER, asked.read("test", {})) for _ in range(300)]
    assert counter.meter.enter(tests[-1].token)[0] == TokenStatus.EXECUTED
    counter.insert()
    issued = len(counter.office.tokens(METER))
    for _ in range(2):
        assert counter.pay().tokens == 1
        assert len(counter.office.tokens(METER)) == issued + 1
        assert counter.money() == (mc(20), 0, 0)
    assert counter.insert() == GOOD
    counter.pay()
    assert counter.balance == mc(35)
    assert counter.money() == (0, mc(20), 0)


def test_an_order_too_old_to_tell_is_left_to_the_office(counter):
    """Credit that the books do not know of may be this payment: it is not issued again."""
    counter.pay("20.00")
    tests = [counter.office.issue(METER, asked.read("test", {})) for _ in range(300)]
    assert counter.meter.enter(tests[-1].token)[0] == TokenStatus.EXECUTED
    counter.put(credit=mc(35), credited_eur=counter.state.credited_eur + 7)
    counter.insert()
    issued = len(counter.office.tokens(METER))
    assert counter.pay().tokens == 0
    assert len(counter.office.tokens(METER)) == issued
    assert counter.money() == (mc(20), 0, 0)
    with pytest.raises(InputError, match="no report tells whether it was taken"):
        counter.office.issue(METER, asked.read("top-up", {"amount": "20"}), order_id=1)


@pytest.mark.rule("OS-02")
def test_a_top_up_paid_elsewhere_adds_to_one_paid_here(counter):
    counter.queue("top-up", amount="10.00")  # by web; paid money waits for no fresh data
    receipt = counter.pay("20.00")
    assert len(receipt.given) == 1
    assert counter.insert() == GOOD
    assert counter.balance == mc(45)


def test_an_item_taken_back_is_not_delivered(counter):
    item = counter.queue("support", amount="50.00")
    counter.pending.cancel(item.item)
    counter.deliver()
    assert counter.balance == mc(15)
    with pytest.raises(InputError, match="is cancelled"):
        counter.pending.send(item.item)
    with pytest.raises(InputError, match="no item 99"):
        counter.pending.cancel(99)


def test_the_overview_tells_readings_money_and_items(counter):
    counter.queue("support", amount="50.00")
    counter.insert()
    counter.pay("5.00")
    counter.insert()
    (one,) = overview.of_all(counter.office)
    assert one.money == (mc(55), 0, 0)  # the meter has it, its report did not come back yet
    counter.pay()
    (one,) = overview.of_all(counter.office, METER)
    assert one.money == (0, mc(55), 0)
    assert one.reading.state.credit == mc(70)
    assert [item.state for item in one.items] == ["taken"]
    with pytest.raises(InputError, match="no meter 5"):
        overview.of_all(counter.office, 5)


def test_all_of_it_on_postgresql(postgres_url):
    """The same tables and queries on another database, a whole story."""
    counter = Counter(url=postgres_url).enrol(protected=True)
    try:
        counter.pending.campaign("winter-2020")
        counter.queue("overdraft", amount="50.00", until="2021-03-31")
        receipt = counter.deliver()
        assert len(receipt.given) == 2
        counter.pay("20.00")
        assert counter.insert() == GOOD
        counter.pay()
        assert counter.balance == mc(85)
        assert counter.money() == (0, mc(70), 0)
        (one,) = overview.of_all(counter.office)
        assert [item.state for item in one.items] == ["taken", "taken"]
        counter.card = counter.terminal.new_card(METER)
        assert Terminal(counter.office).exchange(counter.card).written
    finally:
        counter.office.engine.dispose()


def test_the_same_database_serves_again(tmp_path):
    url = f"sqlite:///{tmp_path}/vending.db"
    counter = Counter(url=url).enrol()
    counter.pay("20.00")
    again = Counter(url=url)
    again.card = counter.card
    assert again.money() == (mc(20), 0, 0)
    assert again.insert() == GOOD
    again.pay()
    assert again.money() == (0, mc(20), 0)


# What a card carries though its meter has told nothing since it was asked for (OC-05): money that
# was paid, what every meter gets alike, and what brings a meter back.
WITHOUT_NEWS = {
    "top-up", "price", "emergency-preset", "parameter", "clock", "test", "reconnect",
    "clear-tamper", "key-change",
}  # fmt: skip
ORDERS = {name: given for name, given, _ in GOOD_ORDERS}


@pytest.mark.rule("OC-05")
@pytest.mark.parametrize(("name", "given"), ORDERS.items())
def test_every_kind_waits_for_fresh_data_or_is_known_not_to(name, given):
    gas = name == "aid"
    day = "2020-06-08 12:00" if name == "minimum-supply-disable" else NOON
    counter = Counter("wallonia-gas" if gas else "wallonia-card", at=day).enrol(protected=True)
    counter.deliver()
    counter.wait(20)
    counter.keys.add_revision()  # for the change of a key
    counter.queue(name, **given)
    receipt = counter.pay()
    waits = [why for _, why in receipt.withheld]
    if name in WITHOUT_NEWS:
        assert waits == []
    else:
        assert [why.partition(":")[0] for why in waits] == [
            "the card has to go into the meter first"
        ]
