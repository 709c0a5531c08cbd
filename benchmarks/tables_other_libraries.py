"""What the strongest peers on tables make of the tables of `tables_peers.py`, by their defaults.

    python benchmarks/tables_other_libraries.py DATA results.json --libraries catboost --seeds 5

Runs in an environment of their own, with `pytabkit`, `catboost` and `lightgbm` and no misstep: it
reads with pandas alone. Each result is written as it comes, so that a stop loses one training.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

# Rows that everybody learns from at most: RealMLP takes minutes for ten thousand on two cores.
MOST_ROWS = 10_000
# Name, file, target, columns that are left out.
TABLES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("iris", "iris.csv", "species", ()),
    ("boston", "boston_housing.csv", "MEDV", ()),
    ("breast cancer", "breast_cancer_wdbc.csv", "diagnosis", ("id",)),
    ("pima", "pima_diabetes.csv", "outcome", ()),
    ("titanic", "titanic.csv", "Survived", ("PassengerId", "Name", "Ticket", "Cabin")),
    ("red wine", "wine_quality_red.csv", "quality", ()),
    ("abalone", "abalone.csv", "rings", ()),
    ("white wine", "wine_quality_white.csv", "quality", ()),
    ("bike sharing", "bike_hour.csv.gz", "count", ("casual", "registered", "dateday")),
    ("california", "california_housing.csv.gz", "median_house_value", ()),
    ("adult", "adult_train.csv.gz", "income", ()),
]
CLASSES = {"iris", "breast cancer", "pima", "titanic", "adult"}


def read(folder: Path, name: str, file: str, target: str, without: tuple[str, ...]) -> Any:
    """Return rows to learn from and to be tested on, as frames."""
    tabular = folder / "tabular"
    if name == "adult":
        parts = []
        for part in ("train", "test"):
            frame = pd.read_csv(
                tabular / f"adult_{part}.csv.gz", skipinitialspace=True, na_values="?"
            )
            frame[target] = frame[target].str.rstrip(".")
            parts.append(frame)
        learn, test = parts
    else:
        frame = pd.read_csv(tabular / file).drop(columns=list(without), errors="ignore")
        rows = json.loads((folder / "test_rows.json").read_text())
        drawn = np.random.default_rng(0).permutation(len(frame))[: round(0.2 * len(frame))]
        chosen = np.zeros(len(frame), bool)
        chosen[np.asarray(rows.get(f"tabular/{file}", drawn))] = True
        learn, test = frame[~chosen], frame[chosen]
    order = np.random.default_rng(0).permutation(len(learn))[:MOST_ROWS]
    return learn.iloc[np.sort(order)].reset_index(drop=True), test.reset_index(drop=True)


def features(learn: pd.DataFrame, test: pd.DataFrame, target: str) -> Any:
    """Return both as numbers and categories, as these libraries take them."""
    x, test_x = learn.drop(columns=target), test.drop(columns=target)
    categories = [name for name in x if x[name].dtype.kind not in "iufb"]
    for name in x:
        if name in categories:
            known = sorted(x[name].dropna().astype(str).unique())
            for frame in (x, test_x):
                text = frame[name].astype(str).where(frame[name].notna(), "missing")
                text = text.where(text.isin([*known, "missing"]), "missing")
                frame[name] = pd.Categorical(text, [*known, "missing"])
        else:
            middle = x[name].median()
            for frame in (x, test_x):
                frame[name] = frame[name].astype("float64").fillna(middle)
    return x, test_x, categories


def model(library: str, seed: int, of_classes: bool, threads: int) -> Any:
    """Return a library's estimator with its defaults."""
    if library == "catboost":
        from catboost import CatBoostClassifier, CatBoostRegressor

        cls = CatBoostClassifier if of_classes else CatBoostRegressor
        return cls(random_seed=seed, verbose=False, thread_count=threads, allow_writing_files=False)
    if library == "lightgbm":
        from lightgbm import LGBMClassifier, LGBMRegressor

        cls = LGBMClassifier if of_classes else LGBMRegressor
        return cls(random_state=seed, verbose=-1, n_jobs=threads)
    import pytabkit

    kind = "Classifier" if of_classes else "Regressor"
    short = {"realmlp": "RealMLP_TD", "tabm": "TabM_D"}[library]
    cls = getattr(pytabkit, f"{short}_{kind}")
    return cls(random_state=seed, n_threads=threads, device="cpu", verbosity=0)


def run(folder: Path, table: Any, library: str, seed: int, threads: int) -> dict[str, Any]:
    """Train one, and return its scores on the test rows."""
    name, _, target, _ = table
    learn, test = read(folder, *table)
    x, test_x, categories = features(learn, test, target)
    of_classes = name in CLASSES
    y, test_y = learn[target], test[target]
    if of_classes:
        labels = sorted(y.unique(), key=str)
        y = y.map({label: place for place, label in enumerate(labels)}).to_numpy()
        test_y = test_y.map({label: place for place, label in enumerate(labels)}).to_numpy()
    else:
        y, test_y = y.to_numpy("float64"), test_y.to_numpy("float64")
    one = model(library, seed, of_classes, threads)
    more: dict[str, Any] = {}
    if library == "catboost":
        more = {"cat_features": categories}
    if library in ("realmlp", "tabm"):
        more = {"cat_col_names": categories}
    began = time.perf_counter()
    one.fit(x, y, **more)
    seconds = time.perf_counter() - began
    found: dict[str, Any] = {"set": name, "library": library, "seed": seed, "rows": len(x)}
    if of_classes:
        shares = np.asarray(one.predict_proba(test_x))
        found["accuracy"] = float((shares.argmax(axis=1) == test_y).mean())
        found["log_loss"] = float(log_loss(test_y, shares))
        if shares.shape[1] == 2:
            found["auc"] = float(roc_auc_score(test_y, shares[:, 1]))
    else:
        predicted = np.asarray(one.predict(test_x)).reshape(-1)
        found["rmse"] = float(np.sqrt(np.mean((predicted - test_y) ** 2)))
    found["seconds"] = round(seconds, 2)
    return found


def main() -> None:
    """Run what is asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--libraries", default="catboost,lightgbm,realmlp,tabm")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sets", default="")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.environ.setdefault("OMP_NUM_THREADS", str(given.threads))
    results = json.loads(given.results.read_text()) if given.results.is_file() else []
    there = {(one["set"], one["library"], one["seed"]) for one in results}
    for seed in range(given.seeds):
        for library in given.libraries.split(","):
            for table in TABLES:
                if given.sets and table[0] not in given.sets.split(","):
                    continue
                if (table[0], library, seed) in there:
                    continue
                results.append(run(given.data, table, library, seed, given.threads))
                print(results[-1], flush=True)
                beside = given.results.with_suffix(".new")
                beside.write_text(json.dumps(results, indent=1))
                beside.replace(given.results)


if __name__ == "__main__":
    main()
