"""The worst mistakes, found again by sorting; the worst forecasts; saved models beside data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trained_for_judgment import houses, pair, passengers, pictures, recordings

from misstep.data import plan_series, read_series, read_table
from misstep.errors import ArgumentError, DataError
from misstep.modeling import (
    BackTest,
    Options,
    confusion_of,
    judged,
    load_model,
    mistakes_of,
    save_model,
    train,
    worst_forecasts,
)
from misstep.modeling.judgment.row_losses import row_losses


def test_wrong_rows_come_with_the_largest_loss_first() -> None:
    model, held_out = pair("passengers")
    found = mistakes_of(model, held_out, most=5)
    losses = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    wrong = held_out.outputs.argmax(axis=1) != held_out.answers
    own = sorted(np.flatnonzero(wrong), key=lambda row: -losses[row])
    assert found.wrong == wrong.sum() > 5
    assert [each.position for each in found.worst] == own[:5]
    assert found.mean_loss == pytest.approx(losses.mean())
    assert found.pairs == tuple(confusion_of(held_out, model.target).pairs())
    frame = held_out.data.frame  # type: ignore[attr-defined]
    for each in found.worst:
        row = frame.iloc[each.position]
        assert each.cells == row.drop("saved").to_dict()
        assert each.answer == row["saved"] != each.predicted
        assert each.share == pytest.approx(losses[each.position] / losses.sum())
        assert each.probability == pytest.approx(
            float(held_out.outputs[each.position, held_out.answers[each.position]])
        )
        assert list(each.probabilities.values()) == sorted(each.probabilities.values())[::-1]
        assert np.array_equal(model.encode(each.data), each.features)
        assert (each.wrong, each.off) == (True, None)


def test_where_no_row_is_wrong_those_are_shown_that_were_least_sure() -> None:
    model, held_out = pair("pictures")
    found = mistakes_of(model, held_out)
    assert found.wrong == 0
    assert not any(each.wrong for each in found.worst)
    likeliest = held_out.outputs.max(axis=1)
    assert found.worst[0].position == int(likeliest.argmin())


def test_numbers_are_told_in_the_unit_of_the_target_as_they_stood_there() -> None:
    model, held_out = pair("houses")
    found = mistakes_of(model, held_out)
    frame = held_out.data.frame  # type: ignore[attr-defined]
    prices = frame["price"].to_numpy()
    said = model.decide(held_out.outputs)
    worst = int(np.abs(said - prices).argmax())
    first = found.worst[0]
    assert (first.position, first.wrong, found.wrong) == (worst, True, None)
    assert [each.answer for each in found.worst] == [prices[each.position] for each in found.worst]
    assert first.off == pytest.approx(said[worst] - prices[worst])
    assert first.probabilities == {}
    assert first.probability is None


def test_a_class_that_was_hardly_thought_of_is_still_named() -> None:
    model, held_out = pair("passengers")
    target = replace(model.target)
    found = mistakes_of(model, held_out).worst[0]
    assert set(found.probabilities) == set(map(str, target.classes))


def test_they_can_be_written_down() -> None:
    plain = mistakes_of(*pair("passengers")).plain()
    assert plain["worst"][0]["wrong"] is True
    assert "data" not in plain["worst"][0]


def test_the_worst_forecasts_are_no_neighbors() -> None:
    values = np.arange(60.0)
    origins = np.arange(20, 50)
    truth = values[origins[:, None] + np.arange(1, 4)]
    predicted = truth.copy()
    predicted[10] += 9
    predicted[11] += 8
    predicted[20] += [3, 0, 0]
    known = np.ones_like(truth, bool)
    known[20, 2] = False
    known[25] = False
    predicted[25] += 100
    table = read_table({"v": values})
    series = read_series(table, plan_series(table, "v")[0])
    back_test = BackTest(origins, predicted, truth, values[origins], known)
    worst = worst_forecasts(series, back_test, most=3)
    assert [each.origin for each in worst[:2]] == [30, 40]
    assert [each.error for each in worst[:2]] == [9, 1.5]
    assert worst[0].before.tolist() == list(range(25, 31))
    assert worst[0].date is None
    assert all(abs(a.origin - b.origin) >= 3 for a in worst for b in worst if a is not b)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("passengers", passengers),
        ("houses", houses),
        ("pictures", pictures),
        ("recordings", recordings),
    ],
)
def test_a_saved_model_is_judged_on_data_as_at_the_end_of_training(
    kind: str, source: object, tmp_path: Path
) -> None:
    model, held_out = pair(kind)
    save_model(model, tmp_path / "model.misstep")
    again = load_model(tmp_path / "model.misstep")
    found = judged(again, held_out.data)
    assert found.split == "data"
    assert np.array_equal(found.x, held_out.x)
    assert np.array_equal(found.outputs, held_out.outputs)
    assert np.array_equal(found.answers, held_out.answers)
    assert found.learned == 0
    # All rows, those that were learned from as well, which is told.
    everything = judged(again, source())  # type: ignore[operator]
    assert everything.learned >= 0.5 * len(everything)
    assert len(everything) > 2 * len(held_out)


def test_rows_without_an_answer_are_left_out(tmp_path: Path) -> None:
    model, _ = pair("passengers")
    frame = passengers(20)
    frame.loc[[0, 5], "saved"] = None
    path = tmp_path / "some.csv"
    frame.to_csv(path, index=False)
    found = judged(model, path)
    assert len(found) == 18
    assert found.names[:3] == ["row 2", "row 3", "row 4"]
    with pytest.raises(DataError, match="answers, in a column 'saved'"):
        judged(model, frame.drop(columns="saved"))


def test_a_forecast_is_judged_by_its_back_test() -> None:
    walk = np.random.default_rng(0).normal(size=80).cumsum()
    result = train(read_table({"v": walk}), Options(target="v", horizon=2, epochs=1, threads=1))
    with pytest.raises(ArgumentError, match="back_test"):
        judged(result.model, {"v": walk})
