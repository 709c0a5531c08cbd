"""What default runs make of the tables of the benchmarks, on the rows that the strongest peers get.

    python -m benchmarks.tables_peers ours.json --seeds 5 --threads 1 [--sets abalone,pima]

Prints the score on the test rows of each table and seed, beside the linear model's, and keeps each
as it comes. Test rows are those of `test_rows.json`; of files that it does not list, a fifth drawn
with a fixed seed. Everybody learns from the same 10,000 rows at most. With `--inside`, a fifth of
the rows to learn from is judged on instead of the test rows: for who changes a default.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems.system import DATA, _test_rows
from benchmarks.tables_other_libraries import MOST_ROWS, TABLES
from misstep.data import Table, read_table
from misstep.modeling import Options, train
from misstep.modeling.modalities.table import examples_of


def parts(name: str, file: str, without: tuple[str, ...]) -> tuple[Table, Table]:
    """Return the rows to learn from and to be judged on."""
    table = read_table(DATA / "tabular" / file)
    table = replace(table, frame=table.frame.drop(columns=list(without)))
    rows = np.arange(len(table))
    if name == "adult":
        learn, test = table, read_table(DATA / "tabular" / "adult_test.csv.gz")
    else:
        drawn = np.random.default_rng(0).permutation(len(rows))[: round(0.2 * len(rows))]
        judged = np.asarray(_test_rows().get(f"tabular/{file}", drawn))
        learn, test = table.take(np.setdiff1d(rows, judged)), table.take(np.sort(judged))
    chosen = np.random.default_rng(0).permutation(len(learn))[:MOST_ROWS]
    return learn.take(np.sort(chosen)), test


def inside(learn: Table, seed: int) -> tuple[Table, Table]:
    """Return four fifths of the rows to learn from, and one to be judged on."""
    order = np.random.default_rng(1000 + seed).permutation(len(learn))
    fifth = len(order) // 5
    return learn.take(np.sort(order[fifth:])), learn.take(np.sort(order[:fifth]))


def run(table: Any, seed: int, threads: int, *, within: bool) -> dict[str, Any]:
    """Train once and return the scores."""
    name, file, target, without = table
    learn, test = parts(name, file, without)
    if within:
        learn, test = inside(learn, seed)
    began, used = time.perf_counter(), time.process_time()
    result = train(learn, Options(target=target, test=test, seed=seed, threads=threads))
    scores = {name: float(score) for name, score in result.scores["test"].items()}
    found = {"set": name, "library": "misstep", "seed": seed, "rows": len(learn)}
    if result.model.target.is_number:
        found["rmse"] = scores["rmse"]
    else:
        found |= {key: scores[key] for key in ("accuracy", "auc") if key in scores}
        examples = examples_of(test, result.model.target)
        shares = result.model.outputs(examples.data)[examples.order]
        right = shares[np.arange(len(shares)), np.asarray(examples.answers)]
        found["log_loss"] = float(-np.log(np.maximum(right, 1e-15)).mean())
    linear = result.scores.get("linear", {})
    found |= {f"linear {key}": float(linear[key]) for key in ("rmse", "accuracy") if key in linear}
    found["tried"] = [one.choice for one in result.decisions if one.what == "tried"]
    found["seconds"] = round(time.perf_counter() - began, 2)
    found["processor seconds"] = round(time.process_time() - used, 2)
    return found


def main() -> None:
    """Run what is asked for and not there yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--inside", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    results = json.loads(given.results.read_text()) if given.results.is_file() else []
    there = {(one["set"], one["seed"]) for one in results}
    asked = [one for one in given.sets.split(",") if one]
    for table in TABLES:
        for seed in range(given.seeds):
            if (table[0], seed) in there or (asked and table[0] not in asked):
                continue
            results.append(run(table, seed, given.threads, within=given.inside))
            print(results[-1], flush=True)
            beside = given.results.with_suffix(".new")
            beside.write_text(json.dumps(results, indent=1))
            beside.replace(given.results)


if __name__ == "__main__":
    main()
