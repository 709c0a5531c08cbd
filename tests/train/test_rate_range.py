"""The learning-rate range test: its numbers are those of training, and it leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.optim import Schedule, ScheduleContext
from misstep.report import draw_rate_range
from misstep.train.rate_range import Choice, read_curve, without_batch_noise

generator = np.random.default_rng(7)
X = generator.normal(size=(100, 3))
Y = np.sin(X[:, :1]) + X[:, 1:2]


@dataclass(frozen=True)
class Growing(Schedule):
    """The rates of a range test as factors, for `fit` to train with."""

    rates: tuple[float, ...]

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        return self.rates[min(context.step, len(self.rates) - 1)]


def make(rate: float = 0.01, **settings: Any) -> ms.Trainer:
    network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dropout(0.1), ms.Dense(1))
    settings = {"batch_size": 16, "seed": 5, "optimizer": ms.Adam(rate)} | settings
    return ms.Trainer(network, loss=ms.SquaredError(), **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 3},
        {"shuffle": False},
        {"repeats_per_epoch": 2},
        {"batch_size": "full"},
        {"compiling": False},
    ],
    ids=str,
)
def test_the_numbers_are_those_of_training(settings: dict[str, Any], tmp_path: Any) -> None:
    found = make(**settings).find_learning_rate(X, Y, steps=40, courses=1)
    growing = Growing(tuple(found.rates.tolist()))
    trainer = make(**{**settings, "optimizer": ms.Adam(1.0)}, schedule=growing)
    trainer.fit(X, Y, epochs=40, folder=tmp_path)
    losses = ms.read_record(tmp_path).steps["loss"]
    taken = found.losses.shape[1]
    np.testing.assert_array_equal(found.losses[0], losses[:taken])
    assert taken == len(found.rates) == len(found.curve)


def test_losses_without_learning_are_those_of_the_first_weights() -> None:
    network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1))
    still = ms.Trainer(network, loss=ms.SquaredError(), seed=5, batch_size=20, shuffle=False)
    found = still.find_learning_rate(X, Y, steps=20, courses=1)
    first = [
        ms.Trainer(
            ms.Network(network, (3,), seed=5), loss=ms.SquaredError(), batch_size=20
        ).evaluate(X[start : start + 20], Y[start : start + 20])["loss"]
        for start in range(0, 100, 20)
    ]
    np.testing.assert_allclose(found.unmoved[0, :5], first, rtol=1e-5)


def test_a_trainer_stays_as_it_is_and_trains_on_to_the_same_bits() -> None:
    asked, other = make(), make()
    for trainer in (asked, other):
        trainer.fit(X, Y, epochs=2)
    before = asked.network.parameters.copy()
    first = asked.find_learning_rate(X, Y, steps=30)
    again = asked.find_learning_rate(X, Y, steps=30)
    np.testing.assert_array_equal(asked.network.parameters, before)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert first.plain() == again.plain()
    runs = [trainer.fit(X, Y, epochs=2) for trainer in (asked, other)]
    np.testing.assert_array_equal(asked.network.parameters, other.network.parameters)
    assert runs[0].losses == runs[1].losses


def test_a_new_trainer_is_not_bound_to_the_rows() -> None:
    trainer = make()
    trainer.find_learning_rate(X, Y, steps=20, courses=1)
    with pytest.raises(ms.NotFittedError):
        _ = trainer.network
    trainer.fit(X[:, :2], Y, epochs=1)
    assert trainer.network.input_shape == (2,)


def test_courses_differ_and_their_median_is_the_curve() -> None:
    found = make().find_learning_rate(X, Y, courses=3)
    assert found.losses.shape[0] == 3
    assert not np.array_equal(found.losses[0], found.losses[1])
    middle = np.median(without_batch_noise(found.losses, found.unmoved), axis=0)
    assert found.curve[0] == pytest.approx(middle[0])
    assert found.curve[10] == pytest.approx(middle[8:13].mean())


@pytest.mark.parametrize("optimizer", [ms.SGD, ms.Adam, ms.optim.RMSProp], ids=lambda o: o.__name__)
def test_the_suggestion_trains_as_well_as_rates_around_the_usual(optimizer: Any) -> None:
    found = make(optimizer=optimizer(1e-3)).find_learning_rate(X, Y)
    assert found.suggestion is not None

    def final(rate: float) -> float:
        run = make(optimizer=optimizer(rate)).fit(X, Y, epochs=20)
        return np.inf if run.failed else run.losses[-1]

    usual = optimizer().learning_rate
    assert found.tried[found.suggestion] == min(found.tried.values())
    assert final(found.suggestion) <= 1.3 * min(final(usual), final(3 * usual), final(usual / 3))


def test_lower_rates_are_tried_where_all_explode() -> None:
    def linear(rate: float) -> ms.Trainer:
        return ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(rate), seed=5)

    found = linear(0.1).find_learning_rate(1e5 * X, Y)
    assert found.rates[0] < 1e-9
    assert found.suggestion is not None
    run = linear(found.suggestion).fit(1e5 * X, Y, epochs=50)
    assert run.losses[-1] < 0.5 * float(np.mean(Y**2))


def test_unscaled_answers_are_learned_at_the_rate_that_is_found() -> None:
    found = make(optimizer=ms.SGD(0.1)).find_learning_rate(X, 1e5 * Y)
    run = make(optimizer=ms.SGD(found.suggestion or 1.0)).fit(X, 1e5 * Y, epochs=20)
    assert run.losses[-1] < 0.5 * float(np.mean((1e5 * Y) ** 2))


def test_where_nothing_falls_no_rate_is_found() -> None:
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(1, initializer=ms.initializers.Zeros())),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(0.1),
    )
    found = trainer.find_learning_rate(X, np.zeros((100, 1)))
    assert found.suggestion is None
    assert found.choice is Choice.NOTHING_FALLS
    assert "does not fall at any rate" in found.because


def test_the_steepest_fall_is_taken() -> None:
    rates = np.geomspace(1e-3, 1.0, 40)
    falling = np.concatenate([np.full(10, 2.0), np.linspace(2, 1, 30)])[np.newaxis]
    found = read_curve(rates, falling, np.full((1, 40), 2.0))
    assert found.choice is Choice.STEEPEST
    assert found.best == pytest.approx(1.0)


def test_a_rate_that_undoes_learning_is_kept_far_from() -> None:
    rates = np.geomspace(1e-3, 1.0, 40)
    losses = np.concatenate([np.full(25, 2.0), np.linspace(2, 1, 5), np.linspace(1, 9, 10)])
    found = read_curve(rates, losses[np.newaxis], np.full((1, 40), 2.0))
    assert found.choice is Choice.BELOW_DIVERGENCE
    assert found.diverges_at is not None
    assert found.suggestion == pytest.approx(found.diverges_at / 10)


def test_losses_that_are_no_numbers_end_it() -> None:
    rates = np.geomspace(1e-3, 1.0, 20)
    found = read_curve(rates, np.full((2, 20), np.nan), np.full((2, 20), 2.0))
    assert found.choice is Choice.EXPLODES
    assert found.plain()["suggestion"] is None


@pytest.mark.parametrize("range_", [(0.0, 1.0), (1.0, 0.1), (1.0, np.inf)])
def test_what_is_no_range_is_refused(range_: tuple[float, float]) -> None:
    with pytest.raises(ms.ArgumentError, match="lowest < highest"):
        make().find_learning_rate(X, Y, lowest=range_[0], highest=range_[1])
    with pytest.raises(ms.ArgumentError, match="steps"):
        make().find_learning_rate(X, Y, steps=3)


def test_it_is_drawn_on_a_logarithmic_axis() -> None:
    found = make().find_learning_rate(X, Y, lowest=1e-4, highest=1.0, steps=40)
    drawing = draw_rate_range(found)
    assert drawing.count("<polyline") == 4
    assert "10⁻³" in drawing
    assert "nan" not in drawing
    assert f"learning rate {found.suggestion:.2g}" in drawing


def test_a_notebook_shows_the_curve_and_a_prompt_the_rate() -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(), seed=3)
    found = trainer.find_learning_rate(X, Y, steps=20, courses=1)
    assert found.picture() == draw_rate_range(found)
    assert found._repr_html_().startswith("<img src=")
    named = "no rate found" if found.suggestion is None else f"rate {found.suggestion:.2g}"
    assert repr(found) == f"<RateRange: {named}, because {found.because}>"


def test_rates_are_tried_by_training_with_them(tmp_path: Any) -> None:
    found = make().find_learning_rate(X, Y, courses=1)
    for number, (rate, loss) in enumerate(found.tried.items()):
        folder = tmp_path / str(number)
        make(rate).fit(X, Y, epochs=15, folder=folder)
        losses = ms.read_record(folder).steps["loss"][:100]
        still = make(0.0)
        still.fit(X, Y, epochs=15, folder=tmp_path / f"still{number}")
        same = ms.read_record(tmp_path / f"still{number}").steps["loss"][:100]
        expected = without_batch_noise(losses[np.newaxis], same[np.newaxis])[0, -20:].mean()
        assert loss == pytest.approx(expected, rel=1e-6)
