"""What all recipes share: the recipe itself, loss, network, batch size and epochs.

Each function takes what a person said, or the kind's default with its because, and tells the
choice. Knows sizes and the kind of target, no rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from misstep.data import Target, TaskType
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array
from misstep.modeling.settings import Choices, Settings
from misstep.nn import Module, Network, Reshape, Sequential
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from misstep.optim import AdamW, Optimizer, Schedule
from misstep.text.counts import counted, plural
from misstep.train import EarlyStopping, Trainer

LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
# An epoch has about this many updates, in batches from 16 rows (noise helps small tables) to 256
# (larger ones gain no speed).
UPDATES_PER_EPOCH = 100
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
# Epochs without a better validation loss until training stops: a share of all, at least so many.
PATIENCE_SHARE, LEAST_PATIENCE = 0.2, 8


@dataclass(frozen=True)
class Recipe:
    """Everything that training needs besides rows.

    `passes`: how often an epoch goes through the rows. `restore_best`: whether the weights of the
    epoch with the best validation are kept. `mixup`: its strength.
    """

    module: Module
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    epochs: int
    patience: int
    passes: int = 1
    restore_best: bool = True
    mixup: float = 0.0

    def trainer(self, seed: int, threads: int | None, network: Network | None = None) -> Trainer:
        """Return a trainer that follows this recipe; `network`: its module with first weights."""
        return Trainer(
            self.module if network is None else network,
            loss=self.loss,
            optimizer=self.optimizer,
            schedule=self.schedule,
            batch_size=self.batch_size,
            passes=self.passes,
            seed=seed,
            threads=threads,
            mixup=self.mixup,
        )

    def early_stopping(self) -> EarlyStopping:
        """Return what ends training when validation no longer gets better."""
        return EarlyStopping(self.patience, restore_best=self.restore_best)


# Takes the numbers of rows and of features, what is predicted, what a person said, and the choices
# to tell. Raises ArgumentError for settings that can't be used, ShapeError for a network that does
# not fit.
RecipeMaker = Callable[[int, int, Target, Settings, Choices], Recipe]


def tell_loss(target: Target, choices: Choices) -> tuple[Loss, int]:
    """Return the loss for a target and the outputs that the network needs; tell why."""
    loss, outputs, because = choose_loss(target)
    choices.add("loss", type(loss).__name__, because)
    return loss, outputs


def choose_loss(target: Target) -> tuple[Loss, int, str]:
    """Return the loss for a target, the outputs that the network needs, and why."""
    if target.is_number:
        return SquaredError(), 1, "a number is predicted, standardized while training"
    if target.task is TaskType.BINARY:
        return BinaryCrossEntropy(), 1, "two classes: one output through a sigmoid"
    count = len(target.classes)
    return CrossEntropy(), count, f"{count} classes: one output each through a softmax"


def said_network(
    settings: Settings,
    features: int,
    outputs: int,
    choices: Choices,
    shape: tuple[int, ...] | None = None,
) -> Module | None:
    """Return the network that a person said, as a line or as a Module; None where nobody said any.

    `shape`: what a row is where it is more than features, as height, width and channels of an
    image; a network that takes rows of that shape gets them behind a Reshape. Raises ShapeError
    for a network that does not fit, ArgumentError for a line with unknown words.
    """
    said = settings.network
    if said is None:
        return None
    if isinstance(said, Module):
        module = whole_network(shaped(said, features, shape), features, outputs)
        choices.add("network", repr(module), "you chose it")
        return module
    module = shaped(Sequential.from_text(said, outputs=outputs), features, shape)
    choices.add("network", f"{said}, then {outputs} out", "you chose it")
    return module


def shaped(module: Module, features: int, shape: tuple[int, ...] | None) -> Module:
    """Return a network that takes flat rows: itself, or behind what gives them their `shape`."""
    if shape is None:
        return module
    try:
        Network(module, (features,))
    except ShapeError:
        layers = module.layers if type(module) is Sequential else (module,)
        found = Sequential(Reshape(shape), *layers)
        Network(found, (features,))  # says what is wrong with the shape, if that is not it either
        return found
    return module


def whole_network(module: Module, features: int, outputs: int) -> Module:
    """Return a person's own network if its outputs fit. Raises ShapeError otherwise."""
    found = Network(module, (features,)).output_shape
    if found != (outputs,):
        raise ShapeError(
            "your network",
            needed=f"{outputs} {plural(outputs, 'output')} at its end",
            got=f"{found[0]}" if len(found) == 1 else f"outputs of shape {found}",
            try_=f"ms.Dense({outputs}) as its last layer, or the network as a line of text such as "
            "'dense64-dense32', to which the last layer is added for you",
        )
    return module


def tell_batch_size(settings: Settings, default: int, rows: int, choices: Choices) -> int:
    """Return how many rows make a step together; tell why."""
    batch = settings.batch_size or default
    because = "you chose it" if settings.batch_size else updates_a_pass(-(-rows // batch))
    choices.add("batch size", batch, because)
    return batch


def updates_a_pass(updates: int) -> str:
    """Say how many updates one pass over the rows makes."""
    return f"about {counted(updates, 'update')} a pass"


def tell_epochs(
    settings: Settings,
    default: int,
    rows: int,
    batch: int,
    choices: Choices,
    keeps_last: bool = False,
) -> tuple[int, int]:
    """Return how many epochs there are at most, and the patience; tell why.

    Patience is in epochs: so many without a better validation loss end training. `keeps_last`: all
    epochs are done, and the last one's weights kept, unless a patience was said.
    """
    epochs = settings.epochs or default
    patience = settings.patience or max(LEAST_PATIENCE, round(epochs * PATIENCE_SHARE))
    because = "you chose it" if settings.epochs else f"about {epochs * -(-rows // batch):,} updates"
    said = str(epochs)
    if keeps_last and settings.validation_fraction and settings.patience is None:
        patience = epochs
        said = f"{epochs}; the weights of the last one are kept"
        because += "; so few validation rows would choose among epochs by chance"
    elif settings.validation_fraction and patience < epochs:
        said = f"at most {epochs}; fewer when validation has not got better for {patience}"
    elif settings.validation_fraction:
        said = f"{epochs}; the weights of the one with the best validation are kept"
    choices.add("epochs", said, because)
    return epochs, patience


def choose_optimizer(rate: float = LEARNING_RATE) -> Optimizer:
    """Return the optimizer, with the learning rate that it starts with."""
    return AdamW(rate, weight_decay=WEIGHT_DECAY)


def default_batch_size(rows: int) -> int:
    """Return a power of two that makes about a hundred updates of a pass over `rows` rows."""
    wished = 2 ** round(np.log2(max(rows / UPDATES_PER_EPOCH, 1)))
    return int(min(LARGEST_BATCH, max(SMALLEST_BATCH, wished)))


def as_loss_wants(loss: Loss, encoded: Array) -> Array:
    """Return an encoded target, (rows,) or (rows, outputs), in the shape and kind of `loss`."""
    if loss.target_kind == "int":
        return encoded.reshape(-1).astype("int64")
    return encoded.reshape(len(encoded), -1).astype("float32")


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
