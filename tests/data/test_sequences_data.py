"""Recorded sequences from arrays and long tables: lengths, gaps, scaling, and clear refusals."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.data import (
    Sequences,
    SequenceScaling,
    holds_sequences,
    long_form_of,
    looks_long,
    preprocessing_from_json,
    read_table,
    sequences_from_arrays,
    sequences_from_table,
)
from misstep.data.sequence.sequence_scaling import MOST_STEPS

NAN = np.nan


def padded(*lines):
    """Return (rows, steps, 1) of lines of numbers, filled up with NaN."""
    steps = max(map(len, lines))
    return np.array([[*line, *[NAN] * (steps - len(line))] for line in lines])[..., None]


def test_a_sequence_ends_at_its_last_number_and_gaps_are_filled_along_a_line():
    sequences = Sequences.of(padded([1, NAN, 3], [NAN, 2, NAN, 6, NAN], [4] * 5))
    assert sequences.lengths.tolist() == [3, 4, 5]
    assert "3 gaps" in sequences.notes[0]
    scaling = SequenceScaling(("a",), (0.0,), (1.0,), 5)
    rows = scaling.transform(sequences)
    wanted = [[1, 2, 3, 0, 0, 0.6], [2, 2, 4, 6, 0, 0.8], [4, 4, 4, 4, 4, 1]]
    assert rows == pytest.approx(np.array(wanted))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 99), st.integers(0, 2))
def test_a_row_depends_on_its_own_steps_alone(lengths, seed, more):
    numbers = np.random.default_rng(seed)
    values = numbers.normal(5, 3, size=(len(lengths), max(lengths) + more, 2))
    sequences = Sequences.of(values, lengths)
    other = np.where(np.isnan(sequences.values), 99.0, sequences.values)
    scaling = SequenceScaling.fit(sequences)
    rows = scaling.transform(sequences)
    assert (rows == scaling.transform(Sequences.of(other, lengths))).all()
    assert rows.shape == (len(lengths), scaling.number_of_features)
    assert len(scaling.feature_names) == scaling.number_of_features
    assert scaling.steps == max(lengths)
    counted = np.concatenate([row[: 2 * n].reshape(-1, 2) for row, n in zip(rows, lengths)])  # noqa: B905
    assert counted.mean(0) == pytest.approx([0, 0], abs=1e-5)
    alone = [scaling.transform(sequences.take(np.array([k])))[0] for k in range(len(lengths))]
    assert (np.array(alone) == rows).all()
    again = preprocessing_from_json(json.loads(json.dumps(scaling.to_json())))
    assert again == scaling


def test_long_ones_are_pooled_and_longer_ones_than_learned_are_cut_with_a_note():
    long = np.arange(3.0 * MOST_STEPS).reshape(1, -1)
    sequences = Sequences.of(long[:, : 2 * MOST_STEPS + 1])
    scaling = SequenceScaling.fit(sequences)
    assert scaling.pooled == 3
    assert "means of 3" in scaling.decisions[1].choice
    rows = scaling.transform(sequences)[0]
    unscaled = rows[:-1] * scaling.scales[0] + scaling.centers[0]
    assert unscaled[:2] == pytest.approx([1.0, 4.0], abs=0.1)
    rows, notes = scaling.encode(long[..., None])
    assert rows[0, -1] == 1.0
    assert "longer than any" in notes[0]


def test_what_files_hold_is_recognized():
    signals = np.random.default_rng(0).normal(size=(4, 9, 3))
    images = np.zeros((4, 8, 8), "uint8")
    assert holds_sequences({"x": signals, "y": np.arange(4)})
    assert holds_sequences({"x_train": signals, "x_test": signals})
    assert holds_sequences({"x": images[..., 0], "length": np.full(4, 8)})
    assert not holds_sequences({"x": images, "y": np.arange(4)})
    assert not holds_sequences({"x_train": images / 255.0})
    assert not holds_sequences({"x": np.zeros((4, 8, 8, 3))})
    assert not holds_sequences({"x": np.zeros((4, 8))})
    assert not holds_sequences({"weights": signals})


def test_arrays_of_a_file_by_their_names():
    x = np.random.default_rng(0).normal(size=(4, 9, 3))
    arrays = {
        "x_train": x,
        "len_train": np.array([9, 3, 2, 9]),
        "y_train": np.array([0, 1, 1, 0]),
        "x_test": x[:2],
        "y_test": np.array([1, 0]),
        "classes": np.array(["walk", "run"]),
        "channels": np.array(["a", "b", "c"]),
        "subject": np.arange(4),
    }
    found = sequences_from_arrays(arrays, "moves.npz")
    assert found.labels.tolist() == ["walk", "run", "run", "walk"]
    assert found.test.labels.tolist() == ["run", "walk"]
    assert found.lengths.tolist() == [9, 3, 2, 9]
    assert found.test.lengths.tolist() == [9, 9]
    assert found.names == ("a", "b", "c")
    assert "subject" in found.notes[-1]
    assert np.isnan(found.values[1, 3:]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.zeros((0, 3, 2))}, "not empty"),
        ({"x": np.full((2, 3, 2), np.inf)}, "sequence 1, step 1, channel 1"),
        ({"x": np.array([["a"]])}, "numbers"),
        ({"length": np.array([1, 9])}, "sequence 2"),
        ({"length": np.array([1.5, 2])}, "whole number"),
        ({"y": np.arange(3)}, "one for each sequence"),
        ({"y": np.array([0, 7]), "classes": np.array(["a", "b"])}, "0 to 1"),
        ({"channels": np.array(["only one"])}, "one for each"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, words):
    arrays = {"x": np.zeros((2, 3, 2)), "y": np.arange(2)} | change
    with pytest.raises(ms.DataError, match=words):
        sequences_from_arrays(arrays, "bad.npz")


def long_table(seed=0, count=12):
    """Return a table with the lines of `count` sequences, and their values in order."""
    numbers = np.random.default_rng(seed)
    values = [numbers.normal(size=(numbers.integers(5, 9), 2)) for _ in range(count)]
    lines = [
        {"trip_id": f"t{k}", "time": step, "a": one[0], "b": one[1], "mode": ("car", "bus")[k % 2]}
        for k, sequence in enumerate(values)
        for step, one in enumerate(sequence)
    ]
    return pd.DataFrame(lines), values


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_long_table_is_recognized_and_put_together(shuffled):
    frame, values = long_table()
    frame = frame.sample(frac=1, random_state=1) if shuffled else frame
    table = read_table(frame.reset_index(drop=True))
    assert looks_long(table, "mode") == ("trip_id", "time")
    form, choices = long_form_of(table, "trip_id", "mode")
    assert (form.identifier, form.time, form.channels) == ("trip_id", "time", ("a", "b"))
    assert [one.choice for one in choices] == ["id", "time", "channel", "channel"]
    found = sequences_from_table(table, form, "mode")
    for row, name in enumerate(found.ids):
        wanted = values[int(name[1:])]
        assert found.values[row, : found.lengths[row]] == pytest.approx(wanted)
        assert found.labels[row] == ("bus" if int(name[1:]) % 2 else "car")


def test_dates_order_lines_and_words_are_left_out():
    frame, _ = long_table()
    frame["time"] = pd.Timestamp("2024-01-31") + pd.to_timedelta(frame["time"], "D")
    frame["time"] = frame["time"].dt.strftime("%d.%m.%Y")
    frame["note"] = "fine"
    table = read_table(frame.iloc[::-1].reset_index(drop=True))
    assert looks_long(table, "mode") == ("trip_id", "time")
    form, choices = long_form_of(table, "trip_id", "mode")
    assert form.time_form == "%d.%m.%Y"
    assert ("column note", "left out") in [(one.what, one.choice) for one in choices]
    found = sequences_from_table(table, form)
    straight = sequences_from_table(read_table(frame), form)
    assert (found.values[::-1][:, :5] == straight.values[:, :5]).all()


def test_tables_of_single_rows_are_no_long_ones():
    frame, _ = long_table()
    changing = frame.assign(mode=np.arange(len(frame)) % 3)
    assert looks_long(read_table(changing), "mode") is None
    unnamed = frame.rename(columns={"trip_id": "color"})
    assert looks_long(read_table(unnamed), "mode") is None
    assert looks_long(read_table(frame.drop(columns="time")), "mode") is None
    assert looks_long(read_table(frame), None) is None


def test_long_tables_that_do_not_fit_are_refused():
    frame, _ = long_table()
    table = read_table(frame)
    form, _ = long_form_of(table, "trip_id", "mode")
    with pytest.raises(ms.DataError, match="'trip'"):
        long_form_of(table, "trip", "mode")
    with pytest.raises(ms.DataError, match="'b' is missing"):
        sequences_from_table(read_table(frame.drop(columns="b")), form)
    with pytest.raises(ms.DataError, match="one answer for each trip_id"):
        sequences_from_table(read_table(frame.assign(mode=frame["time"] % 2)), form, "mode")
    with pytest.raises(ms.DataError, match="number columns"):
        long_form_of(read_table(frame[["trip_id", "time", "mode"]]), "trip_id", "mode")
    scaling = SequenceScaling.fit(Sequences.of(np.zeros((2, 3, 2))))
    with pytest.raises(ms.DataError, match="2 channels"):
        scaling.transform(np.zeros((2, 3, 4)))
    with pytest.raises(ms.DataError, match="needed sequences"):
        scaling.transform(frame)
