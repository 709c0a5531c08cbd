"""`Ledger`: which trials there are, which are begun, by whom, and which are to be begun again.

A study has as many slots as trials were asked for. What is written down in the storage are attempts
at them: a slot whose worker was killed gets another attempt. Of the attempts at a slot that are not
gone, the one with the lowest number counts and all others are refused when they are begun; numbers
are given by the storage, one after the other, so that all workers agree without talking. Whoever
writes the second attempt may do so twice: no slot is lost, and none is run twice to its end.
Knows the storage; no training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from misstep.tuning.doctoring import Curve
from misstep.tuning.presence import Presence
from misstep.tuning.requirement import optuna
from misstep.tuning.result import State, TrialResult

__all__ = ["Attempt", "Ledger"]

# What an attempt says of itself in the storage.
SLOT, START, WORKER, BEAT = "slot", "start", "worker", "beat"
GONE, RESULT, REFUSED = "gone", "result", "refused"
# Seconds after which a worker of another machine counts as gone, when its beat stood still so long.
STALE = 60.0


@dataclass
class Attempt:
    """An attempt at a slot that this worker has begun.

    `trial`: Optuna's. `attempts`: at the slot so far. `given`: values that it begins with.
    """

    slot: int
    trial: Any
    attempts: int
    given: Mapping[str, Any]


@dataclass
class Ledger:
    """The slots of a study, `count` of them. `study`: Optuna's. `me`: who asks."""

    study: Any
    count: int
    me: Presence = field(default_factory=Presence)
    stale: float = STALE
    # When a beat of somebody else was last seen to move, by our own clock.
    _seen: dict[int, tuple[Any, float]] = field(default_factory=dict)

    @property
    def _storage(self) -> Any:
        return self.study._storage

    def _trials(self) -> list[Any]:
        return list(self._storage.get_all_trials(self.study._study_id, deepcopy=False))

    def by_slot(self) -> dict[int, list[Any]]:
        """Return the attempts at each slot, by number; those that were refused aside."""
        slots: dict[int, list[Any]] = {}
        for trial in self._trials():
            if SLOT in trial.user_attrs:
                slots.setdefault(int(trial.user_attrs[SLOT]), []).append(trial)
        return slots

    def open(self, starts: Sequence[Mapping[str, Any]]) -> None:
        """Write down the slots that are not there yet; `starts`: what the first ones begin with."""
        there = self.by_slot()
        for slot in range(self.count):
            if slot not in there:
                self._write(slot, dict(starts[slot]) if slot < len(starts) else {})

    def _write(
        self, slot: int, start: dict[str, Any], drawn: Mapping[str, Any] | None = None
    ) -> None:
        """Write an attempt down; `start`: its values. `drawn`: those of an attempt before."""
        self.study.enqueue_trial({**start, **(drawn or {})}, user_attrs={SLOT: slot, START: start})

    def claim(self, methods: Callable[[int], tuple[Any, Any]] | None = None) -> Attempt | None:
        """Begin the next attempt that waits; None where none does.

        `methods`: returns Optuna's sampler and pruner for a slot; None: Optuna's own choice.
        """
        states = optuna().trial.TrialState
        while True:
            slots = self.by_slot()
            waiting = [
                trial
                for slot, attempts in slots.items()
                if slot < self.count
                for trial in attempts
                if trial.state == states.WAITING
            ]
            if not waiting:
                return None
            for trial in sorted(waiting, key=lambda each: each.user_attrs[SLOT]):
                if self._take(trial):
                    slot = int(trial.user_attrs[SLOT])
                    attempts = self.by_slot()[slot]
                    if self._counts(trial.number, attempts):
                        begun = sum(not _is_refused(each) for each in attempts)
                        sampler, pruner = (None, None) if methods is None else methods(slot)
                        # A study of its own: one that was asked before goes by what it saw then.
                        study = optuna().load_study(
                            study_name=self.study.study_name,
                            storage=self._storage,
                            sampler=sampler,
                            pruner=pruner,
                        )
                        own = optuna().trial.Trial(study, trial._trial_id)
                        return Attempt(slot, own, begun, _given(trial))
                    self._end(trial._trial_id, {REFUSED: True})
                break

    def _take(self, trial: Any) -> bool:
        """Tell whether this worker, and no other, begins an attempt that waits."""
        exceptions = optuna().exceptions
        states = optuna().trial.TrialState
        try:
            taken = self._storage.set_trial_state_values(trial._trial_id, state=states.RUNNING)
        except exceptions.UpdateFinishedTrialError:
            return False
        if taken:
            self._storage.set_trial_user_attr(trial._trial_id, WORKER, self.me.plain())
        return bool(taken)

    @staticmethod
    def _counts(number: int, attempts: Sequence[Any]) -> bool:
        """Tell whether an attempt is the one that counts, or another is."""
        return all(_is_gone(each) for each in attempts if each.number < number)

    def _end(self, trial_id: int, mark: Mapping[str, Any]) -> bool:
        """End an attempt that came to nothing; tell whether it was still going on."""
        states = optuna().trial.TrialState
        try:
            for name, value in mark.items():
                self._storage.set_trial_user_attr(trial_id, name, value)
            return bool(self._storage.set_trial_state_values(trial_id, state=states.FAIL))
        except optuna().exceptions.UpdateFinishedTrialError:
            return False

    def beat(self, attempt: Attempt, count: int) -> None:
        """Show others that an attempt goes on."""
        try:
            self._storage.set_trial_user_attr(attempt.trial._trial_id, BEAT, count)
        except optuna().exceptions.UpdateFinishedTrialError:
            return

    def finish(self, attempt: Attempt, result: TrialResult) -> bool:
        """Write down what came of an attempt; tell whether it counts, and was not given up."""
        states = optuna().trial.TrialState
        ended = {
            State.COMPLETE: states.COMPLETE,
            State.PRUNED: states.PRUNED,
            State.FAILED: states.FAIL,
        }[result.state]
        value = result.validation_loss
        values = [value] if ended != states.FAIL and value == value else None
        if ended == states.COMPLETE and values is None:
            ended = states.FAIL
        trial_id = attempt.trial._trial_id
        try:
            self._storage.set_trial_user_attr(trial_id, RESULT, result.plain())
            self._storage.set_trial_state_values(trial_id, state=ended, values=values)
        except optuna().exceptions.UpdateFinishedTrialError:
            return False
        return True

    def give_up(self, attempt: Attempt) -> None:
        """Leave an attempt that was broken off to whoever comes next."""
        if self._end(attempt.trial._trial_id, {GONE: "given up"}):
            self._renew()

    def rescue(self) -> bool:
        """Give up what workers that are gone had begun; tell whether others are still at work."""
        states = optuna().trial.TrialState
        others = False
        now = time.monotonic()
        for slot, attempts in self.by_slot().items():
            for trial in attempts:
                if slot >= self.count or trial.state != states.RUNNING:
                    continue
                worker = trial.user_attrs.get(WORKER)
                if worker == self.me.plain():
                    continue
                beat = trial.user_attrs.get(BEAT), worker
                before, since = self._seen.get(trial._trial_id, (None, now))
                if before != beat:
                    since = now
                self._seen[trial._trial_id] = beat, since
                gone = self.me.knows_gone(worker) or now - since > self.stale
                if gone:
                    self._end(trial._trial_id, {GONE: "its worker is gone"})
                else:
                    others = True
        return self._renew() or others

    def _renew(self) -> bool:
        """Write another attempt at each slot whose attempts are all gone; tell whether any."""
        any_renewed = False
        for slot, attempts in self.by_slot().items():
            if slot < self.count and all(_is_gone(each) for each in attempts):
                last = max(attempts, key=lambda each: each.number)
                self._write(slot, _given(last), last.params)
                any_renewed = True
        return any_renewed

    def results(self) -> list[TrialResult]:
        """Return what is known of each slot, by number."""
        found = []
        for slot, attempts in sorted(self.by_slot().items()):
            if slot < self.count:
                counted = next((each for each in attempts if not _is_gone(each)), attempts[-1])
                begun = sum(
                    not _is_refused(each) for each in attempts if each.number <= counted.number
                )
                found.append(_result(slot, counted, begun))
        return found

    def curves(self) -> list[Curve]:
        """Return the courses of the trials that were trained to their end."""
        complete = optuna().trial.TrialState.COMPLETE
        return [
            Curve(trial.intermediate_values, float(trial.value), slot == 0)
            for slot, attempts in self.by_slot().items()
            for trial in attempts
            if trial.state == complete
        ]

    @property
    def is_done(self) -> bool:
        """Return whether each slot has come to an end."""
        open_ = (State.WAITING, State.RUNNING)
        return all(result.state not in open_ for result in self.results())


def _given(trial: Any) -> dict[str, Any]:
    """Return the values that an attempt begins with; those that a former one drew are no such."""
    return dict(trial.user_attrs.get(START, {}))


def _is_refused(trial: Any) -> bool:
    return bool(trial.user_attrs.get(REFUSED))


def _is_gone(trial: Any) -> bool:
    """Tell whether an attempt came to nothing, and says nothing about its slot."""
    finished = trial.state == optuna().trial.TrialState.FAIL
    return finished and (GONE in trial.user_attrs or _is_refused(trial))


def _result(slot: int, trial: Any, attempts: int) -> TrialResult:
    states = optuna().trial.TrialState
    told = trial.user_attrs.get(RESULT)
    if told is not None and trial.state.is_finished():
        loss = told["validation_loss"]
        metrics = {
            name: float("nan") if value is None else value
            for name, value in told["metrics"].items()
        }
        return TrialResult(
            slot,
            told["hyperparameters"],
            float("nan") if loss is None else loss,
            metrics,
            State(told["state"]),
            told["because"],
            told["epochs"],
            told["updates"],
            told["seconds"],
            told["by_doctor"],
            attempts,
        )
    state = State.RUNNING if trial.state == states.RUNNING else State.WAITING
    return TrialResult(slot, dict(trial.params), state=state, attempts=attempts)
