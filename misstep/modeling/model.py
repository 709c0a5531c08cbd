"""`Model`: a trained network with what turns data into its inputs and its outputs into words.

The model file is in `model_file.py`. Knows rows and what they mean, not how networks are trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.data import Dataset, Preprocessing, Target, TaskType, read_table
from misstep.errors import DataError
from misstep.ir import Array, Value, make_literal, make_parameter
from misstep.modeling.scores import Scores, class_scores, number_scores, score_words
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.text.lists import and_so_on
from misstep.text.tables import in_columns
from misstep.train import Trainer


@dataclass(frozen=True)
class RowGraph:
    """The network's graph for one row, with its own numbers in float64, to be explained.

    `output`: the raw output, (1, outputs). `loss`: one number, or None where the answer is not
    known. `features`: the row as the network takes it, (1, features). `parameters`, `hidden`:
    Values by name.
    """

    features: Value
    output: Value
    loss: Value | None
    parameters: dict[str, Value]
    hidden: dict[str, Value]


class Model:
    """A trained network that takes people's data: tables, frames, arrays, images.

    `preprocessing`: from data to (rows, features). `target`: what is predicted. `facts`: about its
    training: rows, epochs, seed, scores. `notes`: on the last data it was given.

    >>> import misstep as ms
    >>> import numpy as np
    >>> x = np.arange(40.0).reshape(20, 2)
    >>> _ = ms.Regressor(epochs=1).fit(x, x[:, 0]).save("model.misstep")
    >>> ms.load_model("model.misstep").predict(x).shape
    (20,)
    """

    # What facts are called in a summary where that differs from what `FACTS` says.
    fact_names: ClassVar[dict[str, str]] = {}

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
        self._trainer = Trainer(network, loss=loss)

    @property
    def task(self) -> TaskType:
        """Return what there is to predict: two classes, several, or a number."""
        return self.target.task

    @property
    def purpose(self) -> str:
        """Return what it is for, as --task calls it: "classification" or "regression"."""
        return "regression" if self.target.is_number else "classification"

    @property
    def feature_names(self) -> list[str]:
        """Return a name for each input of the network."""
        return self.preprocessing.feature_names

    def encode(self, data: Any) -> Array:
        """Return `data` as the network takes it, (rows, features); what was noticed is in `notes`.

        data: a path, table, frame or array with the columns of training; for images an array
        (rows, height, width[, channels]), the path of an image or a folder, or a list of paths;
        for sequences (rows, steps, channels) with NaN where a short one is filled up. Raises
        DataError in words.
        """
        features, self.notes = self.preprocessing.encode(data, self.target.name)
        return features

    def truth(self, data: Any) -> tuple[Array, Array] | None:
        """Return which rows of `data` have an answer, (rows,) bool, and those answers encoded.

        None when `data` holds no answers at all: a prediction is then all there is.
        """
        if isinstance(data, np.ndarray):
            return None
        given = data if isinstance(data, Dataset) else read_table(data)
        column = given.answers(self.target.name)
        if column is None:
            return None
        present = np.asarray(self.target.present(column))
        if not present.any():
            return None
        encoded, notes = self.target.encode_with_notes(np.asarray(column)[present])
        self.notes += notes
        return present, encoded

    def outputs(self, data: Any) -> Array:
        """Return probabilities of the classes, (rows, classes), or standardized numbers (rows, 1).

        The classes are those of `target.classes`, in their order.
        """
        return self.outputs_of(self.encode(data))

    def outputs_of(self, features: Array) -> Array:
        """Return what `outputs` does for rows that are encoded, (rows, features)."""
        found = self._trainer.predict(features)
        if self.task is TaskType.BINARY:
            return np.concatenate([1 - found, found], axis=1)
        return found

    def predict(self, data: Any) -> Array:
        """Return the prediction for each row: a class, or a number in the target's own unit."""
        return self.decide(self.outputs(data))

    def decide(self, outputs: Array) -> Array:
        """Return the predictions that `outputs` mean."""
        if self.target.is_number:
            return self.target.decode(outputs.reshape(-1))
        return self.target.decode(outputs.argmax(axis=1))

    def judge(self, outputs: Array, truth: Array) -> Scores:
        """Return accuracy (with F1 and area under the curve), or RMSE, R² and MAE in its unit.

        outputs: as `outputs` gives them; truth: encoded answers, (rows,).
        """
        if self.target.is_number:
            return number_scores(self.decide(outputs), self.target.decode(truth))
        return class_scores(outputs, truth, self.target.rare)

    def evaluate(self, data: Any) -> Scores:
        """Return the scores on the rows of `data` that have an answer. Raises DataError."""
        known = self.truth(data)
        if known is None:
            raise DataError(
                "the data", needed=f"answers in a column {self.target.name!r}", got="none"
            )
        present, answers = known
        return self.judge(self.outputs(data)[present], answers)

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
        loss = None
        if truth is not None:
            kind = "int64" if self.loss.target_kind == "int" else "float64"
            shaped = np.asarray(truth).reshape(self.loss.target_shape(output.shape))
            loss = self.loss(output, make_literal(shaped.astype(kind), kind))
        hidden = {name: value for name, value in trace.outputs.items() if value is not output}
        return RowGraph(row, output, loss, dict(trace.values), hidden)

    def summary(self) -> str:
        """Return what is predicted, the layers and how training went, as text.

        The layers are called as `explain` calls their weights: dense1.weight. Multiply-adds are
        those of one row.
        """
        heads = ["name", "layer", "output", "parameters", "multiply-adds"]
        rows = [
            [
                str(layer["path"]),
                str(layer["layer"]),
                " × ".join(map(str, layer["output"])),
                f"{layer['parameters']:,}" if layer["parameters"] else "",
                f"{layer['operations']:,}" if layer["operations"] else "",
            ]
            for layer in self.network.summary()
        ]
        lines = [f"predicts {self.target.name}: {self.task}"]
        if self.target.classes:
            lines[0] += f" ({and_so_on([str(label) for label in self.target.classes], 12)})"
        lines += [
            "",
            in_columns(rows, heads, right=range(2, 5), indent=0),
            "",
            f"{self.network.parameter_count:,} parameters ({self.network.dtype}), "
            f"{len(self.feature_names):,} features, "
            f"{sum(self.network.operations.values()):,} multiply-adds a row",
        ]
        facts = {name: fact for name, fact in self.facts.items() if name != "metrics"}
        ordered = sorted(facts, key=[*FACTS, *facts].index)
        named = FACTS | self.fact_names
        lines += [f"{named.get(name, name)}: {_said(name, facts[name])}" for name in ordered]
        scores = self.facts.get("metrics", {})
        ordered = sorted(scores, key=[*SCORES, *scores].index)
        lines += ["", *(f"{SCORES.get(one, one)}: {score_words(scores[one])}" for one in ordered)]
        return "\n".join(lines).rstrip()


# What facts and scores are called in a summary, in the order in which they stand there.
FACTS = {
    "source": "learned from",
    "rows": "rows to learn from",
    "test_rows": "rows to be judged on",
    "epochs": "epochs",
    "updates": "updates of the weights",
    "batch_size": "rows that made a step together",
    "ended": "ended because",
    "seed": "seed",
}
SCORES = {
    "test": "test",
    "linear": "a linear model on the same rows",
    "last_value": "the last value on the same rows",
    "seasonal": "the season before on the same rows",
    "baseline": "a guess on the same rows",
    "validation": "validation",
}


def _said(name: str, fact: Any) -> str:
    counted = isinstance(fact, int) and not isinstance(fact, bool) and name != "seed"
    return f"{fact:,}" if counted else str(fact)
