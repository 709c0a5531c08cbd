"""`outliers`: a few numbers so far from the others that they rule the loss or the scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, has_columns, is_normalized, place_of
from misstep.doctor.success import Success, success
from misstep.record import FeatureSummary, InputSummary, Task
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, three_figures
from misstep.text.lists import listed

# What the summary of a column calls an outlier is farther than 10 spreads from the median (median
# and median distance, after Hampel, 1974). Of heavy tails, such as incomes, there are many; up to
# this share of the rows they are few, and more likely mistakes.
MOST_SHARE = 0.03
# The deviation is so many times the spread where outliers make up most of it: of the variance,
# 1 − 1/2² = 75 % where nothing was learned, and 1 − 1/3² = 89 % where something was; of honest
# heavy tails, such as lognormal numbers of deviation 1, it is 2.4 times.
TIMES_FOR_NOTHING, TIMES_FOR_SOME = 2.0, 3.0
# Columns whose deviations differ by no more are alike in scale; there a value is far out only if it
# is so many deviations from the mean of all numbers.
ALIKE, BEYOND_ALL = 30.0, 4.0
# A square loss is theirs where they make up this share of the variance of the answers, and more is
# left at the end than guessing the median for all other rows would cost.
SHARE_OF_LOSS = 0.9
# Values far out in so many columns, at least three, are how these data are: heavy tails, as sizes
# of things have, as long as they are not so many spreads out: of numbers whose logarithm has a
# deviation of 1, one in 10,000 is 45 spreads out. Mistakes sit in a column or two, or far away.
MANY_COLUMNS, LEAST_COLUMNS, TAIL_SPREADS = 0.2, 3, 60.0
# Losses whose size grows with the square of the error.
SQUARE_LOSSES = frozenset({"SquaredError", "MSELoss", "MeanSquaredError", "mse"})
# Of what does no harm, only what lies so many spreads out is worth a word.
NOTED = 30.0
MOST_ROWS_NAMED = 5

_LINE = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 3))
y = x[:, :1] - x[:, 1:2] + 0.1 * random.normal(size=(400, 1))
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.005))
"""


class Outliers(Rule):
    """Inputs or answers with a few values far out."""

    slug = "outliers"
    title = "A few numbers far from all others"
    explanation = (
        "A number that was written in another unit, a stray digit or a mark for a missing value, "
        "such as 9999, lies many spreads from the others. Among the answers, a square loss is "
        "then nearly all its own: the network bends to that row and neglects the others. Among the "
        "inputs it makes one column explode for that row, and presses all other values together "
        "where a column is scaled by its deviation or its range. Far is measured by the median and "
        "the median distance from it, which outliers cannot move."
    )
    leads_to = frozenset(
        {
            "unscaled-inputs",
            "unscaled-target",
            "exploding-gradients",
            "diverging",
            "not-a-number",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "slow-learning",
            "constant-prediction",
            "overfitting",
            "underfitting",
            "dead-units",
            "saturated-units",
            "too-few-epochs",
            "batch-too-large",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "two answers in another unit",
            f"""{_LINE.strip()}
y[[7, 230]] *= 1000
run = trainer.fit(x, y, epochs=10)
""",
        ),
        Example(
            "a mark for missing values, scaled along",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (x[:, 0] > 0).astype(int)
x[[50, 120, 300], 0] = 99999
x = (x - x.mean(axis=0)) / x.std(axis=0)
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.005))
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "heavy tails, learned",
            """
random = np.random.default_rng(0)
x = random.normal(size=(500, 2))
x[:, 1] = np.exp(1.2 * x[:, 1])
y = (x[:, 0] + np.log(x[:, 1]) > 0).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield outliers of the answers, and of the input column that has the farthest."""
        inputs, answers = evidence.description.inputs, evidence.description.answers
        if inputs is None and answers is None:
            raise CannotTellError("the record does not say what went into the network")
        reached = success(evidence)
        if answers is not None and answers.task is Task.NUMBERS and answers.numbers is not None:
            yield from self._of_answers(evidence, reached, answers.numbers, answers.rows)
        columns = inputs is not None and has_columns(evidence.description)
        if columns and inputs is not None and inputs.kind == "numbers":
            far = [
                one for one in inputs.features if _few(one, inputs.rows) and _beyond(one, inputs)
            ]
            if far:
                worst = max(far, key=farthest)
                yield from self._of_inputs(evidence, reached, worst, inputs.rows, len(far))

    def _of_answers(
        self, evidence: Evidence, reached: Success, numbers: FeatureSummary, rows: int
    ) -> Iterator[Finding]:
        if not _few(numbers, rows):
            return
        share = 1.0 - (numbers.spread / numbers.deviation) ** 2 if numbers.deviation else 0.0
        square = evidence.description.loss.kind in SQUARE_LOSSES
        rules = square and share >= SHARE_OF_LOSS
        facts = _facts(evidence, numbers, rows) | {"of": "answers", "share_of_variance": share}
        left = evidence.final_loss > numbers.spread**2
        if reached is Success.UNTRAINED:
            yield self.finding(Severity.WARNING if rules else Severity.NOTE, 0.6, **facts)
        elif rules and (evidence.failed or left):
            bad = reached in (Success.FAILED, Success.NOTHING)
            if not evidence.failed:
                facts["final_loss"] = evidence.final_loss
                facts["loss_of_the_others"] = numbers.spread**2
            yield self.finding(Severity.CRITICAL if bad else Severity.WARNING, 0.85, **facts)
        else:
            yield self.finding(Severity.NOTE, 0.5, **facts)

    def _of_inputs(
        self, evidence: Evidence, reached: Success, feature: FeatureSummary, rows: int, columns: int
    ) -> Iterator[Finding]:
        facts = _facts(evidence, feature, rows) | {
            "of": "inputs",
            "column": feature.name,
            "columns_with_outliers": columns,
        }
        nothing = reached in (Success.FAILED, Success.NOTHING)
        times = TIMES_FOR_NOTHING if nothing else TIMES_FOR_SOME
        rules = feature.deviation > times * feature.spread
        little = reached.below(Success.WELL)
        inputs = evidence.description.inputs
        described = 0 if inputs is None else len(inputs.features)
        many = columns >= max(LEAST_COLUMNS, MANY_COLUMNS * described)
        tails = many and farthest(feature) < TAIL_SPREADS
        if rules and little and not tails and not is_normalized(evidence.layers):
            severity = Severity.CRITICAL if nothing else Severity.WARNING
            yield self.finding(severity, 0.75 if nothing else 0.6, **facts)
        elif farthest(feature) >= NOTED:
            yield self.finding(Severity.NOTE, 0.4, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how far out how many numbers are, and in which rows."""
        count = facts["outliers"]
        what = (
            counted(count, "answer")
            if facts["of"] == "answers"
            else f"{counted(count, 'value')} of input column {facts['column']}"
        )
        are = plural(count, "lies", "lie")
        said = (
            f"{what} {are} up to {three_figures(facts['spreads'])} spreads from the median, at "
            f"{three_figures(facts['farthest'])}, where the median is "
            f"{three_figures(facts['median'])} and the spread {three_figures(facts['spread'])}"
        )
        if facts.get("rows"):
            named = [str(row) for row in facts["rows"]]
            from_zero = " (counted from 0)" if facts["rows_counted_from"] == 0 else ""
            said += (
                f"; {plural(len(named), 'row', 'rows')} {listed(named, MOST_ROWS_NAMED)}{from_zero}"
            )
        if "final_loss" in facts:
            said += (
                f". They make up {percent(facts['share_of_variance'])} of the variance, and "
                "nearly all of the loss"
            )
        elif facts.get("columns_with_outliers", 1) > 1:
            others = facts["columns_with_outliers"] - 1
            said += f"; {counted(others, 'other column')} {plural(others, 'has', 'have')} some too"
        return f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what to do with such rows."""
        rows = list(facts.get("rows", []))[:MOST_ROWS_NAMED]
        look = f"Look at rows {rows}" if rows else "Look at those rows"
        if facts["of"] == "answers":
            robust = for_place(
                facts,
                misstep="ms.losses.Huber()",
                command_line="`--loss huber`",
                estimator='loss="huber"',
                torch="torch.nn.HuberLoss()",
                keras="keras.losses.Huber()",
            )
            return (
                f"{look}: mend or leave out what is a mistake. If such answers are real, "
                f"{robust} instead of a square loss, or their logarithm."
            )
        mend = f"{look}: mend or leave out what is a mistake, or a mark for a missing value"
        clip = "x = np.clip(x, *np.percentile(x, [1, 99], axis=0)), before columns are scaled"
        return f"{mend}{for_place(facts, misstep=f'; or clip: {clip}', command_line='')}."


def farthest(feature: FeatureSummary) -> float:
    """Return the largest distance from the median, in spreads."""
    far = max(feature.largest - feature.median, feature.median - feature.smallest)
    return far / feature.spread if feature.spread > 0 else 0.0


def _few(feature: FeatureSummary, rows: int) -> bool:
    """Return whether a column has outliers, and few of them."""
    return 0 < feature.outliers <= max(1, MOST_SHARE * rows) and feature.spread > 0


def _beyond(feature: FeatureSummary, inputs: InputSummary) -> bool:
    """Return whether a column's farthest value is far among the numbers of all columns as well.

    Where columns are alike in scale: a pixel that is dark in nearly all pictures, and light in some
    as others are, is no outlier.
    """
    deviations = [one.deviation for one in inputs.features if not one.constant]
    alike = max(deviations) <= ALIKE * float(np.median(deviations))
    whole = inputs.whole
    if not alike or whole is None:
        return True
    extreme = max(abs(feature.largest - whole.mean), abs(feature.smallest - whole.mean))
    return extreme > BEYOND_ALL * whole.deviation


def _facts(evidence: Evidence, feature: FeatureSummary, rows: int) -> dict[str, Any]:
    low = feature.median - feature.smallest > feature.largest - feature.median
    counted_from = evidence.description.preparation.get("rows_counted_from", 0)
    spreads = farthest(feature)
    return {
        "written_in": place_of(evidence.description),
        "outliers": feature.outliers,
        "rows": list(feature.outlier_rows),
        "rows_counted_from": counted_from if counted_from in (0, 1) else 0,
        "rows_in_all": rows,
        "spreads": spreads if math.isfinite(spreads) else 1e300,
        "farthest": feature.smallest if low else feature.largest,
        "median": feature.median,
        "spread": feature.spread,
        "deviation": feature.deviation,
    }
