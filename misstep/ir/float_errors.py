"""What NumPy does where numbers overflow: what it does by itself, whatever a caller has set.

Programs that set `np.seterr(all="raise")` want to hear of faults in their own numbers; here a
probability that underflows to 0 is none. Knows no errors of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def with_own_float_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` so that it runs with the settings that NumPy begins with.

    Callbacks that it calls run with them as well. The caller's settings are as before when it
    returns or raises. Its caller is one frame farther away (`stacklevel` of a warning).
    """

    @wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*arguments, **named)

    return run
