"""A setting does a run again: its own course is the run, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.train.chance import chance_loss
from misstep.trials import NotApplicableError, Setting

generator = np.random.default_rng(3)
X = generator.normal(size=(90, 4)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2]).astype("float32")


def make(**settings: object) -> ms.Trainer:
    network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dropout(0.1), ms.Dense(1))
    given: dict = {"optimizer": ms.Adam(0.01), "batch_size": 16, "seed": 4} | settings
    return ms.Trainer(network, loss=ms.SquaredError(), **given)


def setting_of(trainer: ms.Trainer, taken: int, planned: int | None = None) -> Setting:
    return Setting.of(trainer, X, Y, planned=planned or taken, taken=taken, budget=1000.0)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"schedule": ms.optim.Cosine()},
        {"accumulate": 2},
        {"shuffle": False, "clipping": ms.optim.ClipNorm(0.5)},
        {"regularizers": ms.optim.L2(1e-3), "mixup": 0.2},
    ],
    ids=str,
)
def test_the_control_is_the_run(settings: dict[str, object]) -> None:
    trainer = make(**settings)
    run = trainer.fit(X, Y, epochs=5)
    reached = trainer.network.parameters.copy()
    setting = setting_of(trainer, run.updates)
    assert setting.updates == run.updates
    assert setting.is_whole
    left = setting.control.left
    chance = chance_loss(trainer.loss, Y, (1,), "float32")
    assert chance is not None
    assert left[0] == pytest.approx(trainer.evaluate(X, Y)["loss"] / chance, rel=1e-6)
    assert len(set(left.tolist())) == (1 if settings.get("shuffle") is False else 3) or len(left)
    np.testing.assert_array_equal(trainer.network.parameters, reached)


def test_a_trainer_is_done_again_from_the_weights_that_it_began_with() -> None:
    network = ms.Network(ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(1)), (4,), seed=77)
    network.parameters = network.parameters * np.float32(0.5)
    first = network.parameters.copy()
    trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.01))
    trainer.fit(X, Y, epochs=2)
    trainer.fit(X, Y, epochs=2)
    again = trainer.variant()
    np.testing.assert_array_equal(again.network.parameters, first)
    assert not np.array_equal(trainer.network.parameters, first)
    again.fit(X, Y, epochs=4)
    np.testing.assert_array_equal(again.network.parameters, trainer.network.parameters)


def test_a_variant_keeps_what_is_frozen_and_changes_what_is_asked() -> None:
    trainer = make()
    trainer.fit(X, Y, epochs=1)
    trainer.network.freeze("dense1")
    other = trainer.variant(optimizer=ms.SGD(0.5))
    assert other.network.frozen == ("dense1",)
    other.network.unfreeze()
    assert trainer.network.frozen == ("dense1",)
    assert isinstance(other.optimizer, ms.SGD)
    assert other.batch_size == 16
    wider = trainer.variant(ms.Sequential(ms.Dense(3), ms.Dense(1)))
    assert wider.network.parameter_count == 4 * 3 + 3 + 3 + 1


def test_updates_are_as_many_as_there_is_time_for() -> None:
    trainer = make()
    short = Setting.of(trainer, X, Y, planned=4000, taken=4000, budget=1e-9)
    assert short.updates == 30
    assert not short.is_whole
    assert setting_of(make(), 7).updates == 7


def test_validation_rows_are_judged_too() -> None:
    trainer = make()
    setting = Setting.of(
        trainer, X[:60], Y[:60], validation=(X[60:], Y[60:]), planned=40, taken=40, budget=100.0
    )
    held_out = setting.control.held_out
    assert held_out is not None
    assert held_out.shape == (3,)


def test_a_loss_that_explodes_leaves_more_than_chance() -> None:
    setting = setting_of(make(optimizer=ms.SGD(1e6)), 40)
    assert setting.control.middle > 1.0
    assert setting.reached > 1.0


def test_answers_that_are_all_the_same_can_not_be_measured_by() -> None:
    setting = Setting.of(make(), X, np.zeros_like(Y), planned=10, taken=10)
    with pytest.raises(NotApplicableError, match="constant prediction is 0"):
        _ = setting.control
