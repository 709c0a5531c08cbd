"""Every pass of simplifying on its own examples, and what each rule makes of small expressions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from plain_runs import check_bits, plain_run, random_feeds

from misstep import ops
from misstep.compiler.passes import ORDER, Pass, Rules, registered_passes, simplify
from misstep.compiler.passes.divide_by_uniform import divide_by_uniform
from misstep.compiler.passes.powers import powers
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.split_flat import MOST_NEW_VALUES, split_flat
from misstep.errors import GraphError
from misstep.ir import Graph, Value, make_input, make_literal, registered_ops, verify, write_graph

PASSES = registered_passes()
INEXACT = [pass_ for pass_ in PASSES.values() if not pass_.exact]
every_pass = pytest.mark.parametrize("one", PASSES.values(), ids=PASSES)


# --- every pass ---------------------------------------------------------------------------------


@every_pass
def test_a_pass_changes_its_examples_and_no_bit_of_their_numbers(one: Pass) -> None:
    examples = list(one.examples())
    assert examples
    for seed, graph in enumerate(examples):
        before = write_graph(graph)
        better = one(graph)
        assert better is not graph
        assert verify(better) is better
        assert write_graph(graph) == before
        assert better.inputs == graph.inputs
        for special in (0.0, 0.3):
            feeds = random_feeds(graph, np.random.default_rng(seed), special)
            actual, expected = plain_run(better, feeds), plain_run(graph, feeds)
            if one.exact:
                check_bits(actual, expected)
            elif not special:
                for name, array in expected.items():
                    np.testing.assert_array_max_ulp(actual[name], array, 2)


@every_pass
def test_a_pass_and_all_of_them_find_nothing_the_second_time(one: Pass) -> None:
    for graph in one.examples():
        better = one(graph)
        assert one(better) is better
        best = simplify(graph)
        assert simplify(best) is best


@every_pass
def test_a_pass_says_what_it_does_and_has_its_place_in_the_order(one: Pass) -> None:
    assert one.words in repr(one)
    assert one in itertools.chain(*ORDER)
    with pytest.raises(GraphError, match="a name of its own"):
        Pass(one.name, "again")


@pytest.mark.parametrize(
    "one", [pass_ for pass_ in PASSES.values() if isinstance(pass_, Rules)], ids=repr
)
def test_every_rule_finds_something_in_the_examples(one: Rules) -> None:
    fired = set()

    def watched(rule: Any) -> Any:
        def watching(here: Rewriting, value: Value) -> Value | None:
            better = rule(here, value)
            if better is not None:
                fired.add(rule)
            return better

        return watching

    table = {
        kind: tuple(watched(rule) for rule in one.rules_for(kind))
        for kind in registered_ops().values()
    }
    for graph in one.examples():
        Rewriting(graph, table, one.leaf).run()
    assert [rule.__name__ for rule in one.rules() if rule not in fired] == []


def test_a_pass_needs_words() -> None:
    with pytest.raises(GraphError, match="a name and words"):
        Pass("nameless", "")


def test_a_rule_that_changes_a_type_is_caught() -> None:
    x = make_input("x", (3,))
    here = Rewriting(Graph(x + 1.0))
    with pytest.raises(GraphError, match=r"needed float32\[3\], but got float32\[2\]"):
        here.set(x, make_input("y", (2,)))


def test_a_pass_that_breaks_a_graph_is_caught_by_the_verifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(graph: Graph) -> Graph:
        here = Rewriting(graph)
        for value in graph.values:
            here.set(value, here.copy(value))
        last = here.make(ops.arithmetic.Negative(), graph.computed[-1])
        last.inputs = (make_input("elsewhere", (3,)),)
        here.set(graph.computed[-1], last)
        return here.result()

    monkeypatch.setattr(type(split_flat), "__call__", lambda self, graph: broken(graph))
    with pytest.raises(GraphError, match="to come before it"):
        simplify(Graph(make_input("x", (3,)) + 1.0))


# --- what becomes of small expressions ----------------------------------------------------------


def written(value: Value) -> str:
    """Return a value as one nested expression, attributes left out."""
    if value.op is not None:
        return f"{value.op.name}({', '.join(written(one) for one in value.inputs)})"
    if value.is_literal:
        array = np.asarray(value.data)
        return f"{array.item():g}" if array.ndim == 0 else f"literal{list(array.shape)}"
    return str(value.name)


x, y, z = make_input("x", (2, 3)), make_input("y", (3,)), make_input("z", (2, 1))
s, f = make_input("s", ()), make_input("f", (6,))
n, b = make_input("n", (2,), "int64"), x < y
INPUTS = [x, y, z, s, f, n]


def literal(number: Any, dtype: str = "float32") -> Value:
    return make_literal(number, dtype)


CASES: list[tuple[Callable[[], Value], str]] = [
    # Literals
    (lambda: x * (literal(2.0) + literal(3.0)), "multiply(x, 5)"),
    (lambda: x * literal(np.full((2, 3), 0.25)), "multiply(x, 0.25)"),
    (lambda: x + literal([1.0, 2.0, 3.0]), "add(x, literal[3])"),
    (lambda: ops.sum(literal(np.ones((4, 3))), 0) * x, "multiply(4, x)"),
    (lambda: literal(np.zeros((2, 3))), "broadcast_to(0)"),
    (lambda: ops.exp(literal(np.arange(65))), "exp(literal[65])"),
    (
        lambda: ops.gather(literal([1.0, 2.0]), literal([0, 1, 9], "int64")),
        "gather(literal[2], literal[3])",
    ),
    (lambda: x * literal(1e-30) * literal(1e-30), "multiply(multiply(x, 1e-30), 1e-30)"),
    # Sums
    (lambda: x + 0.0, "add(x, 0)"),
    (lambda: x + literal(-0.0), "x"),
    (lambda: literal(-0.0) + y + literal(np.full((2, 3), -0.0)), "broadcast_to(y)"),
    (lambda: x - 0.0, "x"),
    (lambda: x - literal(-0.0), "subtract(x, -0)"),
    (lambda: n + 0, "n"),
    (lambda: x + -y, "subtract(x, y)"),
    (lambda: -x + y, "subtract(y, x)"),
    (lambda: x - -y, "add(x, y)"),
    (lambda: x - x, "subtract(x, x)"),
    (lambda: 0.0 - x, "subtract(0, x)"),
    (lambda: -(x - y), "negative(subtract(x, y))"),
    # Products
    (lambda: x * 1.0 * literal(1.0) / 1.0, "x"),
    (lambda: x * 0.0, "multiply(x, 0)"),
    (lambda: x * -1.0 / -1.0, "x"),
    (lambda: y * literal(np.ones((2, 3))), "broadcast_to(y)"),
    (lambda: n * -1, "negative(n)"),
    (lambda: ops.cast(n, "uint32") * -1, "multiply(cast(n), -1)"),
    (lambda: -x * -y, "multiply(x, y)"),
    (lambda: -x * 2.0, "multiply(x, -2)"),
    (lambda: 3.0 / -x, "divide(-3, x)"),
    (lambda: -x / -y, "divide(x, y)"),
    (lambda: -x * y, "multiply(negative(x), y)"),
    (lambda: x / 8.0, "multiply(x, 0.125)"),
    (lambda: x / -0.25, "multiply(x, -4)"),
    (lambda: x / 3.0, "divide(x, 3)"),
    (lambda: x / 2.0**127, f"divide(x, {2.0**127:g})"),
    (lambda: x / 2.0**127, f"divide(x, {2.0**127:g})"),
    (lambda: x / 0.0, "divide(x, 0)"),
    (lambda: x / math.inf, "divide(x, inf)"),
    # Functions
    (lambda: ops.negative(-x), "x"),
    (lambda: ops.absolute(ops.absolute(-x)), "abs(x)"),
    (lambda: ops.relu(ops.relu(x)), "relu(x)"),
    (lambda: ops.maximum(x, x) + ops.minimum(y, y), "add(x, y)"),
    (lambda: ops.maximum(x, y), "maximum(x, y)"),
    # Powers
    (lambda: x**0, "broadcast_to(1)"),
    (lambda: x**1, "x"),
    (lambda: x**2, "multiply(x, x)"),
    (lambda: x**0.5, "sqrt(x)"),
    (lambda: x**-1, "divide(1, x)"),
    (lambda: x**3, "power(x, 3)"),
    (lambda: y ** literal(np.full((2, 3), 2.0)), "broadcast_to(multiply(y, y))"),
    # Choices
    (lambda: ops.where(literal(True, "bool"), y, x), "broadcast_to(y)"),
    (lambda: ops.where(literal(np.zeros((2, 3)), "bool"), y, x), "x"),
    (lambda: ops.where(b, y, y), "broadcast_to(y)"),
    (lambda: ops.where(b, 1.0, literal([1.0])), "broadcast_to(1)"),
    (lambda: ops.where(b, 0.0, -0.0), "where(less(x, y), 0, -0)"),
    (lambda: ops.where(b, math.nan, math.nan), "broadcast_to(nan)"),
    (lambda: ops.where(ops.logical_not(b), x, y), "where(less(x, y), y, x)"),
    (lambda: ops.where(b, ops.where(b, x, y), ops.where(b, y, 0.0)), "where(less(x, y), x, 0)"),
    (lambda: ops.where(b, ops.where(b, s, y), 0.0), "where(less(x, y), s, 0)"),
    (lambda: ops.logical_not(ops.logical_not(b)), "less(x, y)"),
    (lambda: ops.logical_and(b, literal(True, "bool")), "less(x, y)"),
    (lambda: ops.logical_and(b, literal(False, "bool")), "broadcast_to(0)"),
    (lambda: ops.logical_or(literal(True, "bool"), b), "broadcast_to(1)"),
    (lambda: ops.logical_or(b, b), "less(x, y)"),
    (lambda: ops.where(b, True, False), "less(x, y)"),
    (lambda: ops.where(b, False, True), "logical_not(less(x, y))"),
    # Conversions
    (lambda: ops.comparison.Cast("float32")(x), "x"),
    (lambda: ops.cast(ops.cast(x, "float64"), "float32"), "x"),
    (lambda: ops.cast(ops.cast(b, "float64"), "float32"), "cast(less(x, y))"),
    (lambda: ops.cast(ops.cast(x, "float64"), "int64"), "cast(cast(x))"),
    (lambda: ops.cast(ops.cast(x, "int64"), "float32"), "cast(cast(x))"),
    (lambda: ops.cast(ops.cast(n, "float32"), "float64"), "cast(cast(n))"),
    # Repeats
    (lambda: x + ops.broadcast_to(y, (2, 3)), "add(x, y)"),
    (lambda: ops.exp(ops.broadcast_to(s, (9,))), "broadcast_to(exp(s))"),
    (lambda: x * ops.reshape(y, (1, 3)), "multiply(x, y)"),
    (lambda: s * ops.reshape(y, (1, 3)), "reshape(multiply(s, y))"),
    (
        lambda: ops.broadcast_to(ops.broadcast_to(ops.reshape(y, (1, 3)), (2, 3)), (4, 2, 3)),
        "broadcast_to(y)",
    ),
    (
        lambda: ops.reshape(ops.broadcast_to(ops.reshape(s, (1, 1)), (2, 3)), (6,)),
        "broadcast_to(s)",
    ),
    (lambda: x - ops.broadcast_to(z, (2, 3)), "subtract(x, z)"),
    # Moves
    (lambda: x.T.T, "x"),
    (lambda: ops.reshape(ops.reshape(x, (6,)), (3, 2)), "reshape(x)"),
    (lambda: ops.reshape(ops.reshape(x, (6,)), (2, 3)), "x"),
    (lambda: z.T, "reshape(z)"),
    (lambda: ops.reshape(z.T, (2,)), "reshape(z)"),
    (lambda: ops.reshape(x.T, (6,)), "reshape(transpose(x))"),
    (lambda: ops.flip(ops.flip(x, 0), (0, 1)), "flip(x)"),
    (lambda: ops.flip(ops.flip(x, 1), 1), "x"),
    (lambda: ops.flip(z, 1), "z"),
    (lambda: ops.pad(ops.pad(x, [(1, 0), (0, 2)]), [(0, 0), (1, 1)]), "pad(x)"),
    (lambda: ops.pad(x, [(0, 0), (0, 0)]), "x"),
    (lambda: ops.concatenate([x], 1), "x"),
    (lambda: ops.concatenate([y, ops.concatenate([f, y[3:]], 0), y], 0), "concatenate(y, f, y)"),
    (lambda: ops.concatenate([y[:0], y[3:]], 0), "slice(y)"),
    (
        lambda: ops.concatenate([ops.broadcast_to(s, (2,)), ops.reshape(s, (1,))], 0),
        "broadcast_to(s)",
    ),
    # Parts
    (lambda: x[:, :], "x"),
    (lambda: f[1:6][0:4:2], "slice(f)"),
    (lambda: ops.concatenate([y, f], 0)[3:9], "f"),
    (lambda: ops.concatenate([y, f], 0)[4:9:2], "slice(f)"),
    (lambda: ops.concatenate([y, f], 0)[2:4], "slice(concatenate(y, f))"),
    (lambda: ops.concatenate([y, f, y], 0)[-1], "reshape(slice(y))"),
    (lambda: ops.pad(y, [(2, 2)])[2:5], "y"),
    (lambda: ops.pieces.Pad((1,), (0,), (2,))(y)[4:8:3], "slice(y)"),
    (lambda: ops.pieces.Pad((1,), (0,), (2,))(y)[4:8], "slice(pad(y))"),
    (lambda: ops.pad(y, [(2, 2)])[1:4], "slice(pad(y))"),
    (lambda: ops.broadcast_to(z, (4, 2, 3))[1:3, 1:, 1:], "broadcast_to(reshape(slice(z)))"),
    (lambda: x.T[1:, :2], "transpose(slice(x))"),
    (lambda: x.T[1:, :1], "reshape(slice(x))"),
    (lambda: ops.reshape(f, (1, 6, 1))[:, 2:4], "reshape(slice(f))"),
    (lambda: ops.reshape(x, (6,))[2:4], "slice(reshape(x))"),
    (lambda: ops.concatenate([f[:2], f[2:4], f[4:]], 0), "f"),
    (lambda: ops.concatenate([f[1:2], f[2:5], f[:1]], 0), "concatenate(slice(f), slice(f))"),
    (lambda: ops.concatenate([f[::2], f[1::2]], 0), "concatenate(slice(f), slice(f))"),
    # Reductions
    (lambda: ops.sum(z, 1), "reshape(add(z, 0))"),
    (lambda: ops.max(z, 1), "reshape(z)"),
    (lambda: ops.sum(ops.reshape(x, (2, 1, 3)), (0, 1)), "sum(x)"),
    (lambda: ops.sum(ops.reshape(b, (2, 3, 1)), 2), "reshape(cast(reshape(less(x, y))))"),
    (lambda: ops.sum(x, (1, 0)), "sum(x)"),
    (lambda: ops.softmax(x), "divide(exp(subtract(x, max(x))), sum(exp(subtract(x, max(x)))))"),
    (
        lambda: ops.log_sum_exp(x, 1, keep=True),
        "where(less(abs(max(x)), inf), add(log(sum(exp(subtract(x, max(x))))), max(x)), max(x))",
    ),
]


@pytest.mark.parametrize(("make", "wanted"), CASES, ids=[wanted for _, wanted in CASES])
def test_expressions_become(make: Callable[[], Value], wanted: str) -> None:
    graph = Graph({"out": make()}, INPUTS)
    better = simplify(graph)
    assert written(better.outputs["out"]) == wanted
    assert better.inputs == INPUTS
    for seed, special in enumerate((0.0, 0.7, 0.7)):
        feeds = random_feeds(graph, np.random.default_rng(seed), special)
        if feeds["n"].max() < 9 and "literal[3])" in wanted and "gather" in wanted:
            continue  # a position that is not there: an error before and after
        if "power" in write_graph(graph) and special:
            continue
        actual, expected = plain_run(better, feeds), plain_run(graph, feeds)
        if "power" in write_graph(graph):
            np.testing.assert_array_max_ulp(actual["out"], expected["out"], 2)
        else:
            check_bits(actual, expected)


def test_relu_is_all_that_its_mask_needs() -> None:
    pre = x @ x.T + 0.5
    graph = Graph({"a": ops.relu(pre), "mask": ops.where(pre > 0, 1.0, 0.0)})
    better = simplify(graph)
    a = better.outputs["a"]
    mask = better.outputs["mask"].inputs[0]
    assert mask.inputs[1] is a
    once = ops.relu(x)
    twice = simplify(Graph({"a": ops.relu(once), "mask": once > 0}))
    assert written(twice.outputs["mask"]) == "less(0, relu(x))"
    # Where nothing else is a ReLU of it, it stays as it is; so does another bound.
    for other in (Graph(x > 0), Graph({"a": ops.relu(x), "b": x > 1.0})):
        assert [value.op.name for value in simplify(other).computed if value.op] == [
            value.op.name for value in other.computed if value.op
        ]


def test_log_sum_exp_and_softmax_share_what_they_compute() -> None:
    graph = Graph({"lost": ops.log_sum_exp(x, -1), "share": ops.softmax(x, 1)})
    names = [value.op.name for value in simplify(graph).computed if value.op is not None]
    assert names.count("exp") == names.count("sum") == names.count("max") == 1
    rows = np.array(
        [[1e4, -1e4, 0], [np.inf, 1, 2], [-np.inf] * 3, [-np.inf, 0, 0], [np.nan, 1, np.inf]],
        "float32",
    )
    wide = make_input("x", rows.shape)
    for axes in ((0,), (1,), (0, 1), (1, -2), ()):
        graph = Graph({"lost": ops.log_sum_exp(wide, axes), "share": ops.softmax(wide, 1)})
        check_bits(plain_run(simplify(graph), {"x": rows}), plain_run(graph, {"x": rows}))


def test_random_numbers_are_shared_only_when_they_are_the_same() -> None:
    seed = make_input("seed", (), "int64")

    def draw(stream: int, step: int = 1) -> Value:
        return ops.random_uniform((4,), seed, step, stream)

    graph = Graph([draw(1), draw(1), draw(2), draw(1, 2)])
    drawn = [value for value in simplify(graph).computed if value.op and value.op.name != "slice"]
    assert len(drawn) == 3


def test_sums_are_one_whether_they_keep_their_axes_or_not() -> None:
    graph = Graph({"a": ops.sum(x, (0, 1)), "b": ops.sum(x, (-1, 0), keep=True)})
    assert [value.op.name for value in simplify(graph).computed if value.op] == ["sum", "reshape"]


BOTH_WAYS = [
    kind
    for kind in registered_ops().values()
    if issubclass(kind, ops.elementwise.Binary) and kind.name != "floor_divide"  # of whole numbers
]


@pytest.mark.parametrize("kind", BOTH_WAYS, ids=lambda kind: kind.name)
def test_the_other_way_round_is_the_same_only_where_no_bit_tells(kind: Any) -> None:
    logic = issubclass(kind, ops.comparison.Logic)
    a, c = (x < 0.0, y < 0.0) if logic else (x, y)
    graph = Graph({"one": kind()(a, c), "other": kind()(c, a)})
    for seed in range(5):
        feeds = random_feeds(graph, np.random.default_rng(seed), 0.8)
        check_bits(plain_run(simplify(graph), feeds), plain_run(graph, feeds))


def test_literals_are_computed_with_in_their_own_kind_of_number() -> None:
    random = np.random.default_rng(2)
    for first, second in random.normal(0, 1, (100, 2)):
        graph = Graph(literal(first) * literal(second) + x)
        feeds = {"x": np.zeros((2, 3), "float32")}
        check_bits(plain_run(simplify(graph), feeds), plain_run(graph, feeds))


@pytest.mark.parametrize("inner", list(itertools.permutations(range(3))), ids=str)
def test_any_two_orders_of_axes_become_one_and_parts_are_cut_before(inner: Any) -> None:
    wide = make_input("wide", (2, 3, 4))
    feeds = {"wide": np.arange(24, dtype="float32").reshape(2, 3, 4)}
    for outer in itertools.permutations(range(3)):
        turned = ops.transpose(ops.transpose(wide, inner), outer)
        part = ops.transpose(wide, inner)[0:2, 1:2, 0:2]
        graph = Graph({"turned": turned, "part": part, "flipped": ops.flip(turned, 1)})
        better = simplify(graph)
        check_bits(plain_run(better, feeds), plain_run(graph, feeds))
        turns = [value for value in better.computed if value.op and value.op.name == "transpose"]
        assert len(turns) <= 2


# --- names, places and inputs -------------------------------------------------------------------


def test_names_and_places_go_over_to_what_takes_a_values_place() -> None:
    first = x * y
    repeat = (x * y).named("called")
    later = (first - repeat * 1.0 + (-s)).named("difference")
    graph = Graph({"out": later * 8.0 / 3.0})
    better = simplify(graph)
    product = next(value for value in better.computed if value.op and value.op.name == "multiply")
    assert product.name == "called"
    assert product.location == first.location
    by_name = {value.name: value for value in better.values}
    assert written(by_name["difference"]) == "subtract(subtract(multiply(x, y), multiply(x, y)), s)"
    assert by_name["difference"].location == later.location
    # The values of the graph that was given keep what they had.
    assert first.name is None


def test_inputs_stay_inputs_and_what_nothing_needs_goes() -> None:
    graph = Graph({"out": ops.where(literal(True, "bool"), x, y) + 0.5}, [s, y, x])
    better = simplify(graph)
    assert better.inputs == [s, y, x]
    assert {value for value in better.values if value.is_input} == {s, y, x}
    assert [value.op.name for value in better.computed if value.op] == ["add"]


def test_passes_can_be_left_out() -> None:
    graph = Graph(x**2 / s)
    assert written(simplify(graph, [powers]).outputs["out"]) == "divide(power(x, 2), s)"
    assert simplify(graph, list(PASSES.values())) is graph


def test_outputs_that_are_inputs_or_the_same_value_stay_so() -> None:
    graph = Graph({"x": x * 1.0, "again": x / 1.0, "one": literal(1.0) * 1.0})
    better = simplify(graph)
    assert better.outputs["x"] is better.outputs["again"] is x
    assert better.outputs["one"].is_literal


# --- division by few numbers --------------------------------------------------------------------


def test_divisions_are_counted_over_the_whole_program() -> None:
    parts = [make_input(f"p{index}", (6,)) for index in range(3)]
    few = simplify(Graph([part / s for part in parts[:2]]))
    assert [value.op.name for value in few.computed if value.op] == ["divide", "divide"]
    many = simplify(Graph([part / s for part in parts]))
    assert [value.op.name for value in many.computed if value.op] == ["divide"] + ["multiply"] * 3
    rows = simplify(Graph(make_input("r", (4, 16)) / make_input("t", (4, 1))))
    assert written(rows.outputs["out"]) == "multiply(r, divide(1, t))"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_by_reciprocals_are_one_rounding_off_at_most(dtype: str) -> None:
    random = np.random.default_rng(5)
    many, one = make_input("x", (999,), dtype), make_input("s", (), dtype)
    graph = Graph(many / one)
    better = divide_by_uniform(graph)
    assert better is not graph
    numbers = (random.normal(0, 1, 999) * 10.0 ** random.integers(-5, 6, 999)).astype(dtype)
    for divisor in [*10.0 ** random.uniform(-30, 30, 50), 3.0, -7.0, 1e-38, 8e37]:
        feeds = {"x": numbers, "s": np.array(divisor, dtype)}
        actual, expected = plain_run(better, feeds)["out"], plain_run(graph, feeds)["out"]
        normal = (np.abs(expected) > np.finfo(dtype).smallest_normal) & np.isfinite(expected)
        np.testing.assert_array_max_ulp(actual[normal], expected[normal], 1)
    numbers[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0]
    for divisor in (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -4.0):
        feeds = {"x": numbers, "s": np.array(divisor, dtype)}
        check_bits(plain_run(better, feeds), plain_run(graph, feeds))


# --- flat work taken apart ----------------------------------------------------------------------


def flat_step(*, whole: Callable[[Value], dict[str, Value]] = lambda joined: {}) -> Graph:
    weights, state = make_input("w", (10,)), make_input("s", (2, 10))
    a, c = make_input("a", (2, 3)), make_input("c", (4,))
    joined = ops.concatenate([ops.reshape((a * 3.0).named("gradient_a"), (6,)), ops.exp(c)], 0)
    before = ops.reshape(state[1:2], (10,)).named("speed")
    speed = (before * 0.9 + joined + weights * 0.1).named("faster")
    rows = ops.concatenate([state[:1], ops.reshape(speed, (1, 10))], 0)
    return Graph({"w": weights - speed * 0.5, "s": rows, **whole(joined)})


def test_work_on_joined_values_is_done_for_each_in_its_own_shape() -> None:
    better = simplify(flat_step())
    assert [value.op.name for value in (better.outputs["w"], better.outputs["s"]) if value.op] == [
        "concatenate"
    ] * 2
    for value in better.computed:
        assert value.op is not None
        if value.op.elementwise:
            assert value.shape in ((2, 3), (4,))
    names = {value.name for value in better.computed}
    assert {"gradient_a", "faster_a", "faster_6_10"} <= names


WHOLE: list[tuple[str, Callable[[Value], dict[str, Value]]]] = [
    ("its norm", lambda joined: {"norm": ops.norm(joined)}),
    ("itself", lambda joined: {"joined": joined}),
    ("a part across pieces", lambda joined: {"part": joined[4:8]}),
    ("another shape", lambda joined: {"table": ops.reshape(joined, (5, 2)) + 1.0}),
]


@pytest.mark.parametrize(("what", "whole"), WHOLE, ids=[what for what, _ in WHOLE])
def test_what_is_wanted_as_a_whole_stays_flat(
    what: str, whole: Callable[[Value], dict[str, Value]]
) -> None:
    graph = flat_step(whole=whole)
    assert split_flat(graph) is graph
    shapes = [
        value.shape
        for value in simplify(graph).computed
        if value.op and value.op.name == "subtract"
    ]
    assert shapes == [(10,)]


def test_parts_of_one_piece_do_not_hold_it_together() -> None:
    better = simplify(flat_step(whole=lambda joined: {"part": joined[7:9]}))
    assert better.outputs["w"].op is not None
    assert better.outputs["w"].op.name == "concatenate"
    assert written(better.outputs["part"]) == "slice(exp(c))"


def test_what_others_need_as_well_is_computed_once_and_cut() -> None:
    weights = make_input("w", (10,))
    share = ops.exp(weights)
    pieces = [ops.sqrt(make_input("a", (6,))), ops.sqrt(make_input("c", (4,)))]
    moved = ops.concatenate(pieces, 0) + share
    exponentials = [
        [
            value.shape
            for value in simplify(Graph(outputs)).computed
            if value.op and value.op.name == "exp"
        ]
        for outputs in ({"w": moved}, {"w": moved, "all": ops.sum(share)}, [moved, share])
    ]
    assert exponentials == [[(6,), (4,)], [(10,)], [(10,)]]


def test_a_single_piece_is_worked_on_in_its_own_shape() -> None:
    weights, a = make_input("w", (6,)), make_input("a", (2, 3))
    better = simplify(Graph(weights - ops.reshape(ops.exp(a), (6,)) * 0.5))
    assert written(better.outputs["out"]) == "reshape(subtract(reshape(w), multiply(exp(a), 0.5)))"


def test_pieces_are_not_taken_apart_without_end() -> None:
    pieces = [make_input(f"p{index}", (2,)) for index in range(MOST_NEW_VALUES // 2)]
    joined = ops.concatenate(pieces, 0)
    assert split_flat(Graph(ops.exp(joined) * 0.5)) is not None
    few = Graph(ops.exp(joined))
    assert split_flat(few) is not few
    many = Graph(ops.exp(joined) * 0.5 + joined)
    assert split_flat(many) is many
