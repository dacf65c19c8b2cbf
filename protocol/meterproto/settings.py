"""Which setting of the meter each kind of order sets. Of what sets, the last one issued counts.

A kind that is not here adds (money, in any order) or changes nothing that stays. A key change is
not here either: its revision says which is the last.
"""

from meterproto.codes import Kind, Setting

SETTINGS = {
    Kind.OVERDRAFT: Setting.OVERDRAFT,
    Kind.HOLD: Setting.HOLD,
    Kind.LIMITER_ENABLE: Setting.LIMITER,
    Kind.LIMIT: Setting.LIMIT,
    Kind.LIMITER_RELEASE: Setting.LIMITER_RELEASE,
    Kind.MINIMUM_SUPPLY_DISABLE: Setting.MINIMUM_SUPPLY,
    Kind.MINIMUM_SUPPLY_ENABLE: Setting.MINIMUM_SUPPLY,
    Kind.PRICE: Setting.PRICE,
    Kind.EMERGENCY_PRESET: Setting.EMERGENCY_PRESET,
    Kind.PAYMENT_MODE: Setting.PAYMENT_MODE,
    Kind.DISCONNECT: Setting.SUPPLY,
    Kind.RECONNECT: Setting.SUPPLY,
    Kind.CLEAR_TAMPER: Setting.TAMPER,
    Kind.CLOCK: Setting.CLOCK,
    Kind.PARAMETER: Setting.PARAMETER,
}
NOTHING = 255  # in the table of the firmware: a kind that sets nothing

# What a change of the payment mode ends; an older order of these comes too late after it.
ENDED_BY_MODE = (Setting.HOLD, Setting.OVERDRAFT, Setting.LIMIT)


def setting(kind: int, value: int = 0, extra: int = 0) -> int | None:
    """The setting that an order sets, as a number; None for one that sets nothing.

    :param value: of a parameter: its field number
    :param extra: of a price: from when it is to hold (clock), 0 at once
    """
    found = SETTINGS.get(Kind(kind)) if kind in list(Kind) else None
    if found is Setting.PRICE and extra > 0:
        return int(Setting.ANNOUNCED_PRICE)
    if found is Setting.PARAMETER:
        return int(found) + value
    return None if found is None else int(found)
