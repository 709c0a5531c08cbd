"""Why a network that a person wrote in one line does not take the rows of their data, in words.

Looks for the first part of the line that fails on a row. Knows layers and the shape of a row, no
data and no plan.
"""

from __future__ import annotations

from collections.abc import Callable

from misstep.errors import ArgumentError, MisstepError, ShapeError
from misstep.nn import Module, Network, Sequential
from misstep.text.counts import counted

__all__ = ["unfit_part"]

Shape = tuple[int, ...]

# What kinds of parts take, by the word that a part begins with.
_TAKE = {
    **dict.fromkeys(("conv", "res", "pool", "gap"), ("images or sequences", (2, 3))),
    **dict.fromkeys(("lstm", "gru", "rnn", "attention", "transformer"), ("sequences", (2,))),
    "embed": ("texts, whose words it looks up", ()),
}
# What to write instead, by the axes of what came.
_INSTEAD = {1: "layers such as dense32-relu", 2: "lstm16 or conv16-gap", 3: "conv16-gap or dense32"}


def unfit_part(
    line: str,
    features: int,
    shape: Shape | None,
    shaped: Callable[[Module], Module],
    vocabulary: int | None = None,
) -> ArgumentError | None:
    """Return what is wrong with the first part of a line that a row can't go through, else None.

    `features`: numbers of a row; `shape`: what they are together, None: no more than numbers.
    `shaped`: gives a network rows of that shape. `vocabulary`: how many words can be looked up.
    """
    parts = [part for part in line.strip().lower().split("-") if part]
    before = shape or (features,)
    for count in range(1, len(parts) + 1):
        try:
            module = shaped(Sequential.from_text("-".join(parts[:count]), vocabulary=vocabulary))
            before = Network(module, (features,)).output_shape
        except MisstepError as error:
            return _told(line, parts[count - 1], before, error)
    return None


def _told(line: str, part: str, before: Shape, error: MisstepError) -> ArgumentError | None:
    named = f"the part {part!r} of the network {line!r}"
    for word, (takes, axes) in _TAKE.items():
        known = word == "embed" and isinstance(error, ShapeError)
        if part.startswith(word) and len(before) not in axes and not known:
            return ArgumentError(
                named, needed=takes, got=_rows(before), try_=_INSTEAD.get(len(before))
            )
    if isinstance(error, ShapeError):
        return ArgumentError(named, needed=error.needed, got=_rows(before), try_=error.try_)
    return None


def _rows(shape: Shape) -> str:
    """Return what rows of a shape are, in words."""
    if len(shape) == 3:
        height, width, channels = shape
        return f"images of {height} × {width} with {counted(channels, 'channel')}"
    if len(shape) == 2:
        return f"sequences of {counted(shape[0], 'step')} of {counted(shape[1], 'feature')}"
    return (
        f"rows of {counted(shape[0], 'number')} that have no order" if shape else "single numbers"
    )
