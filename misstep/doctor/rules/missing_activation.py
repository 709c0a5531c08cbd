"""`missing-activation`: weighted sums of weighted sums, with nothing between them that bends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import HALF_LEARNED, WELL_LEARNED, learned, least_learned
from misstep.doctor.passage import bends, effective_layers, has_shortcut, is_in_order
from misstep.doctor.rule import Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import LayerDescription, Role, RunDescription
from misstep.text.counts import counted
from misstep.text.lists import joined

# A linear model on purpose is blamed only where it learned next to nothing of what there was, and
# its loss has settled: over the last fifth of the run it fell by less than this share of chance.
NEXT_TO_NOTHING = 0.1
SETTLED = 0.01
LAST_PART = 0.2
# Nobody stacks layers that are but one on purpose, unless as a code of principal components: what a
# line leaves of the chance loss, down to this share, a network that bends may get.
ALL_LEARNED = 0.97
# Layers named at most in a sentence.
MOST_NAMED = 4

_RING = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
"""


class MissingActivation(Rule):
    """Layers that together are but one, since nothing between them bends."""

    slug = "missing-activation"
    title = "Layers without a function between them that bends"
    explanation = (
        "A weighted sum of weighted sums is a weighted sum again: two dense layers or convolutions "
        "in a row do no more than one, however wide they are. Without an activation between them "
        "a network draws but straight lines, and what takes a curve, such as XOR or a ring, stays "
        "at chance. A narrow layer between wide ones, and a model that is linear on purpose and "
        "learns, are no fault."
    )
    leads_to = frozenset(
        {
            "underfitting",
            "slow-learning",
            "too-few-epochs",
            "constant-prediction",
            "wrong-optimizer",
            "learning-rate-too-low",
            "learning-rate-too-high",
            "batch-too-large",
        }
    )
    sick = (
        Example(
            "a stack of dense layers on a ring",
            f"""{_RING}
network = ms.Sequential(ms.Dense(32), ms.Dense(16), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "a forward method that forgot its activation",
            f"""{_RING}
class Network(ms.Module):
    def __init__(self):
        self.hidden = ms.Dense(16)
        self.output = ms.Dense(2)

    def forward(self, x):
        return self.output(self.hidden(x))

trainer = ms.Trainer(Network(), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "a stack of dense layers on a line",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = x[:, :1] - 2 * x[:, 1:2]
network = ms.Sequential(ms.Dense(8), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=60)
""".strip(),
        ),
        Example(
            "a forward method with its activation",
            f"""{_RING}
class Network(ms.Module):
    def __init__(self):
        self.hidden = ms.Dense(16)
        self.output = ms.Dense(2)

    def forward(self, x):
        return self.output(ms.relu(self.hidden(x)))

trainer = ms.Trainer(Network(), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=60)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        description = evidence.description
        layers = effective_layers(description)
        sums = [layer for layer in layers if layer.role is Role.AFFINE]
        if not sums:
            return
        share = learned(evidence) if evidence.updates else 0.0
        if _is_straight(description, layers):
            if len(sums) > 1:
                yield self._stack(evidence, sums, share)
            elif evidence.updates and share < NEXT_TO_NOTHING and _has_settled(evidence):
                yield self._found(evidence, "one layer", sums, Severity.WARNING, 0.5, share)
            return
        pairs = _pairs_without_bend(description, layers)
        if pairs and share < WELL_LEARNED:
            severity = Severity.WARNING if evidence.updates else Severity.NOTE
            confidence = 0.75
            if evidence.updates and share < HALF_LEARNED:
                severity, confidence = Severity.CRITICAL, 0.7
            named = [layer for pair in pairs for layer in pair]
            yield self._found(evidence, "pairs", named, severity, confidence, share)

    def _stack(self, evidence: Evidence, sums: Sequence[LayerDescription], share: float) -> Finding:
        if evidence.updates == 0:
            return self._found(evidence, "stack", sums, Severity.WARNING, 0.8, share)
        shapes = evidence.description.input_shape, evidence.description.output_shape
        codes = shapes[0] == shapes[1] and any(map(_squeezes, sums, sums[1:]))
        if least_learned(evidence) >= ALL_LEARNED or (codes and share >= WELL_LEARNED):
            return self._found(evidence, "stack", sums, Severity.NOTE, 0.5, share)
        severity = Severity.CRITICAL if share < HALF_LEARNED else Severity.WARNING
        return self._found(evidence, "stack", sums, severity, 0.93, share)

    def _found(
        self,
        evidence: Evidence,
        fault: str,
        layers: Sequence[LayerDescription],
        severity: Severity,
        confidence: float,
        share: float,
    ) -> Finding:
        paths = list(dict.fromkeys(layer.path or layer.kind for layer in layers))
        facts: dict[str, Any] = {"layer": paths[0]}
        if evidence.updates:
            facts["learned_share"] = share
        return self.finding(
            severity,
            confidence,
            fault=fault,
            layers=paths,
            better=spelled(evidence.description, "relu"),
            **facts,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        paths = facts["layers"]
        if facts["fault"] == "one layer":
            return (
                f"The network is a single weighted sum, {paths[0]}, so it draws but straight lines,"
                " and with these it comes to nothing better than a guess."
            )
        if facts["fault"] == "stack":
            return (
                f"Nothing bends between its {counted(len(paths), 'layer')} ({_named(paths)}): "
                "together they are one weighted sum of the inputs."
            )
        return f"Nothing bends between {_named(paths)}: two weighted sums in a row are one."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        paths = facts["layers"]
        if facts["fault"] == "one layer":
            return (
                f"Put a hidden layer with an activation, such as {facts['better']}, before "
                f"{paths[0]}."
            )
        return (
            f"Put an activation, such as {facts['better']}, behind {paths[0]}"
            f"{' and each other layer but the last' if len(paths) > 2 else ''}."
        )


def _named(paths: Sequence[str]) -> str:
    if len(paths) <= MOST_NAMED:
        return joined(paths)
    return f"{', '.join(paths[: MOST_NAMED - 1])} … {paths[-1]}"


def _is_straight(description: RunDescription, layers: Sequence[LayerDescription]) -> bool:
    """Return whether the whole network is known to bend nowhere."""
    if description.affine is not None:
        return description.affine
    return not any(map(bends, layers)) and is_in_order(description, layers)


def _pairs_without_bend(
    description: RunDescription, layers: Sequence[LayerDescription]
) -> list[tuple[LayerDescription, LayerDescription]]:
    """Return neighboring weighted sums of which it is known that nothing between them bends.

    But for those around a shortcut, which adds something in between, and those that squeeze a
    signal on purpose: the first is narrower than what it gets and than what the second gives.
    """
    if any(bends(layer) and layer.calls > 1 for layer in layers):
        return []  # it stands at its first place; where else a row meets it is not known
    pairs = []
    before: LayerDescription | None = None
    for layer in layers:
        if bends(layer):
            before = None
        elif layer.role is Role.AFFINE:
            if (
                before is not None
                and is_in_order(description, [before, layer])
                and not has_shortcut(description, before)
                and not has_shortcut(description, layer)
                and not _squeezes(before, layer)
            ):
                pairs.append((before, layer))
            before = layer
    return pairs


def _squeezes(first: LayerDescription, second: LayerDescription) -> bool:
    wide = first.input_shape[-1:], second.output_shape[-1:]
    middle = first.output_shape[-1:]
    return bool(middle) and all(bool(one) and middle[0] < one[0] for one in wide)


def _has_settled(evidence: Evidence) -> bool:
    """Return whether the loss hardly fell over the last part of the run."""
    losses = evidence.smooth_losses
    last = losses[int((1.0 - LAST_PART) * len(losses)) :]
    if len(last) < 4 or not evidence.chance_loss > 0:
        return False
    half = len(last) // 2
    fell = float(np.mean(last[:half]) - np.mean(last[half:]))
    return abs(fell) < SETTLED * evidence.chance_loss
