"""`Outcome`: what came of a walk, as plain facts that the record of its run can hold.

What a report says of a run beyond its record and its model: scores beside baselines, decisions,
what was wrong as it learned. Written by who trained, read where the page is made anew. Knows no
page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Decision, Series, TaskType
from misstep.ir import Array
from misstep.modeling.baselines import Baseline
from misstep.modeling.comparison import assess_forecasts
from misstep.modeling.forecast import BackTest, ForecastModel
from misstep.modeling.learning_curve import CurveExample, LearningCurve
from misstep.modeling.metrics import Scores
from misstep.modeling.model import TrainedModel
from misstep.modeling.result import FitResult, ForecastResult
from misstep.modeling.verdict_text import forecast_rows, forecast_verdict, score_rows, verdict
from misstep.record import Record, add_events
from misstep.text.counts import counted

__all__ = ["Outcome", "keep_outcome"]

# What the line of the record is called.
EVENT = "outcome"
NOT_ADDED = "what came of it could not be added to the record"
# Events behind which an earlier outcome is no longer that of the run.
ANEW = ("resumed",)
# Numbers of forecasts that a record keeps; of more it would grow by megabytes.
MOST_FORECAST = 10_000
# Fields that are plain words and numbers.
_PLAIN = (
    *("purpose", "target", "described", "sample_name", "rare"),
    *("tested", "horizon", "by_line"),
)


@dataclass(frozen=True)
class Forecasts:
    """The forecasts that a back-test judged, without the series they are of.

    `epochs`: in how many the network learned. `origins`: rows, (origins,), none where nothing was
    judged; `predicted`: (origins, horizon). `unseen`: origins that were left out.
    """

    epochs: int
    origins: Array
    predicted: Array
    unseen: int = 0

    def beside(self, series: Series) -> ForecastResult | None:
        """Return them beside what came; None where the series is not the one they are of."""
        if not len(self.origins):
            return ForecastResult(series, self.epochs, None)
        steps = np.arange(1, self.predicted.shape[1] + 1)
        rows = self.origins[:, np.newaxis] + steps
        if rows.max() >= len(series):
            return None
        back_test = BackTest(
            self.origins,
            self.predicted,
            series.target[rows],
            series.target[self.origins],
            series.measured[rows],
            self.unseen,
        )
        return ForecastResult(series, self.epochs, back_test)


@dataclass(frozen=True)
class Outcome:
    """What came of a walk.

    `purpose`: as --task calls it. `target`: what is predicted. `described`: what the data are, in
    words. `sample_name`: what a row is called. `tested`: on how many rows, or from how many origins
    of a forecast, `scores` were made, 0 for none. `rare`: the class that F1 is about, or "".
    `horizon`: steps of a forecast, 0 for rows. `by_line`: whether what forecasts is the line that
    training began from. `scores`: by split and baseline. `forecasts`: of a series, those that were
    judged.
    """

    purpose: str
    target: str
    described: str = ""
    sample_name: str = "row"
    tested: int = 0
    rare: str = ""
    horizon: int = 0
    by_line: bool = False
    scores: Mapping[str, Scores] = field(default_factory=dict)
    baselines: Sequence[Baseline] = ()
    decisions: Sequence[Decision] = ()
    notes: Sequence[str] = ()
    learning_curve: LearningCurve | None = None
    forecasts: Forecasts | None = None

    @classmethod
    def of_result(cls, result: FitResult) -> Outcome:
        """Return what came of the walk that ended in `result`."""
        return cls.of_model(
            result.model,
            result.scores,
            result.baselines,
            by_line=result.forecast is not None and result.forecast.epochs == 0,
            described=result.described,
            decisions=result.decisions,
            notes=result.notes,
            learning_curve=result.learning_curve,
            forecasts=_forecasts(result.forecast),
        )

    @classmethod
    def of_model(
        cls,
        model: TrainedModel,
        scores: Mapping[str, Scores],
        baselines: Sequence[Baseline],
        **more: Any,
    ) -> Outcome:
        """Return what came of a model with such scores; `more`: the other fields, by name."""
        target = model.target
        return cls(
            purpose=model.purpose,
            target=target.name,
            sample_name=model.preprocessing.sample_name,
            tested=int(model.facts.get("test_rows", 0)) if "test" in scores else 0,
            rare=str(target.classes[target.rare]) if target.task is TaskType.BINARY else "",
            horizon=model.horizon if isinstance(model, ForecastModel) else 0,
            scores=scores,
            baselines=[one for one in baselines if one.name in scores],
            **more,
        )

    @classmethod
    def of_record(cls, record: Record) -> Outcome | None:
        """Return what a record says came of its run; None where it says nothing that is whole."""
        for event in reversed(record.events):
            if event["kind"] in ANEW:
                return None
            if event["kind"] == EVENT:
                try:
                    return cls.read(event["outcome"])
                except (KeyError, TypeError, ValueError, AttributeError):
                    return None
        return None

    def score_table(self) -> tuple[list[str], list[list[str]]] | None:
        """Return heads and rows of the scores beside the baselines; None where none were made."""
        if not self.tested:
            return None
        if self.horizon:
            by_line = self.by_line
            return forecast_rows(
                self.scores, self.baselines, self.tested, self.horizon, by_line=by_line
            )
        return score_rows(self.scores, self.baselines, self.tested, self.sample_name, self.rare)

    def verdict(self) -> str:
        """Return in words what the scores mean; "" where none were made."""
        if not self.tested or not self.baselines:
            return ""
        if self.horizon:
            scores, baselines = self.scores, self.baselines
            return forecast_verdict(assess_forecasts(scores, baselines, self.tested, self.horizon))
        changes = next((one.choice for one in self.decisions if one.what == "augmentation"), "none")
        changes = "" if changes == "none" else changes
        return verdict(self.scores, self.baselines, self.tested, changes, self.sample_name)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        curve = self.learning_curve
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "scores": {name: dict(one) for name, one in self.scores.items()},
            "baselines": [[one.name, one.who, one.how] for one in self.baselines],
            "decisions": [[one.what, one.choice, one.reason] for one in self.decisions],
            "notes": list(self.notes),
            "learning_curve": None if curve is None else _plain_curve(curve),
            "forecasts": None if self.forecasts is None else _plain_forecasts(self.forecasts),
        }

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Outcome:
        """Return what `plain` gave. What is no such thing raises what comes of it."""
        scores = {
            str(name): {str(metric): float(number) for metric, number in one.items()}
            for name, one in plain["scores"].items()
        }
        curve = plain["learning_curve"]
        return cls(
            purpose=str(plain["purpose"]),
            target=str(plain["target"]),
            described=str(plain["described"]),
            sample_name=str(plain["sample_name"]),
            tested=int(plain["tested"]),
            rare=str(plain["rare"]),
            horizon=int(plain["horizon"]),
            by_line=bool(plain["by_line"]),
            scores=scores,
            baselines=[
                Baseline(str(name), str(who), str(how), partial(scores.get, str(name)))
                for name, who, how in plain["baselines"]
                if name in scores
            ],
            decisions=[Decision(*map(str, one)) for one in plain["decisions"]],
            notes=[str(one) for one in plain["notes"]],
            learning_curve=None if curve is None else _read_curve(curve),
            forecasts=_read_forecasts(plain.get("forecasts")),
        )


def keep_outcome(outcome: Outcome, record: Record | None, folder: Path | str) -> str:
    """Add what came of a run to its record in `folder`; return why that was impossible, or "".

    `record`: the same in memory, which gets it too.
    """
    event = {"kind": EVENT, "words": _summary(outcome), "outcome": outcome.plain()}
    if record is not None:
        record.events.append(event)
    trouble = add_events(folder, [event])
    return "" if trouble is None else f"{NOT_ADDED}: {trouble}"


def _summary(outcome: Outcome) -> str:
    judged = f", judged on {counted(outcome.tested, outcome.sample_name)}" if outcome.tested else ""
    return f"{outcome.purpose} of {outcome.target}{judged}"


def _forecasts(result: ForecastResult | None) -> Forecasts | None:
    """Return the forecasts of a result; None for rows, and where there are too many to keep."""
    if result is None:
        return None
    test = result.back_test
    if test is None:
        return Forecasts(result.epochs, np.empty(0, "int64"), np.empty((0, 1)))
    if test.predicted.size > MOST_FORECAST:
        return None
    return Forecasts(result.epochs, test.origins, test.predicted, test.unseen)


def _plain_forecasts(forecasts: Forecasts) -> dict[str, Any]:
    return {
        "epochs": forecasts.epochs,
        "origins": forecasts.origins.tolist(),
        "predicted": forecasts.predicted.tolist(),
        "unseen": forecasts.unseen,
    }


def _read_forecasts(plain: Mapping[str, Any] | None) -> Forecasts | None:
    if plain is None:
        return None
    origins = np.asarray(plain["origins"], "int64")
    predicted = np.asarray(plain["predicted"], "float64")
    if origins.ndim != 1 or predicted.shape[:1] != origins.shape or (origins < 0).any():
        raise ValueError("forecasts have an origin each")
    return Forecasts(int(plain["epochs"]), origins, predicted, int(plain["unseen"]))


def _plain_curve(curve: LearningCurve) -> dict[str, Any]:
    return {
        "rows": curve.rows,
        "updates": list(curve.updates),
        "score_name": curve.score_name,
        "scores": list(curve.scores),
        "examples": [
            {"name": one.name, "answer": one.answer, "predictions": list(one.predictions)}
            for one in curve.examples
        ],
        "kept": curve.kept,
        "of_earlier_epoch": curve.of_earlier_epoch,
    }


def _read_curve(plain: Mapping[str, Any]) -> LearningCurve:
    return LearningCurve(
        int(plain["rows"]),
        tuple(int(one) for one in plain["updates"]),
        str(plain["score_name"]),
        tuple(float(one) for one in plain["scores"]),
        tuple(
            CurveExample(str(one["name"]), one["answer"], tuple(one["predictions"]))
            for one in plain["examples"]
        ),
        int(plain["kept"]),
        bool(plain["of_earlier_epoch"]),
    )
