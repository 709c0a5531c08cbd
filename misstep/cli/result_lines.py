"""What came of training, said: how it ended, the scores and what they mean, what to try next.

Rows with an answer each and a series are said differently; `result_lines` tells which is which.
Knows results, decides nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from misstep.cli.inputs import quoted
from misstep.cli.page import Page
from misstep.data import TaskType
from misstep.drawing import STANDALONE_MARK
from misstep.modeling import FitResult, ForecastModel, assess_forecasts
from misstep.modeling.budget import TIME
from misstep.modeling.verdict_text import forecast_rows, forecast_verdict, score_rows, verdict
from misstep.report import draw_forecast
from misstep.storage import write_own_text
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.units import duration
from misstep.train import Cause

__all__ = ["ResultLines", "result_lines"]

DRAWING = "forecast.svg"


class ResultLines(ABC):
    """What came of a training, in lines."""

    def __init__(self, result: FitResult) -> None:
        self.result = result

    @abstractmethod
    def how_it_ended(self) -> str:
        """Return in words how long training took, why it ended, and what of it was kept."""

    @abstractmethod
    def say_scores(self, page: Page) -> None:
        """Say the scores beside the baselines, and what they mean."""

    def write_drawing(self, folder: Path) -> Path | None:
        """Write a drawing of what came of it into `folder`, if there is one; return its path."""
        return None

    @abstractmethod
    def next_commands(self, path: Path, source: str) -> list[str]:
        """Return commands to try with the model at `path` on rows like those of `source`."""


class _RowLines(ResultLines):
    """What came of training on rows, each with an answer of its own."""

    def how_it_ended(self) -> str:
        run = self.result.run
        took = f"{run.seconds:.1f} s" if run.seconds < 60 else duration(run.seconds)
        words = f"{counted(run.epochs, 'epoch')} in {took}: {run.ending}"
        if run.best_epoch is not None:
            words += f". The weights are those of epoch {run.best_epoch}, the best one"
        return words

    def say_scores(self, page: Page) -> None:
        result, target = self.result, self.result.model.target
        rows = int(result.model.facts["test_rows"])
        name = result.model.preprocessing.sample_name
        rare = str(target.classes[target.rare]) if target.task is TaskType.BINARY else ""
        heads, table = score_rows(result.scores, result.baselines, rows, name, rare)
        page.table(table, heads, list(range(1, len(heads) - 1)), always=True)
        page.blank(always=True)
        changes = next(
            (each.choice for each in result.decisions if each.what == "augmentation"), "none"
        )
        words = verdict(
            result.scores, result.baselines, rows, "" if changes == "none" else changes, name
        )
        page.say(words, "bold", always=True)
        run = result.run
        losses = [epoch.get("validation_loss", 0.0) for epoch in run.history]
        done = run.ending.cause is Cause.EPOCHS_DONE and run.best_epoch is None
        if done and losses[-1] <= min(losses):
            one = (
                "There was one epoch only"
                if len(losses) == 1
                else "The last epoch was the best one"
            )
            # A budget decided on the number of epochs where there was one.
            asked = (
                "--minutes" if any(each.what == TIME for each in result.decisions) else "--epochs"
            )
            page.say(f"{one}: more of them may help ({asked}).", always=True)

    def next_commands(self, path: Path, source: str) -> list[str]:
        return [
            f"misstep predict {quoted(path)} {quoted(source)}",
            f"misstep explain {quoted(path)} {quoted(source)} --row 1",
        ]


class _ForecastLines(ResultLines):
    """What came of training on a series."""

    def __init__(self, result: FitResult) -> None:
        super().__init__(result)
        assert result.forecast is not None
        self.forecast = result.forecast

    def how_it_ended(self) -> str:
        run = self.result.run
        words = f"{counted(run.epochs, 'epoch')} in {run.seconds:.1f} s: {run.ending}."
        if not run.finished:
            return f"{words} The weights are those of the best epoch so far."
        if self.forecast.epochs == 0:
            return f"{words} The line it started from was not clearly worse, so it is kept."
        return (
            f"{words} Learned anew in {counted(self.forecast.epochs, 'epoch')} with the newer rows."
        )

    def say_scores(self, page: Page) -> None:
        result = self.result
        back_test, scores = self.forecast.back_test, result.scores
        if back_test is None:
            page.say("No rows were set apart to be judged on, so there is no score.", always=True)
            return
        origins, horizon = back_test.predicted.shape
        # Where training made no difference, what forecasts is the line that it began from.
        heads, table = forecast_rows(
            scores, result.baselines, origins, horizon, by_line=not self.forecast.epochs
        )
        page.table(table, heads, [1, 2], always=True)
        page.blank(always=True)
        assessment = assess_forecasts(scores, result.baselines, origins, horizon)
        page.say(forecast_verdict(assessment), "bold", always=True)
        if horizon > 1:
            steps = back_test.by_step()
            page.say(
                f"The mean error is {four_figures(steps[0])} one step ahead and "
                f"{four_figures(steps[-1])} {horizon} steps ahead.",
                always=True,
            )

    def write_drawing(self, folder: Path) -> Path | None:
        model, series = self.result.model, self.forecast.series
        if not isinstance(model, ForecastModel) or series is None:
            return None
        interval = model.interval
        assert interval is not None
        drawing = draw_forecast(
            series, self.forecast.back_test, model.forecast(series), interval.share
        )
        write_own_text(folder / DRAWING, drawing, STANDALONE_MARK)
        return folder / DRAWING

    def next_commands(self, path: Path, source: str) -> list[str]:
        return [
            f"misstep predict {quoted(path)}",
            f"misstep predict {quoted(path)} {quoted(source)} --out forecast.csv",
            f"misstep explain {quoted(path)} {quoted(source)}",
            f"misstep summary {quoted(path)}",
        ]


def result_lines(result: FitResult) -> ResultLines:
    """Return what came of training as what it is."""
    return _RowLines(result) if result.forecast is None else _ForecastLines(result)
