"""How to train on windows of a series when people leave it to us.

A linear path beside a network: the network learns only what a line leaves over. The numbers were
chosen on the series that `windows_choice.py` names.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from misstep.data import Target
from misstep.data.series.windows import SeriesWindows
from misstep.errors import ShapeError
from misstep.ir import Array
from misstep.modeling.linear_path import LinearPath
from misstep.modeling.recipes.recipe import (
    Recipe,
    RecipeMaker,
    choose_optimizer,
    default_batch_size,
    tell_batch_size,
    tell_epochs,
    whole_network,
)
from misstep.modeling.settings import Choices, Settings
from misstep.nn import Columns, Dense, Module, Network, Reshape, Residual, Sequential
from misstep.nn.initializers import Zeros
from misstep.nn.losses import AbsoluteError
from misstep.optim import Cosine

# Units by rows: a few hundred windows overlap so much that they hold little to learn by heart from.
FEW_ROWS, MANY_ROWS = 1000, 5000
SMALL, MIDDLE, LARGE = "dense16-silu", "dense32-silu", "dense64-silu"
DROPOUT = 0.2
# A path that begins as the best line needs small steps: larger ones lost what the line knew.
LEARNING_RATE = 5e-4
UPDATES = 6000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100


def series_recipe(windows: SeriesWindows) -> RecipeMaker:
    """Return what makes the recipe for rows of `windows`."""

    def recipe(
        rows: int, features: int, target: Target, settings: Settings, choices: Choices
    ) -> Recipe:
        choices.add(
            "loss",
            "AbsoluteError",
            "a single jump does not draw the whole forecast after it, as squared errors would",
        )
        module = _network(windows, rows, features, settings, choices)
        batch = tell_batch_size(settings, default_batch_size(rows), rows, choices)
        rate = settings.learning_rate or LEARNING_RATE
        because = "small steps, since it starts from the best line; falling, so that weights settle"
        if settings.learning_rate is not None:
            because = "you chose the learning rate"
        choices.add(
            "optimizer", f"AdamW, learning rate {rate:g} falling along half a cosine", because
        )
        default = int(np.clip(round(UPDATES * batch / max(rows, 1)), FEWEST_EPOCHS, MOST_EPOCHS))
        epochs, patience = tell_epochs(settings, default, rows, batch, choices)
        optimizer = choose_optimizer(rate)
        return Recipe(module, AbsoluteError(), optimizer, Cosine(0.01), batch, epochs, patience)

    return recipe


def has_linear_path(module: Module) -> bool:
    """Tell whether a network has a linear path beside it that can start from the best line."""
    return isinstance(module, Residual) and isinstance(module.shortcut, Dense)


def starting_arrays(network: Network, path: LinearPath) -> Mapping[str, Array]:
    """Return the arrays of a network in which the linear path is `path` instead of a drawn one."""
    arrays = dict(network.arrays())
    arrays["shortcut.weight"] = path.weight.astype(network.dtype)
    arrays["shortcut.bias"] = path.bias.astype(network.dtype)
    return arrays


def _network(
    windows: SeriesWindows, rows: int, features: int, settings: Settings, choices: Choices
) -> Module:
    """Return the network, as a person said it or for so many rows; tell why."""
    said = settings.network
    if isinstance(said, Module):
        choices.add("network", repr(said), "you chose it")
        return whole_network(said, features, windows.horizon)
    if said is None:
        hidden = SMALL if rows < FEW_ROWS else MIDDLE if rows < MANY_ROWS else LARGE
        described = f"{hidden}-drop{DROPOUT:g}"
        because = (
            f"{rows:,} windows; what a line can say is left to the line, and beyond that a "
            "convolution or a GRU over the window found no more in longer time"
        )
    else:
        described, because = said, "you chose it"
    layers = _over_windows(described, windows, features)
    # The last layer starts at zero, so that training starts from the line alone.
    last = Dense(windows.horizon, initializer=Zeros())
    module = Residual(*layers, last, shortcut=Dense(windows.horizon))
    Network(module, (features,))
    choices.add("network", f"{described} beside a linear path, {windows.horizon} out", because)
    return module


def _over_windows(described: str, windows: SeriesWindows, features: int) -> tuple[Module, ...]:
    """Return the layers of a line; those for sequences get steps × columns of the window."""
    layers = Sequential.from_text(described).layers
    try:
        Network(Sequential(*layers, Dense(1)), (features,))
    except ShapeError:
        columns = len(windows.plan.columns)
        steps = windows.window
        return (Columns(0, steps * columns), Reshape((steps, columns)), *layers)
    return tuple(layers)
