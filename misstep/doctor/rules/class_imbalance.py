"""`class-imbalance`: a class so rare that the network does without it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, place_of
from misstep.doctor.success import Success, best_explained, success
from misstep.record import AnswerSummary
from misstep.text.counts import counted
from misstep.text.figures import percent, three_figures
from misstep.text.lists import listed

# Largest class ÷ smallest class from which UMLAUT and others call data imbalanced; and from which
# they are uneven enough to explain that a class fares worse.
IMBALANCED, UNEVEN = 10.0, 4.0
# A class fares worse where so few of its rows are recognized, so much less than of the largest
# class, and where that would come by chance this seldom; no class is recognized for certain.
MOST_RECALL, GAP, CHANCE, MOST_USUAL = 0.6, 0.35, 0.01, 0.95
# Of fewer rows of the largest class, the sizes of classes differ by chance.
FEWEST_ROWS_OF_LARGEST = 20
# Fewer rare rows that are all missed are a warning, no more.
FEWEST_ROWS = 5
# From so few rows of a class nobody can learn what it is like, nor judge.
FEW = 10
# A class that is recognized in at most this share of its rows is as good as unknown.
RECALL_NEAR_NOTHING = 0.1
# Without validation: of the loss of a constant answer no more was taken away than calibrated
# guesses give, or what overlapping classes give where the rare one was never answered.
LITTLE, SOME = 0.1, 0.4
# Before training a rare class is likely to be harmed from here on.
EXTREME = 100.0
# Where so little was learned, something else may have kept the network from learning at all.
NOTHING = 0.02

_RARE = """
random = np.random.default_rng(0)
y = (np.arange(1000) % 40 == 0).astype(int)
x = random.normal(size=(1000, 3)) + 0.7 * y[:, None]
order = random.permutation(1000)
x, y = x[order], y[order]
"""


class ClassImbalance(Rule):
    """A rare class that is not recognized."""

    slug = "class-imbalance"
    title = "Classes of very unequal size"
    explanation = (
        "Where one class has ten times as many rows as another, always answering with the large "
        "one is right nearly always, and the loss hardly asks for more. Accuracy then hides that "
        "the rare class, mostly the one that matters, is not recognized at all. Imbalance alone is "
        "no harm: classes that can be told apart are learned whatever their sizes."
    )
    leads_to = frozenset({"constant-prediction", "underfitting", "slow-learning", "overfitting"})
    sick = (
        Example(
            "one row in forty of the second class",
            f"""{_RARE.strip()}
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.005))
run = trainer.fit(x[:700], y[:700], validation=(x[700:], y[700:]), epochs=15)
""",
        ),
        Example(
            "the same with one output and no validation",
            f"""{_RARE.strip()}
network = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.BinaryCrossEntropy(), optimizer=ms.Adam(0.003))
run = trainer.fit(x, y[:, None], epochs=10)
""",
        ),
    )
    healthy = (
        Example(
            "one row in forty, and told apart",
            """
random = np.random.default_rng(0)
y = (random.permutation(1000) % 40 == 0).astype(int)
x = random.normal(size=(1000, 3)) + 4 * y[:, None]
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:700], y[:700], validation=(x[700:], y[700:]), epochs=30)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield the rare class, with what became of it."""
        answers = evidence.description.answers
        if not evidence.is_classification:
            return
        if answers is None or not answers.counts:
            raise CannotTellError("the record does not say how many rows each class has")
        counts = answers.counts
        if answers.are_alike:
            yield from self._one_class(answers)
            return
        rare = [index for index, count in enumerate(counts) if 0 < count < max(counts) / UNEVEN]
        if not rare or max(counts) < FEWEST_ROWS_OF_LARGEST:
            return
        place = place_of(evidence.description)
        rarest = min(rare, key=lambda index: counts[index])
        times = max(counts) / counts[rarest]
        facts: dict[str, Any] = _facts(answers, rarest, place)
        reached = success(evidence)
        if reached is Success.UNTRAINED:
            if times > IMBALANCED:
                severity = Severity.WARNING if times >= EXTREME else Severity.NOTE
                yield self.finding(severity, 0.5, **facts)
            return
        if evidence.failed:
            return
        seen = _recalls(evidence, rare)
        if seen is not None and seen.is_missed:
            facts |= {"recall": seen.recall, "validation_rows": seen.rows, "usual": seen.usual}
            facts["classes"] = [_name_of(answers, index) for index in seen.classes]
            explained = best_explained(evidence)
            learned = not math.isnan(explained) and explained > NOTHING
            lost = seen.recall <= RECALL_NEAR_NOTHING and seen.rows >= FEWEST_ROWS
            # Accuracy is high, and the class is lost: that is what harms.
            yield self.finding(
                Severity.CRITICAL if lost else Severity.WARNING, 0.8 if learned else 0.65, **facts
            )
        elif times <= IMBALANCED:
            return
        elif seen is None and self._answers_the_largest(evidence):
            facts |= {"explained": best_explained(evidence)}
            yield self.finding(Severity.WARNING, 0.6, **facts)
        elif times >= EXTREME / 2 and counts[rarest] < FEW and (seen is None or seen.rows < FEW):
            yield self.finding(Severity.WARNING, 0.6, **facts, few=True)
        else:
            yield self.finding(Severity.NOTE, 0.5, **facts)

    def _one_class(self, answers: AnswerSummary) -> Iterator[Finding]:
        """Yield that there is nothing to tell apart; of a single row nobody expects more."""
        if answers.rows > 1:
            only = max(range(len(answers.counts)), key=lambda index: answers.counts[index])
            yield self.finding(
                Severity.WARNING, 0.8, only_class=_name_of(answers, only), rows=answers.rows
            )

    @staticmethod
    def _answers_the_largest(evidence: Evidence) -> bool:
        """Return whether the network hardly does better than always answering the largest class.

        For want of validation rows, by the training loss.
        """
        # With one output, no probe row was ever given the second class.
        highest = evidence.last("output_largest")
        single = evidence.description.output_shape in ((1,), ())
        explained = best_explained(evidence)
        return explained < (SOME if single and highest < 0.5 else LITTLE)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how rare the class is, and what became of it."""
        if "only_class" in facts:
            return (
                f"All {counted(facts['rows'], 'training row')} are of class {facts['only_class']}: "
                "there is nothing to tell apart."
            )
        said = (
            f"Class {facts['class']} has {facts['count']:,} of {counted(facts['rows'], 'row')}, "
            f"the largest class, {facts['largest_class']}, {three_figures(facts['times'])} times "
            "as many"
        )
        if "recall" in facts:
            whose = (
                "of its"
                if facts["classes"] == [facts["class"]]
                else (
                    f"of the {counted(facts['validation_rows'], 'validation row')} of "
                    f"{listed(facts['classes'])}"
                )
            )
            if whose == "of its":
                whose += f" {counted(facts['validation_rows'], 'validation row')}"
            return (
                f"{said}; {whose} {percent(facts['recall'])} were recognized, of those of "
                f"{facts['largest_class']} {percent(facts['usual'])}."
            )
        if facts.get("few"):
            return f"{said}: too few to learn from, and too few to judge by."
        if "explained" in facts:
            gain = max(facts["explained"], 0.0)
            return (
                f"{said}; training took away {percent(gain)} of the loss of always answering "
                f"{facts['largest_class']}, which is right for "
                f"{percent(facts['largest_share_of_rows'])} of the rows."
            )
        return f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return how to make the rare class count."""
        if "only_class" in facts:
            return "Learn from rows of every class; look at how these were read, and split."
        if not {"recall", "explained", "few"} & set(facts):
            return (
                f"Judge by the recall of class {facts['class']}, not by accuracy alone, which is "
                f"{percent(facts['largest_share_of_rows'])} for a constant answer."
            )
        by_weight = (
            "trainer.fit(..., sample_weight=(len(y) / len(np.unique(y)) / np.bincount(y))[y]), or "
            'ms.Classifier(class_weight="balanced")'
        )
        weighted = for_place(
            facts,
            misstep=by_weight,
            command_line='in Python, ms.Classifier(class_weight="balanced")',
            estimator='ms.Classifier(class_weight="balanced")',
            torch="torch.nn.CrossEntropyLoss(weight=...), one weight a class, or a "
            "WeightedRandomSampler",
            keras="fit(..., class_weight={...}), one weight a class",
        )
        return (
            f"Let rows of class {facts['class']} count more: {weighted}; or show them more often. "
            "Judge by the recall of each class, not by accuracy."
        )


@dataclass(frozen=True)
class _Recalls:
    """How validation rows of rare `classes` fare, `rows` of them; `usual`: those of the largest."""

    classes: tuple[int, ...]
    rows: int
    right: int
    usual: float

    @property
    def recall(self) -> float:
        """Return the share of the rare rows that were recognized."""
        return self.right / self.rows

    @property
    def is_missed(self) -> bool:
        """Return whether rare rows fare worse than others, beyond chance and by much."""
        usual = min(self.usual, MOST_USUAL)
        much = self.recall <= MOST_RECALL and self.recall <= usual - GAP
        return much and _chance_of(self.right, self.rows, usual) < CHANCE


def _recalls(evidence: Evidence, rare: list[int]) -> _Recalls | None:
    """Return how the rare classes fare in validation; None where it has none of them."""
    about = evidence.description
    judged, answers = about.validation_answers, about.answers
    if judged is None or answers is None:
        return None
    found = {}
    for path in evidence.record.paths("validation_recall"):
        index = _index_of(path, answers)
        if 0 <= index < len(judged.counts) and judged.counts[index]:
            found[index] = evidence.last("validation_recall", path)
    some = tuple(index for index in rare if index in found)
    largest = max(range(len(answers.counts)), key=lambda index: answers.counts[index])
    if not some or largest not in found:
        return None
    # One class that is lost must not hide behind another one that is not.
    lost = tuple(index for index in some if found[index] <= RECALL_NEAR_NOTHING)
    for classes in (lost, some):
        rows = sum(judged.counts[index] for index in classes)
        right = round(sum(judged.counts[index] * found[index] for index in classes))
        recalls = _Recalls(classes, rows, right, found[largest])
        if rows and (recalls.is_missed or classes == some):
            return recalls
    return None


def _chance_of(right: int, rows: int, share: float) -> float:
    """Return how probable so few right rows are where a share of all is (binomial)."""
    terms = (math.comb(rows, k) * share**k * (1 - share) ** (rows - k) for k in range(right + 1))
    return float(sum(terms))


def _index_of(path: str, answers: AnswerSummary | None) -> int:
    """Return the position of the class that a path names; −1 for none."""
    if answers is not None and path in answers.names:
        return answers.names.index(path)
    return int(path) if path.isdigit() else -1


def _name_of(answers: AnswerSummary, index: int) -> str:
    return answers.names[index] if index < len(answers.names) else str(index)


def _facts(answers: AnswerSummary, index: int, place: str) -> dict[str, Any]:
    counts = answers.counts
    largest = max(range(len(counts)), key=lambda each: counts[each])
    return {
        "written_in": place,
        "class": _name_of(answers, index),
        "count": counts[index],
        "rows": sum(counts),
        "largest_class": _name_of(answers, largest),
        "times": counts[largest] / counts[index],
        "largest_share_of_rows": counts[largest] / sum(counts),
    }
