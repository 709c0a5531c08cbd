"""`Model`: a trained network with what turns data into its inputs and its outputs into words.

The model file is in `model_file.py`. Knows rows and what they mean, not how networks are trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Dataset, JointTarget, Preprocessing, Target, TaskType, read_table
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array, Value, make_literal, make_parameter
from misstep.ir.float_errors import with_own_float_errors
from misstep.ir.masks import known_values
from misstep.modeling.intervals import Calibration, without_calibration
from misstep.modeling.metrics import Scores, target_scores
from misstep.modeling.model_card import card_text
from misstep.modeling.model_summary import summary_text
from misstep.modeling.training_rows import TrainingRows
from misstep.nn import Columns, Network, Sequential
from misstep.nn.losses import Loss
from misstep.offers import ask
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.plain import printable

if TYPE_CHECKING:
    from misstep.modeling.attribution import Attribution


@dataclass(frozen=True)
class RowGraph:
    """The network's graph for one row, with its own numbers in float64, to be explained.

    `output`: the raw output, (1, outputs). `loss`: one number, or None where the answer is not
    known. `features`: the row as the network takes it, (1, features). `parameters`, `hidden`:
    Values by name. `truth`: the answer as the loss takes it, or None. `flat`: the parameters one
    behind the other, (parameters,), of which those by name are parts.
    """

    features: Value
    output: Value
    loss: Value | None
    parameters: dict[str, Value]
    hidden: dict[str, Value]
    truth: Value | None = None
    flat: Value | None = None


class TrainedModel(ABC):
    """A trained network with what turns data into its inputs, and its outputs into predictions.

    `preprocessing`: from data to (rows, features). `target`: what is predicted. `facts`: about its
    training: rows, epochs, seed, scores. `notes`: on the last data it was given. `training_rows`:
    what is kept of them for explanations; None where a file of an earlier version holds nothing.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        preprocessing: Preprocessing,
        target: Target,
        facts: dict[str, Any],
    ) -> None:
        self.network = network
        self.loss = loss
        self.preprocessing = preprocessing
        self.target = target
        self.facts = facts
        self.notes: list[str] = []
        self.training_rows: TrainingRows | None = None

    @property
    @abstractmethod
    def purpose(self) -> str:
        """Return what it is for, as --task calls it."""

    def __repr__(self) -> str:
        """Return what it is: <Model: predicts Survived (two classes) from 12 features, …>."""
        features = counted(len(self.feature_names), "feature")
        learned = f", learned from {counted(rows, 'row')}" if (rows := self._rows()) else ""
        return printable(
            f"<{type(self).__name__}: predicts {self.target.name} ({self.target.task}) from "
            f"{features}{learned}; {self.network.parameter_count:,} parameters>"
        )

    def _repr_html_(self) -> str:
        """Return what is predicted, and the layers, for a notebook."""
        shown: str = ask("summary of a model")(self, (), ())
        return shown

    def _rows(self) -> int:
        rows = self.facts.get("rows")
        return rows if isinstance(rows, int) else 0

    @property
    def feature_names(self) -> list[str]:
        """Return a name for each input of the network."""
        return self.preprocessing.feature_names

    @abstractmethod
    def encode(self, data: Any) -> Array:
        """Return `data` as the network takes it, (rows, features); what was noticed is in `notes`.

        Raises DataError in words.
        """

    @abstractmethod
    @with_own_float_errors
    def predict(self, data: Any) -> Array:
        """Return the predictions for `data`. Raises DataError."""

    @abstractmethod
    @with_own_float_errors
    def evaluate(self, data: Any) -> Scores:
        """Return the scores on what of `data` has an answer. Raises DataError."""

    @with_own_float_errors
    def plot(self, kind: str, data: Any = None, ax: Any = None, **more: Any) -> Any:
        """Draw what it does on `data` on matplotlib's axes; return an `ms.plots.ModelDisplay`.

        kind: of classes "confusion" or "reliability", of numbers "residuals", of both
        "importance", "partial_dependence" or "words", of a series "forecast". data: rows with
        answers that it did not learn from. ax: what to draw on, by default a new figure; the
        display's `ax_` and `figure_` are what it was drawn on. more: as the display takes it.
        Raises ArgumentError for a kind that there is not for this model, DataError for data that
        can't be used, MisstepError without matplotlib (extra `plot`).
        """
        return ask("plot of a model")(self, kind, data, ax, **more)

    def to_onnx(self, path: Path | str) -> None:
        """Write the model to an ONNX file, for other tools to run.

        Of a table of numbers and categories it takes the columns as they stand, each (rows, 1), of
        images their pixels; of other data prepared rows x, as `encode` gives them, and what
        prepares them is in its metadata. Classes come as label and probabilities, numbers in
        their own unit. Raises MisstepError without the package onnx (extra `onnx`), StorageError
        where it can't be written.
        """
        ask("ONNX file of a model")(self, path)

    def outputs_of(self, features: Array) -> Array:
        """Return what the network says for encoded rows, (rows, features).

        Probabilities of the classes of `target`, (rows, classes), or standardized numbers, (rows,
        outputs).
        """
        outputs = self.network.predict(features, loss=self.loss)
        if self.target.task is TaskType.BINARY and outputs.shape[1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs

    def answers_of(self, features: Array) -> Array:
        """Return `outputs_of` rows that somebody asks about. Raises DataError where not finite.

        So it is with weights that grew beyond use, and with rows far beyond those of training.
        """
        return finite_answers(self.outputs_of(features))

    def card(self, name: str = "model", *, license_name: str = "") -> str:
        """Return its model card as Markdown: data, split, scores with intervals, limits.

        name: what it is called; license_name: under which license it may be used. What the file
        does not hold, the card says is not known; `misstep summary MODEL --card` also reads the run
        beside it.
        """
        return card_text(self, name, license_name=license_name)

    @abstractmethod
    def summary(self) -> str:
        """Return what is predicted, the layers and how training went, as text.

        The layers are called as `explain` calls their weights: dense1.weight. Multiply-adds are
        those of one row.
        """


class Model(TrainedModel):
    """A trained network that takes people's data: tables, frames, arrays, images.

    >>> import misstep as ms
    >>> import numpy as np
    >>> x = np.arange(40.0).reshape(20, 2)
    >>> _ = ms.Regressor(epochs=1).fit(x, x[:, 0]).save("model.misstep")
    >>> ms.load_model("model.misstep").predict(x).shape
    (20,)
    """

    # How far it was off on rows that it did not learn from; None where there were none, of classes,
    # and in a file of an earlier version.
    calibration: Calibration | None = None

    @property
    def purpose(self) -> str:
        """Return what it is for, as --task calls it: "classification" or "regression"."""
        return "regression" if self.target.is_number else "classification"

    def encode(self, data: Any) -> Array:
        """Return `data` as the network takes it, (rows, features); what was noticed is in `notes`.

        data: a path, table, frame or array with the columns of training; for images an array
        (rows, height, width[, channels]), the path of an image or a folder, or a list of paths;
        for sequences (rows, steps, channels) with NaN where a short one is filled up. Raises
        DataError in words.
        """
        known = known_values(data, "the data")
        features, self.notes = self.preprocessing.encode(known, self.target.name)
        return features

    def truth(self, data: Any) -> tuple[Array, Array] | None:
        """Return which rows of `data` have an answer, (rows,) bool, and those answers encoded.

        None when `data` holds no answers at all: a prediction is then all there is, and `notes`
        say why where that may surprise. Raises DataError for answers that can't be used.
        """
        if isinstance(data, np.ndarray) or self.target.is_joint:
            return None
        dataset = data if isinstance(data, Dataset) else read_table(data)
        column = dataset.answers(self.target.name)
        if column is None:
            return None
        name = self.target.name
        if self.preprocessing.learns_from(name):
            self.notes.append(
                f"no score: {name!r} is a column to predict from, as in training, whose answers "
                "of that name stood apart"
            )
            return None
        present = np.asarray(self.target.present(column))
        if not present.any():
            self.notes.append(f"no score: {name!r} has no answer in any row")
            return None
        encoded, notes = self.target.encode_with_notes(np.asarray(column)[present])
        self.notes += notes
        return present, encoded

    @with_own_float_errors
    def outputs(self, data: Any) -> Array:
        """Return probabilities of the classes, (rows, classes), or standardized numbers (rows, 1).

        The classes are those of `target.classes`, in their order.
        """
        return self.answers_of(self.encode(data))

    @with_own_float_errors
    def predict(self, data: Any) -> Array:
        """Return the prediction for each row: a class, or a number in the target's own unit.

        Of several numbers or labels (0 or 1) all, (rows, outputs).
        """
        return self.decide(self.outputs(data))

    @with_own_float_errors
    def predict_interval(self, data: Any, coverage: float = 0.9) -> Array:
        """Return between what the answer of each row lies, (rows, 2), in the target's own unit.

        Of rows from where those of training came, at least the share `coverage` lies inside, and
        hardly more; that holds over all rows, not for each kind of them. It goes by the errors on
        rows that were not learned from. Raises DataError, or ArgumentError where there are too few
        of these.

        >>> import misstep as ms
        >>> x = np.random.default_rng(0).normal(size=(300, 2))
        >>> ms.Regressor(epochs=5).fit(x, x[:, 0]).save("model.misstep")
        >>> ms.load_model("model.misstep").predict_interval(x, 0.9).shape
        (300, 2)
        """
        return self.interval_of(self.outputs(data), coverage)

    def interval_of(self, outputs: Array, coverage: float) -> Array:
        """Return what `predict_interval` does, of what the network said."""
        return self._calibrated("intervals").interval(outputs, coverage, self.target)

    @with_own_float_errors
    def predict_quantiles(self, data: Any, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Array:
        """Return what each of these shares of answers is not above, (rows, quantiles).

        As honest as `predict_interval`, on either side apart, and in need of more rows. Raises
        DataError or ArgumentError.
        """
        outputs = self.outputs(data)
        return self._calibrated("quantiles").quantiles(outputs, quantiles, self.target)

    def _calibrated(self, what: str) -> Calibration:
        if not self.target.is_number:
            raise DataError(
                what,
                needed="a number that is predicted",
                got=f"{self.target.task}",
                try_="probabilities of the classes",
            )
        if self.calibration is None:
            raise without_calibration(what)
        return self.calibration

    def decide(self, outputs: Array) -> Array:
        """Return the predictions that `outputs` mean."""
        if self.target.is_joint:
            return finite_answers(self.target.decode(outputs))
        if self.target.is_number:
            return finite_answers(self.target.decode_outputs(outputs.reshape(-1)))
        return self.target.decode(outputs.argmax(axis=1))

    def judge(self, outputs: Array, truth: Array) -> Scores:
        """Return the scores of `outputs` beside encoded answers `truth`, (rows,), by metric."""
        return target_scores(outputs, truth, self.target)

    @with_own_float_errors
    def evaluate(self, data: Any) -> Scores:
        """Return the scores on the rows of `data` that have an answer. Raises DataError."""
        known = self.truth(data)
        if known is None:
            raise DataError(
                "the data", needed=f"answers in a column {self.target.name!r}", got="none"
            )
        present, answers = known
        return self.judge(self.outputs(data)[present], answers)

    def part(self, output: int | str) -> Model:
        """Return the model of one answer alone, where this one predicts several for each row.

        output: its number, from 0, or its name. Raises ArgumentError.
        """
        target = self.target
        if not isinstance(target, JointTarget):
            raise ArgumentError("output", needed="a model of several answers", got="one of one")
        names = [str(name) for name in target.names]
        place = names.index(str(output)) if str(output) in names else output
        if not isinstance(place, int) or not 0 <= place < len(names):
            raise ArgumentError(
                "output",
                needed=f"one of {and_so_on(names, 12)}",
                got=repr(output),
                try_=f"output={target.names[0]!r}",
            )
        whole = self.network.module
        # A plain sequence keeps the names of its layers.
        layers = whole.layers if type(whole) is Sequential else (whole,)
        module = Sequential(*layers, Columns(place, place + 1))
        network = Network(module, self.network.input_shape, dtype=self.network.dtype)
        network.parameters = np.array(self.network.parameters)
        network.buffers = np.array(self.network.buffers)
        model = Model(network, self.loss, self.preprocessing, target.part(place), dict(self.facts))
        model.training_rows = self.training_rows
        return model

    @with_own_float_errors
    def explain(self, data: Any, row: int = 0, output: int | str | None = None) -> Attribution:
        """Return what is predicted for row `row` of data, from 0, and what each part did to that.

        data: as for `encode`; row: as in data[row]; from the end if below 0. output: which of
        several answers, by name or number. What is printed of it says how each number is to be
        checked. Raises DataError or ArgumentError.

        >>> import misstep as ms
        >>> x = [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 4.0]] * 10
        >>> ms.Regressor(epochs=5).fit(x, [each[0] for each in x]).save("model.misstep")
        >>> found = ms.load_model("model.misstep").explain(np.array(x), 2)
        >>> found.baseline
        {'column_1': 1.5, 'column_2': 4.75}
        >>> found.completeness_error < 0.01
        True
        """
        # Attributions know models; a model is only where people look for them.
        from misstep.modeling.attribution import attribute_row
        from misstep.modeling.single_row import rows_to_explain, take_row

        if self.target.is_joint or output is not None:
            if output is None:
                raise ArgumentError(
                    "output",
                    needed=f"which of the {self.target.outputs} answers to explain",
                    got="none",
                    try_="explain(X, row, output=0)",
                )
            return self.part(output).explain(data, row)
        rows, source = rows_to_explain(self, data)
        if -len(rows) <= row < 0:
            row += len(rows)
        return attribute_row(self, take_row(self, rows, row, source, first=0))

    def row_graph(self, features: Array, truth: Array | None = None) -> RowGraph:
        """Return the graph of one row with its own numbers, in float64.

        features: (1, features), as `encode` gives it; truth: its encoded answer, (1,), or None.
        """
        wide = Network(
            self.network.module,
            self.network.input_shape,
            dtype="float64",
            arrays=self.network.arrays(),
        )
        flat = make_parameter(wide.parameters, name="parameters")
        row = make_literal(np.asarray(features, "float64"), "float64").named("x")
        output, trace = wide.apply(row, flat)
        loss, answer = None, None
        if truth is not None:
            dtype = "int64" if self.loss.target_dtype == "int" else "float64"
            shaped = np.asarray(truth).reshape(self.loss.target_shape(output.shape))
            answer = make_literal(shaped.astype(dtype), dtype)
            loss = self.loss(output, answer)
        hidden = {name: value for name, value in trace.outputs.items() if value is not output}
        return RowGraph(row, output, loss, dict(trace.values), hidden, answer, flat)

    def summary(self) -> str:
        """Return what is predicted, the layers and how training went, as text."""
        heading = f"predicts {self.target.name}: {self.target.task}"
        if self.target.classes:
            heading += f" ({and_so_on([str(label) for label in self.target.classes], 12)})"
        if isinstance(self.target, JointTarget):
            heading += f" ({and_so_on([str(name) for name in self.target.names], 12)})"
        return summary_text(
            [heading],
            self.network,
            self.feature_names,
            self.facts,
            sample_name=self.preprocessing.sample_name,
        )


def check_one_answer(model: TrainedModel, what: str) -> None:
    """Raise ArgumentError where a model predicts several answers and `what` is of one."""
    if model.target.is_joint:
        raise ArgumentError(
            what,
            needed="one answer to each row",
            got=f"{model.target.task}",
            try_="model.part(output), of one answer alone; --answer NAME on the command line",
        )


def finite_answers(answers: Array) -> Array:
    """Return answers, (rows, …), all of them finite numbers. Raises DataError."""
    finite = np.isfinite(answers)
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise DataError(
            f"the prediction for row {row + 1}",
            needed="a finite number",
            got=str(answers[row][~finite[row]].flat[0]),
            try_="numbers of the size that it was trained on; if they are, the model is of no use",
        )
    return answers
