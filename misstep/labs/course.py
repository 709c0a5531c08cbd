"""`Course`: what came of one training, as plain fields: losses, errors, gradients, findings.

Made of a `Run` once; from then on nothing needs the network or the record. Knows no lab.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from misstep.doctor import Diagnosis, Severity
from misstep.record import Record
from misstep.train.run import Run

# What layers call the weights that connect them to the layer before.
WEIGHTS = ".weight"
# What is good to know, and no harm.
NOTE = Severity.NOTE.value


@dataclass(frozen=True)
class Diagnosed:
    """What the doctor found: cause, how bad, and in words what shows and what to do.

    `follows`: the causes that follow from it.
    """

    slug: str
    severity: str
    title: str
    symptom: str
    remedy: str
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerGradient:
    """How strongly the weights of a layer are blamed at one look.

    `gradient`, `weight`, `update`: the norms √Σ g², √Σ w² and √Σ Δw² of its weights.
    """

    layer: str
    gradient: float
    weight: float
    update: float


@dataclass(frozen=True)
class Course:
    """What came of one training.

    `name`: what was special about it. `losses`: the training loss of each epoch. `step_losses`: the
    loss of the batch that each update learned from, where that was asked for. `errors`: after each
    epoch the share of held-out rows with a wrong class, or the root of their mean squared error;
    empty where none were held out. `first`, `last`: how strongly each layer was blamed at the first
    and the last look, from the first layer on. `failed`: whether a number was no longer finite.
    `ending`: why it ended, in words. `findings`: what the doctor says; `examined`: of how many
    causes. `snapshots`: updates done and held-out error at a few moments, where `ms.Snapshots`
    watched.
    """

    name: str
    epochs: int
    updates: int
    losses: tuple[float, ...]
    step_losses: tuple[float, ...]
    errors: tuple[float, ...]
    first: tuple[LayerGradient, ...]
    last: tuple[LayerGradient, ...]
    failed: bool
    ending: str
    findings: tuple[Diagnosed, ...]
    examined: int
    snapshots: tuple[tuple[int, float], ...] = ()

    @property
    def loss(self) -> float:
        """Return the training loss of the last epoch; NaN where not one was completed."""
        return self.losses[-1] if self.losses else math.nan

    @property
    def error(self) -> float:
        """Return the held-out error after the last epoch; NaN where there is none."""
        return self.errors[-1] if self.errors else math.nan

    def error_at(self, update: int) -> float:
        """Return the held-out error after so many updates. Raises KeyError without a snapshot."""
        return dict(self.snapshots)[update]

    @property
    def found(self) -> tuple[str, ...]:
        """Return the causes that the doctor names, those that follow from others behind them."""
        below = [slug for finding in self.findings for slug in finding.follows]
        return (*(finding.slug for finding in self.findings), *below)

    @property
    def main_finding(self) -> str:
        """Return the first cause that the doctor names, but for what is only noted; or "none"."""
        harmful = [each.slug for each in self.findings if each.severity != NOTE]
        return harmful[0] if harmful else "none"

    @property
    def first_to_last(self) -> float:
        """Return the first layer's gradient at the first look as a share of the last layer's."""
        return self.first[0].gradient / self.first[-1].gradient


def course_of(name: str, run: Run, *, every_step: bool = False) -> Course:
    """Return what came of a run that was watched.

    `every_step`: whether the loss of each update is kept; a long run has blocks of them.
    """
    record = run.record
    assert record is not None
    diagnosis = run.diagnose()
    step_losses = record.steps["loss"].tolist() if every_step else ()
    looks = _looks(record)
    return Course(
        name=name,
        epochs=run.epochs,
        updates=run.updates,
        losses=tuple(run.losses),
        step_losses=tuple(step_losses),
        errors=tuple(_errors(run)),
        first=_blamed(record, looks[0]) if looks else (),
        last=_blamed(record, looks[-1]) if looks else (),
        failed=run.failed,
        ending=str(run.ending),
        findings=diagnosed(diagnosis),
        examined=len(diagnosis.examined),
        snapshots=tuple((each.update, each.score) for each in run.snapshots),
    )


def diagnosed(diagnosis: Diagnosis) -> tuple[Diagnosed, ...]:
    """Return the findings of a diagnosis as plain fields."""
    return tuple(
        Diagnosed(
            finding.slug,
            finding.severity.value,
            finding.rule.title,
            finding.symptom,
            finding.remedy,
            tuple(below.slug for below in finding.consequences),
        )
        for finding in diagnosis.findings
    )


def _errors(run: Run) -> list[float]:
    """Return the held-out error of each epoch."""
    return [_error(values) for values in run.history if "validation_loss" in values]


def _error(values: Mapping[str, float]) -> float:
    if "validation_accuracy" in values:
        return 1.0 - values["validation_accuracy"]
    return values.get("validation_rmse", math.nan)


def _looks(record: Record) -> list[int]:
    """Return after how many updates there were looks whose update was seen too."""
    paths = _weights(record)
    return record.signal("update_norm", paths[0])[0].tolist() if paths else []


def _weights(record: Record) -> list[str]:
    """Return the names of the weights that connect layers, from the first layer on."""
    described: Any = record.description
    named = [each.name for layer in described.layers for each in layer.parameters]
    seen = set(record.paths("update_norm"))
    return [name for name in named if name.endswith(WEIGHTS) and name in seen]


def _blamed(record: Record, step: int) -> tuple[LayerGradient, ...]:
    blamed = []
    for path in _weights(record):
        numbers = []
        for signal in ("gradient_norm", "weight_norm", "update_norm"):
            steps, values = record.signal(signal, path)
            numbers += values[steps == step].tolist()
        if len(numbers) == 3:
            blamed.append(LayerGradient(path.rpartition(".")[0], *numbers))
    return tuple(blamed)
