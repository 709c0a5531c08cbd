"""From rows as a network takes them to a model: recipe, training, and going on with more rows.

The command line (by `tasks/`) and the estimators (by `fitting.py`) both learn here. Knows
features and encoded targets, not where they came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from misstep.data import Decision, Preprocessing, Target
from misstep.errors import DataError
from misstep.ir import Array
from misstep.modeling.model import Model
from misstep.modeling.recipes import RecipeMaker, as_loss_wants, check_settings, table_recipe
from misstep.modeling.settings import Choices, Settings
from misstep.nn.losses import Loss
from misstep.optim import ConstantRate
from misstep.train import Run, Snapshots, Trainer


@dataclass(frozen=True)
class Part:
    """Rows as the network takes them: features (rows, features), encoded targets (rows,).

    `weights`: (rows,), or None where all weigh the same.
    """

    features: Array
    target: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.features)

    def picked(self, places: Array) -> Part:
        """Return the rows at `places`, in their order."""
        weights = None if self.weights is None else self.weights[places]
        return Part(self.features[places], self.target[places], weights)

    def for_loss(self, loss: Loss) -> tuple[Any, ...]:
        """Return x, y as `loss` wants it, and weights, as a Trainer takes them."""
        return self.features, as_loss_wants(loss, self.target), self.weights


@dataclass(frozen=True)
class Learned:
    """A model, how its training went, every choice, and the trainer that can go on.

    `judged`: which validation rows the snapshots of the run are about, (rows,).
    """

    model: Model
    run: Run
    trainer: Trainer
    choices: list[Decision]
    judged: Array = field(default_factory=lambda: np.empty(0, np.int64))


def learn(
    train: Part,
    validation: Part | None,
    preprocessing: Preprocessing,
    target: Target,
    settings: Settings,
    choices: Choices,
    choose: RecipeMaker = table_recipe,
) -> Learned:
    """Train on `train` as `settings` and the recipe say; stop by `validation` where there is one.

    `choose`: makes the recipe. Raises ArgumentError for settings that can't be used.
    """
    check_settings(settings)
    train = in_portions(train)
    rows, features = train.features.shape
    recipe = choose(rows, features, target, settings, choices)
    trainer = recipe.trainer(settings.seed, settings.threads)
    x, y, weights = train.for_loss(recipe.loss)
    snapshots = Snapshots()
    run = trainer.fit(
        x,
        y,
        sample_weight=weights,
        epochs=recipe.epochs,
        callbacks=[snapshots],
        validation=None if validation is None else validation.for_loss(recipe.loss),
        early_stopping=None if validation is None else recipe.early_stopping(),
        progress=settings.progress,
        folder=settings.folder,
        resume=settings.resume,
    )
    learned = _learned(trainer, preprocessing, target, run, choices, rows, settings.seed)
    return replace(learned, judged=snapshots.indices)


def begin(
    rows: int,
    features: int,
    target: Target,
    settings: Settings,
    choices: Choices,
    choose: RecipeMaker = table_recipe,
) -> Trainer:
    """Return a trainer for rows that come in parts, of which `rows` come first.

    How many will follow is not known, so there are no epochs and the learning rate stays the same.
    """
    check_settings(settings)
    recipe = choose(rows, features, target, settings, choices)
    choices.made = [one for one in choices.made if one.what not in ("optimizer", "epochs")]
    choices.add(
        "optimizer",
        f"AdamW, learning rate {recipe.optimizer.learning_rate:g} throughout",
        "how many rows will follow is not known",
    )
    return recipe.trainer(settings.seed, settings.threads)


def go_on(
    trainer: Trainer,
    part: Part,
    preprocessing: Preprocessing,
    target: Target,
    settings: Settings,
    choices: Choices,
    rows_before: int = 0,
) -> Learned:
    """Go once through `part` at the full learning rate, weights and optimizer as they stand."""
    part = in_portions(part)
    trainer.schedule = ConstantRate()
    x, y, weights = part.for_loss(trainer.loss)
    run = trainer.fit(x, y, sample_weight=weights, epochs=1, progress=settings.progress)
    rows = rows_before + len(part)
    return _learned(trainer, preprocessing, target, run, choices, rows, settings.seed)


def in_portions(part: Part) -> Part:
    """Return the rows with those that weigh more than the mean dealt in several equal portions.

    The loss of a batch is divided by what the batch weighs, so that one heavy row would drown in
    its batch whatever it weighs, and light rows that meet no heavy one would count too much. In
    portions of at most the mean weight all batches weigh about the same. At most twice the rows;
    rows without weight are left out.
    """
    if part.weights is None:
        return part
    if not part.weights.any():
        raise DataError(
            "the rows to learn from",
            needed="one that weighs more than 0",
            got="none",
            try_="other weights of rows or classes",
        )
    shares = part.weights / part.weights.mean()
    # The tolerance keeps a row of exactly the mean weight in one piece.
    portions = np.ceil(shares * (1 - 1e-9)).astype(np.int64)
    places = np.repeat(np.arange(len(part)), portions)
    weights = shares[places] / portions[places]
    even = bool(np.ptp(weights) <= 1e-9 * weights.max())
    return replace(part.picked(places), weights=None if even else weights)


def _learned(
    trainer: Trainer,
    preprocessing: Preprocessing,
    target: Target,
    run: Run,
    choices: Choices,
    rows: int,
    seed: int,
) -> Learned:
    facts: dict[str, Any] = {
        "rows": rows,
        "epochs": run.epochs,
        "updates": run.updates,
        "batch_size": trainer.batch_size,
        "seed": seed,
        "ended": str(run.ending),
    }
    model = Model(trainer.network, trainer.loss, preprocessing, target, facts)
    return Learned(model, run, trainer, choices.made)
