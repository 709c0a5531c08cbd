"""`bad-initialization`: first weights that are all alike, or of a scale that ends signals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.gradients import CONNECTING
from misstep.doctor.harm import learned, least_learned, severity_of
from misstep.doctor.passage import effective_layers, has_shortcut, last_affine
from misstep.doctor.rule import Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import LayerDescription, ParameterDescription, Role
from misstep.text.figures import figure, three_figures

# Weights are alike where they differ by less than this share of their size.
ALIKE = 1e-3
# Deviation times √fan in: what a signal is multiplied by. He has √2, LeCun 1, PyTorch 0.58, Glorot
# anything below √2. So many times as large as suits the activation, a layer alone harms; of small
# ones, Glorot's scale counts too, which of a narrow input to a wide layer is far below the others.
LARGE, VERY_LARGE, HUGE = 2.5, 3.0, 6.0
SMALL = 0.1
# How much signals may shrink or grow on their way through the hidden layers, before the first
# update, and how far from what suits the activations the layers must then be on average. Growing
# signals must show at the start: in a loss so many times that of a guess.
SHRUNK, GROWN = 100.0, 8.0
OFF_SHRUNK, OFF_GROWN = 1.6, 1.3
START_TIMES_CHANCE = 4.0
# Of fewer weights the scale is chance.
FEWEST = 16

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
        trained = evidence.updates > 0
        severity = severity_of(learned(evidence)) if trained else Severity.WARNING
        hidden = _hidden(evidence)
        found = None
        if severity is not None:
            found = (
                self._alike(evidence, hidden, severity)
                or self._small(evidence, hidden, severity)
                or self._shrinking(evidence, hidden, severity)
            )
        # Weights that are too large learn rows by heart, and tell the less of others.
        severity = severity_of(least_learned(evidence)) if trained else Severity.WARNING
        if found is None and severity is not None:
            found = self._large(evidence, severity) or self._growing(evidence, hidden, severity)
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

    def _large(self, evidence: Evidence, severity: Severity) -> Finding | None:
        weights = [
            (_factor(weight) / _suited(evidence, layer), layer, weight)
            for layer, weight in evidence.weights
            if layer.role in CONNECTING and _size(weight.shape) >= FEWEST
        ]
        if not weights:
            return None
        times, layer, weight = max(weights, key=lambda each: each[0])
        if times < LARGE:
            return None
        confidence = 0.9 if times >= HUGE else 0.75 if times >= VERY_LARGE else 0.6
        return self._found(evidence, "large", layer, weight, severity, confidence)

    def _small(self, evidence: Evidence, hidden: _Weights, severity: Severity) -> Finding | None:
        small = [
            (layer, weight)
            for layer, weight in hidden
            if _size(weight.shape) >= FEWEST
            and _factor(weight) <= SMALL
            and weight.deviation <= SMALL * _glorot(weight)
        ]
        if not small:
            return None
        layer, weight = min(small, key=lambda pair: _factor(pair[1]))
        return self._found(evidence, "small", layer, weight, severity, 0.85)

    def _shrinking(
        self, evidence: Evidence, hidden: _Weights, severity: Severity
    ) -> Finding | None:
        """Return what hidden layers do together: signals that die out on their way."""
        passed, off, sums = _passing(evidence, hidden)
        if not (passed * SHRUNK <= 1.0 and off * OFF_SHRUNK <= 1.0):
            return None
        layer, weight = sums[-1]
        facts: dict[str, Any] = {"passed": passed, "layers": len(sums)}
        return self._found(evidence, "shrinking", layer, weight, severity, 0.75, **facts)

    def _growing(self, evidence: Evidence, hidden: _Weights, severity: Severity) -> Finding | None:
        """Return what hidden layers do together: signals that grow on their way."""
        passed, off, sums = _passing(evidence, hidden)
        started_high = evidence.start_loss >= START_TIMES_CHANCE * evidence.chance_loss
        if not (passed >= GROWN and off >= OFF_GROWN and started_high):
            return None
        layer, weight = sums[-1]
        facts: dict[str, Any] = {"passed": passed, "layers": len(sums)}
        return self._found(evidence, "growing", layer, weight, severity, 0.75, **facts)

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
        if fault in ("shrinking", "growing"):
            passed = facts["passed"]
            what = f"{figure(float(f'{passed:.2g}'))} times as large"
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
        layers = facts.get("layers")
        where = f"the weights of {facts['layer']}"
        if (isinstance(layers, list) and len(layers) > 1) or isinstance(layers, int):
            where = "the weights of all layers"
        return f"Draw {where} with {facts['better']}."


_Weights = Sequence[tuple[LayerDescription, ParameterDescription]]


def _passing(evidence: Evidence, hidden: _Weights) -> tuple[float, float, _Weights]:
    """Return how signals changed through the hidden sums, before the first update.

    With it how many times as large as suits them the weights of the middle layer are, and all these
    weights. NaN of fewer than three.
    """
    sums = [(layer, weight) for layer, weight in hidden if layer.role is Role.AFFINE]
    sizes = [_first_deviation(evidence, layer) for layer, _ in sums]
    if len(sums) < 3 or not all(math.isfinite(size) and size > 0 for size in sizes):
        return math.nan, math.nan, sums
    times = [_factor(weight) / _suited(evidence, layer) for layer, weight in sums]
    return sizes[-1] / sizes[0], median(times), sums


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
