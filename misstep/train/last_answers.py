"""What a network at the end of training thinks of the answers of rows, written into the record.

Of validation rows where there are some, which it did not learn from, else of training rows. A
record then shows whether answers are wrong or rows hard to tell, and which rows. One pass forward
through few rows: next to nothing beside training. Knows networks and records; what is concluded
from it, the doctor knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.data.answer_doubts import class_doubts, number_doubts
from misstep.ir import Array
from misstep.train.training import Training

# The event of a record.
EVENT = "answers"
# Rows that are asked at most, and as a share of all that were learned from, counted each time: a
# pass forward is a third of a step, so that asking costs less than 1 % of learning.
MOST_ROWS = 2000
SHARE_OF_LEARNED = 0.02
# Fewer rows tell nothing.
FEWEST_ROWS = 40
# In how many parts doubts are counted, and how many rows are named.
PARTS = 60
NAMED = 20
# Neighbors are asked where so many answers are others than expected though the network is sure.
SHARE_TO_ASK_NEIGHBORS = 0.01
# Numbers in all that neighbors are looked for among: some hundredths of a second.
MOST_NUMBERS = 500_000


def answers_at_end(
    training: Training, training_rows: Rows, learned: int, *, compiling: bool
) -> dict[str, Any] | None:
    """Return what the network thinks of answers, as plain facts; None where that can't be said.

    `training_rows`: it learned from; `learned`: how many of them, counted each time. `compiling`:
    whether a program is worth compiling for it.
    """
    validation = training.validation
    rows = training_rows if validation is None else validation
    count = min(len(rows), MOST_ROWS, int(SHARE_OF_LEARNED * learned))
    if count < FEWEST_ROWS or training.ending is None or training.ending.failed:
        return None
    indices = np.unique(np.linspace(0, len(rows) - 1, count).astype(np.int64))
    some = rows.take(indices)
    network, loss = training.network, training.loss
    answers = some.y.reshape(len(some), -1)
    if answers.shape[1] != 1:
        return None
    answers = answers[:, 0]
    inference = network.inference(compiling)
    predicted = inference.predict(some.x, loss, training.threads)
    if not np.isfinite(predicted).all() or predicted.ndim != 2:
        return None
    where = {"of": "training" if validation is None else "validation", "rows": len(some)}
    if loss.score_name == "accuracy":
        facts = _of_classes(predicted, answers, some, indices, network.position_limits is None)
    elif loss.score_name == "rmse" and predicted.shape[1] == 1:
        facts = _of_numbers(predicted[:, 0], answers, indices)
    else:
        return None
    return None if facts is None else {**where, **facts, "rows_counted_from": 0}


def _of_classes(
    predicted: Array, answers: Array, rows: Rows, indices: Array, numbers: bool
) -> dict[str, Any] | None:
    """Return doubts along certainty, and the rows of the most doubtful answers."""
    if not np.isin(answers, np.arange(max(predicted.shape[1], 2))).all():
        return None  # shares between two classes
    if predicted.shape[1] == 1:
        predicted = np.concatenate([1 - predicted, predicted], axis=1)
    codes = answers.astype(np.int64)
    doubts = class_doubts(predicted, codes)
    certainty, counts, others = doubts.counted(PARTS)
    agree = None
    if (
        numbers
        and rows.x.size <= MOST_NUMBERS
        and doubts.others_where_certain >= SHARE_TO_ASK_NEIGHBORS
    ):
        share = doubts.neighbors_agree(rows.x, codes)
        agree = None if np.isnan(share) else round(share, 4)
    doubtful = doubts.order[doubts.other[doubts.order]][:NAMED]
    return {
        "task": "classes",
        "classes": int(predicted.shape[1]),
        "certainty": [round(number, 5) for number in certainty.tolist()],
        "counts": counts.tolist(),
        "others": others.tolist(),
        "neighbors_agree": agree,
        "suspects": [
            {
                "row": int(indices[row]),
                "given": int(codes[row]),
                "suggested": int(doubts.expected[row]),
                "probability": round(float(doubts.first[row]), 4),
            }
            for row in doubtful.tolist()
        ],
    }


def _of_numbers(predicted: Array, answers: Array, indices: Array) -> dict[str, Any]:
    """Return how many answers are far from what is expected, and which."""
    doubts = number_doubts(predicted, answers)
    far = int(doubts.far.sum())
    return {
        "task": "numbers",
        "far": far,
        "suspects": [
            {
                "row": int(indices[row]),
                "given": float(answers[row]),
                "suggested": float(predicted[row]),
                "spreads": round(float(doubts.distances[row]), 2),
            }
            for row in doubts.order[: min(far, NAMED)].tolist()
        ],
    }
