"""scikit-learn as an entrant: MLPClassifier and MLPRegressor, fed by `partial_fit`.

`partial_fit` goes once through the rows it is given in batches; it is given the rows of some steps
in the common order, and gathering them is part of its time. Its own shuffling is off. It can't drop
out or clip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.entrant import Entrant
from benchmarks.job import CHECKED_PREDICTIONS, Job

# Steps in one call of partial_fit: enough that the call itself costs little.
MOST_STEPS = 100


class ScikitLearn(Entrant):
    """scikit-learn's networks."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._network = self._fresh()
        self._next = 0
        if self.workload.kind == "train":
            self.unit = min(MOST_STEPS, self.workload.batches)

    def _fresh(self) -> Any:
        workload, job = self.workload, self.job
        described: Any = workload.network
        regression = workload.loss == "squared-error"
        network = (MLPRegressor if regression else MLPClassifier)(
            hidden_layer_sizes=described.sizes[1:-1],
            activation={"relu": "relu", "sigmoid": "logistic"}[described.activation],
            solver="sgd" if workload.update.kind == "sgd" else "adam",
            alpha=0.0,
            batch_size=workload.batch if workload.kind == "train" else 1,
            learning_rate_init=workload.update.rate,
            momentum=workload.update.momentum,
            nesterovs_momentum=False,
            shuffle=False,
        )
        # One step makes its arrays; then it gets our first weights and a new optimizer.
        few = slice(0, workload.batch if workload.kind == "train" else 1)
        if regression:
            network.partial_fit(job.x[few], self._targets(job.y[few]))
        else:
            network.partial_fit(job.x[few], job.y[few], classes=np.arange(described.sizes[-1]))
        arrays = list(job.weights.values())
        network.coefs_ = [np.array(weight) for weight in arrays[::2]]
        network.intercepts_ = [np.array(bias) for bias in arrays[1::2]]
        del network._optimizer
        return network

    def _targets(self, y: Any) -> Any:
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def run(self, units: int) -> None:
        """Train or predict."""
        job, network = self.job, self._network
        if self.workload.kind == "predict":
            batch = self.workload.batch
            for _ in range(units):
                network.predict_proba(job.x[self._next : self._next + batch])
                self._next = (self._next + batch) % self.workload.rows
            return
        for _ in range(units):
            if self._next + self.unit > len(job.order):
                self._next = 0
            rows = job.order[self._next : self._next + self.unit].reshape(-1)
            network.partial_fit(job.x[rows], self._targets(job.y[rows]))
            self._next += self.unit

    def verify(self) -> dict[str, Any]:
        """Return losses or predictions to compare."""
        job, network = self.job, self._fresh()
        if self.workload.kind == "predict":
            predicted = network.predict_proba(job.x[:CHECKED_PREDICTIONS])
            return {"numbers": predicted.astype("float64").reshape(-1).tolist()}
        losses = []
        for epoch in job.checked:
            rows = epoch.reshape(-1)
            network.partial_fit(job.x[rows], self._targets(job.y[rows]))
            losses.append(float(network.loss_))
        x, y = job.x[: job.checked_rows], job.y[: job.checked_rows]
        if self.workload.loss == "squared-error":
            # Its loss is half the mean of squares. Adam does not feel the half.
            error = network.predict(x).reshape(y.shape).astype("float64") - y
            return {"epochs": [2 * loss for loss in losses], "final": float((error**2).mean())}
        right = network.predict_proba(x).astype("float64")[np.arange(len(y)), y]
        return {"epochs": losses, "final": float(-np.log(right).mean())}
