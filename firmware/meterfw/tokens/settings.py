"""Settings: of what sets, the last order issued counts, in whatever order the tokens come.

An order id ranks above every token without one; ids compare with ids, numbers with numbers. The
newest rank taken of each setting stands in the token memory.
"""

from meterfw import const, layouts
from meterfw.account.record import State
from meterfw.tokens.memory import TokenMemory

NOTHING = -1  # an order that sets nothing

_OF_AN_ORDER = const(1 << 30)  # added to an id: above every number
_ENDED_BY_MODE = (layouts.SETTING_HOLD, layouts.SETTING_OVERDRAFT, layouts.SETTING_LIMIT)


def rank_of(order_id: int, number: int) -> int:
    """How late an order was issued."""
    return order_id + _OF_AN_ORDER if order_id > 0 else number


def setting_of(kind: int, value: int, extra: int) -> int:
    """The SETTING that an order sets, or NOTHING."""
    table = layouts.SETTING_OF_KIND
    setting = table[kind] if kind < len(table) else layouts.SETS_NOTHING
    if setting == layouts.SETS_NOTHING:
        return NOTHING
    if setting == layouts.SETTING_PRICE and extra > 0:
        return layouts.SETTING_ANNOUNCED_PRICE
    if setting == layouts.SETTING_PARAMETER:
        return setting + value if 0 <= value < len(layouts.PROFILE_FIELDS) else NOTHING
    return setting


def superseded(memory: TokenMemory, m: State, setting: int, rank: int, since: int) -> bool:
    """Whether an order comes too late: a later one of its setting is in force.

    A price of today and an announced one are two settings, until the announced one holds.

    :param since: from when an announced price is to hold
    """
    if setting == NOTHING:
        return False
    if rank < memory.rank(setting):
        return True
    if setting == layouts.SETTING_PRICE:
        return m.price_from == 0 and rank < memory.rank(layouts.SETTING_ANNOUNCED_PRICE)
    if setting == layouts.SETTING_ANNOUNCED_PRICE and since <= m.clock:
        return since <= memory.priced and rank < memory.rank(layouts.SETTING_PRICE)
    return False


def note_setting(memory: TokenMemory, m: State, setting: int, rank: int) -> None:
    """Note an order that was carried out. A change of mode ends what was granted before it."""
    if setting == NOTHING:
        return
    memory.raise_rank(setting, rank)
    if setting == layouts.SETTING_PRICE:
        memory.priced = m.clock
    if setting == layouts.SETTING_PAYMENT_MODE:
        for ended in _ENDED_BY_MODE:
            memory.raise_rank(ended, rank)
