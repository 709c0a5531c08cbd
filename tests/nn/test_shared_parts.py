"""What entries have in common costs no digits: float32 against float64, interpreted and compiled.

Each case gets float32 numbers that share a part of up to ten million; what it gives for the very
same numbers in float64 is the truth. Losses and reductions, their values and their slopes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler import NativeProgram
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy

ROWS, COLUMNS = 5, 4
# Of the largest entry of a result; a float32 has 6e-8.
ROOM = 1e-6
# With a slope through a square root of what a sum has rounded, or through several products.
WIDER = 4e-6

CLASSES = make_literal(np.array([0, 3, 1, 1, 2]), "int64")


def spread(x: Value) -> Value:
    return ops.sqrt(ops.variance(x, 0) + 1e-5)


# What is computed of x (rows × columns) and w, which weighs what comes out.
CASES: dict[str, Callable[[Value, Value], Value]] = {
    "softmax": lambda x, w: ops.softmax(x) * w,
    "softmax of columns": lambda x, w: ops.softmax(x, 0) * w,
    "log-softmax": lambda x, w: ops.log_softmax(x) * w,
    "log-softmax of columns": lambda x, w: ops.log_softmax(x, 0) * w,
    "variance": lambda x, w: ops.variance(x, 0) * w[0],
    "variance of all": lambda x, w: ops.variance(x) * w[0],
    "deviation": lambda x, w: spread(x) * w[0],
    "centered": lambda x, w: ops.centered(x, 1) * w,
    "normalized columns": lambda x, w: ops.normalize(x, w[0], w[1], (0,), 1e-5) * w,
    "normalized rows": lambda x, w: ops.normalize(x, w[0], w[1], (1,), 1e-5) * w,
    "cross-entropy": lambda x, w: CrossEntropy().per_row(x, CLASSES) * w[:, 0],
    "smoothed cross-entropy": lambda x, w: (
        CrossEntropy(smoothing=0.2).per_row(x, CLASSES) * w[:, 0]
    ),
    "attention": lambda x, w: ops.softmax(x) @ ops.transpose(w),
}
# Their values keep what is shared, and have the digits that it leaves; their slopes have all.
SLOPE_ONLY: dict[str, Callable[[Value, Value], Value]] = {
    "log-sum-exp": lambda x, w: ops.log_sum_exp(x, 1) * w[:, 0],
    "log-sum-exp of all": lambda x, w: ops.log_sum_exp(x) * w[0],
    "log-sum-exp of columns": lambda x, w: ops.log_sum_exp(x, (0,)) * w[0],
    "largest": lambda x, w: ops.max(x, 1) * w[:, 0],
    # What comes in from above shares a part, as where attention weighs values that do.
    "softmax from above": lambda x, w: ops.softmax(w) * x,
}


def program(case: Callable[[Value, Value], Value], dtype: str, by: int) -> Graph:
    x, w = make_input("x", (ROWS, COLUMNS), dtype), make_input("w", (ROWS, COLUMNS), dtype)
    value = case(x, w)
    return Graph({"value": value, "slope": gradient(ops.sum(value), (x, w)[by])}, [x, w])


def numbers(seed: int, shared: float) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    # Steps of two, so that there are differences left where the shared part is ten million.
    x = (shared + 2.0 * random.integers(-3, 4, (ROWS, COLUMNS))).astype("float32")
    return {"x": x, "w": random.normal(0, 1, (ROWS, COLUMNS)).astype("float32")}


def results(case: Callable[[Value, Value], Value], feeds: dict[str, Array], by: int = 0):  # type: ignore[no-untyped-def]
    """Yield value and slope interpreted and compiled in float32, each beside those in float64."""
    wide = {name: array.astype("float64") for name, array in feeds.items()}
    truth = Interpreter(program(case, "float64", by)).run(wide)
    narrow = program(case, "float32", by)
    yield Interpreter(narrow).run(feeds), truth
    try:
        yield NativeProgram(narrow).run(feeds)[0], truth
    except NotYetError as reason:
        pytest.skip(str(reason))


def check(found: Array, truth: Array, room: float) -> None:
    largest = max(float(np.abs(truth).max()), 1e-3)
    np.testing.assert_allclose(found, truth, rtol=0, atol=room * largest)


seeds_and_shared = given(
    seed=st.integers(0, 1000),
    shared=st.sampled_from([0.0, 10.0, 1e3, -1e3, 65536.0, 1e6, -1e6, 1e7]),
)


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=12)
@seeds_and_shared
def test_a_shared_part_costs_no_digits(name: str, seed: int, shared: float) -> None:
    for found, truth in results(CASES[name], numbers(seed, shared)):
        check(found["value"], truth["value"], ROOM)
        check(found["slope"], truth["slope"], WIDER)


@pytest.mark.parametrize("name", SLOPE_ONLY)
@settings(deadline=None, max_examples=12)
@seeds_and_shared
def test_a_shared_part_costs_no_digits_of_slopes(name: str, seed: int, shared: float) -> None:
    by = 1 if name == "softmax from above" else 0
    for found, truth in results(SLOPE_ONLY[name], numbers(seed, shared), by):
        np.testing.assert_allclose(found["value"], truth["value"], rtol=1e-6, atol=1e-5)
        check(found["slope"], truth["slope"], WIDER)


def test_logits_of_a_hundred_million() -> None:
    """Three equal logits of 1e8; and two of 1e6 beside one that is less by 1."""
    thirds, three = np.full((1, 3), 1 / 3), np.array([[1e6, 1e6, 999999.0]])
    powers = np.exp(three - 1e6)
    for logits, value, shares in (
        (np.full((1, 3), 1e8), np.log(3.0), thirds),
        (three, -np.log(powers[0, 0] / powers.sum()), powers / powers.sum()),
    ):
        z = make_input("z", (1, 3))
        loss = CrossEntropy()(z, make_literal(np.array([0]), "int64"))
        graph = Graph({"loss": loss, "slope": gradient(loss, z)}, [z])
        found = Interpreter(graph).run({"z": logits.astype("float32")})
        np.testing.assert_allclose(found["loss"], value, rtol=2e-7)
        np.testing.assert_allclose(found["slope"], shares - np.eye(3)[:1], atol=2e-7)


@pytest.mark.parametrize("size", [0.0, 1.0, 10.0, 20.0, 40.0, 80.0])
@pytest.mark.parametrize("answer", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_keeps_the_digits_of_a_right_answer(
    size: float, answer: float
) -> None:
    raw = np.array([[size], [-size]])

    def graph(dtype: str) -> Graph:
        z, y = make_input("z", (2, 1), dtype), make_input("y", (2, 1), dtype)
        rows = BinaryCrossEntropy().per_row(z, y)
        return Graph({"rows": rows, "slope": gradient(ops.sum(rows), z)}, [z, y])

    feeds = {"z": raw.astype("float32"), "y": np.full((2, 1), answer, "float32")}
    # −y ln σ(z) − (1 − y) ln σ(−z), term by term, which are both positive.
    truth = answer * np.logaddexp(0, -raw) + (1 - answer) * np.logaddexp(0, raw)
    slope = (1 - answer) / (1 + np.exp(-raw)) - answer / (1 + np.exp(raw))
    for found in (
        Interpreter(graph("float32")).run(feeds),
        NativeProgram(graph("float32")).run(feeds)[0],
    ):
        np.testing.assert_allclose(found["rows"], truth[:, 0], rtol=1e-6)
        np.testing.assert_allclose(found["slope"], slope, rtol=1e-6, atol=1e-12)


def test_columns_that_are_all_the_same_have_no_variance() -> None:
    x = make_input("x", (7, 2))
    graph = Graph(
        {"variance": ops.variance(x, 0), "rest": ops.normalize(x, 1.0, 0.0, (0,), 1e-5)}, [x]
    )
    feeds = {"x": np.full((7, 2), [1e8 + 8, 0.1], "float32")}
    for found in (Interpreter(graph).run(feeds), NativeProgram(graph).run(feeds)[0]):
        np.testing.assert_allclose(found["variance"], 0, atol=1e-12)
        np.testing.assert_allclose(found["rest"], 0, atol=1e-4)
