"""The backward pass of one row, worked out again by hand and by finite differences."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from trained_for_judgment import pair, trained

import misstep as ms
from misstep.data import read_table
from misstep.errors import ArgumentError
from misstep.explain import explain
from misstep.ir import Array
from misstep.modeling import Blame, Model, blame_of, load_model, mistakes_of
from misstep.modeling.judgment import blame as blaming
from misstep.modeling.judgment.layer_chain import Ways, handed_back
from misstep.nn import Network


def worst(kind: str) -> tuple[Model, Array, Array]:
    model, held_out = pair(kind)
    first = mistakes_of(model, held_out).worst[0]
    return model, first.features, first.truth


def wide(model: Model) -> dict[str, Array]:
    return {name: array.astype(np.float64) for name, array in model.network.arrays().items()}


def loss_with(model: Model, arrays: dict[str, Array], features: Array, truth: Array) -> float:
    """Return the row's loss of a network with other numbers."""
    network = Network(model.network.module, model.network.input_shape, dtype="float64")
    network.load(arrays)
    other = Model(network, model.loss, model.preprocessing, model.target, {})
    graph = other.row_graph(features, truth)
    assert graph.loss is not None
    return float(np.asarray(graph.loss.numpy()))


def test_a_dense_network_is_that_of_a_calculation_by_hand() -> None:
    model, features, truth = worst("houses")
    blame = blame_of(model, features, truth)
    weights = wide(model)
    x = features[0].astype(np.float64)
    z = x @ weights["dense1.weight"] + weights["dense1.bias"]
    a = np.maximum(z, 0)
    out = a @ weights["dense2.weight"] + weights["dense2.bias"]
    error = float(out[0]) - float(truth[0])
    by_out = 2 * error
    by_a = by_out * weights["dense2.weight"][:, 0]
    by_z = by_a * (z > 0)
    by_x = weights["dense1.weight"] @ by_z
    assert blame.loss == pytest.approx(error**2)
    inputs, hidden, output = blame.layers
    assert [each.name for each in blame.layers] == ["inputs", "dense1", "output"]
    for layer, values, slopes in ((inputs, x, by_x), (hidden, a, by_a), (output, out, [by_out])):
        assert layer.norm == pytest.approx(np.linalg.norm(slopes))
        for unit in layer.units:
            at = unit.index[0]
            assert unit.activation == pytest.approx(values[at])
            assert unit.gradient == pytest.approx(slopes[at])
            assert unit.contribution == pytest.approx(values[at] * slopes[at])
    sizes = [abs(unit.contribution) for unit in hidden.units]
    assert sizes == sorted(sizes, reverse=True)
    assert [unit.name for unit in inputs.units if unit.index == (0,)] == ["area"]
    for link in blame.links:
        start = blame.layers[link.layer].units[link.start].index[0]
        end = blame.layers[link.layer + 1].units[link.end].index[0]
        name = ("dense1.weight", "dense2.weight")[link.layer]
        slope = (by_z, [by_out])[link.layer][end]
        value = (x, a)[link.layer][start]
        assert link.weight == pytest.approx(weights[name][start, end])
        assert link.handed == pytest.approx(weights[name][start, end] * slope)
        assert link.gradient == pytest.approx(value * slope)
        assert link.weight_name == f"{name}[{start},{end}]"
    first = blame.weights[0]
    gradients = {"dense1.weight": np.outer(x, by_z), "dense1.bias": by_z}
    gradients |= {"dense2.weight": (a * by_out)[:, None], "dense2.bias": np.array([by_out])}
    largest = max(np.abs(each).max() for each in gradients.values())
    assert abs(first.gradient) == pytest.approx(largest)
    assert gradients[first.path][first.index] == pytest.approx(first.gradient)
    assert blame.notes == ()


def test_silencing_a_neuron_is_what_is_said_of_it() -> None:
    model, features, truth = worst("houses")
    blame = blame_of(model, features, truth)
    for neuron in blame.neurons[:3]:
        arrays = wide(model)
        arrays["dense2.weight"][neuron.index[0]] = 0
        without = loss_with(model, arrays, features, truth)
        assert neuron.contribution == pytest.approx(blame.loss - without, abs=1e-9)


@pytest.mark.parametrize("kind", ["houses", "passengers", "messages", "pictures", "recordings"])
def test_all_units_together_hand_back_the_whole_gradient(kind: str) -> None:
    model, features, truth = worst(kind)
    graph = model.row_graph(features, truth)
    chain = Ways(model.network, graph).chain
    _, gradients = blaming._backward(graph, chain)
    assert chain[0].name == "inputs"
    assert chain[-1].name == "output"
    checked = 0
    for before, after in itertools.pairwise(chain):
        if before.name == "inputs" and kind in ("messages", "recordings"):
            # Inputs reach other branches, or layers without weights, as well.
            continue
        units = len(after.by_unit(gradients[after.raw]))
        links = handed_back(before, after, gradients, range(units))
        whole = before.by_unit(gradients[before.value]).sum(axis=1)
        sums = np.zeros(len(whole))
        for link in links:
            sums[link.start] += link.handed
        assert sums == pytest.approx(whole, abs=1e-9)
        checked += 1
    assert checked


@pytest.mark.parametrize("kind", ["passengers", "pictures", "recordings"])
def test_gradients_of_inputs_are_slopes_that_can_be_measured(kind: str) -> None:
    model, features, truth = worst(kind)
    blame = blame_of(model, features, truth)
    inputs = model.preprocessing.inputs(None)[0]
    step = 1e-4
    for unit in blame.layers[0].units[:3]:
        at = inputs.features_of(unit.index[0]) if inputs.alike else np.array([unit.index[0]])
        ends = []
        for sign in (1, -1):
            moved = features.astype(np.float64)
            moved[0, at] += sign * step
            graph = model.row_graph(moved, truth)
            assert graph.loss is not None
            ends.append(float(np.asarray(graph.loss.numpy())))
        assert unit.gradient == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-3, abs=1e-7)
        assert unit.activation == pytest.approx(features[0, at].mean(), rel=1e-5)


def test_plain_descent_is_computed_and_not_guessed() -> None:
    model, features, truth = worst("passengers")
    blame = blame_of(model, features, truth, learning_rate=0.5)
    (update,) = blame.updates
    assert (update.rule, update.own, update.learning_rate) == ("gradient descent", False, 0.5)
    graph = model.row_graph(features, truth)
    assert graph.loss is not None
    names = list(graph.parameters)
    slopes = ms.gradient(graph.loss, list(graph.parameters.values()))
    arrays = wide(model)
    for name, slope in zip(names, slopes, strict=True):
        arrays[name] = arrays[name] - 0.5 * np.asarray(slope.numpy())
    assert update.loss_before == pytest.approx(blame.loss)
    assert update.loss_after == pytest.approx(loss_with(model, arrays, features, truth))
    assert update.loss_after < update.loss_before
    assert update.said_after > update.said_before
    for weight in update.weights:
        assert weight.after == pytest.approx(arrays[weight.path][weight.index])
        assert weight.after == pytest.approx(weight.before - 0.5 * weight.gradient)
    moves = [abs(weight.after - weight.before) for weight in update.weights]
    assert moves == sorted(moves, reverse=True)
    before = wide(model)
    change = np.sqrt(sum(((arrays[name] - before[name]) ** 2).sum() for name in names))
    size = np.sqrt(sum((before[name] ** 2).sum() for name in names))
    assert update.moved == pytest.approx(change)
    assert update.share == pytest.approx(change / size)


def test_the_own_optimizer_goes_on_from_what_it_kept() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    table = read_table({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] * 2 + x[:, 1]})
    options = ms.modeling.Options(target="y", network="dense4", epochs=2, learning_rate=0.01)
    result = ms.modeling.train(table, options)
    model, held_out, trainer = result.model, result.held_out, result.trainer
    assert isinstance(model, Model)
    assert held_out is not None
    features, truth = held_out.x[:1], held_out.answers[:1]
    plain, own = blame_of(model, features, truth, trainer=trainer).updates
    state, optimizer = trainer.state, trainer.optimizer
    assert state is not None
    assert isinstance(optimizer, ms.Adam)
    assert (own.rule, own.own, own.begun_anew) == (type(optimizer).__name__, True, False)
    assert plain.learning_rate == optimizer.learning_rate
    # By hand, for all weights at once.
    graph = model.row_graph(features, truth)
    assert graph.loss is not None
    assert graph.flat is not None
    gradient = np.asarray(ms.gradient(graph.loss, graph.flat).numpy())
    before = state.parameters.astype(np.float64)
    means, squares = (each.astype(np.float64) for each in state.optimizer_state)
    means = optimizer.beta1 * means + (1 - optimizer.beta1) * gradient
    squares = optimizer.beta2 * squares + (1 - optimizer.beta2) * gradient**2
    count, rate = state.update + 1, optimizer.learning_rate
    step = means / (1 - optimizer.beta1**count)
    step /= np.sqrt(squares / (1 - optimizer.beta2**count)) + optimizer.epsilon
    decay = rate * optimizer.weight_decay if isinstance(optimizer, ms.AdamW) else 0.0
    after = before * (1 - decay) - rate * step
    assert own.moved == pytest.approx(np.linalg.norm(after - before), rel=1e-6)
    arrays = model.network.arrays(after)
    assert own.loss_after == pytest.approx(loss_with(model, arrays, features, truth), rel=1e-6)
    for weight in own.weights:
        assert weight.after == pytest.approx(arrays[weight.path][weight.index], rel=1e-6)


def test_weights_that_are_frozen_do_not_move() -> None:
    model, features, truth = worst("houses")
    model.network.freeze("dense2")
    try:
        (update,) = blame_of(model, features, truth, learning_rate=0.1).updates
    finally:
        model.network.unfreeze("dense2")
    assert {weight.path for weight in update.weights} <= {"dense1.weight", "dense1.bias"}
    (free,) = blame_of(model, features, truth, learning_rate=0.1).updates
    assert free.moved > update.moved > 0


def test_a_network_without_hidden_layers_is_blamed_as_well(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(60, 3))
    fitted = ms.Regressor(network=ms.Dense(1), epochs=2).fit(x, x @ [1.0, -2.0, 0.5])
    fitted.save(tmp_path / "line.misstep")
    model = load_model(tmp_path / "line.misstep")
    assert isinstance(model, Model)
    features = model.encode(x[:1])
    blame = blame_of(model, features, np.zeros(1))
    inputs, output = blame.layers
    weights = wide(model)["weight"]
    assert len(blame.links) == 3
    for link in blame.links:
        start = inputs.units[link.start]
        assert link.weight == pytest.approx(weights[start.index[0], 0])
        assert link.handed == pytest.approx(link.weight * output.units[0].gradient)
    assert (blame.neurons, blame.more_neurons) == ((), 0)
    assert blame.explained == blame.weights[0]


def test_weights_of_an_earlier_epoch_have_no_state() -> None:
    result = trained("passengers")
    model, features, truth = worst("passengers")
    state = result.trainer.state
    assert state is not None
    kept = np.array_equal(state.parameters, model.network.parameters)
    own = blame_of(model, features, truth, trainer=result.trainer).updates[-1]
    assert own.begun_anew is not kept


def test_channels_are_added_up_over_places_and_it_is_told() -> None:
    model, features, truth = worst("recordings")
    blame = blame_of(model, features, truth)
    convolved = [layer for layer in blame.layers if layer.noun == "channel" and layer.path]
    assert convolved
    assert convolved[0].places == 12
    assert any("all its places" in note for note in blame.notes)
    assert {link.weight for link in blame.links if link.layer == 0} == {None}


def test_a_network_too_large_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    model, features, truth = worst("houses")
    monkeypatch.setattr(blaming, "MOST_OPERATIONS", 10)
    with pytest.raises(ArgumentError, match="at most 10 multiply-adds"):
        blame_of(model, features, truth)


def test_the_weight_to_be_explained_has_few_paths() -> None:
    model, features, truth = worst("houses")
    blame = blame_of(model, features, truth)
    # Each weight of a network of one hidden layer and one output has one path.
    assert blame.explained == blame.weights[0]
    model, features, truth = worst("recordings")
    explained = blame_of(model, features, truth).explained
    assert explained is not None
    graph = model.row_graph(features, truth)
    assert graph.loss is not None
    found = explain(graph.loss, graph.parameters[explained.path], explained.index)
    assert found.all_paths_counted
    assert found.number_of_paths <= blaming.MOST_PATHS
    assert found.gradient == pytest.approx(explained.gradient)


def test_the_same_row_gives_the_same_blame() -> None:
    model, features, truth = worst("passengers")
    first: Blame = blame_of(model, features, truth)
    assert blame_of(model, features, truth) == first
