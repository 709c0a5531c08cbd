"""A record stays small: blocks of updates and ever sparser occasions, true to what they are of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.record import RecordWriter, Thinning, read_record
from misstep.record.thinning import SINGLE_STEPS, stride_at


@given(st.integers(2, 50), st.integers(1, 400))
def test_thinning_keeps_evenly_and_never_many(limit, occasions):
    thinning = Thinning(limit)
    kept = [one for one in range(occasions) if thinning.keeps(one)]
    assert kept[0] == 0
    assert kept[:limit] == list(range(min(limit, occasions)))
    gaps = np.diff(kept)
    assert (np.diff(gaps) >= 0).all()
    assert len(kept) <= limit * (2 + np.log2(occasions))


def test_strides_grow_tenfold():
    assert [stride_at(step)[0] for step in (1, SINGLE_STEPS, SINGLE_STEPS + 1)] == [1, 1, 10]
    assert stride_at(10 * SINGLE_STEPS + 1) == (100, 100 * SINGLE_STEPS)


@settings(max_examples=20, deadline=None)
@given(st.integers(SINGLE_STEPS + 1, SINGLE_STEPS + 500), st.integers(1, 997))
def test_blocks_are_means_and_extremes_of_their_updates(tmp_path_factory, updates, together):
    losses = np.random.default_rng(updates).normal(1.0, 0.3, updates)
    rates = np.linspace(0.1, 0.01, updates)
    folder = tmp_path_factory.mktemp("record")
    with RecordWriter(folder, {}) as writer:
        for first in range(0, updates, together):
            part = slice(first, first + together)
            writer.steps(first + 1, losses[part], rates[part])
    steps = read_record(folder).steps
    for name, column in writer.record.steps.items():
        np.testing.assert_array_equal(column, steps[name])
    assert steps["step"][-1] == updates
    np.testing.assert_array_equal(steps["loss"][:SINGLE_STEPS], losses[:SINGLE_STEPS])
    first = SINGLE_STEPS
    for at in range(SINGLE_STEPS, len(steps["step"])):
        block = losses[first : steps["step"][at]]
        assert steps["loss"][at] == pytest.approx(block.mean())
        assert (steps["lowest"][at], steps["highest"][at]) == (block.min(), block.max())
        assert steps["learning_rate"][at] == rates[steps["step"][at] - 1]
        first = steps["step"][at]


def test_a_million_updates_take_less_than_a_megabyte(tmp_path):
    losses = np.random.default_rng(0).normal(1.0, 0.3, 1_000_000)
    with RecordWriter(tmp_path, {}) as writer:
        for first in range(0, len(losses), 1000):
            writer.steps(first + 1, losses[first : first + 1000], np.full(1000, 1e-3))
    assert (tmp_path / "record.jsonl").stat().st_size < 1_000_000
    assert len(writer.record.steps["step"]) < 20_000


def test_a_resumed_run_replaces_what_came_after():
    writer = RecordWriter(None, {})
    writer.steps(1, [3.0, 2.0, 1.0], [0.1, 0.1, 0.1])
    writer.resumed(2, 0)
    writer.steps(3, [9.0, 8.0], [0.2, 0.2])
    steps = writer.record.steps
    assert steps["step"].tolist() == [1, 2, 3, 4]
    assert steps["loss"].tolist() == [3.0, 2.0, 9.0, 8.0]


def test_thinning_goes_on_where_it_was_left() -> None:
    whole, first = Thinning(3), Thinning(3)
    kept = [occasion for occasion in range(100) if whole.keeps(occasion)]
    before = [occasion for occasion in range(37) if first.keeps(occasion)]
    then = Thinning(3)
    then.restore(first.memory())
    assert before + [occasion for occasion in range(37, 100) if then.keeps(occasion)] == kept
    with pytest.raises(ValueError, match="no memory"):
        then.restore([0, 0])
