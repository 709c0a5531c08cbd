"""A look into a PyTorch model while it learns: what its layers give and its gradients are.

Only reads what the loop computes anyhow, in hooks that are attached for the updates of a window and
removed behind it; no row goes through the model for it, and no random number is drawn. Knows calls
and tensors; imports torch when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.watching.torch_kinds import BOUNDS, CAN_DIE
from misstep.watching.torch_layers import Passage, first_tensor, is_leaf, kind_of

Measures = dict[tuple[str, str], float]

# An output counts as saturated within this share of the range from one of its bounds, as in looks
# into networks of this library.
SATURATION_MARGIN = 0.01
# Numbers of gradients that are kept at once; of larger models the noise of gradients isn't told.
MOST_NUMBERS = 5_000_000


class _Layer:
    """What a layer gave during a window."""

    def __init__(self) -> None:
        self.rows = 0
        self.mean = 0.0
        self.square = 0.0
        self.zero = 0.0
        self.saturated = 0.0
        self.peaks: Any = None

    def add(self, output: Any, kind: str, axis: int) -> None:
        rows = int(output.shape[0])
        wide = output.detach().double()
        self.rows += rows
        self.mean += rows * float(wide.mean())
        self.square += rows * float((wide * wide).mean())
        if kind in CAN_DIE:
            self.zero += rows * float((output == 0).double().mean())
            others = [each for each in range(output.ndim) if each != axis]
            peaks = output.detach().abs().amax(dim=others)
            if self.peaks is None:
                self.peaks = peaks
            elif self.peaks.shape == peaks.shape:
                self.peaks = self.peaks.maximum(peaks)
        if kind in BOUNDS:
            low, high = BOUNDS[kind]
            margin = SATURATION_MARGIN * (high - low)
            outside = (output < low + margin) | (output > high - margin)
            self.saturated += rows * float(outside.double().mean())

    def measures(self, path: str, kind: str) -> Measures:
        mean = self.mean / self.rows
        variance = max(self.square / self.rows - mean * mean, 0.0)
        found: Measures = {
            ("activation_mean", path): mean,
            ("activation_deviation", path): variance**0.5,
        }
        if kind in CAN_DIE:
            found["zero_share", path] = self.zero / self.rows
            if self.peaks is not None:
                found["dead_share", path] = float((self.peaks == 0).double().mean())
        if kind in BOUNDS:
            found["saturated_share", path] = self.saturated / self.rows
        return found


class TorchLook:
    """One window. `passage`: how rows pass. `updates_of_part`: whose gradient is one part's."""

    def __init__(self, model: Any, passage: Passage, updates_of_part: int) -> None:
        self._passage = passage
        self._updates_of_part = updates_of_part
        self._layers: dict[str, _Layer] = {}
        self._kinds: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._of_consumer = {
            function.consumer: function
            for function in passage.functions
            if function.consumer is not None
        }
        self._axes = _unit_axes(passage)
        self._parts: list[dict[str, Any]] = []
        self._part: dict[str, Any] = {}
        self._updates = 0
        self._before: dict[str, Any] | None = None
        self._after: Measures = {}
        self._handles = [
            module.register_forward_hook(self._hook(path), always_call=False)
            for path, module in model.named_modules()
            if is_leaf(module)
        ]
        self._whole = model.register_forward_pre_hook(self._new_pass)

    def close(self) -> None:
        """Remove the hooks."""
        for handle in (*self._handles, self._whole):
            handle.remove()
        self._handles = []

    def _new_pass(self, module: Any, arguments: Any) -> None:
        self._counts = {}

    def _hook(self, path: str) -> Any:
        def seen(module: Any, arguments: Any, result: Any) -> None:
            if not module.training:
                return
            number = self._counts[path] = self._counts.get(path, 0) + 1
            name = path if number == 1 else f"{path}_{number}"
            function = self._of_consumer.get(name)
            given = first_tensor(arguments)
            if function is not None and given is not None:
                self._add(function.name, function.kind, given)
            output = first_tensor(result)
            if output is not None:
                self._add(name, kind_of(module), output)

        return seen

    def _add(self, name: str, kind: str, output: Any) -> None:
        if output.ndim < 2 or not output.numel() or not output.is_floating_point():
            return
        axis = self._axes.get(name, output.ndim - 1)
        self._layers.setdefault(name, _Layer()).add(output, kind, min(axis, output.ndim - 1))
        self._kinds[name] = kind

    def before_update(self, parameters: Mapping[str, Any]) -> None:
        """Take in the gradients, and the weights before the first update of the window."""
        import torch

        with torch.no_grad():
            keeping = sum(one.numel() for one in parameters.values()) <= MOST_NUMBERS
            first = self._updates == 0
            if first:
                self._before = {name: one.detach().clone() for name, one in parameters.items()}
            if first or keeping:
                for name, one in parameters.items():
                    if one.grad is None or one.grad.is_sparse:
                        continue
                    known = self._part.get(name)
                    if known is None:
                        self._part[name] = one.grad.detach().clone()
                    else:
                        known += one.grad
            self._updates += 1
            if self._updates % self._updates_of_part == 0 and (keeping or not self._parts):
                self._parts.append(
                    {name: total / self._updates_of_part for name, total in self._part.items()}
                )
                self._part = {}

    def after_update(self, parameters: Mapping[str, Any]) -> None:
        """Measure what the first update of the window did to the weights."""
        import torch

        if self._before is None:
            return
        with torch.no_grad():
            for name, one in parameters.items():
                before = self._before[name].double()
                self._after["weight_norm", name] = float(before.norm())
                self._after["update_norm", name] = float((one.detach().double() - before).norm())
        self._before = None

    def measures(self, rows_of_part: int, usual_rows: int) -> Measures:
        """Return what was seen. `rows_of_part`: whose mean a part's gradient is.

        The noise of gradients is told as for parts of `usual_rows`: their mean square distance
        falls as the number of rows grows.
        """
        import torch

        found: Measures = dict(self._after)
        for name, layer in self._layers.items():
            found |= layer.measures(name, self._kinds[name])
        parts = self._parts or ([self._part] if self._part else [])
        with torch.no_grad():
            for name in parts[0] if parts else ():
                each = [part[name].double() for part in parts if name in part]
                mean = sum(each) / len(each)
                square = float((mean * mean).sum())
                found["gradient_norm", name] = square**0.5
                away = sum(float(((one - mean) ** 2).sum()) for one in each) / len(each)
                if len(each) > 1 and away > 0:
                    ratio = square / away * usual_rows / max(rows_of_part, 1)
                    found["gradient_signal_to_noise", name] = ratio
        return found


def _unit_axes(passage: Passage) -> dict[str, int]:
    """Return along which axis the units of each layer lie: channels come first in PyTorch."""
    axes: dict[str, int] = {}
    places = [(call.last, call.name, kind_of(call.module)) for call in passage.calls if call.leaf]
    places += [(function.number, function.name, "") for function in passage.functions]
    channels_first = False
    for _, name, kind in sorted(places):
        if "Conv" in kind:
            channels_first = True
        elif kind in ("Linear", "Flatten", "LSTM", "GRU", "RNN", "Embedding"):
            channels_first = False
        if channels_first:
            axes[name] = 1
    return axes
