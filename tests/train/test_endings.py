"""Why a training ended: a cause with its facts, and the same sentence wherever it is told."""

import numpy as np
import pytest

import misstep as ms
from misstep.train import Cause, Ending

SENTENCES = {
    Cause.EPOCHS_DONE: ({"epochs": 1}, "the one epoch is done"),
    Cause.EARLY_STOPPING: ({"patience": 1}, "the validation loss has not fallen for 1 epoch"),
    Cause.CONVERGED: (
        {"tolerance": 1e-4, "patience": 10},
        "converged: the training loss has fallen by no more than 0.0001 of itself for 10 epochs",
    ),
    Cause.LEARNED: (
        {"epochs": 38},
        "all was learned early, and the learning rate has fallen to its end in 38 epochs",
    ),
    Cause.TIME_OVER: ({"seconds": 90.0}, "its time of 1 min 30 s was over"),
    Cause.CALLBACK: ({"message": "good enough"}, "good enough"),
    Cause.INTERRUPTED: ({}, "interrupted with Ctrl-C"),
    Cause.LOSS_NOT_FINITE: (
        {"loss": float("inf"), "update": 3, "learning_rate": 0.5},
        "the loss became inf at update 3, learning rate 0.5; training stopped there. "
        "Try: a lower learning rate, or clipping of the gradients",
    ),
    Cause.WEIGHTS_NOT_FINITE: (
        {"loss": 0.25, "update": 3, "learning_rate": 0.5},
        "weights were no longer finite numbers after update 3, at a loss of 0.25 and learning "
        "rate 0.5",
    ),
    Cause.ERROR: ({"name": "KeyError"}, "KeyError ended it"),
}


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_sentence(cause):
    facts, sentence = SENTENCES[cause]
    assert str(Ending(cause, facts)) == sentence


X = np.linspace(-1, 1, 20, dtype="float32").reshape(-1, 1)


class Raises(ms.Callback):
    def on_epoch_end(self, training):
        raise KeyError("mine")


class Stops(ms.Callback):
    """Stops at an update, though the next one may go wrong."""

    def on_update(self, training):
        training.stop("enough")
        training.stop("said second")


def fit(learning_rate=0.1, **settings):
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(learning_rate))
    return trainer.fit(X, 2 * X + 1, **settings)


def test_a_run_knows_its_cause_and_the_facts():
    assert fit(epochs=2).ending == Ending(Cause.EPOCHS_DONE, {"epochs": 2})
    early = fit(epochs=999, validation=(X, -X), early_stopping=2)
    assert early.ending == Ending(Cause.EARLY_STOPPING, {"patience": 2})
    slow = fit(epochs=9999, callbacks=[ms.train.Converged(0.01, 4)])
    assert slow.ending == Ending(Cause.CONVERGED, {"tolerance": 0.01, "patience": 4})
    assert fit(epochs=2, callbacks=[Stops()]).ending == Ending(
        Cause.CALLBACK, {"message": "enough"}
    )
    for run in (early, slow):
        assert run.finished
        assert not run.failed
    failed = fit(1e30, epochs=5)
    assert failed.ending.cause is Cause.LOSS_NOT_FINITE
    assert failed.ending.facts["update"] == failed.updates + 1
    assert failed.failed
    assert not failed.finished


def test_an_error_of_a_callback_is_in_the_record(tmp_path):
    with pytest.raises(KeyError):
        fit(epochs=2, callbacks=[Raises()], folder=tmp_path)
    last = ms.read_record(tmp_path).events[-1]
    assert (last["kind"], last["words"]) == ("stopped", "KeyError ended it")
