"""The contract of an op and the registry of all ops.

One op, one class, one place: how its result's type follows from its inputs, its definition in
NumPy, its gradient, the words and the formula that explain it, and examples from which a sweep
tests all of it. Subclassing registers it. This file knows no op by name; the vocabulary stands in
`misstep/ops`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from misstep.errors import DtypeError, GraphError, NotYetError, ShapeError
from misstep.ir.value import Array, Type, Value

Example = tuple["Op", tuple[Array, ...]]

_registry: dict[str, type[Op]] = {}


class Op:
    """One word of the vocabulary. A subclass is a frozen dataclass whose fields are its attributes.

    Class attributes every op gives: `name` (in the text form), `words` and `formula` (templates in
    which {0}, {1} … stand for the inputs), `local_derivatives` (for each input, how the result
    answers to it; {out} stands for the result). `smooth` is False where finite differences need not
    agree with the gradient (whole numbers, comparisons). `elementwise` is True when each entry of
    the result depends on the matching entries of the inputs only.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    local_derivatives: ClassVar[tuple[str, ...]] = ()
    smooth: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    # What an entry costs to work out, in additions: what is dear is kept for a second use.
    cost: ClassVar[float] = 1
    # So many entries, from a multiple of it on, cost hardly more than one of them.
    block: ClassVar[int] = 1
    # The class of kernels that computes it (compiler/schedule/kernel_classes.py), where it is not
    # entry by entry: "contraction", "reduction" …; "join" where inputs are laid side by side.
    kernel: ClassVar[str] = ""
    # Whether an entry follows from its number in row-major order alone, whatever the shape.
    by_number: ClassVar[bool] = False

    def __init_subclass__(cls, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if abstract:
            return
        if not cls.name or not cls.words or not cls.formula:
            raise GraphError(f"the op class {cls.__name__}", needed="name, words and formula")
        if cls.name in _registry:
            raise GraphError(f"the op {cls.name}", needed="a name of its own", got="a taken one")
        _registry[cls.name] = cls

    def type(self, *inputs: Type) -> Type:
        """Return the type of the result. Raises ShapeError or DtypeError when inputs don't fit."""
        raise NotImplementedError

    def run(self, *inputs: Any, **none: Any) -> Array:
        """Return the result's numbers: the definition of the op, in plain NumPy."""
        raise NotImplementedError

    def gradient(self, value: Value, upstream: Value) -> tuple[Value | None, ...]:
        """Return, for each input, its gradient; None where nothing can flow.

        `upstream` is the derivative of the loss by `value`. A rule works on values only and never
        sums over broadcast axes: the reverse walk does that once for all.
        """
        raise NotImplementedError

    def products(self, value: Value) -> int:
        """Return the multiply-adds that make `value`, a result of this op; 0 where none are summed.

        Each op of products that are summed (matrix product, convolution) says it.
        """
        return 0

    def python(self, *names: str) -> str:
        """Return a NumPy expression of the inputs' names that computes what `run` computes."""
        raise NotImplementedError

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        """Return the functions that `python` calls beyond NumPy; emitted source holds them."""
        return ()

    def in_float64(self) -> Op:
        """Return this op for a program whose float32 numbers have become float64."""
        return self

    def lower(self, code: Any, types: Sequence[Type], *operands: Any) -> Any:
        """Return one entry of the result from the matching entries of the inputs, for the compiler.

        Only of ops that work entry by entry. `code` writes arithmetic
        (compiler/language/element_code.py), in all lanes at once; `types`: the types of the inputs
        (int32 and uint32 look alike there).
        """
        raise NotYetError(f"compiling {self.name}", needed="an op that says how it is lowered")

    def element(self, context: Any) -> Any:
        """Return one entry of the result for the compiler, from the entries that it needs.

        `context` reads entries of the inputs and says where the entry is
        (compiler/language/elements.py). An op that works entry by entry has it from `lower`; others
        override it, or are no matter of single entries.
        """
        if not self.elementwise:
            raise GraphError(f"the compiler at {self.name}", needed="an op of single entries")
        types = [operand.type for operand in context.value.inputs]
        return self.lower(context.code, types, *context.matching())

    @property
    def by_entry(self) -> bool:
        """Tell whether the compiler can work out a single entry, wherever it is asked for."""
        return self.elementwise or type(self).element is not Op.element

    def view(self, source: Any) -> Any:
        """Return how the result lies in the memory of the input, `source`, a view; or None.

        For ops that move entries and change none; None where a copy must be made.
        """
        return None

    @property
    def moves(self) -> bool:
        """Tell whether the op may cost nothing, as another view of its input's memory."""
        return type(self).view is not Op.view

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        """Yield instances with inputs that must work; `random` draws shapes and numbers."""
        raise NotImplementedError

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        """Yield instances with inputs that `type` must refuse."""
        yield from ()

    def attributes(self) -> dict[str, Any]:
        """Return the attributes by name, in order."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }

    def __call__(self, *inputs: Value, name: str | None = None) -> Value:
        """Return the Value that this op makes of `inputs`."""
        return Value(
            self.type(*(value.type for value in inputs)), op=self, inputs=inputs, name=name
        )


def registered_ops() -> dict[str, type[Op]]:
    """Return every op of the vocabulary by name, sorted."""
    return dict(sorted(_registry.items()))


def find_op(name: str) -> type[Op]:
    """Return the op class called `name`. Raises GraphError if there is none."""
    try:
        return _registry[name]
    except KeyError:
        raise GraphError(f"the op {name!r}", needed="one of the vocabulary", got="none") from None


def same_dtype(op: Op, *types: Type) -> str:
    """Return the dtype that all `types` share. Raises DtypeError when they differ."""
    dtypes = {type_.dtype for type_ in types}
    if len(dtypes) != 1:
        raise DtypeError(
            op.name,
            needed="inputs of one kind of number",
            got=" and ".join(str(type_) for type_ in types),
            try_="converting one of them with ms.ops.cast",
        )
    return dtypes.pop()


def float_dtype(op: Op, *types: Type) -> str:
    """Return the floating-point dtype that all `types` share. Raises DtypeError otherwise."""
    dtype = same_dtype(op, *types)
    if not types[0].is_float:
        raise DtypeError(
            op.name,
            needed="floating-point numbers",
            got=str(types[0]),
            try_='converting with ms.ops.cast(value, "float32")',
        )
    return dtype


def broadcast_shape(op: Op, *types: Type) -> tuple[int, ...]:
    """Return the shape to which all `types` broadcast. Raises ShapeError that names them all."""
    try:
        return np.broadcast_shapes(*(type_.shape for type_ in types))
    except ValueError:
        raise ShapeError(
            op.name,
            needed="shapes that broadcast (equal from the right, or of length 1)",
            got=" and ".join(str(type_.shape) for type_ in types),
            try_="reshaping one of them so that their last axes agree",
        ) from None


def checked_axis(op: Op, axis: int, ndim: int) -> int:
    """Return `axis` counted from the front. Raises ShapeError when there is no such axis."""
    whole = isinstance(axis, int | np.integer) and not isinstance(axis, bool)
    if not whole or not -ndim <= axis < ndim:
        raise ShapeError(
            f"{op.name} along axis {axis}",
            needed=f"an axis from {-ndim} to {ndim - 1}" if ndim else "a value with axes",
            got="a single number" if not ndim else repr(axis),
        )
    return int(axis) % ndim


def checked_axes(op: Op, axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return `axes` counted from the front. Raises ShapeError unless each is there, and once."""
    counted = tuple(checked_axis(op, axis, ndim) for axis in axes)
    for place, axis in enumerate(counted):
        if axis in counted[:place]:
            first = axes[counted.index(axis)]
            raise ShapeError(
                f"{op.name} along the axes {tuple(axes)}",
                needed="different axes",
                got=f"axis {axis} twice"
                + (f", as {first} and as {axes[place]}" if first != axes[place] else ""),
            )
    return counted
