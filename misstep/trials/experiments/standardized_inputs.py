"""The same training on inputs of mean 0 and deviation 1: were they on a scale that hurts?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.scaling import scaling_of
from misstep.trials.setting import NotApplicableError, Setting


class StandardizedInputs(Comparison):
    """Tries standardized inputs."""

    name = "standardized-inputs"
    title = "standardized inputs"
    tells = ("unscaled-inputs",)
    rank = 12

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run on standardized inputs."""
        if setting.start.network.position_limits is not None:
            raise NotApplicableError("its inputs are positions that are looked up")
        scaling = scaling_of(setting.rows.x)
        if scaling.changes_little:
            raise NotApplicableError("its inputs have about mean 0 and deviation 1 already")
        yield Arm(
            "on standardized inputs",
            setting.start,
            "x = (x - x_train.mean(axis=0)) / x_train.std(axis=0), with the numbers of the "
            "training rows for all rows",
            rows=scaling.of_inputs(setting.rows),
            validation=None
            if setting.validation is None
            else scaling.of_inputs(setting.validation),
        )
