"""Answers that are wrong: told by models that never saw them, or by the trained network itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.lapses import Lapses, lapses_of
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, place_of
from misstep.text.counts import counted
from misstep.text.figures import percent

# The name of the experiment whose outcome this rule reads, and the event of the trained network.
EXPERIMENT, EVENT = "out-of-fold", "answers"

# Shares of wrong answers that are at least there (with 99 %). The sets that everybody learns from
# have some themselves: 3.3 % of the answers of ten public test sets are wrong (Northcutt, Athalye
# and Mueller, 2021). On seven sets taken as they are the least share came out below 1 % always, on
# six of them as 0; with 5 % of answers made wrong mostly above 2 %.
NOTE, WARNING, CRITICAL = 0.005, 0.015, 0.05
# The trained network was trained to be sure, and one that errs often may be so without reason: more
# is asked for a warning, and nothing is said where more of its answers are others than given (a
# network that had learned 1,100 wines by heart was sure of one in seven wrong grades).
WARNING_OF_NETWORK = 0.02
MOST_OTHERS_OF_NETWORK = 0.35
# Neighbors of rows with a wrong answer stand against it as they stand by right ones. Where a model
# fails on whole regions, their share is 0.3 to 0.5 of that; measured with answers made wrong 0.6
# and more.
ALONE = 0.55
# Of numbers: the share that lies farther from what is expected than the tail of real answers does.
FAR_WARNING, FAR_CRITICAL = 0.01, 0.05
# Fewer far answers than this may be chance.
FEWEST_FAR = 4
# Rows that a sentence names.
NAMED = 5


_CLASSES = """
random = np.random.default_rng(0)
y = random.integers(0, 3, 600)
x = random.normal(size=(600, 4)) + 3 * np.eye(3, 4)[y]
network = ms.Sequential(ms.Dense(12), ms.ReLU(), ms.Dense(3))
"""

_TWO = """
random = np.random.default_rng(0)
y = random.integers(0, 2, 800)
x = random.normal(size=(800, 2)) + 3 * y[:, None]
network = ms.Sequential(ms.Dense(1))
"""

_WAVE = """
random = np.random.default_rng(0)
x = random.normal(size=(600, 3))
y = 3 + np.sin(x[:, 0]) + x[:, 1] + 0.2 * random.normal(size=600)
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
"""


class LabelErrors(Rule):
    """Speaks where more answers are wrong than what is hard to tell explains."""

    slug: ClassVar[str] = "label-errors"
    title: ClassVar[str] = "wrong answers among the rows"
    explanation: ClassVar[str] = (
        "Some rows have an answer that is not theirs. A network then learns contradictions: it "
        "needs longer, learns rows by heart, and no score can be better than the answers are. "
        "Rows that are hard to tell look alike at first. The difference is where a model is sure: "
        "what is hard to tell gets rare there, wrong answers stay as frequent as anywhere. The "
        "share at which the curve of doubt ends is the share of wrong answers."
    )
    leads_to: ClassVar[frozenset[str]] = frozenset({"overfitting", "slow-learning"})
    needs_description: ClassVar[bool] = False
    sick: ClassVar[tuple[Example, ...]] = (
        Example(
            "one answer in eight is another class",
            _CLASSES
            + """
wrong = random.random(600) < 0.125
y = np.where(wrong, (y + random.integers(1, 3, 600)) % 3, y)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:400], y[:400], validation=(x[400:], y[400:]), epochs=40)
""",
        ),
        Example(
            "yes for no in one answer of ten, without validation rows",
            _TWO
            + """
wrong = random.random(800) < 0.1
y = np.where(wrong, 1 - y, y).reshape(-1, 1)
trainer = ms.Trainer(network, loss=ms.BinaryCrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "a decimal point that slipped in one number of twenty",
            _WAVE
            + """
wrong = random.random(600) < 0.05
y = np.where(wrong, 10 * y, y).reshape(-1, 1)
trainer = ms.Trainer(network, loss=ms.losses.AbsoluteError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=80)
""",
            frozenset({"outliers", "unscaled-target"}),
        ),
    )
    healthy: ClassVar[tuple[Example, ...]] = (
        Example(
            "classes that overlap, all answers right",
            """
random = np.random.default_rng(0)
y = random.integers(0, 2, 600)
x = random.normal(size=(600, 2)) + 1.2 * y[:, None]
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:400], y[:400], validation=(x[400:], y[400:]), epochs=30)
""",
        ),
        Example(
            "three classes, all answers right",
            _CLASSES
            + """
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:400], y[:400], validation=(x[400:], y[400:]), epochs=30)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Read the experiment where it was done, else what the network itself thinks."""
        outcome = evidence.experiment(EXPERIMENT)
        if outcome is not None:
            yield from self._of_experiment(outcome)
            return
        facts = self._of_network(evidence)
        if facts is None:
            raise CannotTellError(
                "the record does not say what the network thinks of single answers"
                + _other_way(evidence)
            )
        yield from self._of_end(facts, _other_way(evidence))

    @staticmethod
    def _of_network(evidence: Evidence) -> dict[str, Any] | None:
        for event in reversed(evidence.record.events):
            if event.get("kind") == EVENT and isinstance(event.get("facts"), dict):
                facts: dict[str, Any] = event["facts"]
                return facts
        return None

    def _of_experiment(self, outcome: Mapping[str, Any]) -> Iterator[Finding]:
        if outcome.get("task") == "numbers":
            yield from self._of_numbers(outcome, "models that never saw them")
            return
        least = float(outcome.get("least_share", 0.0))
        if least < NOTE or _together(outcome.get("neighbors_agree")):
            return
        severity = Severity.NOTE
        if least >= WARNING:
            severity = Severity.CRITICAL if least >= CRITICAL else Severity.WARNING
        suspects = outcome.get("suspects", [])
        yield self.finding(
            severity,
            0.95 if least >= WARNING else 0.6,
            task="classes",
            share=float(outcome.get("estimated_share", least)),
            least_share=least,
            judge=str(outcome.get("judge", "models that never saw them")),
            named=int(outcome.get("named", len(suspects))),
            of=str(outcome.get("of", "rows")),
            row_count=int(outcome.get("row_count", 0)),
            **_file_of(outcome),
            **_rows_of(suspects, outcome),
        )

    def _of_end(self, facts: Mapping[str, Any], other_way: str) -> Iterator[Finding]:
        if facts.get("task") == "numbers":
            yield from self._of_numbers(facts, "the trained network")
            return
        found = self.lapses(facts)
        others, counts = sum(facts["others"]), sum(facts["counts"])
        if facts["of"] == "training" and not others:
            raise CannotTellError(
                f"the network has learned each answer by heart, wrong ones too{other_way}"
            )
        if others > MOST_OTHERS_OF_NETWORK * counts:
            raise CannotTellError(
                "the network expects other answers than given for too many rows to tell which are "
                f"wrong{other_way}"
            )
        if found.least < WARNING_OF_NETWORK or _together(facts.get("neighbors_agree")):
            return
        yield self.finding(
            Severity.WARNING,
            0.75 if facts["of"] == "validation" else 0.65,
            task="classes",
            share=found.share,
            least_share=found.least,
            judge="the trained network",
            named=others,
            of=f"{facts['of']} rows",
            row_count=counts,
            **_rows_of(facts.get("suspects", []), facts),
        )

    @staticmethod
    def lapses(facts: Mapping[str, Any]) -> Lapses:
        """Return the share of wrong answers by what the network thought at the end."""
        certainty, counts, others = (
            np.array(facts[name], "float64") for name in ("certainty", "counts", "others")
        )
        return lapses_of(certainty, counts, others, int(facts["classes"]))

    def _of_numbers(self, facts: Mapping[str, Any], judge: str) -> Iterator[Finding]:
        far = int(facts.get("far", 0))
        rows = int(facts.get("row_count", facts.get("rows", 0)))
        least = _least_share(far, rows)
        if far < FEWEST_FAR or least < FAR_WARNING:
            return
        yield self.finding(
            Severity.CRITICAL if least >= FAR_CRITICAL else Severity.WARNING,
            0.7,
            task="numbers",
            share=far / rows,
            least_share=least,
            judge=str(facts.get("judge", judge)),
            named=far,
            of=str(facts.get("of", "training")).removesuffix(" rows") + " rows",
            row_count=rows,
            **_file_of(facts),
            **_rows_of(facts.get("suspects", []), facts),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how many answers are wrong, by whom, and the first rows."""
        rows = "; ".join(_words(one, facts) for one in facts["suspects"][:NAMED])
        if facts["task"] == "numbers":
            said = (
                f"{counted(facts['named'], 'answer')} of {facts['row_count']:,} {facts['of']} "
                f"({percent(facts['share'])}) lie far from what {facts['judge']} expects, farther "
                "than real answers do"
            )
        else:
            said = (
                f"About {percent(facts['share'])} of the answers are wrong (at least "
                f"{percent(facts['least_share'])}): of {facts['row_count']:,} {facts['of']}, "
                f"{facts['judge']} expects another class than given for as many, wherever it is "
                "sure"
            )
        return f"{said}. The first ones: {rows}." if rows else f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return which rows to look at."""
        if facts.get("file"):
            return (
                f"Look at the rows named in {facts['file']}, the likeliest errors first; mend "
                "their answers or leave them out, then train again."
            )
        which = ", ".join(map(str, facts["rows"][:NAMED]))
        where = "" if facts["rows_counted_from"] else " (counted from 0)"
        first = f"Look at {facts['of']} {which}{where} first. " if which else ""
        return f"{first}Mend wrong answers or leave their rows out, then train again."


def _other_way(evidence: Evidence) -> str:
    """Return how models that never saw the rows are asked, where the data can be read again."""
    about = evidence.record.description
    if about is None:
        return ""
    asks = for_place(
        {"written_in": place_of(about)},
        misstep="",
        command_line="misstep diagnose RUN --rows",
        estimator="diagnose(X, y)",
    )
    return f"; {asks} asks models that never saw them" if asks else ""


def _together(agree: Any) -> bool:
    """Tell whether doubtful rows stand together in regions, where the model fails."""
    return isinstance(agree, int | float) and math.isfinite(agree) and agree < ALONE


def _rows_of(suspects: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rows": [int(one["row"]) for one in suspects],
        "rows_counted_from": int(facts.get("rows_counted_from", 0)),
        "suspects": [dict(one) for one in suspects],
    }


def _file_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file that holds all rows in question, where there is one."""
    return {"file": str(facts["file"])} if facts.get("file") else {}


def _words(suspect: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return "row 17: given 3, looks like 8 (97%)"."""
    row = f"row {suspect['row']}"
    if facts["task"] == "numbers":
        return f"{row}: given {suspect['given']:.4g}, expected about {suspect['suggested']:.4g}"
    sure = percent(float(suspect["probability"]))
    return f"{row}: given {suspect['given']}, looks like {suspect['suggested']} ({sure})"


def _least_share(far: int, rows: int) -> float:
    """Return the share that there is at least, with 99 % (Wilson, 1927)."""
    if not rows:
        return 0.0
    deviations, share = 2.326, far / rows
    middle = share + deviations**2 / (2 * rows)
    half = deviations * math.sqrt(share * (1 - share) / rows + deviations**2 / (4 * rows**2))
    return max(0.0, (middle - half) / (1 + deviations**2 / rows))
