"""What passes a fresh network, layer by layer: numbers on their way forward, blame on its way back.

Taken from the graph of one pass over a few rows. Knows networks and losses; no lab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misstep.autodiff import gradient
from misstep.ir import Value, evaluate, make_literal
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.ops import cast


@dataclass(frozen=True)
class LayerSignal:
    """What passes a layer, over all rows and units: root of the mean square.

    `forward`: of its outputs; `backward`: of the loss's slope by each of them.
    """

    layer: str
    forward: float
    backward: float


def signals(
    network: Network, x: npt.ArrayLike, y: npt.ArrayLike, loss: Loss, kind: str = "dense"
) -> tuple[LayerSignal, ...]:
    """Return what passes each layer of a kind in a training pass over these rows."""
    parameters = make_literal(network.parameters, network.dtype)
    rows: Value = cast(make_literal(np.asarray(x)), network.dtype)
    prediction, trace = network.apply(rows, parameters, training=True)
    kind_of_number = network.dtype if loss.target_dtype == "float" else "int64"
    wrong = loss(prediction, cast(make_literal(np.asarray(y)), kind_of_number))
    named = [(path, out) for path, out in trace.outputs.items() if path.startswith(kind)]
    outputs = [out for _, out in named]
    forward = evaluate(outputs)
    backward = evaluate(gradient(wrong, outputs))
    return tuple(
        LayerSignal(path, _size(there), _size(back))
        for (path, _), there, back in zip(named, forward, backward, strict=True)
    )


def _size(numbers: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(numbers, dtype="float64"))))
