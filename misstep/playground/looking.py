"""Looks into a network of the playground: what units say, and what flows back.

Each is a graph of its own beside those of training, in evaluation (nothing is dropped); nothing of
it reaches the weights. The interpreter runs them: of a network that can be looked at, 1,600 points
take it 0.1 to 0.7 ms, where the compiler's code takes 0.1 to 0.5 ms and a tenth of a second to be
made, for which a person waits at each new layer. Knows networks and arrays; not what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_input, one_blas_thread, verify
from misstep.nn import Dense, Dropout, Module, Network, Trace
from misstep.nn.inference import make_target
from misstep.nn.losses import Loss
from misstep.train import TrainingState

__all__ = ["LayerPlaces", "Look", "RowLook", "layer_places"]


@dataclass(frozen=True)
class LayerPlaces:
    """Where a layer of units stands in a network: paths of its sums and of what it gives.

    `sums`: the path of the dense layer; `given`: that of what the next one takes, its activation.
    """

    sums: str
    given: str


def layer_places(network: Network) -> list[LayerPlaces]:
    """Return the layers of units in their order, the outputs last."""
    places: list[LayerPlaces] = []
    for path, layer in network.layers.items():
        if isinstance(layer, Dense):
            places.append(LayerPlaces(path, path))
        elif places and isinstance(layer, Module) and not isinstance(layer, Dropout):
            places[-1] = LayerPlaces(places[-1].sums, path)
    return places


class Look:
    """What every unit says for many rows at once. `rows`: how many there are."""

    def __init__(self, network: Network, loss: Loss, rows: int) -> None:
        inputs, trace, raw = _forward(network, rows)
        places = layer_places(network)
        outputs = {str(at): trace.outputs[one.given] for at, one in enumerate(places[:-1])}
        outputs |= {"prediction": loss.predict(raw)}
        graph = verify(Graph(outputs, inputs, "units"))
        self.hidden = len(places) - 1
        self._interpreter = Interpreter(graph)

    def seen(self, state: TrainingState, x: Array) -> tuple[list[Array], Array]:
        """Return what the units of each hidden layer give, (rows, units), and the predictions."""
        out = _run(self._interpreter, state, {"x": x})
        return [out[str(at)] for at in range(self.hidden)], out["prediction"]


@dataclass(frozen=True)
class RowSeen:
    """One row on its way forth and back, for each layer of units, the outputs last.

    `sums`: weighted sums, `given`: after the activation; `sum_slopes`, `given_slopes`: of the loss
    by them, (units,) each. `prediction`: what people call it. `loss`: of this row alone, without
    penalties.
    """

    sums: list[Array]
    given: list[Array]
    sum_slopes: list[Array]
    given_slopes: list[Array]
    prediction: Array
    loss: float


class RowLook:
    """What one row makes of every unit, and how its loss depends on each."""

    def __init__(self, network: Network, loss: Loss) -> None:
        inputs, trace, raw = _forward(network, 1)
        y = make_target(loss, raw.shape, raw.dtype)
        places = layer_places(network)
        sums = [trace.outputs[one.sums] for one in places]
        given = [trace.outputs[one.given] for one in places]
        total = loss(raw, y)
        slopes = gradient(total, [*sums, *given])
        outputs: dict[str, Value] = {"loss": total, "prediction": loss.predict(raw)}
        for kind, values in zip(
            ("sums", "given", "sum_slopes", "given_slopes"),
            (sums, given, slopes[: len(sums)], slopes[len(sums) :]),
            strict=True,
        ):
            outputs |= {f"{kind}{at}": value for at, value in enumerate(values)}
        self._layers = len(places)
        graph = verify(Graph(outputs, [*inputs, y], "row"))
        self._interpreter = Interpreter(graph)

    def seen(self, state: TrainingState, x: Array, y: Array) -> RowSeen:
        """Return what one row makes of it; x: (1, features), y: as the loss takes it."""
        out = _run(self._interpreter, state, {"x": x, "y": y})

        def of(kind: str) -> list[Array]:
            return [out[f"{kind}{at}"][0] for at in range(self._layers)]

        return RowSeen(
            of("sums"),
            of("given"),
            of("sum_slopes"),
            of("given_slopes"),
            out["prediction"][0],
            float(out["loss"]),
        )


def _forward(network: Network, rows: int) -> tuple[list[Value], Trace, Value]:
    flat = network.input_values()
    x = make_input("x", (rows, *network.input_shape), network.dtype)
    raw, trace = network.apply(x, flat["parameters"], buffers=flat.get("buffers"))
    return [*flat.values(), x], trace, raw


def _run(
    interpreter: Interpreter, state: TrainingState, rows: dict[str, Array]
) -> dict[str, Array]:
    feeds: dict[str, object] = dict(state.feeds())
    with np.errstate(all="ignore"), one_blas_thread():
        return interpreter.run(feeds | rows)


def units_of(network: Network) -> Iterator[int]:
    """Yield how many units each layer has, the outputs last."""
    for one in layer_places(network):
        yield int(network.outputs[one.sums][-1])
