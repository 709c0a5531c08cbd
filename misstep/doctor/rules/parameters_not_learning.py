"""`parameters-not-learning`: weights that training can't or doesn't move."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.gradients import CONNECTING
from misstep.doctor.harm import HALF_LEARNED, learned, severity_of
from misstep.doctor.passage import last_affine
from misstep.doctor.rule import Example, Rule
from misstep.record import LayerDescription, ParameterDescription, Role
from misstep.text.counts import counted
from misstep.text.figures import figure, percent
from misstep.text.lists import listed

# Frozen weights whose deviation lies so near to what an initializer draws, with biases of 0, were
# never trained: they are as they were drawn.
AS_DRAWN = 0.15
# An update so much smaller than the weights, by norms: float32 tells apart numbers that differ by
# 6·10⁻⁸ of their size, so of entries of all sizes hardly any moves.
LOST = 1e-6
# Layers named at most in a sentence.
MOST_NAMED = 4

_RING = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
"""


class ParametersNotLearning(Rule):
    """Weights that stay as they are, in a network that would need them."""

    slug = "parameters-not-learning"
    title = "Weights that do not learn"
    explanation = (
        "Weights stay what they began as where no gradient reaches them (nothing that is computed "
        "from them enters the loss), where they are frozen, where the optimizer was not given "
        "them, or where updates are so small that rounding swallows them. Layers that were trained "
        "before and are frozen on purpose, with a last layer that learns, are no fault; nor are "
        "frozen random ones in a network that learns well all the same."
    )
    needs = ("unmoved_share",)
    leads_to = frozenset(
        {
            "underfitting",
            "slow-learning",
            "too-few-epochs",
            "constant-prediction",
            "learning-rate-too-low",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "everything but the first layer frozen, as it was drawn",
            f"""{_RING}
network = ms.Sequential(
    ms.Dense(4), ms.Tanh(), ms.Dense(4, trainable=False), ms.Tanh(), ms.Dense(2, trainable=False)
)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
        Example(
            "a hidden layer of three units frozen, as it was drawn",
            f"""{_RING}
network = ms.Sequential(ms.Dense(3, trainable=False), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "a trained first layer, frozen, and a new last one",
            f"""{_RING}
body = ms.Dense(32)
whole = ms.Trainer(
    ms.Sequential(body, ms.ReLU(), ms.Dense(2)), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02)
)
whole.fit(x, y, epochs=40)
whole.network.freeze("dense1")
trainer = ms.Trainer(whole.network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        weights = [
            (layer, parameter)
            for layer, parameter in evidence.weights
            if layer.role in CONNECTING or layer.role is Role.EMBEDDING
        ]
        free = [pair for pair in weights if pair[1].learns]
        unmoved = [pair for pair in free if _never_moved(evidence, pair[1])]
        if unmoved and evidence.updates:
            yield self._unmoved(evidence, free, unmoved)
            return
        frozen = [
            (layer, parameter)
            for layer, parameter in weights
            if not parameter.learns and layer.role in CONNECTING
        ]
        if frozen and evidence.updates:
            yield from self._frozen(evidence, weights, frozen)

    def _unmoved(self, evidence: Evidence, free: _Pairs, unmoved: _Pairs) -> Finding:
        severity = severity_of(learned(evidence)) or Severity.NOTE
        blamed = [pair for pair in unmoved if _has_gradient(evidence, pair[1])]
        if len(unmoved) == len(free):
            fault = "nothing moves" if blamed else "no gradient"
        else:
            fault = "left out" if blamed else "no gradient"
            unmoved = blamed or unmoved
            if blamed and all(_is_swallowed(evidence, parameter) for _, parameter in blamed):
                return self._found(evidence, "rounded away", severity, 0.4, unmoved)
        return self._found(evidence, fault, severity, 0.9, unmoved)

    def _frozen(self, evidence: Evidence, weights: _Pairs, frozen: _Pairs) -> Iterator[Finding]:
        share = learned(evidence)
        severity = severity_of(share)
        if severity is None:
            return
        head = last_affine(evidence.description)
        drawn = [pair for pair in frozen if _is_as_drawn(*pair)]
        head_frozen = any(layer is head for layer, _ in frozen)
        if not drawn and not head_frozen:
            # Trained before: on purpose, though more of it may have to learn.
            if share < HALF_LEARNED:
                yield self._found(evidence, "frozen", Severity.NOTE, 0.3, frozen)
            return
        confidence = 0.8 if head_frozen or len(frozen) == len(weights) - 1 else 0.65
        yield self._found(evidence, "frozen", severity, confidence, drawn or frozen)

    def _found(
        self, evidence: Evidence, fault: str, severity: Severity, confidence: float, pairs: _Pairs
    ) -> Finding:
        every = sum(math.prod(parameter.shape) for _, parameter in evidence.weights)
        these = sum(math.prod(parameter.shape) for _, parameter in pairs)
        return self.finding(
            severity,
            confidence,
            fault=fault,
            layer=pairs[0][0].path,
            layers=list(dict.fromkeys(layer.path for layer, _ in pairs)),
            parameters=[parameter.name for _, parameter in pairs],
            share=these / max(every, 1),
            learning_rate=evidence.description.optimizer.learning_rate,
            framework=evidence.description.framework,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        names = f"The weights {listed(facts['parameters'], MOST_NAMED)}"
        share = percent(facts["share"])
        if facts["fault"] == "rounded away":
            return (
                f"{names} ({share} of all weights) never moved, bit for bit: their gradients are "
                "so small that rounding swallows each update."
            )
        if facts["fault"] == "nothing moves":
            return (
                "No weight has moved since the start, bit for bit, though all have gradients: the "
                f"learning rate is {figure(facts['learning_rate'])} before its schedule."
            )
        if facts["fault"] == "left out":
            return (
                f"{names} ({share} of all weights) never moved, bit for bit, though there are "
                "gradients for them: no optimizer changes them."
            )
        if facts["fault"] == "no gradient":
            return (
                f"{names} ({share} of all weights) never moved, and their gradient is 0 for every "
                "probe row: nothing that is computed from them reaches the loss."
            )
        return (
            f"{names} ({share} of all weights) are frozen, and the network learned little with "
            f"what is left ({counted(len(facts['layers']), 'layer')} frozen)."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        names = listed(facts["layers"], MOST_NAMED)
        if facts["fault"] == "nothing moves":
            return (
                "Raise the learning rate, and look at the schedule's factors: an update below a "
                "ten-millionth of a weight is lost in rounding."
            )
        if facts["fault"] == "rounded away":
            return (
                "Let gradients reach them: first weights of He's or Glorot's scale, a "
                "normalization, shortcuts; or take an optimizer that divides by the gradient's own "
                "size, such as Adam."
            )
        if facts["fault"] == "left out":
            return f"Give the optimizer the parameters of {names} too, once they exist."
        if facts["fault"] == "no gradient":
            return (
                f"Let what {names} gives go into the loss: look for a result that is not used, an "
                "argmax or a rounding on the way, a layer of dead units behind, or weights of rows "
                "that are all 0."
            )
        if facts["framework"] == "misstep":
            return (
                f"Let {names} learn: leave out `trainable=False`, or call "
                f'`network.unfreeze("{facts["layers"][0]}")`.'
            )
        return f"Let {names} learn, or load trained weights before freezing."


_Pairs = list[tuple[LayerDescription, ParameterDescription]]


def _never_moved(evidence: Evidence, parameter: ParameterDescription) -> bool:
    steps, shares = evidence.series("unmoved_share", parameter.name)
    return len(steps) > 0 and int(steps[-1]) > 0 and float(shares[-1]) == 1.0


def _has_gradient(evidence: Evidence, parameter: ParameterDescription) -> bool:
    _, sizes = evidence.series("gradient_norm", parameter.name)
    return bool(np.any(sizes > 0))


def _is_swallowed(evidence: Evidence, parameter: ParameterDescription) -> bool:
    """Return whether plain updates by its gradients are lost in the rounding of its weights."""
    _, gradients = evidence.series("gradient_norm", parameter.name)
    _, weights = evidence.series("weight_norm", parameter.name)
    rate = evidence.description.optimizer.learning_rate
    with np.errstate(all="ignore"):
        return bool(np.nanmax(gradients) * rate <= LOST * np.nanmax(weights))


def _is_as_drawn(layer: LayerDescription, weight: ParameterDescription) -> bool:
    """Return whether weights are as an initializer gives them, and biases too."""
    fan_in, fan_out = max(weight.fan_in, 1), max(weight.fan_out, 1)
    biases = [one for one in layer.parameters if one.is_bias]
    # Of PyTorch they are uniform up to the inverse root of fan in, as the weights are.
    most = 1.001 / math.sqrt(fan_in)
    if layer.role is Role.AFFINE and not all(
        one.smallest == one.largest or max(-one.smallest, one.largest) <= most for one in biases
    ):
        return False
    scales = (2.0 / fan_in, 1.0 / fan_in, 2.0 / (fan_in + fan_out), 1.0 / (3.0 * fan_in))
    # A few numbers have a deviation that is that far off by chance.
    slack = AS_DRAWN + 2.0 / math.sqrt(max(math.prod(weight.shape), 1))
    return any(abs(weight.deviation / math.sqrt(one) - 1.0) < slack for one in scales)
