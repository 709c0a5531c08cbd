"""Tuning beside the default and beside random search: does it pay, on rows that nobody looked at?

`python -m benchmarks.tuning --data FOLDER`: of each set and seed, the default is trained, then what
a search of so many trials says to train, then what a random search says that had the same time and
the same space. All are judged on the same test rows: probabilities of classes by their squared
distance from the answer, numbers by their squared error, forecasts by their absolute error; as a
share of what the best constant errs, or the default. With `--unpruned`, trials that the doctor
ended are trained to their end as well, to count those that would have won.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from misstep.data import read_source
from misstep.modeling import Options, recognize, train
from misstep.modeling.examples import rows_for
from misstep.modeling.modalities import RowModality
from misstep.trials.yardstick import Yardstick
from misstep.tuning import State, Tuning, tune
from misstep.tuning.problem import ModalityProblem
from misstep.tuning.trial import Judging
from misstep.tuning.trial import train as train_candidate

TRIALS = 30
# Texts and images that are drawn from larger sets, so that a search takes minutes.
TEXTS, IMAGES, EPOCHS_OF_IMAGES = 1_500, 400, 12
# More trials than a random search will have time for.
MANY = 400


@dataclass(frozen=True)
class Source:
    """A set: where its file lies below the data folder, what is predicted, and other options."""

    path: str
    target: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


SETS = {
    "titanic": Source("tabular/titanic.csv", "Survived"),
    "pima": Source("tabular/pima_diabetes.csv", "outcome"),
    "breast-cancer": Source("tabular/breast_cancer_wdbc.csv", "diagnosis"),
    "boston": Source("tabular/boston_housing.csv", "MEDV"),
    "red-wine": Source("tabular/wine_quality_red.csv", "quality"),
    "abalone": Source("tabular/abalone.csv", "rings"),
    "sms": Source("text/sms_spam.tsv.gz", "label"),
    "airline": Source("timeseries/airline_passengers.csv", "Passengers"),
    "mnist": Source("mnist", None, {"epochs": EPOCHS_OF_IMAGES}),
}


def source_of(name: str, data: Path, scratch: Path) -> Path:
    """Return the file or folder of a set; of large ones a part, drawn once."""
    path = data / SETS[name].path
    if name == "sms":
        drawn = scratch / "sms.tsv"
        table = pd.read_csv(path, sep="\t")
        table.sample(TEXTS, random_state=0).to_csv(drawn, sep="\t", index=False)
        return drawn
    if name == "mnist":
        return digits(path, scratch / "digits")
    return path


def digits(path: Path, folder: Path) -> Path:
    """Write some of MNIST's digits to a folder for each class."""
    with gzip.open(path / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(path / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    for number in np.random.default_rng(0).permutation(len(images))[:IMAGES]:
        (folder / str(labels[number])).mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[number]).save(folder / str(labels[number]) / f"{number}.png")
    return folder


def test_penalties(path: Path, options: Options) -> np.ndarray:
    """Return how wrong a training with these options is on each test row, (rows,)."""
    modality = recognize(read_source(path), options)
    if not isinstance(modality, RowModality):
        errors = train(path, options).test_errors
        assert errors is not None
        return errors
    prepared = modality.prepare(modality.split())
    plan = modality.plan(prepared)
    fitted = modality.fit(prepared, plan)
    x, y = rows_for(plan.loss, prepared.test)[:2]
    yardstick = Yardstick.of(plan.loss, y, fitted.trainer.network.output_shape)
    return yardstick.penalties(fitted.trainer.predict(x), y)


def compared(default: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return the gain of another training over the default, as a share of its error, and z."""
    differences = default - other
    mean, error = float(differences.mean()), float(differences.std(ddof=1))
    z = mean / (error / math.sqrt(len(differences))) if error > 0 else 0.0
    return {"gain": mean / float(default.mean()), "z": z}


def would_have_won(path: Path, options: Options, tuning: Tuning) -> tuple[int, float]:
    """Return how many trials that the doctor ended would have been the best, and seconds saved."""
    ended = [one for one in tuning.trials if one.by_doctor and one.state is State.PRUNED]
    if not ended:
        return 0, 0.0
    modality = recognize(read_source(path), options)
    split = modality.split()
    problem = ModalityProblem(modality, modality.prepare(split), split)
    won, saved = 0, 0.0
    for one in ended:
        candidate = problem.candidate(one.hyperparameters)
        judging = Judging(candidate, candidate.judge, [], lambda: False, lambda step, loss: None)
        began = time.perf_counter()
        run = train_candidate(candidate, judging)
        saved += time.perf_counter() - began - one.seconds
        kept = run.best_epoch or run.epochs
        loss = min(judging.losses[kept - 1], judging.start) if run.history else math.inf
        best = min(
            each.validation_loss
            for each in tuning.trials
            if each.number < one.number and each.state is State.COMPLETE
        )
        won += loss < best
    return won, saved


def measured(name: str, path: Path, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all about one set and seed, as plain JSON."""
    options = Options(
        target=SETS[name].target, seed=seed, threads=arguments.threads, **SETS[name].options
    )
    began = time.perf_counter()
    default = test_penalties(path, options)
    row: dict[str, Any] = {"set": name, "seed": seed, "test_rows": len(default)}
    row["default"] = {"error": float(default.mean()), "seconds": time.perf_counter() - began}
    tuning = tune(path, options, trials=arguments.trials, workers=arguments.workers)
    row["tuned"] = told(path, tuning, default)
    if arguments.unpruned:
        won, saved = would_have_won(path, options, tuning)
        row["tuned"] |= {"would_have_won": won, "seconds_saved": saved}
    minutes = tuning.seconds / 60
    random = tune(
        path, options, trials=MANY, minutes=minutes, sampler="random", workers=arguments.workers
    )
    row["random"] = told(path, random, default)
    return row


def told(path: Path, tuning: Tuning, default: np.ndarray) -> dict[str, Any]:
    """Return what a search came to, on test rows too: what it says to train, and its leader."""
    ended = [one for one in tuning.trials if one.state is State.PRUNED]
    done = [one for one in tuning.trials if one.state in (State.COMPLETE, State.PRUNED)]
    row: dict[str, Any] = {
        "seconds": tuning.seconds,
        "trials": len(done),
        "ended_by_doctor": sum(one.by_doctor for one in ended),
        "ended_by_pruner": sum(not one.by_doctor for one in ended),
        "paid": tuning.paid,
        "comparisons": [one.plain() for one in tuning.comparisons],
        "default_validation": tuning.default.validation_loss,
        "leader_validation": tuning.leader.validation_loss,
    }
    row |= compared(default, test_penalties(path, tuning.options) if tuning.paid else default)
    leader = replace(tuning.options, hyperparameters=dict(tuning.leader.hyperparameters))
    is_default = tuning.leader.number == tuning.default.number
    of_leader = compared(default, default if is_default else test_penalties(path, leader))
    row |= {f"{key}_of_leader": value for key, value in of_leader.items()}
    return row


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of a run."""
    lines = [
        "| set | seed | test rows | tuned: gain (z) | random: gain (z) | leader, not compared | "
        "trials, random's | ended by doctor, pruner | seconds: default, tuned |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        one, other = row["tuned"], row["random"]
        lines.append(
            f"| {row['set']} | {row['seed']} | {row['test_rows']} | {one['gain']:+.1%} "
            f"({one['z']:+.1f}) | {other['gain']:+.1%} ({other['z']:+.1f}) | "
            f"{one['gain_of_leader']:+.1%} ({one['z_of_leader']:+.1f}) | "
            f"{one['trials']}, {other['trials']} | {one['ended_by_doctor']}, "
            f"{one['ended_by_pruner']} | {row['default']['seconds']:.0f}, {one['seconds']:.0f} |"
        )
    gains = [row["tuned"]["gain"] for row in rows]
    others = [row["random"]["gain"] for row in rows]
    ranks = [1.5 if a == b else 1 if a > b else 2 for a, b in zip(gains, others, strict=True)]
    lines.append(
        f"\nmean gain: tuned {np.mean(gains):+.2%}, random {np.mean(others):+.2%}; "
        f"mean rank of two: {np.mean(ranks):.2f}; worse than the default beyond 1.96 standard "
        f"errors: {sum(row['tuned']['z'] < -1.96 for row in rows)} of {len(rows)}"
    )
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.tuning", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="set", help=", ".join(SETS))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--unpruned", action="store_true", help="train what the doctor ended")
    parser.add_argument("--out", type=Path, help="a file for the numbers, as lines of JSON")
    arguments = parser.parse_args(words)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            for name in arguments.sets or SETS:
                path = source_of(name, arguments.data, Path(scratch))
                rows.append(measured(name, path, seed, arguments))
                print(table(rows[-1:]).splitlines()[2], file=sys.stderr, flush=True)
                if arguments.out is not None:
                    with arguments.out.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
