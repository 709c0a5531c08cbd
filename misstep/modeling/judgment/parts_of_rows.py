"""What the words and the places of single rows did to what was said of them.

Each is taken out, a word from its text and a place by what stands there in the average image, and
the model is asked again: a number is a difference of two things that the model says. Cheap beside
`attribution.py`, which shares out the whole among all parts. Counted in parts, never in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.data.text.text_parts import TextPieces
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut
from misstep.modeling.model import Model

__all__ = ["PlaceEffects", "RowEffects", "TextEffects", "effects_in_rows"]

# Words of one text that are taken out, the first ones of a longer text; and words of texts that are
# encoded anew in all, which takes about a second for 400,000.
MOST_WORDS, MOST_ENCODED = 150, 100_000
# Rows that whole programs take at once; fewer have programs of their own.
WHOLE, FEW_ROWS = 1024, 64


@dataclass(frozen=True)
class TextEffects:
    """What the words of a text did.

    `column`: where the text stands; `pieces`: its words; `effects`: (words,) what each adds, NaN
    for those that were not measured.
    """

    column: str
    pieces: TextPieces
    effects: tuple[float, ...]


@dataclass(frozen=True)
class PlaceEffects:
    """What the places of a picture did: (lines, columns); `replacement`: what stood there then."""

    effects: Array
    replacement: str


@dataclass(frozen=True)
class RowEffects:
    """What the parts of one row add to what was said of it.

    That is the probability of the class that was said, or the predicted number. `position`: among
    the held-out rows.
    """

    position: int
    texts: tuple[TextEffects, ...] = ()
    places: PlaceEffects | None = None


def effects_in_rows(
    model: Model, held_out: HeldOut, positions: Sequence[int]
) -> tuple[RowEffects, ...]:
    """Return what words and places did in some held-out rows, in the order of `positions`."""
    if not positions:
        return ()
    rows = np.asarray(positions)
    said = _Said(model, held_out.outputs[rows])
    texts = _texts(model, held_out, rows, said)
    places = _places(model, held_out, rows, said)
    return tuple(
        RowEffects(int(row), texts[at], places[at] if places else None)
        for at, row in enumerate(rows.tolist())
    )


class _Said:
    """What was said of rows, and how much of it is left in other outputs."""

    def __init__(self, model: Model, outputs: Array) -> None:
        self._target = model.target
        self._classes = outputs.argmax(axis=1)
        self.numbers = self.of(outputs, np.arange(len(outputs)))

    def of(self, outputs: Array, rows: Array) -> Array:
        """Return a number for each of `outputs`, which are of `rows`, (outputs,)."""
        if self._target.is_number:
            decoded = self._target.decode_outputs(outputs.reshape(-1))
            return np.asarray(decoded, np.float64)
        chosen = outputs[np.arange(len(outputs)), self._classes[rows]]
        return chosen.astype(np.float64)


def _texts(
    model: Model, held_out: HeldOut, rows: Array, said: _Said
) -> list[tuple[TextEffects, ...]]:
    found: list[tuple[TextEffects, ...]] = [()] * len(rows)
    for column in model.preprocessing.texts_of(held_out.data):
        most = max(1, MOST_ENCODED // len(rows))
        pairs: list[tuple[int, int]] = []
        owners: list[int] = []
        for at, row in enumerate(rows.tolist()):
            pieces = column.pieces(row)
            length = max(1, len(pieces.order))
            for word in range(min(len(pieces.words), MOST_WORDS, max(1, most // length))):
                pairs.append((row, word))
                owners.append(at)
        left = np.empty(0)
        if pairs:
            block = column.without(pairs)
            x = held_out.x[[row for row, _ in pairs]]
            x[:, column.features] = block
            left = said.of(_outputs(model, x, len(held_out)), np.asarray(owners))
        owned = np.asarray(owners, int)
        for at, row in enumerate(rows.tolist()):
            pieces = column.pieces(row)
            effects = np.full(len(pieces.words), np.nan)
            moved = said.numbers[at] - left[owned == at]
            effects[: len(moved)] = moved
            one = TextEffects(column.name, pieces, tuple(effects.tolist()))
            found[at] = (*found[at], one)
    return found


def _places(model: Model, held_out: HeldOut, rows: Array, said: _Said) -> list[PlaceEffects]:
    baseline = None if model.training_rows is None else model.training_rows.baseline
    groups = model.preprocessing.inputs(baseline)
    inputs = next((one for one in groups if one.places), None)
    if inputs is None or inputs.replaced is None:
        return []
    x = np.repeat(held_out.x[rows][None], len(inputs), axis=0)
    for number in range(len(inputs)):
        features = inputs.features_of(number)
        x[number][:, features] = inputs.replaced[features]
    outputs = _outputs(model, x.reshape(-1, x.shape[2]), len(held_out))
    owners = np.tile(np.arange(len(rows)), len(inputs))
    left = said.of(outputs, owners).reshape(len(inputs), len(rows))
    effects = np.zeros((len(rows), len(inputs.lines), len(inputs.columns)))
    for place, each in zip(inputs.places, left, strict=True):
        effects[:, place[0], place[1]] = said.numbers - each
    return [PlaceEffects(each, inputs.replacement) for each in effects]


def _outputs(model: Model, x: Array, asked: int) -> Array:
    """Return what the model says of rows, by programs that were made for `asked` rows before.

    Another number of rows may need a program of its own, which takes longer to compile than to ask
    for a few rows more.
    """
    size = min(asked, WHOLE)
    if not model.network.inference().rows_unclear:
        size = WHOLE if asked > FEW_ROWS else 1
    short = -len(x) % size
    filled = np.concatenate([x, np.zeros((short, x.shape[1]), x.dtype)])
    if size == 1:
        return model.outputs_of(x)
    parts = [model.outputs_of(filled[at : at + size]) for at in range(0, len(filled), size)]
    return np.concatenate(parts)[: len(x)]
