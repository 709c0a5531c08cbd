"""A look into a model while it learns: what its layers give and its gradients are, as numbers.

Of tensors of PyTorch, which a model of Keras may have as well. Reads what is computed anyhow; no
row goes through the model for it, and no random number is drawn. Knows tensors; imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from misstep.record.norms import sum_of_squares
from misstep.watching.arrays import Array, as_array
from misstep.watching.torch_kinds import BOUNDS, CAN_DIE

Measures = dict[tuple[str, str], float]

# An output counts as saturated within this share of the range from one of its bounds, as in looks
# into networks of this library.
SATURATION_MARGIN = 0.01
# Numbers of gradients that are kept at once; of larger models the noise of gradients isn't told.
MOST_NUMBERS = 5_000_000


class Flat:
    """Parameters as one vector, and sums over the part of each."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = {name: one for name, one in parameters.items() if one.numel()}
        sizes = [one.numel() for one in self.parameters.values()]
        self.size = sum(sizes)
        ends = np.cumsum(sizes).tolist()
        self._places = {
            name: (end - size, end)
            for name, size, end in zip(self.parameters, sizes, ends, strict=True)
        }

    def weights(self) -> Array:
        """Return a copy of the weights, (numbers,) float32."""
        return self._joined([as_array(one) for one in self.parameters.values()])

    def gradients(self) -> Array:
        """Return a copy of the gradients, (numbers,) float32; 0 where there are none."""
        return self._joined(
            [
                np.zeros(one.numel(), "float32")
                if one.grad is None
                else as_array(one.grad.to_dense() if one.grad.is_sparse else one.grad)
                for one in self.parameters.values()
            ]
        )

    @staticmethod
    def _joined(arrays: Sequence[Array]) -> Array:
        if not arrays:
            return np.zeros(0, "float32")
        return np.concatenate([one.reshape(-1).astype("float32", copy=False) for one in arrays])

    def _parts_of(self, numbers: Array) -> Iterator[tuple[str, Array]]:
        for name, (begin, end) in self._places.items():
            yield name, numbers[begin:end]

    def squares(self, numbers: Array) -> dict[str, float]:
        """Return the sum of the squares of `numbers` (numbers,) over each parameter, by name."""
        return {name: sum_of_squares(part) for name, part in self._parts_of(numbers)}

    def shares(self, flags: Array) -> dict[str, float]:
        """Return the share of each parameter's entries that `flags` (numbers,) is true of."""
        return {name: np.count_nonzero(part) / part.size for name, part in self._parts_of(flags)}

    def norms(self, numbers: Array) -> dict[str, float]:
        """Return the length of each parameter's part of `numbers`."""
        return {name: total**0.5 for name, total in self.squares(numbers).items()}


class _Layer:
    """What a layer gave during a window."""

    def __init__(self, kind: str, axis: int) -> None:
        self.kind = kind
        self._axis = axis
        self._rows = 0
        self._mean = self._square = self._zero = self._saturated = 0.0
        self._peaks: Array | None = None

    def add(self, output: Array) -> None:
        rows, size = len(output), output.size
        flat = output.reshape(-1)
        self._rows += rows
        self._mean += rows * float(flat.sum(dtype="float64")) / size
        self._square += rows * sum_of_squares(flat) / size
        if self.kind in CAN_DIE:
            self._zero += rows * (1.0 - np.count_nonzero(flat) / size)
            axis = min(self._axis, output.ndim - 1)
            others = tuple(each for each in range(output.ndim) if each != axis)
            peaks = np.abs(output).max(axis=others)
            if self._peaks is None:
                self._peaks = peaks
            elif self._peaks.shape == peaks.shape:
                self._peaks = np.maximum(self._peaks, peaks)
        if self.kind in BOUNDS:
            low, high = BOUNDS[self.kind]
            margin = SATURATION_MARGIN * (high - low)
            outside = np.count_nonzero((flat < low + margin) | (flat > high - margin))
            self._saturated += rows * outside / size

    def measures(self, path: str) -> Measures:
        mean = self._mean / self._rows
        variance = max(self._square / self._rows - mean * mean, 0.0)
        found: Measures = {
            ("activation_mean", path): mean,
            ("activation_deviation", path): variance**0.5,
        }
        if self.kind in CAN_DIE:
            found["zero_share", path] = self._zero / self._rows
            if self._peaks is not None:
                found["dead_share", path] = float((self._peaks == 0).mean())
        if self.kind in BOUNDS:
            found["saturated_share", path] = self._saturated / self._rows
        return found


class Look:
    """One window. `updates_of_part`: whose gradient is one part's. `axes`: of units, by layer.

    Where a layer has none, its units lie along the last axis.
    """

    def __init__(self, flat: Flat, updates_of_part: int, axes: Mapping[str, int]) -> None:
        self.updates_of_part = updates_of_part
        self._flat = flat
        self._axes = axes
        self._layers: dict[str, _Layer] = {}
        self._parts: list[Array] = []
        self._part: Array | None = None
        self._updates = 0
        self._before: Array | None = None
        self._after: Measures = {}

    def add(self, name: str, kind: str, output: Any) -> None:
        """Take in what a layer gave for a batch, (rows, …); `kind`: what it is called."""
        if output.ndim < 2 or not output.numel() or not output.is_floating_point():
            return
        layer = self._layers.get(name)
        if layer is None:
            axis = self._axes.get(name, output.ndim - 1)
            layer = self._layers[name] = _Layer(kind, axis)
        with np.errstate(all="ignore"):
            layer.add(as_array(output))

    def before_update(self) -> None:
        """Take in the gradients, and the weights before the first update of the window."""
        first, keeping = self._updates == 0, self._flat.size <= MOST_NUMBERS
        if first:
            self._before = self._flat.weights()
        self._updates += 1
        if not first and not keeping:
            return
        gradients = self._flat.gradients()
        self._part = gradients if self._part is None else self._part + gradients
        if self._updates % self.updates_of_part == 0:
            self._parts.append(self._part / np.float32(self.updates_of_part))
            self._part = None

    def after_update(self) -> None:
        """Measure what the first update of the window did to the weights."""
        before, self._before = self._before, None
        if before is None:
            return
        with np.errstate(all="ignore"):
            for name, norm in self._flat.norms(before).items():
                self._after["weight_norm", name] = norm
            for name, norm in self._flat.norms(self._flat.weights() - before).items():
                self._after["update_norm", name] = norm

    def measures(self, rows_of_part: int, usual_rows: int) -> Measures:
        """Return what was seen. `rows_of_part`: whose mean a part's gradient is.

        The noise of gradients is told as for parts of `usual_rows`: their mean square distance
        falls as the number of rows grows.
        """
        found: Measures = dict(self._after)
        for name, layer in self._layers.items():
            found |= layer.measures(name)
        parts = self._parts or ([] if self._part is None else [self._part / self._updates])
        if not parts:
            return found
        with np.errstate(all="ignore"):
            mean = sum(parts[1:], parts[0]) * np.float32(1 / len(parts))
            squares = self._flat.squares(mean)
            away = dict.fromkeys(squares, 0.0)
            for part in parts if len(parts) > 1 else ():
                for name, square in self._flat.squares(part - mean).items():
                    away[name] += square / len(parts)
            for name, square in squares.items():
                found["gradient_norm", name] = square**0.5
                if len(parts) > 1 and away[name] > 0:
                    ratio = square / away[name] * usual_rows / max(rows_of_part, 1)
                    found["gradient_signal_to_noise", name] = ratio
        return found
