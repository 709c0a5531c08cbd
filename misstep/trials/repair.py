"""`repair`: rounds of remedies, each kept only when it measurably helps.

Diagnoses a run, tries remedies beside an unchanged control and a random remedy, trains anew with
what was proven, and looks again, since some runs have two faults. The first run stays as it is.
Begin here, then read `rounds.py`, `remedy.py` and any file of `remedies/`. Prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from misstep.doctor import Diagnosis, examine
from misstep.errors import NotFittedError
from misstep.record import Record
from misstep.text.repairs import repair_words
from misstep.train import EarlyStopping, Progress, Run, Trainer
from misstep.trials.benches import Benches
from misstep.trials.probing import setting_of
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.rounds import ArmResult, Budget, Round, Verdict, play_round
from misstep.trials.setting import Judged, Setting

EVENT = "repair"
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
    run cost, to compare. `setting`: the run as it is now.
    """

    trainer: Trainer
    run: Run | None
    before: Diagnosis
    after: Diagnosis
    run_updates: int
    run_seconds: float
    setting: Setting
    rounds: list[Round] = field(default_factory=list)

    @property
    def adopted(self) -> list[ArmResult]:
        """Return what was changed, in this order."""
        return [
            one.winner
            for one in self.rounds
            if one.verdict is Verdict.ADOPTED and one.winner is not None
        ]

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
        return any(one.verdict is Verdict.INTERRUPTED for one in self.rounds)

    @property
    def set_aside(self) -> tuple[int, ...]:
        """Return positions of the rows that are not learned from any more, from 0."""
        return tuple(sorted({row for one in self.adopted for row in one.change.set_aside}))

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

    def __str__(self) -> str:
        return repair_words(self.plain())


def repair_case(
    case: Case,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    rounds: int = MOST_ROUNDS,
    seed: int = 0,
    folder_of: Callable[[int], Path] | None = None,
    early_stopping: EarlyStopping | None = None,
    progress: bool | Progress = False,
    remedies: Sequence[Remedy] | None = None,
    on_round: Callable[[Round], None] | None = None,
    on_arm: Callable[[ArmResult], None] | None = None,
    run_seconds: float = math.nan,
) -> Repair:
    """Repair a run; return what was tried, what was adopted, and a trainer that has it.

    `steps`, `seconds`: budgets; without either, `RUNS_PER_ROUND` runs like this one in each round.
    `seed`: of the random remedies. `folder_of`: where the training with what was adopted in a round
    writes its record and checkpoints. `early_stopping`: as the run had it. `on_round`, `on_arm`:
    told as things come. Ctrl-C ends it with what was adopted so far.

    Raises ArgumentError for a budget that is not above 0, MisstepError where too few rows are left
    to judge by.
    """
    if steps is None and seconds is None:
        steps = RUNS_PER_ROUND * rounds * case.setting.taken
    budget = Budget(steps, seconds)
    trained = case.trained if case.trained is not None else case.start
    result = Repair(
        trained, None, case.diagnosis, case.diagnosis, case.setting.taken, run_seconds, case.setting
    )
    for number in range(1, rounds + 1):
        one, benches = play_round(case, number, budget, seed=seed, remedies=remedies, on_arm=on_arm)
        result.rounds.append(one)
        adopted = None
        if one.verdict is Verdict.ADOPTED and one.winner is not None and benches is not None:
            try:
                adopted = _adopt(
                    case,
                    one.winner.change,
                    benches,
                    None if folder_of is None else folder_of(number),
                    early_stopping,
                    progress,
                )
            except KeyboardInterrupt:
                one.verdict = Verdict.INTERRUPTED
        if on_round is not None:
            on_round(one)
        if adopted is None:
            break
        run, case = adopted
        one.updates += case.setting.taken
        budget.spent += case.setting.taken
        assert case.trained is not None
        result.trainer, result.run, result.setting = case.trained, run, case.setting
        result.after = case.diagnosis
        if not run.finished:
            break
    return result


def _adopt(
    case: Case,
    change: Change,
    benches: Benches,
    folder: Path | None,
    early_stopping: EarlyStopping | None,
    progress: bool | Progress,
) -> tuple[Run, Case]:
    """Train with a change, on all rows; return the run, and the case that it is now."""
    trainer = change.trainer.continued() if change.goes_on else change.trainer.variant()
    rows = change.rows or case.setting.rows
    held = case.setting.validation
    updates = change.updates or case.setting.taken
    per_epoch = -(-_batches(trainer, len(rows)) // trainer.accumulate)
    keeps_best = case.keeps_best if change.keeps_best is None else change.keeps_best
    epochs = max(1, round(updates / per_epoch))
    stopping = None
    if held is not None and keeps_best:
        patience = epochs if early_stopping is None else early_stopping.patience
        stopping = EarlyStopping(patience, restore_best=True)
    trainer.names, trainer.preparation = case.start.names, case.start.preparation
    run = trainer.fit(
        rows.x,
        rows.y,
        sample_weight=rows.weights,
        epochs=epochs,
        validation=None if held is None else (held.x, held.y, held.weights),
        early_stopping=stopping,
        folder=folder,
        progress=progress,
    )
    record = run.record
    assert record is not None
    answers = case.setting.rows if change.rows is None else change.rows
    setting = _next_setting(case, trainer, answers, run)
    return run, Case(setting, record, examine(record), trainer, keeps_best)


def _next_setting(case: Case, trainer: Trainer, rows: Judged, run: Run) -> Setting:
    before = case.setting
    start = trainer.variant()
    return Setting(
        start,
        rows,
        before.validation,
        planned=max(run.updates, 1),
        taken=max(run.updates, 1),
        final=run.losses[-1] if run.losses else math.nan,
        budget=before.budget,
    )


def _batches(trainer: Trainer, rows: int) -> int:
    size = rows if trainer.batch_size == "full" else int(trainer.batch_size)
    return -(-rows * trainer.repeats_per_epoch // size)


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

    Raises what `Trainer.fit` raises.
    """
    setting = setting_of(record, trainer, x, y, sample_weight, validation)
    trained = trainer if trainer.state is not None else None
    return Case(setting, record, examine(record), trained, keeps_best)


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
