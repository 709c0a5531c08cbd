"""Classes taken for each other, counted again by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from misstep.data import Target, TaskType
from misstep.data.table.matrix import Matrix
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import Confusion, HeldOut, confusion_of


def target_of(count: int) -> Target:
    task = TaskType.BINARY if count == 2 else TaskType.MULTICLASS
    return Target("kind", task, "", tuple(f"class {number}" for number in range(count)))


def held_out_of(answers: Array, outputs: Array) -> HeldOut:
    x = np.zeros((len(answers), 1))
    return HeldOut("test", Matrix(x), x, answers, outputs, [f"row {n}" for n in range(len(x))])


def drawn(rows: int, classes: int, seed: int = 0) -> tuple[HeldOut, Target]:
    random = np.random.default_rng(seed)
    outputs = random.dirichlet(np.ones(classes), rows)
    answers = np.array([random.choice(classes, p=row) for row in outputs])
    return held_out_of(answers, outputs), target_of(classes)


def brute(held_out: HeldOut, classes: int) -> Array:
    counts = np.zeros((classes, classes), int)
    for answer, output in zip(held_out.answers, held_out.outputs, strict=True):
        counts[answer, output.argmax()] += 1
    return counts


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_counts_are_those_of_a_loop_and_of_another_library(classes: int) -> None:
    held_out, target = drawn(300, classes)
    confusion = confusion_of(held_out, target)
    predicted = held_out.outputs.argmax(axis=1)
    assert confusion.counts.tolist() == brute(held_out, classes).tolist()
    assert np.array_equal(confusion.counts, confusion_matrix(held_out.answers, predicted))
    assert confusion.rows == 300
    assert confusion.right == int((held_out.answers == predicted).sum())
    own = recall_score(held_out.answers, predicted, average=None)
    assert np.allclose(confusion.recall, own)
    own = precision_score(held_out.answers, predicted, average=None)
    assert np.allclose(confusion.precision, own)
    assert confusion.classes[1] == "class 1"


def test_pairs_are_the_largest_counts_beside_the_diagonal() -> None:
    counts = np.array([[5, 2, 0], [7, 9, 2], [0, 0, 4]])
    pairs = Confusion(("a", "b", "c"), counts).pairs()
    assert [(each.true, each.predicted, each.rows, each.of) for each in pairs] == [
        ("b", "a", 7, 18),
        ("a", "b", 2, 7),
        ("b", "c", 2, 18),
    ]
    assert len(Confusion(("a", "b", "c"), counts).pairs(1)) == 1
    assert Confusion(("a", "b"), np.eye(2, dtype=int)).pairs() == []


def test_a_class_without_rows_has_no_share() -> None:
    answers, outputs = np.array([0, 0, 1]), np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.3, 0.7, 0]])
    confusion = confusion_of(held_out_of(answers, outputs), target_of(3))
    assert np.isnan(confusion.recall[2])
    assert np.isnan(confusion.precision[2])


def test_folding_keeps_what_errs_most_and_loses_no_row() -> None:
    held_out, target = drawn(2000, 40)
    whole = confusion_of(held_out, target)
    folded = whole.folded(12)
    assert folded.counts.shape == (12, 12)
    assert folded.rows == whole.rows
    assert folded.right == whole.right
    assert folded.others == 29
    wrong = whole.counts.sum(0) + whole.counts.sum(1) - 2 * np.diagonal(whole.counts)
    kept = [int(name.split()[1]) for name in folded.classes[:-1]]
    assert wrong[kept].min() >= np.delete(wrong, kept).max()
    assert whole.folded(40) is whole
    with pytest.raises(ArgumentError, match="2 or more"):
        whole.folded(1)


def test_a_row_of_which_nothing_is_said_is_left_out_and_told() -> None:
    answers, outputs = np.array([0, 1]), np.array([[0.9, 0.1], [np.nan, np.nan]])
    confusion = confusion_of(held_out_of(answers, outputs), target_of(2))
    assert (confusion.rows, confusion.left_out) == (1, 1)


def test_numbers_have_no_classes() -> None:
    number = Target("price", TaskType.NUMBER, "")
    with pytest.raises(ArgumentError, match="price, a number"):
        confusion_of(held_out_of(np.zeros(2), np.zeros((2, 1))), number)
