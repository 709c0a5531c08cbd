"""Strips of signals over a run, against the numbers in the record taken one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_records import a_record
from network_records import BOTH, LEARNED, a_run, chain, looks

import misstep as ms
from misstep.doctor import dead_shares, gradient_flow, saturated_shares, update_ratios
from misstep.doctor.flow import MOST_COLUMNS
from misstep.record import Record


def of_three_layers(*more):
    """Return a run whose first layer gets a thousandth of what the last ones do."""
    signals = []
    for number, size in enumerate((0.001, 0.5, 1.0), start=1):
        path = f"dense{number}.weight"
        signals += looks("gradient_norm", path, size * 2, size * 4)
        signals += looks("weight_norm", path, 2.0, 2.0)
        signals += looks("update_norm", path, 0.002, 0.004)
    return a_run(chain("ReLU", 4, 8, 8, 2), LEARNED, signals=[*signals, *more])


def test_gradients_stand_beside_the_larger_of_the_last_two_layers() -> None:
    strip = gradient_flow(of_three_layers())
    assert strip is not None
    assert strip.names == ("dense1", "dense2", "dense3")
    assert strip.steps.tolist() == [0, 10]
    assert strip.numbers == pytest.approx(np.array([[0.001] * 2, [0.5] * 2, [1.0] * 2]))
    low, high = strip.band
    assert strip.numbers[0, 0] < low < strip.numbers[1, 0] < high
    assert strip.latest == pytest.approx([0.001, 0.5, 1.0])


def test_updates_stand_beside_their_weights() -> None:
    strip = update_ratios(of_three_layers())
    assert strip is not None
    assert strip.names == ("dense1.weight", "dense2.weight", "dense3.weight")
    assert strip.numbers == pytest.approx(np.array([[0.001, 0.002]] * 3))
    assert strip.band[0] <= strip.usual <= strip.band[1]


def test_shares_of_units_come_as_they_are() -> None:
    asleep = looks("dead_share", "relu1", 0.0, 0.75)
    saturated = looks("saturated_share", "relu1", 0.1, 0.2)
    record = of_three_layers(*asleep, *saturated)
    strip = dead_shares(record)
    assert strip is not None
    assert (strip.names, strip.numbers.tolist()) == (("relu1",), [[0.0, 0.75]])
    assert strip.numbers[0, 1] > strip.band[1]
    strip = saturated_shares(record)
    assert strip is not None
    assert strip.numbers.tolist() == [[0.1, 0.2]]


def test_many_looks_become_few_columns_of_their_middle() -> None:
    random = np.random.default_rng(0)
    sizes = np.exp(random.normal(0, 2, (2, 1000)))
    signals = []
    for number in (1, 2):
        path = f"dense{number}.weight"
        signals += looks("gradient_norm", path, *sizes[number - 1])
        signals += looks("weight_norm", path, *[1.0] * 1000)
    strip = gradient_flow(a_run(chain("ReLU", 4, 8, 2), LEARNED, signals=signals))
    assert strip is not None
    assert strip.numbers.shape == (2, MOST_COLUMNS)
    assert strip.looks == 1000
    assert strip.steps[-1] == 9990
    assert (np.diff(strip.steps) > 0).all()
    beside = sizes[0] / np.maximum(sizes[0], sizes[1])
    start = round(1000 / MOST_COLUMNS)
    assert strip.numbers[0, 0] == pytest.approx(np.exp(np.median(np.log(beside[:start]))))


def test_where_nobody_looked_there_is_a_gap_and_without_signals_nothing() -> None:
    signals = [*looks("dead_share", "relu1", 0.5), (10, "dead_share", "relu2", 0.25)]
    strip = dead_shares(a_run(chain("ReLU", 4, 8, 8, 2), LEARNED, signals=signals))
    assert strip is not None
    assert np.isnan(strip.numbers[0, 1])
    assert np.isnan(strip.numbers[1, 0])
    assert strip.latest.tolist() == [0.5, 0.25]
    assert strip.plain()["numbers"] == [[0.5, None], [None, 0.25]]
    empty = a_record(BOTH, LEARNED)
    for strip_of in (gradient_flow, update_ratios, dead_shares, saturated_shares):
        assert strip_of(empty) is None
        assert strip_of(Record({})) is None


def test_gradients_of_0_in_the_last_layers_leave_a_gap() -> None:
    signals = []
    for number, size in enumerate((1.0, 0.0, 0.0), start=1):
        path = f"dense{number}.weight"
        signals += looks("gradient_norm", path, size) + looks("weight_norm", path, 1.0)
    strip = gradient_flow(a_run(chain("ReLU", 4, 8, 8, 2), LEARNED, signals=signals))
    assert strip is not None
    assert np.isnan(strip.numbers).all()


def test_ten_sigmoids_show_what_their_finding_says(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2))
    y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
    hidden = [layer for _ in range(8) for layer in (ms.Dense(6), ms.Sigmoid())]
    trainer = ms.Trainer(
        ms.Sequential(*hidden, ms.Dense(2)), loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1)
    )
    trainer.fit(x, y, epochs=3, folder=tmp_path, progress=False)
    record = ms.read_record(tmp_path)
    strip = gradient_flow(record)
    assert strip is not None
    first = strip.numbers[0, 0]
    _, gradients = record.signal("gradient_norm", "dense1.weight")
    _, weights = record.signal("weight_norm", "dense1.weight")
    last = max(
        record.signal("gradient_norm", f"dense{n}.weight")[1][0]
        / record.signal("weight_norm", f"dense{n}.weight")[1][0]
        for n in (8, 9)
    )
    assert first == pytest.approx(gradients[0] / weights[0] / last)
    assert first < strip.band[0]
