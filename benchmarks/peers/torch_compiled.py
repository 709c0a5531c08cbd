"""PyTorch as an entrant, compiled: the whole step is one graph for `torch.compile`.

Gathering, forward and backward pass, clipping and optimizer are written as one pure function of
parameters and state, which Inductor fuses as far as it can; its C++ wrapper spares the Python
between kernels. This was the fastest of the ways tried (compiling only the forward and backward
pass, with the fused optimizer beside it, was slower on every dense workload); that other way is
for networks that are no single graph.
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.job import Job
from benchmarks.peers.torch_eager import TorchEager, make_model

Arrays = dict[str, torch.Tensor]
# What a module that looks rows up calls their table.
LOOKED_UP = "lookup.weight"


class TorchCompiled(TorchEager):
    """PyTorch with `torch.compile`."""

    def __init__(self, job: Job) -> None:
        import torch._inductor.config as inductor

        inductor.cpp_wrapper = True
        self._forward: Any = None
        self._step: Any = None
        super().__init__(job)

    def start(self) -> None:
        """Begin from the first weights, with what is compiled already."""
        self.model = make_model(self.job)
        if self.workload.kind == "predict":
            self.model.eval()
            self._forward = self._forward or torch.compile(self.model, dynamic=False)
            return
        self._whole = self.workload.network.torch_whole  # type: ignore[union-attr]
        if not self._whole:
            super().start()
            self._forward = torch.compile(self.model, dynamic=False)
            return
        self._parameters, self._buffers = {}, dict(self.model.named_buffers())
        for name, one in self.model.named_parameters():
            sparse = name == LOOKED_UP and self.workload.network.looked_up  # type: ignore[union-attr]
            held = self._buffers if sparse or not one.requires_grad else self._parameters
            held[name] = one.detach().clone(memory_format=torch.preserve_format)
        self._mean = {name: torch.zeros_like(one) for name, one in self._parameters.items()}
        self._squares = {name: torch.zeros_like(one) for name, one in self._parameters.items()}
        self._count = torch.zeros((), dtype=torch.float64)
        if self._step is None:
            self._step = torch.compile(self._whole_step, fullgraph=True, dynamic=False)

    def _whole_step(
        self,
        parameters: Arrays,
        buffers: Arrays,
        mean: Arrays,
        squares: Arrays,
        count: Any,
        index: Any,
    ) -> tuple[Any, Any]:
        x, y = self.x.index_select(0, index), self.y.index_select(0, index)
        # Where only looked-up rows move, their gradient is taken, and not the whole table's.
        table, trained = buffers.get(LOOKED_UP), dict(parameters)
        if table is not None:
            trained["rows"] = table.index_select(0, x.view(-1)).view(*x.shape, -1)

        def loss_of(trained: Arrays, buffers: Arrays) -> torch.Tensor:
            given = (x,) if table is None else (x, trained["rows"])
            named = {name: one for name, one in trained.items() if name != "rows"}
            return self.loss(torch.func.functional_call(self.model, (named, buffers), given), y)

        gradients, loss = torch.func.grad_and_value(loss_of)(trained, buffers)
        if table is not None:
            moved = gradients.pop("rows").view(-1, table.shape[1])
            table.index_add_(0, x.view(-1), moved, alpha=-self.workload.update.rate)
        if self.workload.clip is not None:
            norm = torch.sqrt(sum((one * one).sum() for one in gradients.values()))
            factor = (self.workload.clip / norm).clamp(max=1.0)
            gradients = {name: one * factor for name, one in gradients.items()}
        count = count + 1.0
        self._update(parameters, mean, squares, count, gradients)
        return loss, count

    def _update(
        self, parameters: Arrays, mean: Arrays, squares: Arrays, count: Any, gradients: Arrays
    ) -> None:
        update = self.workload.update
        dtype = getattr(torch, self.workload.dtype)
        # β₁ = 0.9, β₂ = 0.999, ε = 1e-8: the defaults of Adam everywhere.
        size = (update.rate / (1.0 - 0.9**count)).to(dtype)
        spread = torch.sqrt(1.0 - 0.999**count).to(dtype)
        for name, parameter in parameters.items():
            gradient = gradients[name]
            if update.kind == "sgd":
                if update.momentum:
                    gradient = mean[name].mul_(update.momentum).add_(gradient)
                parameter.sub_(gradient * update.rate)
                continue
            if update.kind == "adamw":
                parameter.mul_(1.0 - update.rate * update.weight_decay)
            mean[name].mul_(0.9).add_(gradient * 0.1)
            squares[name].mul_(0.999).add_(gradient * gradient * 0.001)
            parameter.sub_(size * (mean[name] / (squares[name].sqrt() / spread + 1e-8)))

    def step(self, index: torch.Tensor) -> torch.Tensor:
        """Make one training step on the rows `index`; return the loss."""
        if not self._whole:
            return super().step(index)
        with torch.no_grad():
            loss, self._count = self._step(
                self._parameters, self._buffers, self._mean, self._squares, self._count, index
            )
        return loss

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        return self._forward(x)

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Return the loss on rows, without dropout."""
        if self._whole:
            self.model.load_state_dict(self._parameters | self._buffers)
        return super().evaluate(x, y)
