"""Rows, updates and epochs of a training, counted one by the other. Knows trainers; trains none."""

from __future__ import annotations

from misstep.train import Trainer

__all__ = ["epochs_of", "rows_of_batch", "updates_per_epoch"]


def rows_of_batch(trainer: Trainer, rows: int) -> int:
    """Return how many of `rows` are in a batch."""
    return rows if trainer.batch_size == "full" else min(int(trainer.batch_size), rows)


def updates_per_epoch(trainer: Trainer, rows: int) -> int:
    """Return how many updates an epoch of `rows` takes."""
    size = rows if trainer.batch_size == "full" else int(trainer.batch_size)
    batches = -(-rows * trainer.repeats_per_epoch // size)
    return -(-batches // trainer.accumulate)


def epochs_of(trainer: Trainer, rows: int, updates: int) -> int:
    """Return about how many epochs of `rows` so many updates are, 1 at least."""
    return max(1, round(updates / updates_per_epoch(trainer, rows)))
