"""What a model file of November 2026 says of layers, losses, initializers is still understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misstep.nn import Dense, Module, Network, build_loss, build_module, present_arrays
from misstep.nn.building import build_initializer
from misstep.nn.former_names import CLASSES

FORMER = Path(__file__).parents[1] / "fixtures" / "models-2026-11" / "configurations.json"
CONFIGURATIONS = json.loads(FORMER.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("configuration", "shape"), CONFIGURATIONS["layers"], ids=lambda one: str(one)[:60]
)
def test_every_former_layer_is_built(configuration: dict[str, Any], shape: list[int]) -> None:
    network = Network(build_module(configuration), tuple(shape))
    again = build_module(json.loads(json.dumps(network.module.configuration())))
    x = network.with_positions(np.random.default_rng(0).random((2, *shape)).astype("float32"))
    np.testing.assert_array_equal(Network(again, tuple(shape)).predict(x), network.predict(x))


@pytest.mark.parametrize("configuration", CONFIGURATIONS["losses"], ids=str)
def test_every_former_loss_is_built(configuration: dict[str, Any]) -> None:
    assert build_loss(configuration) == build_loss(build_loss(configuration).configuration())


@pytest.mark.parametrize("configuration", CONFIGURATIONS["initializers"], ids=str)
def test_every_former_initializer_is_built(configuration: dict[str, Any]) -> None:
    made = build_initializer(configuration)
    assert made == build_initializer(made.configuration())


def test_arrays_follow_the_classes_that_they_were_named_after() -> None:
    former = {"kind": "Sequential", "layers": [{"kind": "WeightedBag"}, {"kind": "Dense"}]}
    names = ["weightedbag1.vectors", "a.weightedbag_2.bias", "weightedbag.x", "my_weightedbag1.x"]
    now = ["embeddingbag1.vectors", "a.embeddingbag_2.bias", "weightedbag.x", "my_weightedbag1.x"]
    assert list(present_arrays(dict.fromkeys(names, 0), former)) == now
    # A file that has no such class may well have a module whose attribute is called so.
    assert list(present_arrays(dict.fromkeys(names, 0), {"kind": "Dense"})) == names


@pytest.mark.parametrize("former", CLASSES)
def test_a_class_of_a_persons_own_may_be_called_as_one_was_before(former: str) -> None:
    class Own(Module):
        def __init__(self) -> None:
            self.layer = Dense(2)

    Own.__name__ = former
    assert isinstance(build_module({"kind": former}, [Own]), Own)
