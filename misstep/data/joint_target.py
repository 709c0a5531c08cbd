"""`JointTarget`: several answers to each row, predicted together: numbers, or labels that may hold.

Each output of the network is one of them, and each number has a mean and deviation of its own.
Knows arrays of answers (rows, outputs); no columns of files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.stored_json import check
from misstep.data.targets import Label, Target, TaskType
from misstep.data.weights import checked_weights, mean_and_deviation
from misstep.errors import ArgumentError

__all__ = ["JointTarget"]


@dataclass(frozen=True)
class JointTarget(Target):
    """Several answers to each row.

    `names`: what each is called, in the order of the outputs. `centers`, `scales`: of numbers,
    which are predicted as (y - center) / scale each; empty until `fit`, and for labels.
    """

    names: tuple[Label, ...] = ()
    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        sizes = {len(self.centers), len(self.scales)}
        check(
            (self.task in (TaskType.NUMBERS, TaskType.LABELS), "an unknown kind of answers"),
            (len(self.names) >= 2, "several answers are two or more"),
            (not self.classes and self.logarithm is None, "several answers have no classes"),
            (sizes in ({0}, {len(self.names)}), "each number has a center and a scale"),
            (all(map(math.isfinite, (*self.centers, *self.scales))), "center must be finite"),
            (all(scale > 0 for scale in self.scales), "scale must be above 0"),
        )

    @property
    def is_number(self) -> bool:
        """Tell whether numbers are to be predicted rather than labels."""
        return self.task is TaskType.NUMBERS

    @property
    def outputs(self) -> int:
        """Return how many answers a row has."""
        return len(self.names)

    def part(self, output: int) -> Target:
        """Return the target that one of the outputs is by itself."""
        name = str(self.names[output])
        if not self.is_number:
            return Target(name, TaskType.BINARY, self.reason, (0, 1))
        center, scale = self.centers[output], self.scales[output]
        return Target(name, TaskType.NUMBER, self.reason, center=center, scale=scale)

    def fit(self, series: object, sample_weight: object = None) -> JointTarget:
        """Return this target with mean and deviation of each number of training rows."""
        answers = np.asarray(series, np.float64)
        if not self.is_number:
            return self
        weights = checked_weights(sample_weight, len(answers))
        found = [mean_and_deviation(column, weights) for column in answers.T]
        centers = tuple(float(center) for center, _ in found)
        return replace(
            self, centers=centers, scales=tuple(float(scale) or 1.0 for _, scale in found)
        )

    def fit_codes(self, codes: NDArray[np.int64], sample_weight: object = None) -> JointTarget:
        """Return this target: labels are learned as they are."""
        return self

    def numbers(self, series: object) -> NDArray[np.float64]:
        """Return the answers in their own units, (rows, outputs)."""
        return np.asarray(series, np.float64)

    def encode_with_notes(self, series: object) -> tuple[NDArray[Any], list[str]]:
        """Return float32 standardized numbers, or labels as 0 and 1, (rows, outputs); no notes."""
        answers = np.asarray(series, np.float64)
        if not self.is_number:
            return answers.astype(np.float32), []
        with np.errstate(over="ignore"):
            z = (answers - np.asarray(self.centers)) / np.asarray(self.scales)
        limit = float(np.finfo(np.float32).max)
        return np.clip(z, -limit, limit).astype(np.float32), []

    def decode(self, values: object) -> NDArray[Any]:
        """Return numbers in their own units, or 0 and 1 of labels; values: (…, outputs)."""
        array = np.asarray(values)
        if array.shape[-1] != self.outputs:
            raise ArgumentError(
                "several answers", needed=f"{self.outputs} in each row", got=str(array.shape)
            )
        if not self.is_number:
            return (array > 0.5).astype(np.int64)
        return array.astype(np.float64) * np.asarray(self.scales) + np.asarray(self.centers)
