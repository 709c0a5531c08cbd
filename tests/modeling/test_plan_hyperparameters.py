"""What the plans of texts, images, sequences and series leave open, and that values are used."""

from __future__ import annotations

from typing import Any

from misstep.data import FlipInvariance, Target, TaskType, TextSlice
from misstep.modeling.decisions import Decisions
from misstep.modeling.options import Options
from misstep.modeling.plans import Planner, plan_images, plan_sequences, plan_texts
from misstep.nn import Conv1D, Conv2D, Dropout, EmbeddingBag, GaussianNoise, Module

SHARED = {"learning_rate", "weight_decay", "batch_size", "duration"}


def planner(rows: int, features: int, options: Options | None = None) -> Planner:
    target = Target("y", TaskType.MULTICLASS, "", ("a", "b", "c"))
    return Planner(rows, features, target, options or Options(), Decisions())


def chosen(**values: Any) -> Options:
    return Options(hyperparameters=values)


def parts(module: Module, kind: type[Module]) -> list[Any]:
    found = [module] if isinstance(module, kind) else []
    return found + [each for _, child in module.children() for each in parts(child, kind)]


def images(options: Options | None = None):
    one = planner(600, 28 * 28, options)
    return plan_images(one, (28, 28, 1), FlipInvariance(False, "digits")), one


def test_images_leave_width_smoothing_and_augmentation_open() -> None:
    plan, one = images()
    assert set(one.space) == SHARED | {"width", "smoothing", "augmentation"}
    other, _ = images(chosen(width=6, smoothing=0.0, augmentation="none", duration=0.5))
    assert parts(other.module, Conv2D)[0].filters == 6
    assert other.loss.smoothing == 0.0
    assert other.epochs == round(plan.epochs / 2)
    assert "augmentation" not in _space_with(Options(augment="flip"))
    assert "duration" not in _space_with(Options(epochs=3))


def _space_with(options: Options) -> set[str]:
    return set(images(options)[1].space)


def test_sequences_leave_filters_noise_and_dropout_open() -> None:
    one = planner(100, 20 * 3 + 1)
    plan_sequences(one, (20, 3))
    assert set(one.space) == SHARED | {"filters", "noise", "dropout"}
    other = planner(100, 20 * 3 + 1, chosen(filters=5, noise=0.1, dropout=0.25))
    module = plan_sequences(other, (20, 3)).module
    assert {each.filters for each in parts(module, Conv1D)} == {5}
    assert parts(module, GaussianNoise)[0].deviation == 0.1
    assert {each.rate for each in parts(module, Dropout)} == {0.25}


def test_texts_ask_for_vectors_only_where_they_are_pooled() -> None:
    text = TextSlice(0, 3, 3 + 2 * 8, slots=8, terms=50, length=0, words=())
    one = planner(200, 19)
    plan_texts(one, [text])
    assert set(one.space) == SHARED | {"pooled", "units", "dropout"}
    other = planner(200, 19, chosen(pooled=True, vector=9))
    module = plan_texts(other, [text]).module
    assert "vector" in other.space
    assert sorted(each.features for each in parts(module, EmbeddingBag)) == [3, 9]
