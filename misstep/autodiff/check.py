"""The gradient checker: compares gradients with central differences along random directions.

A random direction tests every entry at once; checking entry by entry would cost a run for each.
Always in float64. Knows reverse mode and the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misstep import ops
from misstep.autodiff.reverse import gradient
from misstep.errors import ArgumentError, DtypeError
from misstep.ir import Array, Graph, Interpreter, Value, as_array, in_float64, make_parameter

# The step that balances rounding against curvature for central differences in float64: the cube
# root of the machine epsilon, 2.2e-16 (Press et al., Numerical Recipes, section 5.7).
STEP = 6e-6
TOLERANCE = 1e-6


@dataclass(frozen=True)
class GradientCheck:
    """What a check found, for the direction with the largest error.

    `error`: relative difference, |analytic − numeric| over the larger of both and of the scale of
    the terms that were added up. `passed`: whether it is at most `tolerance`.

    >>> import misstep as ms
    >>> check = ms.autodiff.check_gradient(lambda w: ms.ops.sum(ms.tanh(w)), [[0.3, -2.0]])
    >>> check.passed, check.error < 1e-6
    (True, True)
    """

    analytic: float
    numeric: float
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Tell whether analytic and numeric slope agree."""
        return bool(self.error <= self.tolerance)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        verdict = "agrees with" if self.passed else "DISAGREES with"
        return (
            f"the gradient's slope {self.analytic:.9g} {verdict} the measured slope "
            f"{self.numeric:.9g} (relative difference {self.error:.1e}, allowed "
            f"{self.tolerance:.0e})"
        )


def check_gradient(
    f: Callable[..., Value],
    values: Sequence[npt.ArrayLike],
    *,
    directions: int = 3,
    seed: int = 0,
    step: float = STEP,
    tolerance: float = TOLERANCE,
) -> GradientCheck:
    """Compare the gradient of `f` at `values` with central differences, in float64.

    `f`: takes one Value for each of `values`, returns a Value (summed if it has several entries,
    each with a random weight). `values`: numbers or arrays; whole numbers are passed on unchanged.
    A single Value or number stands for a list of it. Raises ArgumentError for what is no function
    of values, DtypeError when none of the values can have a gradient.

    >>> import misstep as ms
    >>> ms.autodiff.check_gradient(lambda w: ms.sigmoid(w * 0.5), [0.4]).passed
    True
    """
    values = _checked(f, values)
    random = np.random.default_rng(seed)
    arrays = [np.asarray(array) for array in values]
    # Python integers are meant as numbers; integer arrays are positions and have no gradient.
    arrays = [
        array.astype("float64")
        if array.dtype.kind == "f" or (isinstance(raw, int) and not isinstance(raw, bool))
        else array
        for array, raw in zip(arrays, values, strict=True)
    ]
    leaves = [
        make_parameter(array, f"value{number}", array.dtype.name)
        for number, array in enumerate(arrays)
    ]
    moving = [leaf for leaf in leaves if leaf.type.is_float]
    if not moving:
        raise DtypeError("check_gradient", needed="at least one floating-point value", got="none")
    out = f(*leaves)
    if not isinstance(out, Value):
        raise ArgumentError(
            "the function given to check_gradient",
            needed="one that returns a Value",
            got=type(out).__name__,
            try_="misstep's own functions in it (ms.exp, ms.ops.sum), and a return",
        )
    weights = random.uniform(0.5, 1.5, out.shape) * random.choice([-1.0, 1.0], out.shape)
    wide, copies = in_float64(Graph({"out": out}, leaves))
    weighed = ops.sum(wide.outputs["out"] * weights)
    slopes = gradient(weighed, [copies[leaf] for leaf in moving])
    program = Interpreter(Graph({"loss": weighed}, wide.inputs))
    outputs = {f"slope{number}": slope for number, slope in enumerate(slopes)}
    analytic = Interpreter(Graph(outputs, wide.inputs)).run()
    worst = GradientCheck(0.0, 0.0, 0.0, tolerance)
    for _ in range(directions):
        toward = [random.standard_normal(leaf.shape) for leaf in moving]
        # A slope that isn't finite is a finding, not a warning.
        with np.errstate(all="ignore"):
            terms = [analytic[f"slope{k}"] * direction for k, direction in enumerate(toward)]
            slope = float(sum(term.sum() for term in terms))
            scale = float(sum(np.abs(term).sum() for term in terms))
        losses = [
            float(program.run(_moved(moving, toward, sign * step))["loss"]) for sign in (1, -1)
        ]
        numeric = (losses[0] - losses[1]) / (2 * step)
        # Rounding of the loss itself limits what a difference can show.
        rounding = 4 * np.finfo("float64").eps * max(map(abs, losses)) / (2 * step)
        if np.isfinite(slope) and np.isfinite(numeric):
            gap = max(abs(slope - numeric) - rounding, 0.0)
            error = gap / max(abs(slope), abs(numeric), scale, 1e-12)
        else:
            error = float("inf")
        if error >= worst.error:
            worst = GradientCheck(slope, numeric, float(error), tolerance)
    return worst


def _checked(f: object, values: object) -> list[npt.ArrayLike]:
    """Return `values` as a list. Raises ArgumentError for what is no function, or no list."""
    if not callable(f):
        what = "a Value that is computed already" if isinstance(f, Value) else type(f).__name__
        raise ArgumentError(
            "the first argument of check_gradient",
            needed="a function of values, so that it can be computed anew beside them",
            got=what,
            try_="ms.autodiff.check_gradient(lambda w: ms.ops.sum(ms.tanh(w)), [w])",
        )
    single = isinstance(values, np.ndarray) and values.ndim == 0
    if single or isinstance(values, Value | int | float):
        values = [values]
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str):
        raise ArgumentError(
            "the values given to check_gradient",
            needed="a list, with numbers for each argument of the function",
            got=type(values).__name__,
            try_="[w] for one argument, [w, b] for two",
        )
    return [as_array(value) if isinstance(value, Value) else value for value in values]


def _moved(moving: list[Value], toward: list[Array], step: float) -> dict[str, Array]:
    return {
        str(leaf.name): np.asarray(leaf.data) + step * direction
        for leaf, direction in zip(moving, toward, strict=True)
    }
