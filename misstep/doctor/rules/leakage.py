"""`leakage`: what is judged on was learned from, or the answer stands among the inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, place_of
from misstep.text.counts import counted
from misstep.text.figures import percent
from misstep.text.lists import joined, listed

# So many validation rows among the training rows move a score beyond its noise.
OVERLAP = 0.02
# From here on validation is training data under another name.
ALL = 0.5
# Rows of few values meet their like by chance, within the training rows as across: this much more
# than within is no chance.
TIMES_WITHIN = 2.0
# A column tells so much of the answers by itself, and every other so little, that it is more likely
# the answer than a measurement: petals tell 94 % of irises, beside three other columns that tell
# much too. Numbers that are a line on one of few columns may be meant so.
TELLS_NEARLY_ALL, TELLS_ALL, OTHERS_TELL = 0.98, 0.9999, 0.8
FEWEST_COLUMNS_FOR_CLASSES, FEWEST_COLUMNS_FOR_NUMBERS = 3, 5
# The experiment that compares rows on both sides of the split. Real rows have near twins as well:
# of two well-known tables 2 % and 5 % of the rows to judge by, far more than by chance; so many
# only come of copies.
NEAR_COPIES, NEAR_SHARE, TIMES_CHANCE = "near-duplicates", 0.1, 3.0
# With fewer rows, as of XOR, all there are is learned and judged on, knowingly.
FEWEST_ROWS = 20
# Pairs that a sentence names.
MOST_PAIRS_NAMED = 4

_NOISE = """
random = np.random.default_rng(0)
x = random.normal(size=(200, 5))
y = (x[:, 0] + random.normal(size=200) > 0).astype(int)
network = ms.Sequential(ms.Dense(32), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
"""


class Leakage(Rule):
    """Answers that are known before they should be."""

    slug = "leakage"
    title = "Answers that are known before they should be"
    explanation = (
        "Validation rows that were learned from say nothing about new rows: a network that learned "
        "them by heart scores best. It happens when copies are made before the split, windows of a "
        "series overlap, or the same array is given twice. A column that tells the answer, because "
        "it is known only afterwards or is the answer in other words, makes a score that "
        "disappears in use. Rows of a few values meet their like by chance, and that is no leak."
    )
    sick = (
        Example(
            "validation on training rows",
            f"""{_NOISE.strip()}
run = trainer.fit(x, y, validation=(x[:60], y[:60]), epochs=15)
""",
            also=frozenset({"overfitting"}),
        ),
        Example(
            "the answer among the inputs",
            f"""{_NOISE.strip()}
x[:, 3] = 2 * y + 0.01 * random.normal(size=200)
run = trainer.fit(x[:150], y[:150], validation=(x[150:], y[150:]), epochs=15)
""",
        ),
        Example(
            "copies on both sides of the split",
            f"""{_NOISE.strip()}
x, y = np.concatenate([x, x[:60]]), np.concatenate([y, y[:60]])
order = random.permutation(len(x))
x, y = x[order], y[order]
run = trainer.fit(x[:180], y[:180], validation=(x[180:], y[180:]), epochs=15)
""",
            also=frozenset({"overfitting"}),
        ),
    )
    healthy = (
        Example(
            "few values, of which each meets its like",
            """
random = np.random.default_rng(0)
x = random.integers(2, size=(400, 4)).astype(float)
y = ((x[:, 0] + x[:, 1]) % 2).astype(int)
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.03))
run = trainer.fit(x[:300], y[:300], validation=(x[300:], y[300:]), epochs=30)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield rows on both sides, and columns that tell the answer."""
        about = evidence.description
        yield from self._of_preparation(evidence)
        yield from self._of_telling(evidence)
        yield from self._of_near_copies(evidence)
        overlap, inputs = about.validation_overlap, about.inputs
        judged = about.validation_inputs
        if overlap is None or inputs is None:
            if judged is None and about.validation_answers is None:
                return
            raise CannotTellError("validation rows were not compared with training rows")
        if overlap < OVERLAP or inputs.rows < FEWEST_ROWS:
            return
        within = inputs.duplicates / max(inputs.rows, 1)
        if overlap < TIMES_WITHIN * within:
            return
        rows = judged.rows if judged is not None else 0
        facts = {
            "overlap": overlap,
            "validation_rows": rows,
            "duplicates": inputs.duplicates,
            "written_in": place_of(about),
        }
        severity = Severity.CRITICAL if overlap >= ALL else Severity.WARNING
        yield self.finding(severity, 0.95 if overlap >= ALL else 0.85, **facts)

    def _of_telling(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield the one input that tells the answers, as far as the network's own inputs show."""
        about = evidence.description
        telling, inputs = about.telling, about.inputs
        if telling is None or inputs is None or about.preparation.get("leaks"):
            return
        if telling.share < TELLS_NEARLY_ALL or telling.next_share > OTHERS_TELL:
            return
        of_classes = evidence.is_classification
        if inputs.columns < (
            FEWEST_COLUMNS_FOR_CLASSES if of_classes else FEWEST_COLUMNS_FOR_NUMBERS
        ):
            return
        yield self.finding(
            Severity.WARNING,
            0.9 if telling.share >= TELLS_ALL else 0.75,
            column=telling.name,
            share=telling.share,
            next_share=telling.next_share,
            is_classes=of_classes,
            written_in=place_of(about),
        )

    def _of_preparation(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield what was seen in people's own rows and columns, before they were prepared."""
        seen = evidence.description.preparation
        for name in ("repeated_in_test", "alike_rows", "time_order"):
            facts = seen.get(name)
            if isinstance(facts, dict):
                few = facts.get("rows", 1) < OVERLAP * facts.get("of", 1)
                severity = Severity.NOTE if few else Severity.WARNING
                yield self.finding(severity, 0.75, **{"what": name, **facts})
        copies = seen.get("copies")
        if isinstance(copies, dict) and not copies.get("natural"):
            together = bool(copies.get("together"))
            severity = Severity.NOTE if together else Severity.WARNING
            yield self.finding(severity, 0.8, **{"what": "copies", **copies})
        leaks = seen.get("leaks")
        for leak in leaks if isinstance(leaks, list | tuple) else ():
            columns = [str(name) for name in leak.get("columns", ())]
            if columns:
                yield self.finding(
                    Severity.WARNING,
                    0.7,
                    columns=columns,
                    words=str(leak.get("words", "")),
                    written_in=place_of(evidence.description),
                )

    def _of_near_copies(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield rows that are nearly equal to rows learned from, where these were compared."""
        outcome = evidence.experiment(NEAR_COPIES)
        if outcome is None:
            return
        near, rows = int(outcome["near"]), int(outcome["rows"])
        if rows < FEWEST_ROWS or near < NEAR_SHARE * rows:
            return
        if near < TIMES_CHANCE * float(outcome["by_chance"]):
            return
        pairs = [(int(pair["row"]), int(pair["twin"])) for pair in outcome["pairs"]]
        yield self.finding(
            Severity.CRITICAL if near >= ALL * rows else Severity.WARNING,
            0.8,
            what="near",
            near=near,
            of=rows,
            by_chance=float(outcome["by_chance"]),
            rows=[row for row, _ in pairs],
            twins=[twin for _, twin in pairs],
            rows_counted_from=int(outcome["rows_counted_from"]),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return what is known too early."""
        if "columns" in facts:
            words = facts["words"] or f"{joined(facts['columns'])} tell the answer"
            return f"Columns may give the answer away: {words}."
        if "what" in facts:
            return sentence(_WORDS[facts["what"]](facts))
        if "share" in facts:
            told = "of what tells the classes apart" if facts["is_classes"] else "of the answers"
            most = percent(min(facts["share"], 1.0))
            return (
                f"Input column {facts['column']} alone tells {most} {told}, no other more than "
                f"{percent(facts['next_share'])}: it may be the answer in other words, or known "
                "only afterwards."
            )
        of = counted(facts["validation_rows"], "validation row")
        return (
            f"{percent(facts['overlap'])} of {of} also stand among the training rows, number by "
            "number: on them the score says nothing about new rows."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return how to part what must not meet."""
        if "columns" in facts:
            they = "they are" if len(facts["columns"]) > 1 else "it is"
            without = " ".join(f"--without {_quoted(name)}" for name in facts["columns"])
            dropped = f"x.drop(columns={list(facts['columns'])})"
            how = for_place(facts, misstep=f"{without}, or {dropped}", command_line=f"`{without}`")
            return f"Ask whether {they} known when you predict. If not, leave out: {how}."
        if "share" in facts:
            column = facts["column"]
            without = for_place(
                facts,
                misstep=f"x = np.delete(x, {column}, axis=1)"
                if column.isdigit()
                else f"x.drop(columns=[{column!r}])",
                command_line=f"`--without {_quoted(column)}`",
            )
            return f"Ask whether it is known when you predict. If not, leave it out: {without}."
        if "what" in facts:
            return _REMEDIES[facts["what"]](facts)
        return for_place(
            facts,
            misstep="Split before rows are copied, and leave out copies: np.unique(x, axis=0, "
            "return_index=True)[1] gives one row of each; then validation=(x[rest], y[rest]) with "
            "rows that are in neither.",
            command_line="Leave copies out of the data; or, if they are rows that belong together, "
            "name the column that says so: `--groups COLUMN` keeps them on one side.",
        )


def sentence(words: str) -> str:
    """Return words that begin with a capital and end with a stop."""
    return f"{words[:1].upper()}{words[1:]}."


def _copies_words(facts: Mapping[str, Any]) -> str:
    said = (
        f"{facts['rows']:,} of {counted(facts['of'], 'row')} stand more than once, equal or nearly "
        f"so; {facts['different']:,} are different"
    )
    if facts["together"]:
        return f"{said}. Copies are kept on one side of each split, so that no score counts them"
    return f"{said}, too few to keep copies out of what is judged on: scores mean nothing"


def _near_words(facts: Mapping[str, Any]) -> str:
    pairs = [f"{row} and {twin}" for row, twin in zip(facts["rows"], facts["twins"], strict=True)]
    zero = "" if facts["rows_counted_from"] else ", counted from 0"
    return (
        f"{facts['near']:,} of {counted(facts['of'], 'row')} to judge by nearly equal rows that "
        f"were learned from (by chance about {facts['by_chance']:.0f} would), as rows "
        f"{listed(pairs, MOST_PAIRS_NAMED)}{zero}: on them the score says nothing about new rows"
    )


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "near": _near_words,
    "copies": _copies_words,
    "repeated_in_test": lambda facts: (
        f"{facts['rows']:,} of {counted(facts['of'], 'test row')} also stand among those to learn "
        "from, equal or nearly so: on them the score says nothing"
    ),
    "alike_rows": lambda facts: (
        f"rows of the same {facts['column']} are alike, and stand on both sides of the split: "
        f"{facts['words']}"
    ),
    "time_order": lambda facts: (
        f"{facts['words']}: rows drawn at random to be judged on lie between those that were "
        "learned from, and the score says little about what comes later"
    ),
}
_REMEDIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "near": lambda facts: (
        "Keep what belongs together, such as frames of a film, windows that overlap or versions of "
        "a picture, on one side: --groups and a column that tells it, or fit(X, y, groups=…)."
    ),
    "copies": lambda facts: (
        "Nothing needs to be done, unless rows should not have been copied."
        if facts["together"]
        else "Gather more different rows."
    ),
    "repeated_in_test": lambda facts: "Leave those rows out of one of the two files.",
    "alike_rows": lambda facts: (
        f"--groups {_quoted(facts['column'])} judges on other groups than those learned from, as "
        "it should where new rows are of others."
    ),
    "time_order": lambda facts: (
        "Judge on later rows: --test with rows of a later time, or --task forecast where rows are "
        "a series; by groups of places or kinds, --groups. If new rows lie between these as well, "
        "the score is right."
    ),
}


def _quoted(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f"'{name}'"
