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

from tests.cards.desk import GOOD, METER, REFUSED, Desk
from tests.firmware.support import clock, mc


@pytest.fixture
def desk():
    return Desk().enrol(protected=True)


# ---- The card, not its holder --------------------------------------------------------------------


@pytest.mark.rule("OC-03", "B-8")
def test_a_card_is_authenticated_by_its_tag_alone(desk):
    forged = MemoryCard(bytes(desk.card.data))
    page = layout.head(bytes(32), type=1, meter=METER, card=1, key_revision=1)
    forged.data[: len(page)] = page
    with pytest.raises(InputError, match="not genuine"):
        desk.pay("20.00", forged)
    assert desk.money() == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.__setitem__(slice(0, 4096), b"\xff" * 4096), "blank"),
        (lambda data: data.__setitem__(0, 0), "not a card of this system"),
        (lambda data: data.__setitem__(4, 7), "version 7"),
        (lambda data: data.__setitem__(20, data[20] ^ 1), "damaged"),
    ],
)
def test_cards_the_terminal_does_not_take(desk, change, said):
    change(desk.card.data)
    with pytest.raises(InputError, match=said):
        desk.pay("20.00")
    assert desk.money() == (0, 0, 0)


def test_a_one_shot_card_is_for_the_meter_and_carries_its_own_kind(desk):
    item = desk.queue("hold", until="2021-01-10")
    repair = desk.terminal.new_card(METER, CardType.REPAIR, item.item)
    with pytest.raises(InputError, match="straight into the meter"):
        desk.pay("20.00", repair)
    with pytest.raises(InputError, match="not for a supply card"):
        desk.terminal.new_card(METER, CardType.SUPPLY, item.item)
    price = desk.queue("price", price="0.30")
    with pytest.raises(InputError, match="not for a deactivation card"):
        desk.terminal.new_card(METER, CardType.DEACTIVATION, price.item)
    again = desk.queue("payment-mode", mode="prepayment")
    with pytest.raises(InputError, match="not for a deactivation card"):
        desk.terminal.new_card(METER, CardType.DEACTIVATION, again.item)
    with pytest.raises(InputError, match="carries a pending item"):
        desk.terminal.new_card(METER, CardType.TECHNICAL)


@pytest.mark.rule("B-8")
@pytest.mark.parametrize("euros", ["4.99", "250.01", "20.001"])
def test_a_payment_is_from_5_to_250_euros_in_cents(desk, euros):
    with pytest.raises(InputError, match=r"from 5\.00 to 250\.00"):
        desk.pay(euros)
    assert desk.money() == (0, 0, 0)


def test_a_lost_card_is_replaced_with_what_was_on_it(desk):
    desk.pay("20.00")
    lost = desk.card
    desk.card = desk.terminal.new_card(METER)
    with pytest.raises(InputError, match="replaced"):
        desk.pay("5.00", lost)
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)
    assert desk.insert(lost) == GOOD  # found again: its token is taken already
    assert desk.balance == mc(35)


@pytest.mark.rule("AMB-08", "OS-05")
def test_several_payments_before_the_next_insertion_add_up(desk):
    desk.put(credit=-mc(300))
    desk.insert()
    assert desk.pay().needed == mc("300.50")
    assert desk.pay("250.00").lacking == mc("50.50")
    assert desk.pay().needed == mc("50.50")
    assert desk.pay("50.50").lacking == 0
    assert desk.insert() == GOOD
    assert desk.ready
    assert desk.balance == mc("0.50")


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
    probe = Desk(name).enrol(protected=True)
    probe.put(**held)
    probe.insert()
    needed = probe.pay().needed
    for less in (0, 1000):
        if needed - less < mc(5):
            continue
        desk = Desk(name).enrol(protected=True)
        desk.put(**held)
        desk.insert()
        left = needed - less
        while left:
            part = left if left <= mc(250) else min(mc(250), left - mc(5))
            receipt = desk.terminal.exchange(desk.card, part)
            left -= part
        assert desk.insert() == GOOD
        out = desk.state.reasons & layouts.REASON_CREDIT
        if less == 0:
            assert not out
            assert receipt.lacking == 0
        else:
            assert out or desk.state.limiter_engaged
            assert receipt.lacking == 1000


@pytest.mark.rule("OC-05")
def test_uncertain_time_is_no_fresh_data(desk):
    desk.wait(20)
    desk.board.has_clock = False
    desk.cut_power()
    desk.pending.campaign("winter-2020")
    desk.insert()
    receipt = desk.pay()
    assert receipt.given == []
    assert "uncertain" in receipt.doubt
    assert desk.pay("5.00").written  # money is always taken
    desk.queue("clock", time="2020-12-08T12:30")
    assert [item.order.kind for item in desk.pay().given] == [Kind.CLOCK]
    assert desk.insert() == GOOD
    desk.board.pass_time(20 * 60)  # the office's clock agrees
    desk.meter.poll()
    desk.insert()
    assert [item.order.kind for item in desk.pay().given] == [Kind.SUPPORT]


@pytest.mark.rule("OC-05")
def test_a_meter_whose_clock_is_ahead_does_not_make_its_reports_fresh(desk):
    desk.board.set_clock(clock("2020-12-09 12:00"))
    desk.meter.poll()
    desk.wait(2)  # a clock far away is believed when it says so twice
    desk.insert()
    desk.pending.campaign("winter-2020")
    receipt = desk.pay()
    assert receipt.given == []
    assert "ahead" in receipt.doubt


@pytest.mark.rule("OC-05")
def test_an_old_report_played_back_is_refused(desk):
    desk.insert()
    old = MemoryCard(bytes(desk.card.data))
    desk.pay()
    desk.wait(1)
    desk.insert()
    desk.pay()
    desk.queue("support", amount="50.00")
    receipt = desk.pay(card=old)
    assert receipt.given == []
    assert "older" in receipt.doubt


# ---- Two ways, one order -------------------------------------------------------------------------


@pytest.mark.rule("OC-13", "OC-05")
@pytest.mark.parametrize("first", ["card", "network"])
def test_both_ways_racing_deliver_once(desk, first):
    item = desk.queue("support", amount="50.00")
    desk.insert()
    desk.pay()
    token = desk.pending.send(item.item).token
    before = desk.balance
    if first == "card":
        assert desk.insert() == GOOD
        assert desk.meter.enter(token)[0] == TokenStatus.EXECUTED
    else:
        assert desk.meter.enter(token)[0] == TokenStatus.EXECUTED
        assert desk.insert() == GOOD
    assert desk.balance == before + mc(50)
    desk.insert()
    desk.pay()
    assert desk.money() == (0, mc(50), 0)
    with pytest.raises(InputError, match="is taken"):
        desk.pending.send(item.item)


def test_money_under_an_old_key_is_issued_again_under_the_new_one(desk):
    desk.pay("20.00")
    desk.keys.add_revision()
    change = desk.office.issue(METER, asked.read("key-change", {}))
    assert desk.meter.enter(change.token)[0] == TokenStatus.EXECUTED  # by network, before the card
    assert desk.insert() == REFUSED
    assert desk.balance == mc(15)
    assert desk.pay().tokens == 1
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)
    desk.pay()
    assert desk.money() == (0, mc(20), 0)


def test_a_key_change_comes_by_card_after_what_its_old_key_sealed(desk):
    desk.pay("20.00")
    desk.keys.add_revision()
    desk.queue("key-change")
    assert len(desk.pay().given) == 1
    desk.pay("5.00")  # sealed with the new key already
    assert desk.insert() == GOOD
    assert desk.balance == mc(40)
    assert desk.meter.memory.key_revision == 2
    desk.pay()
    assert desk.money() == (0, mc(25), 0)


def test_a_token_older_than_the_window_is_issued_again(desk):
    desk.pay("20.00")
    test = asked.read("test", {})
    first = desk.office.issue(METER, test)
    for _ in range(300):
        last = desk.office.issue(METER, test, order_id=first.order)
    assert desk.meter.enter(last.token)[0] == TokenStatus.EXECUTED
    assert desk.insert() == REFUSED
    assert desk.report()["answers"][0].reason == layouts.TOKEN_REASON_TOO_OLD
    assert desk.balance == mc(15)
    assert desk.pay().tokens == 1
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)


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


def test_a_card_pulled_out_of_the_terminal_gets_the_same_again(desk):
    for octets in range(1, 56, 3):
        desk.card.pull_at(octets, SPOILS[octets % 3])
        assert not desk.pay("5.00").written or octets >= 54
        desk.card.push()
        receipt = desk.pay()
        assert receipt.written
        assert receipt.carried == mc(5)
        assert desk.insert() == GOOD
        desk.pay()
        assert desk.money()[0] == 0
    assert desk.balance == mc(15) + desk.money()[1]
    assert desk.money()[1] == mc(5) * 19


# ---- Forgers -------------------------------------------------------------------------------------


@given(
    edits=st.lists(st.tuples(st.integers(0, layout.SIZE - 1), st.integers(1, 255)), max_size=8),
    checked=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_an_edited_card_never_yields_money_twice(edits, checked):
    """Octets changed by hand, also with the checks of the areas made right again."""
    desk = Desk().enrol()
    desk.insert()
    desk.pay("20.00")
    for at, change in edits:
        desk.card.data[at] ^= change
    if checked:
        for at, size in ((layout.INWARD, 800), (layout.OUTWARD, 1216)):
            for i in (0, 1):
                mend(desk.card.data, at + i * size, size)
    for _ in range(2):
        desk.insert()
        assert desk.balance in (mc(15), mc(35))
        try:
            desk.pay()
        except InputError:
            desk.card = desk.terminal.new_card(METER)
    desk.insert()
    desk.pay()
    desk.insert()
    desk.pay()
    assert desk.balance == mc(35)
    assert desk.money() == (0, mc(20), 0)


def mend(data, at, size):
    """Make the CRC of an area right."""
    end = 6 + int.from_bytes(data[at + 4 : at + 6], "little")
    if end + 4 <= size:
        data[at + end : at + end + 4] = layout.crc_of(bytes(data[at : at + end]))


@given(size=st.integers(0, layout.SIZE), filling=st.sampled_from([b"\xff", b"\0"]))
@settings(max_examples=40, deadline=None)
def test_a_truncated_card_never_yields_money_twice(size, filling):
    desk = Desk().enrol()
    desk.insert()
    desk.pay("20.00")
    whole = bytes(desk.card.data)
    desk.insert(MemoryCard(whole[:size].ljust(layout.SIZE, filling)))
    assert desk.balance in (mc(15), mc(35))
    desk.insert(MemoryCard(whole))
    assert desk.balance == mc(35)


@given(ways=st.lists(st.sampled_from(["a meter", "b meter", "a pay", "b pay"]), max_size=12))
@settings(max_examples=25, deadline=None)
def test_two_copies_of_a_card_in_turn_never_yield_money_twice(ways):
    desk = Desk().enrol()
    copies = {"a": desk.card, "b": MemoryCard(bytes(desk.card.data))}
    paid = 0
    for way in ways:
        card = copies[way[0]]
        if way.endswith("pay"):
            desk.pay("5.00", card)
            paid += 5
        else:
            desk.insert(card)
        assert desk.balance <= mc(15 + paid)
    for card in copies.values():
        desk.pay(0, card)
        desk.insert(card)
        assert desk.insert(card) == GOOD
    assert desk.balance == mc(15 + paid)


def test_a_report_made_up_is_not_read(desk):
    desk.insert()
    which, sequence, held = layout.newest(
        bytes(desk.card.data), layout.OUTWARD, layout.OUTWARD_SIZE
    )
    forged = bytearray(held)
    forged[len(layout.LABEL) + 5] ^= 1
    forged_area = layout.area(sequence + 1, bytes(forged))
    at = layout.OUTWARD + (1 - which) * layout.OUTWARD_SIZE
    desk.card.data[at : at + len(forged_area)] = forged_area
    assert desk.pay().reading.head.sequence == layout.report(held)["head"].sequence
    desk.card.data[layout.OUTWARD : layout.OUTWARD + 2 * layout.OUTWARD_SIZE] = (
        forged_area.ljust(layout.OUTWARD_SIZE, b"\xff") * 2
    )
    receipt = desk.pay()
    assert receipt.reading is None
    assert receipt.doubt


# ---- Campaigns -----------------------------------------------------------------------------------


@pytest.mark.rule("OC-04", "AMB-22", "AMB-25")
def test_a_campaign_is_for_active_meters_once_per_customer_and_energy():
    desk = Desk()
    profiles = {1: "wallonia-card", 2: "wallonia-gas", 3: "wallonia-card", 4: "wallonia-card"}
    desk.office._load_profile = profile.load
    since = clock("2020-01-01 00:00") * 60
    late = clock("2020-12-02 00:00") * 60
    for meter, name in profiles.items():
        customer = "one" if meter in (1, 2, 3) else "other"
        desk.office.add_meter(meter, name, customer=customer, since_s=late if meter == 4 else since)
    made = desk.pending.campaign("winter-2020")
    # Both energies of one customer, not a second meter of one energy, not who came later.
    assert [(item.meter, item.order.value) for item in made] == [(1, mc(50)), (2, mc(150))]
    assert desk.pending.campaign("winter-2020") == []


@pytest.mark.rule("OC-04")
def test_a_meter_deactivated_before_the_reference_date_gets_nothing():
    desk = Desk(at="2020-11-20 12:00").enrol()
    desk.queue("payment-mode", mode="credit")
    desk.deliver()
    desk.pay()  # the report says so
    desk.at("2020-12-08 12:00")
    assert desk.pending.campaign("winter-2020") == []


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
def test_campaign_files_that_are_wrong(desk, tmp_path, text, said):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        desk.pending.campaign(str(path))


def test_an_item_past_its_expiry_is_not_handed_out(desk):
    order = asked.read("support", {"amount": "50.00"})
    item = desk.pending.queue(METER, order, clock("2020-12-09 12:00"))
    desk.at("2020-12-09 12:00")
    assert desk.deliver().given == []
    assert desk.pending.item(item.item).state == "expired"


def test_an_order_too_old_is_issued_under_a_new_one_once(desk):
    """The meter's total of credit tells that it took nothing: the card is made whole."""
    desk.pay("20.00")
    tests = [desk.office.issue(METER, asked.read("test", {})) for _ in range(300)]
    assert desk.meter.enter(tests[-1].token)[0] == TokenStatus.EXECUTED
    desk.insert()
    issued = len(desk.office.tokens(METER))
    for _ in range(2):
        assert desk.pay().tokens == 1
        assert len(desk.office.tokens(METER)) == issued + 1
        assert desk.money() == (mc(20), 0, 0)
    assert desk.insert() == GOOD
    desk.pay()
    assert desk.balance == mc(35)
    assert desk.money() == (0, mc(20), 0)


def test_an_order_too_old_to_tell_is_left_to_the_office(desk):
    """Credit that the books do not know of may be this payment: it is not issued again."""
    desk.pay("20.00")
    tests = [desk.office.issue(METER, asked.read("test", {})) for _ in range(300)]
    assert desk.meter.enter(tests[-1].token)[0] == TokenStatus.EXECUTED
    desk.put(credit=mc(35), credited_eur=desk.state.credited_eur + 7)
    desk.insert()
    issued = len(desk.office.tokens(METER))
    assert desk.pay().tokens == 0
    assert len(desk.office.tokens(METER)) == issued
    assert desk.money() == (mc(20), 0, 0)
    with pytest.raises(InputError, match="no report tells whether it was taken"):
        desk.office.issue(METER, asked.read("top-up", {"amount": "20"}), order_id=1)


@pytest.mark.rule("OS-02")
def test_a_top_up_paid_elsewhere_adds_to_one_paid_here(desk):
    desk.queue("top-up", amount="10.00")  # by web; paid money waits for no fresh data
    receipt = desk.pay("20.00")
    assert len(receipt.given) == 1
    assert desk.insert() == GOOD
    assert desk.balance == mc(45)


def test_an_item_taken_back_is_not_delivered(desk):
    item = desk.queue("support", amount="50.00")
    desk.pending.cancel(item.item)
    desk.deliver()
    assert desk.balance == mc(15)
    with pytest.raises(InputError, match="is cancelled"):
        desk.pending.send(item.item)
    with pytest.raises(InputError, match="no item 99"):
        desk.pending.cancel(99)


def test_the_overview_tells_readings_money_and_items(desk):
    desk.queue("support", amount="50.00")
    desk.insert()
    desk.pay("5.00")
    desk.insert()
    (one,) = overview.of_all(desk.office)
    assert one.money == (mc(55), 0, 0)  # the meter has it, its report did not come back yet
    desk.pay()
    (one,) = overview.of_all(desk.office, METER)
    assert one.money == (0, mc(55), 0)
    assert one.reading.state.credit == mc(70)
    assert [item.state for item in one.items] == ["taken"]
    with pytest.raises(InputError, match="no meter 5"):
        overview.of_all(desk.office, 5)


def test_all_of_it_on_postgresql(postgres_url):
    """The same tables and queries on another database, a whole story."""
    desk = Desk(url=postgres_url).enrol(protected=True)
    try:
        desk.pending.campaign("winter-2020")
        desk.queue("overdraft", amount="50.00", until="2021-03-31")
        receipt = desk.deliver()
        assert len(receipt.given) == 2
        desk.pay("20.00")
        assert desk.insert() == GOOD
        desk.pay()
        assert desk.balance == mc(85)
        assert desk.money() == (0, mc(70), 0)
        (one,) = overview.of_all(desk.office)
        assert [item.state for item in one.items] == ["taken", "taken"]
        desk.card = desk.terminal.new_card(METER)
        assert Terminal(desk.office).exchange(desk.card).written
    finally:
        desk.office.engine.dispose()


def test_the_same_database_serves_again(tmp_path):
    url = f"sqlite:///{tmp_path}/vending.db"
    desk = Desk(url=url).enrol()
    desk.pay("20.00")
    again = Desk(url=url)
    again.card = desk.card
    assert again.money() == (mc(20), 0, 0)
    assert again.insert() == GOOD
    again.pay()
    assert again.money() == (0, mc(20), 0)
