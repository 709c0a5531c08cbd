"""`constant-prediction`: the same answer for every row, whatever the row is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import learned
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.record import Task
from misstep.text.figures import figure

# Outputs are the same where they differ by less than this share of what answers differ by; of
# classes, whose answers differ by about a half, by less than this in probability.
SAME = 0.01
# Nothing was learned where less than this share of the chance loss went away.
NOTHING = 0.1
# Updates that a network gets before it must tell rows apart: a zero in the last layer takes one.
FIRST_UPDATES = 5


class ConstantPrediction(Rule):
    """Outputs that do not depend on the row."""

    slug = "constant-prediction"
    title = "The same prediction for every row"
    explanation = (
        "The best answer that does not look at the row is the mean, or the shares of the classes. "
        "A network falls back to it where nothing that depends on the row comes through: dead or "
        "saturated layers, weights that a penalty pressed to 0, symmetric first weights, a softmax "
        "over one unit. It is what shows; the cause is one of these where it could be told."
    )
    needs = ("output_deviation",)
    leads_to = frozenset({"slow-learning", "underfitting", "too-few-epochs", "class-imbalance"})
    sick = (
        Example(
            "a penalty that leaves nothing of the weights",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 2))
y = x[:, :1] - x[:, 1:2]
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.Adam(0.01),
    regularizers=ms.optim.L2(3.0),
)
run = trainer.fit(x, y, epochs=30)
""".strip(),
            also=frozenset({"over-regularized"}),
        ),
        Example(
            "all first weights 0",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
zeros = ms.initializers.Zeros()
network = ms.Sequential(
    ms.Dense(16, initializer=zeros), ms.ReLU(), ms.Dense(2, initializer=zeros)
)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1))
run = trainer.fit(x, y, epochs=30)
""".strip(),
            also=frozenset({"bad-initialization", "dead-units"}),
        ),
    )
    healthy = (
        Example(
            "a last layer that begins at 0",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
network = ms.Sequential(
    ms.Dense(32), ms.Tanh(), ms.Dense(2, initializer=ms.initializers.Zeros())
)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=80)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        answers = evidence.description.answers
        if answers is None:
            raise CannotTellError("the record does not say what the answers are")
        steps, values = evidence.series("output_deviation", "")
        if evidence.updates < FIRST_UPDATES or not len(steps) or int(steps[-1]) == 0:
            return
        scale = 1.0
        if answers.task is Task.NUMBERS:
            if answers.numbers is None or not answers.numbers.deviation > 0:
                return
            scale = answers.numbers.deviation
        elif sum(count > 0 for count in answers.counts) < 2:
            return
        deviation = float(values[-1])
        if not deviation < SAME * scale or not learned(evidence) < NOTHING:
            return
        low = evidence.last("output_smallest", "")
        high = evidence.last("output_largest", "")
        yield self.finding(
            Severity.CRITICAL,
            0.6,
            step=int(steps[-1]),
            output_deviation=deviation,
            output_smallest=low,
            output_largest=high,
            answers_deviation=scale if answers.task is Task.NUMBERS else 0.5,
            task=answers.task.value,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        return (
            f"The prediction is {'about ' if facts['output_deviation'] else ''}the same for every "
            f"row: over the probe rows it differs by {figure(facts['output_deviation'])} (standard "
            "deviation)"
            + (
                f", where the answers differ by {figure(facts['answers_deviation'])}."
                if facts["task"] == Task.NUMBERS.value
                else ", in probability."
            )
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        return (
            "Look at what the layers give: the first one whose outputs are the same for all rows "
            "is where the signal ends. Without penalties and dropout, with standardized inputs and "
            "a tenth of the learning rate, a network of this kind learns at least a few rows."
        )
