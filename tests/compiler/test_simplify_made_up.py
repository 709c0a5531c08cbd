"""Simplifying made-up programs: every bit stays, whichever passes run, and no work comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_runs import RandomGraph, check_bits, plain_run, random_feeds

from misstep.compiler.passes import Pass, registered_passes, simplify
from misstep.ir import Graph, Interpreter, read_graph, verify, write_graph

PASSES = registered_passes()
EXACT = [pass_ for pass_ in PASSES.values() if pass_.exact]
INEXACT = [pass_ for pass_ in PASSES.values() if not pass_.exact]

seeds = st.integers(0, 2**32 - 1)
steps = st.integers(1, 30)
dtypes = st.sampled_from(["float32", "float64"])


@given(seed=seeds, steps=steps, dtype=dtypes, left_out=st.sampled_from(EXACT))
@settings(max_examples=400, deadline=None)
def test_no_bit_changes_whichever_pass_is_left_out(
    seed: int, steps: int, dtype: str, left_out: Pass
) -> None:
    graph = RandomGraph(seed, steps, dtype).graph()
    verify(graph)
    feeds = random_feeds(graph, np.random.default_rng(seed), 0.15 * (seed % 2))
    expected = plain_run(graph, feeds)
    best = simplify(graph, INEXACT)
    for better in (best, simplify(graph, [left_out, *INEXACT])):
        assert verify(better) is better
        assert better.inputs == graph.inputs
        check_bits(plain_run(better, feeds), expected)
    assert simplify(best, INEXACT) is best
    # What is left is a program as any other: it can be put in order anew, written and read.
    again = verify(Graph(best.outputs, best.inputs))
    check_bits(plain_run(again, feeds), expected)
    assert write_graph(read_graph(write_graph(best)), locations=False) == write_graph(
        best, locations=False
    )


@given(seed=seeds, steps=steps, dtype=dtypes)
@settings(max_examples=200, deadline=None)
def test_no_pass_changes_a_bit_by_itself(seed: int, steps: int, dtype: str) -> None:
    graph = RandomGraph(seed, steps, dtype).graph()
    feeds = random_feeds(graph, np.random.default_rng(seed), 0.15 * (seed % 2))
    expected = plain_run(graph, feeds)
    for pass_ in EXACT:
        better = verify(pass_(graph))
        if better is not graph:
            check_bits(plain_run(better, feeds), expected)


@given(seed=seeds, steps=steps)
@settings(max_examples=200, deadline=None)
def test_all_passes_agree_with_the_interpreter(seed: int, steps: int) -> None:
    graph = RandomGraph(seed, steps, "float64").graph()
    feeds = random_feeds(graph, np.random.default_rng(seed))
    best = simplify(graph)
    assert simplify(best) is best
    actual, expected = Interpreter(best).run(feeds), Interpreter(graph).run(feeds)
    for name, array in expected.items():
        if np.isfinite(array).all() and np.abs(array).max(initial=0) < 1e6:
            np.testing.assert_allclose(actual[name], array, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("one", EXACT, ids=repr)
def test_made_up_programs_give_every_pass_something_to_do(one: Pass) -> None:
    graphs = (RandomGraph(seed, 20, "float32").graph() for seed in range(60))
    assert any(one(graph) is not graph for graph in graphs)
