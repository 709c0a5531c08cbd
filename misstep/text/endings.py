"""Why a training ended, in words: one function for each cause, which takes the facts of it.

Knows numbers only; the causes themselves are in `train/ending.py`.
"""

from __future__ import annotations

import signal as signals
from typing import Any

from misstep.text.counts import counted, plural
from misstep.text.units import duration

__all__ = ["ending_words", "loss_became", "shortened_words"]


def epochs_done(epochs: int) -> str:
    """Return that nobody ended it early.

    >>> epochs_done(3)
    'all 3 epochs are done'
    """
    return f"all {epochs} epochs are done" if epochs > 1 else "the one epoch is done"


def early_stopping(patience: int) -> str:
    """Return for how long validation saw no improvement."""
    return f"the validation loss has not fallen for {patience} {plural(patience, 'epoch')}"


def converged(tolerance: float, patience: int) -> str:
    """Return for how long the training loss barely fell."""
    return (
        f"converged: the training loss has fallen by no more than {tolerance:g} "
        f"of itself for {patience} epochs"
    )


def learned(epochs: int) -> str:
    """Return that the learning rate fell early, since there was nothing left to learn.

    >>> learned(38)
    'all was learned early, and the learning rate has fallen to its end in 38 epochs'
    """
    return f"all was learned early, and the learning rate has fallen to its end in {epochs} epochs"


def time_over(seconds: float) -> str:
    """Return that it was given so many seconds and no more.

    >>> time_over(150.0)
    'its time of 2 min 30 s was over'
    """
    took = duration(seconds) if seconds >= 60 else f"{seconds:.3g} s"
    return f"its time of {took} was over"


def interrupted(signal: int = signals.SIGINT) -> str:
    """Return that a person broke it off, or a signal of the system did.

    >>> interrupted(15)
    'interrupted by SIGTERM'
    """
    by_hand = signal == signals.SIGINT
    return (
        "interrupted with Ctrl-C" if by_hand else f"interrupted by {signals.Signals(signal).name}"
    )


def loss_not_finite(loss: float, update: int, learning_rate: float) -> str:
    """Return where the loss was no longer a number, and what may help."""
    return (
        f"{loss_became(loss, update, learning_rate)}; training stopped there. "
        "Try: a lower learning rate, or clipping of the gradients"
    )


def loss_became(loss: float, update: int, learning_rate: float) -> str:
    """Return where the loss was no longer a number.

    >>> loss_became(float("nan"), 12, 0.5)
    'the loss became nan at update 12, learning rate 0.5'
    """
    return f"the loss became {loss} at update {update}, learning rate {learning_rate:g}"


def weights_not_finite(loss: float, update: int, learning_rate: float) -> str:
    """Return up to where weights became no numbers, though the loss did not show it.

    >>> weights_not_finite(0.5, 12, 0.5)
    'weights were no longer finite numbers after update 12, at a loss of 0.5 and learning rate 0.5'
    """
    return (
        f"weights were no longer finite numbers after update {update}, at a loss of {loss:.4g} "
        f"and learning rate {learning_rate:g}"
    )


def callback(message: str) -> str:
    """Return what a callback said."""
    return message


def error(name: str) -> str:
    """Return which error broke in."""
    return f"{name} ended it"


def shortened_words(learned: int, epochs: int) -> str:
    """Return that a training will end before its time: after which epoch, and with which.

    >>> shortened_words(19, 38)
    'all is learned after 19 epochs: the learning rate falls to its end in epoch 38'
    """
    return (
        f"all is learned after {counted(learned, 'epoch')}: the learning rate falls to its end in "
        f"epoch {epochs}"
    )


_WORDS = {
    one.__name__: one
    for one in (
        *(epochs_done, early_stopping, converged, learned, time_over),
        *(interrupted, loss_not_finite, weights_not_finite, callback, error),
    )
}


def ending_words(cause: str, **facts: Any) -> str:
    """Return the sentence for a cause, called as the functions above, by its facts."""
    return _WORDS[cause](**facts)
