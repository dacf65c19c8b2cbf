"""Random lives of a meter as plain integers, to replay in every runtime.

An operation is a list: [0, seconds, pulses, ma, w] steps, [1, held] presses, [2, kind, value,
extra, order] orders and judges, [3, kind, value, extra, order] orders only, [4] restarts and
[4, minutes] restarts without a battery clock.
"""

from meterfw import layouts
from meterfw.account import orders, record, rules

from tests.firmware import replay
from tests.firmware.support import Kind

STEP, PRESS, ORDER, BOOK, RESTART = range(5)
EUR = layouts.EUR


def life(rng, profile, start, length, state=(), ceiling=rules.STEP_WH):
    """`length` operations that a random life of a profile's values consists of.

    `state` are fields to start from; `ceiling` is the most energy of one step, Wh.
    """
    p = replay.filled(record.Profile(), layouts.PROFILE_FIELDS, profile)
    m = record.State()
    orders.install(m, p, start)
    for name, value in dict(state).items():
        setattr(m, name, value)
    if p.wh_per_m3:
        ceiling = ceiling * 1000 // p.wh_per_m3 - 1
    operations = []
    for _ in range(length):
        operation = _draw(rng, m, p, ceiling)
        operations.append(operation)
        replay.apply(m, p, operation)
    return operations


def _draw(rng, m, p, ceiling):
    kind = rng.choices((STEP, PRESS, ORDER, BOOK, RESTART), (60, 14, 20, 3, 3))[0]
    if kind == STEP:
        return [STEP, _seconds(rng, m), *_load(rng, m, p, ceiling)]
    if kind == PRESS:
        return [PRESS, rng.choice((0, 4, 5, 9))]
    if kind == RESTART:
        return rng.choice(([RESTART], [RESTART, 15], [RESTART, 700]))
    return [kind, *_order(rng, m)]


def _seconds(rng, m):
    to_change = (m.calendar_until - m.clock) * 60 - m.second
    return rng.choice((0, 1, 1, 59, 60, 60, 300, 3600, min(max(to_change - 1, 1), 3600)))


def _load(rng, m, p, ceiling):
    """Pulses often bring the account close to a boundary."""
    room = max(m.credit + m.overdraft, rules.emergency_left(m), 0)
    to_boundary = room * 1000 // m.price if m.price > 0 else 0
    if p.wh_per_m3:
        to_boundary = to_boundary * 1000 // p.wh_per_m3
    near = min(max(to_boundary + rng.randint(-1, 1), 0), ceiling)
    pulses = rng.choice((0, 0, 1, 2, 17, 100, ceiling, near, near))
    return [pulses, rng.choice((0, 5999, 10_000, 10_001)), rng.choice((0, 1380, 1381, 2301, 9000))]


def _order(rng, m):
    later = min(m.clock + rng.choice((-5, 1, 2, 60, 1440, 43_200, 400_000)), layouts.CLOCK_LIMIT)
    amount = rng.choice((1, 1000, EUR // 2, 7 * EUR, 20 * EUR, 60 * EUR, 250 * EUR, 251 * EUR, 0))
    draws = {
        Kind.TOP_UP: (amount, 0),
        Kind.SUPPORT: (amount, 0),
        Kind.AID: (amount, 0),
        Kind.OVERDRAFT: (amount, later),
        Kind.HOLD: (rng.choice((0, later)), 0),
        Kind.LIMITER_ENABLE: (0, 0),
        Kind.LIMIT: (later, rng.choice((0, 3000, 9200))),
        Kind.LIMITER_RELEASE: (0, 0),
        Kind.MINIMUM_SUPPLY_DISABLE: (0, 0),
        Kind.MINIMUM_SUPPLY_ENABLE: (0, 0),
        Kind.ARREARS_PAID: (rng.choice((amount, m.arrears)), 0),
        Kind.PRICE: (rng.choice((0, 1, 25_000, 27_183, 200_000)), rng.choice((0, later))),
        Kind.EMERGENCY_PRESET: rng.choice(((amount, 0), (50_000, 1), (0, 0))),
        Kind.PAYMENT_MODE: (rng.choice((1, 2, 2, 2, 3)), rng.randint(0, 1)),
        Kind.DISCONNECT: (rng.randint(0, 4), 0),
        Kind.RECONNECT: (0, 0),
        Kind.CLEAR_TAMPER: (0, 0),
        Kind.CLOCK: (later, 0),
        99: (0, 0),
    }
    often = (Kind.TOP_UP, layouts.KIND_OVERDRAFT, layouts.KIND_HOLD, layouts.KIND_RECONNECT)
    kind = rng.choice((*draws, *often, *often))
    return [kind, *draws[kind], rng.randint(0, 3)]
