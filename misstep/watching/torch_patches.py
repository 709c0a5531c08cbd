"""What of torch itself is looked at while a loop is watched: losses, `backward`, clipping, loaders.

A loss is a function that nobody can be told of, so for the time of watching the functions stand
behind ones that call them and say what came of it. They return what the functions returned, and all
is as before once watching is over. Imports torch when it is used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from misstep.watching.torch_epochs import Epochs
from misstep.watching.torch_kinds import LOSS_FUNCTIONS

Loss = Callable[[str, Any, Any, Any, dict[str, Any]], None]


class Patches:
    """Stands before functions of torch between `begin` and `end`."""

    def __init__(
        self,
        loss: Loss,
        backward: Callable[[Any], None],
        clipped: Callable[[str, float, Any], None],
    ) -> None:
        self._loss = loss
        self._backward = backward
        self._clipped = clipped
        self._undo: list[tuple[Any, str, Any]] = []

    def begin(self, epochs: Epochs) -> None:
        """Stand before them."""
        import torch
        import torch.nn.functional
        import torch.nn.utils
        import torch.utils.data

        for name in LOSS_FUNCTIONS:
            self._replace(torch.nn.functional, name, self._before_loss)
        self._replace(torch.Tensor, "backward", self._before_backward)
        self._replace(torch.nn.utils, "clip_grad_norm_", self._before_clipping)
        self._replace(torch.nn.utils, "clip_grad_value_", self._before_clipping)
        self._replace(torch.utils.data.DataLoader, "__iter__", epochs.before_iteration)

    def end(self) -> None:
        """Put everything back."""
        for home, name, original in reversed(self._undo):
            setattr(home, name, original)
        self._undo = []

    def _replace(self, home: Any, name: str, make: Callable[[str, Any], Any]) -> None:
        original = getattr(home, name)
        self._undo.append((home, name, original))
        setattr(home, name, functools.wraps(original)(make(name, original)))

    def _before_loss(self, name: str, original: Any) -> Any:
        tell = self._loss

        def called(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            if len(arguments) >= 2:
                tell(name, arguments[0], arguments[1], result, options)
                return result
            others = dict(options)
            prediction = arguments[0] if arguments else others.pop("input", None)
            target = others.pop("target", None)
            if prediction is not None and target is not None:
                tell(name, prediction, target, result, others)
            return result

        return called

    def _before_backward(self, name: str, original: Any) -> Any:
        def called(tensor: Any, *arguments: Any, **options: Any) -> Any:
            if not tensor.ndim:
                self._backward(tensor)
            return original(tensor, *arguments, **options)

        return called

    def _before_clipping(self, name: str, original: Any) -> Any:
        by_norm = name == "clip_grad_norm_"
        limit_name = "max_norm" if by_norm else "clip_value"

        def called(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            limit = options.get(limit_name, arguments[1] if len(arguments) > 1 else None)
            if limit is not None:
                kind = "ClipNorm" if by_norm else "ClipValue"
                self._clipped(kind, float(limit), result if by_norm else None)
            return result

        return called
