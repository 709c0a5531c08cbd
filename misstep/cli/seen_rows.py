"""Which of some rows a model has seen before, and what it scores on those that it has not.

A score on rows that were learned from flatters, one on the rows of the test does not; a file may
hold both. Knows models and their scores, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from misstep.ir import Array
from misstep.modeling import Model, Seen, score_words
from misstep.text.counts import counted
from misstep.text.lists import joined

# What was done with a row, from the one that flatters most.
_DONE = {
    Seen.TRAINING: "learned from",
    Seen.VALIDATION: "validated on",
    Seen.TEST: "tested on",
    Seen.NEVER: "never seen before",
}


def seen_words(model: Model, features: Array, outputs: Array, truth: Array, name: str) -> str:
    """Return in a sentence which of the rows scored the model had seen; "" where it saw none.

    features: (rows, features), outputs and encoded answers `truth` of the rows that have one.
    `name`: what a row is called. Also "" where the model has not kept which rows it saw.
    """
    known = model.training_rows
    if known is None or not known.hashes:
        return ""
    splits = np.array([str(each) for each in known.each_seen(features)], dtype=object)
    counts = {split: int((splits == split.value).sum()) for split in _DONE}
    return _words(model, counts, splits, outputs, truth, name)


def _words(
    model: Model, counts: Mapping[Seen, int], splits: Array, outputs: Array, truth: Array, name: str
) -> str:
    rows = len(splits)
    if counts[Seen.NEVER] == rows:
        return ""
    if counts[Seen.TEST] == rows:
        return f"These {name}s are those that the model was tested on; it did not learn from them."
    if counts[Seen.TRAINING] == rows:
        return f"The model learned from all of these {name}s: this score flatters."
    parts = [
        f"{counted(count, name) if at == 0 else f'{count:,}'} {_DONE[split]}"
        for at, (split, count) in enumerate(
            (split, count) for split, count in counts.items() if count
        )
    ]
    words = f"Among them are {joined(parts)}."
    fresh = (splits == Seen.TEST.value) | (splits == Seen.NEVER.value)
    if not counts[Seen.TRAINING] + counts[Seen.VALIDATION]:
        return f"{words} The model learned from none of them."
    if not fresh.any():
        return f"{words} This score flatters."
    scores = model.judge(outputs[fresh], truth[fresh])
    alone = f"on the {int(fresh.sum()):,} that it neither learned from nor was validated on"
    return f"{words} The score of all flatters; {alone}: {score_words(scores)}."
