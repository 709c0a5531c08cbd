"""Sums of products named by letters (A. Einstein, 1916), through matrix products where there are.

No op of its own: made of transposes, products and sums. Knows nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.ops.comparison import where
from misstep.ops.contraction import MatrixProduct
from misstep.ops.lifting import Operand, together
from misstep.ops.reduction import sum
from misstep.ops.shape import broadcast_to, reshape, transpose

Labels = tuple[str, ...]


def einsum(equation: str, *operands: Operand) -> Value:
    """Return the sum of products that an equation names: "ij,jk->ik" is a matrix product.

    Each letter is an axis: the same one in several operands is multiplied along, one that the
    result lacks is summed over. "..." stands for all other axes, which broadcast. Without an arrow
    the result has the letters that stand once, in the order of the alphabet. Operands are taken
    from the left, two at a time. Raises ArgumentError or ShapeError.

    >>> import misstep as ms
    >>> ms.ops.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    [21., 43.]
    """
    values = together(*operands)
    labels, result = _read(equation, values)
    _check_lengths(equation, values, labels)
    left, ours = values[0], labels[0]
    for number in range(len(values)):
        wanted = {*result, *(name for later in labels[number + 1 :] for name in later)}
        if number == 0:
            left, ours = _alone(left, ours, wanted)
            continue
        right, theirs = _alone(values[number], labels[number], wanted | set(ours))
        left, ours = _pair(left, ours, right, theirs, wanted)
    left, ours = _alone(left, ours, set(result))
    order = [ours.index(name) for name in result]
    return left if order == list(range(left.ndim)) else transpose(left, order)


def _read(equation: str, values: Sequence[Value]) -> tuple[list[Labels], Labels]:
    """Return the labels of each operand's axes, and the result's; those of "..." are numbers."""
    text = equation.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(values):
        raise ArgumentError(
            f"the equation {equation!r}", needed=f"{len(values)} terms", got=f"{len(terms)}"
        )
    labels = [
        _labels(equation, term, value.ndim) for term, value in zip(terms, values, strict=True)
    ]
    most = max((_extra(one) for one in labels), default=0)
    if arrow:
        dots = tuple(str(most - 1 - k) for k in range(most)) if "..." in output else ()
        front, _, behind = output.partition("...")
        result = (*front, *dots, *behind)
    else:
        letters = inputs.replace(",", "").replace(".", "")
        once = tuple(name for name in sorted(set(letters)) if letters.count(name) == 1)
        result = (*(str(most - 1 - k) for k in range(most)), *once)
    known = {name for one in labels for name in one}
    if not set(result) <= known or len(set(result)) != len(result):
        raise ArgumentError(
            f"the result {output!r} of {equation!r}", needed="letters of its operands, each once"
        )
    return labels, result


def _extra(labels: Labels) -> int:
    return len([name for name in labels if name.isdigit()])


def _labels(equation: str, term: str, axes: int) -> Labels:
    front, dots, behind = term.partition("...")
    letters = front + behind
    if not all(one.isascii() and one.isalpha() for one in letters):
        raise ArgumentError(
            f"the equation {equation!r}", needed='letters, commas, "->" and "..."', got=repr(term)
        )
    rest = axes - len(letters)
    if rest < 0 or (rest and not dots):
        raise ShapeError(
            f"the term {term!r} of {equation!r}", needed=f"{len(letters)} axes", got=f"{axes}"
        )
    # Counted from behind, since axes that broadcast are equal from the right.
    return (*front, *(str(rest - 1 - k) for k in range(rest)), *behind)


def _check_lengths(equation: str, values: Sequence[Value], labels: Sequence[Labels]) -> None:
    lengths: dict[str, int] = {}
    for value, names in zip(values, labels, strict=True):
        for name, length in zip(names, value.shape, strict=True):
            known = lengths.setdefault(name, length)
            if known == 1:
                lengths[name] = length
            elif length not in (1, known):
                raise ShapeError(
                    f"the axis {name!r} of {equation!r}", needed=f"{known} entries", got=f"{length}"
                )


def _alone(x: Value, labels: Labels, wanted: set[str]) -> tuple[Value, Labels]:
    """Return x on the diagonals of letters that stand twice, summed over those not wanted."""
    for name in dict.fromkeys(labels):
        while labels.count(name) > 1:
            first = labels.index(name)
            second = labels.index(name, first + 1)
            x = _diagonal(x, first, second)
            labels = labels[:second] + labels[second + 1 :]
    gone = tuple(axis for axis, name in enumerate(labels) if name not in wanted)
    if gone:
        x = sum(x, gone)
    return x, tuple(name for name in labels if name in wanted)


def _diagonal(x: Value, first: int, second: int) -> Value:
    """Return the entries at which two axes are at the same place; the second axis is gone."""
    length = max(x.shape[first], x.shape[second])
    wide = list(x.shape)
    wide[first] = wide[second] = length
    x = broadcast_to(x, wide)
    same = np.eye(length, dtype=bool).reshape(
        [length if axis in (first, second) else 1 for axis in range(x.ndim)]
    )
    zero = make_literal(np.zeros(()), x.dtype)
    return sum(where(make_literal(same, "bool"), x, zero), second)


def _pair(
    left: Value, ours: Labels, right: Value, theirs: Labels, wanted: set[str]
) -> tuple[Value, Labels]:
    """Return the product of two, summed over what both have and nobody wants."""
    both = [name for name in ours if name in theirs]
    batch = [name for name in both if name in wanted]
    inner = [name for name in both if name not in wanted]
    rows = [name for name in ours if name not in both]
    columns = [name for name in theirs if name not in both]
    lengths = _lengths(left, ours, right, theirs)
    left = _ordered(left, ours, [*batch, *rows, *inner], lengths)
    right = _ordered(right, theirs, [*batch, *inner, *columns], lengths)
    labels = (*batch, *rows, *columns)
    shape = tuple(lengths[name] for name in labels)
    counts = [math.prod(lengths[name] for name in names) for names in (rows, inner, columns)]
    front = tuple(lengths[name] for name in batch)
    a = reshape(left, (*front, counts[0], counts[1]))
    b = reshape(right, (*front, counts[1], counts[2]))
    if inner and left.type.is_float:
        return reshape(MatrixProduct()(a, b), shape), labels
    # Without a sum, or of whole numbers: entry by entry.
    a = reshape(a, (*front, counts[0], counts[1], 1))
    b = reshape(b, (*front, 1, counts[1], counts[2]))
    return reshape(sum(a * b, len(front) + 1), shape), labels


def _lengths(left: Value, ours: Labels, right: Value, theirs: Labels) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for value, names in ((left, ours), (right, theirs)):
        for name, length in zip(names, value.shape, strict=True):
            if lengths.get(name, 1) == 1:
                lengths[name] = length
    return lengths


def _ordered(x: Value, labels: Labels, order: list[str], lengths: dict[str, int]) -> Value:
    """Return x with its axes in this order, those that broadcast repeated."""
    axes = [labels.index(name) for name in order]
    moved = x if axes == list(range(x.ndim)) else transpose(x, axes)
    return broadcast_to(moved, tuple(lengths[name] for name in order))
