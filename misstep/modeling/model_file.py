"""The model file: one container of arrays and JSON, without code, read with suspicion.

Every field is checked before it is used; memory is taken only for what the file really brings.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from misstep.data import SeriesWindows, Target, TaskType, preprocessing_from_json
from misstep.errors import FileFormatError, MisstepError
from misstep.modeling.forecast import ForecastModel, Outlook
from misstep.modeling.model import Model
from misstep.nn import Module, Network, build_loss, build_module, present_arrays
from misstep.storage import read_container, write_container

KIND = "model"
VERSION = 1
# More than any data people have in one row; it keeps sizes within what integers hold.
WIDEST = 10**8


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


class _Facts(BaseModel):
    """Those facts that are not only shown, but read."""

    model_config = ConfigDict(extra="allow", strict=True)

    metrics: dict[str, dict[str, float]] = Field(default_factory=dict)


def save_model(model: Model, path: Path | str) -> None:
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
    if isinstance(model, ForecastModel) and model.outlook is not None:
        document["outlook"] = model.outlook.to_json()
    write_container(path, document, model.network.arrays(), kind=KIND, version=VERSION)


def load_model(path: Path | str, modules: Iterable[type[Module]] = ()) -> Model:
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
    found = read_container(path, kind=KIND, newest=VERSION)
    try:
        said = _Document.model_validate(found.document)
        _Facts.model_validate(said.facts)
        if not 1 <= min(said.input_shape) <= max(said.input_shape) <= WIDEST:
            raise FileFormatError(f"{path}: input_shape", needed=f"lengths from 1 to {WIDEST}")
        network = Network(
            build_module(said.network, modules),
            tuple(said.input_shape),
            dtype=said.dtype,
            arrays=present_arrays(found.arrays, said.network),
        )
        preprocessing = preprocessing_from_json(said.preprocessing)
        target, loss = Target.from_json(said.target), build_loss(said.loss)
        outputs = len(target.classes) if target.task is TaskType.MULTICLASS else 1
        if isinstance(preprocessing, SeriesWindows):
            outputs = preprocessing.horizon
        _check_together(network, preprocessing.number_of_features, outputs, str(path))
        if isinstance(preprocessing, SeriesWindows):
            outlook = None if said.outlook is None else Outlook.from_json(said.outlook)
            _check_outlook(preprocessing, target, outlook, str(path))
            return ForecastModel(network, loss, preprocessing, target, said.facts, outlook)
        return Model(network, loss, preprocessing, target, said.facts)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FileFormatError(f"{path}: {place}", got=str(first["msg"]).lower()) from error
    except FileFormatError as error:
        if str(path) in str(error):
            raise
        raise FileFormatError(f"{path}", needed="a model", got=str(error)) from error
    except (MisstepError, TypeError, ValueError, KeyError, MemoryError, RecursionError) as error:
        raise FileFormatError(f"{path}", needed="a model", got=str(error)[:300]) from error


def _check_together(network: Network, features: int, outputs: int, what: str) -> None:
    if network.input_shape != (features,):
        raise FileFormatError(
            f"{what}: the network", needed=f"{features} inputs", got=str(network.input_shape)
        )
    if network.output_shape != (outputs,):
        raise FileFormatError(
            f"{what}: the network", needed=f"{outputs} outputs", got=str(network.output_shape)
        )


def _check_outlook(
    windows: SeriesWindows, target: Target, outlook: Outlook | None, what: str
) -> None:
    if not target.is_number:
        raise FileFormatError(f"{what}: the target", needed="a number", got=target.task)
    if outlook is None:
        return
    sizes = len(outlook.lower), len(outlook.tail), len(outlook.tail[0])
    wanted = windows.horizon, windows.window, len(windows.plan.columns)
    if sizes[0] != wanted[0] or sizes[1] < wanted[1] or sizes[2] != wanted[2]:
        raise FileFormatError(
            f"{what}: outlook",
            needed=f"{wanted[0]} errors and {wanted[1]} rows of {wanted[2]}",
            got=f"{sizes[0]} errors and {sizes[1]} rows of {sizes[2]}",
        )
    if bool(windows.plan.date) != bool(outlook.seconds):
        raise FileFormatError(f"{what}: outlook", needed="dates if and only if the series has some")
