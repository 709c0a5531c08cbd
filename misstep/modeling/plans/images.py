"""How to train on images when people leave it to us: a small residual network with augmentation.

The network follows He and others ("Deep residual learning", 2016), made narrow enough for a
processor: its size follows from how many operations a few minutes have. The numbers were chosen on
images of digits, clothes, things and animals, on rows that were not for the test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from misstep.data import FlipInvariance
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Integers, Reals
from misstep.modeling.plans.augmentation import NONE, decide_augmentation
from misstep.modeling.plans.plan import Plan, Planner
from misstep.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    ImportedGraph,
    MaxPool2D,
    Module,
    Network,
    ReLU,
    Reshape,
    Residual,
    Sequential,
)
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss
from misstep.optim import EarlyDecay, OneCycle, Schedule
from misstep.text.counts import counted, plural

# Operations of a whole training, a multiply-add counted as two: some four minutes of two cores at
# 100 thousand million a second each.
BUDGET = 5e13
# Forward, and backward by data and by weights.
PASSES = 3
# Channels of the first convolution, the widest first; each halving of the image doubles them.
WIDTHS = (32, 24, 16, 8)
# With few images more are no help: having learned from 700 cats and dogs, networks of 16, 24 and
# 32 filters know 77, 82 and 78 % of others.
WIDEST_FOR_FEW = 24
# Images that should be seen in all, counting each every time, before a wider network pays. MNIST
# is known to 99.4 % after 160,000, CIFAR-10 still gets better after 300,000.
WANTED_IMAGES = 450_000
FEWEST_EPOCHS, MOST_EPOCHS = 8, 120
# The last stage has at least this many pixels a side.
SMALLEST_SIDE = 4
# From this side on the first convolution goes two pixels at a time: half the side, a quarter of the
# work.
LARGE_SIDE = 48
LARGEST_STAGE_SIDE = 8
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 5e-2
BATCH, SMALL_BATCH, FEW_IMAGES = 64, 32, 5000
# How images are changed, as words of `augmentation.py`: few ones are seen so often that they
# would be learned by heart unless they look different each time.
MANY_WORDS, FEW_WORDS = "flip-shift", "flip-shift-brightness-contrast-cutout"
WORDS_OF_DRAWINGS = "shift"
# The rate rises over this share of the training, then falls along half a cosine.
RISE = 0.1
# What is left to learn, as a share of what guessing leaves, below which the rate begins to fall:
# 3,000 digits come to that in epoch 31 of 120, clothes, cats and dogs never while it is high.
# Who learned 1,500 digits then knows 9,895 of 10,000 others after 66 epochs, 9,907 after all 120;
# with a share of 0.02 it is 9,893 after 60, with 0.03 9,882 after 46.
LEARNED_SHARE = 0.015
# Shorter plans have no epochs to spare.
FEWEST_TO_SHORTEN = 30
# Of each answer, as Szegedy and others (2016) have it.
SMOOTHING = 0.1
# What a search looks through.
WIDTH_SEARCHED = Integers(4, 64, log=True)
SMOOTHING_SEARCHED = Reals(0.0, 0.2)
WORDS_SEARCHED = (NONE, "shift", "shift-cutout", "shift-mixup")
WORDS_SEARCHED_FOR_PHOTOGRAPHS = (MANY_WORDS, "flip-shift-cutout", f"{MANY_WORDS}-mixup", FEW_WORDS)


def plan_images(planner: Planner, shape: tuple[int, int, int], flips: FlipInvariance) -> Plan:
    """Return how to train on flat rows of images of `shape`: height, width, channels.

    `flips`: whether they may be mirrored. Raises ArgumentError for options that can't be used,
    ShapeError for a network that does not fit.
    """
    rows, decisions = planner.rows, planner.decisions
    loss, outputs = planner.loss()
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        share = planner.hyperparameter("smoothing", SMOOTHING_SEARCHED, SMOOTHING)
        loss = replace(loss, smoothing=share)
        decisions.add(
            "smoothing",
            f"{share:.0%} of each answer is shared out among the classes",
            CHOSEN
            if planner.is_chosen("smoothing")
            else "nothing should be learned to be certain; the loss then never falls to 0",
        )
    module = planner.requested_network(outputs, shape)
    changes, mixup = _augmentation(planner, module, min(shape[:2]), flips)
    if module is None:
        width, reason = _width(planner, shape, outputs)
        module = Sequential(Reshape(shape), *residual_layers(shape, width, outputs))
        stages = len([layer for layer in module.layers if isinstance(layer, Residual)])
        decisions.add(
            "network",
            f"a residual network: a convolution of {width} filters, "
            f"{counted(stages, 'residual block')} that {plural(stages, 'ends', 'end')} with "
            f"{width * 2**stages}, mean over all places, {outputs} out",
            reason,
        )
    operations = operations_of(module, planner.features)
    module = behind(module, shape, changes)
    batch = planner.batch_size(image_batch_size(rows))
    optimizer = planner.optimizer(
        LEARNING_RATE,
        "it works on most images without tuning; a falling rate settles the weights",
        lambda rate: f"rising to {rate}, then falling along half a cosine",
        WEIGHT_DECAY,
    )
    default = affordable_epochs(rows, operations)
    learned = None if mixup else learned_loss(loss, outputs)
    if default < FEWEST_TO_SHORTEN or planner.options.epochs or planner.options.patience:
        learned = None
    schedule: Schedule = OneCycle(RISE) if learned is None else EarlyDecay(learned, RISE)
    epochs, patience, restore_best = _epochs(planner, default, learned)
    return Plan(
        module,
        loss,
        optimizer,
        batch,
        epochs,
        patience,
        schedule,
        restore_best=restore_best,
        mixup=mixup,
        most_epochs=wanted_epochs(rows),
    )


def _augmentation(
    planner: Planner, requested: Module | None, side: int, flips: FlipInvariance
) -> tuple[list[Module], float]:
    """Return the layers that change images, and the strength of mixup.

    `requested`: a person's own network. Without convolutions it would have to learn each shift
    anew.
    """
    if (
        requested is not None
        and planner.options.augment is None
        and not _has_convolution(requested)
    ):
        planner.decisions.add(
            "augmentation",
            NONE,
            "a network without convolutions would have to learn each shift of an image anew",
        )
        return [], 0.0
    default = MANY_WORDS if planner.rows >= FEW_IMAGES else FEW_WORDS
    default = default if flips.allowed else WORDS_OF_DRAWINGS
    words = WORDS_SEARCHED_FOR_PHOTOGRAPHS if flips.allowed else WORDS_SEARCHED
    return decide_augmentation(planner, default, flips, side, words)


def _width(planner: Planner, shape: tuple[int, int, int], outputs: int) -> tuple[int, str]:
    """Return the filters of the first convolution, and why so many."""
    default, reason = default_width(planner.rows, shape, outputs)
    width = int(planner.hyperparameter("width", WIDTH_SEARCHED, default))
    return width, CHOSEN if planner.is_chosen("width") else reason


def _has_convolution(module: Module) -> bool:
    """Tell whether a network has a convolution in it."""
    if isinstance(module, ImportedGraph):
        return "Conv" in module.operators
    return isinstance(module, Conv2D) or any(
        _has_convolution(child) for _, child in module.children()
    )


def learned_loss(loss: Loss, outputs: int) -> float | None:
    """Return the training loss at which all but `LEARNED_SHARE` of a guess's excess is learned.

    The excess is over the least loss there is, which smoothing makes larger than 0. None for losses
    that it is not known of.
    """
    if not isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        return None
    classes = max(outputs, 2)
    others = loss.smoothing / classes
    shares = np.array([1 - loss.smoothing + others, *[others] * (classes - 1)])
    least = -float(np.sum(shares * np.log(np.maximum(shares, np.finfo("float64").tiny))))
    return least + LEARNED_SHARE * (float(np.log(classes)) - least)


def _epochs(planner: Planner, default: int, learned: float | None) -> tuple[int, int, bool]:
    """Return how many epochs there are, the patience, and whether the best weights are kept.

    `learned`: the training loss that ends training early, if one does.
    """
    options = planner.options
    epochs = planner.duration(default)
    patience = options.patience or epochs
    choice, reason = str(epochs), CHOSEN
    if patience < epochs:
        choice = f"at most {epochs}; fewer when validation has not got better for {patience}"
    else:
        # Few validation images can't tell one epoch from the next.
        choice += "; the last weights are kept"
        if options.epochs is None:
            reason = "the weights are best at the end, when the learning rate has fallen"
        if learned is not None:
            choice = f"at most {epochs}; the last weights are kept"
            reason += (
                f"; once the training loss is below {learned:.4g}, all but "
                f"{100 * LEARNED_SHARE:g}% of what a guess lacks is learned, and it falls in as "
                "many epochs as went before"
            )
    if not planner.in_parts:
        planner.decisions.add("epochs", choice, reason)
    return epochs, patience, patience < epochs


def image_batch_size(rows: int) -> int:
    """Return how many images make a step together."""
    return BATCH if rows >= FEW_IMAGES else SMALL_BATCH


def default_width(rows: int, shape: tuple[int, int, int], outputs: int) -> tuple[int, str]:
    """Return the filters of the first convolution, and why so many."""
    features = int(np.prod(shape))
    widths = [width for width in WIDTHS if rows >= FEW_IMAGES or width <= WIDEST_FOR_FEW]
    for width in widths:
        layers = Sequential(Reshape(shape), *residual_layers(shape, width, outputs))
        operations = operations_of(layers, features)
        if _passes(rows, operations) >= wanted_epochs(rows):
            break
    return width, (
        f"{operations / 1e6:.1f} million multiply-adds an image, so that {rows:,} images are "
        "learned in minutes"
    )


def operations_of(module: Module, features: int) -> int:
    """Return the multiply-adds of a row."""
    return sum(Network(module, (features,)).operations.values())


def wanted_epochs(rows: int) -> int:
    """Return how often all images should be seen before a wider network pays."""
    return int(np.clip(WANTED_IMAGES // max(rows, 1), FEWEST_EPOCHS, MOST_EPOCHS))


def affordable_epochs(rows: int, operations: int) -> int:
    """Return how often all images are gone through: as wanted, or what the budget has."""
    return max(1, min(wanted_epochs(rows), _passes(rows, operations)))


def _passes(rows: int, operations: int) -> int:
    return int(BUDGET // max(2 * PASSES * operations * rows, 1))


def residual_layers(shape: tuple[int, int, int], width: int, outputs: int) -> list[Module]:
    """Return the layers for images of `shape`, behind a Reshape.

    A convolution; then, while the sides are longer than `LARGEST_STAGE_SIDE`, pooling that halves
    them and a residual block with twice the channels; then the mean over all places.
    """
    side = min(shape[:2])
    stride = 2 if side >= LARGE_SIDE else 1
    layers: list[Module] = [*_normal(width, 3, stride), ReLU()]
    side, channels = -(-side // stride), width
    while side > LARGEST_STAGE_SIDE or channels == width:
        if side >= 2 * SMALLEST_SIDE:
            layers.append(MaxPool2D(2))
            side //= 2
        channels *= 2
        layers += [
            Residual(
                *_normal(channels),
                ReLU(),
                *_normal(channels),
                shortcut=Sequential(*_normal(channels, 1)),
            ),
            ReLU(),
        ]
    return [*layers, GlobalAveragePool2D(), Dense(outputs)]


def behind(module: Module, shape: tuple[int, int, int], changes: list[Module]) -> Module:
    """Return a network that gets its images changed at random in training."""
    if not changes:
        return module
    if type(module) is Sequential and isinstance(module.layers[0], Reshape):
        first, *others = module.layers
        return Sequential(first, *changes, *others)
    features = int(np.prod(shape))
    return Sequential(Reshape(shape), *changes, Reshape((features,)), module)


def _normal(channels: int, kernel: int = 3, stride: int = 1) -> list[Module]:
    # Without biases: the normalization would take them away.
    padding = kernel // 2
    return [Conv2D(channels, kernel, stride=stride, padding=padding, bias=False), BatchNorm()]
