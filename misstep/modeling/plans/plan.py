"""`Plan`: everything that a training needs besides rows; and `Planner`, which makes one.

A planner takes what a person asked for, or the default of the kind of data with its reason, and
keeps each as a decision. Knows sizes and the target, no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.data import Target, TaskType
from misstep.errors import ArgumentError, MisstepError, ShapeError
from misstep.modeling.decisions import CHOSEN, Decisions
from misstep.modeling.hyperparameters import Domain, Hyperparameter, Integers, Reals
from misstep.modeling.options import Options
from misstep.modeling.plans.candidate import Candidate
from misstep.modeling.plans.unfit_network import unfit_part
from misstep.nn import Module, Network, Reshape, Sequential
from misstep.nn.imported_ends import fitted_imported
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, loss_named
from misstep.offers import ask
from misstep.optim import AdamW, Cosine, Optimizer, Schedule, optimizer_named
from misstep.text.counts import counted
from misstep.train import EarlyStopping, Trainer

# How the name of a file ends that holds a network others made.
IMPORTED = ".onnx"
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
# What a search looks through, on all kinds of data; a rate of 0 would learn nothing.
RATE_SEARCHED = Reals(1e-4, 3e-2, log=True, least=1e-9)
DECAY_SEARCHED = Reals(1e-5, 0.3, log=True)
# Batches from 16 rows to a quarter of all, and how long training is beside its default length.
SMALLEST_SEARCHED, LARGEST_SEARCHED, FEWEST_BATCHES = 16, 512, 4
DURATION_SEARCHED = Reals(0.3, 2.0, log=True, least=1e-3)
# An epoch has about this many updates, in batches from 16 rows (noise helps small tables) to 256
# (larger ones gain no speed).
UPDATES_PER_EPOCH = 100
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
# Epochs without a better validation loss until training stops: a share of all, at least so many.
PATIENCE_SHARE, LEAST_PATIENCE = 0.2, 8
# The learning rate falls along half a cosine to this share of itself.
LAST_SHARE = 0.01
FALLING = "falling along half a cosine"
FALLING_RATE = Cosine(LAST_SHARE)


@dataclass(frozen=True)
class Plan:
    """Everything that training needs besides rows.

    `most_epochs`: where more than `epochs` help and there is time for them, how many at most.
    `repeats_per_epoch`: how often an epoch goes through the rows. `restore_best`: whether the
    weights of the epoch with the best validation are kept. `mixup`: its strength. `candidates`:
    other ways to train that may suit the rows better, worth a trial.
    """

    module: Module
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    epochs: int
    patience: int
    schedule: Schedule = FALLING_RATE
    repeats_per_epoch: int = 1
    restore_best: bool = True
    mixup: float = 0.0
    most_epochs: int = 0
    candidates: Sequence[Candidate] = ()

    def trainer(
        self,
        seed: int,
        threads: int | None,
        network: Network | None = None,
        *,
        shuffle: bool = True,
        shards: int | None = None,
        precision: str = "float32",
    ) -> Trainer:
        """Return a trainer that follows this plan; `network`: its module with first weights.

        `shuffle`: whether each epoch takes the rows in an order of its own. `shards`,
        `precision`: as a Trainer takes them.
        """
        return Trainer(
            self.module if network is None else network,
            loss=self.loss,
            optimizer=self.optimizer,
            schedule=self.schedule,
            batch_size=self.batch_size,
            repeats_per_epoch=self.repeats_per_epoch,
            seed=seed,
            threads=threads,
            mixup=self.mixup,
            shuffle=shuffle,
            shards=shards,
            precision=precision,
        )

    def early_stopping(self) -> EarlyStopping:
        """Return what ends training when validation no longer gets better."""
        return EarlyStopping(self.patience, restore_best=self.restore_best)


@dataclass(frozen=True)
class Planner:
    """Decides on a plan for `rows` training rows of `features` numbers, part by part.

    `in_parts`: whether an unknown number of rows will follow, each learned once: there are no
    epochs then, and the learning rate stays the same. `space`: the hyperparameters that were asked
    for so far, by name. `found`: those that trials found to be better than the plan's own; they
    take the place of its defaults. Its methods raise ArgumentError for options that can't be used,
    ShapeError for a network that does not fit.
    """

    rows: int
    features: int
    target: Target
    options: Options
    decisions: Decisions
    in_parts: bool = False
    space: dict[str, Hyperparameter] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    def hyperparameter(self, name: str, domain: Domain, default: Any) -> Any:
        """Return what a hyperparameter is: what was asked for, or the `default` of the plan.

        Raises ArgumentError for a value that is none of `domain`.
        """
        default = self.found.get(name, default)
        value = (self.options.hyperparameters or {}).get(name, default)
        one = self.space[name] = Hyperparameter.chosen(name, domain, default, value)
        return one.value

    def is_chosen(self, *names: str) -> bool:
        """Tell whether a person, or a search, chose one of these hyperparameters."""
        return any(name in (self.options.hyperparameters or {}) for name in names)

    def loss(self) -> tuple[Loss, int]:
        """Return the loss for the target and the outputs that the network needs."""
        loss, outputs, reason = default_loss(self.target)
        asked = self.options.loss
        if asked is not None:
            loss, reason = loss_named(asked) if isinstance(asked, str) else asked, CHOSEN
            outputs = self._outputs_for(loss)
        self.decisions.add("loss", type(loss).__name__, reason)
        return loss, outputs

    def _outputs_for(self, loss: Loss) -> int:
        """Return the outputs that a loss asks for. Raises ArgumentError where it does not fit."""
        of_classes = loss.target_dtype == "int"
        binary = isinstance(loss, BinaryCrossEntropy)
        if self.target.is_joint and not of_classes and binary != self.target.is_number:
            return self.target.outputs
        joint = self.target.is_joint
        if self.target.is_number and not (of_classes or binary or joint):
            return 1
        if not self.target.is_number and of_classes and not joint:
            return len(self.target.classes)
        # One output tells two classes apart where the loss says what makes it a probability.
        if self.target.task is TaskType.BINARY and type(loss).predict is not Loss.predict:
            return 1
        made_for = "classes" if of_classes else "two classes" if binary else "numbers"
        raise ArgumentError(
            f"the loss {loss.name}",
            needed=f"one for {_TARGETS[self.target.task]}",
            got=f"one for {made_for}",
            try_=_LOSSES[self.target.task],
        )

    def requested_network(
        self, outputs: int, shape: tuple[int, ...] | None = None, front: Module | None = None
    ) -> Module | None:
        """Return the network that a person asked for, as a line or a Module; None where none.

        `shape`: what a row is where it is more than features, as height, width and channels of an
        image; a network that takes rows of that shape gets them behind `front`, by default a
        Reshape.
        """
        asked = self.options.network
        if asked is None:
            return None
        front = Reshape(shape) if front is None and shape is not None else front
        if isinstance(asked, Module):
            self.decisions.add("network", repr(asked), CHOSEN)
            return self.fitting(shaped(asked, self.features, front), outputs)
        if is_imported(asked):
            return self.imported(asked, outputs, shape, front)
        try:
            module = shaped(Sequential.from_text(asked, outputs=outputs), self.features, front)
            Network(module, (self.features,))
        except MisstepError:
            unfit = unfit_part(
                asked, self.features, shape, lambda part: shaped(part, self.features, front)
            )
            if unfit is None:
                raise
            raise unfit from None
        self.decisions.add("network", f"{asked}, then {outputs} out", CHOSEN)
        return module

    def imported(
        self,
        path: str,
        outputs: int,
        shape: tuple[int, ...] | None = None,
        front: Module | None = None,
    ) -> Module:
        """Return the network in an ONNX file, with its numbers, fitted to rows and answers.

        `shape`, `front`: as for `requested_network`. Raises ShapeError for rows of another shape
        than it takes, FileFormatError or NotYetError for a file that can't be read.
        """
        last = self.options.train_last
        network = ask("network of an ONNX file")(path, trainable=True if last is None else last)
        module, changes = fitted_imported(network.module, shape or (self.features,), outputs)
        self.decisions.add("network", f"{path}, {changes}" if changes else path, CHOSEN)
        if last is not None:
            self.decisions.add("trained layers", f"the last {last} of them", CHOSEN)
        return module if front is None else Sequential(front, *layers_of(module))

    def fitting(self, module: Module, outputs: int) -> Module:
        """Return a person's own network if its outputs fit. Raises ShapeError otherwise."""
        shape = Network(module, (self.features,)).output_shape
        if shape != (outputs,):
            raise ShapeError(
                "your network",
                needed=f"{counted(outputs, 'output')} at its end",
                got=f"{shape[0]}" if len(shape) == 1 else f"outputs of shape {shape}",
                try_=f"ms.Dense({outputs}) as its last layer, or the network as a line of text "
                "such as 'dense64-dense32', to which the last layer is added for you",
            )
        return module

    def batch_size(self, default: int | None = None, words: str = "{}") -> int:
        """Return how many rows make a step together; `words`: how that number is told."""
        batch, reason = self.options.batch_size, CHOSEN
        if batch is None:
            default = default or default_batch_size(self.rows)
            most = int(
                np.clip(self.rows // FEWEST_BATCHES, 2 * SMALLEST_SEARCHED, LARGEST_SEARCHED)
            )
            domain = Integers(SMALLEST_SEARCHED, most, log=True)
            batch = int(self.hyperparameter("batch_size", domain, default))
            if not self.is_chosen("batch_size"):
                reason = f"about {counted(-(-self.rows // batch), 'update')} a pass"
        self.decisions.add("batch size", words.format(batch), reason)
        return batch

    def optimizer(
        self,
        learning_rate: float = LEARNING_RATE,
        reason: str = "it works on most tables without tuning; a falling rate settles the weights",
        course: Callable[[str], str] = lambda rate: f"{rate} {FALLING}",
        weight_decay: float = WEIGHT_DECAY,
    ) -> Optimizer:
        """Return the optimizer: AdamW with the learning rate of the first step, or as asked.

        `course`: how the learning rate moves, given itself, in words.
        """
        asked, rate = self.options.optimizer, self.options.learning_rate
        if rate is not None:
            reason = "you chose the learning rate"
        elif asked is None:
            rate = float(self.hyperparameter("learning_rate", RATE_SEARCHED, learning_rate))
            if self.is_chosen("learning_rate"):
                reason = "you chose the learning rate"
        if asked is None:
            decay = self.hyperparameter("weight_decay", DECAY_SEARCHED, weight_decay)
            optimizer: Optimizer = AdamW(rate or learning_rate, weight_decay=float(decay))
        else:
            reason = "you chose the optimizer"
            if isinstance(asked, Optimizer):
                optimizer = asked
            else:
                given = self.options.learning_rate
                optimizer = optimizer_named(asked, **{"learning_rate": given} if given else {})
        shown = course(f"{optimizer.learning_rate:g}")
        if self.options.schedule is not None:
            shown = f"{optimizer.learning_rate:g} by {self.options.schedule!r}, {CHOSEN}"
        if self.in_parts:
            shown = f"{optimizer.learning_rate:g} throughout"
            reason = "how many rows will follow is not known"
        self.decisions.add(
            "optimizer", f"{type(optimizer).__name__}, learning rate {shown}", reason
        )
        return optimizer

    def duration(self, epochs: int) -> int:
        """Return how many epochs there are, `epochs` where nobody chose.

        The hyperparameter is a factor, since the default depends on others, such as the batch size.
        """
        if self.options.epochs:
            return self.options.epochs
        # Where the plan asks for the updates, that says it.
        factor = (
            1.0
            if self.in_parts or "updates" in self.space
            else self.hyperparameter("duration", DURATION_SEARCHED, 1.0)
        )
        return max(round(epochs * factor), 1)

    def epochs(
        self, default: int, rows: int, batch: int, *, keeps_last: bool = False
    ) -> tuple[int, int]:
        """Return how many epochs there are at most, and the patience.

        `rows`: that an epoch goes through. Patience is in epochs: so many without a better
        validation loss end training. `keeps_last`: all epochs are done, and the last one's weights
        kept, unless a patience was asked for.
        """
        options = self.options
        epochs = self.duration(default)
        patience = options.patience or max(LEAST_PATIENCE, round(epochs * PATIENCE_SHARE))
        reason = CHOSEN if options.epochs else f"about {epochs * -(-rows // batch):,} updates"
        choice = str(epochs)
        if keeps_last and options.validation_share and not self.may_stop_early:
            patience = epochs
            choice = f"{epochs}; the weights of the last one are kept"
            reason += "; so few validation rows would choose among epochs by chance"
        elif options.validation_share and patience < epochs:
            choice = f"at most {epochs}; fewer when validation has not got better for {patience}"
        elif options.validation_share:
            choice = f"{epochs}; the weights of the one with the best validation are kept"
        if not self.in_parts:
            self.decisions.add("epochs", choice, reason)
        return epochs, patience

    @property
    def may_stop_early(self) -> bool:
        """Tell whether a person asked for a patience that may end training before its epochs."""
        patience, epochs = self.options.patience, self.options.epochs
        return patience is not None and (epochs is None or patience < epochs)

    def epochs_for(self, updates: int, batch: int, fewest: int, most: int) -> int:
        """Return in how many epochs there are about `updates` updates, from `fewest` to `most`."""
        return int(np.clip(round(updates * batch / max(self.rows, 1)), fewest, most))


_TARGETS = {
    TaskType.NUMBER: "a number",
    TaskType.BINARY: "two classes",
    TaskType.MULTICLASS: "several classes",
    TaskType.NUMBERS: "several numbers",
    TaskType.LABELS: "labels that hold or not",
}
_LOSSES = {
    TaskType.NUMBER: "squared-error or huber",
    TaskType.BINARY: "binary-cross-entropy or cross-entropy",
    TaskType.MULTICLASS: "cross-entropy",
    TaskType.NUMBERS: "squared-error or huber",
    TaskType.LABELS: "binary-cross-entropy",
}


def default_loss(target: Target) -> tuple[Loss, int, str]:
    """Return the loss for a target, the outputs that the network needs, and why."""
    if target.task is TaskType.NUMBERS:
        words = f"{target.outputs} numbers are predicted, each standardized while training"
        return SquaredError(), target.outputs, words
    if target.task is TaskType.LABELS:
        words = f"{target.outputs} labels: one output each through a sigmoid"
        return BinaryCrossEntropy(), target.outputs, words
    if target.is_number:
        return SquaredError(), 1, "a number is predicted, standardized while training"
    if target.task is TaskType.BINARY:
        return BinaryCrossEntropy(), 1, "two classes: one output through a sigmoid"
    count = len(target.classes)
    return CrossEntropy(), count, f"{count} classes: one output each through a softmax"


def default_optimizer(learning_rate: float = LEARNING_RATE) -> Optimizer:
    """Return the optimizer of most plans."""
    return AdamW(learning_rate, weight_decay=WEIGHT_DECAY)


def is_imported(network: str) -> bool:
    """Tell whether what was asked for is the file of a network that others made."""
    return network.lower().endswith(IMPORTED)


def default_batch_size(rows: int) -> int:
    """Return a power of two that makes about a hundred updates of a pass over `rows` rows."""
    power = 2 ** round(np.log2(max(rows / UPDATES_PER_EPOCH, 1)))
    return int(min(LARGEST_BATCH, max(SMALLEST_BATCH, power)))


def shaped(module: Module, features: int, front: Module | None) -> Module:
    """Return a network that takes flat rows: itself, or behind `front`, which gives them shape."""
    if front is None:
        return module
    try:
        Network(module, (features,))
    except ShapeError:
        behind = Sequential(front, *layers_of(module))
        Network(behind, (features,))  # says what is wrong with the shape, if that is not it either
        return behind
    return module


def layers_of(module: Module) -> tuple[Module, ...]:
    """Return the layers of a plain sequence, so that their names stay short; else the module."""
    return module.layers if type(module) is Sequential else (module,)
