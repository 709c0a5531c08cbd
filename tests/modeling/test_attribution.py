"""What moved a prediction, measured; rows and weights found as people call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.modeling.attribution import attribute
from misstep.modeling.weight_names import find_weight


@pytest.fixture(scope="module")
def flowers() -> pandas.DataFrame:
    random = np.random.default_rng(0)
    kinds = np.repeat(["iris", "lily", "rose"], 20)
    length = random.normal(np.repeat([5.0, 3.0, 1.0], 20), 0.4)
    return pandas.DataFrame({"length": length, "width": random.normal(size=60), "kind": kinds})


@pytest.fixture(scope="module")
def model(flowers: pandas.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("model") / "model.misstep"
    classifier = ms.Classifier(network="dense8-relu", epochs=5)
    classifier.fit(flowers[["length", "width"]], flowers["kind"]).save(path)
    return ms.load_model(path)


def test_a_frame_and_a_path_are_the_same_rows(
    model: Any, flowers: pandas.DataFrame, tmp_path: Path
) -> None:
    table = flowers.rename(columns={"kind": model.target.name})
    table.to_csv(tmp_path / "flowers.csv", index=False)
    frame, path = (attribute(model, data, 3) for data in (table, tmp_path / "flowers.csv"))
    assert frame.answer == path.answer == "iris"
    assert frame.error == path.error
    assert [each.name for each in frame.inputs] == [each.name for each in path.inputs]
    assert frame.row.number == 3
    assert frame.row.cells[0] == pytest.approx(flowers["length"][2])


def test_a_contribution_is_what_replacing_a_cell_does(model: Any, flowers: Any) -> None:
    rows = flowers[["length", "width"]]
    attribution = attribute(model, rows, 30)
    assert attribution.answer is None
    assert attribution.error is None
    labels = [str(label) for label in model.target.classes]
    place = labels.index(attribution.prediction)
    before = model.outputs(rows)[29, place]
    for each in attribution.inputs:
        moved = rows[29:30].assign(**{each.name: each.replacement})
        after = model.outputs(moved)[0, place]
        assert each.replaced == pytest.approx(after, rel=1e-5)
        odds = [np.log(p / (1 - p)) for p in (float(before), float(after))]
        assert each.contribution == pytest.approx(odds[0] - odds[1], rel=1e-3, abs=1e-4)


def test_the_runner_up_of_a_wrong_prediction_is_the_answer(
    model: Any, flowers: pandas.DataFrame
) -> None:
    wrong = flowers[:1].assign(**{model.target.name: "rose"})
    attribution = attribute(model, wrong)
    assert attribution.prediction == "iris"
    assert attribution.runner_up == attribution.answer == "rose"
    assert not attribution.correct


def test_neurons_are_taken_after_their_activation(model: Any, flowers: pandas.DataFrame) -> None:
    attribution = attribute(model, flowers[["length", "width"]], 1)
    assert len(attribution.neurons) == 8
    assert attribution.more_neurons == 0
    assert all(each.value >= 0 and each.name.startswith("dense1[") for each in attribution.neurons)


def test_a_silent_neuron_is_measured(model: Any, flowers: pandas.DataFrame) -> None:
    attribution = attribute(model, flowers[["length", "width"]], 1)
    graph = attribution.graph
    weights = {name: value.numpy() for name, value in graph.parameters.items()}
    place = [str(label) for label in model.target.classes].index(attribution.prediction)
    before = graph.features.numpy() @ weights["dense1.weight"] + weights["dense1.bias"]
    hidden = np.maximum(before, 0)

    def odds(values: Any) -> float:
        output = (values @ weights["dense2.weight"] + weights["dense2.bias"])[0]
        return float(output[place] - np.logaddexp.reduce(np.delete(output, place)))

    for each in attribution.neurons:
        silent = hidden.copy()
        silent[0, each.index[0]] = 0
        assert each.contribution == pytest.approx(odds(hidden) - odds(silent), abs=1e-9)


def test_a_row_that_is_not_there_is_refused(model: Any, flowers: pandas.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="row=61: needed a row of the data from 1 to 60"):
        attribute(model, flowers[["length", "width"]], 61)


@pytest.mark.parametrize(
    ("weight", "index"),
    [("dense1.weight", None), ("dense1.weight[1,3]", (1, 3)), (" dense2.bias[ 2 ]", (2,))],
)
def test_a_weight_is_found_by_its_name(model: Any, weight: str, index: Any) -> None:
    graph = model.row_graph(np.zeros((1, 2)))
    name, value, found = find_weight(graph, weight)
    assert graph.parameters[name] is value
    assert found == index


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ("dense1.weigh", "Try: 'dense1.weight', the nearest name"),
        ("dense1.weight[1,9]", r'Try: weight="dense1.weight\[1,7\]"'),
        ("dense1.weight[1]", r"needed an entry from dense1.weight\[0,0\] to dense1.weight\[1,7\]"),
        ("dense1.weight[a,b]", "needed an entry from"),
    ],
)
def test_a_weight_that_is_not_there_is_refused(model: Any, weight: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        find_weight(model.row_graph(np.zeros((1, 2))), weight)
