"""How much worse a model is without an input, computed again in loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from trained_for_judgment import pair

from misstep.ir import Array
from misstep.modeling import Importance, importances_of
from misstep.modeling.judgment.copies import outputs_of_copies, work_of_row
from misstep.modeling.judgment.importance import (
    FEWEST_ROWS,
    MOST_COPIES,
    MOST_REPEATS,
    _sizes,
    drawn_positions,
    permutations,
)
from misstep.modeling.judgment.row_losses import row_losses


def log_losses(outputs: Array, answers: Array) -> Array:
    return -np.log(outputs[np.arange(len(answers)), answers].astype(np.float64))


@pytest.mark.parametrize("kind", ["passengers", "houses", "pictures", "recordings", "messages"])
def test_losses_are_those_that_were_learned_by(kind: str) -> None:
    model, held_out = pair(kind)
    losses = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    if model.target.is_number:
        own = (held_out.outputs[:, 0].astype(np.float64) - held_out.answers) ** 2
    else:
        own = log_losses(held_out.outputs, held_out.answers)
        smoothing = getattr(model.loss, "smoothing", 0.0)
        if smoothing:
            both = -np.log(held_out.outputs.astype(np.float64)).mean(axis=1)
            own = own * (1 - smoothing) + both * smoothing
    assert losses == pytest.approx(own, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", ["passengers", "houses"])
def test_a_column_is_permuted_with_all_of_its_features(kind: str) -> None:
    model, held_out = pair(kind)
    (found,) = importances_of(model, held_out)
    assert (found.noun, found.manner, found.repeats) == ("column", "permuted", MOST_REPEATS)
    names = model.preprocessing.column_names  # type: ignore[attr-defined]
    assert sorted(each.name for each in found.inputs) == sorted(names)
    features = model.feature_names
    orders = permutations(len(held_out), MOST_REPEATS)
    before = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    score = model.judge(held_out.outputs, held_out.answers)[found.metric]
    assert found.score == score
    for each in found.inputs:
        own = [n for n, feature in enumerate(features) if feature.startswith(each.name)]
        rises, drops = [], []
        for order in orders:
            x = held_out.x.copy()
            for row in range(len(x)):
                x[row, own] = held_out.x[order[row], own]
            outputs = model.outputs_of(x)
            rises.append(row_losses(model, x, outputs, held_out.answers) - before)
            drops.append(model.judge(outputs, held_out.answers)[found.metric] - score)
        sign = 1 if model.target.is_number else -1
        means = np.mean(rises, axis=1)
        assert each.loss == pytest.approx(means.mean(), abs=1e-9)
        assert each.loss_spread == pytest.approx(means.std(ddof=1), abs=1e-9)
        error = np.mean(rises, axis=0).std(ddof=1) / np.sqrt(len(held_out))
        assert each.loss_error == pytest.approx(error, abs=1e-9)
        assert each.score == pytest.approx(sign * np.mean(drops), abs=1e-9)
        assert each.score_spread == pytest.approx(np.std(drops, ddof=1), abs=1e-9)


def test_what_counts_comes_first_and_what_is_drawn_last() -> None:
    (found,) = importances_of(*pair("houses"))
    assert [each.name for each in found.inputs] == ["area", "rooms", "drawn"]
    assert found.inputs[0].score > 10_000
    assert abs(found.inputs[-1].score) < 5_000
    (found,) = importances_of(*pair("passengers"))
    assert found.inputs[0].name == "sex"


def test_regions_of_pictures_become_those_of_the_average_picture() -> None:
    model, held_out = pair("pictures")
    (found,) = importances_of(model, held_out)
    assert (found.noun, found.manner, found.repeats) == ("region", "replaced", 1)
    assert len(found.lines) == len(found.columns) == 8
    assert len(found.inputs) == 64
    assert model.training_rows is not None
    average = model.training_rows.baseline.features
    assert average is not None
    before = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    for each in found.inputs[:5]:
        assert each.place is not None
        x = held_out.x.copy().reshape(-1, 8, 8)
        x[:, each.place[0], each.place[1]] = average.reshape(8, 8)[each.place]
        outputs = model.outputs_of(x.reshape(-1, 64))
        after = row_losses(model, held_out.x, outputs, held_out.answers)
        assert each.loss == pytest.approx((after - before).mean(), abs=1e-5)
        assert each.loss_spread == 0
    places = [each.place for each in found.inputs[:4] if each.place is not None]
    assert all(i // 2 in (0, 3) and i // 2 == j // 2 for i, j in places)


def test_sequences_have_channels_and_times() -> None:
    channels, times = importances_of(*pair("recordings"))
    assert channels.noun == "channel"
    assert channels.inputs[0].name == "signal"
    assert times.noun == "time"
    assert len(times.inputs) == 10
    late = [int(each.name.split()[-1]) > 6 for each in times.inputs[:3]]
    assert all(late)


def test_the_same_rows_give_the_same_numbers_however_they_are_asked_for() -> None:
    model, held_out = pair("passengers")
    first = importances_of(model, held_out)
    assert importances_of(model, held_out) == first
    x = held_out.x
    singly = [model.outputs_of(x + shift) for shift in (0, 1, 2)]

    def add(shift: int):
        def change(rows: Array) -> None:
            rows += shift

        return change

    for asked in (len(x), 1000):
        together = list(outputs_of_copies(model, x, map(add, (0, 1, 2)), asked))
        assert all(map(np.array_equal, together, singly))


def test_work_is_saved_at_permutations_then_at_rows_then_at_inputs() -> None:
    model, held_out = pair("houses")
    row = work_of_row(model)

    def sizes(budget: int) -> tuple[int, int, int]:
        (found,) = importances_of(model, held_out, work=budget * row)
        return found.repeats, found.rows, len(found.inputs)

    assert len(held_out) == 60 < FEWEST_ROWS
    assert sizes(60 * 5 * 3) == (5, 60, 3)
    assert sizes(60 * 3 * 3) == (3, 60, 3)
    assert sizes(60 * 2 * 2) == (2, 60, 2)
    assert sizes(1) == (2, 60, 1)
    (found,) = importances_of(model, held_out, work=row)
    assert found.left == 2
    # Those whose features move most with what the model says.
    assert found.inputs[0].name == "area"


def test_many_rows_are_thinned_to_the_same_ones() -> None:
    model, held_out = pair("houses")
    many = np.tile(np.arange(60), 30)
    more = replace(
        held_out,
        data=held_out.data.take(many),
        x=held_out.x[many],
        answers=held_out.answers[many],
        outputs=held_out.outputs[many],
        names=[held_out.names[at] for at in many],
    )
    (found,) = importances_of(model, more)
    assert (found.rows, found.of) == (1000, 1800)
    assert np.array_equal(drawn_positions(1800, 1000), drawn_positions(1800, 1000))
    assert found.inputs[0].name == "area"


def test_without_rows_there_is_nothing_and_with_one_no_error() -> None:
    model, held_out = pair("houses")

    def first(count: int) -> tuple[Importance, ...]:
        some = replace(
            held_out,
            data=held_out.data.take(np.arange(count)),
            x=held_out.x[:count],
            answers=held_out.answers[:count],
            outputs=held_out.outputs[:count],
            names=held_out.names[:count],
        )
        return importances_of(model, some)

    assert first(0) == ()
    (found,) = first(1)
    assert all(each.loss_error == 0 and each.loss == 0 for each in found.inputs)


def test_outputs_that_are_no_numbers_have_no_importance() -> None:
    model, held_out = pair("houses")
    broken = replace(held_out, outputs=np.full_like(held_out.outputs, np.nan))
    assert importances_of(model, broken) == ()


def test_it_can_be_written_down() -> None:
    (found,) = importances_of(*pair("houses"))
    plain = found.plain()
    assert plain["inputs"][0]["name"] == "area"
    assert plain["metric"] == "rmse"


def test_of_thousands_of_inputs_those_that_tell_most_are_measured() -> None:
    assert _sizes(80, 3000, 10**9, True) == (80, 2, MOST_COPIES // 2)
    assert _sizes(80, 30, 10**9, True) == (80, 5, 30)
    assert _sizes(80, 64, 10**9, False) == (80, 1, 64)
