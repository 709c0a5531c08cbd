"""Each op of the vocabulary as ONNX has it: checked in full, run by ONNX's own evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import misstep.nn
from misstep.errors import NotYetError
from misstep.interchange.onnx_reading import Port
from misstep.interchange.onnx_writing import Written, proto_of
from misstep.ir import Graph, Op, make_input, registered_ops
from misstep.onnx_operators.exporting import VERSION, Maker, exported_ops, ops_without_words
from misstep.onnx_operators.node import ELEMENT_OF_DTYPE, OWN_DOMAIN

reference = pytest.importorskip("onnx.reference")

del misstep
ROWS = (2, 3)
# Only bits of numbers without a sign are shifted in ONNX.
UNSIGNED = {"left_shift", "right_shift"}
WHOLE_DIVISION = {"floor_divide", "mod", "fmod"}


def written(op: Op, arrays: list[Any]) -> Any:
    inputs = [make_input(f"a{at}", one.shape, one.dtype.name) for at, one in enumerate(arrays)]
    graph = Graph({"y": op(*inputs)}, inputs)
    maker = Maker(ROWS)
    for value in inputs:
        maker.names[value] = str(value.name)
    maker.taken.update(maker.names.values())
    maker.write(graph, graph)
    y = graph.outputs["y"]
    ports = [Port(str(one.name), ELEMENT_OF_DTYPE[one.dtype], one.shape) for one in inputs]
    out = [Port(maker.names[y], ELEMENT_OF_DTYPE[y.dtype], y.shape)]
    return proto_of(Written(ports, out, maker.nodes, maker.arrays, {OWN_DOMAIN: VERSION}))


def test_every_op_has_a_rule_or_a_reason() -> None:
    assert set(exported_ops()) | set(ops_without_words()) == set(registered_ops())


@pytest.mark.parametrize("name", sorted(exported_ops()))
@pytest.mark.filterwarnings("ignore")
def test_an_op_is_the_same_in_onnx(name: str) -> None:
    for seed in range(2):
        for op, given in registered_ops()[name].examples(np.random.default_rng(seed)):
            arrays = [np.asarray(one) for one in given]
            whole = arrays[-1].dtype.kind == "i" and not arrays[-1].all()
            if name in WHOLE_DIVISION and whole:
                continue  # by 0, of which ONNX says nothing
            if name in UNSIGNED and arrays[0].dtype != "uint32":
                with pytest.raises(NotYetError):
                    written(op, arrays)
                continue
            model = written(op, arrays)
            feeds = {f"a{at}": one for at, one in enumerate(arrays)}
            (got,) = reference.ReferenceEvaluator(model).run(None, feeds)
            expected = np.asarray(op.run(*arrays))
            assert got.dtype == expected.dtype
            assert got.shape == expected.shape
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
