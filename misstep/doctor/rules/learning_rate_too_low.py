"""A learning rate that moves the weights by next to nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.optimizers import is_adaptive, usual_rate, written
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import HEALTHY_RATIO, Blame, Unfinished, state_words, unfinished
from misstep.text.figures import figure

# What is advised moves weights by about twice the usual thousandth at first: updates shrink later.
AIM = 2.0 * HEALTHY_RATIO
# Between twice and a thousand times the rate is advised.
LEAST_TIMES, MOST_TIMES = 2.0, 1000.0
# Plain descent at a usual rate may want a higher one, but that is the lesser of its troubles.
SECOND_CONFIDENCE = 0.4
# Up to so many times the healthy ratio, steps may still be longer.
MODEST = 2.5


class LearningRateTooLow(Rule):
    """Updates far smaller than healthy ones, in a run that ended unfinished."""

    slug = "learning-rate-too-low"
    title = "Learning rate too low"
    explanation = (
        "An update should move a weight by about a thousandth of itself. Where it moves by much "
        "less and the loss still comes down when training ends, or never began to, the steps are "
        "too short for their number. A low rate that had time enough harms nobody, as in tuning a "
        "trained network further. A warm-up that never ends has the same effect."
    )
    needs = ("loss", "update_norm", "weight_norm")
    judges_end = True
    leads_to = frozenset({"constant-prediction", "slow-learning"})
    sick = (
        Example(
            "Adam at a hundredth of its usual rate",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(1e-5))
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "SGD with momentum, far too cautious",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network, loss=ms.SquaredError(), optimizer=ms.SGD(1e-5, momentum=0.9)
)
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "a warm-up thirty times as long as the training",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.Adam(0.005),
    schedule=ms.optim.WarmUp(20000),
)
run = trainer.fit(x, y, epochs=50)
""",
        ),
    )
    healthy = (
        Example(
            "a low rate with patience",
            """
random = np.random.default_rng(0)
y = np.arange(400) % 2
x = random.normal(size=(400, 3)) + 5 * y[:, None]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(3e-4))
run = trainer.fit(x, y, epochs=100)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where steps were too short for their number."""
        run = unfinished(evidence)
        if run is None:
            return
        facts = run.facts() | {"suggested_learning_rate": _suggested(run)}
        if run.blame is Blame.WARM_UP:
            facts["highest_learning_rate"] = run.progress.peak_rate
            facts["suggested_steps"] = max(1, evidence.updates // 10)
            yield self.finding(run.severity, run.confidence, **facts)
        elif run.blame is Blame.RATE:
            yield self.finding(run.severity, run.confidence, **facts)
        elif run.blame is Blame.OPTIMIZER or (
            run.blame is Blame.EPOCHS and run.progress.typical_ratio < MODEST * HEALTHY_RATIO
        ):
            # Longer steps would have come as far as more of them.
            yield self.finding(Severity.WARNING, SECOND_CONFIDENCE, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how little an update moved, and how far it came."""
        if "highest_learning_rate" in facts:
            return (
                f"The schedule let the learning rate come to {facts['highest_learning_rate']:.2g} "
                f"of the {facts['learning_rate']:.4g} it was set to. {state_words(facts)}"
            )
        moves = ""
        if "update_ratio" in facts:
            ratio = float(f"{facts['update_ratio']:.2g}")
            beside = (
                ", where 10⁻³ is healthy"
                if ratio < HEALTHY_RATIO
                else "; longer steps may come as far as more of them"
            )
            moves = f"An update moves the weights by {figure(ratio)} of themselves{beside}. "
        return f"{moves}{state_words(facts)}"

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a higher rate."""
        if "highest_learning_rate" in facts:
            steps = facts["suggested_steps"]
            return f"Let the warm-up end after a tenth of the training, {steps} updates."
        higher = written(facts, facts["suggested_learning_rate"])
        return f"Raise the learning rate: {higher} instead of {facts['learning_rate']:.4g}."


def _suggested(run: Unfinished) -> float:
    """Return a rate with one figure that moves weights by a healthy amount."""
    progress = run.progress
    optimizer = progress.evidence.description.optimizer
    ratio, rate = progress.ordinary_ratio, optimizer.learning_rate
    times = AIM / ratio if ratio > 0 else 10.0
    higher = rate * min(max(times, LEAST_TIMES), MOST_TIMES)
    if is_adaptive(optimizer):
        # Ten times the usual rate is the most that anybody should be advised.
        higher = min(higher, max(10.0 * usual_rate(optimizer), LEAST_TIMES * rate))
    power = 10.0 ** math.floor(math.log10(higher)) if higher > 0 else 1.0
    return float(f"{round(higher / power) * power:.0e}")
