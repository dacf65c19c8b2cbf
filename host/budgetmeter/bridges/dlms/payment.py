"""The payment classes: account, credits, charges and the token gateway."""

from collections.abc import Callable
from decimal import Decimal

from meterproto.codes import PaymentMode

from budgetmeter import profiles, units
from budgetmeter.bridges.dlms.data import (
    BITS,
    ENUM,
    INT8,
    INT16,
    INT32,
    UINT8,
    UINT16,
    UINT32,
    Data,
    array,
    date_time,
    name_octets,
    octets,
    structure,
    utf8,
)
from budgetmeter.bridges.dlms.things import (
    ACCOUNT,
    ACCOUNT_NAME,
    CHARGE,
    CHARGE_NAME,
    CREDIT,
    CREDIT_NAME,
    DEBT_NAME,
    EMERGENCY_NAME,
    ENERGY_NAME,
    GAS_NAME,
    GATEWAY,
    GATEWAY_NAME,
    INT16_LIMIT,
    MONEY_SCALE,
    NOTHING_NAME,
    REGISTER,
    Reader,
    Thing,
    money,
)

MONETARY = 0  # unit of a currency
ENTER = 1  # method of the token gateway
REMOTE = 0  # way in which a token came
MODES = {PaymentMode.CREDIT: 1, PaymentMode.PREPAYMENT: 2, PaymentMode.LIMITER_ONLY: 1}
ACTIVE = 2  # status of an account
IN_USE, CONSUMED = 3, 4  # status of a credit
CONSUMPTION, PAYMENT_EVENT = 0, 2  # types of charge
TOKEN, EMERGENCY = 0, 2  # types of credit
TAKES_TOKENS, PAID_BACK, CONFIRMED = "00001", "00100", "01100"  # configurations of a credit


def account(reader: Reader, gas: bool) -> list[Thing]:
    """The account, its credits and its charges."""

    def status():
        return reader.status

    def credit_status() -> Data:
        told = status()
        offered = told.emergency_status.word
        left = told.emergency_preset > told.emergency_used
        bits = (
            told.balance > 0,
            told.warned,
            offered == "enabled" and left,
            offered == "selectable",
            False,
            offered == "in-use",
            told.balance <= 0 and offered != "in-use",
            False,
        )
        return Data(BITS, "".join(str(int(bit)) for bit in bits))

    names = [octets(name_octets(name)) for name in (CREDIT_NAME, EMERGENCY_NAME)]
    charges = [octets(name_octets(name)) for name in (CHARGE_NAME, DEBT_NAME)]
    nothing = money(Decimal(0))
    made = Thing(
        ACCOUNT,
        ACCOUNT_NAME,
        (
            lambda: structure(
                Data(ENUM, MODES[PaymentMode(status().payment_mode)]), Data(ENUM, ACTIVE)
            ),
            lambda: Data(UINT8, int(status().emergency_status.word == "in-use")),
            credit_status,
            lambda: money(status().balance),
            lambda: money(max(-status().credit, Decimal(0)) + status().emergency_used),
            lambda: nothing,
            lambda: money(status().arrears),
            lambda: array(names),
            lambda: array(charges),
            lambda: array([structure(name, charges[0], Data(BITS, "000")) for name in names]),
            lambda: array([structure(names[0], Data(UINT8, 100))]),
            lambda: octets(date_time(None)),
            lambda: octets(date_time(None)),
            lambda: structure(utf8("EUR"), Data(INT8, MONEY_SCALE), Data(ENUM, MONETARY)),
            lambda: nothing,
            lambda: nothing,
            lambda: Data(UINT16, 0),
            lambda: Data(INT32, 0),
        ),
    )
    in_use = lambda: status().emergency_status.word == "in-use"  # noqa: E731
    return [
        made,
        _credit(
            CREDIT_NAME,
            TOKEN,
            amount=lambda: status().credit,
            limit=lambda: -status().overdraft,
            configuration=lambda: TAKES_TOKENS,
            state=lambda: CONSUMED if in_use() else IN_USE,
        ),
        _credit(
            EMERGENCY_NAME,
            EMERGENCY,
            amount=lambda: status().emergency_preset - status().emergency_used,
            configuration=lambda: CONFIRMED if _by_button(reader) else PAID_BACK,
            state=lambda: int(status().emergency_status),
            preset=lambda: status().emergency_preset,
        ),
        _charge(reader, gas),
        _debt(reader),
    ]


def _by_button(reader: Reader) -> bool:
    """Whether emergency credit waits for the button; no, of a profile that is not ours."""
    name = reader.identity.profile
    return name in profiles.names() and not profiles.load(name).record().emergency_auto


def _none() -> Decimal:
    return Decimal(0)


def _credit(
    name: str,
    kind: int,
    amount: Callable[[], Decimal],
    configuration: Callable[[], str],
    state: Callable[[], int],
    limit: Callable[[], Decimal] = _none,
    preset: Callable[[], Decimal] = _none,
) -> Thing:
    """A credit; the one of tokens is used before the one for emergencies."""
    return Thing(
        CREDIT,
        name,
        (
            lambda: money(amount()),
            lambda: Data(ENUM, kind),
            lambda: Data(UINT8, 1 if kind == TOKEN else 2),
            lambda: money(_none()),
            lambda: money(limit()),
            lambda: Data(BITS, configuration()),
            lambda: Data(ENUM, state()),
            lambda: money(preset()),
            lambda: money(_none()),
            lambda: octets(date_time(None)),
        ),
    )


def _charge(reader: Reader, gas: bool) -> Thing:
    """The price of a kWh, which consumption is charged at."""
    status = lambda: reader.status  # noqa: E731

    def unit_charge(price: Decimal) -> Data:
        """A price of more than 0.32767 EUR does not fit scale -5: it is given at -4, rounded."""
        mc = int(price.scaleb(5))
        scale, amount = (-5, mc) if mc <= INT16_LIMIT else (-4, (mc + 5) // 10)
        return _unit_charge(scale, GAS_NAME if gas else ENERGY_NAME, min(amount, INT16_LIMIT))

    def begins() -> Data:
        at = status().price_from
        return octets(date_time(None if at is None else units.to_clock(at) * 60))

    return _charged(
        CHARGE_NAME,
        CONSUMPTION,
        paid=lambda: reader.registers.charged,
        active=lambda: unit_charge(status().price),
        passive=lambda: unit_charge(status().price_next),
        begins=begins,
    )


def _debt(reader: Reader) -> Thing:
    """Debt of minimum supply, which top-ups pay back by the share that the profile says."""
    nothing = _unit_charge(MONEY_SCALE, NOTHING_NAME, 0)
    return _charged(
        DEBT_NAME,
        PAYMENT_EVENT,
        paid=_none,
        active=lambda: nothing,
        passive=lambda: nothing,
        begins=lambda: octets(date_time(None)),
        left=lambda: reader.status.arrears,
    )


def _unit_charge(scale: int, of: str, amount: int) -> Data:
    """A price, by the kWh of a register."""
    class_id, attribute = (0, 0) if of == NOTHING_NAME else (REGISTER, 2)
    return structure(
        structure(Data(INT8, 3), Data(INT8, scale)),
        structure(Data(UINT16, class_id), octets(name_octets(of)), Data(INT8, attribute)),
        array([structure(octets(b""), Data(INT16, amount))]),
    )


def _charged(
    name: str,
    kind: int,
    paid: Callable[[], Decimal],
    active: Callable[[], Data],
    passive: Callable[[], Data],
    begins: Callable[[], Data],
    left: Callable[[], Decimal] = _none,
) -> Thing:
    """A charge; the one by consumption is collected before the one by payments."""
    return Thing(
        CHARGE,
        name,
        (
            lambda: money(paid()),
            lambda: Data(ENUM, kind),
            lambda: Data(UINT8, 1 if kind == CONSUMPTION else 2),
            active,
            passive,
            begins,
            lambda: Data(UINT32, 0),
            lambda: Data(BITS, "00"),
            lambda: octets(date_time(None)),
            lambda: money(_none()),
            lambda: money(left()),
            lambda: Data(UINT16, 0),
        ),
    )


def gateway(reader: Reader) -> Thing:
    """Where tokens come in."""

    def status() -> Data:
        token = reader.token
        bits = f"{token.reason:08b}" if token else "0" * 8
        return structure(Data(ENUM, token.status if token else 0), Data(BITS, bits))

    return Thing(
        GATEWAY,
        GATEWAY_NAME,
        (
            lambda: octets(reader.token.octets if reader.token else b""),
            lambda: octets(date_time(reader.token.at_s if reader.token else None)),
            array,
            lambda: Data(ENUM, REMOTE),
            status,
        ),
    )
