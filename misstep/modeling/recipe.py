"""How to train when people leave it to us: loss, network, batch size, optimizer, epochs.

One place for the command line and the estimators. Knows sizes and the kind of target, no rows.
The numbers were chosen by trying them on the tables of the benchmarks, not by theory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.data import Target
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array
from misstep.modeling.settings import Choices, Settings
from misstep.nn import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    Module,
    Network,
    Reshape,
    Sequential,
    SquaredError,
)
from misstep.optim import AdamW, Cosine, Optimizer, Schedule
from misstep.train import EarlyStopping, Trainer

# Rows below which a table counts as small: larger networks then learn it by heart.
FEW_ROWS = 1000
SMALL_NETWORK = "dense32-relu-dense16-relu"
LARGE_NETWORK = "dense128-silu-drop0.05-dense128-silu-drop0.05"
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
# An epoch has about this many updates, in batches from 16 rows (noise helps small tables) to 256
# (larger ones gain no speed).
UPDATES_PER_EPOCH = 100
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
# Weight updates in all, within the bounds below on epochs. Many rows with classes are learned by
# heart long before a number is learned well, and only a learning rate that has fallen to its end
# lets the weights settle.
UPDATES, UPDATES_FOR_MANY_ROWS_WITH_CLASSES = 9_000, 2_500
MANY_ROWS = 10_000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100
# Epochs without a better validation loss until training stops: a share of all, at least so many.
PATIENCE_SHARE, LEAST_PATIENCE = 0.2, 8


@dataclass(frozen=True)
class Recipe:
    """Everything that training needs besides rows."""

    module: Module
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    epochs: int
    patience: int

    def trainer(self, seed: int, threads: int | None) -> Trainer:
        """Return a trainer that follows this recipe."""
        return Trainer(
            self.module, loss=self.loss, optimizer=self.optimizer, schedule=self.schedule,
            batch_size=self.batch_size, seed=seed, threads=threads,
        )  # fmt: skip

    def early_stopping(self) -> EarlyStopping:
        """Return what ends training when validation no longer gets better."""
        return EarlyStopping(self.patience)


def choose_recipe(
    rows: int,
    features: int,
    target: Target,
    settings: Settings,
    choices: Choices,
    picture: tuple[int, ...] | None = None,
) -> Recipe:
    """Return how to train on `rows` rows of `features` features; tell `choices` why.

    `picture`: height, width and channels, where each row is one; a network that looks at pictures
    gets them in that shape, others in one row. Raises ArgumentError for settings that can't be
    used, ShapeError for a network that does not fit.
    """
    check_settings(settings)
    loss, outputs, because = choose_loss(target)
    choices.add("loss", type(loss).__name__, because)
    module: Module
    if isinstance(settings.network, Module):
        module = _for_rows(settings.network, features, picture)
        module = _whole_network(module, features, outputs)
        choices.add("network", repr(module), "you chose it")
    else:
        described, because = settings.network, "you chose it"
        if described is None and rows < FEW_ROWS:
            described = SMALL_NETWORK
            because = f"only {rows:,} rows; a larger network would learn them by heart"
        elif described is None:
            described = LARGE_NETWORK
            because = f"{rows:,} rows of {features} features give room for it"
        module = Sequential.from_text(described, outputs=outputs)
        module = _for_rows(module, features, picture)
        choices.add("network", f"{described}, then {outputs} out", because)
    batch = settings.batch_size or default_batch_size(rows)
    because = "you chose it" if settings.batch_size else f"about {-(-rows // batch)} updates a pass"
    choices.add("batch size", batch, because)
    rate = settings.learning_rate or LEARNING_RATE
    because = "it works on most tables without tuning; a falling rate settles the weights"
    if settings.learning_rate is not None:
        because = "you chose the learning rate"
    choices.add("optimizer", f"AdamW, learning rate {rate:g} falling along half a cosine", because)
    early = rows >= MANY_ROWS and not target.is_number
    updates = UPDATES_FOR_MANY_ROWS_WITH_CLASSES if early else UPDATES
    epochs = settings.epochs or int(
        np.clip(round(updates * batch / max(rows, 1)), FEWEST_EPOCHS, MOST_EPOCHS)
    )
    patience = settings.patience or max(LEAST_PATIENCE, round(epochs * PATIENCE_SHARE))
    because = "you chose it" if settings.epochs else f"about {epochs * -(-rows // batch):,} updates"
    said = str(epochs)
    if settings.validation_fraction and patience < epochs:
        said = f"at most {epochs}; fewer when validation has not got better for {patience}"
    elif settings.validation_fraction:
        said = f"{epochs}; the weights of the one with the best validation are kept"
    choices.add("epochs", said, because)
    return Recipe(module, loss, choose_optimizer(rate), Cosine(0.01), batch, epochs, patience)


def _for_rows(module: Module, features: int, picture: tuple[int, ...] | None) -> Module:
    """Return a network that takes rows: itself, or behind what makes pictures of them."""
    if picture is None:
        return module
    try:
        Network(module, (features,))
    except ShapeError:
        layers = module.layers if type(module) is Sequential else (module,)
        shaped = Sequential(Reshape(picture), *layers)
        Network(shaped, (features,))  # says what is wrong with pictures, if that is not it either
        return shaped
    return module


def _whole_network(module: Module, features: int, outputs: int) -> Module:
    """Return a person's own network if its outputs fit. Raises ShapeError otherwise."""
    found = Network(module, (features,)).output_shape
    if found != (outputs,):
        raise ShapeError(
            "your network", needed=f"{outputs} output{'s' if outputs > 1 else ''} at its end",
            got=f"{found[0]}" if len(found) == 1 else f"outputs of shape {found}",
            try_=f"ms.Dense({outputs}) as its last layer, or the network as a line of text such as "
            "'dense64-dense32', to which the last layer is added for you",
        )  # fmt: skip
    return module


def choose_loss(target: Target) -> tuple[Loss, int, str]:
    """Return the loss for a target, the outputs that the network needs, and why."""
    if target.is_number:
        return SquaredError(), 1, "a number is predicted, standardized while training"
    if target.kind == "two classes":
        return BinaryCrossEntropy(), 1, "two classes: one output through a sigmoid"
    count = len(target.classes)
    return CrossEntropy(), count, f"{count} classes: one output each through a softmax"


def choose_optimizer(rate: float = LEARNING_RATE) -> Optimizer:
    """Return the optimizer, with the learning rate that it starts with."""
    return AdamW(rate, weight_decay=WEIGHT_DECAY)


def default_batch_size(rows: int) -> int:
    """Return a power of two that makes about a hundred updates of a pass over `rows` rows."""
    wished = 2 ** round(np.log2(max(rows / UPDATES_PER_EPOCH, 1)))
    return int(min(LARGEST_BATCH, max(SMALLEST_BATCH, wished)))


def as_loss_wants(loss: Loss, encoded: Array) -> Array:
    """Return an encoded target, (rows,), in the shape and kind that `loss` takes."""
    if loss.target_kind == "int":
        return encoded.reshape(-1).astype("int64")
    return encoded.reshape(-1, 1).astype("float32")


def check_settings(settings: Settings) -> None:
    """Raise ArgumentError for settings that can't be used."""
    for name in ("epochs", "batch_size", "patience", "threads"):
        given = getattr(settings, name)
        if given is not None and not (isinstance(given, int) and given >= 1):
            raise ArgumentError(name.replace("_", " "), needed="1 or more", got=repr(given))
    rate = settings.learning_rate
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise ArgumentError(
            "the learning rate", needed="a number above 0", got=f"{rate:g}", try_="0.001"
        )
    share = settings.validation_fraction
    if not 0 <= share < 1:
        raise ArgumentError(
            "the share of validation rows", needed="0 or more, less than 1", got=f"{share:g}"
        )
    if not 0 <= settings.seed < 2**32:
        raise ArgumentError("the seed", needed="0 to 2**32 - 1", got=str(settings.seed))
