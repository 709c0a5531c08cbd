"""A schedule that took the learning rate away while there was still much to learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import ENDED_RATE, Blame, state_words, unfinished
from misstep.text.counts import counted
from misstep.text.figures import percent


class ScheduleEndsEarly(Rule):
    """The rate fell to next to nothing long before the end, and learning with it."""

    slug = "schedule-ends-early"
    title = "A schedule that ends early"
    explanation = (
        "Schedules lower the learning rate so that a run settles at its end. One that lowers it "
        "too fast freezes the weights where they happen to be: the loss looks converged, but it "
        "was the rate that gave out, and the rest of the epochs is spent for nothing."
    )
    needs = ("loss", "learning_rate")
    judges_end = True
    leads_to = frozenset(
        {"slow-learning", "too-few-epochs", "learning-rate-too-low", "vanishing-gradients"}
    )
    sick = (
        Example(
            "a rate that halves with each epoch",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.Adam(0.01),
    schedule=ms.optim.ExponentialDecay(0.5),
)
run = trainer.fit(x, y, epochs=40)
""",
        ),
        Example(
            "steps down after every two epochs",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.Adam(0.005),
    schedule=ms.optim.StepDecay(epochs=2, drop=0.1),
)
run = trainer.fit(x, y, epochs=50)
""",
        ),
    )
    healthy = (
        Example(
            "a cosine over the whole run",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.Adam(0.02),
    schedule=ms.optim.Cosine(),
)
run = trainer.fit(x, y, epochs=60)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where the rate was gone before the loss had come down."""
        run = unfinished(evidence)
        if run is None or run.blame is not Blame.SCHEDULE:
            return
        progress, schedule = run.progress, evidence.description.schedule
        active = progress.rates >= ENDED_RATE * progress.peak_rate
        step = int(progress.steps[active][-1])
        yield self.finding(
            run.severity,
            run.confidence,
            **run.facts(),
            schedule="" if schedule is None else schedule.kind,
            step=step,
            highest_learning_rate=progress.peak_rate,
            last_learning_rate=float(progress.rates[-1]),
            share_without_rate=1.0 - step / max(evidence.updates, 1),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return when the rate was gone, and how far it came."""
        after = counted(facts["step"], "update")
        return (
            f"After {after} the learning rate was below a tenth of its peak of "
            f"{facts['highest_learning_rate']:.2g}, while the loss still fell: for the last "
            f"{percent(facts['share_without_rate'])} of the training hardly anything was learned. "
            f"{state_words(facts)}"
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a schedule that lasts."""
        kind = facts["schedule"] or "the schedule"
        if facts["written_in"] == "misstep":
            return (
                f"Take `schedule=ms.optim.Cosine()`, which comes down only at the end, instead of "
                f"{kind}; or leave the schedule out."
            )
        return f"Let {kind} come down over all epochs, as a cosine does, or leave it out."
