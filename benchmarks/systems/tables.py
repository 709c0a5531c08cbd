"""Tables: prices of houses, incomes, wine, Boston, Titanic, Pima and breast cancer.

Where a table is small, what was asked is the best of scikit-learn's MLP and a PyTorch MLP (64-64
ReLU, Adam, 100 epochs), each plain and with early stopping, on standardized columns: the mean of
five seeds on the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.systems.system import DATA, System, split
from misstep.data import Table, read_table
from misstep.modeling import Options, train

FOLDER = DATA / "tabular"


def _scores(
    table: Table, test: Table, target: str, seed: int, threads: int | None
) -> Mapping[str, float]:
    trained = train(table, Options(target=target, test=test, seed=seed, threads=threads))
    found = dict(trained.scores["test"])
    linear = trained.scores.get("linear", {})
    found |= {f"linear {name}": linear[name] for name in ("accuracy", "rmse") if name in linear}
    return found


def _split_table(
    name: str, target: str, without: tuple[str, ...], seed: int, threads: int | None
) -> Mapping[str, float]:
    frame = read_table(FOLDER / name).frame.drop(columns=list(without))
    learn, judge = split(f"tabular/{name}", len(frame))
    parts = (Table(frame.iloc[rows].reset_index(drop=True), name) for rows in (learn, judge))
    return _scores(*parts, target, seed, threads)


def _adult(seed: int, threads: int | None) -> Mapping[str, float]:
    train, test = (read_table(FOLDER / f"adult_{part}.csv.gz") for part in ("train", "test"))
    return _scores(train, test, "income", seed, threads)


def _on(name: str, target: str, *without: str) -> Callable[[int, int | None], Mapping[str, float]]:
    return partial(_split_table, name, target, without)


SYSTEMS = [
    System(
        "house prices",
        _on("california_housing.csv.gz", "median_house_value"),
        {"rmse": 47_500},
        beside="gradient boosting 45,900; PyTorch MLP 50,400",
    ),
    System(
        "income",
        _adult,
        {"accuracy": 0.868, "auc": 0.922},
        beside="gradient boosting 0.872, 0.927; scikit-learn and PyTorch MLPs 0.857, 0.910",
    ),
    System(
        "red wine",
        _on("wine_quality_red.csv", "quality"),
        {"rmse": 0.6577},
        seeds=5,
        beside="scikit-learn MLP 0.6996 in 2.1 s, PyTorch MLP 0.6577 in 5.5 s",
    ),
    System(
        "white wine",
        _on("wine_quality_white.csv", "quality"),
        {"rmse": 0.6727},
        seeds=5,
        beside="scikit-learn MLP 0.6798 in 4.7 s, PyTorch MLP 0.6727 in 12.5 s",
    ),
    System(
        "Boston",
        _on("boston_housing.csv", "MEDV"),
        {"rmse": 2.4529},
        seeds=5,
        beside="scikit-learn MLP 4.8065 in 1.1 s, PyTorch MLP 2.4529 in 3.0 s",
    ),
    System(
        "Titanic",
        _on("titanic.csv", "Survived", "PassengerId", "Name", "Ticket", "Cabin"),
        {"accuracy": 0.7933},
        seeds=5,
        beside="scikit-learn MLP 0.7910 in 1.2 s, PyTorch MLP 0.7933 in 5.0 s",
    ),
    System(
        "Pima",
        _on("pima_diabetes.csv", "outcome"),
        {"accuracy": 0.7805},
        seeds=5,
        beside="scikit-learn MLP 0.7805 in 0.7 s, PyTorch MLP 0.7766 in 2.2 s",
    ),
    System(
        "breast cancer",
        _on("breast_cancer_wdbc.csv", "diagnosis", "id"),
        {"accuracy": 0.96106},
        seeds=5,
        beside="scikit-learn MLP 0.9593 in 1.0 s, PyTorch MLP 0.9611 in 4.0 s",
    ),
]
