"""`Evidence`: a record as rules ask it, with the arithmetic that several of them share.

Knows records; no rule. What is said of whole curves stands in `curves.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.doctor.curves import smoothed
from misstep.errors import MisstepError
from misstep.record import (
    SIGNALS,
    AnswerSummary,
    LayerDescription,
    ParameterDescription,
    Record,
    RunDescription,
    Task,
)

Array = npt.NDArray[Any]


class Evidence:
    """What a record shows. Steps are updates, counted from 1; 0 is before the first one."""

    def __init__(self, record: Record) -> None:
        self.record = record

    # --- what the run is ------------------------------------------------------------------------

    @property
    def description(self) -> RunDescription:
        """Return what the run says of itself; a rule that needs it is not asked without."""
        assert self.record.description is not None
        return self.record.description

    @property
    def layers(self) -> list[LayerDescription]:
        """Return the layers that do something, in the order in which a row passes."""
        return list(self.description.effective_layers)

    def parameters(self) -> Iterator[tuple[LayerDescription, ParameterDescription]]:
        """Yield each parameter with its layer, from the first layer to the last."""
        for layer in self.description.layers:
            for parameter in layer.parameters:
                yield layer, parameter

    @property
    def weights(self) -> list[tuple[LayerDescription, ParameterDescription]]:
        """Return the parameters that connect (no biases, no scales), with their layers."""
        return [pair for pair in self.parameters() if not pair[1].is_bias]

    @property
    def is_classification(self) -> bool:
        """Return whether the answers are classes."""
        return self.description.loss.task is not Task.NUMBERS

    # --- how it went ----------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Return whether the record holds a signal, of an epoch, a step, or any path."""
        if name in ("loss", "learning_rate"):
            return bool(self.updates)
        if SIGNALS[name].scope == "epoch":
            return any(name in epoch for epoch in self.record.epochs)
        return bool(self.record.paths(name))

    def may_have(self, name: str) -> bool:
        """Return whether there is anything in this run that the signal could be of."""
        description = self.record.description
        if description is None or self.has(name):
            return True
        if name == "clipped_share":
            return bool(description.clipping)
        if name == "dead_share":
            return any(layer.can_die for layer in description.layers)
        if name == "saturated_share":
            return any(layer.bounds is not None for layer in description.layers)
        return True

    def series(self, name: str, path: str | None = None) -> tuple[Array, Array]:
        """Return steps and values of a signal; two empty arrays where the record holds none."""
        if path is None and name in SIGNALS and SIGNALS[name].scope == "network":
            path = ""
        try:
            return self.record.signal(name, path)
        except MisstepError:
            return np.zeros(0, "int64"), np.zeros(0)

    def last(self, name: str, path: str | None = None) -> float:
        """Return the latest value of a signal; NaN where there is none."""
        _, values = self.series(name, path)
        return float(values[-1]) if len(values) else math.nan

    def first(self, name: str, path: str | None = None) -> float:
        """Return the earliest value of a signal; NaN where there is none."""
        _, values = self.series(name, path)
        return float(values[0]) if len(values) else math.nan

    @property
    def updates(self) -> int:
        """Return how many updates the record tells of."""
        steps = self.record.steps["step"]
        return int(steps[-1]) if len(steps) else 0

    @cached_property
    def losses(self) -> Array:
        """Return the loss of each update that the record tells of, (updates,)."""
        losses: Array = self.record.steps["loss"]
        return losses

    @cached_property
    def smooth_losses(self) -> Array:
        """Return the finite losses of updates without the noise of batches, (finite updates,)."""
        return smoothed(self.losses[np.isfinite(self.losses)])

    @cached_property
    def training_losses(self) -> Array:
        """Return the mean training loss of each whole epoch, (epochs,)."""
        return self._of_epochs("training_loss")

    @cached_property
    def validation_losses(self) -> Array:
        """Return the validation loss of each whole epoch, (epochs,); empty without validation."""
        return self._of_epochs("validation_loss")

    def _of_epochs(self, name: str) -> Array:
        whole = [epoch for epoch in self.record.epochs if not epoch.get("partial")]
        return np.array([epoch[name] for epoch in whole if name in epoch], "float64")

    @property
    def failed(self) -> bool:
        """Return whether training ended because loss or weights were no longer finite numbers."""
        causes = ("loss_not_finite", "weights_not_finite")
        return any(self._cause(event) in causes for event in self.record.events) or (
            len(self.losses) > 0 and not bool(np.isfinite(self.losses[-1]))
        )

    @property
    def ended_as_planned(self) -> bool:
        """Return whether all epochs were done, and nobody and nothing stopped it before.

        Or fewer, after which its schedule had come to its end.
        """
        causes = ("epochs_done", "learned")
        return any(self._cause(event) in causes for event in self.record.events)

    @property
    def is_over(self) -> bool:
        """Return whether training ended, as far as anybody wrote it down."""
        for event in reversed(self.record.events):
            if event.get("kind") in ("finished", "stopped", "resumed"):
                return event["kind"] != "resumed"
        return False

    @staticmethod
    def _cause(event: dict[str, Any]) -> Any:
        facts = event.get("facts")
        return facts.get("cause") if isinstance(facts, dict) else None

    # --- what it comes to -----------------------------------------------------------------------

    @property
    def chance_loss(self) -> float:
        """Return the loss of the best constant prediction; NaN where it is no measure."""
        return chance_of(self.description.answers)

    @property
    def chance_doubt(self) -> str:
        """Return why the loss of the best constant prediction is no measure."""
        answers = self.description.answers
        if answers is not None and answers.are_alike:
            return "all answers are the same, so that a constant one is always right"
        return "the record does not say what the best constant answer would give"

    @property
    def start_loss(self) -> float:
        """Return the loss before the first update; NaN where it is not known."""
        start = self.description.start_loss
        if start is not None:
            return start
        finite = self.losses[np.isfinite(self.losses)]
        return float(finite[0]) if len(finite) else math.nan

    @property
    def final_loss(self) -> float:
        """Return the training loss that the run ended with, without the noise of batches."""
        if self.failed:
            return math.inf
        if len(self.training_losses) > 0:
            return float(self.training_losses[-1])
        return float(self.smooth_losses[-1]) if len(self.smooth_losses) else math.nan

    @property
    def explained(self) -> float:
        """Return how much of the chance loss training took away: 0 nothing, 1 all of it.

        Below 0: worse than the best constant prediction. NaN where chance is not known.
        """
        chance = self.chance_loss
        if not chance > 0:
            return math.nan
        return 1.0 - self.final_loss / chance

    # --- experiments ----------------------------------------------------------------------------

    def experiment(self, name: str) -> dict[str, Any] | None:
        """Return what an experiment showed, by its name; None where it was not done."""
        for event in reversed(self.record.events):
            if event.get("kind") == "experiment" and event.get("name") == name:
                outcome = event.get("outcome")
                return outcome if isinstance(outcome, dict) else None
        return None

    @cached_property
    def supports(self) -> dict[str, float]:
        """Return what experiments say about each cause, from −1 (against) to 1 (for).

        The strongest verdict for it and the strongest against it, added: experiments that show the
        same do not count twice.
        """
        verdicts: dict[str, list[float]] = {}
        for outcome in self.outcomes.values():
            for slug, one in outcome["verdicts"].items():
                verdicts.setdefault(slug, []).append(float(one))
        return {slug: max(0.0, *numbers) + min(0.0, *numbers) for slug, numbers in verdicts.items()}

    def support(self, slug: str) -> float:
        """Return what experiments say about a cause; 0 where none spoke about it."""
        return self.supports.get(slug, 0.0)

    def experiments_about(self, slug: str) -> list[dict[str, Any]]:
        """Return the outcomes of experiments that have a verdict about a cause."""
        return [one for one in self.outcomes.values() if slug in one["verdicts"]]

    @cached_property
    def outcomes(self) -> dict[str, dict[str, Any]]:
        """Return the latest outcome of each experiment that has verdicts, by its name."""
        outcomes: dict[str, dict[str, Any]] = {}
        for event in self.record.events:
            outcome = event.get("outcome")
            if event.get("kind") != "experiment" or not isinstance(outcome, dict):
                continue
            verdicts = outcome.get("verdicts")
            if isinstance(verdicts, dict) and all(
                isinstance(one, int | float) and -1 <= one <= 1 for one in verdicts.values()
            ):
                outcomes[str(event.get("name"))] = outcome
        return outcomes


def chance_of(answers: AnswerSummary | None) -> float:
    """Return the loss of the best constant prediction of some answers; NaN where it is no measure.

    Not known, or 0 because all answers are the same: no share of that can be taken away.
    """
    if answers is None or answers.chance_loss is None or answers.are_alike:
        return math.nan
    return answers.chance_loss
