"""How many seconds pass at once: as many as nothing can happen in.

It runs in MicroPython too, where the meter in a page takes the same steps as the emulator.
"""

from meterfw.account import rules
from meterfw.layouts import ENERGY_GAS
from meterfw.meter import Meter
from meterfw.tokens.till import COMMIT_MIN, COMMIT_WH


def stride(meter: Meter, most: int, flow: "tuple[int, int, int]", drawn: int) -> int:
    """Seconds, at most `most`, in which neither a rule nor a commit has anything to do.

    :param flow: what flows: pulses an hour, mA, W
    :param drawn: pulse-seconds an hour that have flowed since the start
    """
    if meter.panel.clicking:
        return min(most, 1)
    if most > 1:
        most = rules.stride(meter.state, meter.profile, most, flow[0], flow[1], flow[2])
    if most > 1:
        most = _before_commit(meter, most, flow[0], drawn)
    return most


def _before_commit(meter: Meter, seconds: int, rate: int, drawn: int) -> int:
    """As many of the seconds as end no later than the second of the next commit."""
    profile, till = meter.profile, meter.till
    left = (COMMIT_MIN - till.uncommitted_min()) * 60 - meter.state.second
    seconds = min(seconds, max(left, 1))
    pulses = COMMIT_WH - till.uncommitted_wh()
    if profile.energy == ENERGY_GAS:
        pulses = (pulses - 1) * 1000 // profile.wh_per_m3
    if rate > 0:
        seconds = min(seconds, max((pulses * 3600 - drawn % 3600) // rate, 1))
    return seconds
