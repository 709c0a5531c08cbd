"""`dead-units`: units that are 0 for every row, and so never learn again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import HALF_LEARNED, learned, severity_of
from misstep.doctor.optimizers import a_tenth, optimizer_facts
from misstep.doctor.passage import has_shortcut
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.spelling import spelled
from misstep.record import LayerDescription
from misstep.text.figures import percent

# A layer's share of units that are asleep for every probe row. A wide layer spares a third of its
# units without harm, and pruned networks show that it can spare more: half of a layer is worth a
# word where little was learned, most of it where not all was. Never the share of zero entries, of
# which healthy layers have 50 to 80 %.
MANY = 0.5
MOST = 0.75
ALL = 1.0
# In a narrow layer some units sleep from the start, which the others make up for: so many more must
# have fallen asleep since.
MORE = 0.2
# Fewer rows leave many units asleep by chance: of n rows that point anywhere each 2ⁿth unit, and a
# single row, standardized, is all zeros. The four rows of XOR are the fewest that people learn.
FEW_ROWS = 4
# So few units may all be asleep by chance.
FEW_UNITS = 3

_WAVE = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 2))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
"""


class DeadUnits(Rule):
    """Units of ReLU layers that no row wakes."""

    slug = "dead-units"
    title = "Units that are 0 for every row"
    explanation = (
        "A ReLU is flat below 0. A unit whose sum lies below 0 for every row gives 0 to all of "
        "them, gets no gradient, and stays so. It comes of updates so large that they throw a "
        "unit's bias far below 0, of biases or weights that start there, or of inputs of a large "
        "scale. A unit that is 0 for most rows is no dead unit: it tells a few rows from the rest."
    )
    needs = ("dead_share",)
    leads_to = frozenset(
        {
            "constant-prediction",
            "vanishing-gradients",
            "parameters-not-learning",
            "slow-learning",
            "underfitting",
            "too-few-epochs",
            "learning-rate-too-low",
        }
    )
    sick = (
        Example(
            "biases so low that no row wakes a unit",
            f"""{_WAVE}
asleep = ms.Dense(16, bias_initializer=ms.initializers.Constant(-20.0))
network = ms.Sequential(asleep, ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
        Example(
            "updates so large that they kill a layer",
            f"""{_WAVE}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(16), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(3.0))
run = trainer.fit(x, y, epochs=30)
""".strip(),
            also=frozenset({"learning-rate-too-high"}),
        ),
    )
    healthy = (
        Example(
            "a wide layer, a part of which sleeps",
            f"""{_WAVE}
sparse = ms.Dense(128, bias_initializer=ms.initializers.Constant(-1.0))
network = ms.Sequential(sparse, ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=80)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield the layer of which most units are asleep, where little was learned."""
        inputs = evidence.description.inputs
        if inputs is not None and inputs.rows < FEW_ROWS:
            raise CannotTellError("so few rows leave many units at 0 by chance")
        by_path = {layer.path: layer for layer in evidence.description.layers}
        shares = {
            path: evidence.last("dead_share", path)
            for path in by_path
            if len(evidence.series("dead_share", path)[0])
        }
        many = {
            path: share
            for path, share in shares.items()
            if share >= MANY and not _began_so(evidence, path, share)
        }
        if not many:
            return
        worst = max(many, key=lambda path: many[path])  # the first of those that are alike
        layer, share = by_path[worst], many[worst]
        if not evidence.updates:
            if share == ALL:
                yield self._found(evidence, layer, share, list(many), Severity.WARNING, 0.7)
            return
        if evidence.failed and evidence.first("dead_share", worst) < MANY:
            return  # what blew up throws units anywhere
        gone = learned(evidence)
        severity = severity_of(gone)
        if severity is None or (share < MOST and gone >= HALF_LEARNED):
            return
        blocked = share == ALL and not has_shortcut(evidence.description, layer)
        if severity is Severity.CRITICAL and not blocked and gone > HALF_LEARNED / 2:
            severity = Severity.WARNING
        confidence = 0.92 if blocked else 0.2 + 0.5 * share
        if blocked and layer.output_shape and layer.output_shape[-1] <= FEW_UNITS:
            confidence = 0.6  # that it is so narrow let it
        yield self._found(evidence, layer, share, list(many), severity, confidence)

    def _found(
        self,
        evidence: Evidence,
        layer: LayerDescription,
        share: float,
        layers: list[str],
        severity: Severity,
        confidence: float,
    ) -> Finding:
        steps, values = evidence.series("dead_share", layer.path)
        since = int(steps[int(np.flatnonzero(values >= min(share, MANY))[0])])
        units = layer.output_shape[-1] if layer.output_shape else 1
        return self.finding(
            severity,
            confidence,
            layer=layer.path,
            activation=layer.kind,
            dead_share=share,
            dead=round(share * units),
            units=units,
            step=since,
            layers=layers,
            **optimizer_facts(evidence.description),
            better=spelled(evidence.description, "leaky_relu"),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        of_all = f"{facts['dead']:,} of {facts['units']:,} units ({percent(facts['dead_share'])})"
        since = (
            "from the start on"
            if facts["step"] == 0
            else f"and were so at update {facts['step']:,} for the first time"
        )
        others = len(facts["layers"]) - 1
        more = f"; so are half or more in {others} other layers" if others > 1 else ""
        more = "; so is half or more of another layer" if others == 1 else more
        return f"In {facts['layer']}, {of_all} are 0 for every probe row, {since}{more}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        if facts["step"] == 0:
            return (
                "Begin with biases of 0, weights of He's scale and inputs of scale 1; "
                f"{facts['better']} instead of {facts['activation']} never sleeps for good."
            )
        return (
            f"Lower the learning rate: {a_tenth(facts)}; {facts['better']} instead of "
            f"{facts['activation']} never sleeps for good."
        )


def _began_so(evidence: Evidence, path: str, share: float) -> bool:
    """Return whether nearly as many slept before anything was learned, less than half of them."""
    begun = evidence.first("dead_share", path)
    return begun < MANY and share - begun < MORE and share < MOST
