"""Everything that training goes on from: what a checkpoint holds and a resumed run starts with.

Plain arrays and plain JSON. Knows no files and no loop.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from misstep.errors import FileFormatError
from misstep.ir import Array

Values = dict[str, float]


@dataclass
class Best:
    """The weights with the lowest validation loss so far, and the buffers beside them."""

    epoch: int
    loss: float
    parameters: Array
    buffers: Array


@dataclass
class TrainingState:
    """Where training stands.

    `parameters`: flat, (parameters,). `buffers`: flat, of layers that keep some; empty for other
    networks. `optimizer_state`: (buffers, parameters). `scalars`: (scalars,), float64. `update`:
    updates done. `draw`: batches seen, which random numbers follow. `epoch`: epochs completed.
    `batch`: batches done in the epoch going on. `loss_sum`, `weight_sum`: of its batches.
    `gradients`, `gradient_weight`, `accumulated`: batches that wait for their update. `memory`: of
    the schedule. `callbacks`: their states, in their order.
    """

    parameters: Array
    buffers: Array
    optimizer_state: Array
    scalars: Array
    update: int = 0
    draw: int = 0
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    gradients: Array | None = None
    gradient_weight: float = 0.0
    accumulated: int = 0
    seconds: float = 0.0
    memory: dict[str, Any] = field(default_factory=dict)
    history: list[Values] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    best: Best | None = None

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by name."""
        found = {**self.held(), "optimizer_state": self.optimizer_state, "scalars": self.scalars}
        if self.gradients is not None:
            found["gradients"] = self.gradients
        if self.best is not None:
            found["best_parameters"] = self.best.parameters
            if self.buffers.size:
                found["best_buffers"] = self.best.buffers
        return found

    def held(self) -> dict[str, Array]:
        """Return the network's flat buffers by name, as its programs take them."""
        found = {"parameters": self.parameters}
        return found | ({"buffers": self.buffers} if self.buffers.size else {})

    def document(self) -> dict[str, Any]:
        """Return the rest as plain JSON."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        if self.best is not None:
            plain["best"] = {"epoch": self.best.epoch, "loss": self.best.loss}
        return plain

    @classmethod
    def restored(
        cls, like: TrainingState, arrays: dict[str, Array], document: dict[str, Any]
    ) -> TrainingState:
        """Return the state that `arrays()` and `document()` gave.

        `like`: a first state of the same training, whose shapes the arrays must have. Raises
        FileFormatError when something is missing or does not fit.
        """
        keeping = like.buffers.size > 0
        if not keeping:
            none = {"buffers": like.buffers, "best_buffers": like.buffers}
            arrays = {**arrays, **none}
        for name, model_name in _MODELS.items():
            model = getattr(like, model_name)
            array = arrays.get(name)
            if array is None and name in _ARRAYS:
                raise FileFormatError(f"the array {name} of a checkpoint", needed="it", got="none")
            if array is not None and (array.shape, array.dtype) != (model.shape, model.dtype):
                raise FileFormatError(
                    f"the array {name} of a checkpoint",
                    needed=f"{model.dtype} {model.shape}",
                    got=f"{array.dtype} {array.shape}",
                )
        for name, kind in _PLAIN.items():
            allowed = (int, float) if kind is float else kind
            if not isinstance(document.get(name), allowed):
                raise FileFormatError(f"{name} of a checkpoint", needed=kind.__name__)
        best = document.get("best")
        kept = ("best_parameters", "best_buffers") if keeping else ("best_parameters",)
        if any((best is None) != (name not in arrays) for name in kept):
            raise FileFormatError("the best weights of a checkpoint", needed="loss and weights")
        held: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
        held |= {name: kind(document[name]) for name, kind in _PLAIN.items()}
        return cls(
            **held,
            gradients=arrays.get("gradients"),
            best=None
            if best is None
            else Best(
                int(best["epoch"]),
                float(best["loss"]),
                arrays["best_parameters"],
                arrays["best_buffers"],
            ),
        )


_ARRAYS = ("parameters", "buffers", "optimizer_state", "scalars")
# Each array that a checkpoint may hold, and the one of a first state whose shape it must have.
_MODELS = {name: name for name in _ARRAYS} | {
    "gradients": "parameters",
    "best_parameters": "parameters",
    "best_buffers": "buffers",
}
_KINDS: dict[str, type] = {"int": int, "float": float}
_PLAIN: dict[str, Any] = {
    one.name: _KINDS.get(str(one.type), list if str(one.type).startswith("list") else dict)
    for one in dataclasses.fields(TrainingState)
    if one.name not in (*_ARRAYS, "gradients", "best")
}
