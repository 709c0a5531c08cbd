"""What a model says as one cell of every row goes through values, against rows written so."""

from __future__ import annotations

import numpy as np
import pytest
from trained_for_judgment import pair

from misstep.data import Matrix, MatrixScaling, read_table
from misstep.data.inputs import grid_of, nearest_counts
from misstep.modeling import importances_of, partial_dependence_of, partial_dependences_of
from misstep.modeling.judgment.partial_dependence import POINTS


def number_of(model, name: str) -> int:
    return model.preprocessing.column_names.index(name)


@pytest.mark.parametrize(
    ("kind", "column", "sort"),
    [
        ("houses", "area", "number"),
        ("houses", "rooms", "number"),
        ("passengers", "sex", "category"),
        ("passengers", "age", "number"),
        ("passengers", "sailed", "date"),
    ],
)
def test_curves_are_those_of_rows_that_are_written_so(kind: str, column: str, sort: str) -> None:
    model, held_out = pair(kind)
    found = partial_dependence_of(model, held_out, number_of(model, column))
    assert found is not None
    assert (found.name, found.kind) == (column, sort)
    frame = held_out.data.frame  # type: ignore[attr-defined]
    assert found.rows == len(frame)
    for place in (0, len(found.values) - 1):
        other = frame.copy()
        value = found.values[place]
        other[column] = value
        outputs = model.outputs(read_table(other))
        if model.target.is_number:
            said = model.target.decode_outputs(outputs[:, 0])
        else:
            said = outputs[:, 1]
        assert found.mean[0, place] == pytest.approx(said.mean(), rel=1e-4)
        low, high = np.quantile(said, [0.1, 0.9])
        assert found.low[0, place] == pytest.approx(low, rel=1e-4)
        assert found.high[0, place] == pytest.approx(high, rel=1e-4)
        own = found.curves[0, :, place]
        assert own == pytest.approx(np.asarray(said)[found.rows_of_curves], rel=1e-4)


def test_numbers_rise_and_whole_ones_stay_whole() -> None:
    model, held_out = pair("houses")
    area = partial_dependence_of(model, held_out, number_of(model, "area"))
    rooms = partial_dependence_of(model, held_out, number_of(model, "rooms"))
    assert area is not None
    assert rooms is not None
    assert len(area.values) == POINTS
    assert list(area.values) == sorted(area.values)
    assert rooms.values == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    frame = held_out.data.frame  # type: ignore[attr-defined]
    assert rooms.counts == tuple(frame["rooms"].value_counts().sort_index())
    assert area.reach[0] > 50_000
    assert area.unit == "price"


def test_categories_come_by_how_many_rows_have_them() -> None:
    model, held_out = pair("passengers")
    found = partial_dependence_of(model, held_out, number_of(model, "class"))
    assert found is not None
    counts = held_out.data.frame["class"].value_counts()  # type: ignore[attr-defined]
    assert dict(zip(found.values, found.counts, strict=True)) == counts.to_dict()
    assert list(found.counts) == sorted(found.counts, reverse=True)
    assert (found.unit, found.subjects) == ("probability", ("yes",))


def test_the_first_inputs_are_those_of_importance() -> None:
    model, held_out = pair("houses")
    (importance,) = importances_of(model, held_out)
    found = partial_dependences_of(model, held_out, importance, most=2)
    assert [each.name for each in found] == ["area", "rooms"]
    model, held_out = pair("messages")
    (importance,) = importances_of(model, held_out)
    assert partial_dependences_of(model, held_out, importance) == ()


def test_columns_of_a_matrix_go_through_their_own_numbers() -> None:
    values = np.random.default_rng(0).normal(50, 10, (200, 2))
    scaling = MatrixScaling.fit(values)
    x = scaling.transform(values)
    for data in (Matrix(values), read_table({"column_1": values[:, 0], "column_2": values[:, 1]})):
        sweep = scaling.sweep(1, data, x, 12)
        assert sweep is not None
        assert sweep.values == pytest.approx(np.quantile(values[:, 1], np.linspace(0.02, 0.98, 12)))
        again = values.copy()
        again[:, 1] = sweep.values[3]
        assert scaling.transform(again)[:, 1] == pytest.approx(np.full(200, sweep.blocks[3, 0]))
    assert scaling.sweep(1, Matrix(np.ones((5, 2))), x[:5], 12) is None


def test_grids_and_what_lies_nearest() -> None:
    cells = np.array([1.0, 1.0, 2.0, 9.0])
    assert grid_of(cells, 5).tolist() == [1, 2, 9]
    assert nearest_counts(np.array([1.0, 2.0, 9.0]), cells) == (2, 1, 1)
    many = np.arange(1000.0)
    assert len(grid_of(many, 10)) == 10
    assert sum(nearest_counts(grid_of(many, 10), many)) == 1000


def test_it_can_be_written_down() -> None:
    model, held_out = pair("houses")
    found = partial_dependence_of(model, held_out, 0)
    assert found is not None
    assert len(found.plain()["mean"][0]) == len(found.values)
