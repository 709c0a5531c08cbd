"""Counting is strict, and the thresholds of others give on made-up records what they say."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.doctor.cases import Case
from benchmarks.doctor.peers import PEERS
from benchmarks.doctor.scoring import Named, Verdict, measures
from misstep.record import (
    AnswerSummary,
    FeatureSummary,
    InputSummary,
    LayerDescription,
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    Record,
    Role,
    RunDescription,
    Task,
)


def verdict(kind: str, *findings: Named, hard: bool = False) -> Verdict:
    faults = () if kind == "healthy" else (("dead-units", 1.0),)
    return Verdict(Case("a", "table", kind, 0, faults, hard=hard), findings)


def test_only_top_findings_count_as_named() -> None:
    found = measures(
        [
            verdict("broken", Named("dead-units")),
            verdict("broken", Named("outliers"), Named("bad-initialization")),
            verdict("broken", Named("outliers", beneath=("dead-units",))),
            verdict("broken", *[Named("outliers")] * 3, Named("dead-units")),
            verdict("broken"),
        ]
    )
    assert found.noticed == 0.8
    assert found.first == 0.2
    assert found.among_three == 0.4
    assert found.beneath_three == pytest.approx(0.6)
    assert found.healthy_any is None


def test_alarms_about_healthy_runs_are_counted() -> None:
    found = measures(
        [
            verdict("healthy"),
            verdict("healthy", Named("outliers", critical=True)),
            verdict("healthy", Named("outliers"), hard=True),
            verdict("healthy"),
        ]
    )
    assert found.healthy_critical == 0.25
    assert found.healthy_any == 0.5
    assert found.hard_any == 1.0
    assert found.noticed is None


def layer(path: str, kind: str, **options: Any) -> list[LayerDescription]:
    weight = ParameterDescription(f"{path}.weight", (4, 4))
    return [
        LayerDescription(path, "Dense", Role.AFFINE, (4,), (4,), (weight,)),
        LayerDescription(f"{path}_{kind}", kind, Role.ACTIVATION, (4,), (4,), **options),
    ]


def record(
    layers: Sequence[LayerDescription] = (),
    losses: Sequence[float] = (1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.15),
    signals: dict[str, dict[str, float]] | None = None,
    epochs: Sequence[dict[str, float]] = (),
    counts: tuple[int, ...] = (),
    reach: float = 1.0,
) -> Record:
    whole = FeatureSummary("all", 0.0, 0.5 * reach, -reach, reach)
    made = Record(
        {},
        RunDescription(
            layers=tuple(layers or layer("one", "ReLU", can_die=True)),
            loss=LossDescription("CrossEntropy", Task.CLASSES, "logits"),
            optimizer=OptimizerDescription("Adam", 0.001),
            inputs=InputSummary(rows=10, columns=4, whole=whole),
            answers=AnswerSummary(Task.CLASSES, 10, counts),
        ),
    )
    rates = [0.001] * len(losses)
    made.add({"kind": "steps", "first": 1, "loss": list(losses), "learning_rate": rates})
    for step, values in enumerate(epochs, start=1):
        made.add({"kind": "epoch", "epoch": step, "step": step, "values": values})
    made.add({"kind": "measures", "step": len(losses), "signals": signals or {}})
    return made


def gradients(*norms: float) -> dict[str, Any]:
    layers = [one for at in range(len(norms)) for one in layer(f"layer{at}", "Tanh")]
    return {
        "layers": layers,
        "signals": {"gradient_norm": {f"layer{at}.weight": norm for at, norm in enumerate(norms)}},
    }


def slugs(tool: str, **options: Any) -> list[str]:
    return [finding.slug for finding in PEERS[tool](record(**options))]


@pytest.mark.parametrize("tool", PEERS)
def test_nobody_speaks_of_a_plain_good_run(tool: str) -> None:
    assert slugs(tool, **gradients(0.5, 0.4)) == []


def test_auto_trainer() -> None:
    tool = "AutoTrainer"
    assert slugs(tool, **gradients(0.9e-4, 1.0)) == ["vanishing-gradients"]
    assert slugs(tool, **gradients(1.1e-4, 1.0)) == []
    assert slugs(tool, **gradients(71.0, 1.0)) == ["exploding-gradients"]
    assert slugs(tool, **gradients(69.0, 1.0)) == []
    assert slugs(tool, losses=[1.0, math.nan]) == ["exploding-gradients"]
    assert slugs(tool, signals={"zero_share": {"one_ReLU": 0.71}}) == ["dead-units"]
    assert slugs(tool, signals={"zero_share": {"one_ReLU": 0.69}}) == []
    swinging = [{"validation_accuracy": 0.8 + 0.04 * (at % 2)} for at in range(10)]
    assert slugs(tool, epochs=swinging) == ["learning-rate-too-high"]
    slow = [{"validation_accuracy": 0.3 + 0.005 * at} for at in range(10)]
    assert slugs(tool, epochs=slow) == ["slow-learning"]


def test_sage_maker() -> None:
    tool = "SageMaker Debugger"
    # 16 entries: a norm of 4 × their root mean square.
    assert slugs(tool, **gradients(3.9e-7, 1.0)) == ["vanishing-gradients"]
    assert slugs(tool, **gradients(4.1e-7, 1.0)) == []
    assert slugs(tool, signals={"dead_share": {"one_ReLU": 0.51}}) == ["dead-units"]
    assert slugs(tool, signals={"dead_share": {"one_ReLU": 0.5}}) == []
    tanh = layer("one", "Tanh", bounds=(-1.0, 1.0))
    saturated = {"saturated_share": {"one_Tanh": 0.51}}
    assert slugs(tool, layers=tanh, signals=saturated) == ["saturated-units"]
    apart = [{"training_loss": 1.0, "validation_loss": 1.11}]
    assert slugs(tool, epochs=apart) == ["overfitting"]
    assert slugs(tool, epochs=[{"training_loss": 1.0, "validation_loss": 1.09}]) == []
    assert slugs(tool, counts=(11, 1)) == ["class-imbalance"]
    assert slugs(tool, counts=(10, 1)) == []


def test_deep_diagnosis() -> None:
    tool = "DeepDiagnosis"
    assert slugs(tool, losses=[1.0, math.inf]) == ["not-a-number"]
    sigmoid = layer("one", "Sigmoid", bounds=(0.0, 1.0))
    signals = {"saturated_share": {"one_Sigmoid": 0.51}}
    assert slugs(tool, layers=sigmoid, signals=signals) == ["saturated-units"]


def test_umlaut() -> None:
    tool = "UMLAUT"
    assert slugs(tool, reach=4.1) == ["unscaled-inputs"]
    assert slugs(tool, reach=3.9) == []  # The deviation is half of that: standardized.
    assert slugs(tool, reach=1.0) == []
    assert slugs(tool, layers=layer("one", "Softmax", bounds=(0.0, 1.0))) == ["wrong-output"]
    turned = [
        {"training_loss": 1.0 - 0.1 * at, "validation_loss": 1.0 + abs(at - 2)} for at in range(8)
    ]
    assert slugs(tool, epochs=turned) == ["overfitting"]
    assert slugs(tool, epochs=turned[:6]) == []


def test_deep_checker() -> None:
    tool = "TheDeepChecker"
    assert slugs(tool, **gradients(3.9e-6, 1.0)) == ["vanishing-gradients"]
    assert slugs(tool, **gradients(4.1e-6, 1.0)) == []
    assert slugs(tool, **gradients(*[0.45**at for at in range(5, -1, -1)])) == [
        "vanishing-gradients"
    ]
    assert slugs(tool, **gradients(*[2.1**at for at in range(5, -1, -1)])) == [
        "exploding-gradients"
    ]
    assert slugs(tool, losses=[1.0, 0.5, 0.4, 0.9]) == ["diverging"]
    swinging = [1.0 - 0.01 * at + 0.05 * (at % 2) for at in range(40)]
    assert slugs(tool, losses=swinging) == ["learning-rate-too-high"]
    moved = {"update_norm": {"one.weight": 0.2}, "weight_norm": {"one.weight": 1.0}}
    assert slugs(tool, signals=moved) == ["learning-rate-too-high"]
    still = {"update_norm": {"one.weight": 0.9e-4}, "weight_norm": {"one.weight": 1.0}}
    assert slugs(tool, signals=still) == ["learning-rate-too-low"]
