"""Made-up rows to run a training program on, when only its speed matters.

Knows what inputs the programs of `programs.py` have; nothing of anybody's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array
from misstep.nn import Program
from misstep.train.programs import Programs

__all__ = ["SyntheticInputs", "synthetic_inputs"]

# Batches of different rows, so that gathering them reads more than one batch over and over.
BATCHES = 8
# Bytes of made-up rows at most, though never less than one batch.
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class SyntheticInputs:
    """What a compiled program needs for `steps` steps: inputs by name, and which rows to gather."""

    feeds: Mapping[str, Any]
    steps: int
    row_numbers: Array | None = None


def synthetic_inputs(
    programs: Programs, program: Program, rows: int, steps: int
) -> SyntheticInputs:
    """Return made-up inputs for `program`, one of `programs`, for so many steps of `rows` rows.

    Parameters and buffers are those of the network, the optimizer's state is the first one.
    """
    network, loss = programs.network, programs.loss
    random = np.random.default_rng(0)
    state, scalars = programs.first_state()
    names = {value.name: value for value in program.graph.inputs}
    batches = steps
    if program.roles.gathered:
        batch_bytes = rows * max(int(np.prod(network.input_shape)), 1) * 8
        batches = max(1, min(BATCHES, MOST_BYTES // batch_bytes))
    count = batches * rows
    feeds: dict[str, Any] = {
        **network.feeds(),
        "optimizer_state": state,
        "scalars": scalars,
        "learning_rate": np.full(steps, programs.optimizer.learning_rate),
        "update": np.arange(steps),
        "draw": np.arange(steps),
        "seed": np.asarray(0),
    }
    if "x" in names:
        x = random.standard_normal((count, *network.input_shape))
        feeds["x"] = network.with_positions(x).astype(network.dtype)
    if "y" in names:
        shape = (count, *names["y"].shape[1:])
        largest = network.output_shape[-1] if loss.target_dtype == "int" else 2
        feeds["y"] = random.integers(0, largest, shape).astype(names["y"].dtype)
    if "weights" in names:
        feeds["weights"] = np.ones(count, network.dtype)
    if not program.roles.gathered:
        for name in ("x", "y"):
            if name in feeds:
                feeds[name] = feeds[name].reshape(steps, rows, *feeds[name].shape[1:])
        return SyntheticInputs(feeds, steps)
    order = np.concatenate([random.permutation(count) for _ in range(-(-steps // batches))])
    return SyntheticInputs(feeds, steps, order[: steps * rows])
