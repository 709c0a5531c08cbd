"""Which column tells the answers: shares beside those of NumPy's own line and class means."""

import numpy as np
import pytest

from misstep.record import Names, Task, TellingColumn, telling_column

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(500, 4))


def test_of_numbers_it_is_the_squared_correlation():
    y = X[:, 2] + 0.5 * RANDOM.normal(size=500)
    told = telling_column(X, y[:, None], Task.NUMBERS)
    expected = sorted(np.corrcoef(column, y)[0, 1] ** 2 for column in X.T)
    assert told.name == "2"
    assert told.share == pytest.approx(expected[-1])
    assert told.next_share == pytest.approx(expected[-2])


def test_of_classes_it_is_the_variance_between_them():
    y = RANDOM.integers(3, size=500)
    x = X.copy()
    x[:, 1] += 3 * (y == 2)
    told = telling_column(x, y, Task.CLASSES)
    column = x[:, 1]
    within = sum(((column[y == k] - column[y == k].mean()) ** 2).sum() for k in range(3))
    assert told.name == "1"
    assert told.share == pytest.approx(1 - within / ((column - column.mean()) ** 2).sum())


def test_the_answer_itself_and_constants():
    y = RANDOM.integers(2, size=500)
    x = np.column_stack([np.full(500, 7.0), X, 10 - 3.0 * y])
    told = telling_column(x.astype("float32"), y, Task.BINARY)
    assert (told.name, told.share) == ("5", pytest.approx(1.0))
    assert told.next_share < 0.1


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X[:10], np.zeros(10)),
        (X[:, :1], X[:, 0]),
        (X, np.zeros((500, 2))),
        (np.zeros((40, 6000)), np.zeros(40)),
    ],
)
def test_nothing_is_said_where_nothing_can_be(x, y):
    assert telling_column(x, y, Task.NUMBERS) is None


def test_it_has_its_name():
    told = TellingColumn("1", 0.9, 0.1)
    assert Names(["a", "b"]).of_telling(told, 2).name == "b"
    assert Names(["a", "b"]).of_telling(told, 3).name == "1"
    assert Names(["a", "b"]).of_telling(None, 2) is None
