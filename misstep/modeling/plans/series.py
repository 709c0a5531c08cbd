"""How to train on windows of a series when people leave it to us.

A linear path beside a network: the network learns only what a line leaves over. The numbers were
chosen on the series that `windows_choice.py` names.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from misstep.data import SeriesWindows
from misstep.errors import ShapeError
from misstep.ir import Array
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Choice, Integers, Reals
from misstep.modeling.plans.plan import Plan, Planner, is_imported
from misstep.modeling.ridge import LinearPath
from misstep.nn import Columns, Dense, Module, Network, Reshape, Residual, Sequential
from misstep.nn.initializers import Zeros
from misstep.nn.losses import AbsoluteError

# Units by rows: a few hundred windows overlap so much that they hold little to learn by heart from.
FEW_ROWS, MANY_ROWS = 1000, 5000
SMALL, MIDDLE, LARGE = 16, 32, 64
DROPOUT = 0.2
# What a search looks through.
UNITS_SEARCHED, DEPTH_SEARCHED = Integers(4, 128, log=True), Integers(1, 3)
DROPOUT_SEARCHED = Reals(0.0, 0.5)
ACTIVATIONS = Choice(("silu", "relu", "gelu", "tanh"))
# The network beside the line sees so many of the newest steps (a week of hours): with all of two
# weeks it took a third longer and was no better on loads, temperatures and bicycles by the hour.
MOST_STEPS_SEEN = 170
# A path that begins as the best line needs small steps: larger ones lost what the line knew.
LEARNING_RATE = 5e-4
UPDATES = 6000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100


def plan_series_network(planner: Planner, windows: SeriesWindows) -> Plan:
    """Return how to train on rows of `windows`.

    Raises ArgumentError for options that can't be used, ShapeError for a network that does not fit.
    """
    planner.decisions.add(
        "loss",
        "AbsoluteError",
        "a single jump does not draw the whole forecast after it, as squared errors would",
    )
    module = _network(planner, windows)
    batch = planner.batch_size()
    optimizer = planner.optimizer(
        LEARNING_RATE,
        "small steps, since it starts from the best line; falling, so that weights settle",
    )
    default = planner.epochs_for(UPDATES, batch, FEWEST_EPOCHS, MOST_EPOCHS)
    epochs, patience = planner.epochs(default, planner.rows, batch)
    return Plan(module, AbsoluteError(), optimizer, batch, epochs, patience)


def has_linear_path(module: Module) -> bool:
    """Tell whether a network has a linear path beside it that can start from the best line."""
    return isinstance(module, Residual) and isinstance(module.shortcut, Dense)


def starting_arrays(network: Network, path: LinearPath) -> Mapping[str, Array]:
    """Return the arrays of a network in which the linear path is `path` instead of a drawn one."""
    arrays = dict(network.arrays())
    arrays["shortcut.weight"] = path.weight.astype(network.dtype)
    arrays["shortcut.bias"] = path.bias.astype(network.dtype)
    return arrays


def nearer_the_line(network: Network, start: Mapping[str, Array], share: float) -> Network:
    """Return a network whose outputs lie a share of the way from its linear path's at the start.

    start: its arrays before training, when the last layer was zero and the outputs were the line's.
    The last steps are linear, so that a share of their weights is a share of the way.
    """
    arrays = dict(network.arrays())
    last = [name for name in arrays if not name.startswith("shortcut.")][-1].rpartition(".")[0]
    for name in arrays:
        if name.rpartition(".")[0] in ("shortcut", last):
            mixed = start[name] + share * (arrays[name].astype(np.float64) - start[name])
            arrays[name] = mixed.astype(network.dtype)
    return Network(network.module, network.input_shape, seed=network.seed, arrays=arrays)


def _network(planner: Planner, windows: SeriesWindows) -> Module:
    """Return the network, as a person asked for it or for so many rows."""
    asked, rows, features = planner.options.network, planner.rows, planner.features
    if isinstance(asked, Module):
        planner.decisions.add("network", repr(asked), CHOSEN)
        return planner.fitting(asked, windows.horizon)
    if asked is not None and is_imported(asked):
        return planner.imported(asked, windows.horizon)
    line, reason = asked, CHOSEN
    if line is None:
        line = _line(planner)
        reason = (
            f"{rows:,} windows; what a line can say is left to the line, so that a small network "
            "is enough for what bends"
        )
    layers = _over_windows(line, windows, features)
    columns = len(windows.plan.columns)
    if asked is None and windows.window > MOST_STEPS_SEEN:
        older = (windows.window - MOST_STEPS_SEEN) * columns
        layers = (Columns(older, features), *layers)
        reason += f"; it sees the newest {MOST_STEPS_SEEN} steps, the line all {windows.window}"
    # The last layer starts at zero, so that training starts from the line alone.
    last = Dense(windows.horizon, initializer=Zeros())
    module = Residual(*layers, last, shortcut=Dense(windows.horizon))
    Network(module, (features,))
    choice = f"{line} beside a linear path, {windows.horizon} out"
    planner.decisions.add("network", choice, reason)
    return module


def _line(planner: Planner) -> str:
    """Return the layers between the windows and the last one."""
    rows = planner.rows
    units = SMALL if rows < FEW_ROWS else MIDDLE if rows < MANY_ROWS else LARGE
    units = planner.hyperparameter("units", UNITS_SEARCHED, units)
    depth = planner.hyperparameter("depth", DEPTH_SEARCHED, 1)
    activation = planner.hyperparameter("activation", ACTIVATIONS, "silu")
    drop = planner.hyperparameter("dropout", DROPOUT_SEARCHED, DROPOUT)
    hidden = f"dense{units}-{activation}" + (f"-drop{drop:g}" if drop else "")
    return "-".join([hidden] * depth)


def _over_windows(line: str, windows: SeriesWindows, features: int) -> tuple[Module, ...]:
    """Return the layers of a line; those for sequences get steps × columns of the window."""
    layers = Sequential.from_text(line).layers
    try:
        Network(Sequential(*layers, Dense(1)), (features,))
    except ShapeError:
        columns, steps = len(windows.plan.columns), windows.window
        return (Columns(0, steps * columns), Reshape((steps, columns)), *layers)
    return tuple(layers)
