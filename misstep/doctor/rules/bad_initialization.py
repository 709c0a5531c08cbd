"""`bad-initialization`: first weights that are all alike, or of a scale that ends signals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.gradients import CONNECTING
from misstep.doctor.harm import WELL_LEARNED, learned, severity_of
from misstep.doctor.passage import effective_layers, has_shortcut, last_affine
from misstep.doctor.rule import Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import LayerDescription, ParameterDescription, Role
from misstep.text.figures import figure, three_figures

# Weights are alike where they differ by less than this share of their size.
ALIKE = 1e-3
# Deviation times √fan in: what a signal is multiplied by. He has √2, LeCun 1, PyTorch 0.58, Glorot
# anything below √2. So far from these, a layer alone harms; of small ones, Glorot's scale counts
# too, which of a narrow input to a wide layer is far below the others.
LARGE = 4.0
SMALL = 0.1
# How much signals may shrink or grow on their way through the hidden layers, before the first
# update, and how far from what suits the activations the layers must then be on average.
PASSED = 100.0
OFF = 1.6
# A bias so far from 0 outweighs a weighted sum of size 1, and half of a layer's units tell it.
BIAS = 3.0
HALF = 0.5

_WAVE = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
"""


class BadInitialization(Rule):
    """First weights from which learning can't begin well."""

    slug = "bad-initialization"
    title = "First weights from which learning can't begin well"
    explanation = (
        "Units whose first weights are the same get the same gradient and stay the same: a layer "
        "of them is one unit. Weights that are too large drive activations to their flat ends, "
        "make the first loss many times what a guess would cost, and gradients explode; weights "
        "that are too small let the signal die out on its way, and nothing learns for a long time. "
        "The scale that keeps signals even follows from the number of inputs of a unit (He, "
        "Glorot, LeCun). A last layer of zeros, or the last one before a shortcut is added, is no "
        "fault."
    )
    leads_to = frozenset(
        {
            "saturated-units",
            "dead-units",
            "vanishing-gradients",
            "exploding-gradients",
            "slow-learning",
            "too-few-epochs",
            "constant-prediction",
            "underfitting",
            "overfitting",
            "diverging",
            "not-a-number",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "parameters-not-learning",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "all first weights the same",
            f"""{_WAVE}
same = ms.initializers.Constant(0.5)
network = ms.Sequential(
    ms.Dense(16, initializer=same), ms.Tanh(), ms.Dense(1, initializer=same)
)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "first weights of deviation 0.001 in a deep network",
            f"""{_WAVE}
tiny = ms.initializers.Normal(0.001)
hidden = [layer for _ in range(4) for layer in (ms.Dense(16, initializer=tiny), ms.ReLU())]
network = ms.Sequential(*hidden, ms.Dense(1, initializer=tiny))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.02))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
        Example(
            "first weights of deviation 10",
            f"""{_WAVE}
wide = ms.initializers.Normal(10.0)
network = ms.Sequential(
    ms.Dense(16, initializer=wide), ms.ReLU(), ms.Dense(16, initializer=wide), ms.ReLU(),
    ms.Dense(1, initializer=wide),
)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "orthogonal first weights in a network that learns",
            f"""{_WAVE}
right_angles = ms.initializers.Orthogonal(gain=1.4)
network = ms.Sequential(
    ms.Dense(32, initializer=right_angles), ms.ReLU(),
    ms.Dense(32, initializer=right_angles), ms.ReLU(), ms.Dense(1),
)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=60)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        share = _share(evidence)
        severity = severity_of(share)
        if severity is None:
            return
        if not evidence.updates:
            severity = Severity.WARNING
        hidden = _hidden(evidence)
        found = (
            self._alike(evidence, hidden, severity)
            or self._scale(evidence, hidden, severity)
            or self._passing(evidence, hidden, severity)
            or self._biases(evidence, severity)
        )
        if found is not None:
            yield found

    def _alike(self, evidence: Evidence, hidden: _Weights, severity: Severity) -> Finding | None:
        alike = [
            (layer, weight)
            for layer, weight in hidden
            if _size(weight.shape) > 1
            and _width(layer) > 1
            and weight.largest - weight.smallest <= ALIKE * abs(weight.mean)
        ]
        if not alike:
            return None
        layer, weight = alike[0]
        facts = {"value": weight.mean, "layers": [one.path for one, _ in alike]}
        return self._found(evidence, "alike", layer, weight, severity, 0.95, **facts)

    def _scale(self, evidence: Evidence, hidden: _Weights, severity: Severity) -> Finding | None:
        """Return a layer whose own scale is far off."""
        weights = [
            (layer, weight) for layer, weight in evidence.weights if layer.role in CONNECTING
        ]
        large = [(layer, weight) for layer, weight in weights if _factor(weight) >= LARGE]
        if large:
            layer, weight = max(large, key=lambda pair: _factor(pair[1]))
            confidence = 0.9 if _factor(weight) >= 2 * LARGE else 0.75
            return self._found(evidence, "large", layer, weight, severity, confidence)
        small = [
            (layer, weight)
            for layer, weight in hidden
            if _factor(weight) <= SMALL and weight.deviation <= SMALL * _glorot(weight)
        ]
        if small:
            layer, weight = min(small, key=lambda pair: _factor(pair[1]))
            return self._found(evidence, "small", layer, weight, severity, 0.85)
        return None

    def _passing(self, evidence: Evidence, hidden: _Weights, severity: Severity) -> Finding | None:
        """Return what layers do together: signals that shrink or grow through all of them."""
        sums = [(layer, weight) for layer, weight in hidden if layer.role is Role.AFFINE]
        sizes = [_first_deviation(evidence, layer) for layer, _ in sums]
        if len(sums) < 3 or not all(math.isfinite(size) and size > 0 for size in sizes):
            return None
        passed = sizes[-1] / sizes[0]
        off = math.exp(
            sum(
                math.log(max(_factor(weight), 1e-9) / _suited(evidence, layer))
                for layer, weight in sums
            )
            / len(sums)
        )
        if passed * PASSED <= 1.0 and off * OFF <= 1.0:
            fault = "shrinking"
        elif passed >= PASSED and off >= OFF:
            fault = "growing"
        else:
            return None
        layer, weight = sums[-1]
        return self._found(
            evidence, fault, layer, weight, severity, 0.75, passed=passed, layers=len(sums)
        )

    def _biases(self, evidence: Evidence, severity: Severity) -> Finding | None:
        layers = effective_layers(evidence.description)
        for layer, following in pairwise(layers):
            asleep = evidence.first("dead_share", following.path)
            at_bounds = evidence.first("saturated_share", following.path)
            for parameter in layer.parameters:
                if (
                    layer.role is Role.AFFINE
                    and parameter.is_bias
                    and abs(parameter.mean) >= BIAS
                    and max(asleep, at_bounds, key=lambda one: -1.0 if math.isnan(one) else one)
                    >= HALF
                ):
                    mean = parameter.mean
                    return self._found(
                        evidence, "biases", layer, parameter, severity, 0.95, value=mean
                    )
        return None

    def _found(
        self,
        evidence: Evidence,
        fault: str,
        layer: LayerDescription,
        parameter: ParameterDescription,
        severity: Severity,
        confidence: float,
        **facts: Any,
    ) -> Finding:
        start, chance = evidence.start_loss, evidence.chance_loss
        if math.isfinite(start) and chance > 0:
            facts |= {"start_loss": start, "chance_loss": chance}
        relu = _suited(evidence, layer) > 1.0
        suited = math.sqrt((2.0 if relu else 1.0) / max(parameter.fan_in, 1))
        return self.finding(
            severity,
            confidence,
            fault=fault,
            layer=layer.path,
            parameter=parameter.name,
            deviation=parameter.deviation,
            suited=suited,
            better=spelled(evidence.description, "he_normal" if relu else "glorot_uniform"),
            step=0,
            **facts,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        fault, parameter = facts["fault"], facts["parameter"]
        if fault == "alike":
            others = len(facts["layers"]) - 1
            also = f", and so it is in {others} more layers" if others > 1 else ""
            also = ", and so it is in another layer" if others == 1 else also
            return (
                f"All numbers in {parameter} begin as {figure(facts['value'])}{also}: the units of "
                "a layer are copies of each other."
            )
        if fault == "biases":
            return (
                f"The biases {parameter} begin at {figure(facts['value'])}, which outweighs all "
                "that the layer gets, and puts its units to where they are flat."
            )
        if fault in ("shrinking", "growing"):
            passed = facts["passed"]
            what = f"{three_figures(passed)} times as large"
            return (
                f"Before the first update, signals are {what} behind {facts['layer']} as behind "
                f"the first of {facts['layers']} hidden layers: its weights have a deviation of "
                f"{three_figures(facts['deviation'])}, where {three_figures(facts['suited'])} "
                "keeps signals even."
            )
        beginning = ""
        if "start_loss" in facts and fault == "large":
            beginning = (
                f"; the loss begins at {three_figures(facts['start_loss'])}, where a guess gets "
                f"{three_figures(facts['chance_loss'])}"
            )
        return (
            f"The weights {parameter} begin with a deviation of "
            f"{three_figures(facts['deviation'])}, where {three_figures(facts['suited'])} keeps "
            f"signals even{beginning}."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        if facts["fault"] == "biases":
            return f"Let {facts['parameter']} begin at 0."
        layers = facts.get("layers")
        where = f"the weights of {facts['layer']}"
        if (isinstance(layers, list) and len(layers) > 1) or isinstance(layers, int):
            where = "the weights of all layers"
        return f"Draw {where} with {facts['better']}."


_Weights = Sequence[tuple[LayerDescription, ParameterDescription]]


def _share(evidence: Evidence) -> float:
    """Return how much was learned, of training or, where there is some, of validation rows."""
    if not evidence.updates:
        return 0.0
    share = learned(evidence)
    answers = evidence.description.validation_answers
    losses = evidence.validation_losses
    if answers is None or not answers.chance_loss or not len(losses) or share < WELL_LEARNED:
        return share
    # Weights that are too large learn rows by heart and tell nothing of others: worse than chance.
    return 0.0 if float(losses.min()) > answers.chance_loss else share


def _hidden(evidence: Evidence) -> _Weights:
    """Return the weights of layers whose outputs other layers work on, without those that end a
    way around which there is a shortcut."""
    last = last_affine(evidence.description)
    return [
        (layer, weight)
        for layer, weight in evidence.weights
        if layer.role in CONNECTING
        and layer is not last
        and not (has_shortcut(evidence.description, layer) and weight.largest == weight.smallest)
    ]


def _size(shape: Sequence[int]) -> int:
    return math.prod(shape)


def _width(layer: LayerDescription) -> int:
    return layer.output_shape[-1] if layer.output_shape else 1


def _factor(weight: ParameterDescription) -> float:
    """Return what a signal of independent entries is multiplied by."""
    return weight.deviation * math.sqrt(max(weight.fan_in, 1))


def _glorot(weight: ParameterDescription) -> float:
    return math.sqrt(2.0 / max(weight.fan_in + weight.fan_out, 1))


def _suited(evidence: Evidence, layer: LayerDescription) -> float:
    """Return the factor that suits the activation behind a layer."""
    layers = effective_layers(evidence.description)
    behind = layers[layers.index(layer) + 1 :]
    for following in behind:
        if following.role is Role.ACTIVATION:
            return 1.0 if following.bounds is not None else math.sqrt(2.0)
        if following.role is not Role.NORMALIZATION and following.role is not Role.DROPOUT:
            break
    return 1.0


def _first_deviation(evidence: Evidence, layer: LayerDescription) -> float:
    steps, values = evidence.series("activation_deviation", layer.path)
    return float(values[0]) if len(steps) and int(steps[0]) == 0 else math.nan
