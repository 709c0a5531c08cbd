"""How to train on recorded sequences when people leave it to us.

Several convolutional networks of different reach look at a sequence and vote; each pools over time
and has a linear path from a plain summary beside it. Chosen by cross-validation on the training
rows of small sets (40 and 251 sequences), where an LSTM alone is far behind.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from misstep.data import Target
from misstep.errors import ShapeError
from misstep.modeling.recipes.recipe import (
    LEARNING_RATE,
    Recipe,
    RecipeMaker,
    choose_optimizer,
    default_batch_size,
    tell_batch_size,
    tell_epochs,
    tell_loss,
    whole_network,
)
from misstep.modeling.settings import Choices, Settings
from misstep.nn import (
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    Module,
    Network,
    Parallel,
    ReLU,
    Sequential,
    Steps,
    TemporalPooling,
    TemporalSummary,
)
from misstep.optim import Cosine

# Steps that the three convolutions of each voter see at once. On 251 sequences, voters of different
# reach had a cross-validated loss of 0.18, three alike 0.21, one alone 0.25; accuracy 0.944, 0.940
# and 0.924.
REACHES = ((7, 5, 3), (11, 7, 5), (5, 3, 3))
# Filters of each convolution, below and from MANY_ROWS sequences.
FILTERS, FILTERS_FOR_MANY = 16, 32
MANY_ROWS = 1000
# Pooling over the whole, its halves and its quarters tells roughly when something was (accuracy
# 0.918 against 0.898 over the whole alone).
PIECES = (1, 2, 4)
# Of the standardized channels: 0.3 and 0.2 did alike, 0.1 and none had a larger loss.
NOISE = 0.2
DROPOUT = 0.5
# Passes over small sets: 100 did no better than 60. Larger sets need fewer for as many updates, and
# validation rows enough to stop by.
MOST_EPOCHS, FEWEST_EPOCHS = 60, 15
UPDATES = 2_000


def sequence_recipe(steps: int, channels: int) -> RecipeMaker:
    """Return what makes the recipe for sequences of at most `steps` steps of `channels` numbers."""
    return partial(_recipe, shape=(steps, channels))


def _recipe(
    rows: int,
    features: int,
    target: Target,
    settings: Settings,
    choices: Choices,
    shape: tuple[int, int],
) -> Recipe:
    loss, outputs = tell_loss(target, choices)
    module = _said(settings, features, outputs, choices, shape)
    if module is None:
        module = voters(shape, outputs, FILTERS if rows < MANY_ROWS else FILTERS_FOR_MANY)
        reaches = ", ".join(str(sum(one) - len(one) + 1) for one in REACHES)
        choices.add(
            "network",
            f"{len(REACHES)} convolutional networks that vote; they see {reaches} steps at once",
            f"what happens matters more than when: convolution and pooling learn from "
            f"{rows:,} sequences what a recurrent network would need many more for",
        )
        choices.add(
            "noise",
            f"{NOISE:g} deviations on each channel, drawn anew at each update",
            "it keeps a small set from being learned by heart",
        )
    batch = tell_batch_size(settings, default_batch_size(rows), rows, choices)
    rate = settings.learning_rate or LEARNING_RATE
    because = "a falling rate settles the weights"
    if settings.learning_rate is not None:
        because = "you chose the learning rate"
    choices.add("optimizer", f"AdamW, learning rate {rate:g} falling along half a cosine", because)
    default = int(np.clip(round(UPDATES * batch / max(rows, 1)), FEWEST_EPOCHS, MOST_EPOCHS))
    keeps_last = rows < MANY_ROWS and settings.patience is None
    epochs, patience = tell_epochs(settings, default, rows, batch, choices, keeps_last)
    return Recipe(
        module,
        loss,
        choose_optimizer(rate),
        Cosine(0.01),
        batch,
        epochs,
        patience,
        restore_best=not keeps_last,
    )


def voters(shape: tuple[int, int], outputs: int, filters: int) -> Module:
    """Return the default network for flat rows of sequences of `shape`: steps, channels."""

    def voter(reach: tuple[int, ...]) -> Module:
        convolutions: list[Module] = []
        for size in reach:
            # LayerNorm rather than BatchNorm: batches of 16 short sequences say little about means.
            convolutions += [Conv1D(filters, size, padding="same"), LayerNorm(), ReLU()]
        seen = Sequential(*convolutions, TemporalPooling(PIECES))
        return Sequential(
            Parallel(seen, TemporalSummary()), BatchNorm(), Dropout(DROPOUT), Dense(outputs)
        )

    return Sequential(
        Steps(*shape), GaussianNoise(NOISE), Parallel(*map(voter, REACHES), join="mean")
    )


def _said(
    settings: Settings, features: int, outputs: int, choices: Choices, shape: tuple[int, int]
) -> Module | None:
    """Return the network that a person said, behind Steps if it takes sequences; or None."""
    said = settings.network
    if said is None:
        return None
    whole = isinstance(said, Module)
    module = said if isinstance(said, Module) else Sequential.from_text(said, outputs=outputs)
    try:
        Network(module, (features,))
    except ShapeError:
        layers = module.layers if type(module) is Sequential else (module,)
        module = Sequential(Steps(*shape), *layers)
        Network(module, (features,))  # says what is wrong, if that is not it either
    if whole:
        module = whole_network(module, features, outputs)
    choices.add("network", repr(said) if whole else f"{said}, then {outputs} out", "you chose it")
    return module
