"""PyTorch as an entrant, run line by line, with its fused optimizers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import nn

from benchmarks.entrant import Entrant, product_numbers
from benchmarks.job import CHECKED_PREDICTIONS, Job


def make_model(job: Job) -> nn.Module:
    """Return the network of a job with its first weights."""
    assert job.workload.network is not None
    return job.workload.network.torch_model(job.weights)


def make_optimizer(job: Job, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of a job; "fused" is the fastest that PyTorch has for one."""
    update = job.workload.update
    wanted = [one for one in model.parameters() if one.requires_grad]
    if update.kind == "sgd":
        # The fused one takes no sparse gradients.
        dense = job.workload.network.looked_up is None  # type: ignore[union-attr]
        return torch.optim.SGD(
            wanted, lr=update.rate, momentum=update.momentum, fused=dense or None
        )
    if update.kind == "adamw":
        return torch.optim.AdamW(
            wanted, lr=update.rate, weight_decay=update.weight_decay, fused=True
        )
    return torch.optim.Adam(wanted, lr=update.rate, fused=True)


class TorchEager(Entrant):
    """PyTorch as most people run it."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        torch.set_num_threads(job.threads)
        torch.manual_seed(0)
        self.x, self.y = torch.from_numpy(job.x), torch.from_numpy(job.y)
        self._next = 0
        kind = self.workload.kind
        if kind == "product":
            self._result = torch.empty_like(self.x)
            return
        self.indices = list(torch.from_numpy(job.order).unbind())
        self.loss = (
            functional.mse_loss
            if self.workload.loss == "squared-error"
            else functional.cross_entropy
        )
        self.start()

    def start(self) -> None:
        """Begin from the first weights."""
        self.model = make_model(self.job)
        self.model.train(self.workload.kind == "train")
        self.optimizer = make_optimizer(self.job, self.model)

    def step(self, index: torch.Tensor) -> torch.Tensor:
        """Make one training step on the rows `index`; return the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        x, y = self.x.index_select(0, index), self.y.index_select(0, index)
        loss = self.loss(self.forward(x), y)
        loss.backward()
        if self.workload.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.workload.clip, foreach=True)
        self.optimizer.step()
        return loss.detach()

    def predict(self, x: torch.Tensor) -> Any:
        """Return probabilities as a NumPy array."""
        with torch.inference_mode():
            return torch.softmax(self.forward(x), dim=1).numpy()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""
        return self.model(x)

    def run(self, units: int) -> None:
        """Make that many steps, predictions or products."""
        batch = self.workload.batch
        for _ in range(units):
            if self.workload.kind == "train":
                self.step(self.indices[self._next])
                self._next = (self._next + 1) % len(self.indices)
            elif self.workload.kind == "predict":
                self.predict(torch.from_numpy(self.job.x[self._next : self._next + batch]))
                self._next = (self._next + batch) % self.workload.rows
            else:
                torch.mm(self.x, self.y, out=self._result)

    def verify(self) -> dict[str, Any]:
        """Return losses, predictions or a product to compare."""
        job = self.job
        if self.workload.kind == "product":
            return {"numbers": product_numbers((self.x @ self.y).numpy())}
        if self.workload.kind == "predict":
            predicted = self.predict(self.x[: min(CHECKED_PREDICTIONS, self.workload.rows)])
            return {"numbers": predicted.astype("float64").reshape(-1).tolist()}
        self.start()
        epochs = [
            float(torch.stack([self.step(index).clone() for index in epoch.unbind()]).mean())
            for epoch in torch.from_numpy(job.checked).unbind()
        ]
        final = [self.evaluate(self.x[part], self.y[part]) for part in job.checked_parts]
        self.start()
        return {"epochs": epochs, "final": sum(final) / len(final)}

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Return the loss on rows, without dropout."""
        self.model.eval()
        with torch.inference_mode():
            found = float(self.loss(self.model(x), y))
        self.model.train()
        return found
