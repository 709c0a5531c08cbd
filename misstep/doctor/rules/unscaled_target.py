"""`unscaled-target`: numbers to be learned that lie far from where the outputs start."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import answers_to_give, for_place, place_of
from misstep.doctor.success import Success, best_explained, still_falling, success
from misstep.record import Task
from misstep.text.figures import figure, percent, three_figures

# Outputs start within a few units of 0, since weights are drawn so that sums stay of size 1.
# Answers so far away, in size (root of the mean square), take many updates only to be reached, or
# make errors, and with them gradients, that much larger.
FAR = 5.0
# So much larger than what a constant guess costs is a loss at the start that tells of the offset,
# or of outputs that dwarf the answers, and of nothing else.
START_TIMES_CHANCE = 4.0
# Answers so much smaller than the outputs at the start.
SMALL = 0.05
# With something learned, the harm is that it would have been more: the loss still fell, and this
# much of it was left; of answers not far beyond `FAR`, more.
LEFT, LEFT_OF_NEAR = 0.1, 0.5
VERY_FAR = 20.0
# Beyond this size, answers are to blame whatever the learning rate is; up to it, a rate of plain
# gradients that diverges on standardized rows as well.
HUGE = 1000.0
ABSURD_RATE = 2.0

_HOUSES = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = 200000 + 60000 * x[:, :1] - 20000 * x[:, 1:2] + 5000 * random.normal(size=(300, 1))
"""


class UnscaledTarget(Rule):
    """Answers of a scale, or around a value, that outputs do not start at."""

    slug = "unscaled-target"
    title = "Answers of a scale that the outputs don't start at"
    explanation = (
        "The outputs of a fresh network lie within a few units of 0. Where the numbers to be "
        "learned lie at hundreds or thousands, nearly all of the loss is the distance to their "
        "mean: updates of ordinary size crawl towards it for thousands of steps, and gradients in "
        "proportion to errors of that size make plain gradient descent explode. Answers far "
        "smaller than the outputs are drowned by what the first weights happen to give. It is no "
        "harm where the network learned them all the same."
    )
    leads_to = frozenset(
        {
            "exploding-gradients",
            "diverging",
            "not-a-number",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "slow-learning",
            "constant-prediction",
            "too-few-epochs",
            "underfitting",
            "dead-units",
            "saturated-units",
            "wrong-optimizer",
            "vanishing-gradients",
            "clipped-too-hard",
        }
    )
    sick = (
        Example(
            "prices of houses, crawled towards",
            f"""{_HOUSES}
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.001))
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
        Example(
            "prices of houses, by plain gradients",
            f"""{_HOUSES}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.05))
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "prices of houses, standardized",
            f"""{_HOUSES}
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, (y - y.mean()) / y.std(), epochs=40)
""".strip(),
        ),
        Example(
            "prices of houses, whose unit the last layer knows",
            f"""{_HOUSES}
last = ms.nn.Rescaling(y.std(), y.mean())
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1), last)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "prices of houses that a line reaches",
            f"""{_HOUSES}
trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.05))
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where answers lie far from the outputs, and were not reached."""
        answers = evidence.description.answers
        if evidence.description.loss.task is not Task.NUMBERS:
            return
        if answers is None or answers.numbers is None:
            raise CannotTellError("the record does not say what the answers are")
        numbers = answers.numbers
        given = answers_to_give(evidence.description, numbers.mean, numbers.deviation)
        if numbers.deviation == 0 or given is None:
            return
        mean, deviation = given
        size = math.hypot(mean, deviation)
        if not math.isfinite(size):
            return
        start, chance = evidence.start_loss, evidence.chance_loss
        times = start / chance if chance > 0 else math.nan
        far = size >= FAR
        small = size <= SMALL and times >= START_TIMES_CHANCE
        # Whoever let the last bias start at the mean answer has no offset to learn.
        met = far and deviation < FAR and times < START_TIMES_CHANCE
        if not (far or small) or met:
            return
        reached = success(evidence)
        explained = best_explained(evidence)
        if self._rate_explains(evidence, reached, size):
            return
        left = LEFT if size >= VERY_FAR else LEFT_OF_NEAR
        learned = reached in (Success.SOME, Success.WELL)
        if learned and not (1.0 - explained > left and still_falling(evidence)):
            return
        facts: dict[str, Any] = {
            "mean": numbers.mean,
            "deviation": numbers.deviation,
            "smallest": numbers.smallest,
            "largest": numbers.largest,
            "size": size,
            "written_in": place_of(evidence.description),
            "failed": evidence.failed,
        }
        if math.isfinite(times):
            facts |= {"start_loss": start, "chance_loss": chance}
        if evidence.updates and math.isfinite(explained) and not evidence.failed:
            facts |= {"explained": explained, "updates": evidence.updates}
        for name in ("output_smallest", "output_largest"):
            if evidence.updates and not evidence.failed and evidence.has(name):
                facts[name] = evidence.last(name)
        bad = reached in (Success.FAILED, Success.NOTHING)
        scale = abs(math.log10(size))
        confidence = min(0.95, 0.5 + 0.1 * scale + (0.1 if times >= START_TIMES_CHANCE else 0.0))
        yield self.finding(Severity.CRITICAL if bad else Severity.WARNING, confidence, **facts)

    @staticmethod
    def _rate_explains(evidence: Evidence, reached: Success, size: float) -> bool:
        """Return whether a rate that is too high anywhere explains that nothing was learned."""
        optimizer = evidence.description.optimizer
        # An adaptive optimizer's rate is a distance: far answers ask for a high one.
        plain = optimizer.kind.lower().startswith("sgd")
        harmed = reached in (Success.FAILED, Success.NOTHING)
        return harmed and plain and optimizer.learning_rate > ABSURD_RATE and size < HUGE

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return where the answers lie, and how far the outputs got."""
        said = (
            f"The answers lie around {three_figures(facts['mean'])}, with a deviation of "
            f"{three_figures(facts['deviation'])}, while outputs start near 0"
        )
        if facts["size"] <= SMALL:
            said = (
                f"The answers vary by only {_figure(facts['deviation'])}, the first outputs by "
                "much more"
            )
        if "start_loss" in facts and facts["start_loss"] > 1.5 * facts["chance_loss"]:
            times = three_figures(facts["start_loss"] / facts["chance_loss"])
            said += f": the loss starts at {times} times that of a constant guess"
        if facts["failed"]:
            return f"{said}, and is no finite number any more."
        if "output_largest" in facts and "output_smallest" in facts:
            low, high = facts["output_smallest"], facts["output_largest"]
            said += (
                f"; after {facts.get('updates', 0):,} updates predictions go from "
                f"{three_figures(low)} to {three_figures(high)}, answers from "
                f"{three_figures(facts['smallest'])} to {three_figures(facts['largest'])}"
            )
        elif "explained" in facts:
            gain = facts["explained"]
            said += "; training got no better than a constant guess"
            if gain >= 0.01:
                said = said.removesuffix("no better than a constant guess")
                said += f"{percent(gain)} below the loss of a constant guess"
        return f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return how to standardize the answers."""
        mean, deviation = _figure(facts["mean"]), _figure(facts["deviation"])
        plain_mean = mean.replace("−", "-")
        return (
            f"Learn standardized answers, y = (y - y_train.mean()) / y_train.std(), here about "
            f"(y - {plain_mean}) / {deviation}, and bring predictions back: prediction * "
            f"{deviation} + {plain_mean}"
            + for_place(facts, misstep="; ms.Regressor does both by itself.", torch=".", keras=".")
        )


def _figure(number: float) -> str:
    """Return a number with four figures at most, as it may be typed."""
    return figure(float(f"{number:.4g}"))
