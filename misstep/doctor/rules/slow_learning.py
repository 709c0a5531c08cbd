"""A loss that comes down too slowly: a symptom, reported as itself where no cause is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import Example, Rule
from misstep.doctor.scales import for_place
from misstep.doctor.unfinished import is_slow, state_words

# It is a symptom: whatever explains it is surer.
CONFIDENCE = 0.25


class SlowLearning(Rule):
    """A run that ended with much left to learn, for whatever reason."""

    slug = "slow-learning"
    title = "Slow learning"
    explanation = (
        "The loss came down so slowly that much was left to learn when training ended. It is a "
        "symptom: of short steps, few of them, or of a network through which little gradient "
        "flows. Where one of these is found, this stands beneath it."
    )
    needs = ("loss",)
    judges_end = True
    sick = (
        Example(
            "a rate that is too low",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(3e-5))
run = trainer.fit(x, y, epochs=60)
""",
            also=frozenset({"learning-rate-too-low"}),
        ),
        Example(
            "three epochs",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.005))
run = trainer.fit(x, y, epochs=3)
""",
            also=frozenset({"too-few-epochs"}),
        ),
    )
    healthy = (
        Example(
            "quick learning",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=60)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where much was left to learn."""
        facts = is_slow(evidence)
        if facts is not None:
            yield self.finding(Severity.WARNING, CONFIDENCE, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how far it came."""
        return state_words(facts)

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what tells the causes apart."""
        return for_place(
            facts,
            misstep="Train with the rate that `trainer.find_learning_rate(x, y)` finds.",
            command_line="Train with the rate that `misstep find-rate` finds for the same source.",
            estimator="Try learning rates ten times as high and as low, or more epochs.",
            torch="Try learning rates ten times as high and as low, or more epochs.",
            keras="Try learning rates ten times as high and as low, or more epochs.",
        )
