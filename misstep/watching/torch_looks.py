"""Looks into a PyTorch model: hooks that are attached for the updates of a window, and removed.

Knows modules and how rows pass through them; what is measured, `looks.py` knows.
"""

from __future__ import annotations

from typing import Any

from misstep.watching.listener import Listener
from misstep.watching.looks import Flat, Look
from misstep.watching.torch_layers import Passage, first_tensor, is_leaf, kind_of


class TorchLook(Look):
    """One window. `passage`: how rows pass. `updates_of_part`: whose gradient is one part's."""

    def __init__(
        self, model: Any, optimizer: Any, passage: Passage, flat: Flat, updates_of_part: int
    ) -> None:
        super().__init__(flat, updates_of_part, passage.unit_axes())
        self._counts: dict[str, int] = {}
        self._of_consumer = {
            function.consumer: function
            for function in passage.functions
            if function.consumer is not None
        }
        self._handles = [
            module.register_forward_hook(Listener(self._hook(path)))
            for path, module in model.named_modules()
            if is_leaf(module)
        ]
        self._handles.append(model.register_forward_pre_hook(Listener(self._new_pass)))
        self._handles.append(optimizer.register_step_pre_hook(Listener(self._updating)))

    def close(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def call(self, name: str, kind: str, given: Any, output: Any) -> None:
        """Take in what a layer was given, which a function may have made, and what it gave."""
        function = self._of_consumer.get(name)
        if function is not None and given is not None:
            self.add(function.name, function.kind, given)
        if output is not None:
            self.add(name, kind, output)

    def _new_pass(self, module: Any, arguments: Any) -> None:
        self._counts = {}

    def _hook(self, path: str) -> Any:
        def seen(module: Any, arguments: Any, result: Any) -> None:
            if not module.training:
                return
            number = self._counts[path] = self._counts.get(path, 0) + 1
            name = path if number == 1 else f"{path}_{number}"
            self.call(name, kind_of(module), first_tensor(arguments), first_tensor(result))

        return seen

    def _updating(self, optimizer: Any, arguments: Any, options: Any) -> None:
        self.before_update()
