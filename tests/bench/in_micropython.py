# Run in MicroPython: prints steps per second.
import time

from meterfw import layouts
from meterfw.account import orders, record, rules

p = record.Profile()
for name in layouts.PROFILE_FIELDS:
    setattr(p, name, layouts.PROFILE_LOW.get(name, 0))
p.payment_mode = layouts.PAYMENT_MODE_PREPAYMENT
p.price, p.initial_reserve, p.top_up_max = 25000, 25000000, 25000000
p.window_from, p.window_to, p.window_days = 960, 480, 96
p.winter_from, p.winter_to = 1101, 315
m = record.State()
orders.install(m, p, 3682080)
STEPS = 50000
begin = time.ticks_ms()
for _ in range(STEPS):
    rules.advance(m, p, 900, 5, 87, 20)
print(STEPS * 1000 / time.ticks_diff(time.ticks_ms(), begin))
