"""Texts: spam among short messages, and whether a review praises a film."""

from __future__ import annotations

from benchmarks.systems.system import DATA, System, split
from misstep.data import Table, read_table
from misstep.modeling import FitResult, Options, train


def _scores(trained: FitResult) -> dict[str, float]:
    scores = dict(trained.scores["test"])
    return scores | {f"linear {name}": one for name, one in trained.scores["linear"].items()}


def _spam(seed: int, threads: int | None) -> dict[str, float]:
    name = "text/sms_spam.tsv.gz"
    table = read_table(DATA / name)
    parts = [
        Table(table.frame.iloc[rows].reset_index(drop=True)) for rows in split(name, len(table))
    ]
    return _scores(
        train(parts[0], Options(target="label", test=parts[1], seed=seed, threads=threads))
    )


def _reviews(seed: int, threads: int | None) -> dict[str, float]:
    learn, test = (read_table(DATA / f"text/imdb_{part}.csv.gz") for part in ("train", "test"))
    # A rating is not known before the review is read.
    options = Options(target="label", test=test, without=("rating",), seed=seed, threads=threads)
    return _scores(train(learn, options))


SYSTEMS = [
    System(
        "spam",
        _spam,
        {"f1": 0.955, "accuracy": 0.988},
        3,
        beside="TF-IDF and a linear SVC: F1 0.951, accuracy 0.987; an LSTM: F1 0.944",
    ),
    System(
        "reviews",
        _reviews,
        {"accuracy": 0.885},
        3,
        beside="TF-IDF of pairs and a linear SVC: accuracy 0.8845; an embedding bag: 0.854",
    ),
]
