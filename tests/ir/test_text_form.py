"""The text form: the page's grammar, its example, and reading what was written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misstep import nn, optim
from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.errors import GraphError
from misstep.ir import (
    DTYPES,
    Graph,
    Interpreter,
    Location,
    Value,
    make_input,
    make_literal,
    make_parameter,
    read_graph,
    registered_ops,
    verify,
    write_graph,
)
from misstep.nn.losses import CrossEntropy
from misstep.train.programs import Programs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "text-form.md"


class Parser:
    """A reader of the grammar in docs/text-form.md, written from the page and from nothing else."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def take(self, pattern: str, spaces: str = r"[ ]*") -> str:
        found = re.match(f"{spaces}({pattern}){spaces}", self.rest)
        assert found, f"needed {pattern} at {self.rest[:60]!r}"
        self.rest = self.rest[found.end() :]
        return found[1]

    def sees(self, pattern: str) -> bool:
        return re.match(f"[ ]*(?:{pattern})", self.rest) is not None

    def graph(self) -> dict[str, Any]:
        self.take("graph")
        name = self.take(r"[\w.\-]+")
        self.take(r"\(")
        types: dict[str, str] = {}
        while not self.sees(r"\)"):
            self.typed_name(types)
            if not self.sees(r"\)"):
                self.take(",")
        self.take(r"\)")
        self.take(r"\{")
        self.take("\n")
        ops: dict[str, str] = {}
        while not self.sees("return "):
            self.assignment(types, ops)
        self.take("return ")
        outputs = {}
        while True:
            output = self.take(r"[\w.\-]+")
            self.take("=")
            outputs[output] = self.take(r"\w+")
            assert outputs[output] in types
            if not self.sees(","):
                break
            self.take(",")
        self.take("\n")
        self.take(r"\}")
        assert not self.rest.strip()
        return {"name": name, "types": types, "ops": ops, "outputs": outputs}

    def typed_name(self, types: dict[str, str]) -> str:
        name = self.take(r"\w+")
        assert name not in types
        self.take(":")
        kind = self.take("|".join(DTYPES))
        self.take(r"\[")
        lengths = []
        while not self.sees(r"\]"):
            lengths.append(self.take(r"\d+"))
            if not self.sees(r"\]"):
                self.take(",")
        self.take(r"\]")
        types[name] = f"{kind}[{', '.join(lengths)}]"
        return name

    def assignment(self, types: dict[str, str], ops: dict[str, str]) -> None:
        before = set(types)
        name = self.typed_name(types)
        self.take("=")
        op = self.take(r"\w+")
        ops[name] = op
        if op == "literal":
            self.take(r"\(")
            self.numbers()
        else:
            assert op in registered_ops()
            if self.sees(r"\{"):
                attributes, end = json.JSONDecoder().raw_decode(self.rest.lstrip(" "))
                assert list(attributes)
                self.rest = self.rest.lstrip(" ")[end:]
            self.take(r"\(")
            while not self.sees(r"\)"):
                assert self.take(r"\w+") in before
                if not self.sees(r"\)"):
                    self.take(",")
        self.take(r"\)", spaces="")
        if self.sees("#"):
            self.take(r"  #[^\n]*", spaces="")
        self.take("\n")

    def numbers(self) -> None:
        if not self.sees(r"\["):
            self.take(r'true|false|"NaN"|"-?Infinity"|-?\d+(\.\d+)?([eE][+\-]?\d+)?')
            return
        self.take(r"\[")
        while not self.sees(r"\]"):
            self.numbers()
            if not self.sees(r"\]"):
                self.take(",")
        self.take(r"\]")


def network_step() -> Graph:
    network = nn.Network(nn.Sequential(nn.Dense(4), nn.Tanh(), nn.Dropout(0.5), nn.Dense(3)), (2,))
    programs = Programs(network, CrossEntropy(), optim.Adam(), (optim.ClipNorm(1.0),))
    return programs.step(5, weighted=False).graph


def op_graphs() -> list[Graph]:
    random = np.random.default_rng(0)
    graphs = []
    for kind in registered_ops().values():
        for op, arrays in kind.examples(random):
            leaves = [
                make_parameter(np.asarray(one), f"v{place}", np.asarray(one).dtype.name)
                for place, one in enumerate(arrays)
            ]
            out = op(*leaves)
            outputs = {"out": out}
            moving = [leaf for leaf in leaves if leaf.type.is_float]
            if out.type.is_float and moving:
                loss = ms.sum(out * random.uniform(1, 2, out.shape))
                outputs |= {
                    f"slope.{leaf.name}": one
                    for leaf, one in zip(moving, gradient(loss, moving), strict=True)
                }
            graphs.append(Graph(outputs, leaves, f"{kind.name}-1"))
    return graphs


def test_the_text_of_many_graphs_follows_the_grammar() -> None:
    graphs = [*op_graphs(), network_step()]
    assert len(graphs) > 45
    for graph in graphs:
        for locations in (True, False):
            parsed = Parser(write_graph(graph, locations=locations)).graph()
            assert parsed["name"] == graph.name
            assert list(parsed["outputs"]) == list(graph.outputs)
            made = {value.op.name for value in graph.computed if value.op is not None}
            assert set(parsed["ops"].values()) - {"literal"} == made


def test_reading_gives_back_the_same_program() -> None:
    for graph in [*op_graphs(), network_step()]:
        text = write_graph(graph, locations=False)
        again = read_graph(text)
        assert write_graph(again, locations=False) == text
        feeds: dict[str, Any] = {
            str(value.name): value.data
            if value.data is not None
            else np.ones(value.shape, value.dtype)
            for value in graph.inputs
        }
        for name, array in Interpreter(graph).run(feeds).items():
            np.testing.assert_array_equal(Interpreter(again).run(feeds)[name], array)


def fenced(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1].strip("\n")


def test_the_example_of_the_page_is_what_the_code_prints() -> None:
    w, x = make_input("w", (3,)), make_input("x", (2, 3))
    scores = (x * w).named("scores")
    sums = ms.sum(scores, 1).named("sums")
    half = make_literal(0.5, "float32", "half")
    loss = (sums * half).named("loss")
    graph = Graph({"loss": loss, "scores": scores}, [w, x], "step")
    assert write_graph(graph, locations=False) == fenced("text")
    Parser(fenced("text")).graph()
    assert write_graph(read_graph(fenced("text")), locations=False) == fenced("text")


def test_literals_keep_their_bits() -> None:
    numbers = [0.1, -0.0, np.nan, np.inf, -np.inf, 1e-310, 1.7976931348623157e308, 1 / 3]
    literal = make_literal(np.array(numbers), name="numbers")
    graph = Graph({"out": literal * 1.0})
    (again,) = [one for one in read_graph(str(graph)).literals if one.ndim]
    assert again.data is not None
    np.testing.assert_array_equal(again.data, np.array(numbers))
    np.testing.assert_array_equal(np.signbit(again.data), np.signbit(np.array(numbers)))


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(-1, "uint32"), ([True, False], "bool"), (2**62, "int64"), (np.zeros((0, 3)), "float32")],
)
def test_literals_of_every_kind_come_back(data: Any, dtype: str) -> None:
    literal = make_literal(np.asarray(data), dtype)
    again = read_graph(str(Graph({"out": literal}))).outputs["out"]
    assert again.type == literal.type
    np.testing.assert_array_equal(again.numpy(), literal.numpy())


def test_the_order_in_memory_does_not_change_a_literal() -> None:
    columns_first = np.asfortranarray(np.random.default_rng(0).random((40, 30)))
    literal = make_literal(columns_first)
    assert literal.data is not None
    assert literal.data.flags.c_contiguous
    graph = Graph({"out": ms.sum(literal)})
    again = Interpreter(read_graph(str(graph))).run()["out"]
    assert again.tobytes() == Interpreter(graph).run()["out"].tobytes()


def test_a_hostile_file_name_stays_in_its_comment() -> None:
    x = make_input("x", (2,))
    y = ms.exp(x)
    y.location = Location("a\n  z: float32[2] = exp(x)\n#\u2028.py", 3)
    text = write_graph(Graph({"y": y}))
    assert len(text.splitlines()) == 4
    assert read_graph(text).outputs["y"].op == y.op


@pytest.mark.parametrize("name", ["a b", "a,b", "a=b", "a\nb", ""])
def test_a_name_that_has_no_place_in_the_grammar_is_refused(name: str) -> None:
    x = make_input("x", (2,))
    with pytest.raises(GraphError, match="letters, digits"):
        write_graph(Graph({name: ms.exp(x)}))
    with pytest.raises(GraphError, match="letters, digits"):
        write_graph(Graph({"y": ms.exp(x)}, name=name))


GOOD = "graph g(x: float32[2]) {\n  y: float32[2] = exp(x)\n  return y=y\n}"


def test_the_text_that_the_wrong_ones_come_from_is_right() -> None:
    assert write_graph(read_graph(GOOD), locations=False) == GOOD
    verify(read_graph(GOOD))


WRONG = [
    ("", "a line 'return"),
    (GOOD.removesuffix("\n}"), "a line '}'"),
    (GOOD.replace("return y=y", ""), "line 4"),
    (GOOD + "\nmore", "line 5"),
    (GOOD + GOOD, "line 4"),
    (GOOD.replace("graph", "giraffe"), "line 1"),
    (GOOD.replace("(x: float32[2])", "(x: float32[2]; y)"), "line 1"),
    (GOOD.replace("(x: float32[2])", "(x: float16[2])"), "float16"),
    (GOOD.replace("(x: float32[2])", "(x: float32[-2])"), "line 1"),
    (GOOD.replace("(x: float32[2])", "(x: float32[2], x: float32[2])"), "twice"),
    (GOOD.replace("exp(x)", "explode(x)"), "explode"),
    (GOOD.replace("exp(x)", "exp(z)"), "made before"),
    (GOOD.replace("exp(x)", "exp(y)"), "made before"),
    (GOOD.replace("exp(x)", "exp(x, x)"), "line 2"),
    (GOOD.replace("exp(x)", "exp()"), "line 2"),
    (GOOD.replace("exp(x)", "add(x)"), "as many inputs as add takes"),
    (GOOD.replace("exp(x)", "subtract(x)"), "line 2|as many"),
    (GOOD.replace("exp(x)", 'exp{"a": 1}(x)'), "line 2"),
    (GOOD.replace("exp(x)", "exp{1}(x)"), "line 2"),
    (GOOD.replace("exp(x)", 'flip{"axes": 5}(x)'), "line 2"),
    (GOOD.replace("exp(x)", 'flip{"axes": [7]}(x)'), "axis"),
    (GOOD.replace("exp(x)", 'reshape{"shape": [2.0]}(x)'), "decimal point"),
    (GOOD.replace("exp(x)", "literal(1)"), "line 2"),
    (GOOD.replace("exp(x)", 'literal(["one", "two"])'), "made before|line 2"),
    (GOOD.replace("exp(x)", "literal([1, [2]])"), "line 2"),
    (GOOD.replace("exp(x)", "literal(" + "[" * 5000 + "1" + "]" * 5000 + ")"), "line 2"),
    (GOOD.replace("y: float32[2]", "y: float32[3]"), "not float32"),
    (GOOD.replace("y: float32[2]", "x: float32[2]"), "twice"),
    (GOOD.replace("y: float32[2] = exp(x)", "y: int32[] = literal(99999999999)"), "line 2"),
    (GOOD.replace("y: float32[2] = exp(x)", "__import__('os')"), "line 2"),
    (GOOD.replace("y=y", "y=z"), "made before"),
    (GOOD.replace("y=y", "y=y, y=x"), "twice"),
    (GOOD.replace("y=y", "y"), "made before"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_wrong_text_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        read_graph(text)


def test_values_with_odd_names_are_written_under_good_ones() -> None:
    x = make_input("layers.0 weight", (2,))
    again = make_input("layers.0-weight", (2,))
    both: Value = x + again
    parsed = Parser(str(Graph({"out": both}))).graph()
    assert list(parsed["types"])[:2] == ["layers_0_weight", "layers_0_weight_2"]
