"""`Bench`: where the trainings of a lab are done: who hears of each, and how much work there was.

Ctrl-C ends a lab, not only the training that goes on. Knows trainers; no lab and no terminal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy.typing as npt

from misstep.labs.course import Course, course_of
from misstep.nn import Module, Network
from misstep.nn.losses import Loss
from misstep.train import Callback, Run, Trainer
from misstep.train.ending import Cause


class Bench:
    """A place to train at.

    `threads`: how many may be used; no number depends on it. `tell`: is told in a few words what is
    done next. `updates`, `trainings`: how much was done so far. `last_run`: the latest training.
    """

    def __init__(
        self, threads: int | None = None, tell: Callable[[str], object] | None = None
    ) -> None:
        self.threads = threads
        self.updates = 0
        self.trainings = 0
        self.last_run: Run | None = None
        self._tell = tell

    def tell(self, words: str) -> None:
        """Say what is done next."""
        if self._tell is not None:
            self._tell(words)

    def train(
        self,
        name: str,
        network: Module | Network,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        loss: Loss,
        epochs: int,
        validation: tuple[Any, ...] | None = None,
        callbacks: Iterable[Callback] = (),
        early_stopping: int | None = None,
        probe_every: int | None = None,
        every_step: bool = False,
        **settings: Any,
    ) -> Course:
        """Train a network and return what came of it. `settings`: as a Trainer takes them.

        `every_step`: whether the loss of each update is kept. The rest: as `Trainer.fit` takes it.
        Raises KeyboardInterrupt after Ctrl-C, and what `Trainer` and `fit` raise.
        """
        trainer = Trainer(network, loss=loss, **{"threads": self.threads, **settings})
        return self.fit(
            name,
            trainer,
            x,
            y,
            epochs=epochs,
            validation=validation,
            callbacks=callbacks,
            early_stopping=early_stopping,
            probe_every=probe_every,
            every_step=every_step,
        )

    def fit(
        self,
        name: str,
        trainer: Trainer,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        every_step: bool = False,
        **how: Any,
    ) -> Course:
        """Let a Trainer of one's own learn, as `Trainer.fit` does; raises as `train` does."""
        self.tell(name)
        with warnings.catch_warnings():
            # What fails here fails on purpose.
            warnings.simplefilter("ignore", RuntimeWarning)
            run = trainer.fit(x, y, **how)
        self._count(run)
        self.last_run = run
        return course_of(name, run, every_step=every_step)

    def _count(self, run: Run) -> None:
        if run.ending.cause is Cause.INTERRUPTED:
            raise KeyboardInterrupt(*_signal(run))
        self.updates += run.updates
        self.trainings += 1


def _signal(run: Run) -> tuple[int, ...]:
    """Return the number of the signal that ended a run, where it is known."""
    number = run.ending.facts.get("signal")
    return (int(number),) if isinstance(number, int) else ()
