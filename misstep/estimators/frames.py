"""What an estimator says as a frame or an array, as scikit-learn's `set_output` asks.

Knows arrays, frames and their rows' names; no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals

from misstep.errors import ArgumentError, MisstepError
from misstep.ir import Array

__all__ = ["OUTPUTS", "as_asked"]

# What `set_output` takes, as scikit-learn has it; None leaves it as it is.
OUTPUTS = ("default", "pandas", "polars")


def as_asked(output: str, found: Array, X: Any, names: Sequence[Any], name: str) -> Any:
    """Return `found`, (rows,) or (rows, columns), as it is, or as a series or frame.

    `output`: one of `OUTPUTS`. X: what was predicted for, whose index a pandas frame keeps.
    `names`: of the columns; `name`: of the series where there is but one. Raises ArgumentError, or
    MisstepError without polars.
    """
    if output not in OUTPUTS:
        raise ArgumentError("set_output", needed="default, pandas or polars", got=repr(output))
    if output == "default":
        return found
    columns = [str(one) for one in names]
    flat = found.reshape(len(found), -1) if found.ndim > 2 else found
    if output == "pandas":
        import pandas

        of_pandas = isinstance(X, pandas.DataFrame | pandas.Series)
        index = X.index if of_pandas and len(X) == len(flat) else None
        if flat.ndim == 1:
            return pandas.Series(flat, index=index, name=name)
        return pandas.DataFrame(flat, index=index, columns=columns)
    try:
        import polars
    except ImportError as error:
        raise MisstepError(
            "set_output", needed="polars", got="none installed", try_="pip install polars"
        ) from error
    if flat.ndim == 1:
        return polars.Series(name, flat)
    return narwhals.from_numpy(flat, columns, backend="polars").to_native()
