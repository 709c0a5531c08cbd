"""A loss that runs off: a symptom, reported as itself where no cause is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.instability import Instability
from misstep.doctor.optimizers import optimizer_facts, written
from misstep.doctor.progress import Progress
from misstep.doctor.rule import Example, Rule
from misstep.text.figures import four_figures

# It is a symptom: whatever explains it is surer.
CONFIDENCE = 0.4
# A rate that is advised where nothing more is known.
LOWER = 0.1


class Diverging(Rule):
    """A loss that ended far above its best, or grew until it was no number."""

    slug = "diverging"
    title = "A loss that runs off"
    explanation = (
        "The loss rose far above what it had come down to, and above what guessing gives. Mostly "
        "the learning rate is too high for the slopes that there are, because of the rate itself "
        "or because inputs, answers or first weights make the slopes steep. Where one of these is "
        "found, this stands beneath it."
    )
    needs = ("loss",)
    leads_to = frozenset({"not-a-number"})
    sick = (
        Example(
            "a linear model at a rate above what its slopes allow",
            """
x = np.linspace(-1, 1, 64)[:, None]
y = 3 * x + 1
trainer = ms.Trainer(
    ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1.2), batch_size="full"
)
run = trainer.fit(x, y, epochs=30)
""",
            also=frozenset({"learning-rate-too-high"}),
        ),
        Example(
            "momentum that builds up",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(2.0, momentum=0.9))
run = trainer.fit(x, y, epochs=10)
""",
            also=frozenset({"learning-rate-too-high"}),
        ),
    )
    healthy = (
        Example(
            "a loss that leaps and comes down",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1, momentum=0.9), batch_size=8
)
run = trainer.fit(x, y, epochs=30)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where the loss ran off."""
        progress = Progress(evidence)
        steadiness = Instability(progress)
        if not (steadiness.grew if evidence.failed else steadiness.diverged):
            return
        losses = progress.losses
        if len(losses) < 2:
            return
        yield self.finding(
            Severity.CRITICAL,
            CONFIDENCE,
            **optimizer_facts(evidence.description),
            best_loss=float(losses.min()),
            step=int(progress.steps[losses.argmin()]),
            last_loss=float(losses[-1]),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return from where to where the loss went."""
        return (
            f"The loss was down to {four_figures(facts['best_loss'])} in update {facts['step']} "
            f"and then rose to {four_figures(facts['last_loss'])}."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a lower rate."""
        lower = written(facts, float(f"{LOWER * facts['learning_rate']:.0e}"))
        # What reads people's own data has standardized them.
        ready = facts.get("written_in") in ("command line", "estimator")
        first = "L" if ready else "Standardize inputs and answers, then l"
        return f"{first}ower the learning rate: {lower}."
