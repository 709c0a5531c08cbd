"""Every op of the vocabulary can be explained, and what its formulas say is what it computes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from arithmetic import all_digits, assert_exact

from misstep import ops as ms
from misstep.explain import explain
from misstep.ir import Value, make_parameter, registered_ops


def balanced(latex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("name", registered_ops())
def test_an_op_can_be_explained(name: str) -> None:
    random = np.random.default_rng(0)
    kind = registered_ops()[name]
    for _ in range(3):
        for op, arrays in kind.examples(random):
            leaves = [
                make_parameter(array, f"v{place}", np.asarray(array).dtype.name)
                for place, array in enumerate(arrays)
            ]
            out = op(*leaves).named("out")
            if not out.type.is_float or not out.size:
                continue
            loss = ms.sum(out * random.uniform(1, 2, out.shape)).named("loss")
            for leaf in leaves:
                if leaf.type.is_float and leaf.size:
                    check(loss, leaf)


def check(loss: Value, leaf: Value) -> None:
    with all_digits():
        assert_exact(explain(loss, leaf), told=1.0)
    one = explain(loss, leaf)
    text, latex = one.text(), one.latex()
    assert not re.search(r"[{}]", text)
    assert one.difference.agrees, text
    assert latex.isascii(), latex
    assert balanced(latex), latex
    assert ElementTree.fromstring(one.mathml()).get("class") == "chain-rule"
    if one.gradient == 0:
        assert one.remarks


@pytest.mark.parametrize("name", registered_ops())
def test_an_op_can_be_explained_inside_an_unnamed_formula(name: str) -> None:
    random = np.random.default_rng(1)
    for op, arrays in registered_ops()[name].examples(random):
        leaves = [
            make_parameter(array, f"v{place}", np.asarray(array).dtype.name)
            for place, array in enumerate(arrays)
        ]
        moved = [leaf * 1.25 - 0.0 if leaf.type.is_float else leaf for leaf in leaves]
        out = op(*moved)
        if not out.type.is_float or not out.size:
            continue
        loss = ms.mean((out - 0.5) * out).named("loss")
        for leaf in leaves:
            if leaf.type.is_float and leaf.size:
                check(loss, leaf)
