"""Rows judged by several processes: each has some of them, and all get what comes of all.

Rows are cut into pieces whose size follows from how many there are and from the shards of a batch,
so no bit depends on how many ranks share the pieces out. Scores are made of the numbers of all
rows, in one order, by everyone. Knows a network that judges and ranks; no training.
"""

from __future__ import annotations

from itertools import pairwise

from misstep.compiler.runtime.cores import usable_cores
from misstep.data import Rows
from misstep.exchange import Ranks, shards_of
from misstep.ir import Array
from misstep.nn.inference import SIZES, Inference, scores_of
from misstep.nn.losses import Loss

# Predictions of more bytes in all are not sent to others: of texts, where each step's has a number
# for each word, they are many times what is read, and a wire takes longer than working them out.
MOST_SENT = 1 << 26


def threads_here(threads: int | None, ranks: Ranks) -> int | None:
    """Return how many threads a rank uses at most; unless it is said, ranks share out the cores."""
    if threads is not None or ranks.size == 1:
        return threads
    return max(usable_cores() // ranks.on_this_host, 1)


def piece_size(rows: int, shards: int) -> int:
    """Return how many rows are judged together: no more than leave each shard a piece.

    >>> [piece_size(rows, 8) for rows in (10, 500, 512, 20_000)]
    [8, 8, 64, 1024]
    """
    return next((size for size in reversed(SIZES) if rows >= size * shards), SIZES[0])


def judged_together(
    inference: Inference, rows: Rows, loss: Loss, threads: int | None, shards: int, ranks: Ranks
) -> tuple[dict[str, float], Array]:
    """Return loss and score by name, and the predictions, of rows that ranks share out.

    `shards`: of a batch. All ranks must call it with the same rows.
    """
    count, size = len(rows), piece_size(len(rows), shards)
    prediction = inference.evaluate_program(size, loss).graph.outputs["prediction"]
    if ranks.size == 1 or count * prediction.size // size * 8 > MOST_SENT:
        whole = inference.judged(rows.x, rows.y, loss, threads, size)
        return scores_of(whole, rows.y, loss, rows.weights), whole["prediction"]
    bounds = [
        min(shards_of(rank, ranks.size, -(-count // size)).start * size, count)
        for rank in range(ranks.size)
    ]
    bounds.append(count)
    start, stop = bounds[ranks.rank], bounds[ranks.rank + 1]
    if start < stop:
        own = inference.judged(rows.x[start:stop], rows.y[start:stop], loss, threads, size)
    else:  # nothing to do; what others send has the shape of a row's all the same
        first = inference.judged(rows.x[:1], rows.y[:1], loss, threads, size)
        own = {name: numbers[:0] for name, numbers in first.items()}
    counts = [after - before for before, after in pairwise(bounds)]
    whole = {name: ranks.joined(numbers, counts) for name, numbers in own.items()}
    return scores_of(whole, rows.y, loss, rows.weights), whole["prediction"]
