"""`Search`: what one worker does: begins trials as long as there are any, and writes down each.

Knows the ledger and trials; not how many workers there are, nor what comes after.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from misstep.train import Training
from misstep.tuning.doctoring import Doctor
from misstep.tuning.ledger import Attempt, Ledger
from misstep.tuning.methods import pruner_named, sampler_named
from misstep.tuning.problem import Problem
from misstep.tuning.requirement import optuna
from misstep.tuning.result import State, TrialResult
from misstep.tuning.space import Space
from misstep.tuning.trial import BrokenOffError, Ended, Watch, run_trial

__all__ = ["INTERRUPTED", "TIME_OVER", "Search"]

# Seconds between two beats of a trial, and between two looks at what others do.
BEAT, LOOK = 10.0, 0.5
# Why a search was ended before all trials were done.
INTERRUPTED, TIME_OVER = "it was interrupted", "the time was over"


@dataclass
class Search:
    """What one worker does. `sampler`, `pruner`: names, or Optuna's own.

    `deadline`: by `time.monotonic`, when trials are broken off, the default aside; None: never.
    `is_left_alone`: tells whether who wanted the trials is gone. `on_trial`: called with what came
    of each trial, those of other workers too. `interrupted`: whether Ctrl-C ended it.
    """

    problem: Problem
    ledger: Ledger
    space: Space | None
    sampler: Any
    pruner: Any
    seed: int
    trials: int
    deadline: float | None = None
    on_trial: Callable[[TrialResult], None] | None = None
    interrupted: bool = False
    is_left_alone: Callable[[], bool] = lambda: False
    _told: set[int] = field(default_factory=set)

    def run(self) -> str:
        """Take trials until there are none; return why it was ended before, or nothing."""
        try:
            while not self._is_over() or self._lacks_default():
                self.ledger.rescue()
                attempt = self.ledger.claim(self._methods)
                if attempt is None:
                    self._tell()
                    if self.ledger.is_done or not self.ledger.rescue():
                        return ""
                    time.sleep(LOOK)
                    continue
                self._try(attempt)
                self._tell()
        except KeyboardInterrupt:
            self.interrupted = True
            return INTERRUPTED
        return "" if self.ledger.is_done else TIME_OVER

    def _is_over(self) -> bool:
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return late or self.is_left_alone()

    def _lacks_default(self) -> bool:
        """Tell whether nobody has begun the default, which is tried however late it is."""
        if self.is_left_alone():
            return False
        return self.ledger.results()[0].state is State.WAITING

    def _try(self, attempt: Attempt) -> None:
        """Go through a trial, and write down what came of it."""
        is_default = attempt.slot == 0
        finished = threading.Event()
        beating = threading.Thread(target=self._beat, args=(attempt, finished), daemon=True)
        beating.start()
        try:
            result = run_trial(
                self.problem,
                attempt.trial,
                attempt.slot,
                self.space,
                given=attempt.given,
                defaults=self._defaults,
                watches=() if is_default else self._watches(attempt.trial),
                is_over=(lambda: False) if is_default else self._is_over,
                attempts=attempt.attempts,
                is_default=is_default,
            )
        except BrokenOffError:
            self.ledger.give_up(attempt)
            if not self._is_over():
                raise KeyboardInterrupt from None
            return
        except optuna().exceptions.UpdateFinishedTrialError:
            # This process stood still so long that others took it for gone: theirs is the trial.
            return
        except BaseException:
            self.ledger.give_up(attempt)
            raise
        finally:
            finished.set()
            beating.join()
        self.ledger.finish(attempt, result)

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """Return what the default configuration has."""
        return {name: one.value for name, one in self.problem.space_at({}).items()}

    def _beat(self, attempt: Attempt, finished: threading.Event) -> None:
        count = 0
        while not finished.wait(BEAT):
            count += 1
            # One that does not get through, such as while a database starts anew, is a beat less.
            with contextlib.suppress(Exception):
                self.ledger.beat(attempt, count)

    def _watches(self, trial: Any) -> list[Watch]:
        def optunas(training: Training, step: int, curve: Mapping[int, float]) -> Ended | None:
            if not trial.should_prune():
                return None
            return Ended("it was behind most others at the same share of their schedule", False)

        return [Doctor(self.ledger.curves), optunas]

    def _tell(self) -> None:
        """Tell of trials that have come to their end since the last time, by number."""
        for result in self.ledger.results():
            ended = result.state not in ("waiting", "running")
            if ended and result.number not in self._told:
                self._told.add(result.number)
                if self.on_trial is not None:
                    self.on_trial(result)

    def _methods(self, slot: int) -> tuple[Any, Any]:
        """Return the sampler for a slot, and the pruner.

        The sampler is seeded by the slot, so that a search that goes on draws what it would have
        drawn had it never stopped, and workers do not draw the same.
        """
        if self.sampler == "quasi-random":
            # Points of one sequence, which must not begin anew.
            return sampler_named(self.sampler, self.seed, self.trials), pruner_named(self.pruner)
        digits = hashlib.sha256(f"{self.seed}/{slot}".encode()).digest()[:4]
        seed = int.from_bytes(digits, "big")
        return sampler_named(self.sampler, seed, self.trials), pruner_named(self.pruner)
