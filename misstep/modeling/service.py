"""`Service`: a model as programs ask it: rows as JSON in, predictions as JSON out.

Knows a model and values of JSON; no sockets, no pages. What a row looks like as JSON, each kind of
data says for itself (`Preprocessing.row_schema`). Every error is a MisstepError whose `which` is
the place in what was asked: rows[3].age.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from misstep.data import JointTarget
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling.attribution import Attribution, Contributions
from misstep.modeling.forecast import ForecastModel
from misstep.modeling.model import Model, TrainedModel
from misstep.nn import Network

__all__ = ["Service"]

# What a question may hold.
ROWS, STEPS, ROW, TOP, ANSWER = "rows", "steps", "row", "top", "answer"
# Numbers that the rows of one question become at most (128 MB): a few bytes of JSON may stand for a
# picture, or for a text among 20,000 words.
MOST_NUMBERS = 2**25
# Parts of a row that an explanation lists where nobody says how many.
USUAL_TOP = 8
# Where a table says that a cell is wrong.
_CELL = re.compile(r"(?:.*: )?column '(?P<name>.*)', row (?P<row>\d+)\Z", re.DOTALL)
_ROW = re.compile(r"the prediction for row (?P<row>\d+)\Z")


class Service:
    """Answers questions to a model; may be asked by several threads at once.

    `model`: as its file has it. `name`: what it is called. `most_rows`: in one question; fewer
    where a row is large.
    """

    def __init__(self, model: TrainedModel, name: str = "model", most_rows: int = 10_000) -> None:
        self.model = model
        self.name = name
        features = model.preprocessing.number_of_features
        self.most_rows = min(most_rows, max(MOST_NUMBERS // features, 1))
        self.row_seconds = 0.0
        self._asking, self._explaining = threading.Lock(), threading.Lock()
        self._explained_by: Model | None = None

    def warm(self) -> None:
        """Make the programs that questions need, and measure how long a row takes."""
        features = np.zeros((1, self.model.preprocessing.number_of_features), np.float32)
        network = self.model.network
        features = network.with_positions(features)
        measured = []
        for rows in (8, 1, 1, 1, 1):
            began = time.perf_counter()
            self.model.outputs_of(np.repeat(features, rows, axis=0))
            measured.append(time.perf_counter() - began)
        # The first two made the programs.
        self.row_seconds = min(measured[2:])

    @property
    def forecasts(self) -> bool:
        """Tell whether it forecasts a series rather than predicts for rows."""
        return isinstance(self.model, ForecastModel)

    def about(self) -> dict[str, Any]:
        """Return what the model is: what it predicts, from what, with which scores."""
        model = self.model
        about = {
            "name": self.name,
            "task": model.purpose,
            "target": model.target.name,
            "classes": list(model.target.classes),
            "answers": _answers(model),
            "row": model.preprocessing.sample_name,
            "parameters": model.network.parameter_count,
            "facts": model.facts,
        }
        if isinstance(model, ForecastModel):
            about |= {"horizon": model.horizon, "window": model.preprocessing.window}
        return about

    def row_schema(self) -> dict[str, Any]:
        """Return the JSON schema of a row."""
        return self.model.preprocessing.row_schema()

    def predict(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return predictions: of rows one each; of a series the next steps.

        asked: "rows", a list of rows; of a series its newest ones, or none for what was learned
        from, and "steps". Raises DataError or ArgumentError.
        """
        if isinstance(self.model, ForecastModel):
            return self._forecast(self.model, asked)
        assert isinstance(self.model, Model)
        _only(asked, (ROWS,))
        rows = self._rows(asked.get(ROWS))
        try:
            features, notes = self._encoded(rows)
            outputs = self.answers_of(features)
            return {"predictions": _predictions(self.model, outputs), "notes": notes}
        except DataError as error:
            raise _placed(error) from error

    @with_own_float_errors
    def answers_of(self, features: Array) -> Array:
        """Return what the model says for encoded rows, (rows, features). Raises DataError."""
        with self._asking:
            return self.model.answers_of(features)

    def explain(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the parts of one row did to its prediction, the largest first.

        asked: "row", and "top", how many parts; of several answers "answer", which one. Raises
        DataError or ArgumentError.
        """
        model = self.model
        if not isinstance(model, Model):
            raise ArgumentError(
                "an explanation",
                needed="a model that predicts for rows",
                got="one that forecasts a series",
                try_="misstep explain",
            )
        _only(asked, (ROW, TOP, ANSWER) if model.target.is_joint else (ROW, TOP))
        answer = asked.get(ANSWER)
        if isinstance(model.target, JointTarget) and not _is_answer(answer, model.target):
            names = ", ".join(str(name) for name in model.target.names[:USUAL_TOP])
            raise ArgumentError(
                ANSWER, needed=f"which one is explained: {names}", got=repr(answer)[:60]
            )
        top = _whole(asked.get(TOP, USUAL_TOP), TOP, 1, 10_000)
        if ROW not in asked:
            raise ArgumentError(ROW, needed="a row to explain", got="none")
        try:
            rows = model.preprocessing.rows_of_json([asked[ROW]])
        except DataError as error:
            raise _as_row(error) from error
        try:
            with self._explaining:
                found = self._model_to_explain(model).explain(rows, 0, answer)
        except DataError as error:
            raise _as_row(_placed(error)) from error
        return _explained(found, top)

    @property
    def is_free(self) -> bool:
        """Tell whether a question would be answered at once."""
        return not self._asking.locked()

    def _model_to_explain(self, model: Model) -> Model:
        """Return the model with programs of its own: an explanation takes as long as thousands of
        predictions, which must not wait for it."""
        if self._explained_by is None:
            network = model.network
            own = Network(
                network.module, network.input_shape, dtype=network.dtype, arrays=network.arrays()
            )
            known = model.loss, model.preprocessing, model.target, model.facts
            self._explained_by = Model(own, *known)
            self._explained_by.training_rows = model.training_rows
        return self._explained_by

    def _rows(self, rows: Any) -> list[Any]:
        if not isinstance(rows, list) or not rows:
            got = "none" if rows is None or rows == [] else "something else"
            raise ArgumentError(ROWS, needed="a list of at least one row", got=got)
        if len(rows) > self.most_rows:
            raise ArgumentError(
                ROWS,
                needed=f"at most {self.most_rows:,} in one question",
                got=f"{len(rows):,}",
                try_="several questions",
            )
        return rows

    @with_own_float_errors
    def _encoded(self, rows: list[Any]) -> tuple[Array, list[str]]:
        preprocessing = self.model.preprocessing
        data = preprocessing.rows_of_json(rows)
        return preprocessing.encode(data, self.model.target.name)

    def _forecast(self, model: ForecastModel, asked: Mapping[str, Any]) -> dict[str, Any]:
        _only(asked, (ROWS, STEPS))
        steps = _whole(asked.get(STEPS, model.horizon), STEPS, 1, model.horizon)
        rows = asked.get(ROWS)
        try:
            with self._asking:
                model.notes = []
                given = rows is not None
                data = model.preprocessing.rows_of_json(self._rows(rows)) if given else None
                forecast = model.forecast(data, steps)
                notes = list(model.notes)
        except DataError as error:
            raise _placed(error) from error
        columns = {str(name): forecast[name].tolist() for name in forecast.columns}
        if "date" in columns:
            columns["date"] = [date.isoformat() for date in columns["date"]]
        names = list(columns)
        lines = zip(*columns.values(), strict=True)
        return {
            "predictions": [dict(zip(names, line, strict=True)) for line in lines],
            "notes": notes,
        }


def _is_answer(answer: object, target: JointTarget) -> bool:
    return isinstance(answer, str) and answer in [str(name) for name in target.names]


def _predictions(model: Model, outputs: Array) -> list[dict[str, Any]]:
    decided = model.decide(outputs).tolist()
    if isinstance(model.target, JointTarget):
        called = [str(name) for name in model.target.names]
        told = [{"prediction": dict(zip(called, row, strict=True))} for row in decided]
        if not model.target.is_number:
            for one, shares in zip(told, outputs.tolist(), strict=True):
                one["probabilities"] = dict(zip(called, shares, strict=True))
        return told
    if model.target.is_number:
        return [{"prediction": number} for number in decided]
    names = list(map(str, model.target.classes))
    return [
        {
            "prediction": label,
            "probability": max(shares),
            "probabilities": dict(zip(names, shares, strict=True)),
        }
        for label, shares in zip(decided, outputs.tolist(), strict=True)
    ]


def _answers(model: TrainedModel) -> list[str]:
    """Return what the answers are called where there are several; none where there is one."""
    target = model.target
    return [str(name) for name in target.names] if isinstance(target, JointTarget) else []


def _explained(found: Contributions, top: int) -> dict[str, Any]:
    probabilities = found.probabilities if isinstance(found, Attribution) else {}
    return {
        "prediction": found.prediction,
        "probabilities": probabilities or None,
        "unit": found.unit,
        "score": found.score,
        "baseline_score": found.baseline_score,
        "baseline_prediction": found.baseline_prediction,
        "replacements": found.replacements,
        "parts": [
            {
                "name": each.name,
                "in_row": _plain(each.cell),
                "replacement": _plain(each.replacement),
                "replaced_prediction": each.replaced,
                "contribution": each.contribution,
                "share": each.share,
            }
            for each in found.inputs[:top]
        ],
        "more_parts": max(len(found.inputs) - top, 0),
        "notes": list(found.notes),
    }


def _plain(cell: Any) -> Any:
    """Return a cell as JSON has it."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None or isinstance(cell, str | int | float | bool):
        return cell
    return str(cell)


def _only(asked: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise ArgumentError for a field that no question has: it may be a slip of the pen."""
    unknown = [str(name) for name in asked if name not in known]
    if unknown:
        raise ArgumentError(
            unknown[0], needed=f"no other fields than {' and '.join(known)}", got="this one"
        )


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ArgumentError(name, needed=f"a whole number from {least} to {most}", got=repr(value))
    return value


def _placed(error: DataError) -> DataError:
    """Return an error about a cell of a table with its place as programs write it."""
    cell, row = _CELL.match(error.which), _ROW.match(error.which)
    which = error.which
    if cell is not None:
        which = f"rows[{int(cell['row']) - 1}].{cell['name']}"
    elif row is not None:
        which = f"rows[{int(row['row']) - 1}]"
    return DataError(which, needed=error.needed, got=error.got, try_=error.try_)


def _as_row(error: DataError) -> DataError:
    """Return an error about the first of rows as one about the only row."""
    which = re.sub(r"\Arows\[0\]", ROW, error.which)
    return DataError(which, needed=error.needed, got=error.got, try_=error.try_)
