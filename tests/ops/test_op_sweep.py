"""Every op of the vocabulary, by being registered: type, run, emitted source, slopes, bad inputs.

An op is tried on its own examples, in float64 and float32; one without examples fails here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.errors import MisstepError
from misstep.inspection import emit_python
from misstep.ir import (
    Array,
    Graph,
    Interpreter,
    Op,
    Type,
    Value,
    make_input,
    make_parameter,
    read_graph,
    registered_ops,
    write_graph,
)

OPS = registered_ops()
SMOOTH = [name for name, kind in OPS.items() if kind.smooth]
ROUNDS = 60  # of examples for each op with a slope
TOLERANCE = 1e-6
# Chosen where the ops are written; a case is one instance, one set of inputs, one direction.
LEAST_CASES = 2000

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf, np.nan, 1e-310, 3e38, -700.0, 90.0]
WHOLE = [0, 1, -1, 2, 3, 2**31 - 1, -(2**31), 7]


def examples(name: str, rounds: int, seed: int = 0) -> Iterator[tuple[Op, list[Array]]]:
    random = np.random.default_rng(seed)
    for _ in range(rounds):
        for op, arrays in OPS[name].examples(random):
            yield op, [np.asarray(array) for array in arrays]


def narrowed(arrays: list[Array]) -> list[Array]:
    return [one.astype("float32") if one.dtype == "float64" else one for one in arrays]


def typed(arrays: list[Array]) -> list[Type]:
    return [Type(one.shape, one.dtype.name) for one in arrays]


def emitted(graph: Graph, feeds: dict[str, Array]) -> dict[str, Any]:
    """Return what the emitted file of a graph returns; a warning in it is an error."""
    space: dict[str, Any] = {"__name__": "emitted"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(emit_python(graph), "emitted.py", "exec"), space)
        return dict(space["program"](**feeds))


def same(found: Any, wanted: Array) -> None:
    """Compare bit by bit; all NaNs count as one, since their bits mean nothing."""
    array = np.asarray(found)
    assert array.dtype == wanted.dtype
    assert array.shape == wanted.shape
    np.testing.assert_array_equal(array, wanted)
    if wanted.dtype.kind == "f":
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(array[number]), np.signbit(wanted[number]))


def check_forward(op: Op, arrays: list[Array]) -> None:
    """Check type against run, and the emitted file against the interpreter."""
    kind = op.type(*typed(arrays))
    with np.errstate(all="ignore"):
        result = np.asarray(op.run(*arrays))
    assert Type(result.shape, result.dtype.name) == kind, (op, typed(arrays))
    leaves = [
        make_input(f"v{place}", one.shape, one.dtype.name) for place, one in enumerate(arrays)
    ]
    graph = Graph({"out": op(*leaves)}, leaves)
    feeds = {f"v{place}": one for place, one in enumerate(arrays)}
    wanted = Interpreter(graph).run(feeds)["out"]
    same(result, wanted)
    same(emitted(graph, feeds)["out"], wanted)
    # The text form holds every attribute.
    same(Interpreter(read_graph(write_graph(graph))).run(feeds)["out"], wanted)


@pytest.mark.parametrize("name", OPS)
def test_type_run_and_source_agree(name: str) -> None:
    count = 0
    for op, arrays in examples(name, 12):
        check_forward(op, arrays)
        check_forward(op, narrowed(arrays))
        count += 1
    assert count, f"{name} has no examples"


# Their inputs have different shapes, or they say what shape must come; see test_no_rows.py.
NOT_CUT = {
    *("broadcast_to", "gather", "matrix_product", "random_uniform", "reshape", "scatter"),
    *("take_along_axis", "random_rows"),
    *("scan", "scatter_add", "convolution", "window_products"),
}


@pytest.mark.parametrize("name", [name for name in OPS if name not in NOT_CUT])
def test_no_rows_are_no_problem(name: str) -> None:
    random = np.random.default_rng(0)
    tried = 0
    for op, arrays in examples(name, 30, seed=2):
        if not arrays or len({one.shape for one in arrays}) != 1 or not arrays[0].ndim:
            continue
        none = [one[:0] for one in arrays]
        try:
            op.type(*typed(none))
        except MisstepError:
            continue
        check_forward(op, none)
        leaves = [make_parameter(one, f"v{k}", one.dtype.name) for k, one in enumerate(none)]
        out = op(*leaves)
        if out.type.is_float and leaves[0].type.is_float:
            slope = gradient(ops.sum(out * random.random(out.shape)), leaves[0])
            assert slope.numpy().shape == leaves[0].shape
        tried += 1
    assert tried


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name, kind in OPS.items() if kind.elementwise])
def test_special_numbers_come_out_of_emitted_source_as_of_the_interpreter(
    name: str, dtype: str
) -> None:
    with np.errstate(all="ignore"):
        first = np.array(NUMBERS).astype(dtype)
        pairs = np.array([(a, b) for a in first for b in first], dtype)
    random = np.random.default_rng(3)
    for op, arrays in examples(name, 3):
        given: list[Array] = []
        for place, one in enumerate(arrays):
            if one.dtype.kind == "f":
                given.append(pairs[:, place % 2].copy())
            else:
                given.append(random.integers(0, 2, len(pairs)).astype(one.dtype))
        check_forward(op, given)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "bool"])
@pytest.mark.parametrize("name", OPS)
def test_whole_numbers_overflow_alike(name: str, dtype: str) -> None:
    """Ops that take whole numbers wrap around, here and in emitted source."""
    random = np.random.default_rng(4)
    for op, arrays in examples(name, 4):
        choices = np.array(WHOLE).astype(dtype)
        given = [
            np.asarray(random.choice(choices, one.shape)) if one.dtype.kind == "f" else one
            for one in arrays
        ]
        try:
            op.type(*typed(given))
        except MisstepError:
            continue
        check_forward(op, given)


@pytest.mark.parametrize("name", OPS)
def test_bad_inputs_are_refused_in_our_own_words(name: str) -> None:
    bad = list(OPS[name].bad_examples())
    assert bad or name in {"concatenate"}, f"{name} has no bad examples"
    for op, arrays in bad:
        with pytest.raises(MisstepError) as caught:
            op.type(*typed([np.asarray(one) for one in arrays]))
        assert len(str(caught.value)) > 15


# Slopes


def slope_errors(name: str, rounds: int) -> list[float]:
    """Return the relative error of each gradient case of an op."""
    errors = []
    for place, (op, arrays) in enumerate(examples(name, rounds, seed=5)):
        if not any(one.dtype.kind == "f" for one in arrays):
            continue
        found = check_gradient(op, arrays, directions=1, seed=place, tolerance=TOLERANCE)
        assert found.passed, f"{op} {typed(arrays)}: {found}"
        errors.append(found.error)
    return errors


def test_gradients_agree_with_central_differences() -> None:
    errors = {name: slope_errors(name, ROUNDS) for name in SMOOTH}
    count = sum(map(len, errors.values()))
    assert count >= LEAST_CASES
    assert [name for name, found in errors.items() if len(found) < 20] == []
    assert max(max(found) for found in errors.values()) <= TOLERANCE


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivatives_agree_with_differences_of_first_ones(name: str) -> None:
    count = 0
    for place, (op, arrays) in enumerate(examples(name, 30, seed=6)):
        if not any(one.dtype.kind == "f" for one in arrays):
            continue
        found = check_gradient(
            slope_along(op, place), arrays, directions=1, seed=place, tolerance=TOLERANCE
        )
        assert found.passed, f"{op} {typed(arrays)}: {found}"
        count += 1
    assert count >= 20


def slope_along(op: Op, seed: int) -> Any:
    """Return the slope of a random sum of an op's result along a random direction, as a function.

    The weights are squared results, so that the second derivative of linear ops is not just 0.
    """

    def slope(*leaves: Value) -> Value:
        random = np.random.default_rng(seed)
        out = op(*leaves)
        loss = ops.sum(out * out * random.uniform(0.5, 1.5, out.shape))
        moving = [leaf for leaf in leaves if leaf.type.is_float]
        parts = [ops.sum(one * random.standard_normal(one.shape)) for one in gradient(loss, moving)]
        return sum(parts[1:], parts[0])

    return slope


@pytest.mark.parametrize("name", [name for name in OPS if name not in SMOOTH])
def test_nothing_flows_back_through_what_is_not_smooth(name: str) -> None:
    for op, arrays in examples(name, 3):
        leaves = [make_parameter(one, f"v{k}", one.dtype.name) for k, one in enumerate(arrays)]
        value = op(*leaves)
        upstream = make_input("upstream", value.shape, "float64")
        assert all(share is None for share in op.gradient(value, upstream))


@pytest.mark.parametrize("name", OPS)
def test_an_op_says_all_that_the_contract_asks_for(name: str) -> None:
    kind = OPS[name]
    assert kind.name == name
    assert kind.__doc__
    assert kind.words
    assert kind.formula
    op, arrays = next(examples(name, 1))
    assert len(kind.local_derivatives) in {1, len(arrays)}
    assert hash(op) == hash(op)
    with pytest.raises(AttributeError):
        op.anything = 1  # type: ignore[attr-defined]
