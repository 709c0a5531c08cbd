"""Whether a network is found to be but a straight function, where its layers don't tell."""

import numpy as np
import pytest

import misstep as ms


class Own(ms.Module):
    def __init__(self, function):
        self.hidden = ms.Dense(8)
        self.output = ms.Dense(2)
        self.function = function

    def forward(self, x):
        return self.output(self.function(self.hidden(x)))


def affine(network, x):
    trainer = ms.Trainer(network, loss=ms.CrossEntropy())
    return trainer.start_record(x, np.arange(len(x)) % 2).description.affine


ROWS = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Own(lambda x: x), True),
        (Own(lambda x: 3.0 * x - 1.0), True),
        (Own(ms.relu), False),
        (Own(ms.tanh), False),
        (Own(lambda x: x * x), False),
        (ms.Sequential(ms.Dense(8), ms.BatchNorm(), ms.Dropout(0.5), ms.Dense(2)), True),
        (ms.Residual(ms.Dense(3), shortcut=ms.Dense(3)), True),
        (ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(2)), None),
    ],
)
def test_straightness(network, expected):
    assert affine(network, ROWS) is expected
    assert affine(network, 1e4 + ROWS) in (expected, None)


def test_straightness_is_not_told_of_too_few_or_equal_rows():
    assert affine(ms.Dense(2), ROWS[:2]) is None
    assert affine(ms.Dense(2), np.ones((9, 3))) is None


def test_straightness_is_not_told_of_positions():
    words = np.arange(20).reshape(10, 2) % 7
    network = ms.Sequential(ms.Embedding(7, 4), ms.Flatten(), ms.Dense(2))
    assert affine(network, words) is None
