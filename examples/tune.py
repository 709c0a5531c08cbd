"""Tuning: a search for hyperparameters, what came of it, and whether it paid.

    python examples/tune.py [TABLE] [TARGET] [TRIALS]

TABLE is a CSV file, packed or not; the last column is what is predicted unless TARGET says so.
Without a table, a small made-up one shows how it goes. Needs Optuna: pip install "misstep[tune]".
"""

import sys

import numpy as np
import pandas as pd

import misstep as ms

# A small network and few epochs, so that this takes seconds; leave them out for data of your own.
SMALL = {"network": "dense16-tanh", "epochs": 15}


def made_up(rows: int = 400) -> pd.DataFrame:
    """Return a table of waves: their height follows from place and time, but for some noise."""
    draw = np.random.default_rng(3)
    place, time = draw.uniform(0, 6, rows), draw.uniform(0, 6, rows)
    height = np.sin(place) * np.cos(time) + draw.normal(0, 0.1, rows)
    return pd.DataFrame({"place": place, "time": time, "height": height})


def main(arguments: list[str]) -> tuple[float, float]:
    """Tune on four fifths of a table; return R² of default and winner on the others."""
    table = pd.read_csv(arguments[0]) if arguments else made_up()
    target = arguments[1] if arguments[1:] else str(table.columns[-1])
    trials = int(arguments[2]) if arguments[2:] else 8
    table = table.dropna(subset=[target]).sample(frac=1.0, random_state=0)
    known = len(table) * 4 // 5
    learn, judge = table[:known], table[known:]
    rows, answers = learn.drop(columns=target), learn[target]
    asked, truth = judge.drop(columns=target), judge[target]

    start = ms.Regressor(**({} if arguments else SMALL))
    # What is tried is decided on validation rows; those to be judged on are not looked at.
    winner = ms.tune(start, rows, answers, trials=trials, on_trial=show)
    tuning = winner.tuning_
    print(f"\n{len(tuning.trials)} trials in {tuning.seconds:.0f} s")
    for name, share in tuning.importances.items():
        print(f"{name}: explains {share:.0%} of the differences between these trials")
    if not tuning.paid:
        print("Tuning did not pay; the default settings are kept.")

    default = start.fit(rows, answers).score(asked, truth)
    tuned = winner.score(asked, truth)
    print(f"{len(judge):,} rows never seen: R² {tuned:.3f}, of the default {default:.3f}")
    print(f"The same again: ms.Regressor(hyperparameters={winner.hyperparameters})")
    return float(default), float(tuned)


def show(trial: ms.tuning.TrialResult) -> None:
    """Print a line for a trial that has ended."""
    ended = f", {trial.because}" if trial.because else ""
    print(f"trial {trial.number}: validation loss {trial.validation_loss:.4f}{ended}")


if __name__ == "__main__":
    main(sys.argv[1:])
