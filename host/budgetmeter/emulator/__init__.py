"""The emulator: the firmware on a virtual board, in virtual time.

`load` reads or makes consumption, `board` is the virtual board, `household` the people, `world`
puts them together and runs.
"""

from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.emulator.household import Household
from budgetmeter.emulator.load import ConstantLoad, SampledLoad
from budgetmeter.emulator.world import Emulator

__all__ = ["ConstantLoad", "Emulator", "Household", "SampledLoad", "VirtualBoard"]
