"""Modules in modules: Sequential, Residual, Dropout and people's own, nested and shared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.autodiff import check_gradient
from misstep.errors import ArgumentError, FileFormatError, MisstepError, ShapeError
from misstep.ir import Array, Value, evaluate, make_literal
from misstep.nn import (
    Dense,
    Dropout,
    Flatten,
    Module,
    Network,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    build_module,
    registered_layers,
)
from misstep.nn.initializers import Constant, Normal
from misstep.ops import relu, tanh


class Bottleneck(Module):
    """Two layers as attributes and ops between them."""

    def __init__(self, narrow: int, wide: int) -> None:
        self.narrow = Dense(narrow)
        self.wide = Dense(int(np.size(wide)) if isinstance(wide, np.ndarray) else wide)

    def forward(self, x: Value) -> Value:
        return self.wide(relu(self.narrow(x)))


class Scale(Module):
    """A parameter of its own."""

    def forward(self, x: Value) -> Value:
        return x * self.parameter("scale", x.shape[1:], Constant(2.0))


class Many(Module):
    """Layers in a list, a tuple and a dictionary, and a module of modules."""

    def __init__(self) -> None:
        self.steps = [Dense(4), Dense(4)]
        self.ends = (Bottleneck(2, 4),)
        self.by_name = {"left": Dense(3), "right": Scale()}
        self.note = "no layer"

    def forward(self, x: Value) -> Value:
        for step in self.steps:
            x = tanh(step(x))
        x = self.ends[0](x)
        return self.by_name["left"](self.by_name["right"](x))


def names(network: Network) -> list[str]:
    return [place.specification.name for place in network.parameter_slices]


def trained(network: Network, x: Array, seed: int = 0, step: int = 0) -> Array:
    """Return the output in training, with random numbers of a seed and a step."""
    output, _ = network.apply(
        make_literal(np.asarray(x, network.dtype)),
        make_literal(network.parameters),
        training=True,
        seed=make_literal(np.array(seed), "int64"),
        step=make_literal(np.array(step), "int64"),
    )
    return evaluate([output])[0]


# --- Sequential and Residual --------------------------------------------------------------------


def test_sequential_is_one_layer_after_the_other() -> None:
    network = Network(Sequential(Dense(3), Tanh(), Dense(2)), (4,), dtype="float64", seed=5)
    assert names(network) == ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    p = network.arrays()
    x = np.random.default_rng(0).normal(0, 1, (6, 4))
    hidden = np.tanh(x @ p["dense1.weight"] + p["dense1.bias"])
    expected = hidden @ p["dense2.weight"] + p["dense2.bias"]
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-13)
    assert network.outputs == {"dense1": (3,), "tanh1": (3,), "dense2": (2,)}
    assert [(row["path"], row["parameters"]) for row in network.summary()] == [
        ("dense1", 15),
        ("tanh1", 0),
        ("dense2", 8),
    ]


def test_residual_adds_what_went_in() -> None:
    network = Network(Residual(Dense(4), ReLU(), Dense(4)), (4,), dtype="float64")
    plain = Network(Sequential(Dense(4), ReLU(), Dense(4)), (4,), dtype="float64")
    x = np.random.default_rng(0).normal(0, 1, (3, 4))
    np.testing.assert_allclose(network.predict(x), x + plain.predict(x), rtol=1e-13)
    assert network.predict(np.zeros((0, 4))).shape == (0, 4)


def test_residual_wants_the_shape_back_and_says_how() -> None:
    with pytest.raises(ShapeError, match=r"\(4,\), but got \(3,\).*ms.Dense\(4\)"):
        Network(Residual(Dense(3)), (4,))
    # The shape (1,) would broadcast; it is refused all the same.
    with pytest.raises(ShapeError, match="shape they got"):
        Network(Residual(Dense(1)), (4,))


def test_nested_containers_have_nested_paths() -> None:
    network = Network(Sequential(Dense(4), Residual(Dense(4), Sequential(Dense(4)))), (4,))
    assert names(network)[::2] == [
        "dense1.weight",
        "residual1.dense1.weight",
        "residual1.sequential1.dense1.weight",
    ]
    assert sum(row["parameters"] for row in network.summary()) == network.parameter_count == 60


def test_an_empty_sequential_changes_nothing() -> None:
    np.testing.assert_array_equal(Network(Sequential(), (2,)).predict([[1, 2]]), [[1, 2]])


@pytest.mark.parametrize("wrong", [Dense, "relu", None, 3, [Dense(3)]])
def test_what_is_no_layer_is_named_with_its_place(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="layer 2 of Sequential"):
        Sequential(Dense(3), wrong)


@settings(deadline=None, max_examples=25)
@given(widths=st.lists(st.integers(1, 6), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_any_stack_of_layers_has_the_slope_that_is_measured(widths: list[int], seed: int) -> None:
    layers = [layer for width in widths for layer in (Dense(width), Tanh())]
    network = Network(Sequential(*layers), (3,), dtype="float64", seed=seed)
    x = np.random.default_rng(seed).normal(0, 1, (2, 3))
    check = check_gradient(
        lambda x, flat: network.apply(x, flat)[0], [x, network.parameters], directions=1
    )
    assert check, str(check)


# --- Dropout ------------------------------------------------------------------------------------


def test_dropout_is_off_when_predicting() -> None:
    network = Network(Dropout(0.7), (5,))
    x = np.random.default_rng(0).normal(0, 1, (6, 5)).astype("float32")
    np.testing.assert_array_equal(network.predict(x), x)
    np.testing.assert_array_equal(trained(Network(Dropout(0.0), (5,)), x), x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float, dtype: str) -> None:
    found = trained(Network(Dropout(rate), (100,), dtype=dtype), np.ones((400, 100)))
    assert found.dtype == dtype
    # Five standard errors of 40,000 throws.
    error = 5 * np.sqrt(rate * (1 - rate) / found.size)
    assert (found == 0).mean() == pytest.approx(rate, abs=error)
    assert found.mean() == pytest.approx(1.0, abs=error / (1 - rate))
    np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=1e-6)
    # No row or column is favored.
    assert np.abs((found == 0).mean(axis=0) - rate).max() < 7 * np.sqrt(rate * (1 - rate) / 400)


def test_the_mask_follows_from_seed_step_and_layer_alone() -> None:
    network = Network(Dropout(0.5), (50,))
    x = np.ones((4, 50))
    first = trained(network, x, seed=1, step=2)
    np.testing.assert_array_equal(first, trained(network, x, seed=1, step=2))
    np.testing.assert_array_equal(first, trained(Network(Dropout(0.5), (50,)), x, 1, 2))
    assert (first != trained(network, x, seed=1, step=3)).any()
    assert (first != trained(network, x, seed=2, step=2)).any()
    # Two layers of the same rate: entries that both keep are a quarter, not a half.
    both = trained(Network(Sequential(Dropout(0.5), Dropout(0.5)), (50,)), np.ones((400, 50)))
    assert (both != 0).mean() == pytest.approx(0.25, abs=0.02)


def test_float32_and_float64_drop_the_same_entries() -> None:
    narrow = trained(Network(Dropout(0.3), (50,)), np.ones((9, 50)), 4, 5)
    wide = trained(Network(Dropout(0.3), (50,), dtype="float64"), np.ones((9, 50)), 4, 5)
    np.testing.assert_array_equal(narrow == 0, wide == 0)


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.1, float("nan"), "0.5", None])
def test_dropout_wants_a_share(rate: Any) -> None:
    with pytest.raises(ArgumentError, match="rate of Dropout"):
        Dropout(rate)


# --- people's own modules -----------------------------------------------------------------------


def test_own_modules_are_found_through_their_attributes() -> None:
    network = Network(Many(), (4,))
    assert {name.rpartition(".")[0] for name in names(network)} == {
        "steps1",
        "steps2",
        "ends1.narrow",
        "ends1.wide",
        "by_name_left",
        "by_name_right",
    }
    assert network.output_shape == (3,)
    assert sum(row["parameters"] for row in network.summary()) == network.parameter_count
    check = check_gradient(
        lambda x, flat: network.apply(x, flat)[0],
        [np.random.default_rng(0).normal(0, 1, (3, 4)), network.parameters.astype("float64")],
    )
    assert check, str(check)


def test_own_modules_are_not_registered() -> None:
    assert "Bottleneck" not in registered_layers()
    assert "Activation" not in registered_layers()


def test_a_module_with_parameters_of_its_own_as_the_whole_network() -> None:
    network = Network(Scale(), (3,))
    assert names(network) == ["scale"]
    np.testing.assert_array_equal(network.predict([[1, 2, 3]]), [[2, 4, 6]])
    assert [row["parameters"] for row in network.summary()] == [3]


class Tied(Module):
    """One layer used in two places."""

    def __init__(self, one: Module) -> None:
        self.one = one
        self.same = one

    def forward(self, x: Value) -> Value:
        return self.same(tanh(self.one(x)))


def test_a_layer_in_two_places_shares_its_weights() -> None:
    network = Network(Tied(Dense(3)), (3,), dtype="float64")
    assert names(network) == ["one.weight", "one.bias"]
    p = network.arrays()
    x = np.random.default_rng(0).normal(0, 1, (4, 3))
    expected = np.tanh(x @ p["one.weight"]) @ p["one.weight"]
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-13)
    check = check_gradient(lambda x, flat: network.apply(x, flat)[0], [x, network.parameters + 0.1])
    assert check, str(check)


def test_a_shared_layer_must_fit_both_places() -> None:
    with pytest.raises(ShapeError, match=r"one\.weight, which is used more than once"):
        Network(Tied(Dense(3)), (4,))


def test_a_shared_layer_comes_back_shared() -> None:
    # It came back as two layers, and the saved parameters fit no longer.
    one = Dense(3, initializer=Normal(0.5))
    network = Sequential(one, Tanh(), one, Residual(Dense(3)), one)
    settings_of = json.loads(json.dumps(network.configuration()))
    again = build_module(settings_of)
    before, after = Network(network, (3,), seed=2), Network(again, (3,), seed=3)
    assert names(after) == names(before)
    after.load(before.arrays())
    x = np.random.default_rng(0).normal(0, 1, (4, 3))
    np.testing.assert_array_equal(after.predict(x), before.predict(x))
    assert again.configuration() == network.configuration()


class Same(Module):
    """Two different layers whose paths would be the same: a list and an attribute."""

    def __init__(self) -> None:
        self.dense = [Dense(3)]
        self.dense1 = Dense(3)

    def forward(self, x: Value) -> Value:
        return self.dense1(self.dense[0](x))


def test_two_layers_of_one_path_are_refused_not_tied() -> None:
    # They silently shared their weights.
    with pytest.raises(ArgumentError, match="two parts of a network called dense1"):
        Network(Same(), (3,))


class Late(Module):
    """A layer made in forward, which no network can find."""

    def forward(self, x: Value) -> Value:
        return Dense(3)(x)


class Nothing(Module):
    """A forward without a result."""

    def forward(self, x: Value) -> Value:
        return None  # type: ignore[return-value]


def test_mistakes_in_own_modules_are_explained() -> None:
    with pytest.raises(ArgumentError, match=r"made inside forward.*self\.name"):
        Network(Late(), (3,))
    with pytest.raises(ArgumentError, match="what forward returned: needed a Value"):
        Network(Nothing(), (3,))
    with pytest.raises(ArgumentError, match="calling a layer by itself"):
        Dense(3)(make_literal(np.zeros((2, 2)), "float64"))
    loop = Sequential(Dense(3))
    loop.layers = (loop,)
    with pytest.raises(ArgumentError, match="do not contain themselves"):
        Network(loop, (3,))
    with pytest.raises(ArgumentError, match="saving a module of kind Bottleneck"):
        Sequential(Bottleneck(2, np.arange(3))).configuration()  # type: ignore[arg-type]


def test_an_error_notes_the_whole_network() -> None:
    with pytest.raises(ShapeError) as caught:
        Network(Sequential(Flatten(), Residual(Dense(3))), (2, 2))
    assert "in the network Sequential(Flatten(), Residual(Dense(" in caught.value.__notes__[0]


class Named(Sequential):
    """A network of one's own that can be saved, since its layers say all."""

    def __init__(self, *layers: Module) -> None:
        super().__init__(*(layers or (Dense(2), Tanh())))


class Closed(Sequential):
    """One that can't be made from its layers."""

    def __init__(self) -> None:
        super().__init__(Dense(2))


def test_own_kinds_come_back_when_they_are_named() -> None:
    module = Sequential(Dense(3), Named(Dense(2)))
    settings_of = module.configuration()
    with pytest.raises(FileFormatError, match=r"'Named'.*modules="):
        build_module(settings_of)
    for kinds in ([Named], (kind for kind in [Named])):
        again = build_module(settings_of, kinds)
        assert repr(again) == repr(module)
    with pytest.raises(FileFormatError, match="Closed in a model file") as caught:
        build_module(Closed().configuration(), [Closed])
    assert isinstance(caught.value, MisstepError)
