"""Emitted source: stands alone, gives the interpreter's bits, has human names, and is safe."""

from __future__ import annotations

import ast
import builtins
import keyword
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from misstep import nn, optim
from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.errors import ArgumentError, GraphError
from misstep.inspection import emit_python
from misstep.inspection.identifiers import as_identifier
from misstep.ir import (
    Array,
    Graph,
    Interpreter,
    Location,
    Op,
    Type,
    Value,
    make_input,
    make_literal,
    make_parameter,
)
from misstep.ir import op as contract
from misstep.nn.losses import CrossEntropy, Loss, SquaredError
from misstep.train.programs import Programs


def loaded(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "emitted"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(source, "emitted.py", "exec"), space)
    return space


def check_same(graph: Graph, feeds: Mapping[str, Any]) -> str:
    """Check that emitted source gives the interpreter's bits; return the source."""
    source = emit_python(graph)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        actual = loaded(source)["program"](**feeds)
    expected = Interpreter(graph).run(feeds)
    assert list(actual) == list(expected)
    for name, array in expected.items():
        mine = np.asarray(actual[name])
        assert (mine.dtype, mine.shape) == (array.dtype, array.shape), name
        assert mine.tobytes() == array.tobytes(), name
    return source


def names_in(source: str) -> set[str]:
    """Return every name that emitted source gives to something."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
            names |= {argument.arg for argument in node.args.args}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


# Whole training steps

ROWS = 6
LAYERS = [
    nn.ReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.GELU,
    nn.ELU,
    nn.SELU,
    nn.SiLU,
    nn.Softplus,
    nn.LeakyReLU,
]


def step_and_feeds(
    loss: Loss, optimizer: optim.Optimizer, dtype: str, *layers: nn.Module
) -> tuple[Graph, dict[str, Any]]:
    network = nn.Network(
        nn.Sequential(nn.Dense(5), *layers, nn.Dense(3)), (4,), dtype=dtype, seed=1
    )
    programs = Programs(network, loss, optimizer, (optim.ClipNorm(0.5),))
    graph = programs.step(ROWS, weighted=False).graph
    state, scalars = programs.first_state()
    random = np.random.default_rng(0)
    feeds: dict[str, Any] = {
        "parameters": network.parameters,
        "x": random.standard_normal((ROWS, 4)).astype(dtype),
        "optimizer_state": state,
        "scalars": scalars,
        "learning_rate": np.array(0.01),
        "update": np.array(0),
        "seed": np.array(3),
        "draw": np.array(0),
    }
    for value in graph.inputs:
        if value.name == "y":
            whole = value.dtype == "int64"
            feeds["y"] = (
                random.integers(0, 3, value.shape)
                if whole
                else random.standard_normal(value.shape).astype(dtype)
            )
    return graph, {str(value.name): feeds[str(value.name)] for value in graph.inputs}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_training_step_with_adam_gives_the_same_bits(layer: type[nn.Module], dtype: str) -> None:
    graph, feeds = step_and_feeds(CrossEntropy(), optim.Adam(), dtype, layer(), nn.Dropout(0.3))
    source = check_same(graph, feeds)
    assert "gradient_dense2_bias = " in source
    assert "(backward)" in source


def test_steps_one_after_the_other_stay_together() -> None:
    graph, feeds = step_and_feeds(SquaredError(), optim.Adam(0.1), "float32", nn.Tanh())
    program, mine, theirs = Interpreter(graph), dict(feeds), dict(feeds)
    emitted = loaded(emit_python(graph))["program"]
    losses = []
    for number in range(20):
        for step, run in ((mine, lambda given: emitted(**given)), (theirs, program.run)):
            result = run(step)
            step |= {name: result[name] for name in ("parameters", "optimizer_state")}
            step |= {"update": np.array(number + 1), "draw": np.array(number + 1)}
            losses.append(float(result["loss"]))
    assert mine["parameters"].tobytes() == theirs["parameters"].tobytes()
    assert losses[::2] == losses[1::2]
    assert losses[-1] < losses[0]


# A file that stands alone


def test_a_file_of_concrete_values_runs_by_itself(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = make_parameter(random.standard_normal((40, 20)), "x")
    w = make_parameter(random.standard_normal((20, 1)).astype("float32"), "w")
    b = make_parameter(0.1, "b")
    loss = ms.mean(ms.erf(x @ ms.cast(w, "float64") + b) ** 2)
    dw = gradient(loss, w)
    (tmp_path / "standalone.py").write_text(
        emit_python({"loss": loss, "norm": ms.norm(dw)}), encoding="utf-8"
    )
    # -I: no path of this repository, no environment; -W error: no warning.
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "standalone.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = dict(line.split(" = ") for line in done.stdout.splitlines())
    assert float(printed["loss"]) == float(loss)
    assert np.float32(printed["norm"]) == ms.norm(dw).numpy()


def test_it_imports_numpy_and_the_standard_library_only() -> None:
    x = make_input("x", (3,))
    source = emit_python({"a": ms.sigmoid(x), "b": ms.random_normal((3,), 1), "c": ms.erf(x)})
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(str(node.module).split(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"numpy", "scipy"}
    assert "scipy" not in emit_python(ms.sigmoid(x))
    assert "import misstep" not in source


def test_what_is_concrete_is_a_default_and_the_rest_must_be_given() -> None:
    w, x = make_parameter([1.0, 2.0], "w"), make_input("x", (2,), "float64")
    program = loaded(emit_python({"out": w * x}))["program"]
    np.testing.assert_array_equal(program([3.0, 4.0])["out"], [3.0, 8.0])
    np.testing.assert_array_equal(program(x=[1.0, 1.0], w=[0.0, 5.0])["out"], [0.0, 5.0])
    with pytest.raises(TypeError, match="'x'"):
        program()
    with pytest.raises(ValueError, match=r"needs shape \(2,\), not \(3,\)"):
        program([1.0, 2.0, 3.0])


def test_a_value_a_mapping_or_a_graph() -> None:
    w = make_parameter(3.0, "w")
    square = w * w
    assert loaded(emit_python(square))["program"]() == {"out": 9.0}
    assert loaded(emit_python(square.named("square")))["program"]() == {"square": 9.0}
    assert loaded(emit_python({"a": square, "b": square}))["program"]() == {"a": 9.0, "b": 9.0}
    assert loaded(emit_python(Graph(square), function="step"))["step"]() == {"out": 9.0}
    assert loaded(emit_python(w))["program"]() == {"w": 3.0}
    assert loaded(emit_python({"two": make_literal(2, "int32")}))["program"]() == {"two": 2}


@pytest.mark.parametrize("name", ["", "a b", "def", "print", "np", "1a", "a\n", "_x", None, 3])
def test_a_function_that_can_not_be_named_so_is_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="a name for a Python function"):
        emit_python(make_parameter(3.0), function=name)


def test_a_graph_that_is_not_well_formed_is_refused() -> None:
    graph = Graph(make_input("x", ()) * 2.0)
    graph.values.reverse()
    with pytest.raises(GraphError):
        emit_python(graph)


# Names and comments


def test_names_are_human() -> None:
    x, y = make_input("x", (4, 3)), make_input("y", (4, 1))
    w, b = make_input("w", (3, 1)), make_input("b", ())
    hidden = ms.sigmoid(x @ w + b)
    error = hidden - y
    loss = ms.mean(error * error)
    dw, db = gradient(loss, [w, b])
    source = emit_python({"loss": loss, "dw": dw, "db": db})
    lines = [line.strip() for line in source.splitlines()]
    assert any(line.startswith("hidden = stable_sigmoid(add)  # test_emitted") for line in lines)
    assert any(line.startswith("error = hidden - y  #") for line in lines)
    assert any(line.startswith("loss = sum_ * 0.25  #") for line in lines)
    assert any(line.startswith("gradient_w = back_transpose @ ") for line in lines)
    assert any(line.startswith("gradient_b = np.sum(") for line in lines)
    assert 'return {"loss": loss, "dw": gradient_w, "db": gradient_b}' in lines
    assert f"{Path(__file__).name}:{hidden.location.line if hidden.location else 0}" in source
    assert "(backward)" in source
    assert max(map(len, lines)) <= 100


def test_the_same_graph_gives_the_same_text() -> None:
    def made() -> str:
        x = make_input("x", (3,))
        return emit_python({"dx": gradient(ms.sum(ms.exp(x) * ms.exp(x)), x)})

    assert made() == made()


HOSTILE = [
    "'); import os; os.abort() #",
    '"""\nraise SystemExit\n"""',
    "x\nraise SystemExit",
    "x\r\nraise SystemExit",
    "x\u2028raise SystemExit",
    "x\x0craise SystemExit",
    "\\",
    "{0}",
    "%s",
    "lambda",
    "None",
    "__debug__",
    "__import__",
    "np",
    "print",
    "as_input",
    "program",
    "stable_sigmoid",
    "philox",
    "LANES",
    "_WORDS",
    "math",
    "base64",
    "match",
    "self",
    "ﬁt",
    "fit",
    "μ",
    "x²",
    "重み",
    "１２",
    "🙂",
    "\udc80",
    "",
    "_",
    "0",
    "a" * 5000,
    "default_w",
    "w",
    "out",
]


def test_hostile_names_are_only_names() -> None:
    leaves = [make_parameter([float(k), 1.0], name) for k, name in enumerate(HOSTILE)]
    parts = [(ms.sigmoid(leaf) * 2.0).named(leaf.name or "") for leaf in leaves]
    outputs = dict(zip(HOSTILE, parts, strict=True))
    outputs["random"] = ms.random_uniform((2,), 1)
    graph = Graph(outputs, leaves, name='"""\nraise SystemExit\n"""')
    source = emit_python(graph)
    source.encode("utf-8")
    results = loaded(source)["program"]()
    assert list(results) == list(outputs)
    for name, value in outputs.items():
        np.testing.assert_array_equal(results[name], value.numpy())
    given = names_in(source)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in given)
    # An interactive session, as examples in docstrings are, keeps its last result in builtins._.
    assert not given & (set(dir(builtins)) - {"__doc__", "__name__", "_"})


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_names_stay_in_their_comments(name: str) -> None:
    x = make_parameter(1.0, "x")
    plain, hostile = ms.exp(x).named("y"), ms.exp(x).named("y")
    hostile.location = Location(f"folder/{name}", 3)
    source = emit_python(hostile)
    assert source != emit_python(plain)
    assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(emit_python(plain)))


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_text_may_be_a_name(names: list[str]) -> None:
    value: Value = make_literal(0.0)
    for name in names:
        value = ms.exp((value + make_parameter(0.5, name)).named(name))
        value.location = Location(name, 1)
    graph = Graph({"".join(names) or "out": value})
    if len({leaf.name for leaf in graph.inputs if leaf.name}) < len(
        [leaf for leaf in graph.inputs if leaf.name]
    ):
        return  # two inputs of one name are no well-formed graph
    source = emit_python(graph)
    (result,) = loaded(source)["program"]().values()
    np.testing.assert_array_equal(result, value.numpy())


@given(st.text())
def test_every_text_becomes_an_identifier(text: str) -> None:
    name = as_identifier(text)
    assert name.isidentifier()
    assert len(name) <= 41
    assert as_identifier(name) == name


# Literals


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_single_literals_have_the_kind_of_what_stands_beside_them(dtype: str) -> None:
    x = make_input("x", (5,), dtype)
    one = make_literal(0.1, dtype)
    two = make_literal(1 / 3, dtype)
    outputs = {
        "weak": x * 0.1 + 1e-8,
        "both": ms.exp(one * two) * x,
        "where": ms.where(x > 0.1, 0.1, 1 / 3) if dtype == "float64" else ms.where(x > 0, one, two),
        "always": ms.where(make_literal(True), x, 0.1),
        "power": x**2.0 + x**0.5 + 2**x,
        "huge": x * 1e300 + make_literal(1e300, dtype),
        "special": ms.maximum(x, np.nan) + ms.minimum(x, -np.inf),
        "zero": x * -0.0 - -0.0,
        "less": x < 0.1,
        "cast": ms.cast(make_literal(0.1), "float32"),
    }
    check_same(Graph(outputs), {"x": np.array([0.1, -0.0, np.inf, 3.0, -2.5], dtype)})


def test_whole_and_truth_literals_keep_their_kind() -> None:
    k, u = make_input("k", (4,), "int32"), make_input("u", (4,), "uint32")
    t = make_input("t", (4,), "bool")
    outputs = {
        "overflow": k * 3 + (2**31 - 1),
        "wrap": u + make_literal(-1, "uint32"),
        "compare": u < make_literal(-1, "uint32"),
        "sum": ms.sum(k) * 2,
        "unsigned": ms.sum(u),
        "kept": ms.sum(k, 0, keep=True),
        "truths": ms.sum(t),
        "either": ms.logical_or(t, True),
        "where": ms.where(t, make_literal(1, "int32"), make_literal(2, "int32")),
        "single": make_literal(2**31 - 1, "int32") + make_literal(1, "int32"),
    }
    numbers = np.array([2**31 - 1, -(2**31), 5, -7], "int32")
    feeds = {"k": numbers, "u": numbers.astype("uint32"), "t": numbers > 0}
    check_same(Graph(outputs), feeds)


@given(
    arrays.arrays(
        dtype=st.sampled_from(["bool", "uint32", "int32", "int64", "float32", "float64"]),
        shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
    )
)
def test_arrays_come_back_bit_by_bit(array: Array) -> None:
    literal = make_literal(array)
    parameter = make_parameter(array, "w", array.dtype.name)
    array_back = loaded(
        emit_python(
            {
                "a": ms.reshape(literal, (-1,)) if array.size else literal,
                "b": parameter,
                "c": ms.equal(literal, parameter),
            }
        )
    )
    result = array_back["program"]()
    if array.dtype.kind == "f":
        np.testing.assert_array_equal(np.reshape(result["a"], array.shape), array)
        number = ~np.isnan(array)
        np.testing.assert_array_equal(np.signbit(result["b"][number]), np.signbit(array[number]))
    assert np.asarray(result["b"]).dtype == array.dtype
    np.testing.assert_array_equal(result["b"], array)
    np.testing.assert_array_equal(np.reshape(result["a"], array.shape), array)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_long_arrays_are_packed_and_come_back(dtype: str) -> None:
    array = np.random.default_rng(0).integers(-(2**40), 2**40, (50, 40)) * 1.1
    value = make_literal(array.astype(dtype)) * make_parameter(array.astype(dtype), "w", dtype)
    source = check_same(Graph({"out": ms.sum(value, 0)}), {})
    assert "base64" in source
    assert max(map(len, source.splitlines())) <= 100


def test_middling_arrays_can_be_read() -> None:
    array = np.array([[1e-5 * k, -(10.0**-k)] for k in range(40)])
    source = check_same(Graph({"out": ms.sum(make_literal(array) * 2.0)}), {})
    assert "base64" not in source
    assert "1e-05" in source
    assert max(map(len, source.splitlines())) <= 100


# Definitions

SHIFT = 3


def shifted(x: Array, by: int = SHIFT) -> Array:
    """Return x + by, and x itself for no shift."""
    return x + np.asarray(by, x.dtype) if by else shifted(x, 1)


def test_definitions_bring_along_what_they_use() -> None:
    before = dict(contract._registry)
    try:

        @dataclass(frozen=True)
        class Shift(Op):
            """x + 3."""

            name = "shift"
            words = "{0} shifted"
            formula = "{0} + 3"

            def type(self, *inputs: Type) -> Type:
                return inputs[0]

            def run(self, x: Array) -> Array:
                return shifted(x)

            def python(self, *names: str) -> str:
                return f"shifted({names[0]})"

            def definitions(self) -> tuple[Any, ...]:
                return (shifted,)

        @dataclass(frozen=True)
        class Closed(Shift):
            """x + 3 by a function that can't come along."""

            name = "closed"

            def definitions(self) -> tuple[Any, ...]:
                return (lambda x: x + before,)

        source = check_same(Graph({"out": Shift()(make_input("x", (2,)))}), {"x": [1, 2]})
        assert "def shifted(x, by=SHIFT):" in source
        assert "SHIFT = 3\n" in source
        hiding = emit_python(Shift()(make_input("SHIFT", (2,))))
        assert "SHIFT_2 = as_input(SHIFT_2" in hiding
        assert "# the input 'SHIFT'" in hiding
        assert loaded(hiding)["program"]([1, 2])["out"].tolist() == [4.0, 5.0]
        with pytest.raises(GraphError, match="to be emitted"):
            emit_python(Closed()(make_input("x", (2,))))
    finally:
        contract._registry.clear()
        contract._registry.update(before)
