"""`MLflowLogger`: a run on an MLflow tracking server, or in its database on this machine.

Needs the package mlflow or mlflow-skinny. Goes by the client alone, so that the run that the
calling program may have open is left as it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from misstep.errors import MisstepError
from misstep.extras import required
from misstep.loggers.logger import Logger, Metrics
from misstep.train import Training

EXPERIMENT = "misstep"
# What MLflow takes: characters of a value, metrics in a request.
LONGEST_VALUE = 500
MOST_METRICS = 1000


class MLflowLogger(Logger):
    """Tells an MLflow server of a run: settings as parameters, numbers by update, the end as a tag.

    `uri`: of the server; None: what MLFLOW_TRACKING_URI says, else MLflow's own default.
    `experiment`: made where there is none. `name`: of the run; None: MLflow finds one. `tags`: more
    of them. `layers`: as for `Logger`. A resumed run goes on in the run it had there. Numbers that
    are not finite are left out: MLflow's databases do not all take them.

    Raises MisstepError where the package is not installed or the server does not answer.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        experiment: str = EXPERIMENT,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        layers: bool = False,
    ) -> None:
        super().__init__(layers=layers)
        self.uri, self.experiment, self.name, self.tags = uri, experiment, name, dict(tags or {})
        self._client: Any = None
        self.run_id: str | None = None

    def begin(self, training: Training) -> None:
        """Open a run, or the one that a resumed training had."""
        mlflow = required("mlflow", "track", "a log on an MLflow server", package="mlflow-skinny")
        try:
            self._client = mlflow.MlflowClient(tracking_uri=self.uri)
            if training.resumed and self.run_id is not None:
                self._client.update_run(self.run_id, status="RUNNING")
                return
            known = self._client.get_experiment_by_name(self.experiment)
            experiment = (
                self._client.create_experiment(self.experiment)
                if known is None
                else known.experiment_id
            )
            run = self._client.create_run(experiment, run_name=self.name, tags=self.tags)
        except Exception as error:
            raise MisstepError(
                f"the MLflow server {self.uri or mlflow.get_tracking_uri()}",
                needed="one that opens a run",
                got=" ".join(str(error).split())[:300],
                try_="its address, such as http://localhost:5000, or training without it",
            ) from error
        self.run_id = run.info.run_id

    def describe(self, settings: Mapping[str, str]) -> None:
        """Tell the settings."""
        entities = import_module("mlflow.entities")
        parameters = [
            entities.Param(name, value[:LONGEST_VALUE]) for name, value in settings.items()
        ]
        self._client.log_batch(self.run_id, params=parameters)

    def log(self, epoch: int, update: int, metrics: Metrics) -> None:
        """Tell the numbers."""
        entities = import_module("mlflow.entities")
        now = int(time.time() * 1000)
        told = [
            entities.Metric(name, value, now, update)
            for name, value in {**metrics, "epoch": float(epoch)}.items()
            if math.isfinite(value)
        ]
        for start in range(0, len(told), MOST_METRICS):
            self._client.log_batch(self.run_id, metrics=told[start : start + MOST_METRICS])

    def finish(self, ending: str, *, failed: bool) -> None:
        """Tell why training ended."""
        self._client.set_tag(self.run_id, "ending", ending)
        self._client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")

    def state(self) -> dict[str, Any]:
        """Return which run it is there."""
        return {"mlflow_run": self.run_id}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on in the run it was there."""
        run = state.get("mlflow_run")
        self.run_id = run if isinstance(run, str) else None
