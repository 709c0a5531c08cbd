"""What came of training, said: how it ended, the scores and what they mean, what to try next.

A forecast is said in words of its own (`series_command.py`). Knows what was trained, decides
nothing.
"""

from __future__ import annotations

from pathlib import Path

from misstep.cli.given import quoted
from misstep.cli.page import Page
from misstep.cli.series_command import ForecastOutcome
from misstep.cli.verdict import score_rows, verdict
from misstep.data import TaskType
from misstep.modeling import FitResult
from misstep.text.counts import counted
from misstep.text.units import duration
from misstep.train import Cause

__all__ = ["Outcome", "RowsOutcome", "outcome_of"]


class RowsOutcome:
    """What came of training on rows, each with an answer of its own."""

    def __init__(self, result: FitResult) -> None:
        self.result = result

    def how_it_ended(self) -> str:
        """Return in words how long training took, why it ended, and what of it was kept."""
        run = self.result.run
        took = f"{run.seconds:.1f} s" if run.seconds < 60 else duration(run.seconds)
        words = f"{counted(run.epochs, 'epoch')} in {took}: {run.ending}"
        if run.best_epoch is not None:
            words += f". The weights are those of epoch {run.best_epoch}, the best one"
        return words

    def say_scores(self, page: Page) -> None:
        """Say the scores beside the baselines, and what they mean."""
        result, target = self.result, self.result.model.target
        rows = int(result.model.facts["test_rows"])
        name = result.model.preprocessing.sample_name
        rare = str(target.classes[target.rare]) if target.task is TaskType.BINARY else ""
        heads, table = score_rows(result.scores, result.baselines, rows, name, rare)
        page.table(table, heads, list(range(1, len(heads) - 1)), always=True)
        page.blank(always=True)
        page.say(verdict(result.scores, result.baselines, rows), "bold", always=True)
        run = result.run
        judged = [one.get("validation_loss", 0.0) for one in run.history]
        done = run.ending.cause is Cause.EPOCHS_DONE and run.best_epoch is None
        if done and judged[-1] <= min(judged):
            page.say(
                "The last epoch was the best one: more of them may help (--epochs).", always=True
            )

    def write_picture(self, folder: Path) -> Path | None:
        """Return None: rows give no picture."""
        return None

    def next_commands(self, path: Path, source: str) -> list[str]:
        """Return commands to try with the model at `path` on rows like those of `source`."""
        return [
            f"misstep predict {quoted(path)} {quoted(source)}",
            f"misstep explain {quoted(path)} {quoted(source)} --row 1",
        ]


Outcome = RowsOutcome | ForecastOutcome


def outcome_of(result: FitResult) -> Outcome:
    """Return what came of training as what it is."""
    return RowsOutcome(result) if result.forecast is None else ForecastOutcome(result)
