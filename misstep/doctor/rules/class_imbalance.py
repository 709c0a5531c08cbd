"""`class-imbalance`: a class so rare that the network does without it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, place_of
from misstep.doctor.success import Success, best_explained, success
from misstep.record import AnswerSummary
from misstep.text.counts import counted
from misstep.text.figures import percent, three_figures

# Largest class ÷ smallest class from which UMLAUT and others call data imbalanced.
IMBALANCED = 10.0
# Fewer rows of the class among those that judge would let chance speak: of 5 rows none is right by
# chance in one case of 30 where half of them are, 0.5⁵.
FEWEST_ROWS = 5
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
    title = "A rare class that is never recognized"
    explanation = (
        "Where one class has ten times as many rows as another, always answering with the large "
        "one is right nearly always, and the loss hardly asks for more. Accuracy then hides that "
        "the rare class, mostly the one that matters, is not recognized at all. Imbalance alone is "
        "no harm: classes that can be told apart are learned whatever their sizes."
    )
    leads_to = frozenset({"constant-prediction", "underfitting", "slow-learning"})
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
        largest = max(counts)
        rare = [
            index
            for index, count in enumerate(counts)
            if count > 0 and count * IMBALANCED < largest
        ]
        if not rare:
            return
        rarest = min(rare, key=lambda index: counts[index])
        place = place_of(evidence.description)
        facts: dict[str, Any] = _facts(answers, rarest, place)
        reached = success(evidence)
        if reached is Success.UNTRAINED:
            extreme = largest >= EXTREME * counts[rarest]
            yield self.finding(Severity.WARNING if extreme else Severity.NOTE, 0.5, **facts)
            return
        if evidence.failed:
            return
        missed = self._missed(evidence, rare)
        if missed is not None:
            worst, recall, rows = missed
            facts = _facts(answers, worst, place) | {"recall": recall, "validation_rows": rows}
            explained = best_explained(evidence)
            learned = not math.isnan(explained) and explained > NOTHING
            # Accuracy is high, and the class is lost: that is what harms.
            yield self.finding(Severity.CRITICAL, 0.8 if learned else 0.65, **facts)
        elif self._answers_the_largest(evidence):
            facts |= {"explained": best_explained(evidence)}
            yield self.finding(Severity.WARNING, 0.6, **facts)
        else:
            yield self.finding(Severity.NOTE, 0.5, **facts)

    @staticmethod
    def _missed(evidence: Evidence, rare: list[int]) -> tuple[int, float, int] | None:
        """Return the rare class that validation rows lost most, its recall, and how many it has."""
        judged = evidence.description.validation_answers
        if judged is None:
            return None
        found = []
        for path in evidence.record.paths("validation_recall"):
            index = _index_of(path, evidence.description.answers)
            if index not in rare or index >= len(judged.counts):
                continue
            rows, recall = judged.counts[index], evidence.last("validation_recall", path)
            if rows >= FEWEST_ROWS and recall <= RECALL_NEAR_NOTHING:
                found.append((recall, -rows, index))
        if not found:
            return None
        recall, rows, index = min(found)
        return index, recall, -rows

    @staticmethod
    def _answers_the_largest(evidence: Evidence) -> bool:
        """Return whether the network hardly does better than always answering the largest class.

        For want of validation rows, by the training loss.
        """
        if evidence.record.paths("validation_recall"):
            return False
        # With one output, no probe row was ever given the second class.
        highest = evidence.last("output_largest")
        single = evidence.description.output_shape in ((1,), ())
        explained = best_explained(evidence)
        return explained < (SOME if single and highest < 0.5 else LITTLE)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how rare the class is, and what became of it."""
        said = (
            f"Class {facts['class']} has {facts['count']:,} of {counted(facts['rows'], 'row')}, "
            f"the largest class, {facts['largest_class']}, {three_figures(facts['times'])} times "
            "as many"
        )
        if "recall" in facts:
            return (
                f"{said}; of its {counted(facts['validation_rows'], 'validation row')} "
                f"{percent(facts['recall'])} were recognized."
            )
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
        if not {"recall", "explained"} & set(facts):
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
