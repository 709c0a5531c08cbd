"""Operators of classic machine learning (ai.onnx.ml): what stands around networks in pipelines."""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import constant
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.node import CLASSIC_DOMAIN

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC")


def as_float(call: Call, x: Value) -> Value:
    """Return numbers of any kind as floating-point ones, as these operators give them."""
    return x if x.type.is_float else ops.cast(x, call.dtype(1))


def _numbers(call: Call, name: str, x: Value, default: float) -> Value:
    numbers = np.array(call.numbers(name, (default,)))
    if numbers.size not in (1, x.shape[-1] if x.shape else 1):
        raise call.broken(f"{name} for {x.shape}", f"{numbers.size} numbers")
    return make_literal(numbers, x.dtype)


@imports("Scaler", domain=CLASSIC_DOMAIN)
def scaler(call: Call, x: Value) -> Value:
    """Return (x − offset) · scale, column by column."""
    x = as_float(call, x)
    return (x - _numbers(call, "offset", x, 0.0)) * _numbers(call, "scale", x, 1.0)


@imports("Normalizer", domain=CLASSIC_DOMAIN)
def normalizer(call: Call, x: Value) -> Value:
    """Return rows by their largest, the sum of their sizes, or their length."""
    x = as_float(call, x)
    norm = call.one_of("norm", ("MAX", "L1", "L2"), "MAX")
    if norm == "MAX":
        length = ops.max(ops.absolute(x), -1, True)
    else:
        length = ops.sum(ops.absolute(x), -1, True) if norm == "L1" else ops.norm(x, -1, True)
    return x / ops.where(ops.equal(length, constant(0, length)), 1.0, length)


@imports("Binarizer", domain=CLASSIC_DOMAIN)
def binarizer(call: Call, x: Value) -> Value:
    """Return 1 above the threshold, else 0."""
    threshold = call.number("threshold", 0.0)
    return ops.cast(ops.less(constant(threshold, x), x), x.dtype)


@imports("Imputer", domain=CLASSIC_DOMAIN)
def imputer(call: Call, x: Value) -> Value:
    """Return x with numbers in place of gaps, column by column."""
    if call.has("imputed_value_int64s"):
        raise call.refusal("imputed_value_floats", "imputed_value_int64s")
    gap = call.number("replaced_value_float", 0.0)
    call.ignores("replaced_value_int64")
    fill = _numbers(call, "imputed_value_floats", x, 0.0)
    missing = ops.logical_not(ops.equal(x, x)) if np.isnan(gap) else ops.equal(x, constant(gap, x))
    return ops.where(missing, fill, x)


@imports("FeatureVectorizer", domain=CLASSIC_DOMAIN)
def feature_vectorizer(call: Call, *parts: Value) -> Value:
    """Return columns side by side."""
    call.ignores("inputdimensions")
    return ops.concatenate([as_float(call, part) for part in parts], 1)


@imports("ArrayFeatureExtractor", domain=CLASSIC_DOMAIN)
def array_feature_extractor(call: Call, x: Value, positions: Value) -> Value:
    """Return the entries of the last axis at positions."""
    at = np.asarray(call.known_wholes(positions, "positions"))
    length = x.shape[-1] if x.shape else 0
    if at.size and not (at.min() >= 0 and at.max() < length):
        raise call.broken(f"positions from 0 to {length - 1}", f"{at.min()} to {at.max()}")
    order = (x.ndim - 1, *range(x.ndim - 1))
    found = ops.gather(ops.transpose(x, order), make_literal(at, "int64"))
    back = ops.transpose(found, (*range(1, found.ndim), 0))
    return ops.reshape(back, (1, at.size)) if x.ndim == 1 else back


@imports("OneHotEncoder", domain=CLASSIC_DOMAIN)
def one_hot_encoder(call: Call, x: Value) -> Value:
    """Return 1 for the category of each entry, else 0, along a new last axis."""
    categories = np.array(call.wholes("cats_int64s"))
    if not call.flag("zeros", True):
        raise call.refusal("zeros for other categories", "an error for them")
    wide = ops.reshape(x, (*x.shape, 1))
    hits = ops.equal(wide, make_literal(categories, x.dtype))
    return ops.cast(hits, call.dtype(1))


@imports("LinearRegressor", domain=CLASSIC_DOMAIN)
def linear_regressor(call: Call, x: Value) -> Value:
    """Return x times coefficients plus intercepts."""
    call.one_of("post_transform", ("NONE",), "NONE")
    x = as_float(call, x)
    targets = call.whole("targets", 1)
    return _scores(call, x, targets)


@imports("LinearClassifier", domain=CLASSIC_DOMAIN)
def linear_classifier(call: Call, x: Value) -> tuple[Value, Value]:
    """Return the number of the class, and the scores of the classes."""
    call.ignores("multi_class")
    labels = call.wholes("classlabels_ints", ())
    if not labels:
        raise call.refusal("classes that are whole numbers", "others")
    x = as_float(call, x)
    transform = call.one_of("post_transform", TRANSFORMS, "NONE")
    scores = _scores(call, x, len(labels))
    if transform == "SOFTMAX":
        scores = ops.softmax(scores, 1)
    elif transform == "LOGISTIC":
        scores = ops.sigmoid(scores)
    return ops.gather(make_literal(np.array(labels), "int64"), ops.argmax(scores, 1)), scores


def _scores(call: Call, x: Value, outputs: int) -> Value:
    coefficients = np.array(call.numbers("coefficients"))
    intercepts = np.array(call.numbers("intercepts", (0.0,) * outputs))
    features = x.shape[1] if x.ndim == 2 else 0
    if coefficients.size != outputs * features or intercepts.size != outputs:
        raise call.broken(f"{outputs} × {features} coefficients", f"{coefficients.size}")
    weight = make_literal(coefficients.reshape(outputs, features).T.copy(), x.dtype)
    return x @ weight + make_literal(intercepts, x.dtype)


@imports("ZipMap", domain=CLASSIC_DOMAIN)
def zip_map(call: Call, x: Value) -> Value:
    """Return the scores as they are, by the order of the classes instead of their names."""
    call.ignores("classlabels_strings", "classlabels_int64s")
    return x
