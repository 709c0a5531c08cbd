"""What there is to learn, whichever kind of data it came from; and training, scores and baselines.

Each kind of data has a file beside this one that makes a `Task` of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.data import Decision, Preprocessing, Target
from misstep.ir import one_blas_thread
from misstep.modeling.baselines import Baseline
from misstep.modeling.learning import Part, learn
from misstep.modeling.model import Model
from misstep.modeling.recipes import RecipeMaker
from misstep.modeling.scores import Scores
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.stages import StageReport, stage_report
from misstep.train import Run

# Share of the rows that are set apart to be judged on, when no test rows are given.
TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Trained:
    """What came of training: the model, its run, scores by part, every choice, and notes.

    `metrics`: scores by name: test, validation, and each of the `baselines` that could be fitted.
    `stages`: what was wrong as the network learned; None without validation rows.
    """

    model: Model
    run: Run
    metrics: dict[str, Scores]
    choices: list[Decision]
    notes: list[str]
    seconds: float
    baselines: Sequence[Baseline] = ()
    stages: StageReport | None = None


@dataclass
class Task:
    """Three parts of the data, what turns people's data into them, and how to learn from them.

    `recipe`: makes the recipe. `baselines`: the first is the guess without looking.
    `validation_names`: what each row of the validation part is called, as "row 17".
    """

    train: Part
    validation: Part
    test: Part
    preprocessing: Preprocessing
    target: Target
    recipe: RecipeMaker
    baselines: Sequence[Baseline]
    validation_names: Sequence[str] | None = None


def train(
    task: Task, choices: Choices, notes: list[str], settings: Settings, began: float
) -> Trained:
    """Train on a task and judge what came of it, beside its baselines.

    `notes`: what was noticed so far. `began`: when, as `time.perf_counter` says it.
    """
    validation = task.validation if len(task.validation) else None
    learned = learn(
        task.train, validation, task.preprocessing, task.target, settings, choices, task.recipe
    )
    model = learned.model

    def judged(part: Part) -> Scores:
        return model.judge(model.outputs_of(part.features), part.target)

    metrics = {"test": judged(task.test)}
    if validation is not None:
        metrics["validation"] = judged(validation)
    # On several threads their numbers would depend on how many; and on a busy machine, threads that
    # wait for each other take many times as long.
    with one_blas_thread():
        for baseline in task.baselines:
            found = baseline.score()
            if found is not None:
                metrics[baseline.name] = found
    model.facts |= {"test_rows": len(task.test), "metrics": metrics}
    seconds = time.perf_counter() - began
    stages = stage_report(learned, validation, task.target, task.validation_names)
    return Trained(
        model, learned.run, metrics, choices.made, notes, seconds, task.baselines, stages
    )


def tell_split(
    choices: Choices, things: str, train: int, validation: int, test: int, *, stratified: bool
) -> None:
    """Tell how many rows learn, validate and judge; `things`: what they are called."""
    because = f"a score must come from {things} that training never saw"
    if stratified:
        because += "; each part has the classes in proportion"
    learned = things if train != 1 else things.removesuffix("s")
    choices.add(
        "split",
        f"{train:,} {learned} to learn from, {validation:,} to validate on, "
        f"{test:,} to be judged on",
        because,
    )


def no_rows(features: int) -> Part:
    """Return a part without rows."""
    return Part(np.empty((0, features), "float32"), np.empty(0))
