"""How to train on a table when people leave it to us.

The numbers were chosen by trying them on the tables of the benchmarks, not by theory.
"""

from __future__ import annotations

import numpy as np

from misstep.data import Target
from misstep.modeling.recipes.recipe import (
    LEARNING_RATE,
    Recipe,
    choose_optimizer,
    default_batch_size,
    said_network,
    shaped,
    tell_batch_size,
    tell_epochs,
    tell_loss,
)
from misstep.modeling.settings import Choices, Settings
from misstep.nn import Sequential
from misstep.optim import Cosine

# Rows below which a table counts as small: larger networks then learn it by heart.
FEW_ROWS = 1000
SMALL_NETWORK = "dense32-relu-dense16-relu"
LARGE_NETWORK = "dense128-silu-drop0.05-dense128-silu-drop0.05"
# Weight updates in all, within the bounds below on epochs. Many rows with classes are learned by
# heart long before a number is learned well, and only a learning rate that has fallen to its end
# lets the weights settle.
UPDATES, UPDATES_FOR_MANY_ROWS_WITH_CLASSES = 9_000, 2_500
MANY_ROWS = 10_000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100


def table_recipe(
    rows: int,
    features: int,
    target: Target,
    settings: Settings,
    choices: Choices,
    shape: tuple[int, ...] | None = None,
) -> Recipe:
    """Return how to train on `rows` rows of `features` features; tell `choices` why.

    `shape`: of a row, for a network of a person's own that wants more than features. Raises
    ArgumentError for settings that can't be used, ShapeError for a network that does not fit.
    """
    loss, outputs = tell_loss(target, choices)
    module = said_network(settings, features, outputs, choices, shape)
    if module is None:
        described, because = LARGE_NETWORK, f"{rows:,} rows of {features} features give room for it"
        if rows < FEW_ROWS:
            described = SMALL_NETWORK
            because = f"only {rows:,} rows; a larger network would learn them by heart"
        module = shaped(Sequential.from_text(described, outputs=outputs), features, shape)
        choices.add("network", f"{described}, then {outputs} out", because)
    batch = tell_batch_size(settings, default_batch_size(rows), rows, choices)
    rate = settings.learning_rate or LEARNING_RATE
    because = "it works on most tables without tuning; a falling rate settles the weights"
    if settings.learning_rate is not None:
        because = "you chose the learning rate"
    choices.add("optimizer", f"AdamW, learning rate {rate:g} falling along half a cosine", because)
    early = rows >= MANY_ROWS and not target.is_number
    updates = UPDATES_FOR_MANY_ROWS_WITH_CLASSES if early else UPDATES
    default = int(np.clip(round(updates * batch / max(rows, 1)), FEWEST_EPOCHS, MOST_EPOCHS))
    epochs, patience = tell_epochs(settings, default, rows, batch, choices)
    return Recipe(module, loss, choose_optimizer(rate), Cosine(0.01), batch, epochs, patience)
