"""`saturated-units`: sigmoids and tanhs whose outputs lie at their bounds, where they are flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import learned, severity_of
from misstep.doctor.optimizers import a_tenth, optimizer_facts
from misstep.doctor.passage import effective_layers, last_layer
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import LayerDescription, Role, Task
from misstep.text.figures import percent

# The share of a layer's outputs within 1 % of a bound, as SageMaker Debugger and DeepDiagnosis have
# it. Of inputs of deviation 1 a tanh has 1 % there, of deviation 5 about 60 %.
MOST = 0.5

_WAVE = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 4))
y = np.sin(2 * x[:, :1]) * x[:, 1:2] + x[:, 2:3]
"""


class SaturatedUnits(Rule):
    """Outputs at the flat ends of sigmoids and tanhs."""

    slug = "saturated-units"
    title = "Units at the flat ends of their activation"
    explanation = (
        "Far from 0 a sigmoid and a tanh are flat: what comes out is a bound, whatever goes in, "
        "and hardly any gradient comes back. It comes of first weights that are too large, of "
        "inputs of a large scale, or of a learning rate that throws weights there. Layers that "
        "saturate late, in a network that has learned, are no fault: they are sure of what they "
        "say."
    )
    needs = ("saturated_share",)
    leads_to = frozenset(
        {
            "vanishing-gradients",
            "slow-learning",
            "too-few-epochs",
            "constant-prediction",
            "underfitting",
            "learning-rate-too-low",
            "parameters-not-learning",
        }
    )
    sick = (
        Example(
            "first weights of deviation 20 before a tanh",
            f"""{_WAVE}
wide = ms.initializers.Normal(20.0)
network = ms.Sequential(
    ms.Dense(16, initializer=wide), ms.Tanh(), ms.Dense(16, initializer=wide), ms.Tanh(),
    ms.Dense(1),
)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.01))
run = trainer.fit(x, y, epochs=30)
""".strip(),
            also=frozenset({"bad-initialization"}),
        ),
        Example(
            "inputs in the hundreds before a sigmoid",
            f"""{_WAVE}
network = ms.Sequential(ms.Dense(16), ms.Sigmoid(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.05))
run = trainer.fit(400 * x, y, epochs=40)
""".strip(),
            also=frozenset({"unscaled-inputs"}),
        ),
    )
    healthy = (
        Example(
            "a tanh that has become sure",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (x[:, 0] > 0).astype(int)
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05))
run = trainer.fit(x, y, epochs=80)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        description = evidence.description
        last = last_layer(description)
        judged = [
            layer
            for layer in effective_layers(description)
            if layer.role is Role.ACTIVATION
            and len(evidence.series("saturated_share", layer.path)[0])
            # An output is sure of what it says; where it stands for a number, it may be stuck.
            and (layer is not last or description.loss.task is Task.NUMBERS)
            and layer.kind.lower() != "softmax"
        ]
        if not judged and any(one.role is Role.RECURRENT for one in description.layers):
            raise CannotTellError("of gates inside recurrent layers the record does not tell")
        shares = {layer.path: _typical(evidence, layer) for layer in judged}
        many = [layer for layer in judged if shares[layer.path] >= MOST]
        if not many:
            return
        worst = max(many, key=lambda layer: shares[layer.path])
        if not evidence.updates:
            yield self._found(evidence, worst, shares[worst.path], Severity.WARNING, 0.4)
            return
        severity = severity_of(learned(evidence))
        if severity is not None:
            share = shares[worst.path]
            # What was there before anything was learned made the rest.
            at_start = evidence.first("saturated_share", worst.path) >= MOST
            sure = 0.5 + 0.4 * share if at_start else 0.3 + 0.3 * share
            yield self._found(evidence, worst, share, severity, sure)

    def _found(
        self,
        evidence: Evidence,
        layer: LayerDescription,
        share: float,
        severity: Severity,
        confidence: float,
    ) -> Finding:
        steps, values = evidence.series("saturated_share", layer.path)
        at_start = bool(values[0] >= MOST)
        return self.finding(
            severity,
            confidence,
            layer=layer.path,
            activation=layer.kind,
            saturated_share=share,
            step=0 if at_start else int(steps[int(np.argmax(values >= MOST))]),
            **optimizer_facts(evidence.description),
            glorot=spelled(evidence.description, "glorot_uniform"),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        since = "from the start on" if facts["step"] == 0 else f"since update {facts['step']:,}"
        return (
            f"In {facts['layer']}, {percent(facts['saturated_share'])} of the outputs lie at a "
            f"bound of the {facts['activation']}, where its slope is next to 0, {since}."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        if facts["step"] == 0:
            return (
                f"Standardize the inputs and begin with weights of Glorot's scale "
                f"({facts['glorot']}), so that what goes into the {facts['activation']} is of size "
                "1; or put a normalization before it."
            )
        return (
            f"Lower the learning rate: {a_tenth(facts)}; or put a normalization before the "
            f"{facts['activation']}."
        )


def _typical(evidence: Evidence, layer: LayerDescription) -> float:
    """Return the share at the last look, or the median of all where that is less."""
    _, values = evidence.series("saturated_share", layer.path)
    return float(min(values[-1], np.median(values)))
