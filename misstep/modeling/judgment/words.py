"""Which words a model goes by: each is taken out of held-out texts that have it.

The text is encoded anew without the word and all its repetitions, so that its length, its capitals
and the weights of its other words follow. Which words are tried: those whose texts the model judges
most unlike the rest. Counted in work, never in time, as `importance.py` does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from misstep.data import TextsOfRows
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.copies import outputs_of_copies
from misstep.modeling.judgment.importance import SEED, Importance, InputImportance, RowMeasure
from misstep.modeling.model import Model

__all__ = ["word_importances_of"]

# Rows that are looked at, and letters of all of their texts: cutting a million letters into words
# takes about half a second.
MOST_ROWS, MOST_LETTERS = 1_000, 200_000
# Words that are tried, texts of each, and texts that must have a word; and how many words of texts
# are encoded anew for that, which takes about a second for 400,000.
MOST_WORDS, MOST_TEXTS, FEWEST_TEXTS, MOST_PLACES = 30, 40, 3, 100_000


def word_importances_of(model: Model, held_out: HeldOut) -> tuple[Importance, ...]:
    """Return how important words are, for each column of texts; nothing where there is none.

    The loss and the score of each word are on the texts that it was taken out of; words are in the
    order of what the mean loss of all rows would rise by.
    """
    if not len(held_out) or not np.isfinite(held_out.outputs).all():
        return ()
    columns = model.preprocessing.texts_of(held_out.data)
    found = [_importance(model, held_out, column) for column in columns]
    return tuple(each for each in found if each is not None)


def _importance(model: Model, held_out: HeldOut, texts: TextsOfRows) -> Importance | None:
    rows = _rows(texts)
    having: dict[str, list[tuple[int, int]]] = {}
    for row in rows.tolist():
        for number, word in enumerate(texts.pieces(row).words):
            having.setdefault(word, []).append((row, number))
    known = {word: at for word, at in having.items() if len(at) >= FEWEST_TEXTS}
    chosen = _telling(known, rows, held_out.outputs)
    if not chosen:
        return None
    pairs = _pairs(texts, {word: known[word] for word in chosen})
    places = np.array([row for word in chosen for row, _ in pairs[word]])
    x = held_out.x[places]
    block = texts.without([pair for word in chosen for pair in pairs[word]])

    def change(copy: Array) -> None:
        copy[:, texts.features] = block

    (changed,) = outputs_of_copies(model, x, iter([change]), len(held_out))
    found: list[InputImportance] = []
    start = 0
    for number, word in enumerate(chosen):
        stop = start + len(pairs[word])
        at = places[start:stop]
        before, after = held_out.outputs[at], changed[start:stop]
        measure = RowMeasure(model, x[start:stop], before, held_out.answers[at])
        one = measure.input(word, number, [after])
        moved = tuple(_moved(model, before, after).tolist())
        found.append(replace(one, moved=moved, having=len(known[word])))
        start = stop
    whole = RowMeasure(model, held_out.x[rows], held_out.outputs[rows], held_out.answers[rows])
    return Importance(
        "word",
        "taken out",
        model.loss.name,
        whole.metric.name,
        whole.loss,
        whole.score,
        tuple(sorted(found, key=lambda each: (-each.loss * each.having, each.number))),
        len(rows),
        len(held_out),
        1,
        len(known) - len(chosen),
        about=texts.name,
    )


def _rows(texts: TextsOfRows) -> Array:
    """Return rows to look at, drawn at random, always the same, in their order."""
    order = np.random.default_rng(SEED).permutation(len(texts.texts))[:MOST_ROWS]
    letters = np.cumsum([len(texts.texts[row]) for row in order])
    return np.sort(order[: max(1, int(np.searchsorted(letters, MOST_LETTERS, side="right")))])


def _telling(known: dict[str, list[tuple[int, int]]], rows: Array, outputs: Array) -> list[str]:
    """Return words whose texts the model judges most unlike the rest, by standard errors."""
    said = outputs.astype(np.float64)
    mean, deviation = said[rows].mean(axis=0), said[rows].std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    strength = {}
    for word, at in known.items():
        away = said[[row for row, _ in at]].mean(axis=0) - mean
        strength[word] = float(np.abs(away / deviation).max() * np.sqrt(len(at)))
    return sorted(strength, key=lambda word: (-strength[word], word))[:MOST_WORDS]


def _pairs(
    texts: TextsOfRows, chosen: dict[str, list[tuple[int, int]]]
) -> dict[str, list[tuple[int, int]]]:
    """Return the texts that each word is taken out of, as many as can be paid for."""
    each, most = MOST_PLACES // max(1, len(chosen)), {}
    for word, pairs in chosen.items():
        lengths = np.cumsum([len(texts.pieces(row).order) for row, _ in pairs[:MOST_TEXTS]])
        count = int(np.searchsorted(lengths, each, side="right"))
        most[word] = pairs[: max(FEWEST_TEXTS, count)][:MOST_TEXTS]
    return most


def _moved(model: Model, before: Array, after: Array) -> Array:
    """Return what the word adds to each probability, or to the number, in the mean."""
    if model.target.is_number:
        both = [model.target.decode_outputs(each.reshape(-1)) for each in (before, after)]
        return np.atleast_1d(np.mean(both[0] - both[1]))
    return np.asarray((before.astype(np.float64) - after).mean(axis=0))
