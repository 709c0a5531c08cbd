"""A model card: what a model is, what it was judged by and what nobody knows of it, in Markdown.

The headings are those that people know from model cards (Mitchell and others, "Model cards for
model reporting", 2019). Everything in it comes from the model file; what that does not hold is said
as not known. Knows a model; no files and no runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from misstep.data import JointTarget
from misstep.modeling.confidence import wilson_interval
from misstep.modeling.metrics import Metric
from misstep.modeling.model_summary import SCORES
from misstep.text.counts import counted, plural
from misstep.text.figures import four_figures, percent
from misstep.text.lists import and_so_on
from misstep.text.plain import printable

__all__ = ["card_text"]

UNKNOWN = "Not known: "
# Names that are listed.
MOST_NAMED = 24
# Test rows of a class below which its scores say little.
FEW_ROWS = 20


def card_text(
    model: Any, name: str = "model", *, license_name: str = "", command: str = "", version: str = ""
) -> str:
    """Return the card of a model as Markdown.

    `name`: what it is called. `license_name`: under which it may be used, where somebody says so.
    `command`: that trained it, `version`: of misstep that did, where a run tells.
    """
    card = _Card(model, name)
    lines = ["---", "library_name: misstep", f"license: {_license_of(license_name)}", "---", ""]
    lines += [f"# Model Card for {_safe(name)}", ""]
    lines += [*card.details(license_name), *card.uses(), *card.limits(), *card.training()]
    lines += [*card.evaluation(), *card.specifications(), *card.reproduction(command, version)]
    return printable("\n".join(lines).rstrip()) + "\n"


class _Card:
    """The parts of a card, each a list of lines."""

    def __init__(self, model: Any, name: str) -> None:
        self.model, self.name = model, name
        self.facts: Mapping[str, Any] = model.facts
        judgment = self.facts.get("judgment")
        self.judgment: Mapping[str, Any] = judgment if isinstance(judgment, Mapping) else {}
        self.row = model.preprocessing.sample_name
        self.rows = plural(2, self.row)
        # Of a series, networks learn windows, and whole forecasts are judged.
        series = model.purpose == "forecast"
        self.learned = "windows" if series else self.rows
        self.judged = "forecast" if series else self.row
        self.scores: Mapping[str, Mapping[str, float]] = self.facts.get("metrics", {})

    @property
    def test_rows(self) -> int:
        rows = self.facts.get("test_rows")
        return rows if type(rows) is int and rows > 0 and "test" in self.scores else 0

    @property
    def classes(self) -> list[str]:
        return [_safe(str(label)) for label in self.model.target.classes]

    def details(self, license_name: str) -> list[str]:
        target = self.model.target
        what = f"Predicts {_safe(target.name)}: {target.task}."
        if self.classes:
            what += f" Classes: {and_so_on(self.classes, MOST_NAMED)}."
        if isinstance(target, JointTarget):
            what += f" Answers: {and_so_on([_safe(str(one)) for one in target.names], MOST_NAMED)}."
        return [
            "## Model Details",
            "",
            what,
            "",
            "- **Developed by:** " + UNKNOWN + "a model file names nobody.",
            f"- **Model type:** a neural network, {self.model.purpose}",
            f"- **License:** {_safe(license_name) or UNKNOWN + 'nobody has said so.'}",
            "",
        ]

    def uses(self) -> list[str]:
        features = [_safe(one) for one in self.model.feature_names]
        return [
            "## Uses",
            "",
            "### Direct Use",
            "",
            f"Predictions for {self.rows} from where those of training came, described by "
            f"{counted(len(features), 'feature')}: {and_so_on(features, MOST_NAMED)}.",
            "",
            "### Out-of-Scope Use",
            "",
            UNKNOWN + "the file does not say what it is meant for.",
            "",
        ]

    def limits(self) -> list[str]:
        lines = [
            "## Bias, Risks, and Limitations",
            "",
            f"The file holds no trial on {self.rows} from elsewhere than its data came from, on "
            "later ones, nor on ones that were changed in order to mislead it: how it does there "
            "is not known.",
            "",
            "Whether it does worse for some groups of people or things than for others was not "
            + ("examined beyond the classes below." if self.confusion else "examined."),
        ]
        if not self.test_rows:
            lines += [
                "",
                f"No {self.rows} were kept apart to judge it: how well it does on new "
                f"{self.rows} is not known.",
            ]
        elif self.confusion:
            few = [
                f"{label} ({sum(counts)})"
                for label, counts in zip(self.classes, self.confusion, strict=True)
                if sum(counts) < FEW_ROWS
            ]
            if few:
                lines += [
                    "",
                    f"Fewer than {FEW_ROWS} test {self.rows} were of "
                    f"{and_so_on(few, MOST_NAMED)}: of these, the scores below say little.",
                ]
        return [*lines, ""]

    def training(self) -> list[str]:
        facts = self.facts
        source, rows = facts.get("source"), facts.get("rows")
        validation = self.judgment.get("validation_rows")
        split = [
            f"- learned from: {_whole(rows)} {self.learned}",
            f"- watched while it learned (validation): {_whole(validation)}",
            f"- judged on (test): {_whole(facts.get('test_rows'))} {plural(2, self.judged)}",
        ]
        return [
            "## Training Details",
            "",
            "### Training Data",
            "",
            f"{_safe(str(source))}." if source else UNKNOWN + "the file names no source.",
            "How the data were collected, and who agreed to that: not known.",
            "",
            *split,
            "",
            "### Training Procedure",
            "",
            f"- loss: {type(self.model.loss).__name__}",
            f"- epochs: {_whole(facts.get('epochs'))}",
            f"- updates of the weights: {_whole(facts.get('updates'))}",
            f"- {self.learned} in a step: {_whole(facts.get('batch_size'))}",
            f"- ended because: {_safe(str(facts.get('ended', 'not known')))}",
            "",
        ]

    def evaluation(self) -> list[str]:
        lines = ["## Evaluation", ""]
        if not self.scores:
            return [*lines, UNKNOWN + "the file holds no scores.", ""]
        if self.test_rows:
            lines += [f"Of {counted(self.test_rows, self.judged)} that it did not learn from.", ""]
        lines += [
            "### Results",
            "",
            "| judged | metric | score | 95 % interval |",
            "|---|---|---|---|",
        ]
        for split in [*SCORES, *(one for one in self.scores if one not in SCORES)]:
            scores = self.scores.get(split, {})
            # In the order people say them, whichever order a file has kept.
            for metric in sorted(scores, key=lambda one: [*Metric.registry, one].index(one)):
                score = scores[metric]
                called = SCORES.get(split, split).format(rows=self.rows)
                lines.append(
                    f"| {_safe(called)} | {_title(metric)} | {_figure(metric, score)} | "
                    f"{self._interval(split, metric, score)} |"
                )
        lines += ["", self._meaning(), ""]
        return lines + (self._by_class() if self.confusion else [])

    def _interval(self, split: str, metric: str, score: float) -> str:
        if split != "test" or not self.test_rows:
            return "not known"
        if metric == "accuracy" and not self.model.target.is_joint and 0 <= score <= 1:
            lower, upper = wilson_interval(round(score * self.test_rows), self.test_rows)
            return f"{percent(lower)} to {percent(upper)}"
        intervals = self.judgment.get("intervals")
        ends = intervals.get(metric) if isinstance(intervals, Mapping) else None
        if not isinstance(ends, list) or [type(one) for one in ends] != [float, float]:
            ends = None
        return f"{_figure(metric, ends[0])} to {_figure(metric, ends[1])}" if ends else "not known"

    def _meaning(self) -> str:
        words = (
            "Intervals say how far a score may be off because the test is small (of accuracy "
            "Wilson's, of errors by their deviation); they hold if the test "
            f"{self.rows} do not depend on each other."
        )
        if self.model.purpose == "forecast":
            words = "Forecasts of one series depend on each other: no interval of a score is known."
        return words + (
            " The validation score may be a little too good: training may have been ended by it."
            if "validation" in self.scores
            else ""
        )

    @property
    def confusion(self) -> list[list[int]]:
        """Return how many test rows of each class were predicted as each, or nothing."""
        table: Any = self.judgment.get("confusion", [])
        classes = len(self.model.target.classes)
        whole = isinstance(table, list) and len(table) == classes
        whole = whole and all(isinstance(row, list) and len(row) == classes for row in table)
        if not whole or any(type(one) is not int or one < 0 for row in table for one in row):
            return []
        return table if self.test_rows == sum(map(sum, table)) else []

    def _by_class(self) -> list[str]:
        lines = [
            "### Scores of each class",
            "",
            f"| class | test {self.rows} | precision | recall | 95 % interval of recall |",
            "|---|---|---|---|---|",
        ]
        table = self.confusion
        for number, label in enumerate(self.classes):
            there, said = sum(table[number]), sum(row[number] for row in table)
            right = table[number][number]
            recall, interval = "none there", "none there"
            if there:
                recall = percent(right / there)
                lower, upper = wilson_interval(right, there)
                interval = f"{percent(lower)} to {percent(upper)}"
            precision = percent(right / said) if said else "never predicted"
            lines.append(f"| {label} | {there:,} | {precision} | {recall} | {interval} |")
        return [*lines, ""]

    def specifications(self) -> list[str]:
        network = self.model.network
        return [
            "## Technical Specifications",
            "",
            f"{counted(network.parameter_count, 'parameter')} ({network.dtype}), "
            f"{sum(network.operations.values()):,} multiply-adds for one {self.row}.",
            "",
            "| name | layer | output | parameters |",
            "|---|---|---|---|",
            *(
                f"| {_safe(str(row['path']))} | {_safe(str(row['layer']))} | "
                f"{' × '.join(map(str, row['output']))} | {row['parameters']:,} |"
                for row in network.summary()
            ),
            "",
        ]

    def reproduction(self, command: str, version: str) -> list[str]:
        lines = ["## Reproduction", ""]
        lines += [f"- seed: {_whole(self.facts.get('seed'))}"]
        lines += [f"- trained with misstep: {_safe(version) if version else 'not known'}"]
        if not command:
            return [*lines, "- command: not known; the model file does not hold it", ""]
        fence = "````" if "```" in command else "```"
        lines += ["- command:", "", f"{fence}console", f"$ {command}", fence, ""]
        return lines


def _safe(words: str) -> str:
    """Return words that Markdown takes as words, in a table as well."""
    plain = " ".join(printable(words).split())
    for sign in ("\\", "|", "<", "`", "*", "_", "[", "]", "#"):
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _license_of(name: str) -> str:
    """Return a license as the head of the card has it: letters, digits and signs between them."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name).strip("-").lower() or "unknown"


def _whole(number: object) -> str:
    return f"{number:,}" if type(number) is int else "not known"


def _title(metric: str) -> str:
    known = Metric.registry.get(metric)
    return _safe(metric if known is None else known.title)


def _figure(metric: str, score: float) -> str:
    known = Metric.registry.get(metric)
    return four_figures(score) if known is None else known.figure(score)
