"""The cases that the package `onnx` brings for each operator, through the rules of this library.

Each case passes, or is refused in words: none is wrong. How many pass is pinned from below. With
MISSTEP_NODE_CASES=all those of pooling are among them, which take longer to make than all others.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

from misstep.errors import MisstepError
from misstep.interchange.onnx_reading import program_of
from misstep.ir import DTYPES, Type, Value, evaluate
from misstep.onnx_operators.importing import Surroundings, imported_operators, run_nodes
from misstep.onnx_operators.node import OWN_DOMAIN, TRAINING_DOMAIN

pytest.importorskip("onnx")

# Cases of operators that have no rule here, or of images and texts, and slow to make.
LEFT_OUT = {"affinegrid", "flexattention", "image_decoder", "linear_attention", "roialign"}
SLOW = {"averagepool", "lppool", "maxpool"}
if os.environ.get("MISSTEP_NODE_CASES") != "all":
    LEFT_OUT |= SLOW
# Of those whose operators have rules; refused are mostly kinds of numbers that are not here.
LEAST_PASSED = 1000


def all_cases() -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnx.backend.test.case.node as node

        for found in pkgutil.iter_modules(node.__path__):
            if found.name not in LEFT_OUT:
                importlib.import_module(f"{node.__name__}.{found.name}")
        importlib.import_module("onnx.backend.test.case.model")
        return list(node._NodeTestCases)


def leaf(array: Any, name: str) -> Value:
    numbers = np.asarray(array)
    if numbers.dtype.name not in DTYPES:
        raise MisstepError("a kind of number", got=str(numbers.dtype))
    data = np.ascontiguousarray(numbers).reshape(numbers.shape)
    return Value(Type(numbers.shape, numbers.dtype.name), name=name, data=data)


def outcome(case: Any) -> str:
    for inputs, outputs in case.data_sets:
        try:
            program = program_of(case.model)
            values = {
                port.name: leaf(array, port.name)
                for port, array in zip(program.inputs, inputs, strict=False)
            }
            values |= {name: leaf(array, name) for name, array in program.arrays.items()}
            around = Surroundings(program.versions)
            wanted = [port.name for port in program.outputs]
            found = evaluate(run_nodes(program.nodes, values, around, wanted))
        except MisstepError as error:
            return f"refused: {error}"
        for got, expected in zip(found, outputs, strict=True):
            wanted_array = np.asarray(expected)
            assert got.shape == wanted_array.shape, case.name
            assert got.dtype == wanted_array.dtype, case.name
            np.testing.assert_allclose(
                got, wanted_array, rtol=case.rtol or 1e-3, atol=case.atol or 1e-7, err_msg=case.name
            )
    return "passed"


def operators_of(case: Any) -> set[tuple[str, str]]:
    return {(node.domain or OWN_DOMAIN, node.op_type) for node in case.model.graph.node}


@pytest.mark.filterwarnings("ignore")
def test_no_case_of_an_operator_is_wrong() -> None:
    known = set(imported_operators())
    counts: Counter[str] = Counter()
    trained = 0
    for case in all_cases():
        operators = operators_of(case)
        if operators <= known:
            found = outcome(case)
            counts[found.partition(":")[0]] += 1
            trained += found == "passed" and {domain for domain, _ in operators} == {
                TRAINING_DOMAIN
            }
    assert counts["passed"] >= LEAST_PASSED, counts
    assert trained == 7
