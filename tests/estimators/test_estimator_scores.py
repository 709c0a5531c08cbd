"""What estimators reach on known data, that they repeat themselves, and what weights mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import recall_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import misstep as ms
from misstep.train.loop import Loop

Array = np.ndarray[Any, Any]


def two_moons(rows: int = 120, seed: int = 0) -> tuple[Array, Array]:
    """Return rows of which no line separates the two classes."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 3))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def same_bits(one: Any, other: Any, x: Array) -> bool:
    method = "predict_proba" if hasattr(one, "predict_proba") else "predict"
    found, wanted = getattr(one, method)(x), getattr(other, method)(x)
    return bool(np.array_equal(found, wanted))


# Scores


@pytest.mark.parametrize(("data", "margin"), [(load_breast_cancer, 0.03), (load_iris, 0.07)])
def test_classes_are_told_apart_about_as_well_as_by_a_linear_model(
    data: Any, margin: float
) -> None:
    # Both sets are nearly linear, so that a linear model is as good as it gets.
    x, y = data(return_X_y=True)
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    reached = cross_val_score(ms.Classifier(), x, y).mean()
    assert reached > cross_val_score(linear, x, y).mean() - margin


def test_numbers_are_predicted_about_as_well_as_by_a_linear_model() -> None:
    # scikit-learn's own network has a negative R² here, since it does not standardize the target.
    x, y = load_diabetes(return_X_y=True)
    reached = cross_val_score(ms.Regressor(), x, y).mean()
    assert reached > cross_val_score(Ridge(0.1), x, y).mean() - 0.12


def test_what_no_line_separates_is_learned() -> None:
    x, y = two_moons(400)
    classifier = ms.Classifier("dense32-tanh", learning_rate=0.01, epochs=60).fit(x[:300], y[:300])
    assert classifier.score(x[300:], y[300:]) > 0.9
    assert LogisticRegression().fit(x[:300], y[:300]).score(x[300:], y[300:]) < 0.7


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_unit_of_the_target_does_not_matter(size: float) -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    y = (x[:, 0] + 2 * x[:, 1]) * size + 5 * size
    regressor = ms.Regressor(epochs=30).fit(x, y)
    assert regressor.score(x, y) > 0.9
    assert regressor.loss_ < 0.1


# What is known after fit


def test_what_is_known_after_fit() -> None:
    x, y = two_moons()
    labels = np.where(y > 0, "yes", "no")
    classifier = ms.Classifier("dense8", epochs=4).fit(x, labels)
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.n_features_in_ == 3
    assert classifier.n_iter_ == 4 == len(classifier.history_)
    assert {"training_loss", "validation_loss"} <= set(classifier.history_[0])
    kept = classifier.loss_
    assert kept in [values["training_loss"] for values in classifier.history_]
    assert classifier.network_.parameter_count == 3 * 8 + 8 + 8 + 1
    assert isinstance(classifier.model_, ms.modeling.Model)
    assert all(choice.reason for choice in classifier.decisions_)
    assert {"split", "network", "loss", "epochs"} <= {one.what for one in classifier.decisions_}


@pytest.mark.parametrize(
    "labels",
    [["b", "a"], [True, False], [7, -3], [1.0, 4.0], [10, 2, 33], ["none", "spam"]],
    ids=str,
)
def test_labels_of_every_kind_come_back_as_they_were(labels: list[Any]) -> None:
    x = np.repeat(np.eye(len(labels)) * 3, 20, axis=0)
    y = np.repeat(np.asarray(labels), 20)
    classifier = ms.Classifier(epochs=20, learning_rate=0.05).fit(x, y)
    assert classifier.predict(x).dtype == y.dtype
    assert (classifier.predict(x) == y).all()
    assert np.array_equal(classifier.classes_, np.unique(y))
    assert (classifier.model_.predict(x) == y).all()


def test_few_rows_are_all_learned_from() -> None:
    x, y = two_moons(20)
    classifier = ms.Classifier(epochs=3).fit(x, y)
    assert "validation_loss" not in classifier.history_[0]
    (split,) = [one for one in classifier.decisions_ if one.what == "split"]
    assert split.choice == "all 20 rows to learn from"


def test_without_a_validation_part_all_epochs_are_done() -> None:
    x, y = two_moons(200)
    for none in (0, None):
        regressor = ms.Regressor(epochs=12, patience=1, validation_fraction=none).fit(x, y)
        assert regressor.n_iter_ == 12
        assert "validation_loss" not in regressor.history_[0]


def test_a_module_of_ones_own_is_the_whole_network() -> None:
    x, y = two_moons()
    network = ms.Sequential(ms.Dense(5), ms.Tanh(), ms.Dense(1))
    classifier = ms.Classifier(network, epochs=3).fit(x, y)
    assert classifier.network_.parameter_count == 3 * 5 + 5 + 5 + 1
    assert classifier.predict_proba(x).shape == (120, 2)


# The same again


@pytest.mark.parametrize("estimator", [ms.Classifier(epochs=5), ms.Regressor(epochs=5)])
def test_fitting_again_gives_the_same_bits(estimator: Any) -> None:
    x, y = two_moons()
    once = estimator.fit(x, y).network_.parameters.copy()
    assert np.array_equal(estimator.fit(x, y).network_.parameters, once)


def test_random_state_decides() -> None:
    x, y = two_moons()

    def fitted(random_state: Any) -> ms.Classifier:
        return ms.Classifier(epochs=3, random_state=random_state).fit(x, y)

    assert same_bits(fitted(np.int64(4)), fitted(4), x)
    assert not same_bits(fitted(5), fitted(4), x)
    assert same_bits(fitted(np.random.RandomState(1)), fitted(np.random.RandomState(1)), x)
    one_after_another = np.random.RandomState(1)
    assert not same_bits(fitted(one_after_another), fitted(one_after_another), x)
    # None follows NumPy's own state, as everywhere in scikit-learn.
    before = np.random.get_state()
    first = fitted(None)
    np.random.set_state(before)
    assert same_bits(first, fitted(None), x)
    assert not same_bits(first, fitted(None), x)


def test_neither_order_nor_layout_of_the_rows_matters() -> None:
    x, y = two_moons()
    other = np.random.default_rng(1).permutation(len(x))
    for estimator in (ms.Classifier(epochs=5), ms.Regressor(epochs=5)):
        first = estimator.fit(x, y).network_.parameters
        assert np.array_equal(estimator.fit(x[other], y[other]).network_.parameters, first)
        assert np.array_equal(estimator.fit(np.asfortranarray(x), y).network_.parameters, first)


def test_fit_leaves_what_it_was_given() -> None:
    x, y = two_moons()
    weights = np.arange(len(x)) % 3
    network = ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(1))
    kept = [np.array(one) for one in (x, y, weights)]
    for one in (x, y, weights):
        one.flags.writeable = False
    estimator = ms.Classifier(network, epochs=2)
    before = dict(vars(estimator))
    estimator.fit(x, y, sample_weight=weights)
    assert all(np.array_equal(*pair) for pair in zip(kept, (x, y, weights), strict=True))
    assert estimator.get_params() == before
    assert vars(network).keys() == {"layers", "_location"}


def test_a_row_gets_the_same_answer_whatever_stands_beside_it() -> None:
    x, y = two_moons(1500)
    regressor = ms.Regressor("dense200-dense200", epochs=2).fit(x, y)
    together = regressor.predict(x)
    for rows in (1, 2, 3, 100, 1025):
        assert regressor.predict(x[:rows]) == pytest.approx(together[:rows], rel=1e-12, abs=1e-13)


# Weights


@settings(max_examples=15, deadline=None)
@given(
    weights=st.lists(st.integers(0, 4), min_size=12, max_size=60).filter(lambda w: sum(w) > 2),
    seed=st.integers(0, 10),
    number=st.booleans(),
)
def test_a_whole_weight_is_that_many_rows(weights: list[int], seed: int, number: bool) -> None:
    x = np.random.default_rng(seed).normal(size=(len(weights), 3))
    y = x[:, 0] * 3 if number else np.arange(len(weights)) % 3
    again = np.repeat(np.arange(len(weights)), weights)
    if not number and len(set(y[again])) < 2:
        return
    kind: Any = ms.Regressor if number else ms.Classifier
    weighted = kind(epochs=3).fit(x, y, sample_weight=weights)
    repeated = kind(epochs=3).fit(x[again], y[again])
    assert same_bits(weighted, repeated, x)


def test_weights_that_are_all_the_same_change_nothing() -> None:
    x, y = two_moons()
    plain = ms.Classifier(epochs=5).fit(x, y)
    for weight in (1.0, 0.1, 1e-300, 3e200):
        same = ms.Classifier(epochs=5).fit(x, y, sample_weight=np.full(len(x), weight))
        assert same_bits(plain, same, x)


def test_a_class_that_weighs_nothing_is_not_there() -> None:
    x, y = two_moons()
    y = np.where(np.arange(len(y)) % 3 == 0, 2, y)
    classifier = ms.Classifier(epochs=2).fit(x, y, sample_weight=y != 2)
    assert classifier.classes_.tolist() == [0, 1]


def test_what_weighs_more_is_answered_better() -> None:
    random = np.random.default_rng(0)
    x = np.repeat([[-1.0], [1.0]], 200, axis=0) + random.normal(0, 0.01, (400, 1))
    y = random.normal(0, 1, 400) + np.tile([0.0, 10.0], 200)
    # Half of the rows say 0 and half say 10, whatever x is; weights of 3 to 1.
    weights = np.tile([0.5, 1.5], 200) + random.uniform(0, 1e-3, 400)
    found = ms.Regressor(epochs=60).fit(x, y, sample_weight=weights).predict(x)
    assert found.mean() == pytest.approx(7.5, abs=0.6)


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_one_heavy_row_counts_as_much_as_it_weighs(share: float) -> None:
    # In its batch alone, the loss being a mean over it, it would count as one batch of many.
    x, y, weights = np.zeros((400, 1)), np.zeros(400), np.ones(400)
    y[0], weights[0] = 1.0, 399.5 * share / (1 - share)
    regressor = ms.Regressor(epochs=60, validation_fraction=0, batch_size=16)
    found = regressor.fit(x, y, sample_weight=weights).predict(x)
    assert found.mean() == pytest.approx(share, abs=0.12)


def test_balanced_classes_raise_the_recall_of_the_rare_one() -> None:
    x, y = make_classification(
        1200, 8, n_informative=4, weights=[0.95], class_sep=0.7, flip_y=0.02, random_state=3
    )
    train, test = np.arange(1200) < 800, np.arange(1200) >= 800

    def recall(**options: Any) -> float:
        classifier = ms.Classifier(epochs=25, **options).fit(x[train], y[train])
        return float(recall_score(y[test], classifier.predict(x[test])))

    plain, balanced = recall(), recall(class_weight="balanced")
    assert balanced > plain + 0.15
    by_label = {0: 1.0, 1: float((y[train] == 0).sum() / (y[train] == 1).sum())}
    assert recall(class_weight=by_label) > plain + 0.15


def test_class_weights_are_weights_of_rows() -> None:
    x, y = two_moons(150)
    by_class = ms.Classifier(epochs=4, class_weight={1: 3.5}).fit(x, y)
    by_row = ms.Classifier(epochs=4).fit(x, y, sample_weight=np.where(y == 1, 3.5, 1.0))
    plain = ms.Classifier(epochs=4).fit(x, y)
    near = np.abs(by_class.predict_proba(x) - by_row.predict_proba(x)).max()
    assert near < np.abs(by_class.predict_proba(x) - plain.predict_proba(x)).max() / 3


def test_balanced_counts_weights() -> None:
    x, y = two_moons(80)
    weights = np.where(y == 1, 3, 1)
    again = np.repeat(np.arange(80), weights)
    weighted = ms.Classifier(epochs=3, class_weight="balanced").fit(x, y, sample_weight=weights)
    repeated = ms.Classifier(epochs=3, class_weight="balanced").fit(x[again], y[again])
    assert same_bits(weighted, repeated, x)


# Ways that training can end


def test_training_that_blows_up_at_once_is_refused() -> None:
    x, y = two_moons(200)
    with pytest.raises(ms.ArgumentError, match="a lower learning_rate"):
        ms.Regressor("dense8", learning_rate=1e25, epochs=3).fit(x, y * 1.0)


def test_training_that_blows_up_later_warns_and_keeps_the_epochs_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = two_moons(200)
    monkeypatch.setattr(
        Loop, "_learning_rates", lambda self, count: np.full(count, np.inf if self.epoch else 0.01)
    )
    with pytest.warns(ConvergenceWarning, match="the loss became"):
        regressor = ms.Regressor("dense8", epochs=3).fit(x, y * 1.0)
    assert regressor.n_iter_ == 1
    assert np.isfinite(regressor.predict(x)).all()


def test_progress_is_shown_on_request_only(capfd: pytest.CaptureFixture[str]) -> None:
    x, y = two_moons(40)
    ms.Classifier(epochs=2).fit(x, y)
    assert capfd.readouterr() == ("", "")
    ms.Classifier(epochs=2, progress=True).fit(x, y)
    assert "epoch" in "".join(capfd.readouterr())


def test_all_arguments_can_be_set_by_name() -> None:
    x, y = two_moons(60)
    classifier = ms.Classifier()
    options: dict[str, Any] = {
        "network": "dense4",
        "epochs": np.int32(2),
        "minutes": 5,
        "hyperparameters": None,
        "batch_size": 7,
        "learning_rate": np.float32(0.1),
        "validation_fraction": 0.3,
        "patience": 1,
        "random_state": 3,
        "shuffle": True,
        "threads": 1,
        "progress": False,
        "class_weight": None,
        "augment": None,
        "loss": None,
        "optimizer": None,
        "precision": "bfloat16",
        "schedule": None,
        "callbacks": None,
        "warm_start": False,
        "calibrated": False,
    }
    assert classifier.get_params().keys() == options.keys()
    told = {one.what: one for one in classifier.set_params(**options).fit(x, y).decisions_}
    assert told["batch size"].choice == "7"
    assert told["split"].choice == "42 rows to learn from, 18 to validate on"
    assert "0.1" in told["optimizer"].choice
    assert [one.reason for one in told.values()].count("you chose it") >= 3
