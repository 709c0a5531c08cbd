"""A learning rate whose first steps tear the weights out of where they could learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.instability import Instability
from misstep.doctor.optimizers import is_adaptive, optimizer_facts, usual_rate, written
from misstep.doctor.progress import Progress
from misstep.doctor.rule import Example, Rule
from misstep.text.counts import counted
from misstep.text.figures import beside_itself, four_figures

# An update of a weight by so much of itself is beyond what is healthy, 1e-4 to 1e-1
# (TheDeepChecker; cs231n). Steps along raw gradients vary more from weight to weight.
LARGE_STEP, LARGE_PLAIN_STEP = 0.1, 0.3
# Explained less than this of chance, a run has learned nothing; less than that, and with a loss
# that leapt up, less than it could.
NOTHING, SOME = 0.3, 0.75
# At a rate that nobody would take, and with a first step of so much of a weight, what lacks to this
# is lost to it as well.
MOST_EXPLAINED, HUGE_STEP = 0.92, 0.3
# What had been learned is lost again where the loss had been below so much of start and end.
LOST = 0.1
# A leap of an epoch's loss by so much of chance is no noise of batches.
LEAP = 0.1
# Rates so many times the usual are high by themselves, or very high.
HIGH_TIMES, VERY_HIGH_TIMES = 10.0, 30.0
# Of SGD, whose usual rate leaves more room below what fails.
HIGH_PLAIN, VERY_HIGH_PLAIN = 0.3, 1.0
# Advised is a first step of about this share of the weights, and a third of the rate at most.
AIM, MOST = 0.02, 1 / 3


class LearningRateTooHigh(Rule):
    """Steps so long that the loss leaps, runs off, or the network dies at once."""

    slug = "learning-rate-too-high"
    title = "Learning rate too high"
    explanation = (
        "Each update follows the gradient as far as the learning rate says. Where that is further "
        "than the slope holds, the loss rises instead of falling; the next gradient is larger "
        "still, and the loss runs off to numbers without end, leaps about, or the units of the "
        "network are pushed to where nothing reaches them any more. A high rate under which the "
        "loss does come down harms nobody."
    )
    needs = ("loss", "update_norm", "weight_norm")
    leads_to = frozenset(
        {
            *("diverging", "not-a-number", "dead-units", "saturated-units", "exploding-gradients"),
            *("vanishing-gradients", "constant-prediction", "parameters-not-learning"),
            *("slow-learning", "too-few-epochs", "underfitting"),
        }
    )
    sick = (
        Example(
            "Adam at a thousand times its usual rate",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(3.0))
run = trainer.fit(x, y, epochs=30)
""",
        ),
        Example(
            "SGD that runs off",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(1.0, momentum=0.9))
run = trainer.fit(x, y, epochs=20)
""",
        ),
    )
    healthy = (
        Example(
            "a high rate under which the loss comes down",
            """
x = np.linspace(-1, 1, 64)[:, None]
y = 2 * x + 0.5
trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.5))
run = trainer.fit(x, y, epochs=40)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where steps were far too long, and nothing or less was learned."""
        progress = Progress(evidence)
        steadiness = Instability(progress)
        adaptive = is_adaptive(evidence.description.optimizer)
        step = steadiness.first_step
        if not step >= (LARGE_STEP if adaptive else LARGE_PLAIN_STEP):
            return
        rate, usual = steadiness.rate, usual_rate(evidence.description.optimizer)
        if adaptive:
            high, very_high = HIGH_TIMES * usual, VERY_HIGH_TIMES * usual
        else:
            high, very_high = HIGH_PLAIN, VERY_HIGH_PLAIN
        far = adaptive and rate >= very_high and step >= HUGE_STEP
        severity = _severity(progress, steadiness, far_too_high=far, high=rate >= high)
        if severity is None:
            return
        confidence = 0.9 if rate >= very_high else 0.8 if rate >= high else 0.5
        facts = {
            **optimizer_facts(evidence.description),
            "step": 1,
            "update_ratio": step,
            "suggested_learning_rate": _suggested(progress, step, usual),
        }
        for name, value in (
            ("start_loss", evidence.start_loss),
            ("final_loss", progress.end),
            ("chance_loss", evidence.chance_loss),
        ):
            if math.isfinite(value):
                facts[name] = value
        if evidence.failed:
            facts["failed_at"] = evidence.updates
        elif progress.best < LOST * min(progress.end, evidence.start_loss):
            facts["lowest_loss"] = progress.best
        yield self.finding(severity, confidence, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how long the first step was, and what came of it."""
        moved = (
            f"The first update moved a weight by {beside_itself(facts['update_ratio'])}, where "
            "a thousandth of it is healthy"
        )
        if "failed_at" in facts:
            after = counted(facts["failed_at"], "update")
            return f"{moved}, and after {after} the loss was no finite number any more."
        guessing = ""
        if "chance_loss" in facts:
            guessing = f"; guessing gives {four_figures(facts['chance_loss'])}"
        start = ""
        if "start_loss" in facts:
            start = f" from {four_figures(facts['start_loss'])}"
        end = four_figures(facts["final_loss"]) if "final_loss" in facts else "no number"
        if "lowest_loss" in facts:
            end += f", though it had been down to {four_figures(facts['lowest_loss'])}"
        return f"{moved}, and the loss went{start} to {end}{guessing}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a lower rate."""
        lower = written(facts, facts["suggested_learning_rate"])
        return f"Lower the learning rate: {lower} instead of {facts['learning_rate']:.4g}."


def _severity(
    progress: Progress, steadiness: Instability, *, far_too_high: bool, high: bool
) -> Severity | None:
    """Return how harmed a run is that took long steps; None where it is not."""
    evidence = progress.evidence
    if evidence.failed:
        return Severity.CRITICAL if steadiness.grew else None
    if steadiness.diverged:
        return Severity.CRITICAL
    limit = MOST_EXPLAINED if far_too_high else SOME
    if not evidence.is_over or not progress.explained < limit:
        return None
    if progress.explained < NOTHING:
        # What is better than guessing and still comes down only wants time.
        comes_down = progress.explained > 0 and progress.gain >= LEAP
        return None if comes_down else Severity.CRITICAL
    # At a rate that is high in itself it is enough that the loss no longer comes down.
    stands = high and progress.gain < LEAP / 2
    return Severity.WARNING if steadiness.rebound > LEAP or stands else None


def _suggested(progress: Progress, step: float, usual: float) -> float:
    """Return a rate with one figure whose first step is a healthy one."""
    rate = progress.evidence.description.optimizer.learning_rate
    lower = rate * min(MOST, AIM / step)
    if is_adaptive(progress.evidence.description.optimizer):
        lower = max(lower, min(usual, rate * MOST))
    return float(f"{lower:.0e}") if lower > 0 else lower
