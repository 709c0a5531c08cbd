"""`exploding-gradients`: gradients that grow without end, over layers or over updates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.gradients import relative_gradients, total_gradient
from misstep.doctor.harm import HALF_LEARNED, learned
from misstep.doctor.optimizers import a_tenth, optimizer_facts
from misstep.doctor.rule import Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import Role
from misstep.text.figures import three_figures

# So many times as large as at the first looks is the gradient of a run that fell apart; a gradient
# of one that learns shrinks, and one that noise shakes stays within ten times.
GROWTH = 100.0
# Growth from the last layer to the first, and for each layer: AutoTrainer has 70, TheDeepChecker 2.
FIRST_TO_LAST = 70.0
EACH_LAYER = 2.0
LEAST_LAYERS = 4
FIRST_LOOKS = 3


class ExplodingGradients(Rule):
    """Gradients far larger than learning can use."""

    slug = "exploding-gradients"
    title = "Gradients that grow without end"
    explanation = (
        "Weights above the scale that keeps signals even make gradients grow from layer to layer "
        "on their way back, and in a recurrent layer from step to step. One such update throws the "
        "weights away, errors grow, and with them the next gradient, until the loss is no number "
        "any more. A learning rate that is too high does the same from update to update."
    )
    needs = ("gradient_norm", "weight_norm")
    leads_to = frozenset({"diverging", "not-a-number"})
    sick = (
        Example(
            "plain gradients of answers in the hundreds",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = 300 * x[:, :1] - 200 * x[:, 1:2]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(16), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.01))
run = trainer.fit(x, y, epochs=30)
""".strip(),
            also=frozenset(
                {"unscaled-target", "learning-rate-too-high", "diverging", "not-a-number"}
            ),
        ),
        Example(
            "a line learned with too large steps",
            """
random = np.random.default_rng(0)
x = random.normal(size=(200, 3))
y = x[:, :1] - 2 * x[:, 1:2] + 1
trainer = ms.Trainer(
    ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1.6), batch_size="full"
)
run = trainer.fit(x, y, epochs=60)
""".strip(),
            also=frozenset({"learning-rate-too-high", "diverging", "not-a-number"}),
        ),
    )
    healthy = (
        Example(
            "large gradients of a loss in large units",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = 40 * x[:, :1] - 30 * x[:, 1:2]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.05))
run = trainer.fit(x, y, epochs=60)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if not evidence.updates:
            return
        harmed = evidence.failed or learned(evidence) < HALF_LEARNED
        if not harmed:
            return
        yield from self._over_time(evidence) or self._over_layers(evidence)

    def _over_time(self, evidence: Evidence) -> list[Finding]:
        steps, sizes = total_gradient(evidence)
        if len(steps) < 2:
            return []
        begin = _typical(sizes[: FIRST_LOOKS if len(sizes) > 2 * FIRST_LOOKS else 1])
        with np.errstate(invalid="ignore"):
            beyond = np.flatnonzero(~(sizes <= GROWTH * begin))
        if not begin > 0 or not len(beyond):
            return []
        # A peak that the run came back from did no harm.
        worse = evidence.failed or not sizes[-1] <= begin * math.sqrt(GROWTH)
        if not worse:
            return []
        at = int(beyond[0])
        facts: dict[str, Any] = {"step": int(steps[at])}
        if math.isfinite(sizes[at]):
            facts |= {"gradient_norm": float(sizes[at]), "times": float(sizes[at] / begin)}
        return [self._found(evidence, "over updates", 0.5, **facts)]

    def _over_layers(self, evidence: Evidence) -> list[Finding]:
        weights = [each for each in relative_gradients(evidence) if each.steps[0] == 0]
        layers = list(dict.fromkeys(each.layer.path for each in weights))
        if len(layers) < LEAST_LAYERS:
            return []
        sizes = dict.fromkeys(layers, 0.0)
        for each in weights:
            sizes[each.layer.path] = max(sizes[each.layer.path], float(each.values[0]))
        first, last = sizes[layers[0]], max(sizes[path] for path in layers[-2:])
        if not last > 0 or first < FIRST_TO_LAST * last:
            return []
        each_layer = (first / last) ** (1.0 / (len(layers) - 1))
        if each_layer < EACH_LAYER:
            return []
        facts = {"layer": layers[0], "last_layer": layers[-1], "times": first / last, "step": 0}
        return [self._found(evidence, "over layers", 0.6, each_layer=each_layer, **facts)]

    def _found(self, evidence: Evidence, fault: str, confidence: float, **facts: Any) -> Finding:
        description = evidence.description
        recurrent = any(layer.role is Role.RECURRENT for layer in description.layers)
        clipped = bool(description.clipping)
        return self.finding(
            Severity.CRITICAL,
            confidence + (0.2 if recurrent and not clipped else 0.0),
            fault=fault,
            clipped=clipped,
            clipping=spelled(description, "clip_norm"),
            glorot=spelled(description, "glorot_uniform"),
            he=spelled(description, "he_normal"),
            **optimizer_facts(description),
            **facts,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        if facts["fault"] == "over layers":
            return (
                f"Before the first update, the gradient of {facts['layer']}, against its weights, "
                f"is {three_figures(facts['times'])} times that of {facts['last_layer']}."
            )
        if "gradient_norm" not in facts:
            return f"At update {facts['step']:,} the gradient is no finite number any more."
        return (
            f"At update {facts['step']:,} the gradient is {three_figures(facts['times'])} times as "
            "large as at the start, and learning did not recover."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        if facts["fault"] == "over layers":
            return (
                f"Begin with weights of the scale that keeps gradients even: {facts['he']} before "
                f"a ReLU, {facts['glorot']} else."
            )
        lower = f"lower the learning rate, {a_tenth(facts)}, and standardize inputs and answers"
        if facts["clipped"]:
            return f"{lower[0].upper()}{lower[1:]}."
        return f"Clip the gradient with {facts['clipping']}; {lower}."


def _typical(sizes: Any) -> float:
    """Return the median of the numbers among `sizes`; 0 where there are none."""
    finite = sizes[np.isfinite(sizes)]
    return float(np.median(finite)) if len(finite) else 0.0
