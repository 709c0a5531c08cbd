"""What a search leaves in the folder of a run: a table of its trials, and a drawing of it.

Each is whole or not there. Knows results of searches and where they are written.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from misstep.cli.hyperparameter_lines import value_words
from misstep.drawing import STANDALONE_MARK
from misstep.report import Search, TrialPoint, draw_tuning
from misstep.storage import make_folder, write_own_text
from misstep.tuning import State, Tuning

__all__ = ["DRAWING", "TABLE", "write_tuning"]

TABLE, DRAWING = "trials.csv", "tuning.svg"
FIXED = ("number", "state", "because", "validation_loss")
# "updates" alone would be a hyperparameter: how many there may be.
COSTS = ("epochs", "updates_taken", "seconds", "by_doctor", "attempts")


def write_tuning(tuning: Tuning, folder: Path, title: str) -> list[Path]:
    """Write both files into `folder`; return where they are. Raises StorageError."""
    make_folder(folder)
    write_own_text(folder / TABLE, trials_table(tuning), ",".join(FIXED[:3]))
    write_own_text(folder / DRAWING, drawing(tuning, title), STANDALONE_MARK)
    return [folder / TABLE, folder / DRAWING]


def trials_table(tuning: Tuning) -> str:
    """Return every trial as CSV: what came of it, what it cost, what it tried.

    Columns of metrics begin with "validation_"; those of hyperparameters bear their names. What a
    trial does not have is left empty.
    """
    # The loss has a column of its own.
    metrics = list(dict.fromkeys(name for one in tuning.trials for name in one.metrics))
    metrics = [name for name in metrics if name != "loss"]
    names = list(dict.fromkeys(name for one in tuning.trials for name in one.hyperparameters))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIXED, *(f"validation_{name}" for name in metrics), *COSTS, *names])
    for one in tuning.trials:
        row = [one.number, one.state.value, one.because, _number(one.validation_loss)]
        row += [_number(one.metrics.get(name, math.nan)) for name in metrics]
        row += [one.epochs, one.updates, f"{one.seconds:.3f}", str(one.by_doctor).lower()]
        row.append(one.attempts)
        for name in names:
            value = one.hyperparameters.get(name, "")
            row.append(repr(value) if isinstance(value, float) else value_words(value))
        writer.writerow(row)
    return text.getvalue()


def drawing(tuning: Tuning, title: str) -> str:
    """Return the search as SVG."""
    search = search_of(tuning)
    return draw_tuning(
        search.points,
        search.importances,
        title=title,
        axis=search.axis,
        less_is_better=search.less_is_better,
    )


def search_of(tuning: Tuning) -> Search:
    """Return the search as a report shows it."""
    points = [
        TrialPoint(one.number, one.validation_loss, one.state is State.COMPLETE)
        for one in tuning.trials
        if one.state in (State.COMPLETE, State.PRUNED)
    ]
    best = f"trial {tuning.best.number} was kept" if tuning.paid else "the default was kept"
    return Search(points, tuning.importances, f"{best}.")


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
