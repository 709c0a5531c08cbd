"""What a table is trained with when nobody says anything: by its rows, features and target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data import Target, recognize_target
from misstep.modeling import Decisions, Options, Plan, Planner
from misstep.modeling.plans import number_positions, plan_table
from misstep.modeling.plans.tables import MOST_ROWS_SEEN
from misstep.nn import Ensemble, MemberDense, PeriodicEmbedding

NUMBER = recognize_target(np.linspace(0.0, 1.0, 50), "price")
TWO = recognize_target(np.array(["no", "yes"] * 20), "answer")
TEN = recognize_target(np.array(list("abcdefghij") * 5), "letter")


def planned(rows: int, target: Target, features: int = 6, **asked: Any) -> tuple[Plan, Decisions]:
    decisions = Decisions()
    planner = Planner(rows, features, target, Options(**asked), decisions)
    return plan_table(planner, tuple(range(min(features, 4)))), decisions


def test_few_rows_get_one_small_network() -> None:
    found, _ = planned(150, NUMBER)
    assert not isinstance(found.module, Ensemble)
    assert found.repeats_per_epoch == 1


@pytest.mark.parametrize("target", [NUMBER, TEN])
def test_many_rows_get_members_that_see_waves_of_numbers_only(target: Target) -> None:
    found, decisions = planned(5000, target, features=9)
    assert isinstance(found.module, Ensemble)
    waves = found.module.layers[0]
    assert isinstance(waves, PeriodicEmbedding)
    assert waves.columns == (0, 1, 2, 3)
    last = found.module.layers[-1]
    assert isinstance(last, MemberDense)
    assert last.units == (1 if target is NUMBER else 10)
    assert found.repeats_per_epoch == found.module.members
    assert found.batch_size % found.module.members == 0
    told = {one.what: one for one in decisions.made}
    assert "8 members" in told["network"].choice
    assert "for each member" in told["batch size"].choice
    assert all(one.reason for one in decisions.made)


def test_what_a_person_says_goes() -> None:
    found, decisions = planned(5000, NUMBER, epochs=3, batch_size=10, learning_rate=0.5, patience=2)
    assert (found.epochs, found.patience, found.optimizer.learning_rate) == (3, 2, 0.5)
    assert found.batch_size == 10 * found.repeats_per_epoch
    assert sum("you chose" in one.reason for one in decisions.made) == 3
    own, _ = planned(5000, NUMBER, network="dense8")
    assert not isinstance(own.module, Ensemble)
    assert own.repeats_per_epoch == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5_000_000), st.integers(1, 2_000), st.sampled_from([NUMBER, TWO, TEN]))
def test_any_table_gets_a_training_that_ends_in_time(
    rows: int, features: int, target: Target
) -> None:
    found, _ = planned(rows, target, features=features)
    assert found.epochs >= 1
    assert found.patience >= 1
    if isinstance(found.module, Ensemble):
        # Five epochs are the least; then the members are fewer.
        assert rows * found.repeats_per_epoch * found.epochs <= max(
            MOST_ROWS_SEEN, rows * found.repeats_per_epoch * 5
        )
        assert rows * found.repeats_per_epoch * 5 <= max(MOST_ROWS_SEEN, 10 * rows)


def test_numbers_are_features_with_more_than_two_values() -> None:
    features = np.array([[0.0, 1.0, 5.0], [1.0, 1.0, 6.0], [0.0, 1.0, 7.0]], "float32")
    assert number_positions(features) == (2,)
    assert number_positions(features[:0]) == ()


@pytest.mark.parametrize("rows", [150, 5000])
def test_all_that_a_plan_decides_can_be_asked_for(rows: int) -> None:
    asked = {
        "members": 3,
        "embeddings": True,
        "units": 20,
        "depth": 3,
        "activation": "tanh",
        "dropout": 0.25,
        "learning_rate": 0.002,
        "weight_decay": 0.05,
        "batch_size": 24,
    }
    for members in (3, 1):
        found, _ = planned(rows, NUMBER, hyperparameters={**asked, "members": members})
        kinds = [type(layer).__name__ for layer in found.module.layers]
        dense = "MemberDense" if members > 1 else "Dense"
        assert kinds == ["PeriodicEmbedding", *[dense, "Tanh", "Dropout"] * 3, dense]
        assert found.module.layers[1].units == 20
        assert found.module.layers[3].rate == 0.25
        assert found.repeats_per_epoch == members
        assert found.batch_size == 24 * members
        assert found.optimizer.learning_rate == 0.002
        assert found.optimizer.weight_decay == 0.05


def test_without_hidden_layers_it_is_a_linear_model() -> None:
    found, decisions = planned(150, NUMBER, hyperparameters={"depth": 0})
    assert [type(layer).__name__ for layer in found.module.layers] == ["Dense"]
    assert "no hidden layer, then 1 out" in [one.choice for one in decisions.made]


def test_the_learning_rate_of_the_options_wins() -> None:
    planner = Planner(5000, 6, NUMBER, Options(learning_rate=0.5, batch_size=8), Decisions())
    assert plan_table(planner).optimizer.learning_rate == 0.5
    assert not {"learning_rate", "batch_size"} & set(planner.space)
