"""What can be searched: a person's words, the plan's own terms, and what drawn numbers become."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.errors import ArgumentError, MisstepError
from misstep.modeling.hyperparameters import Choice, Hyperparameter, Integers, Reals
from misstep.tuning import methods, requirement
from misstep.tuning.space import (
    checked_space,
    distribution_of,
    is_drawable,
    parse_space,
    read_space,
    rounded,
)


def known(domain: Any, default: Any) -> dict[str, Hyperparameter]:
    return {"x": Hyperparameter("x", domain, default, default)}


def test_lines_are_ranges_and_lists() -> None:
    space = parse_space(
        ["rate=1e-4..1e-2", "drop = 0..0.3", "units=32..64", "act=relu,silu", "e=true"]
    )
    assert space == {
        "rate": Reals(1e-4, 1e-2, log=True),
        "drop": Reals(0.0, 0.3),
        "units": Integers(32, 64),
        "act": Choice(("relu", "silu")),
        "e": Choice((True,)),
    }
    assert parse_space(["n=8..512"])["n"] == Integers(8, 512, log=True)


@pytest.mark.parametrize("line", ["rate", "=1..2", "rate=", "rate=2..1", "rate=a..b", "r=1..inf"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ArgumentError, match="space"):
        parse_space([line])


def test_a_space_is_domains_lists_and_texts() -> None:
    assert read_space(None) is None
    space = read_space({"a": Reals(0, 1), "b": [1, 2], "c": "0..0.5"})
    assert space == {"a": Reals(0, 1), "b": Choice((1, 2)), "c": Reals(0.0, 0.5)}
    for wrong in ({}, {"a": 3}, {"a": []}, "a=1..2"):
        with pytest.raises(ArgumentError):
            read_space(wrong)  # type: ignore[arg-type]


def test_a_space_takes_the_terms_of_the_plan() -> None:
    plain = checked_space({"x": Reals(0.01, 0.5, log=True)}, known(Reals(0.0, 0.5), 0.1))
    assert plain["x"] == Reals(0.01, 0.5, log=False)
    wide = checked_space({"x": Integers(1, 4)}, known(Reals(0.0, 9.0), 0.1))
    assert wide["x"] == Reals(1.0, 4.0)
    with pytest.raises(ArgumentError, match="units"):
        checked_space({"unit": Integers(1, 4)}, {"units": known(Integers(1, 4), 2)["x"]})
    with pytest.raises(ArgumentError, match="relu"):
        checked_space({"x": Choice(("relu", "rely"))}, known(Choice(("relu", "silu")), "relu"))


def test_ranges_reach_to_the_default() -> None:
    assert distribution_of(Reals(1e-4, 1e-2, log=True), 0.05).high == 0.05
    assert distribution_of(Integers(16, 64), 8).low == 8
    assert distribution_of(Choice(("a", "b")), "c").choices == ("c", "a", "b")
    # What a logarithm can't say stays the plan's own.
    assert not is_drawable(Reals(1e-4, 1e-2, log=True), 0.0)
    assert not is_drawable(Integers(1, 4), True)


@given(st.integers(16, 512))
def test_sizes_are_those_that_run_well(size: int) -> None:
    near = rounded(size, Integers(16, 512, log=True))
    assert 16 <= near <= 512
    assert near % 8 == 0
    assert 0.79 < near / size < 1.26


@given(st.floats(0.0, 0.5))
def test_shares_are_twentieths_of_their_range(share: float) -> None:
    near = rounded(share, Reals(0.0, 0.5))
    assert 0.0 <= near <= 0.5
    assert abs(near - share) <= 0.0126
    assert rounded(near, Reals(0.0, 0.5)) == near


def test_other_values_are_left() -> None:
    assert rounded(3, Integers(1, 16)) == 3
    assert rounded("relu", Choice(("relu",))) == "relu"
    assert rounded(11, Integers(11, 11, log=True)) == 11


def test_methods_go_by_name_and_by_optunas_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in methods.SAMPLERS.keys() - {"gaussian-process", "quasi-random"}:
        assert methods.sampler_named(name, 0, 30) is not None
    for name in methods.PRUNERS:
        assert methods.pruner_named(name) is not None
    monkeypatch.setattr(methods, "find_spec", lambda package: None)
    with pytest.raises(MisstepError, match="pip install torch"):
        methods.sampler_named("gaussian-process", 0, 30)
    # It would keep pickles in the study.
    with pytest.raises(ArgumentError, match="the sampler"):
        methods.sampler_named("cma-es", 0, 30)
    own = requirement.optuna().samplers.RandomSampler(seed=1)
    assert methods.sampler_named(own, 0, 30) is own
    with pytest.raises(ArgumentError, match="tpe"):
        methods.sampler_named("tpa", 0, 30)
    with pytest.raises(ArgumentError, match="median"):
        methods.pruner_named("mean")


def test_who_lacks_optuna_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MisstepError, match=r'pip install "misstep\[tune\]"'):
        requirement.optuna.__wrapped__()
