"""The firmware's rules compiled by Numba, over rows of NumPy structured arrays.

The source is `meterfw.account.rules` itself: each function's code object is compiled with its calls
bound to compiled functions. `m = fleet[i]` and `p = profiles[j]` inside compiled code are records
whose fields read and write as attributes, as the rules expect.
"""

from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from construct import Struct
from meterfw.account import calendar, orders, rules
from meterproto import records
from meterproto.quantity import fields
from numba import njit
from numba.core import config


def dtype(struct: Struct) -> np.dtype[np.void]:
    """Packed little-endian NumPy dtype of a record declared in `meterproto.records`."""
    return np.dtype([(name, "<" + _NUMPY[quantity.code]) for name, quantity, _ in fields(struct)])


_NUMPY = {"b": "i1", "h": "i2", "l": "i4", "q": "i8", "B": "u1", "H": "u2", "L": "u4", "Q": "u8"}

# Nothing here makes an array, so none is counted: that took a quarter of the time.
_OPTIONS: Any = {"error_model": "numpy", "_nrt": False}

STATE = dtype(records.State)
PROFILE = dtype(records.Profile)


def compile_rules(
    modules: tuple[ModuleType, ...] = (calendar, rules, orders), inline: bool = True
) -> SimpleNamespace:
    """Every function of the rule modules, compiled, as attributes of one namespace."""
    compiled = {}
    for module in modules:
        scope = {**vars(module), **compiled}
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                twin = FunctionType(function.__code__, scope, name)
                twin.__module__ = module.__name__
                scope[name] = compiled[name] = njit(twin, **_OPTIONS, forceinline=inline)
    return SimpleNamespace(**compiled)


def compile_function(
    function: FunctionType, modules: tuple[ModuleType, ...], folder: Path | None = None
) -> Any:
    """A function over rows of a fleet, compiled with the functions of the modules it names.

    :param folder: where the code is kept from run to run; nothing is kept without one
    """
    rule = compile_rules(modules, inline=True)
    scope = {**function.__globals__, **vars(rule)}
    twin = FunctionType(function.__code__, scope, function.__name__)
    twin.__module__ = function.__module__
    before = getattr(config, "CACHE_DIR")  # noqa: B009  # made at run time
    setattr(config, "CACHE_DIR", str(folder or ""))  # noqa: B010
    try:
        return njit(twin, **_OPTIONS, cache=folder is not None)
    finally:
        setattr(config, "CACHE_DIR", before)  # noqa: B010
