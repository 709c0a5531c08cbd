"""What to write to have a training as an experiment had it, with this training's own numbers."""

from __future__ import annotations

from misstep.train import Trainer


def at_rate(trainer: Trainer, factor: float) -> str:
    """Return the optimizer at `factor` times its rate, as it is written.

    >>> import misstep as ms
    >>> at_rate(ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.3)), 0.1)
    'ms.SGD(0.03)'
    """
    optimizer = trainer.optimizer
    kind, rate = type(optimizer).__name__, factor * optimizer.learning_rate
    room = "ms" if kind in ("SGD", "Adam", "AdamW") else "ms.optim"
    return f"{room}.{kind}({rate:.3g})"
