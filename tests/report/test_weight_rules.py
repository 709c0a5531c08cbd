"""The chain rule of the weight that a mistake is blamed on most, with people's own names."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data import read_table
from misstep.errors import ArgumentError
from misstep.modeling import Model, Options, blame_of, mistakes_of, train
from misstep.report.weight_rules import chain_rule_of_mistake


def trained_model():
    random = np.random.default_rng(0)
    area, rooms = random.uniform(30, 200, 80), random.integers(1, 8, 80)
    price = 1000 * area + 15_000 * rooms
    table = read_table(pandas.DataFrame({"area": area, "rooms": rooms, "price": price}))
    options = Options(target="price", network="dense4", epochs=2, learning_rate=0.01, threads=1)
    return train(table, options)


def test_the_most_blamed_weight_has_the_gradient_that_blame_says() -> None:
    result = trained_model()
    model = result.model
    assert isinstance(model, Model)
    mistake = mistakes_of(model, result.held_out).worst[0]
    blame = blame_of(model, mistake.features, mistake.truth, learning_rate=0.1)
    first = blame.explained
    assert first is not None
    explanation = chain_rule_of_mistake(model, mistake, first.name, learning_rate=0.1)
    assert explanation.gradient == pytest.approx(first.gradient)
    assert explanation.value == pytest.approx(first.value)
    assert explanation.loss == pytest.approx(blame.loss)
    assert explanation.index == first.index
    assert explanation.update is not None
    assert explanation.update.new == pytest.approx(first.value - 0.1 * first.gradient)
    assert "chain-rule" in explanation.mathml()
    assert explanation.difference.agrees


def test_inputs_go_by_the_names_of_their_columns() -> None:
    result = trained_model()
    mistake = mistakes_of(result.model, result.held_out).worst[0]
    text = chain_rule_of_mistake(result.model, mistake, "dense1.weight").text()
    assert "x[area]" in text
    with pytest.raises(ArgumentError, match="dense9"):
        chain_rule_of_mistake(result.model, mistake, "dense9.weight")
