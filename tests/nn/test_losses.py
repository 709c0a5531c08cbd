"""Every registered loss against formulas written here, its slopes, its weights and its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.errors import (
    ArgumentError,
    DataError,
    DtypeError,
    FileFormatError,
    MisstepError,
    ShapeError,
)
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.nn import Dense, Network, Sequential, build_loss
from misstep.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
    loss_named,
    loss_names,
    registered_losses,
)
from misstep.nn.losses import loss as contract
from misstep.train import Trainer

# Those that other tests write are of their files.
KINDS = {
    name: kind
    for name, kind in registered_losses().items()
    if kind.__module__.startswith("misstep.")
}
MORE: list[Loss] = [SquaredError(half=True), Huber(0.3), Huber(5.0)]


def rowwise(entries: Array) -> Array:
    return np.asarray(entries.reshape(len(entries), -1).mean(axis=1))


def smoothed(shares: Array, smoothing: float, classes: int) -> Array:
    return np.asarray(shares * (1 - smoothing) + smoothing / classes)


# For each kind: the loss of each row from raw outputs and targets, from its definition.
def counted(loss: CrossEntropy, y: Array) -> Array:
    """Return the classes, the first one in place of the ignored one."""
    return np.where(y == loss.ignored, 0, y)


ORACLES: dict[str, Callable[[Any, Array, Array], Array]] = {
    "SquaredError": lambda loss, p, y: rowwise((p - y) ** 2) * (0.5 if loss.half else 1.0),
    "AbsoluteError": lambda loss, p, y: rowwise(np.abs(p - y)),
    "Huber": lambda loss, p, y: rowwise(special.huber(loss.delta, p - y)),
    "BinaryCrossEntropy": lambda loss, p, y: rowwise(
        -smoothed(y, loss.smoothing, 2) * special.log_expit(p)
        - (1 - smoothed(y, loss.smoothing, 2)) * special.log_expit(-p)
    ),
    "CrossEntropy": lambda loss, p, y: (
        -(
            smoothed(
                np.eye(p.shape[1])[np.where(y == loss.ignored, 0, y)], loss.smoothing, p.shape[1]
            )
            * special.log_softmax(p, axis=1)
        ).sum(axis=1)
    ),
}


def cases(seed: int = 0) -> list[tuple[Loss, Array, Array]]:
    random = np.random.default_rng(seed)
    found = [case for kind in KINDS.values() for case in kind.examples(random)]
    found += [(loss, random.normal(0, 2, (4, 2)), random.normal(0, 2, (4, 2))) for loss in MORE]
    return found


every_case = pytest.mark.parametrize(
    "place", range(len(cases())), ids=lambda place: str(f"{place}-{cases()[place][0]!r}")
)


def literal(array: Array) -> Any:
    return make_literal(array, array.dtype.name)


def value_and_slope(
    loss: Loss, prediction: Array, target: Array, weights: Array | None = None
) -> tuple[float, Array]:
    p = make_parameter(prediction, "p")
    w = None if weights is None else make_literal(weights, prediction.dtype.name)
    value = loss(p, literal(target), w)
    assert value.shape == ()
    found, slope = evaluate([value, gradient(value, p)])
    return float(found), slope


def own_weights(loss: Loss, target: Array) -> Array | None:
    """Return what each row weighs by its class, worked out here."""
    by_class = getattr(loss, "class_weights", None)
    ignored = getattr(loss, "ignored", None)
    if ignored is not None:
        return np.asarray(target != ignored, "float64")
    if by_class is None:
        return None
    return np.asarray(by_class)[np.asarray(target, "int64").reshape(len(target))]


def test_every_loss_has_an_oracle_examples_and_a_description() -> None:
    assert set(ORACLES) == set(KINDS)
    for kind in KINDS.values():
        assert kind.__doc__
        assert list(kind.examples(np.random.default_rng(0)))
        assert kind.score_name


@every_case
@pytest.mark.parametrize("seed", range(3))
def test_values_are_the_oracles(place: int, seed: int) -> None:
    loss, prediction, target = cases(seed)[place]
    rows = ORACLES[type(loss).__name__](loss, prediction, target)
    found = evaluate([loss.per_row(literal(prediction), literal(target))])[0]
    np.testing.assert_allclose(found, rows, rtol=1e-12, atol=1e-14)
    weights = own_weights(loss, target)
    whole, _ = value_and_slope(loss, prediction, target)
    assert whole == pytest.approx(float(np.average(rows, weights=weights)), rel=1e-12)
    given_weights = np.random.default_rng(seed).uniform(0, 2, len(rows))
    both = given_weights if weights is None else given_weights * weights
    whole, _ = value_and_slope(loss, prediction, target, given_weights)
    assert whole == pytest.approx(float(np.average(rows, weights=both)), rel=1e-12)


@every_case
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_slope_is_the_measured_one(place: int, seed: int, weighted: bool) -> None:
    loss, prediction, target = cases(seed)[place]
    weights = np.random.default_rng(seed).uniform(0.1, 2, len(target)) if weighted else None

    def function(p: Any) -> Any:
        return loss(p, literal(target), None if weights is None else literal(weights))

    check = check_gradient(function, [prediction], seed=seed, tolerance=1e-6)
    assert check, str(check)


@every_case
def test_the_slope_of_the_slope_is_the_measured_one(place: int) -> None:
    loss, prediction, target = cases()[place]

    def slope(p: Any) -> Any:
        one = gradient(loss(p, literal(target)), p)
        return ops.sum(one * one) + ops.sum(one * 0.7)

    check = check_gradient(slope, [prediction], tolerance=1e-6)
    assert check, str(check)


@every_case
def test_settings_are_plain_json_and_give_the_same_loss_back(place: int) -> None:
    loss = cases()[place][0]
    assert build_loss(json.loads(json.dumps(loss.configuration(), allow_nan=False))) == loss


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_far_out_all_stays_finite(place: int, size: float, dtype: str) -> None:
    loss, prediction, target = cases()[place]
    far = np.full(prediction.shape, size)
    far[..., 0] = -size
    wide = target.astype("float64") if loss.target_dtype == "float" else target
    narrow = wide.astype(dtype) if loss.target_dtype == "float" else wide
    found, slope = value_and_slope(loss, far.astype(dtype), narrow)
    assert np.isfinite(slope).all()
    rows = ORACLES[type(loss).__name__](loss, far, wide)
    exact = float(np.average(rows, weights=own_weights(loss, target)))
    # A difference of two numbers near 1e4 is as exact as those are, and no more.
    rounding = float(np.spacing(np.array(1e4, dtype)))
    assert found == pytest.approx(exact, rel=2e-6 if dtype == "float32" else 1e-12, abs=rounding)


# --- weights ------------------------------------------------------------------------------------


@every_case
def test_whole_weights_are_repeated_rows_and_weight_0_is_no_row(place: int) -> None:
    loss, prediction, target = cases()[place]
    times = np.array([2, 0, 1, 3, 1, 2])[: len(target)]
    whole, slope = value_and_slope(loss, prediction, target, times.astype("float64"))
    repeated = np.repeat(np.arange(len(target)), times)
    expected, parts = value_and_slope(loss, prediction[repeated], target[repeated])
    assert whole == pytest.approx(expected, rel=1e-12)
    summed = np.zeros_like(slope)
    np.add.at(summed, repeated, parts)
    np.testing.assert_allclose(slope, summed, rtol=1e-11, atol=1e-15)
    assert (slope[times == 0] == 0).all()


@every_case
@settings(deadline=None, max_examples=20)
@given(weight=st.floats(1e-3, 1e3))
def test_equal_weights_are_no_weights(place: int, weight: float) -> None:
    loss, prediction, target = cases()[place]
    plain, slope = value_and_slope(loss, prediction, target)
    weights = np.full(len(target), weight)
    weighted, weighted_slope = value_and_slope(loss, prediction, target, weights)
    assert weighted == pytest.approx(plain, rel=1e-12)
    np.testing.assert_allclose(weighted_slope, slope, rtol=1e-11, atol=1e-15)


@every_case
def test_a_batch_that_weighs_nothing_has_no_loss_and_no_slope(place: int) -> None:
    loss, prediction, target = cases()[place]
    found, slope = value_and_slope(loss, prediction, target, np.zeros(len(target)))
    assert found == 0.0
    assert (slope == 0).all()


@every_case
def test_the_total_weight_is_what_the_mean_divides_by(place: int) -> None:
    loss, prediction, target = cases()[place]
    weights = np.arange(1.0, len(target) + 1)
    own = own_weights(loss, target)
    for given_weights in (None, weights):
        value = loss.total_weight(
            literal(prediction),
            literal(target),
            None if given_weights is None else literal(given_weights),
        )
        ones = np.ones(len(target)) if given_weights is None else given_weights
        expected = float((ones if own is None else ones * own).sum())
        assert float(evaluate([value])[0]) == pytest.approx(expected, rel=1e-13)


def test_class_weights_are_weights_of_rows() -> None:
    random = np.random.default_rng(1)
    prediction, target = random.normal(0, 2, (7, 3)), np.array([0, 1, 2, 0, 1, 2, 2])
    rows = np.array([0.5, 2.0, 1.0])[target]
    one = value_and_slope(CrossEntropy((0.5, 2.0, 1.0)), prediction, target)
    other = value_and_slope(CrossEntropy(), prediction, target, rows)
    assert one[0] == pytest.approx(other[0], rel=1e-13)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-12)
    y = np.array([0.0, 1.0, 1.0, 0.0, 0.25, 1.0, 0.0])
    one = value_and_slope(BinaryCrossEntropy((3.0, 1.0)), prediction[:, 0], y)
    other = value_and_slope(BinaryCrossEntropy(), prediction[:, 0], y, 3.0 - 2.0 * y)
    assert one[0] == pytest.approx(other[0], rel=1e-13)


# --- worked by hand -----------------------------------------------------------------------------


def test_numbers_from_the_page() -> None:
    # The neuron of the blueprint: ½ (1 − 0.5744)² = 0.0905.
    a = np.array([0.574442516811659])
    half, slope = value_and_slope(SquaredError(half=True), a, np.ones(1))
    assert half == pytest.approx(0.0905, abs=1e-4)
    assert slope[0] == pytest.approx(-(1 - 0.574442516811659), rel=1e-14)
    assert value_and_slope(SquaredError(), np.array([1.0, 3.0]), np.zeros(2))[0] == 5.0
    assert value_and_slope(AbsoluteError(), np.array([1.0, -3.0]), np.zeros(2))[0] == 2.0
    assert value_and_slope(Huber(1.0), np.array([0.5, 3.0]), np.zeros(2))[0] == 0.5 * (0.125 + 2.5)
    # A coin: ln 2; ten even classes: ln 10.
    coin = value_and_slope(BinaryCrossEntropy(), np.zeros(2), np.array([0.0, 1.0]))
    assert coin[0] == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(coin[1], [0.25, -0.25])
    dice = value_and_slope(CrossEntropy(), np.zeros((1, 10)), np.array([3]))
    assert dice[0] == pytest.approx(np.log(10), rel=1e-15)
    # The slope of cross-entropy is p − y.
    np.testing.assert_allclose(dice[1][0], np.full(10, 0.1) - np.eye(10)[3], rtol=1e-14)


def test_where_the_absolute_error_is_0_it_has_no_slope() -> None:
    _, slope = value_and_slope(AbsoluteError(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(slope, [0.0, 0.5])


def test_what_a_prediction_means() -> None:
    raw = np.array([[0.0, 1.0, -1.0]])
    assert evaluate([SquaredError().predict(literal(raw))])[0].tolist() == raw.tolist()
    found = evaluate([BinaryCrossEntropy().predict(literal(raw))])[0]
    np.testing.assert_allclose(found, special.expit(raw))
    found = evaluate([CrossEntropy().predict(literal(raw))])[0]
    np.testing.assert_allclose(found, special.softmax(raw, axis=1))


def test_scores() -> None:
    assert SquaredError().score(np.array([1.0, 3.0]), np.zeros(2)) == pytest.approx(np.sqrt(5))
    weighed = SquaredError().score(np.array([1.0, 3.0]), np.zeros(2), np.array([8.0, 0.0]))
    assert weighed == pytest.approx(1.0)
    right = BinaryCrossEntropy().score(np.array([0.9, 0.2, 0.4]), np.array([1.0, 1.0, 0.0]))
    assert right == pytest.approx(2 / 3)
    columns = np.array([[0.9, 0.2], [0.4, 0.1]])
    assert BinaryCrossEntropy().score(columns, np.array([[1.0, 1.0], [0.0, 0.0]])) == 0.75
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    assert CrossEntropy().score(shares, np.array([0, 1])) == 0.5
    assert CrossEntropy().score(shares, np.array([0, 1]), np.array([3.0, 1.0])) == 0.75


# --- what is refused ----------------------------------------------------------------------------


def wrong_shapes() -> Iterator[tuple[Loss, tuple[int, ...], tuple[int, ...]]]:
    for kind in KINDS.values():
        if kind.target_dtype == "float":
            yield kind(), (5,), (5, 1)
            yield kind(), (5, 1), (5,)
            yield kind(), (5, 2), (5, 1)
            yield kind(), (5, 1), (1, 1)
            yield kind(), (5, 1), (4, 1)
            yield kind(), (5,), ()
        else:
            yield kind(), (5, 3), (5, 1)
            yield kind(), (5, 3), (5, 3)
            yield kind(), (5, 3), (1,)
            yield kind(), (5, 3), ()


@pytest.mark.parametrize(("loss", "prediction", "target"), list(wrong_shapes()), ids=str)
def test_losses_never_broadcast_and_name_both_shapes(
    loss: Loss, prediction: tuple[int, ...], target: tuple[int, ...]
) -> None:
    dtype = "int64" if loss.target_dtype == "int" else "float64"
    with pytest.raises(ShapeError) as caught:
        loss(literal(np.zeros(prediction)), literal(np.zeros(target, dtype)))
    message = str(caught.value)
    assert f"the prediction has shape {prediction}" in message
    assert f"the target {target}" in message
    assert "Try: " in message


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kinds_of_numbers_must_fit(kind: type[Loss]) -> None:
    loss, prediction, target = next(kind.examples(np.random.default_rng(0)))
    wrong = ["int64", "bool", "float32"] if kind.target_dtype == "float" else ["float64", "bool"]
    for dtype in wrong:
        with pytest.raises(DtypeError):
            loss(literal(prediction), literal(target.astype(dtype)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_weights_have_one_number_for_each_row(kind: type[Loss]) -> None:
    loss, prediction, target = next(kind.examples(np.random.default_rng(0)))
    for shape in ((len(target), 1), (1,), (), (len(target) + 1,)):
        with pytest.raises(MisstepError, match="sample weights"):
            loss(literal(prediction), literal(target), literal(np.ones(shape)))


def test_cross_entropy_wants_classes_in_columns() -> None:
    for shape in ((5,), (5, 2, 3)):
        with pytest.raises(ShapeError, match=r"\(batch, classes\)"):
            CrossEntropy()(literal(np.zeros(shape)), literal(np.zeros(5, "int64")))
    with pytest.raises(ShapeError, match="one weight for each of 3 classes"):
        CrossEntropy((1.0, 2.0))(literal(np.zeros((5, 3))), literal(np.zeros(5, "int64")))
    zeros = literal(np.zeros((5, 2)))
    with pytest.raises(ShapeError, match="one output"):
        BinaryCrossEntropy((1.0, 2.0))(zeros, zeros)


@pytest.mark.parametrize("weights", [5, "ab", (), (-1.0, 2.0), (float("nan"), 1.0), (1.0, None)])
@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
def test_class_weights_are_numbers_of_0_or_more(kind: Any, weights: Any) -> None:
    with pytest.raises(ArgumentError, match=f"class_weights of {kind.__name__}"):
        kind(weights)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan"), float("inf"), "1", None])
def test_huber_wants_a_positive_number(delta: Any) -> None:
    with pytest.raises(ArgumentError, match="delta of Huber"):
        Huber(delta)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "Huber",
        {},
        {"kind": "Loss"},
        {"kind": "Huber", "delta": -1},
        {"kind": "Huber", "d": 1},
        {"kind": "SquaredError", "half": "no"},
        {"kind": "CrossEntropy", "class_weights": {"a": 1}},
        {"kind": "CrossEntropy", "class_weights": ["x"]},
    ],
)
def test_wrong_configurations_are_refused(wrong: Any) -> None:
    with pytest.raises(FileFormatError):
        build_loss(wrong)


def trained_on(y: Array, loss: Loss, units: int, name: str = "y") -> None:
    x = np.zeros((len(y), 2))
    trainer = Trainer(Sequential(Dense(units)), loss=loss)
    if name == "y":
        trainer.fit(x, y, epochs=1)
    else:
        good = np.zeros_like(y)
        trainer.fit(x, good, epochs=1, validation=(x, y))


@pytest.mark.parametrize("name", ["y", "validation y"])
@pytest.mark.parametrize(
    ("loss", "units", "y", "row", "value"),
    [
        (BinaryCrossEntropy(), 1, np.array([[0.0], [1.0], [2.0]]), 2, "2.0"),
        (BinaryCrossEntropy(), 1, np.array([[-1.0], [1.0]]), 0, "-1.0"),
        (BinaryCrossEntropy(smoothing=0.1), 1, np.array([[0], [1], [7]]), 2, "7"),
        (BinaryCrossEntropy(), 2, np.array([[0.0, 1.0], [1.0, 1.5]]), 1, "1.5 in column 1"),
        (CrossEntropy(), 3, np.array([0, 3, 1]), 1, "3"),
        (CrossEntropy(), 3, np.array([0, 1, -1]), 2, "-1"),
    ],
)
def test_answers_that_a_loss_means_nothing_for_are_refused_by_row_and_value(
    loss: Loss, units: int, y: Array, row: int, value: str, name: str
) -> None:
    with pytest.raises(DataError) as caught:
        trained_on(y, loss, units, name)
    assert f"{name}, row {row} " in str(caught.value)
    assert value in str(caught.value)
    network = Network(Dense(units), input_shape=(2,))
    with pytest.raises(DataError, match=f"row {row} "):
        network.evaluate(np.zeros((len(y), 2)), y, loss=loss)
    raw = literal(np.zeros((len(y), units)))
    dtype = "int64" if loss.target_dtype == "int" else "float64"
    with pytest.raises(DataError, match=f"row {row} "):
        loss(raw, literal(y.astype(dtype)))


def test_shares_between_two_classes_are_answers() -> None:
    y = np.array([[0.0], [0.25], [1.0]])
    assert np.isfinite(value_and_slope(BinaryCrossEntropy(), np.zeros((3, 1)), y)[0])


def test_a_loss_of_a_callers_own_says_what_answers_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contract, "_registry", dict(contract._registry))

    @dataclass(frozen=True)
    class PoissonLoss(Loss):
        def answers_between(self, prediction_shape: tuple[int, ...]) -> tuple[float, float]:
            return 0.0, np.inf

        def per_row(self, prediction: Value, target: Value) -> Value:
            return ops.exp(prediction) - target * prediction

    PoissonLoss()(literal(np.zeros(2)), literal(np.array([0.0, 1e9])))
    with pytest.raises(DataError, match="an answer of 0 or more, as PoissonLoss takes them"):
        PoissonLoss()(literal(np.zeros(3)), literal(np.array([0.0, -1.0, -2.0])))


# --- chosen by name -------------------------------------------------------------------------------


def test_losses_are_chosen_by_name() -> None:
    own = {kind.name for kind in KINDS.values()}
    assert [name for name in loss_names() if name in own] == [
        *("absolute-error", "binary-cross-entropy", "cross-entropy", "huber", "squared-error")
    ]
    assert loss_named("huber", delta=0.5) == Huber(0.5)
    assert loss_named("cross-entropy") == CrossEntropy()


def test_a_wrong_name_or_setting_says_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="'huber', the nearest name") as caught:
        loss_named("hubert")
    assert "absolute-error, binary-cross-entropy" in str(caught.value)
    with pytest.raises(ArgumentError, match="'smoothing', the nearest name"):
        loss_named("cross-entropy", smoothin=0.1)
    with pytest.raises(ArgumentError, match="settings among none"):
        loss_named("absolute-error", delta=0.1)


def test_a_loss_of_a_callers_own_is_found_by_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "_registry", dict(contract._registry))

    @dataclass(frozen=True)
    class QuantileLoss(Loss):
        share: float = 0.5

    assert "quantile-loss" in loss_names()
    assert loss_named("quantile-loss", share=0.9) == QuantileLoss(0.9)


# --- what becomes of the rows --------------------------------------------------------------------


def test_losses_of_rows_are_summed_or_left_as_they_are() -> None:
    random = np.random.default_rng(4)
    raw, target = random.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    weights = random.uniform(0.5, 2, 5)
    rows = ORACLES["CrossEntropy"](CrossEntropy(), raw, target)
    loss = CrossEntropy()

    def found(reduction: str, weigh: bool) -> Array:
        given = literal(weights) if weigh else None
        made = loss(literal(raw), literal(target), given, reduction=reduction)
        return evaluate([made])[0]

    np.testing.assert_allclose(found("none", False), rows)
    np.testing.assert_allclose(found("none", True), rows * weights)
    np.testing.assert_allclose(found("sum", False), rows.sum())
    np.testing.assert_allclose(found("sum", True), (rows * weights).sum())
    with pytest.raises(ArgumentError, match="'mean' or 'sum' or 'none'"):
        loss(literal(raw), literal(target), reduction="median")


@pytest.mark.parametrize("ignored", [-100, 1])
@pytest.mark.parametrize("by_class", [None, (1.0, 3.0, 0.5)])
def test_rows_of_an_ignored_class_weigh_nothing(
    ignored: int, by_class: tuple[float, ...] | None
) -> None:
    random = np.random.default_rng(5)
    raw, target = random.normal(size=(6, 3)), np.array([0, ignored, 2, ignored, 0, 2])
    counts = target != ignored
    some = value_and_slope(CrossEntropy(by_class), raw[counts], target[counts])
    whole = value_and_slope(CrossEntropy(by_class, ignored=ignored), raw, target)
    assert whole[0] == pytest.approx(some[0], rel=1e-13)
    np.testing.assert_allclose(whole[1][counts], some[1], rtol=1e-12)
    assert not whole[1][~counts].any()
    loss = CrossEntropy(ignored=ignored)
    assert loss.score(raw, target) == CrossEntropy().score(raw[counts], target[counts])
    nothing = value_and_slope(loss, raw, np.full(6, ignored))
    assert nothing[0] == 0.0
    assert np.isnan(loss.score(raw, np.full(6, ignored)))


def test_another_class_than_the_ignored_one_is_refused_as_ever() -> None:
    with pytest.raises(DataError, match="row 1"):
        CrossEntropy(ignored=-100).check_answers(np.array([-100, -1, 0]), (3, 4))
    with pytest.raises(ArgumentError, match="ignored"):
        CrossEntropy(ignored=True)
