# Run in MicroPython: a steady-state step with the heap locked.
import micropython
from meterfw import layouts
from meterfw.account import orders, record, rules


def meter(**values):
    p = record.Profile()
    for name in layouts.PROFILE_FIELDS:
        setattr(p, name, layouts.PROFILE_LOW.get(name, 0))
    p.payment_mode = layouts.PAYMENT_MODE_PREPAYMENT
    p.over_s = p.rearm_s = 60
    p.top_up_max = p.initial_reserve = 25000000
    p.window_from, p.window_to, p.window_days = 960, 480, 96
    p.winter_from, p.winter_to = 1101, 315
    for name, value in values.items():
        setattr(p, name, value)
    m = record.State()
    orders.install(m, p, 3683520)
    return m, p


def locked(m, p, ma, w):
    micropython.heap_lock()
    try:
        for _ in range(3000):  # two days of minutes: windows open and close, the calendar is read
            rules.advance(m, p, 60, 3, ma, w)
        return "ok"
    except MemoryError:
        return "raised"
    finally:
        micropython.heap_unlock()


def planted():
    micropython.heap_lock()
    try:
        bytearray(1000)
        return "ok"
    except MemoryError:
        return "raised"
    finally:
        micropython.heap_unlock()


print("electricity", locked(*meter(price=25000), 800, 180))
m, p = meter(price=25000, limiter_fitted=1, limiter_available=1, limiter_auto=1, limit_ma=10000)
m.credit = 1000
print("limited", locked(m, p, 800, 180))
print("gas", locked(*meter(price=7000, energy=1, wh_per_m3=10500), 0, 0))
print("planted", planted())
