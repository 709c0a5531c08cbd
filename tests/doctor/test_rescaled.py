"""What rules say of networks that rescale their inputs or outputs themselves."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.nn import Clip, Rescaling

random = np.random.default_rng(0)
PIXELS = random.uniform(0, 255, size=(100, 20))
CLASSES = np.arange(100) % 2
COLUMNS = random.normal(size=(200, 3)) * [1.0, 100.0, 10000.0]
PRICES = 200000 + 60000 * COLUMNS[:, :1] + 5000 * random.normal(size=(200, 1))


def slugs(trainer: ms.Trainer, x: np.ndarray, y: np.ndarray) -> set[str]:
    return {finding.slug for finding in trainer.check(x, y).findings}


def classifier(*first: ms.Module) -> ms.Trainer:
    layers = ms.Sequential(*first, ms.Dense(8), ms.ReLU(), ms.Dense(2))
    return ms.Trainer(layers, loss=ms.CrossEntropy())


@pytest.mark.parametrize(
    ("first", "speaks"),
    [
        ((), True),
        ((Rescaling(1 / 255),), False),
        ((Rescaling(1.0),), True),
        ((Rescaling(100.0), Rescaling(1 / 25500, -0.5)), False),
        ((ms.nn.Flatten(), Rescaling(1 / 255)), False),
        ((Rescaling(10.0),), True),
    ],
)
def test_inputs_are_judged_as_the_first_weights_meet_them(first: tuple, speaks: bool) -> None:
    assert ("unscaled-inputs" in slugs(classifier(*first), PIXELS, CLASSES)) is speaks


def test_features_with_numbers_of_their_own_are_taken_for_scaled() -> None:
    y = (COLUMNS[:, 0] > 0).astype("int64")
    assert "unscaled-inputs" in slugs(classifier(), COLUMNS, y)
    first = Rescaling(1 / COLUMNS.std(axis=0), -COLUMNS.mean(axis=0) / COLUMNS.std(axis=0))
    assert slugs(classifier(first), COLUMNS, y) == set()


def test_outliers_are_one_still_behind_a_scale_and_none_behind_a_clip() -> None:
    x = random.normal(size=(400, 3))
    x[7, 1] = 1e6
    y = (x[:, 0] > 0).astype("int64")
    scale = Rescaling(1 / x.std(axis=0), -x.mean(axis=0) / x.std(axis=0))
    for first, severity in (((scale,), "warning"), ((scale, Clip(-5.0, 5.0)), "note")):
        found = classifier(*first).check(x, y).findings
        assert [one.severity.value for one in found if one.slug == "outliers"] == [severity]


def test_answers_are_judged_as_the_layers_before_must_give_them() -> None:
    for last, speaks in (((), True), ((Rescaling(60000.0, 200000.0),), False)):
        layers = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(1), *last)
        trainer = ms.Trainer(layers, loss=ms.SquaredError())
        assert (
            "unscaled-target" in slugs(trainer, COLUMNS / COLUMNS.std(axis=0), PRICES)
        ) is speaks


def test_one_activation_between_all_sums_is_counted_at_each_of_its_places() -> None:
    relu = ms.ReLU()
    shared = ms.Sequential(ms.Dense(8), relu, ms.Dense(8), relu, ms.Dense(1))
    trainer = ms.Trainer(shared, loss=ms.SquaredError())
    x = COLUMNS / COLUMNS.std(axis=0)
    assert "missing-activation" not in slugs(trainer, x, x[:, :1] ** 2)
    network = ms.Network(shared, (2,))
    assert network.calls["relu1"] == 2
    assert network.calls["dense1"] == 1


def test_rescaling_is_no_activation_between_sums_and_no_missing_one_behind_them() -> None:
    between = ms.Sequential(ms.Dense(8), Rescaling(2.0), ms.Dense(1))
    x = COLUMNS / COLUMNS.std(axis=0)
    y = x[:, :1] ** 2
    assert "missing-activation" in slugs(ms.Trainer(between, loss=ms.SquaredError()), x, y)
    behind = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(1), Rescaling(2.0))
    assert "missing-activation" not in slugs(ms.Trainer(behind, loss=ms.SquaredError()), x, y)
