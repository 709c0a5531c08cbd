"""`vanishing-gradients`: hardly any blame reaches the first layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Array, Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.gradients import RelativeGradient, relative_gradients
from misstep.doctor.harm import HALF_LEARNED, learned, least_learned, severity_of
from misstep.doctor.passage import effective_layers, is_bypassed, is_in_order, last_affine
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import Role
from misstep.text.figures import figure

# The first layer's gradient over its weights, as a share of the last layers': AutoTrainer has 1e-3
# for gradients by themselves, TheDeepChecker half for each layer over five. Both have to hold here,
# so that neither depth alone nor one narrow layer makes it.
FIRST_TO_LAST = 1e-2
EACH_LAYER = 0.6
# Where nothing at all was learned, less will do: three sigmoids pass on a fiftieth, and a network
# of them stays at chance for long.
NOTHING_LEARNED = 0.1
FIRST_TO_LAST_OF_NOTHING = 0.05
LEAST_BOUNDED = 3
LEAST_LAYERS = 3
# Learned so much of training and validation rows, nothing held the network up for long.
NOT_ALL_LEARNED = 0.8
# The looks that count: the first ones, while there is something to learn, as a share of all.
EARLY = 0.34
# Steps of a sequence beyond which gradients may vanish inside of a recurrent layer.
LONG_SEQUENCE = 20

_TASK = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
"""


class VanishingGradients(Rule):
    """Gradients that shrink from layer to layer on their way back."""

    slug = "vanishing-gradients"
    title = "Gradients that hardly reach the first layers"
    explanation = (
        "On its way back a gradient is multiplied by each layer's weights and slopes. A sigmoid's "
        "slope is at most a quarter, a saturated unit's next to 0: after some layers nothing is "
        "left, the first layers stay what they began as, and the last ones learn from what is as "
        "good as noise. Gradients are judged against the weights that they are of, and the first "
        "layer against the last, since their size alone says nothing."
    )
    needs = ("gradient_norm", "weight_norm")
    leads_to = frozenset(
        {
            "saturated-units",
            "slow-learning",
            "too-few-epochs",
            "underfitting",
            "constant-prediction",
            "learning-rate-too-low",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "eight layers of sigmoids",
            f"""{_TASK}
hidden = [layer for _ in range(8) for layer in (ms.Dense(12), ms.Sigmoid())]
network = ms.Sequential(*hidden, ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
        Example(
            "softmaxes between hidden layers",
            f"""{_TASK}
network = ms.Sequential(
    ms.Dense(32), ms.nn.Softmax(), ms.Dense(32), ms.nn.Softmax(), ms.Dense(2)
)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
        Example(
            "five layers of sigmoids and Adam",
            f"""{_TASK}
hidden = [layer for _ in range(5) for layer in (ms.Dense(12), ms.Sigmoid())]
network = ms.Sequential(*hidden, ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.001))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "ten layers around shortcuts",
            f"""{_TASK}
block = [ms.Residual(ms.Dense(12), ms.ReLU(), ms.Dense(12)) for _ in range(5)]
network = ms.Sequential(ms.Dense(12), *block, ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "a network beside a line that is enough",
            f"""{_TASK}
y = x @ [[1.0], [0.5]] + random.normal(size=(300, 1))
path = [ms.Dense(24), ms.SiLU(), ms.Dense(1, initializer=ms.initializers.Zeros())]
network = ms.Residual(*path, shortcut=ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.003))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        # What has a way around a layer need not come through it.
        weights = [
            one
            for one in relative_gradients(evidence)
            if not is_bypassed(evidence.description, one.layer)
        ]
        layers = list(dict.fromkeys(each.layer.path for each in weights))
        found = self._hidden_softmax(evidence)
        if found is None and len(layers) >= LEAST_LAYERS:
            found = self._found(evidence, weights, layers)
        if found is not None:
            yield found
            return
        recurrent = [one for one in evidence.layers if one.role is Role.RECURRENT]
        steps = max((one.input_shape[0] for one in recurrent if one.input_shape), default=0)
        if steps >= LONG_SEQUENCE and evidence.updates and learned(evidence) < HALF_LEARNED:
            raise CannotTellError(
                f"how much of the gradient reaches the first of {steps:,} steps of a sequence "
                "is not in the record"
            )

    def _hidden_softmax(self, evidence: Evidence) -> Finding | None:
        """Return a softmax between hidden layers: shares are small, slopes smaller."""
        description = evidence.description
        layers, last = effective_layers(description), last_affine(description)
        before = layers[: layers.index(last)] if last is not None else []
        softmax = [one for one in before if one.kind.lower() == "softmax"]
        if not softmax or not is_in_order(description, softmax):
            return None
        share = learned(evidence) if evidence.updates else 0.0
        severity = severity_of(share) if evidence.updates else Severity.WARNING
        if severity is None:
            return None
        return self.finding(
            severity,
            0.8,
            fault="hidden softmax",
            layer=softmax[0].path,
            units=softmax[0].output_shape[-1] if softmax[0].output_shape else 1,
            relu=spelled(description, "relu"),
        )

    def _found(
        self, evidence: Evidence, weights: list[RelativeGradient], layers: list[str]
    ) -> Finding | None:
        at_start = _first_to_last(weights, layers, lambda values: float(values[0]))
        early = _first_to_last(weights, layers, _of_first_looks)
        ratio = min(at_start, early)
        nothing = (
            evidence.updates > 0
            and learned(evidence) < NOTHING_LEARNED
            and len(_bounded(evidence)) >= LEAST_BOUNDED
        )
        limit = FIRST_TO_LAST_OF_NOTHING if nothing else FIRST_TO_LAST
        if not 0.0 < ratio < limit:
            return None
        each_layer = ratio ** (1.0 / (len(layers) - 1))
        if each_layer > EACH_LAYER:
            return None
        severity = Severity.WARNING
        if evidence.updates:
            if least_learned(evidence) >= NOT_ALL_LEARNED:
                return None
            # What vanishes at the start alone holds learning up, and no more.
            if early < limit and learned(evidence) < HALF_LEARNED:
                severity = Severity.CRITICAL
        return self.finding(
            severity,
            0.75 if severity is Severity.CRITICAL else 0.6,
            fault="passing back",
            layer=layers[0],
            last_layer=layers[-1],
            first_to_last=ratio,
            each_layer=each_layer,
            layers=len(layers),
            activations=sorted(set(_bounded(evidence))),
            relu=spelled(evidence.description, "relu"),
            normalization=spelled(evidence.description, "batch_norm"),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        if facts["fault"] == "hidden softmax":
            return (
                f"The layer {facts['layer']} is a softmax between hidden layers: its "
                f"{facts['units']} outputs share out 1 among them, and what comes back through it "
                "is smaller still."
            )
        return (
            f"The gradient of {facts['layer']}, against its weights, is "
            f"{figure(float(format(facts['first_to_last'], '.2g')))} of that of "
            f"{facts['last_layer']}: of "
            f"{facts['layers']} layers each passes on {figure(round(facts['each_layer'], 2))} of "
            "what reaches it."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        if facts["fault"] == "hidden softmax":
            return f"Take {facts['relu']} instead; a softmax belongs behind the last layer only."
        kinds = facts["activations"]
        instead = f" instead of {' and '.join(kinds)}" if kinds else ""
        return (
            f"Use {facts['relu']}{instead} in the hidden layers, with weights of He's scale; or "
            f"put {facts['normalization']} before the activations, or shortcuts around pairs of "
            "layers; or take fewer layers."
        )


def _bounded(evidence: Evidence) -> list[str]:
    """Return the kinds of the activations whose outputs lie between bounds, one by one."""
    return [
        layer.kind
        for layer in effective_layers(evidence.description)
        if layer.role is Role.ACTIVATION and layer.bounds is not None
    ]


def _first_to_last(
    weights: list[RelativeGradient], layers: list[str], size: Callable[[Array], float]
) -> float:
    """Return the first layer's gradient as a share of the last ones'; ∞ where these get none.

    Of a layer with several weights, as recurrent ones have, the strongest counts. `size`: of the
    values of all looks.
    """
    sizes = dict.fromkeys(layers, 0.0)
    for each in weights:
        sizes[each.layer.path] = max(sizes[each.layer.path], size(each.values))
    last = max(sizes[path] for path in layers[-2:])
    return sizes[layers[0]] / last if last > 0 else math.inf


def _of_first_looks(values: Array) -> float:
    return float(np.median(values[: max(1, round(EARLY * len(values)))]))
