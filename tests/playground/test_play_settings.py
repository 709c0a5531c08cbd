"""Settings are checked in words, and presets are settings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from misstep.errors import ArgumentError
from misstep.playground import Settings, preset_named, presets, problem_list, problem_names


@pytest.mark.parametrize(
    "wrong",
    [
        {"problem": "triangle"},
        {"layers": [8] * 13},
        {"layers": [0]},
        {"layers": [65]},
        {"layers": "8,8"},
        {"layers": [2.5]},
        {"activation": "tanhh"},
        {"learning_rate": float("nan")},
        {"learning_rate": "fast"},
        {"learning_rate": True},
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"dropout": 1.0},
        {"noise": -0.1},
        {"optimizer": "adam", "momentum": 0.9},
        {"rows": 10**9},
        {"rows": 10**400},
        {"learning_rate": -(10**400)},
        {"layers": [10**400]},
        {"layers": [float("inf")]},
        {"unknown": 1},
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"playground|problem"):
        Settings.of(wrong)


def test_the_nearest_word_is_told() -> None:
    with pytest.raises(ArgumentError, match="'tanh'"):
        Settings.of({"activation": "tanhh"})


def test_numbers_that_json_brings_become_what_they_are() -> None:
    settings = Settings.of({"layers": [4.0, 2], "batch_size": 8.0, "learning_rate": 1})
    assert settings.layers == (4, 2)
    assert isinstance(settings.batch_size, int)
    assert isinstance(settings.learning_rate, float)
    assert Settings.of(json.loads(json.dumps(settings.plain()))) == settings


def test_a_page_can_make_its_controls_of_the_descriptions() -> None:
    described = Settings.described()
    assert [one["name"] for one in described] == list(Settings().plain())
    json.dumps(described, allow_nan=False)
    assert all(one["words"] for one in described)
    assert {one["name"] for one in described if one["keeps"]} == Settings.KEEPING


@pytest.mark.parametrize("name", problem_names())
def test_problems_are_the_same_rows_each_time(name: str) -> None:
    one, same = (Settings(problem=name, rows=30).made_problem() for _ in range(2))
    other = Settings(problem=name, rows=30, data_seed=1).made_problem()
    assert np.array_equal(one.train.x, same.train.x)
    assert one.digest == same.digest != other.digest
    assert len(one.train) == 30
    assert len(one.held_out) == 15
    assert one.train.x.dtype == np.float32
    assert np.isfinite(one.train.x).all()
    if one.classes:
        counts = np.bincount(one.train.y.reshape(-1).astype(int), minlength=len(one.classes))
        assert (counts > 0).all() or name == "digits"


@pytest.mark.parametrize("name", ["circles", "xor", "moons", "blobs", "spirals"])
def test_points_without_noise_lie_within_the_window(name: str) -> None:
    problem = Settings(problem=name, rows=500, noise=0.0).made_problem()
    low, high = np.array(problem.window).T
    assert (problem.train.x > low).all()
    assert (problem.train.x < high).all()


def test_digits_say_how_many_of_all_are_used() -> None:
    some = Settings(problem="digits", rows=60, noise=0.0).made_problem()
    assert some.notes == ("60 of 1,797 pictures are learned from, 30 held out",)
    everything = Settings(problem="digits", rows=5000, noise=0.0).made_problem()
    assert len(everything.train) + len(everything.held_out) == 1797
    assert everything.notes == ()


def test_first_weights_are_scaled_and_zeros_are_zeros() -> None:
    base, large, none = (
        Settings(**more).trainer(Settings().made_problem()).network.arrays()
        for more in ({}, {"initialization_scale": 3.0}, {"initialization": "zeros"})
    )
    for name, weight in base.items():
        if name.endswith("weight"):
            assert np.allclose(large[name], 3.0 * weight, rtol=1e-6)
            assert not none[name].any()


def test_every_preset_has_settings_of_its_own_and_a_name() -> None:
    assert len({one.name for one in presets()}) == len(presets())
    assert all(one.sentence.endswith(".") for one in presets())
    json.dumps([one.plain() for one in presets()], allow_nan=False)
    assert preset_named("zeros").settings.initialization == "zeros"
    with pytest.raises(ArgumentError, match="'zeros'"):
        preset_named("zero")


def test_toy_problems_are_listed_for_people() -> None:
    listed = problem_list()
    assert [one["name"] for one in listed] == problem_names()
    assert all(one["sentence"].endswith(".") for one in listed)
