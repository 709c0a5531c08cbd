"""Paths: their number in known cases, and that they add up to the gradient in any."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from arithmetic import all_digits, assert_exact
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.explain import explain, paths
from misstep.ir import Value, make_parameter


def square() -> tuple[Value, Value]:
    w = make_parameter(3.0, "w")
    return w * w, w


def square_of_square() -> tuple[Value, Value]:
    w = make_parameter(3.0, "w")
    s = (w * w).named("s")
    return s * s, w


def residual() -> tuple[Value, Value]:
    x = make_parameter(1.5, "x")
    return (x + ms.tanh(0.7 * x)) * 2.0, x


def named_residual() -> tuple[Value, Value]:
    x = make_parameter(1.5, "x")
    h = ms.tanh(0.7 * x).named("h")
    return x + h, x


def shared_weight() -> tuple[Value, Value]:
    w = make_parameter(0.5, "w")
    first = (w * 2.0).named("first")
    second = (w * first).named("second")
    return (w * second).named("third"), w


def batch_of_rows() -> tuple[Value, Value]:
    b = make_parameter([0.1, 0.2], "b")
    z = (np.ones((5, 2)) + b).named("z")
    return ms.sum(ms.tanh(z)), b


def two_layers() -> tuple[Value, Value]:
    random = np.random.default_rng(0)
    first = make_parameter(random.normal(size=(3, 4)), "W1")
    h = ms.tanh(random.normal(size=(5, 3)) @ first).named("h")
    o = ms.tanh(h @ make_parameter(random.normal(size=(4, 2)), "W2")).named("o")
    return ms.mean((o - 1.0) ** 2), first


def cross_entropy() -> tuple[Value, Value]:
    random = np.random.default_rng(0)
    W = make_parameter(random.normal(size=(3, 4)), "W")
    z = (random.normal(size=(6, 3)) @ W).named("z")
    return ms.mean(ms.log_sum_exp(z, -1) - ms.take_along_axis(z, np.array([0, 1, 2, 3, 0, 1]))), W


@pytest.mark.parametrize(
    ("build", "number"),
    [
        (square, 1),
        (square_of_square, 1),
        (residual, 1),
        (named_residual, 2),
        (shared_weight, 3),
        (batch_of_rows, 5),
        (two_layers, 5 * 2),
        (cross_entropy, 6),
    ],
)
def test_the_number_of_paths(build: Callable[[], tuple[Value, Value]], number: int) -> None:
    loss, wrt = build()
    one = explain(loss, wrt, paths=100)
    assert one.number_of_paths == number
    assert one.all_paths_counted
    assert len(one.paths) == number
    sizes = [abs(path.product) for path in one.paths]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(path.product for path in one.paths) == pytest.approx(one.gradient, rel=1e-12)
    assert one.other_paths_sum == 0


def test_ways_within_a_line_are_one_number_with_a_formula() -> None:
    loss, x = residual()
    text = explain(loss, x).text()
    assert "= 2 · (1 + 0.7 · (1 − tanh(0.7 · x)²))" in text
    loss, w = square()
    assert "∂L/∂w = 2 · w = 2 · 3 = 6" in explain(loss, w, names={loss: "L"}).text()


def test_a_cross_entropy_is_told_as_the_probability_less_one() -> None:
    loss, W = cross_entropy()
    told = explain(loss, W, (0, 0), paths=6)
    row = {path.links[0].by_index[0]: path.links[0].formula for path in told.paths}
    assert row[0] == "(softmax(z[0, :])[0] − 1) / 6"
    assert row[1] == "softmax(z[1, :])[0] / 6"


def test_rows_inside_one_line_are_paths_of_their_own() -> None:
    w, b = make_parameter(0.5), make_parameter(0.1)
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 6.0, 9.0])
    loss = ms.mean((w * x + b - y) ** 2)
    one = explain(loss, w)
    assert one.number_of_paths == 4
    assert "z[3] = w · x[3] + b" in one.text()


def random_loss(seed: int, steps: int, named: float) -> tuple[Value, list[Value]]:
    """Return a loss over a small random graph: reuse, branches, broadcasts, products, sums."""
    random = np.random.default_rng(seed)
    leaves = [
        make_parameter(random.normal(size=shape), f"p{place}")
        for place, shape in enumerate([(), (2,), (3, 2), (2, 2)])
    ]
    pool = list(leaves)

    def pick() -> Value:
        return pool[int(random.integers(0, len(pool)))]

    for step in range(steps):
        kind = int(random.integers(0, 9))
        one, other = pick(), pick()
        try:
            if kind == 0:
                made = one + other
            elif kind == 1:
                made = one * other
            elif kind == 2:
                made = one - 0.5 * other
            elif kind == 3:
                made = [ms.tanh, ms.sigmoid, ms.relu, ms.softplus][int(random.integers(0, 4))](one)
            elif kind == 4:
                made = one @ other
            elif kind == 5:
                made = ms.mean(one, -1, keep=bool(random.integers(0, 2)))
            elif kind == 6:
                made = ms.softmax(one) if one.ndim else one * one
            elif kind == 7:
                made = one.T if one.ndim == 2 else ms.log_sum_exp(one)
            else:
                made = one / (1.0 + other * other)
        except ValueError:
            made = one + pool[0]
        if random.random() < named:
            made.name = f"v{step}"
        pool.append(made)
    loss = ms.sum(ms.tanh(pool[-1]))
    for value in pool[:-1]:
        if random.random() < 0.4:
            loss = loss + ms.mean(value * value)
    return loss.named("loss"), leaves


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.sampled_from([0.0, 0.5, 1.0]))
def test_the_paths_add_up_to_the_gradient(seed: int, steps: int, named: float) -> None:
    loss, leaves = random_loss(seed, steps, named)
    for leaf in leaves:
        one = explain(loss, leaf)
        expected = gradient(loss, leaf).numpy()[one.index]
        scale = max(abs(path.product) for path in one.paths) if one.paths else 1.0
        assert one.gradient == pytest.approx(expected, rel=1e-12)
        assert one.difference.agrees
        assert one.all_paths_counted
        added = sum(path.product for path in one.paths) + one.other_paths_sum
        assert abs(added - one.gradient) <= 1e-9 * max(abs(one.gradient), scale)
        for path in one.paths:
            product = np.prod([link.number for link in path.links])
            assert path.product == pytest.approx(product, rel=1e-9)
        assert "{" not in one.text()
        with all_digits():
            assert_exact(explain(loss, leaf), told=1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_listing_all_paths_lists_as_many_as_were_counted(seed: int) -> None:
    loss, leaves = random_loss(seed, 5, 1.0)
    one = explain(loss, leaves[1], 0, paths=20_000)
    if one.number_of_paths <= 20_000:
        assert len(one.paths) == one.number_of_paths
        assert len({(path.product, path.links) for path in one.paths}) <= one.number_of_paths


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_listed_paths_are_the_largest(seed: int) -> None:
    loss, leaves = random_loss(seed, 5, 1.0)
    few = explain(loss, leaves[1], 0, paths=3)
    every = explain(loss, leaves[1], 0, paths=20_000)
    for short, long in zip(few.paths, every.paths, strict=False):
        assert abs(short.product) == pytest.approx(abs(long.product), rel=1e-9)


def test_a_web_too_large_is_searched_and_the_text_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, first = two_layers()
    whole = explain(loss, first, (0, 1))
    monkeypatch.setattr(paths, "MOST_NODES", 4)
    part = explain(loss, first, (0, 1))
    assert not part.all_paths_counted
    assert part.number_of_paths <= whole.number_of_paths
    assert part.gradient == whole.gradient
    assert part.paths[0].product == pytest.approx(whole.paths[0].product)
    shown = sum(path.product for path in part.paths) + part.other_paths_sum
    assert shown == pytest.approx(part.gradient)
    assert "more than" in part.text()
    assert "the largest found" in part.text()
    assert "all other paths together" in part.text()


def test_a_batch_is_told_row_by_row() -> None:
    loss, first = two_layers()
    text = explain(loss, first, (0, 1), paths=2).text()
    assert "10 paths from W1[0, 1] to L" in text or "10 paths from W1[0, 1] to loss" in text
    assert "the other 8 paths together" in text
    assert "→ h[" in text


def test_an_intermediate_value_can_be_asked_about() -> None:
    w = make_parameter(0.4)
    z = w * 0.5 + 0.1
    a = ms.sigmoid(z)
    L = 0.5 * (1 - a) ** 2
    assert round(explain(L, a).gradient, 4) == -0.4256
    assert round(explain(L, z).gradient, 4) == -0.1040
    assert explain(L, L).gradient == 1
    assert "∂L/∂L" in explain(L, L).text()


def test_the_entry_with_the_largest_slope_is_taken_and_said() -> None:
    w = make_parameter([1.0, -4.0, 2.0])
    loss = ms.sum(w * w)
    one = explain(loss, w)
    assert one.index == (1,)
    assert one.chosen
    assert "the entry of w" in one.text()
    assert not explain(loss, w, -1).chosen
    assert explain(loss, w, -1).index == (2,)
