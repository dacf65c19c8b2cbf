"""Three strangers read every object, agree with our own client, and enter a token once."""

from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone

import pytest
from budgetmeter.bridges.dlms.ports import DlmsPort, EmulatedSide
from budgetmeter.testing import served
from dlms_cosem.cosem import CosemAttributeWithSelection
from pydlms import DlmsClient as PyDlms
from pydlms import DlmsData
from pydlms.apdu import xdlms
from pydlms.hdlc.connection import HdlcParameters

from tests.dlms import strangers
from tests.dlms.strangers import (
    GATEWAY,
    GATEWAY_NAME,
    STRANGERS,
    DlmsCosemClient,
    GuruxClient,
    PyDlmsClient,
    Refused,
)

CARRIERS = {"wrapper": False, "hdlc": True}
LOAD = "1.0.99.1.0.255"
SUMMER = timezone(timedelta(hours=2))
EVERY = [pytest.param(kind, hdlc, id=f"{kind.__name__}-{name}") for kind in STRANGERS
         for name, hdlc in CARRIERS.items()]  # fmt: skip


@contextmanager
def dlms(meter, password=None):
    """The URL of a meter's DLMS port."""
    with served(meter, DlmsPort("127.0.0.1", 0, EmulatedSide(meter.world, password))) as url:
        yield url


@contextmanager
def asked(kind, meter, hdlc=False):
    """A stranger connected to a meter."""
    with dlms(meter) as url, closing(kind(url, hdlc)) as stranger:
        yield stranger


def mc(amount):
    return int(amount.scaleb(5))


def due(meter):
    """What the client of our own wire says, by class, name and attribute."""
    who, now, counted = meter.client.identify(), meter.client.status(), meter.client.registers()
    limit = now.limit_ma or now.limit_w
    left = now.emergency_preset - now.emergency_used
    word = now.emergency_status.word
    bits = (
        now.balance > 0,
        now.warned,
        word == "enabled" and left > 0,
        word == "selectable",
        False,
        word == "in-use",
        now.balance <= 0 and word != "in-use",
        False,
    )
    found = {
        (1, "0.0.42.0.0.255", 2): b"BUDGET%09d " % who.meter,
        (1, "0.0.96.1.0.255", 2): b"%09d" % who.meter,
        (70, "0.0.96.3.10.255", 2): int(now.supply_on),
        (70, "0.0.96.3.10.255", 3): int(now.control_state),
        (111, "0.0.19.0.0.255", 2): [1 + (now.payment_mode.word == "prepayment"), 2],
        (111, "0.0.19.0.0.255", 4): "".join("01"[bit] for bit in bits),
        (111, "0.0.19.0.0.255", 5): mc(now.balance),
        (111, "0.0.19.0.0.255", 8): mc(now.arrears),
        (111, "0.0.19.0.0.255", 15): [b"EUR", -5, 0],
        (112, "0.0.19.10.0.255", 2): mc(now.credit),
        (112, "0.0.19.10.0.255", 6): -mc(now.overdraft),
        (112, "0.0.19.10.1.255", 2): mc(left),
        (112, "0.0.19.10.1.255", 8): int(now.emergency_status),
        (112, "0.0.19.10.1.255", 9): mc(now.emergency_preset),
        (113, "0.0.19.20.0.255", 2): mc(counted.charged),
        (113, "0.0.19.20.1.255", 12): mc(now.arrears),
    }
    if meter.world.profile.gas:
        found[3, "7.0.3.0.0.255", 2] = counted.volume_l
    else:
        found |= {
            (3, "1.0.1.8.0.255", 2): counted.energy_wh,
            (3, "1.0.1.7.0.255", 2): now.power_w,
            (3, "1.0.11.7.0.255", 2): now.current_ma,
            (3, "1.0.32.7.0.255", 2): now.voltage_mv,
            (71, "0.0.17.0.0.255", 3): limit if now.limiter_engaged else 2**32 - 1,
            (71, "0.0.17.0.0.255", 4): limit,
        }
    return found


def everything(stranger):
    """Every attribute of every object that is listed."""
    return {
        (class_id, name, attribute): stranger.read(class_id, name, attribute)
        for class_id, _, name, count in stranger.listed()
        for attribute in range(1, count + 1)
    }


@pytest.mark.parametrize(
    ("profile", "carriers"),
    [("wallonia-card", ("wrapper", "hdlc")), ("wallonia-gas", ("wrapper",))],
)
def test_every_object_is_read_by_all_alike(profile, carriers, make_meter):
    """Each client has its own decoder, and Gurux' own objects take every value."""
    meter = make_meter(profile=profile)
    with dlms(meter) as url:
        meter.use(**({"litres": 900} if meter.world.profile.gas else {"watts": 500}), hours=1)
        seen = {}
        for stranger in STRANGERS:
            for carrier in carriers:
                with closing(stranger(url, CARRIERS[carrier])) as at:
                    listed = at.listed()
                    seen[stranger.__name__, carrier] = listed, everything(at)
    first_listed, first = seen.popitem()[1]
    classes = {3, 1, 7, 8, 15, 70, 111, 112, 113, 115} | (
        {71} if profile != "wallonia-gas" else set()
    )
    assert {class_id for class_id, *_ in first_listed} == classes
    for listed, read in seen.values():
        assert sorted(listed) == sorted(first_listed)
        assert read == first
    assert due(meter).items() <= first.items()
    assert all(
        value == bytes(map(int, name.split(".")))
        for (_, name, at), value in first.items()
        if at == 1
    )


def test_a_credit_life_in_the_words_of_class_70_and_111(make_meter):
    """Credit, emergency credit, off, ready and on again: as the client of our own wire has it."""
    meter = make_meter(profile="wallonia-card", start="2020-06-02 08:00")
    states = set()
    with asked(PyDlmsClient, meter) as stranger:
        acts = (
            lambda: None,
            lambda: meter.use(watts=9000, hours=5),
            lambda: meter.use(watts=9000, hours=2),
            meter.press,
            lambda: meter.use(watts=9000, hours=24),
            lambda: meter.top_up("30.00"),
            meter.press,
            lambda: meter.order("disconnect", cause="safety"),
        )
        for act in acts:
            act()
            wanted = due(meter)
            found = {key: stranger.read(*key) for key in wanted}
            assert found == wanted
            states.add((found[70, "0.0.96.3.10.255", 3], found[112, "0.0.19.10.1.255", 8]))
    assert {control for control, _ in states} == {0, 1, 2}
    assert {emergency for _, emergency in states} >= {0, 1, 3}


def test_the_limiter_and_a_debt(make_meter):
    meter = make_meter(profile="flanders-digital")
    with asked(PyDlmsClient, meter) as stranger:
        meter.use(watts=9000, hours=72)
        wanted = due(meter)
        assert {key: stranger.read(*key) for key in wanted} == wanted
        assert meter.client.status().limiter_engaged
        assert wanted[71, "0.0.17.0.0.255", 3] < 2**32 - 1


@pytest.mark.parametrize(("kind", "hdlc"), EVERY)
def test_a_token_is_entered_once(kind, hdlc, make_meter):
    """As it stands in a frame and as its text; its status follows. Nothing else is changed."""
    meter = make_meter()
    token, before = meter.vending.top_up("20.00"), meter.balance
    with asked(kind, meter, hdlc) as stranger:
        stranger.act(GATEWAY, GATEWAY_NAME, 1, token.octets)
        assert mc(meter.balance - before) == 20_00_000
        assert stranger.read(GATEWAY, GATEWAY_NAME, 2) == token.octets
        assert stranger.read(GATEWAY, GATEWAY_NAME, 6) == [3, "00000000"]
        for again in (token.octets, token.text.encode()):
            with pytest.raises(Refused, match="OTHER_REASON"):
                stranger.act(GATEWAY, GATEWAY_NAME, 1, again)
            assert stranger.read(GATEWAY, GATEWAY_NAME, 6) == [6, f"{35:08b}"]
        with pytest.raises(Refused, match="OTHER_REASON"):
            stranger.act(GATEWAY, GATEWAY_NAME, 1, b"")
        assert stranger.read(GATEWAY, GATEWAY_NAME, 6) == [4, f"{1:08b}"]
        with pytest.raises(Refused, match=r"READ_WRITE_DENIED|^3$"):
            stranger.write(3, "1.0.1.8.0.255", 2, 5)
        with pytest.raises(Refused, match="READ_WRITE_DENIED"):
            stranger.act(70, "0.0.96.3.10.255", 1, b"\x00")
        assert stranger.read(111, "0.0.19.0.0.255", 5) == mc(meter.balance)
    assert mc(meter.balance - before) == 20_00_000


@pytest.mark.parametrize("kind", STRANGERS)
def test_with_a_password_only_who_gives_it_enters_tokens(kind, make_meter):
    meter = make_meter()
    token = meter.vending.top_up("20.00").octets
    with dlms(meter, b"open sesame") as url:
        with closing(kind(url)) as public:
            with pytest.raises(Refused, match="READ_WRITE_DENIED"):
                public.act(GATEWAY, GATEWAY_NAME, 1, token)
            assert public.read(111, "0.0.19.0.0.255", 5) == mc(meter.balance)
        with pytest.raises(Exception, match=r"(?i)auth|reject|association"):
            kind(url, password=b"open barley")
    with dlms(meter, b"open sesame") as url, closing(kind(url, password=b"open sesame")) as known:
        before = meter.balance
        known.act(GATEWAY, GATEWAY_NAME, 1, token)
        assert mc(meter.balance - before) == 20_00_000


@pytest.mark.parametrize("hdlc", [False, True])
def test_blocks_and_lists_say_the_same(hdlc, make_meter):
    """An answer that a client cannot take whole comes in blocks, a list of attributes too."""
    meter = make_meter()
    with dlms(meter) as url:
        meter.use(watts=500, hours=12)
        host, port = strangers.place(url)
        small = {"hdlc": hdlc, "timeout": strangers.TIMEOUT_S, "max_receive_pdu_size": 64}
        with PyDlms.tcp(host, port, **small) as client:
            rows = client.read_profile(LOAD).rows
            assert len(rows) == 49
            assert rows[-1][1:] == [6000, mc(meter.balance)]
            wanted = [("1.0.1.8.0.255", 3, 2), (LOAD, 7, 2), ("1.2.3.4.5.6", 1, 2), (LOAD, 1, 2)]
            energy, buffer, *errors = client.get_many(wanted)
            assert energy.value == 6000
            assert [row[1:] for row in buffer.to_python()] == [row[1:] for row in rows]
            assert [error.name for error in errors] == [
                "OBJECT_UNDEFINED",
                "OBJECT_CLASS_INCONSISTENT",
            ]
        with closing(DlmsCosemClient(url, hdlc)) as stranger:
            attributes = [
                strangers._attribute(class_id, name, at) for name, class_id, at in wanted[:2]
            ]
            listed = [CosemAttributeWithSelection(each, None) for each in attributes]
            answer = stranger.client.get_many(listed)
            assert len(answer.response_data) == 2


def test_rows_of_the_load_profile_by_time_and_by_number(make_meter):
    """Across the change to winter time, when an hour of local time occurs twice."""
    meter = make_meter(start="2020-10-24 22:00")
    with dlms(meter) as url:
        meter.use(watts=1000, hours=12)
        with closing(PyDlmsClient(url)) as stranger:
            rows = stranger.read(7, LOAD, 2)
            assert [row[1] for row in rows] == [250 * n for n in range(49)]
        with closing(GuruxClient(url, True)) as stranger:
            assert stranger.rows(LOAD, 5, 3) == rows[4:7]
        with closing(DlmsCosemClient(url)) as stranger:
            for first, count in ((0, 1), (11, 30), (15, 4)):
                begin = datetime(2020, 10, 24, 22, tzinfo=SUMMER) + timedelta(minutes=15 * first)
                end = begin + timedelta(minutes=15 * (count - 1))
                assert stranger.between(7, LOAD, begin, end) == rows[first : first + count]
        host, port = strangers.place(url)
        with PyDlms.tcp(host, port, timeout=strangers.TIMEOUT_S) as client:
            columns = xdlms.entry_descriptor(2, 4, 2, 2)
            assert client.get(LOAD, 7, 2, columns).to_python() == [[250], [500], [750]]


@pytest.mark.parametrize("profile", ["flanders-2003", "brussels-limiter"])
def test_profiles_without_prepayment_or_with_energy_as_aid_are_read_too(profile, make_meter):
    with asked(PyDlmsClient, make_meter(profile=profile)) as stranger:
        assert len(everything(stranger)) > 100


@pytest.mark.parametrize("size", [16, 40, 1024])
def test_frames_of_any_size_carry_requests_and_answers(size, make_meter):
    """In segments both ways; a client that asks for a larger window gets one frame at a time."""
    meter = make_meter()
    token = meter.vending.top_up("20.00").octets
    asked_for = HdlcParameters(size, size, window_tx=3, window_rx=3)
    with dlms(meter) as url:
        settings = {"hdlc": True, "hdlc_parameters": asked_for, "timeout": strangers.TIMEOUT_S}
        with PyDlms.tcp(*strangers.place(url), **settings) as client:
            assert len(client.get_association_view()) == 20
            client.action(GATEWAY_NAME, GATEWAY, 1, DlmsData.octet_string(token))
            assert client.get(GATEWAY_NAME, GATEWAY, 2).value == token
            negotiated = client.link.negotiated
            assert (negotiated.window_tx, negotiated.window_rx) == (1, 1)
            assert (negotiated.max_info_tx, negotiated.max_info_rx) == (size, size)
    assert mc(meter.balance) == 35_00_000
