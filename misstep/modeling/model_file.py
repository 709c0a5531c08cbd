"""The model file: one container of arrays and JSON, without code, read with suspicion.

Every field is checked before it is used; memory is taken only for what the file really brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from misstep.data import JointTarget, SeriesWindows, Target, TaskType, preprocessing_from_json
from misstep.errors import FileFormatError, MisstepError
from misstep.ir import Array
from misstep.modeling.forecast import ForecastInterval, ForecastModel
from misstep.modeling.intervals import Calibration
from misstep.modeling.model import Model, TrainedModel
from misstep.modeling.training_rows import PREFIX, TrainingRows
from misstep.nn import Module, Network, build_loss, build_module, present_arrays
from misstep.nn.tracing import limited_rows
from misstep.storage import read_container, write_container

KIND = "model"
# What the errors of rows not learned from are called; no layer has a colon in its name.
ERRORS = f"{PREFIX}errors"
VERSION = 1
# More than any data people have in one row; it keeps sizes within what integers hold.
WIDEST = 10**8
# What one row may take on its way: 4 GB of numbers, and some ten seconds on one core. A large
# network for images of 224 × 224 pixels takes some 10⁸ and 2 · 10¹⁰ (VGG-16).
MOST_NUMBERS = 10**9
MOST_PRODUCTS = 10**12


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
    outlook: dict[str, Any] | None = None
    training_rows: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    # Layers and parameters that training leaves as they are; files without it have none.
    frozen: list[str] = Field(default_factory=list)


class _Facts(BaseModel):
    """Those facts that are not only shown, but read."""

    model_config = ConfigDict(extra="allow", strict=True)

    metrics: dict[str, dict[str, float]] = Field(default_factory=dict)


def save_model(model: TrainedModel, path: Path | str) -> None:
    """Write the model file, whole or not at all; the same model gives the same bytes.

    Raises StorageError; an earlier file is then as it was.
    """
    document: dict[str, Any] = {
        "network": model.network.module.configuration(),
        "input_shape": list(model.network.input_shape),
        "dtype": model.network.dtype,
        "loss": model.loss.configuration(),
        "preprocessing": model.preprocessing.to_json(),
        "target": model.target.to_json(),
        "facts": model.facts,
    }
    if isinstance(model, ForecastModel) and model.interval is not None:
        document["outlook"] = model.interval.to_json()
    if model.network.frozen:
        document["frozen"] = list(model.network.frozen)
    arrays = dict(model.network.arrays())
    if model.training_rows is not None:
        document["training_rows"], kept = model.training_rows.to_file()
        arrays |= kept
    if isinstance(model, Model) and model.calibration is not None:
        document["calibration"], arrays[ERRORS] = model.calibration.to_file()
    write_container(path, document, arrays, kind=KIND, version=VERSION)


def load_model(path: Path | str, modules: Iterable[type[Module]] = ()) -> TrainedModel:
    """Return the model in the file at `path`.

    `modules`: a person's own kinds of module that the network may hold. Opening a file never runs
    code from it. Raises StorageError or FileFormatError.

    >>> import misstep as ms
    >>> import numpy as np
    >>> x = np.arange(40.0).reshape(20, 2)
    >>> _ = ms.Classifier(epochs=1).fit(x, x[:, 0] > 20).save("model.misstep")
    >>> ms.load_model("model.misstep").target.classes
    (False, True)
    """
    container = read_container(path, kind=KIND, newest=VERSION)
    try:
        document = _Document.model_validate(container.document)
        _Facts.model_validate(document.facts)
        if not 1 <= min(document.input_shape) <= max(document.input_shape) <= WIDEST:
            raise FileFormatError(f"{path}: input_shape", needed=f"lengths from 1 to {WIDEST}")
        preprocessing = preprocessing_from_json(document.preprocessing)
        # Before anything is made that is as large as a shape says.
        if tuple(document.input_shape) != (preprocessing.number_of_features,):
            raise FileFormatError(
                f"{path}: the network",
                needed=f"{preprocessing.number_of_features} inputs",
                got=str(tuple(document.input_shape)),
            )
        weights, kept = _apart(container.arrays)
        with limited_rows(MOST_NUMBERS):
            network = Network(
                build_module(document.network, modules),
                tuple(document.input_shape),
                dtype=document.dtype,
                arrays=present_arrays(weights, document.network),
            )
        if document.frozen:
            network.freeze(*document.frozen)
        _check_numbers(network, str(path))
        _check_work(network, str(path))
        kind = JointTarget if "names" in document.target else Target
        target, loss = kind.from_json(document.target), build_loss(document.loss)
        if isinstance(target, JointTarget) and target.is_number and not target.centers:
            raise FileFormatError(f"{path}: the target", needed="a center of each number")
        outputs = target.outputs
        # One output tells two classes apart, but for a loss that has one for each.
        if target.task is TaskType.BINARY and loss.target_dtype != "int":
            outputs = 1
        if isinstance(preprocessing, SeriesWindows):
            outputs = preprocessing.horizon
        _check_together(network, outputs, str(path))
        if isinstance(preprocessing, SeriesWindows):
            stored = document.outlook
            interval = None if stored is None else ForecastInterval.from_json(stored)
            _check_interval(preprocessing, target, interval, str(path))
            return ForecastModel(network, loss, preprocessing, target, document.facts, interval)
        model = Model(network, loss, preprocessing, target, document.facts)
        if document.training_rows is not None:
            features = preprocessing.number_of_features
            model.training_rows = TrainingRows.from_file(document.training_rows, kept, features)
        if document.calibration is not None:
            errors = kept.get(ERRORS)
            model.calibration = Calibration.from_file(document.calibration, errors, outputs)
        return model
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise FileFormatError(f"{path}: {field}", got=str(first["msg"]).lower()) from error
    except MisstepError as error:
        if isinstance(error, FileFormatError) and str(path) in str(error):
            raise
        raise FileFormatError(
            f"{path}: {error.which}", needed=error.needed, got=error.got, try_=error.try_
        ) from error
    except (
        *(TypeError, ValueError, LookupError, OverflowError),
        *(MemoryError, RecursionError),
    ) as error:
        raise FileFormatError(f"{path}", needed="a model", got=str(error)[:300]) from error


def _apart(arrays: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the arrays of the network, and those of what is kept of the training rows."""
    kept = {name: array for name, array in arrays.items() if name.startswith(PREFIX)}
    return {name: array for name, array in arrays.items() if name not in kept}, kept


def _check_numbers(network: Network, what: str) -> None:
    """Raise FileFormatError for weights that are no finite numbers: nothing can be said by them."""
    for name, array in network.arrays().items():
        if not np.isfinite(array).all():
            raise FileFormatError(
                f"{what}: {name}",
                needed="finite numbers",
                got="NaN or infinity among them (not a number)",
                try_="the model of an earlier epoch, or training anew with a lower learning rate",
            )


def _check_work(network: Network, what: str) -> None:
    """Raise FileFormatError for a network whose one row takes more than a machine has."""
    products = sum(network.operations.values())
    for got, most, words in (
        (network.numbers_of_a_row, MOST_NUMBERS, "numbers"),
        (products, MOST_PRODUCTS, "multiply-adds"),
    ):
        if got > most:
            raise FileFormatError(
                f"{what}: the network", needed=f"at most {most:,} {words} for a row", got=f"{got:,}"
            )


def _check_together(network: Network, outputs: int, what: str) -> None:
    if network.output_shape != (outputs,):
        raise FileFormatError(
            f"{what}: the network", needed=f"{outputs} outputs", got=str(network.output_shape)
        )


def _check_interval(
    windows: SeriesWindows, target: Target, interval: ForecastInterval | None, what: str
) -> None:
    if not target.is_number or target.is_joint:
        raise FileFormatError(f"{what}: the target", needed="a number", got=target.task.value)
    if interval is None:
        return
    sizes = len(interval.lower), len(interval.tail), len(interval.tail[0])
    expected = windows.horizon, windows.window, len(windows.plan.columns)
    if sizes[0] != expected[0] or sizes[1] < expected[1] or sizes[2] != expected[2]:
        raise FileFormatError(
            f"{what}: outlook",
            needed=f"{expected[0]} errors and {expected[1]} rows of {expected[2]}",
            got=f"{sizes[0]} errors and {sizes[1]} rows of {sizes[2]}",
        )
    if bool(windows.plan.date) != bool(interval.seconds):
        raise FileFormatError(f"{what}: outlook", needed="dates if and only if the series has some")
