"""`normalization-on-tiny-batch`: means and deviations over a batch of one or two entries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import learned, severity_of
from misstep.doctor.passage import effective_layers, normalizes_batch
from misstep.doctor.rule import Example, Rule
from misstep.text.counts import counted

# Of one entry the deviation is 0 and every output the shift alone; of two, each is −1 or 1 whatever
# they were. From four on what is left is noise, which small batches bring anyway (Wu and He, "Group
# normalization", 2018, see harm below 8).
NOTHING_LEFT = 2
NOISE = 4

_RING = """
random = np.random.default_rng(0)
x = random.normal(size=(200, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.BatchNorm(), ms.ReLU(), ms.Dense(2))
"""


class NormalizationOnTinyBatch(Rule):
    """A normalization over the batch where a batch has next to no rows."""

    slug = "normalization-on-tiny-batch"
    title = "Normalization over next to no rows"
    explanation = (
        "A normalization over the batch subtracts the mean of its rows and divides by their "
        "deviation. Of one row nothing is left but 0; of two, each becomes −1 or 1, whatever they "
        "were. What the network then learns is not what it is asked for later, when it uses the "
        "means of the whole training. Pictures and sequences count by their places: a batch of one "
        "picture has as many entries as places."
    )
    leads_to = frozenset(
        {
            "parameters-not-learning",
            "slow-learning",
            "underfitting",
            "too-few-epochs",
            "constant-prediction",
            "overfitting",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "vanishing-gradients",
        }
    )
    sick = (
        Example(
            "batches of one row",
            f"""{_RING}
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01), batch_size=1)
run = trainer.fit(x, y, epochs=4)
""".strip(),
        ),
        Example(
            "batches of two rows",
            f"""{_RING}
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.001), batch_size=2)
run = trainer.fit(x, y, epochs=4)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "batches of sixteen rows",
            f"""{_RING}
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02), batch_size=16)
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        description = evidence.description
        for layer in effective_layers(description):
            if not normalizes_batch(layer):
                continue
            places = math.prod(layer.output_shape[:-1]) if layer.output_shape else 1
            entries = description.batch_size * places
            if entries > NOISE:
                continue
            share = learned(evidence) if evidence.updates else 0.0
            severity = severity_of(share)
            if not evidence.updates or (severity and entries > NOTHING_LEFT):
                severity = Severity.WARNING
            if severity is None:
                return
            yield self.finding(
                severity,
                0.95 if entries == 1 else 0.7 if entries <= NOTHING_LEFT else 0.4,
                layer=layer.path,
                batch_size=description.batch_size,
                entries=entries,
            )
            return

    def symptom(self, facts: Mapping[str, Any]) -> str:
        rows = counted(facts["batch_size"], "row")
        return f"The layer {facts['layer']} normalizes over a batch of {rows}: " + (
            "nothing of it is left but 0."
            if facts["entries"] == 1
            else f"{facts['entries']} numbers tell no mean and no deviation."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        return (
            f"Take batches of 16 rows or more instead of {facts['batch_size']}, or a normalization "
            "over each row's own entries (LayerNorm)."
        )
