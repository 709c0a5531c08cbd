"""`Model`: a trained network with what turns data into its inputs and its outputs into words.

The model file holds arrays and JSON, no code; what is read is checked field by field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from misstep.data import Target, preprocessing_from_json
from misstep.errors import FileFormatError, MisstepError
from misstep.ir import Array, make_literal, make_parameter
from misstep.nn import Loss, Network, build_loss, build_module
from misstep.storage import read_container, write_container
from misstep.train import Trainer

KIND = "model"
VERSION = 1


class _Document(BaseModel):
    """What a model file says, beside its arrays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    network: dict[str, Any]
    input_shape: list[int] = Field(min_length=1, max_length=8)
    dtype: str
    loss: dict[str, Any]
    preprocessing: dict[str, Any]
    target: dict[str, Any]
    facts: dict[str, Any]


class Model:
    """A trained network that takes people's data.

    `preprocessing`: data → (rows, features). `target`: what is predicted. `facts`: about its
    training: rows, epochs, seed, scores. `notes`: on the last data it was given.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        preprocessing: Any,
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
    def task(self) -> str:
        """Return "two classes", "several classes" or "number"."""
        return str(self.target.kind)

    def encode(self, data: Any) -> Array:
        """Return `data` as the network takes it, (rows, features); notes go to `notes`."""
        self.notes = []
        if hasattr(self.preprocessing, "transform_with_notes"):
            features, self.notes = self.preprocessing.transform_with_notes(data)
            return np.asarray(features)
        return np.asarray(self.preprocessing.transform(data))

    def outputs(self, data: Any) -> Array:
        """Return probabilities of the classes, (rows, classes), or standardized numbers."""
        found = self._trainer.predict(self.encode(data))
        if self.task == "two classes":
            ones = found.reshape(-1, 1)
            return np.concatenate([1 - ones, ones], axis=1)
        return found

    def predict(self, data: Any) -> Array:
        """Return the prediction for each row: a class, or a number in the target's own unit."""
        return self.decide(self.outputs(data))

    def decide(self, outputs: Array) -> Array:
        """Return the predictions that `outputs` mean."""
        if self.target.is_number:
            return np.asarray(self.target.decode(outputs.reshape(-1)))
        return np.asarray(self.target.class_array[outputs.argmax(axis=1)])

    def metrics(self, data: Any, truth: Any) -> dict[str, float]:
        """Return accuracy, or RMSE and R² in the target's unit, for rows with known targets."""
        return self.judge(self.outputs(data), truth)

    def judge(self, outputs: Array, truth: Any) -> dict[str, float]:
        """Return the scores of `outputs` against the target column `truth`."""
        if not self.target.is_number:
            right = outputs.argmax(axis=1) == np.asarray(self.target.encode(truth)).reshape(-1)
            return {"accuracy": float(right.mean())}
        wanted = np.asarray(self.target.decode(np.asarray(self.target.encode(truth)).reshape(-1)))
        return number_scores(self.decide(outputs), wanted)

    def row_values(self, features: Array, truth: Array | None) -> dict[str, Any]:
        """Return the graph of one row with its own numbers, in float64, to be explained.

        features: (1, features); truth: the encoded target, (1,), or None. The result holds
        `parameters` and `layers` by name, `output`, and `loss` (None without truth).
        """
        network = Network(self.network.module, self.network.input_shape, dtype="float64", seed=0)
        flat = make_parameter(self.network.parameters.astype("float64"), name="parameters")
        row = make_literal(features.astype("float64"), "float64")
        output, trace = network.apply(row, flat)
        loss = None
        if truth is not None:
            kind = "int64" if self.loss.target_kind == "int" else "float64"
            shaped = np.asarray(truth).reshape(self.loss.target_shape(output.shape))
            loss = self.loss(output, make_literal(shaped.astype(kind), kind))
        return {"parameters": trace.values, "layers": trace.outputs, "output": output,
                "loss": loss, "trace": trace, "flat": flat}  # fmt: skip

    def summary(self) -> str:
        """Return the network, the target and how training went, as text."""
        rows = [("layer", "output", "parameters")]
        rows += [
            (str(one["layer"]), str(one["output"]), f"{one['parameters']:,}")
            for one in self.network.summary()
        ]
        wide = [max(len(row[place]) for row in rows) for place in range(3)]
        lines = [f"predicts {self.target.name}: {self.task}", ""]
        lines += ["  ".join(cell.ljust(wide[place]) for place, cell in enumerate(row)).rstrip()
                  for row in rows]  # fmt: skip
        lines += ["", f"{self.network.parameter_count:,} parameters, {self.network.dtype}",
                  f"{self.preprocessing.number_of_features} features"]  # fmt: skip
        lines += [f"{name.replace('_', ' ')}: {fact}" for name, fact in self.facts.items()]
        return "\n".join(lines)

    def save(self, path: Path | str) -> None:
        """Write the model file, whole or not at all; the same model gives the same bytes."""
        document = {
            "network": self.network.module.configuration(),
            "input_shape": list(self.network.input_shape),
            "dtype": self.network.dtype,
            "loss": self.loss.configuration(),
            "preprocessing": self.preprocessing.to_json(),
            "target": self.target.to_json(),
            "facts": self.facts,
        }
        write_container(path, document, self.network.arrays(), kind=KIND, version=VERSION)


def load_model(path: Path | str) -> Model:
    """Return the model in the file at `path`.

    Opening a file never runs code. Raises StorageError or FileFormatError.
    """
    found = read_container(path, kind=KIND, newest=VERSION)
    try:
        said = _Document.model_validate(found.document)
        if max(said.input_shape) > 10**8 or min(said.input_shape) < 1:
            raise FileFormatError(f"{path}", needed="a sensible input shape")
        biggest = sum(array.size for array in found.arrays.values())
        module = build_module(said.network)
        if _units(said.network) > biggest:
            raise FileFormatError(f"{path}", needed="weights for every layer", got="too few")
        network = Network(module, tuple(said.input_shape), dtype=said.dtype)
        network.load(found.arrays)
        preprocessing = preprocessing_from_json(said.preprocessing)
        return Model(
            network, build_loss(said.loss), preprocessing, Target.from_json(said.target), said.facts
        )
    except FileFormatError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FileFormatError(f"{path}: {place}", got=str(first["msg"]).lower()) from error
    except (MisstepError, TypeError, ValueError, KeyError, MemoryError, RecursionError) as error:
        raise FileFormatError(f"{path}", needed="a model", got=str(error)[:300]) from error


def number_scores(predicted: Array, wanted: Array) -> dict[str, float]:
    """Return RMSE and R² of predictions against what was wanted, both (rows,)."""
    error = np.asarray(predicted, "float64") - np.asarray(wanted, "float64")
    around = float(((wanted - wanted.mean()) ** 2).sum())
    r2 = 1 - float((error**2).sum()) / around if around else 0.0
    return {"rmse": float(np.sqrt((error**2).mean())), "r2": r2}


def _units(configuration: Any) -> int:
    """Return the largest number of units that a file claims, before anything that large is made."""
    if isinstance(configuration, dict):
        own = configuration.get("units")
        claims = [own if isinstance(own, int) else 0]
        return max(claims + [_units(one) for one in configuration.values()])
    if isinstance(configuration, list):
        return max([_units(one) for one in configuration], default=0)
    return 0
