"""`repair`: rounds of remedies, each kept only when it measurably helps.

Diagnoses a run, tries remedies beside an unchanged control and a random remedy, trains anew with
what was proven, and looks again, since some runs have two faults. The first run stays as it is.
Begin here, then read `rounds.py`, `remedy.py` and any file of `remedies/`. Prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from misstep.doctor import Diagnosis, Evidence, examine
from misstep.doctor.unfinished import USUAL_BATCH
from misstep.errors import NotFittedError
from misstep.ir.float_errors import with_own_float_errors
from misstep.record import Record
from misstep.text.plain import printable
from misstep.text.repairs import repair_words, summary_words
from misstep.train import Callback, EarlyStopping, Progress, RepairBudget, Run, Trainer
from misstep.train.repairing import stopping_of
from misstep.trials.adoption import adopt
from misstep.trials.benches import unlearned
from misstep.trials.probing import setting_of
from misstep.trials.remedy import Case, Remedy
from misstep.trials.repair_folder import RepairFolder, next_folder
from misstep.trials.rounds import ArmResult, Budget, Round, Verdict, play_round
from misstep.trials.setting import Setting

EVENT = "repair"
# In the origin of what trained with remedies: which, as a list of labels.
REPAIRED = "repaired"
# Some runs have two faults; of a third nobody would believe that it was found by now.
MOST_ROUNDS = 3
# What repair may cost where nobody says: so many runs like this one in each round.
RUNS_PER_ROUND = 25


@dataclass
class Repair:
    """What came of repairing a run.

    `trainer`: with all that was adopted, trained; the one that came in where nothing was. `run`:
    its training, None where nothing was adopted. `rounds`: in their order. `before`, `after`: what
    the doctor says of the first run and of the last. `run_updates`, `run_seconds`: what the first
    run cost, to compare. `rows`: that it learned from. `setting`: the run as it is now. `ended`:
    whether a person ended it between two rounds.
    """

    trainer: Trainer
    run: Run | None
    before: Diagnosis
    after: Diagnosis
    run_updates: int
    run_seconds: float
    setting: Setting
    rows: int
    rounds: list[Round] = field(default_factory=list)
    ended: bool = False

    @property
    def adopted(self) -> list[ArmResult]:
        """Return what was changed, in this order."""
        return [
            one.winner
            for one in self.rounds
            if one.verdict is Verdict.ADOPTED and one.winner is not None
        ]

    @property
    def carried(self) -> list[str]:
        """Return which weights of a changed network begin with the numbers that the run's had.

        By name, sorted: those that all changes of the network that were adopted took over.
        """
        taken_over = [set(one.change.carried) for one in self.adopted if one.change.carried]
        return sorted(set.intersection(*taken_over)) if taken_over else []

    @property
    def updates(self) -> int:
        """Return the updates that all trials and trainings of the repair took."""
        return sum(one.updates for one in self.rounds)

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return sum(one.seconds for one in self.rounds)

    @property
    def interrupted(self) -> bool:
        """Tell whether a person ended it."""
        return self.ended or any(one.verdict is Verdict.INTERRUPTED for one in self.rounds)

    @property
    def set_aside(self) -> tuple[int, ...]:
        """Return positions of the rows that are not learned from any more, from 0."""
        return tuple(sorted(row for rows in self.set_aside_by for row in rows))

    @property
    def set_aside_by(self) -> list[tuple[int, ...]]:
        """Return which rows of the first run each of `adopted` set aside, positions from 0."""
        # A later one counts the rows that earlier ones left.
        left = list(range(self.rows))
        aside = []
        for one in self.adopted:
            gone = {left[row] for row in one.change.set_aside}
            aside.append(tuple(sorted(gone)))
            left = [row for row in left if row not in gone]
        return aside

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "adopted": [
                {
                    "remedy": one.remedy,
                    "label": one.trial.label,
                    "advice": one.change.advice,
                    "options": dict(one.change.options),
                }
                for one in self.adopted
            ],
            "rounds": [one.plain() for one in self.rounds],
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            "run_updates": self.run_updates,
            "run_seconds": round(self.run_seconds, 3),
            "set_aside": list(self.set_aside),
            "before": [one.slug for one in self.before.findings],
            "after": [one.slug for one in self.after.findings],
        }

    def event(self) -> dict[str, Any]:
        """Return the event that the record of the repaired run holds of it."""
        plain = self.plain()
        return {"kind": EVENT, "words": summary_words(plain), "repair": plain}

    def __str__(self) -> str:
        return printable(repair_words(self.plain()))


def repair_case(
    case: Case,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    rounds: int = MOST_ROUNDS,
    seed: int = 0,
    folder_of: Callable[[int], Path] | None = None,
    early_stopping: EarlyStopping | None = None,
    origin: Mapping[str, Any] | None = None,
    progress: bool | Progress = False,
    remedies: Sequence[Remedy] | None = None,
    on_round: Callable[[Round], None] | None = None,
    on_arm: Callable[[ArmResult], None] | None = None,
    on_progress: Callable[[int, float], None] | None = None,
    on_adopted: Callable[[Trainer, Run], None] | None = None,
    run_seconds: float = math.nan,
) -> Repair:
    """Repair a run; return what was tried, what was adopted, and a trainer that has it.

    `steps`, `seconds`: budgets; without either, `RUNS_PER_ROUND` runs in each round that is left,
    as long as the run is by then.
    `seed`: of the random remedies. `folder_of`: where the training with what was adopted in a round
    writes its record and checkpoints. `early_stopping`: as the run had it. `origin`: of the run;
    what trains with a remedy says so in its own. `on_round`, `on_arm`: told as things come;
    `on_progress`: of the round, and the share of its trials that is done; `on_adopted`: of each
    training with what was adopted, once it is whole, before `on_round`. Ctrl-C ends it with what
    was adopted so far; a training that it breaks off is not adopted.

    Raises ArgumentError for a budget that is not above 0, MisstepError where too few rows are left
    to judge by.
    """
    budget = Budget(steps, seconds)
    by_default = steps is None and seconds is None
    trained = case.trained if case.trained is not None else case.start
    result = Repair(
        trained,
        None,
        case.diagnosis,
        case.diagnosis,
        case.evidence.updates or case.setting.taken,
        run_seconds,
        case.setting,
        len(case.setting.rows),
    )
    for number in range(1, rounds + 1):
        if by_default:
            # What was adopted may take longer than the first run did.
            pool = budget.spent + RUNS_PER_ROUND * (rounds - number + 1) * _length(case)
            budget.steps = max(budget.steps or 0, pool)
        told = None if on_progress is None else partial(on_progress, number)
        one, _ = play_round(
            case, number, budget, seed=seed, remedies=remedies, on_arm=on_arm, on_progress=told
        )
        result.rounds.append(one)
        adopted = None
        if one.verdict is Verdict.ADOPTED and one.winner is not None:
            labels = [each.trial.label for each in result.adopted]
            adopted = adopt(
                case,
                one,
                {**(origin or {}), REPAIRED: labels},
                None if folder_of is None else folder_of(number),
                early_stopping,
                progress,
            )
        if adopted is not None:
            run, case, taken, took = adopted
            one.updates += taken
            one.seconds += took
            budget.spent += taken
            assert case.trained is not None
            result.trainer, result.run, result.setting = case.trained, run, case.setting
            result.after = case.diagnosis
        try:
            if on_adopted is not None and adopted is not None:
                on_adopted(result.trainer, adopted[0])
        except KeyboardInterrupt:
            result.ended = True
        if on_round is not None:
            on_round(one)
        if adopted is None or result.ended:
            break
    return result


def _length(case: Case) -> int:
    """Return the updates of a run, as many at least as its epochs have in batches of usual size.

    An update of a large batch costs what several of small ones do.
    """
    return max(case.setting.taken, case.epochs * -(-len(case.setting.rows) // USUAL_BATCH))


def case_of(
    record: Record,
    trainer: Trainer,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    validation: tuple[Any, ...] | None = None,
    *,
    keeps_best: bool = False,
) -> Case:
    """Return the case of a recorded run, which `trainer`, trained, and the rows are those of.

    Validation rows that are copies of training rows are left out. Raises what `Trainer.fit` raises.
    """
    setting = setting_of(record, trainer, x, y, sample_weight, validation)
    setting.validation = unlearned(setting.validation, setting.rows)
    if Evidence(record).failed:
        # Remedies are to go all the way that it did not come to.
        setting.taken = setting.planned
    trained = trainer if trainer.state is not None else None
    return Case(setting, record, examine(record), trained, keeps_best)


def repair_run(
    trainer: Trainer,
    run: Run,
    rows: tuple[Any, Any, Any],
    validation: tuple[Any, ...] | None,
    budget: RepairBudget,
    callbacks: list[Callback],
) -> Repair:
    """Return what comes of repairing a training that has just ended, for `Trainer.fit`.

    `rows`: x, y and weights. `callbacks`: that it had, of which early stopping is had again.
    """
    assert run.record is not None
    keeps_best = validation is not None and any(one.restore_best for one in callbacks)
    case = case_of(
        run.record, trainer, rows[0], rows[1], rows[2], validation, keeps_best=keeps_best
    )
    place = None if run.folder is None else RepairFolder(next_folder(run.folder))
    origin = {**trainer.origin, "repaired_from": None if run.folder is None else str(run.folder)}
    trained: list[int] = []

    def folder_of(number: int) -> Path:
        assert place is not None
        trained.append(number)
        return place.of_round(number)

    def on_adopted(_: Trainer, __: Run) -> None:
        if place is not None:
            place.settle(trained[-1])

    repair = repair_case(
        case,
        steps=budget.steps,
        seconds=None if budget.minutes is None else 60.0 * budget.minutes,
        rounds=budget.rounds,
        seed=budget.seed,
        folder_of=None if place is None else folder_of,
        early_stopping=stopping_of(callbacks),
        origin=origin,
        on_adopted=on_adopted,
        run_seconds=run.seconds,
    )
    if repair.run is not None and place is not None:
        repair.run = replace(repair.run, folder=place.folder)
    return repair


@with_own_float_errors
def repair_trainer(
    trainer: Trainer,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    validation: tuple[Any, ...] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
) -> Repair:
    """Try remedies for what went wrong in the latest training of `trainer`; keep what helps.

    x, y, `sample_weight`, `validation`: what it was fitted on. Remedies that the diagnosis names
    are trained beside an unchanged control and a random remedy, on the same batches; the best one
    is adopted only if it beats the control on validation rows beyond noise. `steps`: updates that
    this may cost in all; `minutes`: of time; without either, some twenty runs like this one in each
    of at most three rounds. Without validation rows a fifth of the rows is not learned from until
    the remedy is chosen. The trainer stays as it is: `Repair.trainer` is another one, trained with
    all that was adopted, and the trainer itself where nothing was.

    Raises NotFittedError for a Trainer that was not fitted, or not watched, and what `fit` raises.

    >>> import misstep as ms
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 120)[:, None]
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1e-6))
    >>> run = trainer.fit(x[::2], 2 * x[::2], validation=(x[1::2], 2 * x[1::2]), epochs=30)
    >>> repair = ms.repair(trainer, x[::2], 2 * x[::2], validation=(x[1::2], 2 * x[1::2]))
    >>> repair.trainer.evaluate(x, 2 * x)["loss"] < trainer.evaluate(x, 2 * x)["loss"] / 10
    True
    """
    run = trainer.last_run
    if run is None or run.record is None:
        raise NotFittedError(
            "repairing a Trainer",
            needed="a training that was watched",
            got="none" if run is None else "one with watch=False",
            try_="trainer.fit(x, y), and the same rows here",
        )
    keeps_best = run.best_epoch is not None
    case = case_of(run.record, trainer, x, y, sample_weight, validation, keeps_best=keeps_best)
    return repair_case(
        case,
        steps=steps,
        seconds=None if minutes is None else 60.0 * minutes,
        seed=seed,
        run_seconds=run.seconds,
    )
