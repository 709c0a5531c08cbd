"""A trained model as an ONNX file: people's columns in, classes or numbers in their own unit out.

Where ONNX has no words for the preparation of rows, the file takes prepared rows, and what prepares
them stands beside as text (the model file's own JSON). Names of classes, of the target and of
features are metadata.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Target, TaskType
from misstep.data.targets import BEYOND
from misstep.interchange.onnx_export import count_rows, put_network
from misstep.interchange.onnx_preprocessing import DOUBLE, OPEN, STRING, put_preprocessing
from misstep.interchange.onnx_reading import Port
from misstep.interchange.onnx_writing import Written, write_onnx
from misstep.modeling import ForecastModel, TrainedModel
from misstep.onnx_operators.exporting import VERSION, Maker
from misstep.onnx_operators.node import CLASSIC_DOMAIN, ELEMENT_OF_DTYPE, OWN_DOMAIN, Node

# The version of ai.onnx.ml that goes with the version of the operators.
CLASSIC_VERSION = 3
ROWS = (2, 3)


def export_model(model: TrainedModel, path: Path | str) -> Written:
    """Write a trained model to an ONNX file and return what it holds.

    Raises MisstepError without the package `onnx` (extra `onnx`), StorageError where it can't be
    written.
    """
    written = model_written(model)
    write_onnx(written, path)
    return written


def model_written(model: TrainedModel) -> Written:
    """Return what the file of a model holds."""
    maker = Maker(ROWS)
    taken = ["x", "y", "label", "probabilities", "prediction", maker.count]
    maker.taken.update([*taken, *model.network.arrays()])
    found = put_preprocessing(maker, model.preprocessing)
    if found is None:
        features, dtype = "x", model.network.dtype
        ports = [Port("x", ELEMENT_OF_DTYPE[dtype], (OPEN, model.preprocessing.number_of_features))]
        notes = ["x: prepared rows; what prepares them is in preprocessing"]
        count_rows(maker, "x")
    else:
        ports, notes, write = found
        count_rows(maker, ports[0].name)
        features = write()
        if model.network.dtype != "float32":
            features = maker.cast(features, model.network.dtype)
    loss = None if isinstance(model, ForecastModel) else model.loss
    y = put_network(maker, model.network, features, loss)
    outputs = _outputs(maker, model, y)
    return Written(
        ports,
        outputs,
        maker.nodes,
        maker.arrays,
        {OWN_DOMAIN: VERSION, CLASSIC_DOMAIN: CLASSIC_VERSION},
        _metadata(model, notes, inside=found is not None),
        "model",
        f"predicts {model.target.name} ({model.target.task})",
    )


def _metadata(model: TrainedModel, notes: list[str], inside: bool) -> dict[str, str]:
    target = model.target
    metadata = {
        "task": model.purpose,
        "target": target.name,
        "inputs": "\n".join(notes),
        "features": json.dumps(model.feature_names, ensure_ascii=False),
        "sample": model.preprocessing.sample_name,
    }
    if target.classes:
        metadata["classes"] = json.dumps(
            [_plain(one) for one in target.classes], ensure_ascii=False
        )
    if not inside:
        metadata["preprocessing"] = json.dumps(model.preprocessing.to_json(), ensure_ascii=False)
    if isinstance(model, ForecastModel):
        metadata["answers"] = json.dumps(target.to_json(), ensure_ascii=False)
    return metadata


def _plain(label: Any) -> Any:
    return label if isinstance(label, str | bool | int | float) else str(label)


def _put(maker: Maker, name: str, wish: str) -> str:
    maker.nodes.append(Node("Identity", (name,), (wish,), {}, "", wish))
    return wish


def _outputs(maker: Maker, model: TrainedModel, y: str) -> list[Port]:
    target, dtype = model.target, model.network.dtype
    if isinstance(model, ForecastModel):
        _put(maker, y, "y")
        return [Port("y", ELEMENT_OF_DTYPE[dtype], (OPEN, *model.network.output_shape))]
    if target.is_number:
        _put(maker, _number(maker, target, y), "prediction")
        return [Port("prediction", DOUBLE, (OPEN,))]
    if target.task is TaskType.BINARY and _columns(model) == 1:
        one = maker.number(1.0, dtype)
        y = maker.node("Concat", [maker.node("Sub", [one, y]), y], axis=1)
    _put(maker, y, "probabilities")
    code = maker.node("ArgMax", [y], axis=1, keepdims=0)
    label, element = _label(maker, target, code)
    _put(maker, label, "label")
    return [
        Port("label", element, (OPEN,)),
        Port("probabilities", ELEMENT_OF_DTYPE[dtype], (OPEN, len(target.classes))),
    ]


def _columns(model: TrainedModel) -> int:
    return model.network.output_shape[0] if model.network.output_shape else 0


def _number(maker: Maker, target: Target, y: str) -> str:
    """Write numbers in the target's own unit for outputs of the network, (rows,)."""
    z = maker.cast(maker.reshaped(y, [ROWS]), "float64")

    def number(one: float) -> str:
        return maker.number(one, "float64")

    logarithm = target.logarithm
    if logarithm is not None:
        highest = (logarithm.highest - target.center) / target.scale + BEYOND
        z = maker.node("Min", [z, number(highest)])
    scaled = maker.node("Mul", [z, number(target.scale)])
    answer = maker.node("Add", [scaled, number(target.center)])
    if logarithm is None:
        return answer
    start = float(np.log(logarithm.knee))
    above = maker.node("Exp", [maker.node("Max", [answer, number(start)])])
    below = maker.node("Min", [maker.node("Sub", [answer, number(start)]), number(0.0)])
    tangent = maker.node("Mul", [below, number(logarithm.knee)])
    whole = maker.node("Add", [above, tangent])
    return maker.node("Sub", [whole, number(logarithm.offset)])


def _label(maker: Maker, target: Target, code: str) -> tuple[str, int]:
    """Write the class of each row, as its own kind of value; of several kinds, as texts."""
    classes = target.classes
    for kind, dtype in ((bool, "bool"), (int, "int64"), (float, "float64")):
        if all(type(one) is kind for one in classes):
            known = maker.constant(np.array(classes, dtype))
            return maker.node("Gather", [known, code], axis=0), ELEMENT_OF_DTYPE[dtype]
    label = maker.node(
        "LabelEncoder",
        [code],
        domain=CLASSIC_DOMAIN,
        keys_int64s=tuple(range(len(classes))),
        values_strings=tuple(str(one) for one in classes),
        default_string="",
    )
    return label, STRING
