"""Numbers and arrays written beside Values become literals of the same dtype.

Knows Values and no op. A raw number never widens a Value: `v * 2` stays float32 when v is.
"""

from __future__ import annotations

from typing import Any

from misstep.errors import DtypeError
from misstep.ir import Value, as_array, make_literal

Operand = Any


def as_value(data: Operand) -> Value:
    """Return `data` itself if it is a Value, else a literal (Python integers become float64).

    >>> import misstep as ms
    >>> ms.ops.as_value([1.0, 2.0]).is_literal
    True
    """
    if isinstance(data, Value):
        return data
    array = as_array(data)
    if isinstance(data, int | float) and not isinstance(data, bool):
        array = array.astype("float64")
    return make_literal(array)


def together(*operands: Operand) -> tuple[Value, ...]:
    """Return all operands as Values; raw numbers take the dtype of the Values beside them.

    Raises DtypeError when a raw array has fractions and the Values are whole numbers.
    """
    floats = [
        operand.dtype
        for operand in operands
        if isinstance(operand, Value) and operand.type.is_float
    ]
    dtypes = floats or [operand.dtype for operand in operands if isinstance(operand, Value)]
    if not dtypes:
        arrays = [as_value(operand) for operand in operands]
        wide = [array.dtype for array in arrays if array.type.is_float] or [arrays[0].dtype]
        return tuple(
            array if array.dtype == wide[0] else make_literal(array.data, wide[0])  # type: ignore[arg-type]
            for array in arrays
        )
    return tuple(
        operand if isinstance(operand, Value) else _lift(operand, dtypes[0]) for operand in operands
    )


def _lift(raw: Operand, dtype: str) -> Value:
    array = as_array(raw)
    if array.dtype.kind == "f" and dtype not in ("float32", "float64"):
        if array.size and not (array == array.round()).all():
            raise DtypeError(
                "a number beside a whole-number value",
                needed=dtype,
                got=f"fractions such as {float(array.reshape(-1)[0])!r}",
                try_='converting the value first with ms.ops.cast(value, "float32")',
            )
        array = array.astype(dtype)
    return make_literal(array, dtype)
