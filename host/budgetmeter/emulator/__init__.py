"""The emulator: the firmware on a virtual board, in virtual time.

`board` is the virtual board, `household` the people, `world` puts them together with a load
(`budgetmeter.loads`) and runs.
"""

from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.emulator.household import Household
from budgetmeter.emulator.world import Emulator
from budgetmeter.loads import ConstantLoad, SampledLoad

__all__ = ["ConstantLoad", "Emulator", "Household", "SampledLoad", "VirtualBoard"]
