"""Which hidden neurons contributed most."""

from __future__ import annotations

import numpy as np
import pytest

from misstep import ops as ms
from misstep.errors import ArgumentError, ShapeError
from misstep.explain import contribution_table, contributions
from misstep.ir import Value, make_input, make_parameter


def network() -> tuple[Value, dict[str, Value]]:
    x = make_input("x", (2, 3), "float64")
    first = ms.relu(x @ make_parameter(np.array([[1.0, -1, 0.5, 2]] * 3), "W1"))
    second = first @ make_parameter(np.array([[1.0, 2], [1, 2], [-4, 0], [0.1, 0]]), "W2")
    return second[0, 0], {"first": first, "second": second}


def test_the_largest_come_first_and_a_linear_output_is_shared_out() -> None:
    output, layers = network()
    feeds = {"x": np.ones((2, 3))}
    found = contributions(output, {"first": layers["first"]}, feeds=feeds)
    assert [one.neuron for one in found] == ["first[2]", "first[0]", "first[3]", "first[1]"]
    assert [one.contribution for one in found] == pytest.approx([-6.0, 3.0, 0.6, 0.0])
    # In a linear last layer without bias, the contributions add up to the output.
    assert sum(one.contribution for one in found) == pytest.approx(-2.4)
    other_row = contributions(output, {"first": layers["first"]}, row=1, feeds=feeds)
    assert {one.gradient for one in other_row} == {0.0}


def test_the_table_is_aligned_and_short() -> None:
    output, layers = network()
    found = contributions(output, layers, feeds={"x": np.ones((2, 3))})
    table = contribution_table(found, 3)
    lines = table.splitlines()
    assert lines[0].split() == ["neuron", "activation", "slope", "contribution"]
    assert len({len(line) for line in lines[:4]}) == 1
    # Neurons of two layers are not added up.
    assert lines[-1] == "… and 3 more neurons"
    one = contributions(output, {"first": layers["first"]}, feeds={"x": np.ones((2, 3))})
    assert contribution_table(one, 3).endswith("… and 1 more neuron: 0")
    assert "…" not in contribution_table(found, None)


def test_what_can_not_be_used() -> None:
    output, layers = network()
    feeds = {"x": np.ones((2, 3))}
    with pytest.raises(ArgumentError, match="at least one hidden value"):
        contributions(output, {})
    with pytest.raises(ShapeError, match="row 2"):
        contributions(output, layers, row=2, feeds=feeds)
    with pytest.raises(ShapeError, match="one number"):
        contributions(layers["second"], layers, feeds=feeds)


def test_a_hidden_value_the_output_does_not_need_contributes_nothing() -> None:
    h, other = make_parameter([[1.0, 2.0]]), make_parameter([[3.0]])
    found = contributions(ms.sum(h), {"h": h, "other": other})
    assert [(one.neuron, one.contribution) for one in found] == [
        ("h[1]", 2.0),
        ("h[0]", 1.0),
        ("other[0]", 0.0),
    ]
