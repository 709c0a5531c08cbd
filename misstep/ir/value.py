"""What flows through a program: `Type` (shape and dtype) and `Value` (one assignment).

A Value is made by an op from other Values, or is a leaf: an input (numbers given later, or already
known, as for a parameter) or a literal. This file knows no op by name; `ops/operators.py` gives
Value its + * @. Read `op.py` next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from misstep.errors import AbstractValueError, DtypeError, ShapeError
from misstep.ir.location import Location, current_location

if TYPE_CHECKING:
    from misstep.ir.op import Op

Array = npt.NDArray[Any]

DTYPES = ("bool", "uint32", "int32", "int64", "float32", "float64")
FLOATS = ("float32", "float64")

# NumPy broadcasts no more axes than these.
MOST_AXES = 32
# More entries than any memory holds, and few enough for the whole numbers of a machine.
LONGEST = 2**48

_serial = itertools.count()


def _in_short(length: int) -> str:
    return f"{length:,}" if length < 10**18 else "more than 10^18"


@dataclass(frozen=True, slots=True)
class Type:
    """Shape and dtype of a Value, both known before anything runs.

    `shape`: lengths along each axis. `dtype`: one of `DTYPES`.
    """

    shape: tuple[int, ...]
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise DtypeError(
                "the kind of number of a value",
                needed=f"one of {', '.join(DTYPES)}",
                got=self.dtype,
            )
        if any(length < 0 for length in self.shape):
            raise ShapeError("a shape", needed="lengths of 0 or more", got=str(self.shape))
        if len(self.shape) > MOST_AXES or max(self.shape, default=0) > LONGEST:
            raise ShapeError(
                "a shape",
                needed=f"at most {MOST_AXES} axes, none longer than {LONGEST:,}",
                got=f"{len(self.shape)} axes, the longest of {_in_short(max(self.shape))}",
            )

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Tell whether entries are floating-point numbers (only these have gradients)."""
        return self.dtype in FLOATS

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Value:
    """One assignment of a program: an op applied to other Values, or a leaf.

    Attributes: `op` (None for a leaf), `inputs`, `type`, `name` (human name or None), `location`
    (file and line of the user's code that made it), `data` (the numbers of a literal or of an input
    that already has some, else None), `is_literal`, `serial` (a number that grows with every Value
    made, so that sorting by it gives an order of computation).

    A Value whose leaves all have numbers computes itself when it is printed or converted; one that
    stands for numbers not yet given refuses, and says what to write instead.

    >>> import misstep as ms
    >>> w = ms.parameter([1.0, 2.0], name="w")
    >>> y = ms.ops.sum(w * w)
    >>> y.shape, y.dtype, float(y)
    ((), 'float64', 5.0)
    """

    __slots__ = (
        "__weakref__",
        "data",
        "inputs",
        "is_literal",
        "location",
        "name",
        "op",
        "serial",
        "type",
    )
    # NumPy must not take a Value apart entry by entry: `array * value` is our multiplication. The
    # vocabulary, once it is there, says which of its functions NumPy's mean.
    __array_ufunc__: ClassVar[Any] = None
    # Set by the interpreter when it is imported (`ir/__init__` sees to it): how a Value computes.
    compute: ClassVar[Callable[[Value], Array]]

    def __init__(
        self,
        type_: Type,
        *,
        op: Op | None = None,
        inputs: tuple[Value, ...] = (),
        name: str | None = None,
        data: Array | None = None,
        is_literal: bool = False,
        location: Location | None = None,
    ) -> None:
        self.type = type_
        self.op = op
        self.inputs = inputs
        self.name = name
        self.data = data
        self.is_literal = is_literal
        self.location = location if location is not None else current_location()
        self.serial = next(_serial)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the lengths along each axis."""
        return self.type.shape

    @property
    def dtype(self) -> str:
        """Return the dtype of its entries, one of `DTYPES`."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.type.shape)

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return self.type.size

    @property
    def is_input(self) -> bool:
        """Tell whether this is an input (a parameter is an input that already has numbers)."""
        return self.op is None and not self.is_literal

    def named(self, name: str) -> Value:
        """Give this Value a human name and return it."""
        self.name = name
        return self

    def missing(self) -> list[Value]:
        """Return the inputs, in order of creation, whose numbers are not known yet."""
        return [value for value in ancestors([self]) if value.is_input and value.data is None]

    def numpy(self) -> Array:
        """Compute this Value and return its numbers.

        Raises AbstractValueError when it depends on an input whose numbers are not known yet.
        """
        self._must_be_concrete("its numbers")
        return Value.compute(self)

    def assign(self, data: npt.ArrayLike) -> Value:
        """Give an input (a parameter, say) new numbers of the same shape and return it."""
        if not self.is_input:
            raise AbstractValueError(
                f"assigning numbers to {self.describe()}",
                needed="an input or a parameter",
                got="a computed value or a literal",
                try_="assigning to the parameter that it is computed from",
            )
        array = np.asarray(data, dtype=self.dtype)
        if array.shape != self.shape:
            raise ShapeError(
                f"the numbers assigned to {self.describe()}",
                needed=f"shape {self.shape}",
                got=f"shape {array.shape}",
            )
        self.data = array.copy()
        return self

    def item(self) -> float:
        """Return the only entry as a Python number. Raises ShapeError if there are several."""
        self._must_be_concrete("a single number")
        if self.size != 1:
            raise ShapeError(
                f"a single number from {self.describe()}",
                needed="a value with one entry",
                got=f"shape {self.shape}",
                try_="summing or averaging it, or indexing one entry",
            )
        number: float = self.numpy().item()
        return number

    def describe(self) -> str:
        """Return a phrase for messages: name, type and where it was made."""
        what = f"the value {self.name!r}" if self.name else "a value"
        if self.op is not None and not self.name:
            what = f"the result of {self.op.name}"
        where = f", made at {self.location}" if self.location else ""
        return f"{what} ({self.type}{where})"

    def _must_be_concrete(self, what: str) -> None:
        missing = self.missing()
        if missing:
            names = ", ".join(value.name or "an unnamed input" for value in missing[:3])
            raise AbstractValueError(
                f"{what} from {self.describe()}",
                needed="numbers",
                got=f"a placeholder: it stands for {names}, whose numbers are given only when the "
                "program runs",
                try_="keeping to misstep's own functions here (ms.where instead of if, ms.exp "
                "instead of np.exp), or giving the input its numbers with ms.parameter(...)",
            )

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.type.is_float:
            raise TypeError("a misstep Value with floating-point numbers can't be an index")
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return array.astype(dtype) if dtype is not None else array

    def __format__(self, how: str) -> str:
        return format(self.item(), how) if how else str(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a misstep Value without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Value]:
        return (self[position] for position in range(len(self)))

    def __setitem__(self, key: object, value: object) -> None:
        raise AbstractValueError(
            f"assigning to entries of {self.describe()}",
            needed="a new value, since the values of a program never change",
            got="an assignment such as v[0] = 1",
            try_="ms.where(condition, new, old), ms.ops.concatenate or ms.ops.scatter_add",
        )

    def __repr__(self) -> str:
        name = f"{self.name}: " if self.name else ""
        if self.missing():
            origin = f"{self.op.name} of " if self.op is not None else ""
            needs = ", ".join(value.name or "unnamed" for value in self.missing())
            return f"<{name}{self.type}, {origin}numbers not given yet: {needs}>"
        array = self.numpy()
        if array.ndim == 0:
            return f"{array.item():.8g}" if self.type.is_float else str(array.item())
        return np.array2string(array, precision=6, separator=", ", threshold=50)

    __str__ = __repr__

    # Which Value it is, at the speed of C: programs are full of sets and dictionaries of Values.
    __hash__ = object.__hash__

    if TYPE_CHECKING:  # given by ops/operators.py

        def __add__(self, other: Any) -> Value: ...
        def __radd__(self, other: Any) -> Value: ...
        def __sub__(self, other: Any) -> Value: ...
        def __rsub__(self, other: Any) -> Value: ...
        def __mul__(self, other: Any) -> Value: ...
        def __rmul__(self, other: Any) -> Value: ...
        def __truediv__(self, other: Any) -> Value: ...
        def __rtruediv__(self, other: Any) -> Value: ...
        def __pow__(self, other: Any) -> Value: ...
        def __rpow__(self, other: Any) -> Value: ...
        def __matmul__(self, other: Any) -> Value: ...
        def __rmatmul__(self, other: Any) -> Value: ...
        def __neg__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def __lt__(self, other: Any) -> Value: ...
        def __le__(self, other: Any) -> Value: ...
        def __gt__(self, other: Any) -> Value: ...
        def __ge__(self, other: Any) -> Value: ...
        def __eq__(self, other: Any) -> Value: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Value: ...  # type: ignore[override]
        def __getitem__(self, key: Any) -> Value: ...
        @property
        def T(self) -> Value: ...  # noqa: D102, N802


def ancestors(values: list[Value]) -> list[Value]:
    """Return the given Values and all they are computed from, in order of creation.

    Inputs of a Value are always created before it, so this is an order of computation.
    """
    seen: dict[Value, None] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if value not in seen:
            seen[value] = None
            waiting.extend(value.inputs)
    return sorted(seen, key=_by_serial)


def serial_by_now() -> int:
    """Return a number above the serials of all Values made so far, below those of later ones."""
    return next(_serial)


def _by_serial(value: Value) -> int:
    return value.serial


def make_input(name: str, shape: tuple[int, ...], dtype: str = "float32") -> Value:
    """Return a placeholder whose numbers are given when the program runs.

    >>> import misstep as ms
    >>> x = ms.input("x", (2, 3))
    >>> x.shape, x.dtype
    ((2, 3), 'float32')
    """
    return Value(Type(tuple(shape), dtype), name=name)


def make_parameter(data: npt.ArrayLike, name: str | None = None, dtype: str | None = None) -> Value:
    """Return an input that already has numbers and may have a gradient.

    Without a `dtype`, arrays of float32 and float64 keep theirs, those of float16 become float32;
    all else (Python's numbers, whole numbers, truth values) becomes float64, since only
    floating-point numbers have gradients.

    >>> import misstep as ms
    >>> w = ms.parameter(0.4, name="w")
    >>> w.dtype
    'float64'
    >>> import numpy as np
    >>> [ms.parameter(np.ones(2, kind)).dtype for kind in ("float32", "float16", "int32", "bool")]
    ['float32', 'float32', 'float64', 'float64']
    """
    array = as_array(data, dtype)
    if dtype is None and array.dtype.name not in FLOATS:
        array = array.astype("float64")
    return Value(Type(array.shape, array.dtype.name), name=name, data=array)


def make_literal(data: npt.ArrayLike, dtype: str | None = None, name: str | None = None) -> Value:
    """Return a Value that is the same numbers in every run.

    The numbers are kept as given, so that the same program in float64 does not inherit the rounding
    of a narrower dtype.
    """
    array = as_array(data)
    dtype_name = dtype or array.dtype.name
    if dtype_name in FLOATS and array.dtype.name not in FLOATS:
        # As the text form reads it, so that writing and reading changes nothing.
        array = array.astype("float64")
    return Value(Type(array.shape, dtype_name), data=array, is_literal=True, name=name)


def as_array(data: npt.ArrayLike, dtype: str | None = None) -> Array:
    """Return `data` as an array of one of `DTYPES`. Raises DtypeError for text and ragged rows."""
    try:
        # Rows first, whatever the order was: it decides in which order numbers are summed, and
        # a program must give the same bits after it was written and read.
        array = np.array(data, dtype=dtype, order="C")
    except (ValueError, TypeError) as error:
        raise DtypeError(
            "an array", needed="numbers in equally long rows", got=f"{type(data).__name__}: {error}"
        ) from error
    if array.dtype.name not in DTYPES:
        if array.dtype.name.startswith(("bfloat", "float8")):
            # Kinds of NumPy's guests (ml_dtypes), which have no letter of their own.
            return array.astype("float32")
        if array.dtype.name == "uint64" and array.size and array.max() > np.iinfo("int64").max:
            raise DtypeError(
                "an array of whole numbers",
                needed=f"none above {np.iinfo('int64').max:,}",
                got=f"{array.max():,}",
                try_='array.astype("float64"), if digits may be lost',
            )
        by_kind: Mapping[str, str] = {"b": "bool", "i": "int64", "u": "int64", "f": "float64"}
        dtype_name = by_kind.get(array.dtype.kind)
        if dtype_name is None:
            raise DtypeError(
                "an array",
                needed="numbers",
                got=f"entries of kind {array.dtype}",
                try_="turning text into numbers first",
            )
        array = array.astype("float32" if array.dtype.name == "float16" else dtype_name)
    return array
