"""One operator of an ONNX program, called: its attributes, its version, what is known already.

An attribute that no rule asked for is refused, so that nothing is left out without a word. Knows
Values and constants, no operator by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from misstep.errors import DtypeError, FileFormatError, NotYetError
from misstep.ir import Array, Value, ancestors, make_literal
from misstep.onnx_operators.node import DTYPE_OF_ELEMENT, ELEMENT_NAMES, HALVES, Node
from misstep.ops import broadcast_to

# Numbers that are worked out while a program is read (shapes, axes, tables of positions): no more
# entries than this, so that a file of a few bytes can't ask for gigabytes.
MOST_KNOWN = 1_000_000
# The same of all that such numbers are worked out from.
MOST_BEHIND = 4_000_000
# What is worked out from so few numbers is not counted.
SMALL = 65_536
# A pass over all nodes may make so many Values (a network of a thousand layers makes some ten
# thousand), and write down so many numbers of its own beside those of the file: 32 MB.
MOST_VALUES = 200_000
MOST_WRITTEN = 4_000_000
REQUIRED: Any = object()


class Surroundings:
    """What the nodes of one program share while it is read.

    `versions`: that of the operators of each domain. `floats`: the dtype that all floating-point
    numbers take, half-precision ones too; None: that which the file says.
    """

    def __init__(self, versions: Mapping[str, int], floats: str | None = None) -> None:
        self.versions = dict(versions)
        self.floats = floats
        # What is the same for all rows: constants, lengths, and what follows from them.
        self.fixed: set[Value] = set()
        # What was asked for as numbers, with all that led to it; what no gradient may move; and
        # how many rows a value is looked up in by positions.
        self.asked: set[Value] = set()
        self.statistics: set[Value] = set()
        self.positions: dict[Value, int] = {}
        self._values = self._written = 0

    def spend(self, values: int, written: int, what: str) -> None:
        """Count what a pass has made. Raises NotYetError beyond what a pass may take."""
        self._values += values
        self._written += written
        for count, most, words in (
            (self._values, MOST_VALUES, "steps"),
            (self._written, MOST_WRITTEN, "numbers made of shapes"),
        ):
            if count > most:
                raise NotYetError(what, needed=f"at most {most:,} {words} in all", got="more")

    def begin(self) -> None:
        """Begin a pass anew; what was asked for is kept."""
        self._values = self._written = 0

    def dtype(self, element: int, what: str) -> str:
        """Return the dtype that stands for one of ONNX's kinds of entry. Raises DtypeError."""
        if self.floats and element in HALVES:
            return self.floats
        dtype = DTYPE_OF_ELEMENT.get(element)
        if dtype is None:
            known = ", ".join(ELEMENT_NAMES[number] for number in DTYPE_OF_ELEMENT)
            raise DtypeError(
                what,
                needed=f"entries of kind {known}",
                got=ELEMENT_NAMES.get(element, f"{element}"),
            )
        return self.floats if self.floats and dtype.startswith("float") else dtype


class Call:
    """A node with what stands around it, given to the rule of its operator.

    `version`: that of its domain's operators. `apply`: runs a Subgraph with named Values.
    """

    def __init__(
        self,
        node: Node,
        version: int,
        around: Surroundings,
        apply: Callable[[Any, Mapping[str, Value]], list[Value]],
    ) -> None:
        self.node = node
        self.version = version
        self.around = around
        self.apply = apply
        self._unread = set(node.attributes)

    @property
    def outputs_wanted(self) -> int:
        """Return how many of its outputs have names."""
        wanted = [place for place, name in enumerate(self.node.outputs, start=1) if name]
        return max(wanted, default=0)

    def has(self, name: str) -> bool:
        """Tell whether the node has an attribute."""
        return name in self.node.attributes

    def _attribute(self, name: str, default: Any, fits: Callable[[Any], bool], needed: str) -> Any:
        self._unread.discard(name)
        if name not in self.node.attributes:
            if default is REQUIRED:
                raise FileFormatError(self.node.describe(), needed=f"its attribute {name}")
            return default
        attribute = self.node.attributes[name]
        if not fits(attribute):
            raise FileFormatError(
                f"{name} of {self.node.describe()}", needed=needed, got=repr(attribute)[:80]
            )
        return attribute

    def whole(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a whole number."""
        return self._attribute(name, default, _is_whole, "a whole number")

    def flag(self, name: str, default: bool = False) -> bool:
        """Return an attribute that is 0 or 1."""
        return bool(
            self._attribute(
                name, int(default), lambda one: _is_whole(one) and one in (0, 1), "0 or 1"
            )
        )

    def number(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a number."""
        return self._attribute(name, default, lambda one: isinstance(one, float), "a number")

    def text(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a text."""
        return self._attribute(name, default, lambda one: isinstance(one, str), "a text")

    def one_of(self, name: str, allowed: Sequence[str], default: Any = REQUIRED) -> str:
        """Return an attribute that is one of some texts; others are not known here."""
        got: str = self.text(name, default)
        if got not in allowed:
            raise self.refusal(f"{name} = {' or '.join(allowed)}", f"{name} = {got!r}")
        return got

    def wholes(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a tuple of whole numbers."""
        return self._attribute(
            name,
            default,
            lambda one: isinstance(one, tuple) and all(map(_is_whole, one)),
            "whole numbers",
        )

    def numbers(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a tuple of numbers."""
        return self._attribute(
            name,
            default,
            lambda one: isinstance(one, tuple) and all(isinstance(each, float) for each in one),
            "numbers",
        )

    def texts(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is a tuple of texts."""
        return self._attribute(
            name,
            default,
            lambda one: isinstance(one, tuple) and all(isinstance(each, str) for each in one),
            "texts",
        )

    def array(self, name: str, default: Any = REQUIRED) -> Any:
        """Return an attribute that is an array."""
        return self._attribute(name, default, lambda one: isinstance(one, np.ndarray), "a tensor")

    def graph(self, name: str) -> Any:
        """Return an attribute that is a Subgraph."""
        return self._attribute(name, REQUIRED, lambda one: hasattr(one, "nodes"), "a graph")

    def ignores(self, *names: str) -> None:
        """Say that attributes make no difference here."""
        self._unread -= set(names)

    def dtype(self, element: int) -> str:
        """Return the dtype that stands for one of ONNX's kinds of entry. Raises DtypeError."""
        return self.around.dtype(element, self.node.describe())

    def literal(self, data: Any, dtype: str | None = None) -> Value:
        """Return an array of the file as a literal, floating-point numbers as all are here."""
        array = np.asarray(data)
        if dtype is None:
            dtype = array.dtype.name
            if dtype.startswith("float") and self.around.floats:
                dtype = self.around.floats
        return make_literal(array, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Value:
        """Return zeros that take no memory."""
        return broadcast_to(make_literal(np.zeros(()), dtype), shape)

    def known(self, value: Value | None, what: str) -> Array:
        """Return the numbers of an input that must be known before the program runs.

        Raises NotYetError for one that follows from rows or weights, or that is large.
        """
        if value is None:
            raise FileFormatError(self.node.describe(), needed=what)
        behind = ancestors([value])
        self.around.asked.update(behind)
        size = sum(one.size for one in behind)
        if value.size > MOST_KNOWN or size > MOST_BEHIND:
            raise self.refusal(
                f"{what} of at most {MOST_KNOWN:,} numbers", f"{value.size:,}, and what is behind"
            )
        if size > SMALL:
            self.around.spend(0, size, self.node.describe())
        if value.missing():
            raise self.refusal(
                f"{what} that is known before the program runs", "one that follows from the rows"
            )
        return value.numpy()

    def known_wholes(self, value: Value | None, what: str) -> tuple[int, ...]:
        """Return whole numbers that must be known, as `known` does, one after the other."""
        array = self.known(value, what)
        if array.dtype.kind not in "iu":
            raise FileFormatError(
                f"{what} of {self.node.describe()}", needed="whole numbers", got=str(array.dtype)
            )
        return tuple(int(number) for number in array.reshape(-1))

    def given_wholes(
        self, name: str, value: Value | None, default: tuple[int, ...] | None = None
    ) -> tuple[int, ...] | None:
        """Return whole numbers that older versions have as an attribute, newer ones as an input."""
        if self.has(name):
            wholes: tuple[int, ...] = self.wholes(name)
            return wholes
        return default if value is None else self.known_wholes(value, name)

    def refusal(self, needed: str, got: str) -> NotYetError:
        """Return what to raise for what is right in ONNX and has no words here."""
        return NotYetError(self.node.describe(), needed=needed, got=got)

    def broken(self, needed: str, got: str) -> FileFormatError:
        """Return what to raise for what is wrong in ONNX."""
        return FileFormatError(self.node.describe(), needed=needed, got=got)

    def finish(self) -> None:
        """Refuse attributes that no rule asked for."""
        if self._unread:
            raise NotYetError(
                self.node.describe(),
                needed="attributes that are known here",
                got=", ".join(sorted(self._unread)),
            )


def _is_whole(attribute: Any) -> bool:
    return isinstance(attribute, int) and not isinstance(attribute, bool)
