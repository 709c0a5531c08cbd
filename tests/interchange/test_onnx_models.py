"""Trained models as ONNX files: columns in, classes and numbers out, as the model itself says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.cli import main

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
pandas = pytest.importorskip("pandas")

ROWS = 90
DRAW = np.random.default_rng(0)


def frame() -> Any:
    price, age = DRAW.lognormal(0, 2, ROWS), DRAW.normal(40, 10, ROWS)
    age[::7] = np.nan
    kind = DRAW.choice(["a", "b", "long word"], ROWS).astype(object)
    kind[::11] = None
    return pandas.DataFrame({"price": price, "age": age, "kind": kind})


FRAME = frame()
TEXTS = pandas.DataFrame(
    {"text": [" ".join(DRAW.choice(["good", "bad", "film", "plot"], 9)) for _ in range(ROWS)]}
)
LABELS = np.where(FRAME["price"] > 1, "yes", "no")
CASES: dict[str, tuple[Any, Any, Any]] = {
    "two classes": (ms.Classifier, FRAME, pandas.Series(LABELS, name="t")),
    "numbered classes": (
        ms.Classifier,
        FRAME,
        pandas.Series(DRAW.choice([3, 5, 9], ROWS), name="t"),
    ),
    "numbers": (ms.Regressor, FRAME, pandas.Series(FRAME["price"] * 3 + 1, name="t")),
    "an array": (ms.Classifier, DRAW.normal(size=(ROWS, 4)), DRAW.random(ROWS) > 0.5),
    "images": (
        ms.Classifier,
        DRAW.integers(0, 255, (ROWS, 8, 8)).astype("uint8"),
        np.arange(ROWS) % 3,
    ),
    "sequences": (ms.Classifier, DRAW.normal(size=(ROWS, 6, 2)), np.arange(ROWS) % 2),
    "texts": (ms.Classifier, TEXTS, pandas.Series(LABELS, name="t")),
}


def feeds_of(proto: Any, model: Any, x: Any) -> dict[str, Any]:
    if any(one.key == "preprocessing" for one in proto.metadata_props):
        return {"x": model.encode(x)}
    feeds = {}
    for port in proto.graph.input:
        if port.name == "x":
            images = port.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
            return {
                "x": np.asarray(x, "float32")[..., None] if images else np.asarray(x, "float64")
            }
        column = x[port.name]
        if port.type.tensor_type.elem_type == onnx.TensorProto.STRING:
            feeds[port.name] = np.array(
                [["" if pandas.isna(one) else str(one)] for one in column], object
            )
        else:
            feeds[port.name] = column.to_numpy("float64").reshape(-1, 1)
    return feeds


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_a_model_says_the_same_as_its_file(name: str, tmp_path: Path) -> None:
    kind, x, y = CASES[name]
    estimator = kind(epochs=1, random_state=0).fit(x, y)
    estimator.save(tmp_path / "m.misstep")
    model: Any = ms.load_model(tmp_path / "m.misstep")
    model.to_onnx(tmp_path / "m.onnx")
    proto = onnx.load(tmp_path / "m.onnx")
    evaluator = reference.ReferenceEvaluator(proto)
    found = dict(
        zip(evaluator.output_names, evaluator.run(None, feeds_of(proto, model, x)), strict=True)
    )
    expected = model.predict(x)
    metadata = {one.key: one.value for one in proto.metadata_props}
    assert json.loads(metadata["features"]) == model.feature_names
    assert ("preprocessing" in metadata) == (name in ("sequences", "texts"))
    if kind is ms.Regressor:
        np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5)
    else:
        assert json.loads(metadata["classes"]) == list(model.target.classes)
        np.testing.assert_allclose(found["probabilities"], model.outputs(x), rtol=0, atol=1e-5)
        assert (found["label"] == expected).all()


def test_a_forecasting_model_takes_prepared_rows(tmp_path: Path) -> None:
    estimator = ms.Forecaster(horizon=3, epochs=1, random_state=0)
    estimator.fit(np.sin(np.arange(80.0)))
    estimator.save(tmp_path / "m.misstep")
    model: Any = ms.load_model(tmp_path / "m.misstep")
    model.to_onnx(tmp_path / "m.onnx")
    proto = onnx.load(tmp_path / "m.onnx")
    assert {"preprocessing", "answers"} <= {one.key for one in proto.metadata_props}
    x = DRAW.normal(size=(4, model.preprocessing.number_of_features)).astype("float32")
    (y,) = reference.ReferenceEvaluator(proto).run(None, {"x": x})
    np.testing.assert_allclose(y, model.network.predict(x), rtol=1e-5, atol=1e-5)


def test_the_command_writes_a_file_and_says_what_it_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimator = ms.Classifier(epochs=1, random_state=0).fit(FRAME, CASES["two classes"][2])
    estimator.save(tmp_path / "m.misstep")
    model, file = str(tmp_path / "m.misstep"), str(tmp_path / "m.onnx")
    assert main(["export", model, file, "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["inputs"] == ["price", "age", "kind"]
    assert said["outputs"] == ["label", "probabilities"]
    assert said["prepared_rows"] is False
    assert main(["export", model, str(tmp_path / "m.txt")]) == 2
    assert ".onnx" in capsys.readouterr().err


def test_a_table_is_learned_on_a_network_others_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = ms.Sequential(ms.Dense(6), ms.ReLU(), ms.Dense(3))
    network = ms.Network(layers, input_shape=(2,), seed=3)
    network.to_onnx(tmp_path / "n.onnx", loss=ms.CrossEntropy())
    table = pandas.DataFrame(DRAW.normal(size=(ROWS, 2)), columns=["a", "b"])
    table["t"] = np.array(["p", "q", "r"])[np.arange(ROWS) % 3]
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "run"
    words = ["train", str(tmp_path / "t.csv"), "--target", "t", "--epochs", "1"]
    words += ["--network", str(tmp_path / "n.onnx"), "--train-last", "1", "--out", str(out)]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "without the Softmax at its end" in " ".join((captured.out + captured.err).split())
    model: Any = ms.load_model(out / "model.misstep")
    learned = model.network.arrays()
    before = ms.from_onnx(tmp_path / "n.onnx").arrays()
    # One layer stays bit for bit, the last one moves; both survive the model file.
    assert (learned["dense1.weight"] == before["dense1.weight"]).all()
    assert not (learned["dense2.weight"] == before["dense2.weight"]).all()
    assert model.network.frozen == ("dense1",)
    row = table.drop(columns="t").iloc[:1]
    assert model.predict(row).shape == (1,)


def test_images_are_learned_on_a_network_others_made(tmp_path: Path) -> None:
    layers = ms.Sequential(
        ms.Conv2D(3, 3, padding=1), ms.ReLU(), ms.GlobalAveragePool2D(), ms.Dense(5)
    )
    ms.Network(layers, input_shape=(8, 8, 1)).to_onnx(tmp_path / "n.onnx")
    _, x, y = CASES["images"]
    estimator = ms.Classifier(network=str(tmp_path / "n.onnx"), epochs=1, random_state=0)
    estimator.fit(x, y)
    assert estimator.predict(x[:4]).shape == (4,)
    told = " ".join(f"{one.what} {one.choice}" for one in estimator.decisions_)
    assert "replaced by one of 3 outputs" in told


def test_without_the_package_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    network = ms.Network(ms.Dense(2), input_shape=(3,))
    with pytest.raises(ms.MisstepError, match=r"misstep\[onnx\]"):
        network.to_onnx(tmp_path / "n.onnx")
    (tmp_path / "n.onnx").write_bytes(b"x")
    with pytest.raises(ms.MisstepError, match="needed the package onnx"):
        ms.from_onnx(tmp_path / "n.onnx")
