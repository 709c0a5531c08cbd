"""What estimators say of data and arguments that can't be used, and how they show themselves."""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr

import misstep as ms

Array = np.ndarray[Any, Any]
X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def with_gap() -> Array:
    return np.where(np.arange(120).reshape(40, 3) == 7, np.nan, X)


DATA: list[tuple[Any, Any, type[Exception], str]] = [
    (csr_matrix(X), Y, TypeError, "X: needed a dense array or a frame, but got a sparse one"),
    (with_gap(), Y, ValueError, "X at row 3, column 2: needed finite .* in which they are filled"),
    (X * [1, np.inf, 1], Y, ValueError, "got -?inf .40 such numbers"),
    (X[:, 0], Y, ValueError, "X.reshape"),
    (X[0].tolist(), Y[:1], ValueError, "Expected 2D array"),
    (X[:, :0], Y, ValueError, r"0 feature\(s\)"),
    (X[:0], Y[:0], ValueError, r"0 sample\(s\)"),
    (X.astype(str) + "a", Y, ValueError, "could not convert string to float"),
    (np.array([[{}]] * 40, dtype=object), Y, TypeError, "argument must be"),
    (pd.DataFrame({"a": [[1]] * 40}), Y, ValueError, "row 1 of column 'a' of X"),
    (pd.DataFrame([[1, 2]] * 40, columns=["a", "a"]), Y, ValueError, "a"),
    (pd.DataFrame({"a": X[:, 0], 1: X[:, 1]}), Y, TypeError, "string names"),
    (pd.DataFrame({"a": [3.0] * 40}), Y, ValueError, "at least one column to learn from"),
    (X, None, ValueError, "requires y to be passed, but the target y is None"),
    (X, Y[:-1], ValueError, "X and y: needed as many answers as rows, but got 40 rows, 39 answers"),
    (X, np.where(Y > 0, 1.5, np.nan), ValueError, r"got NaN or nothing in \d+ rows, the first at"),
    (X, ["a", None] * 20, ValueError, "got NaN or nothing in 20 rows, the first at row 2"),
    (X, np.where(Y > 0, np.inf, 0.0), ValueError, "needed a finite answer"),
    (X, Y * 1j, ValueError, "Complex data not supported"),
]


@pytest.mark.parametrize(("x", "y", "kind", "words"), DATA, ids=range(len(DATA)))
@pytest.mark.parametrize("estimator", [ms.Classifier(), ms.Regressor()], ids=["classes", "number"])
def test_data_that_cannot_be_used_are_named(
    estimator: Any, x: Any, y: Any, kind: type[Exception], words: str
) -> None:
    options = {"classes": [0, 1]} if isinstance(estimator, ms.Classifier) else {}
    for fit in (estimator.fit, partial(estimator.partial_fit, **options)):
        with pytest.raises(kind, match=words) as caught:
            fit(x, y)
        assert isinstance(caught.value, ms.MisstepError)
        assert not str(caught.value).endswith("..")
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.ones(40), "needed at least two classes, but got one class, 1.0, in all 40 rows"),
        (X[:, 0], "continuous"),
        ([1, "a"] * 20, "needed labels of classes|differ"),
        ([" a", "a"] * 20, "differ by more than blanks"),
        ([b"a", b"b"] * 20, "bytes"),
    ],
)
def test_what_is_no_class_is_named(y: Any, words: str) -> None:
    y = np.array(y, dtype=object) if isinstance(y, list) and 1 in y else y
    with pytest.raises((ms.DataError, ms.errors.DtypeError), match=words):
        ms.Classifier().fit(X, y)


def test_texts_are_no_numbers() -> None:
    with pytest.raises(ms.DataError, match=r"a Regressor predicts numbers.*could not convert"):
        ms.Regressor().fit(X, ["many"] * 40)


def test_numbers_that_came_as_objects_are_numbers() -> None:
    for labels in (Y.astype(object), pd.Series(Y, dtype="Int64"), Y.astype(bool).astype(object)):
        classifier = ms.Classifier(epochs=1).fit(X, labels)
        assert (classifier.classes_ == [0, 1]).all()
    ms.Regressor(epochs=1).fit(X.astype(object), Y.astype(object))


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"network": "dens64"}, "the part 'dens64' .* Try: dense64"),
    ({"network": 64}, "network: needed a line such as 'dense64-dense32', a module or None"),
    (
        {"network": ms.Sequential(ms.Dense(2))},
        "your network: needed 1 output at its end, but got 2",
    ),
    ({"network": ms.Dense(3)}, r"Try: ms.Dense\(1\) as its last layer"),
    ({"epochs": 0}, "epochs: needed a whole number of 1 or more, or None, but got 0"),
    ({"epochs": True}, "epochs: .* got True"),
    ({"batch_size": 2.5}, "batch_size: .* got 2.5"),
    ({"patience": "long"}, "patience: .* got 'long'"),
    ({"threads": -1}, "threads: .* got -1"),
    ({"learning_rate": 0}, "learning_rate: needed a number above 0"),
    ({"learning_rate": "fast"}, "learning_rate: needed a number above 0, or None, but got 'fast'"),
    ({"learning_rate": float("nan")}, "learning_rate: needed a number above 0"),
    (
        {"validation_fraction": 1.0},
        "validation_fraction: needed a share, 0 or more and less than 1",
    ),
    ({"validation_fraction": "much"}, "validation_fraction: needed a share"),
    ({"random_state": -1}, "random_state: needed 0 to"),
    ({"random_state": "x"}, "random_state: needed a whole number, a RandomState or None"),
    ({"progress": "please"}, "progress: needed True or False"),
    ({"class_weight": "balance"}, "class_weight: .* Try: 'balanced'"),
    ({"class_weight": {0: 1, 7: 2}}, "class_weight: needed classes that are in y, but got 7"),
    ({"class_weight": {0: -1}}, "class_weight of 0: needed a number of 0 or more"),
    ({"class_weight": {0: 0, 1: 0}}, "the rows to learn from: needed one that weighs more than 0"),
    ({"class_weight": [1, 2]}, "weights by class"),
]


@pytest.mark.parametrize(("arguments", "words"), ARGUMENTS, ids=lambda one: str(one)[:40])
def test_arguments_that_cannot_be_used_are_named_at_fit(
    arguments: dict[str, Any], words: str
) -> None:
    estimator = ms.Classifier(**arguments)
    with pytest.raises(ValueError, match=words) as caught:
        estimator.fit(X, Y)
    assert isinstance(caught.value, ms.MisstepError)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (-np.ones(40), "sample_weight: needed finite numbers of at least 0, but got -1.0 at row 1"),
        (np.zeros(40), "sample_weight: needed at least one weight above 0"),
        (np.ones(39), r"sample_weight: needed one number per row, shape \(40,\)"),
        (np.ones((40, 2)), "sample_weight"),
        (["heavy"] * 40, "sample_weight: needed numbers"),
        (np.full(40, np.nan), "sample_weight: needed finite"),
    ],
)
@pytest.mark.parametrize("estimator", [ms.Classifier(), ms.Regressor()], ids=["classes", "number"])
def test_weights_that_cannot_be_used_are_named(estimator: Any, weights: Any, words: str) -> None:
    with pytest.raises(ms.DataError, match=words):
        estimator.fit(X, Y, sample_weight=weights)


@pytest.mark.parametrize("estimator", [ms.Classifier(), ms.Regressor()], ids=["classes", "number"])
def test_an_estimator_not_fitted_says_so_to_both_libraries(estimator: Any, tmp_path: Any) -> None:
    calls = [lambda: estimator.predict(X), lambda: estimator.save(tmp_path / "model")]
    for call in calls:
        for kind in (ms.NotFittedError, NotFittedError):
            with pytest.raises(kind, match=r"needed to be fitted first.*Try: fit\(X, y\)"):
                call()
    assert not list(tmp_path.iterdir())


def test_a_failed_fit_leaves_the_fitted_model() -> None:
    classifier = ms.Classifier(epochs=2).fit(X, Y)
    wanted = classifier.predict_proba(X)
    with pytest.raises(ms.DataError):
        classifier.fit(X, np.ones(40))
    assert np.array_equal(classifier.predict_proba(X), wanted)


# How they show themselves

NASTY = "<script>alert('1')</script>\"&"


def html_of(estimator: Any) -> str:
    return str(estimator._repr_mimebundle_()["text/html"])


def pictures_of(estimator: Any) -> str:
    """Return the drawings that stand as pictures in its HTML."""
    found = re.findall(r"data:image/svg[+]xml;base64,([^\"]*)", html_of(estimator))
    return "".join(base64.b64decode(one).decode() for one in found)


def curves_of(estimator: Any) -> list[str]:
    return re.findall(r'<polyline class="line series-\d" points="([^"]*)"', pictures_of(estimator))


def test_a_fitted_estimator_shows_layers_decisions_and_a_curve() -> None:
    classifier = ms.Classifier("dense7-tanh", epochs=6, validation_fraction=0.3).fit(X, Y)
    shown = html_of(classifier)
    assert "dense, 7 units" in pictures_of(classifier)
    assert "36 parameters" in shown
    assert "you chose it" in shown
    # Validation is drawn first, beneath training.
    _, curve = curves_of(classifier)
    points = [tuple(map(float, point.split(","))) for point in curve.split()]
    assert len(points) == 6
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    # The highest loss is drawn highest: its y is the least.
    losses = [values["training_loss"] for values in classifier.history_]
    assert int(np.argmax(losses)) == int(np.argmin([y for _, y in points]))


def test_long_trainings_draw_no_more_points_than_pixels() -> None:
    regressor = ms.Regressor("dense1", epochs=1500, validation_fraction=0, batch_size=40).fit(X, Y)
    (curve,) = curves_of(regressor)
    assert 100 < len(curve.split()) <= 500


@pytest.mark.parametrize("fitted", [False, True])
def test_no_scripts_and_no_markup_from_data(fitted: bool) -> None:
    frame = pd.DataFrame({NASTY: X[:, 0], "kind": np.where(Y > 0, "<b>", "<i>")})
    labels = pd.Series(np.where(Y > 0, "<img src=x>", "no"), name=NASTY)
    classifier = ms.Classifier(class_weight={NASTY: 1, "no": 1, "<img src=x>": 1}, epochs=2)
    if fitted:
        classifier.fit(frame, labels)
    shown = html_of(classifier)
    for mark in ("<script", "onclick=", "javascript:", "<img src=x>", "<b>", "<i>"):
        assert mark not in shown.replace("<b>In a Jupyter", "")
    assert "&lt;script&gt;alert" in shown
    # Nothing is fetched from anywhere.
    assert "http" not in shown.partition("misstep-summary")[2]


def test_an_estimator_not_fitted_shows_its_diagram() -> None:
    shown = html_of(ms.Regressor())
    assert "Regressor" in shown
    assert "misstep-summary" not in shown
    # scikit-learn draws pipelines around it in its own way.
    assert "Regressor" in estimator_html_repr(ms.Regressor())


def test_text_is_all_there_is_on_request() -> None:
    with sklearn.config_context(display="text"):
        assert not hasattr(ms.Classifier(), "_repr_html_")
        assert set(ms.Classifier()._repr_mimebundle_()) == {"text/plain"}
    assert ms.Classifier()._repr_html_().startswith("<style>")


@pytest.mark.parametrize(
    ("answers", "word"),
    [(pd.date_range("2020", periods=40), "dates"), (pd.to_timedelta(range(40), "h"), "spans")],
)
def test_times_are_no_numbers_to_predict(answers: Any, word: str) -> None:
    # As numbers they would be counts of microseconds, or of whatever they are stored in.
    with pytest.raises(TypeError, match=f"y: needed numbers.*got {word}"):
        ms.Regressor(epochs=1).fit(X, answers)


@pytest.mark.parametrize(
    ("kind", "word"), [("datetime64[D]", "dates"), ("timedelta64[s]", "spans of time")]
)
def test_times_in_an_array_are_no_numbers_to_learn_from(kind: str, word: str) -> None:
    times = np.arange(120).reshape(40, 3).astype(kind)
    fitted = ms.Classifier(epochs=1, network="dense2").fit(X, Y)
    for rows in (times, list(times)):
        with pytest.raises(ms.DataError, match=f"X: needed real numbers, but got {word}"):
            ms.Classifier(epochs=1).fit(rows, Y)
        with pytest.raises(ms.DataError, match=f"X: needed real numbers, but got {word}"):
            fitted.predict(rows)
