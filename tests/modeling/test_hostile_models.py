"""Model files of strangers: what they would take is counted before it is taken."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError
from misstep.storage import read_container, write_container

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Array]]:
    path = tmp_path_factory.mktemp("seed") / "model.misstep"
    x = np.random.default_rng(0).normal(size=(60, 4))
    ms.Classifier(network="dense4", epochs=1).fit(x, (x[:, 0] > 0).astype(int)).save(path)
    container = read_container(path, kind="model", newest=1)
    return container.document, container.arrays


def refused(path: Path, document: dict[str, Any], arrays: dict[str, Array]) -> str:
    """Return what is said of a file with this content, which must come in a moment."""
    write_container(path, document, arrays, kind="model", version=1)
    began = time.process_time()
    with pytest.raises(FileFormatError) as caught:
        ms.load_model(path)
    assert time.process_time() - began < 5
    return str(caught.value)


def test_layers_that_double_on_each_level_are_refused(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path
) -> None:
    inner: dict[str, Any] = {"kind": "Dropout", "rate": 0.0}
    for _ in range(40):
        inner = {"kind": "Sequential", "layers": [inner, {"again": 1}]}
    words = refused(tmp_path / "m.misstep", {**seed[0], "network": inner}, {})
    assert "calls of layers" in words


def test_more_axes_than_arrays_have_are_refused(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path
) -> None:
    inner: dict[str, Any] = {"kind": "ReLU"}
    for _ in range(45):
        inner = {"kind": "Ensemble", "members": 1, "layers": [inner]}
    assert "axes" in refused(tmp_path / "m.misstep", {**seed[0], "network": inner}, {})


def test_a_layer_that_stands_there_again_is_not_written_again() -> None:
    layer: ms.Module = ms.ReLU()
    for _ in range(40):
        layer = ms.Sequential(layer, layer)
    assert len(repr(layer)) < 4000
    assert repr(ms.Sequential(ms.ReLU(), ms.ReLU())) == "Sequential(ReLU(), ReLU())"


def test_more_inputs_than_the_data_have_are_refused_before_anything_is_made(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path
) -> None:
    network = {"kind": "Sequential", "layers": [{"kind": "ReLU"}]}
    document = {**seed[0], "input_shape": [3 * 10**7], "network": network}
    assert "needed 4 inputs" in refused(tmp_path / "m.misstep", document, {})


@pytest.mark.parametrize(
    "layers",
    [
        [{"kind": "UpSample1D", "factor": 10**12}, {"kind": "GlobalAveragePool1D"}],
        [{"kind": "UpSample1D", "factor": 10**7}] * 3 + [{"kind": "GlobalAveragePool1D"}],
        [{"kind": "UpSample1D", "factor": 10**5}, {"kind": "SelfAttention", "heads": 1}],
        *(
            [{"kind": "Conv1DTranspose", "filters": 1} | sizes, {"kind": "GlobalAveragePool1D"}]
            for sizes in (
                {"kernel": 1, "stride": 10**6},
                {"kernel": 10**9, "stride": 10**4},
                {"kernel": 10**40},
                {"kernel": 2, "dilation": 10**40},
            )
        ),
    ],
)
def test_a_row_that_would_take_all_memory_is_refused(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path, layers: list[dict[str, Any]]
) -> None:
    every = [{"kind": "Reshape", "shape": [4, 1]}, *layers, {"kind": "Dense", "units": 1}]
    document = {**seed[0], "network": {"kind": "Sequential", "layers": every}}
    weights = {"dense1.weight": np.zeros((1, 1), "f4"), "dense1.bias": np.zeros(1, "f4")}
    words = refused(tmp_path / "m.misstep", document, weights)
    assert "numbers" in words or "kind of layer" in words or "needed" in words


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path, number: float
) -> None:
    document, arrays = seed
    name = sorted(each for each in arrays if each.endswith("weight"))[0]
    damaged = {**arrays, name: np.full_like(arrays[name], number)}
    assert name in refused(tmp_path / "m.misstep", document, damaged)


def test_weights_that_overflow_give_no_answer_instead_of_none(
    seed: tuple[dict[str, Any], dict[str, Array]], tmp_path: Path
) -> None:
    large = {
        name: np.full_like(array, 3e38) if array.dtype == np.float32 else array
        for name, array in seed[1].items()
    }
    large["dense2.weight"][::2] *= -1
    path = tmp_path / "m.misstep"
    write_container(path, seed[0], large, kind="model", version=1)
    model = ms.load_model(path)
    rows = np.ones((3, 4)) * [[0.0], [-900.0], [900.0]]
    for ask in (model.predict, model.outputs, model.explain):
        with pytest.raises(ms.DataError, match="needed a finite number"):
            ask(rows[::-1])
