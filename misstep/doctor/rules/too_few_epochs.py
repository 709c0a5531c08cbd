"""Training ended while the loss still fell at a healthy pace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding
from misstep.doctor.optimizers import setting
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import Blame, state_words, unfinished

# How much of the chance loss is aimed at when epochs are counted: most tasks leave more.
AIM = 0.1
# Between twice and so many times the epochs are advised; who knows more after a few runs.
MOST_TIMES = 16


class TooFewEpochs(Rule):
    """Updates of a healthy size, but few of them."""

    slug = "too-few-epochs"
    title = "Too few epochs"
    explanation = (
        "Each update moved the weights by a healthy amount, and the loss still fell when the "
        "planned epochs were over: there was more to learn and no time to learn it. It is among "
        "the three most frequent causes in programs that people ask about, and the cheapest to "
        "remove. A run that was stopped by a validation loss that no longer fell is not meant."
    )
    needs = ("loss",)
    judges_end = True
    leads_to = frozenset({"slow-learning"})
    sick = (
        Example(
            "two epochs",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=2)
""",
        ),
        Example(
            "thirty updates of four rows",
            """
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0.0], [1.0], [1.0], [0.0]])
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network, loss=ms.BinaryCrossEntropy(), optimizer=ms.Adam(0.01), batch_size="full"
)
run = trainer.fit(x, y, epochs=30)
""",
        ),
    )
    healthy = (
        Example(
            "epochs enough",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=100)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where nothing but time was lacking."""
        run = unfinished(evidence)
        if run is None or run.blame is not Blame.EPOCHS:
            return
        progress = run.progress
        times = 2
        if progress.late.is_sure and progress.late.per_doubling > 0:
            above = progress.end / progress.reference - AIM
            doublings = above * progress.reference / progress.late.per_doubling
            times = max(2, min(MOST_TIMES, round(2**doublings)))
        elif progress.evidence.updates:
            times = MOST_TIMES
        facts = run.facts()
        epochs = max(evidence.description.epochs, facts["epochs"])
        yield self.finding(
            run.severity, run.confidence, **facts, suggested_epochs=_round(times * epochs)
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how far it came."""
        return state_words(facts)

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return for how many epochs to train."""
        epochs = setting(facts, "epochs", facts["suggested_epochs"])
        if facts["written_in"] == "command line":
            return f"Train longer: {epochs}, or leave `--epochs` out: training then ends by itself."
        return f"Train longer: {epochs}, with validation rows and early stopping to end it in time."


def _round(epochs: int) -> int:
    """Return a number of epochs as people choose them."""
    size = 10 ** max(0, len(str(epochs)) - 2)
    return -(-epochs // size) * size
