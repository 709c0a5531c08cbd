"""Every registered layer, found by registration, on its own examples: shapes, slopes, settings."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.errors import ArgumentError, MisstepError
from misstep.ir import Array, Graph, Value, make_literal, verify
from misstep.nn import (
    SELU,
    Dense,
    Module,
    Network,
    ReLU,
    Sequential,
    Tanh,
    build_module,
    registered_layers,
)
from misstep.nn.initializers import (
    GlorotUniform,
    HeNormal,
    LeCunNormal,
    Normal,
    registered_initializers,
)

EXAMPLES = [example for kind in registered_layers().values() for example in kind.examples()]
MADE = [
    (Dense(3, initializer=Normal(0.5)), (4,)),
    *((Dense(2, initializer=kind()), (3,)) for kind in registered_initializers().values()),
]
BAD = [
    (name, place)
    for name, kind in registered_layers().items()
    for place, _ in enumerate(kind.bad_examples())
]
every_example = pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=str)


def numbers(network: Network, rows: int, seed: int) -> tuple[Array, Array]:
    """Return rows and parameters, none special nor nearly alike, in float64; whole positions."""
    random = np.random.default_rng(seed)
    shape = (rows, *network.input_shape)
    x = random.permutation(np.linspace(-2.4, 2.3, math.prod(shape))).reshape(shape)
    limits = network.position_limits
    x = network.with_positions(x)
    if limits is not None and limits.all():
        x = x.astype("int64")
    return x, random.normal(0, 0.6, network.parameter_count)


def as_function(network: Network, seed: int) -> Callable[..., Value]:
    """Return the network in training as a function of rows and parameters."""

    def function(x: Value, flat: Value | None = None) -> Value:
        draw = make_literal(np.array(seed), "int64")
        parameters = make_literal(np.zeros(0), "float64") if flat is None else flat
        y, _ = network.apply(x, parameters, training=True, seed=draw, step=draw)
        return y

    return function


def leaves(network: Network, rows: int, seed: int) -> list[Array]:
    x, flat = numbers(network, rows, seed)
    return [x, flat] if network.parameter_count else [x]


def test_every_layer_has_examples_and_a_description() -> None:
    assert len(registered_layers()) >= 15
    for name, kind in registered_layers().items():
        assert name == kind.__name__
        assert kind.__doc__
        assert list(kind.examples()), name
        assert kind.bounds is None or kind.bounds[0] < kind.bounds[1]


@every_example
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_output_has_the_declared_shape(
    layer: Module, shape: tuple[int, ...], dtype: str
) -> None:
    network = Network(layer, shape, dtype=dtype)
    for rows in (1, 3):
        x = numbers(network, rows, 0)[0].astype(dtype)
        y = network.predict(x)
        assert y.shape == (rows, *network.output_shape)
        assert y.dtype == dtype
        value, trace = network.apply(
            make_literal(x, dtype), make_literal(network.parameters, dtype)
        )
        verify(Graph({"y": value}))
        assert value.type.shape == y.shape
        assert value.dtype == dtype
        assert {path: one.shape[1:] for path, one in trace.outputs.items()} == network.outputs


@every_example
@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_the_slope_is_the_measured_one(
    layer: Module, shape: tuple[int, ...], rows: int, seed: int
) -> None:
    network = Network(layer, shape, dtype="float64")
    check = check_gradient(
        as_function(network, seed), leaves(network, rows, seed), seed=seed, tolerance=1e-6
    )
    assert check, str(check)


def test_the_slopes_of_a_thousand_made_up_cases_are_the_measured_ones() -> None:
    errors: dict[str, float] = {}
    count = 0
    for layer, shape in [*EXAMPLES, *MADE]:
        network = Network(layer, shape, dtype="float64")
        for seed in range(100, 130):
            function, given = as_function(network, seed), leaves(network, 1 + seed % 4, seed)
            found = check_gradient(function, given, seed=seed, directions=1)
            errors[str(layer)] = max(errors.get(str(layer), 0.0), found.error)
            count += 1
    assert count >= 1000
    assert {name: error for name, error in errors.items() if error > 1e-6} == {}


@every_example
@pytest.mark.parametrize("seed", range(5))
def test_the_slope_of_the_slope_is_the_measured_one(
    layer: Module, shape: tuple[int, ...], seed: int
) -> None:
    network = Network(layer, shape, dtype="float64")
    function = as_function(network, seed)
    values = leaves(network, 3, seed)
    weights = np.random.default_rng(seed + 1).uniform(0.5, 1.5, (3, *network.output_shape))

    def slope(*given: Value) -> Value:
        y = function(*given)
        parts = gradient(ops.sum(y * y * weights), [one for one in given if one.type.is_float])
        return ops.sum(parts[0] * 0.7) + sum(ops.sum(part * part) for part in parts)

    check = check_gradient(slope, values, seed=seed, tolerance=1e-6)
    assert check, str(check)


@every_example
def test_rows_do_not_see_each_other(layer: Module, shape: tuple[int, ...]) -> None:
    network = Network(layer, shape, dtype="float64")
    x, _ = numbers(network, 5, 1)
    changed = numbers(network, 5, 2)[0]
    changed[0] = x[0]
    np.testing.assert_array_equal(network.predict(x)[0], network.predict(changed)[0])


@every_example
def test_outputs_lie_between_the_bounds(layer: Module, shape: tuple[int, ...]) -> None:
    if layer.bounds is None:
        return
    network = Network(layer, shape)
    y = network.predict(np.random.default_rng(0).normal(0, 30, (50, *shape)))
    low, high = layer.bounds
    assert low <= y.min() <= y.max() <= high


@every_example
def test_a_layer_on_its_own_is_summed_up(layer: Module, shape: tuple[int, ...]) -> None:
    network = Network(layer, shape)
    rows = network.summary()
    assert sum(row["parameters"] for row in rows) == network.parameter_count
    assert rows
    assert all(row["layer"] for row in rows)


@pytest.mark.parametrize(("layer", "shape"), [*EXAMPLES, *MADE], ids=str)
def test_settings_are_plain_json_and_give_the_same_layer_back(
    layer: Module, shape: tuple[int, ...]
) -> None:
    settings = json.loads(json.dumps(layer.configuration(), allow_nan=False))
    again = build_module(settings)
    assert type(again) is type(layer)
    assert again.configuration() == layer.configuration()
    assert repr(again) == repr(layer)
    if dataclasses.is_dataclass(layer):
        assert again == layer
    one, other = Network(layer, shape), Network(again, shape)
    np.testing.assert_array_equal(one.parameters, other.parameters)


@pytest.mark.parametrize(("name", "place"), BAD)
def test_bad_examples_are_refused_by_words_of_ours(name: str, place: int) -> None:
    make, shape = list(registered_layers()[name].bad_examples())[place]
    with pytest.raises(MisstepError) as caught:
        Network(make(), shape)
    assert caught.value.which
    assert caught.value.needed


def test_layers_with_settings_have_bad_examples() -> None:
    for name, kind in registered_layers().items():
        if dataclasses.is_dataclass(kind) and dataclasses.fields(kind):
            assert list(kind.bad_examples()), name


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", None, True, float("nan")])
def test_dense_wants_a_whole_number_of_units(units: Any) -> None:
    with pytest.raises(ArgumentError, match="units of Dense") as caught:
        Dense(units)
    assert repr(units) in str(caught.value)


def test_dense_by_hand() -> None:
    network = Network(Dense(2), (3,), dtype="float64")
    network.load({"weight": [[1, 2], [3, 4], [5, 6]], "bias": [0.5, -0.5]})
    np.testing.assert_array_equal(
        network.predict([[1, 0, -1], [0, 2, 0]]), [[-3.5, -4.5], [6.5, 7.5]]
    )
    assert network.predict(np.zeros((4, 3))).tolist() == [[0.5, -0.5]] * 4


def test_dense_on_several_axes_is_dense_on_each_of_their_rows() -> None:
    network = Network(Dense(2), (3, 4), dtype="float64")
    flat = Network(Dense(2), (4,), dtype="float64")
    x = np.random.default_rng(0).normal(0, 1, (5, 3, 4))
    rows = flat.predict(x.reshape(-1, 4)).reshape(5, 3, 2)
    np.testing.assert_allclose(network.predict(x), rows, rtol=1e-13)


def test_the_neuron_of_the_blueprint() -> None:
    # x 0.5, w 0.4, b 0.1 → z 0.3, a 0.5744.
    network = Network(Dense(1), (1,), dtype="float64")
    network.load({"weight": [[0.4]], "bias": [0.1]})
    z = network.predict([[0.5]])
    assert z[0, 0] == pytest.approx(0.3)
    assert 1 / (1 + math.exp(-z[0, 0])) == pytest.approx(0.5744, abs=5e-5)


def test_flatten_keeps_the_order_of_entries() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    y = Network(registered_layers()["Flatten"](), (3, 4)).predict(x)
    np.testing.assert_array_equal(y, x.reshape(2, 12))


def test_biases_are_not_regularized_and_fans_are_known() -> None:
    network = Network(Dense(5), (3,))
    weight, bias = (place.specification for place in network.parameter_slices)
    assert (weight.name, weight.regularized, weight.fan_in, weight.fan_out) == (
        "weight",
        True,
        3,
        5,
    )
    assert (bias.name, bias.regularized) == ("bias", False)
    assert (network.arrays()["bias"] == 0).all()


def test_a_dense_layer_is_drawn_to_suit_what_follows() -> None:
    found = Network(
        Sequential(Dense(4), ReLU(), Dense(4), SELU(), Dense(4), Tanh(), Dense(2)), (3,)
    )
    drawn = [
        place.specification.initializer
        for place in found.parameter_slices
        if place.specification.regularized
    ]
    assert drawn == [HeNormal(), LeCunNormal(), GlorotUniform(), GlorotUniform()]
    told = Network(Sequential(Dense(4, initializer=Normal(0.1)), ReLU()), (3,))
    assert told.parameter_slices[0].specification.initializer == Normal(0.1)
