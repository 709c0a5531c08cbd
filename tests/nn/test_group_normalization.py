"""Group, instance and local response normalization against their formulas, group by group."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.autodiff import check_gradient
from misstep.ir import Array, Value, make_literal
from misstep.nn import GroupNorm, InstanceNorm, LocalResponseNorm, Module, Network

X = np.random.default_rng(2).normal(3, 2, (2, 4, 3, 6))


def applied(layer: Module, x: Array = X) -> Array:
    return Network(layer, x.shape[1:], dtype="float64").predict(x)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_each_group_has_mean_0_and_deviation_1(groups: int) -> None:
    found = applied(GroupNorm(groups, 1e-3))
    each = 6 // groups
    for row in range(2):
        for group in range(groups):
            part = (row, slice(None), slice(None), slice(group * each, (group + 1) * each))
            wanted = (X[part] - X[part].mean()) / np.sqrt(X[part].var() + 1e-3)
            np.testing.assert_allclose(found[part], wanted, rtol=1e-12, atol=1e-13)


def test_an_instance_is_a_group_of_one_channel() -> None:
    np.testing.assert_array_equal(applied(InstanceNorm()), applied(GroupNorm(6)))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_neighboring_channels_by_their_formula(size: int) -> None:
    found = applied(LocalResponseNorm(size, 0.5, 0.6, 1.5))
    for channel in range(6):
        first, last = channel - (size - 1) // 2, channel + size // 2
        squares = (X[..., max(first, 0) : last + 1] ** 2).sum(-1)
        wanted = X[..., channel] / (1.5 + 0.5 / size * squares) ** 0.6
        np.testing.assert_allclose(found[..., channel], wanted, rtol=1e-13)


@pytest.mark.parametrize("layer", [GroupNorm(2), InstanceNorm(), LocalResponseNorm(3)], ids=repr)
def test_slopes_agree_with_differences(layer: Module) -> None:
    network = Network(layer, X.shape[1:], dtype="float64")

    def run(x: Value) -> Value:
        found, _ = network.apply(x, make_literal(network.parameters, "float64"))
        return found

    assert check_gradient(run, [X], directions=1, tolerance=1e-6).passed
