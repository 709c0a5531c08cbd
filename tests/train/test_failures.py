"""Trainings whose loss is no longer finite say where, however many steps went together."""

import numpy as np
import pytest

import misstep as ms


@pytest.mark.parametrize("compiling", [True, False])
def test_the_update_that_failed_is_named(compiling: bool) -> None:
    x = 0.9 * np.random.default_rng(0).normal(size=(4000, 1)).astype("float32")
    trainer = ms.Trainer(
        ms.Dense(1),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(1.9),
        batch_size=1,
        seed=1,
        compiling=compiling,
    )
    run = trainer.fit(x, x, epochs=30)
    assert run.failed
    assert run.updates > 1, "several updates were done before, some in one call"
    assert f" at update {run.updates + 1}," in str(run.ending)
