"""What the tools ask of a record: gradients of layers, losses, accuracies, entries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import MisstepError
from misstep.record import LayerDescription, ParameterDescription, Record

Array = npt.NDArray[Any]


@dataclass
class Traces:
    """A record as the tools read it."""

    record: Record

    @cached_property
    def weights(self) -> list[ParameterDescription]:
        """Return the parameters that connect and learn, from the first layer to the last."""
        layers = self.record.description.layers if self.record.description else ()
        return [
            parameter
            for layer in layers
            for parameter in layer.parameters
            if not parameter.is_bias and parameter.learns
        ]

    @cached_property
    def layers(self) -> list[LayerDescription]:
        """Return the layers in order."""
        return list(self.record.description.layers) if self.record.description else []

    def values(self, name: str, path: str | None = None) -> Array:
        """Return the values of a signal, empty where there is none."""
        try:
            return self.record.signal(name, path)[1]
        except MisstepError:
            return np.zeros(0)

    def gradients(self, of_entries: bool) -> list[Array]:
        """Return for each look the gradient of each weight array, from first to last.

        `of_entries`: the root mean square of its entries, which is their mean size or a little
        more; else its norm. Looks without finite numbers are left out.
        """
        columns = [self.values("gradient_norm", one.name) for one in self.weights]
        if not columns or min(map(len, columns)) == 0:
            return []
        looks = min(map(len, columns))
        sizes = [math.sqrt(np.prod(one.shape)) if of_entries else 1.0 for one in self.weights]
        table = np.array(
            [column[:looks] / size for column, size in zip(columns, sizes, strict=True)]
        )
        return [look for look in table.T if np.isfinite(look).all()]

    @property
    def not_finite(self) -> bool:
        """Return whether a loss was no number."""
        losses = self.values("loss")
        return len(losses) > 0 and not bool(np.isfinite(losses).all())

    @property
    def accuracies(self) -> Array:
        """Return the accuracy after each epoch, empty for numbers and without validation."""
        return self.values("validation_accuracy")

    def largest(self, name: str, layers: list[LayerDescription]) -> float:
        """Return the largest value that a signal ever has in these layers; 0 without any."""
        found = [self.values(name, layer.path) for layer in layers]
        return max((float(np.max(one)) for one in found if len(one)), default=0.0)
