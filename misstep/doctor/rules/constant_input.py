"""`constant-input`: columns, or all rows, that are the same throughout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import (
    for_place,
    has_columns,
    is_normalized,
    place_of,
    rescaled_by_feature,
    size_of,
)
from misstep.doctor.success import Success, success
from misstep.record import FeatureSummary, InputSummary
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, three_figures
from misstep.text.lists import listed

# Images have borders that never change; beyond this share a picture has lost its content, as when
# whole numbers are divided by 255 without a remainder.
NEARLY_ALL = 0.9
# Of columns that stand still at another number than 0 and 1, which borders, absent words and
# biases have; where little was learned, or not.
MANY_ODD, MANY_ODD_ANYHOW = 0.25, 0.5
# Fewer columns say nothing by their share.
FEWEST_COLUMNS = 8
# A constant column so many times as large as the others is a bias that drowns them.
LARGE, TIMES_THE_OTHERS = 10.0, 10.0
# In wider tables than this, and in images, a few constant columns are what is to be expected.
MOST_COLUMNS_NOTED = 200
MOST_NAMED = 6

_POINTS = """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
"""
_NETWORK = """
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.05))
"""


class ConstantInput(Rule):
    """Inputs that do not differ from row to row."""

    slug = "constant-input"
    title = "Inputs that never change"
    explanation = (
        "A column that is the same in every row tells nothing: it can be left out. Where all are "
        "the same, or nearly all, nothing can be learned but a constant; mostly a step of "
        "preparation has gone wrong, such as a division of whole numbers or a wrong index. A large "
        "constant is a bias that drowns the columns beside it."
    )
    leads_to = frozenset(
        {
            "constant-prediction",
            "underfitting",
            "slow-learning",
            "learning-rate-too-low",
            "learning-rate-too-high",
            "too-few-epochs",
            "saturated-units",
            "dead-units",
            "vanishing-gradients",
            "bad-initialization",
            "unscaled-inputs",
            "class-imbalance",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "every row the same",
            f"""{_POINTS}
x = np.repeat(x[:1], len(x), axis=0)
{_NETWORK.strip()}
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
        Example(
            "pixels divided without a remainder",
            f"""
random = np.random.default_rng(0)
y = np.arange(300) % 2
x = (random.integers(0, 256, size=(300, 25)) * (0.5 + 0.5 * y[:, None])).astype(int)
x[:, 0] = np.maximum(x[:, 0], 255 * (np.arange(300) % 7 == 0))
x = x.clip(0, 255) // 256 + (np.arange(25) == 0) * (x // 255)
{_NETWORK.strip()}
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
        Example(
            "a large constant beside small columns",
            f"""{_POINTS}
x[:, 2] = 1000.0
{_NETWORK.strip()}
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "one constant column among others",
            f"""{_POINTS}
x[:, 2] = 1.0
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=30)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield what of the inputs never changes, and how bad that is."""
        inputs = evidence.description.inputs
        left_out = _left_out(evidence.description.preparation.get("constant_columns"))
        if left_out:
            yield self.finding(Severity.NOTE, 0.9, columns=list(left_out), left_out=left_out)
        if inputs is None or inputs.whole is None:
            if left_out:
                return
            raise CannotTellError("the record does not say what went into the network")
        if inputs.rows < 2 or not inputs.columns:
            return
        reached = success(evidence)
        facts: dict[str, Any] = {
            "columns_in_all": inputs.columns,
            "constant_count": inputs.constant_count,
            "rows": inputs.rows,
            "written_in": place_of(evidence.description),
            "axis": inputs.axis,
        }
        share = inputs.constant_count / inputs.columns
        if inputs.whole.constant or inputs.duplicates >= inputs.rows - 1:
            yield self.finding(Severity.CRITICAL, 0.95, **facts, all_rows_equal=True)
        elif inputs.kind != "numbers" or inputs.axis != "column" or not inputs.constant_count:
            return
        elif share >= NEARLY_ALL and inputs.columns >= FEWEST_COLUMNS and _little(reached):
            bad = reached in (Success.FAILED, Success.NOTHING)
            yield self.finding(
                Severity.CRITICAL if bad else Severity.WARNING, 0.85, **facts, share=share
            )
        elif (large := _large(inputs)) is not None and _little(reached):
            if not (is_normalized(evidence.layers) or rescaled_by_feature(evidence.layers)):
                yield self._of_large(reached, facts, large)
        elif (odd := _odd_share(inputs)) >= (MANY_ODD if _little(reached) else MANY_ODD_ANYHOW):
            bad = reached in (Success.FAILED, Success.NOTHING)
            names = [one.name for one in inputs.features if _is_odd(one)]
            yield self.finding(
                Severity.CRITICAL if bad else Severity.WARNING,
                0.7 if _little(reached) else 0.55,
                **facts,
                columns=names[:MOST_NAMED],
                odd_share=odd,
            )
        elif inputs.columns <= MOST_COLUMNS_NOTED and self._is_worth_a_note(evidence):
            names = [one.name for one in inputs.features if one.constant]
            yield self.finding(Severity.NOTE, 0.9, **facts, columns=names[:MOST_NAMED])

    @staticmethod
    def _is_worth_a_note(evidence: Evidence) -> bool:
        """Return whether columns are a person's own, and none that preparation made."""
        about = evidence.description
        prepared = bool(about.preparation) or place_of(about) in ("command line", "estimator")
        return has_columns(about) and not prepared

    def _of_large(
        self, reached: Success, facts: dict[str, Any], large: tuple[str, float, float]
    ) -> Finding:
        name, value, others = large
        bad = reached in (Success.FAILED, Success.NOTHING)
        return self.finding(
            Severity.CRITICAL if bad else Severity.WARNING,
            min(0.9, 0.5 + 0.1 * math.log10(value / others)),
            **facts,
            column=name,
            value=value,
            size_of_others=others,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return what never changes."""
        if facts.get("all_rows_equal"):
            return f"All {facts['rows']:,} rows are the same, so that every prediction is too."
        if "value" in facts:
            return (
                f"Input column {facts['column']} is {three_figures(facts['value'])} in every row, "
                f"beside columns of size {three_figures(facts['size_of_others'])}: it is a bias "
                "that drowns them."
            )
        if "share" in facts:
            return (
                f"{facts['constant_count']:,} of {counted(facts['columns_in_all'], 'input column')}"
                f" ({percent(facts['share'])}) are the same in every row."
            )
        if "odd_share" in facts:
            return (
                f"{counted(facts['constant_count'], 'input column')} of "
                f"{facts['columns_in_all']:,}, such as {listed(facts['columns'], MOST_NAMED)}, "
                "never change, and most of them stand at another number than 0: what they should "
                "tell is lost."
            )
        columns = facts["columns"]
        if facts.get("left_out"):
            said = [f"{name} ({because})" for name, because in facts["left_out"].items()]
            return (
                f"{plural(len(said), 'Column')} {listed(said, MOST_NAMED)} "
                f"{plural(len(said), 'says', 'say')} nothing, and {plural(len(said), 'is', 'are')} "
                "left out."
            )
        count = facts["constant_count"]
        return (
            f"{counted(count, 'input column')} of {facts['columns_in_all']:,} "
            f"({listed(columns, MOST_NAMED)}) {plural(count, 'is', 'are')} the same in every row."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what to do about it."""
        if facts.get("all_rows_equal"):
            shown = for_place(facts, misstep=", print(x[:5])", command_line="")
            return (
                f"Look at the rows as the network gets them{shown}: a step of preparation "
                "has made them equal, such as a division of whole numbers or one index for all."
            )
        if "value" in facts:
            return (
                f"Leave the column out: x = np.delete(x, {facts['column']}, axis=1)."
                if str(facts["column"]).isdigit()
                else f"Leave the column {facts['column']} out."
            )
        if "share" in facts:
            return (
                "Look at the rows as the network gets them, print(x[:5]): perhaps x // 255 was "
                "taken, or whole numbers, where x / 255 was meant."
            )
        if "odd_share" in facts:
            return (
                "Look at these columns in the source, and after each step of preparation: were "
                "they overwritten, or filled where all values were missing?"
            )
        if facts.get("left_out"):
            return "Nothing needs to be done, unless such a column should have told something."
        return for_place(
            facts,
            misstep="It does little harm. It can be left out: x = x[:, x.std(axis=0) > 0].",
            command_line="Nothing needs to be done, unless it should have told something.",
        )


def _is_odd(feature: FeatureSummary) -> bool:
    return feature.constant and feature.largest not in (0.0, 1.0)


def _odd_share(inputs: InputSummary) -> float:
    """Return the share of columns that stand still at another number than 0 and 1."""
    if not inputs.features:
        return 0.0
    return sum(map(_is_odd, inputs.features)) / len(inputs.features)


def _little(reached: Success) -> bool:
    return reached.below(Success.WELL)


def _left_out(value: Any) -> dict[str, str]:
    """Return names of columns that preparation left out, and why."""
    found = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return {str(one.get("name")): str(one.get("because")) for one in found}


def _large(inputs: InputSummary) -> tuple[str, float, float] | None:
    """Return name and size of a constant that outweighs the other columns, and their size."""
    constant = [one for one in inputs.features if one.constant]
    varied = [size_of(one) for one in inputs.features if not one.constant]
    if not constant or not varied:
        return None
    largest = max(constant, key=lambda one: abs(one.mean))
    others, size = float(np.median(varied)), abs(largest.mean)
    if size < LARGE or size < TIMES_THE_OTHERS * others:
        return None
    return largest.name, size, others
