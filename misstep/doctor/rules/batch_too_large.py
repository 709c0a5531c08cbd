"""Batches so large that an epoch has few updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding
from misstep.doctor.optimizers import setting
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import USUAL_BATCH, Blame, state_words, unfinished
from misstep.text.counts import counted


class BatchTooLarge(Rule):
    """Epochs enough, but few updates in each."""

    slug = "batch-too-large"
    title = "Batches too large"
    explanation = (
        "An update costs a whole batch, however large it is. With batches that hold a good part of "
        "all rows, an epoch is a handful of updates, and a number of epochs that would have been "
        "enough for small batches ends before the loss has come down."
    )
    needs = ("loss",)
    judges_end = True
    leads_to = frozenset({"constant-prediction", "slow-learning"})
    sick = (
        Example(
            "all rows in one batch",
            """
random = np.random.default_rng(0)
x = random.normal(size=(2000, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01), batch_size="full"
)
run = trainer.fit(x, y, epochs=20)
""",
        ),
        Example(
            "three batches of a thousand",
            """
random = np.random.default_rng(0)
x = random.normal(size=(3000, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network, loss=ms.SquaredError(), optimizer=ms.Adam(0.005), batch_size=1000
)
run = trainer.fit(x, y, epochs=15)
""",
        ),
    )
    healthy = (
        Example(
            "all rows in one batch, many times",
            """
random = np.random.default_rng(0)
x = random.normal(size=(2000, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02), batch_size="full"
)
run = trainer.fit(x, y, epochs=400)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where batches of the usual size would have given many more updates."""
        run = unfinished(evidence)
        if run is None or run.blame is not Blame.BATCH:
            return
        description = evidence.description
        facts = {"updates_per_epoch": description.updates_per_epoch}
        rows = description.batch_size * description.accumulate
        yield self.finding(
            run.severity,
            run.confidence,
            **run.facts(),
            **facts,
            batch_size=rows,
            suggested_batch_size=USUAL_BATCH,
            suggested_updates=facts["updates_per_epoch"] * rows // USUAL_BATCH,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how few updates an epoch had, and how far it came."""
        few = counted(facts["updates_per_epoch"], "update")
        rows = counted(facts["batch_size"], "row")
        return f"Batches of {rows} make {few} an epoch. {state_words(facts)}"

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a usual size."""
        size = setting(facts, "batch_size", facts["suggested_batch_size"])
        updates = counted(facts["suggested_updates"], "update")
        return f"Take smaller batches: {size} makes {updates} of the same epoch."
