"""How well wrong answers are found that were planted, and that none are found where none were.

`python -m benchmarks.label_errors --data FOLDER --out results.md`. The folder holds
`tabular/adult_train.csv.gz`, `tabular/boston_housing.csv` and others, and `text/sms_spam.tsv.gz`;
sets that are not there are left out. Beside the ranking by models that never saw an answer stand
those by the loss of the same model that learned from it, by loss and gradient norm of a small
network that did, and chance.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from sklearn import datasets

import misstep as ms
from benchmarks import machine
from misstep.data import read_table
from misstep.doctor import examine
from misstep.ir import Array
from misstep.modeling import Options, RowModality, check_rows, recognize
from misstep.modeling.out_of_fold_answers import LinearJudge, errors_of
from misstep.modeling.row_check import all_rows
from misstep.record import Record

SHARES = (0.05, 0.1, 0.2)
# Numbers are made wrong by writing another row's answer there, or by a slipped decimal point.
KINDS_OF_WRONG_NUMBERS = ("another row's", "ten times")
FIRST = (0.05, 0.1)


@dataclass(frozen=True)
class Set:
    """A set with answers that are taken as right."""

    name: str
    frame: pandas.DataFrame
    target: str
    number: bool = False


@dataclass
class Line:
    """What came of a set, a share and a kind of error: a list of a value for each seed."""

    name: str
    rows: int
    share: float
    kind: str = ""
    precision: dict[str, list[float]] = field(default_factory=dict)
    estimated: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    named: list[int] = field(default_factory=list)
    named_right: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def mean(self, name: str) -> str:
        values = self.precision.get(name)
        return f"{np.mean(values):.2f}" if values else "–"


def sets(folder: Path) -> Iterator[Set]:
    """Yield the sets that are there."""
    for name in ("digits", "iris", "wine", "breast_cancer"):
        bunch = getattr(datasets, f"load_{name}")()
        frame = pandas.DataFrame(
            bunch.data, columns=[f"x{at}" for at in range(bunch.data.shape[1])]
        )
        frame["answer"] = np.asarray(bunch.target_names, object)[bunch.target].astype(str)
        if name == "digits":
            frame["answer"] = [f"digit {label}" for label in bunch.target]
        yield Set(name.replace("_", " "), frame, "answer")
    for name, file, target, number in (
        ("adult", "tabular/adult_train.csv.gz", "income", False),
        ("titanic", "tabular/titanic.csv", "Survived", False),
        ("diabetes of Pima", "tabular/pima_diabetes.csv", "", False),
        ("SMS spam", "text/sms_spam.tsv.gz", "label", False),
        ("house prices, Boston", "tabular/boston_housing.csv", "MEDV", True),
        ("house prices, California", "tabular/california_housing.csv.gz", "", True),
    ):
        path = folder / file
        if path.exists():
            frame = pandas.read_csv(path, sep="\t" if ".tsv" in file else ",")
            target = target or next(
                (column for column in frame if column == "median_house_value"), frame.columns[-1]
            )
            if not number and frame[target].dtype.kind in "iuf":
                frame[target] = [f"class {label}" for label in frame[target]]
            yield Set(name, frame, target, number)


def planted(one: Set, share: float, kind: str, seed: int) -> tuple[pandas.DataFrame, Array]:
    """Return the set with a share of its answers made wrong, and which they are, (rows,)."""
    random = np.random.default_rng(seed)
    rows = len(one.frame)
    chosen = random.choice(rows, round(share * rows), replace=False)
    frame, answers = one.frame.copy(), one.frame[one.target].to_numpy().copy()
    if not one.number:
        labels = np.unique(answers.astype(str))
        codes = np.searchsorted(labels, answers.astype(str))
        moved = random.integers(1, len(labels), len(chosen))
        answers = answers.astype(object)
        answers[chosen] = labels[(codes[chosen] + moved) % len(labels)]
    else:
        answers = answers.astype(float)
        others = random.permutation(answers)[: len(chosen)]
        answers[chosen] = 10 * answers[chosen] if kind == "ten times" else others
    frame[one.target] = answers
    return frame, np.asarray(answers != one.frame[one.target].to_numpy())


def measure(one: Set, line: Line, seed: int, *, others: bool) -> None:
    """Look at the rows once, and add what came of it to `line`."""
    frame, wrong = planted(one, line.share, line.kind, seed)
    options = Options(target=one.target)
    began = time.perf_counter()
    check = check_rows(recognize(read_table(frame), options))
    line.seconds.append(time.perf_counter() - began)
    rows = np.array([each.row - 1 for each in check.suspects], int)
    if not one.number:
        given = np.array([each.given_probability for each in check.suspects])
        rows = rows[np.argsort(given, kind="stable")]
    for share in FIRST:
        count = max(1, round(share * len(frame)))
        line.precision.setdefault(f"out of fold {share:.0%}", []).append(
            float(wrong[rows[:count]].sum() / min(count, max(len(rows), 1)))
        )
    named = np.array([each.row - 1 for each in check.suspects[: check.named]], int)
    line.named.append(len(named))
    if len(named):
        line.named_right.append(float(wrong[named].mean()))
    if check.lapses is not None:
        line.estimated.append(check.lapses.share)
        line.least.append(check.lapses.least)
    record = Record({})
    check.add_to(record)
    found = [one.severity.value for one in examine(record).findings if one.slug == "label-errors"]
    line.said.append(found[0] if found else "nothing")
    if others and line.share:
        for name, ranking in learned_rankings(frame, options, one.number):
            for share in FIRST:
                count = max(1, round(share * len(frame)))
                line.precision.setdefault(f"{name} {share:.0%}", []).append(
                    float(wrong[ranking[:count]].mean())
                )


def learned_rankings(
    frame: pandas.DataFrame, options: Options, number: bool
) -> Iterator[tuple[str, Array]]:
    """Yield rankings by models that learned from the very answers: most doubtful rows first."""
    modality = recognize(read_table(frame), options)
    assert isinstance(modality, RowModality)
    split = modality.split()
    prepared = modality.prepare(split)
    rows, indices = all_rows(prepared, split)
    order = modality.examples.order[indices]
    data = modality.examples.data.take(order)
    x = modality.features_to_judge(prepared, rows, data)
    classes = 0 if number else len(prepared.target.classes)
    answers = rows.y if number else rows.y.astype(int)
    errors = errors_of(LinearJudge(classes).learn(x, answers)(x), answers)
    yield "same model", order[np.argsort(-errors, kind="stable")]
    if not isinstance(x, np.ndarray):
        return
    loss = ms.SquaredError() if number else ms.CrossEntropy()
    network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(classes or 1))
    trainer = ms.Trainer(network, loss=loss, optimizer=ms.Adam(2e-3), batch_size=64)
    flat = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    trainer.fit(flat, answers.reshape(-1, 1) if number else answers, epochs=10, watch=False)
    scores = trainer.row_scores(flat, answers.reshape(-1, 1) if number else answers)
    yield "network's loss", order[np.argsort(-scores.losses, kind="stable")]
    yield "gradient norm", order[np.argsort(-scores.gradient_norms, kind="stable")]


def table(lines: Sequence[Line]) -> str:
    """Return what came of planted errors as a table in Markdown."""
    columns: list[tuple[str, Callable[[Line], str]]] = [
        ("set", lambda line: line.name),
        ("wrong", lambda line: f"{line.share:.0%} {line.kind}".strip()),
        ("first 5 %", lambda line: f"**{line.mean('out of fold 5%')}**"),
        ("first 10 %", lambda line: line.mean("out of fold 10%")),
        ("same model, 5 %", lambda line: line.mean("same model 5%")),
        ("network's loss, 5 %", lambda line: line.mean("network's loss 5%")),
        ("gradient norm, 5 %", lambda line: line.mean("gradient norm 5%")),
        ("chance", lambda line: f"{line.share:.2f}"),
        ("share said", lambda line: _mean(line.estimated)),
        ("at least", lambda line: _mean(line.least)),
        ("named", lambda line: f"{np.mean(line.named):.0f}"),
        ("of them wrong", lambda line: _mean(line.named_right)),
        ("said", lambda line: ", ".join(sorted(set(line.said)))),
        ("seconds", lambda line: f"{np.mean(line.seconds):.0f}"),
    ]
    return _markdown(lines, columns)


def clean_table(lines: Sequence[Line]) -> str:
    """Return what was said of the sets as they are."""
    columns: list[tuple[str, Callable[[Line], str]]] = [
        ("set", lambda line: line.name),
        ("rows", lambda line: f"{line.rows:,}"),
        ("share said", lambda line: _mean(line.estimated)),
        ("at least", lambda line: _mean(line.least)),
        ("named", lambda line: f"{line.named[0]}"),
        ("said", lambda line: line.said[0]),
    ]
    return _markdown(lines, columns)


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else "–"


def _markdown(lines: Sequence[Line], columns: list[tuple[str, Callable[[Line], Any]]]) -> str:
    rows = [[name for name, _ in columns], ["---"] * len(columns)]
    rows += [[str(cell(line)) for _, cell in columns] for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure all sets and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=())
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    planted_lines, clean = [], []
    for one in sets(arguments.data):
        if arguments.only and one.name not in arguments.only:
            continue
        line = Line(one.name, len(one.frame), 0.0)
        measure(one, line, 0, others=False)
        clean.append(line)
        print(f"{one.name}: {line.said[0]}, {line.named[0]} named", flush=True)
        if len(one.frame) < 400:
            continue
        for kind in KINDS_OF_WRONG_NUMBERS if one.number else ("",):
            for share in SHARES:
                line = Line(one.name, len(one.frame), share, kind)
                for seed in range(arguments.seeds):
                    measure(one, line, seed, others=seed == 0)
                planted_lines.append(line)
                precision = line.mean("out of fold 5%")
                print(f"{one.name}, {share:.0%} {kind}: {precision}, {line.said}", flush=True)
    words = (
        "# Wrong answers, planted and found\n\n"
        "Precision: which share of the first rows of a ranking really have a wrong answer, the "
        f"mean of {arguments.seeds} seeds (of rankings by models that learned from the answers, "
        "one). "
        "Answers of classes became another class at random. Chance: the share that was planted.\n\n"
        f"{table(planted_lines)}\n\n## The sets as they are\n\n{clean_table(clean)}\n\n"
        f"Measured on {machine.processor()}.\n"
    )
    if arguments.out:
        arguments.out.write_text(words, encoding="utf-8")
    print(words)


if __name__ == "__main__":
    main()
