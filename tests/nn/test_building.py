"""Networks from one line of text, and from configurations that may be a stranger's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import ArgumentError, FileFormatError
from misstep.nn import (
    Dense,
    Dropout,
    Flatten,
    Network,
    ReLU,
    Residual,
    Sequential,
    SiLU,
    Tanh,
    build_module,
    layers_from_text,
)
from misstep.nn.building import DEEPEST


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("dense8", [Dense(8), ReLU()]),
        ("8", [Dense(8), ReLU()]),
        ("64-32", [Dense(64), ReLU(), Dense(32), ReLU()]),
        ("dense8-tanh", [Dense(8), Tanh()]),
        ("dense8-drop0.1", [Dense(8), ReLU(), Dropout(0.1)]),
        ("flatten-8-silu-drop.5-4", [Flatten(), Dense(8), SiLU(), Dropout(0.5), Dense(4), ReLU()]),
        ("dense8-flatten", [Dense(8), ReLU(), Flatten()]),
        ("  DENSE8-Tanh ", [Dense(8), Tanh()]),
        ("dense8--dense4", [Dense(8), ReLU(), Dense(4), ReLU()]),
        ("drop0-tanh", [Dropout(0.0), Tanh()]),
        ("dense100000", [Dense(100_000), ReLU()]),
    ],
)
def test_a_line_of_text_is_layers(text: str, layers: list[Any]) -> None:
    assert layers_from_text(text) == layers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a network in one line"),
        ("  ", "a network in one line"),
        ("---", "a network in one line"),
        ("dense", "'dense'.*Try: dense64"),
        ("dense0", "dense1 to dense100000"),
        ("dense-8", "the part 'dense'"),
        ("dense1.5", "dense1 to dense100000"),
        ("dense100001", "dense1 to dense100000"),
        ("dense" + "9" * 30, "dense1 to dense100000"),
        ("dense²", "the part 'dense²'"),
        ("dense8 dense8", "the part 'dense8 dense8'"),
        ("dense8,relu", "the part 'dense8,relu'"),
        ("relu3", "Try: relu"),
        ("rleu", "Try: relu"),
        ("dens64", "Try: dense64"),
        ("drop", "Try: drop0.1"),
        ("drop1", "the part 'drop1'.*drop0.5 to drop half"),
        ("drop1.5", "a share below 1, but got 1.5"),
        ("drop0.1.2", "the part 'drop0.1.2'"),
        ("softmax", "needed one of dense64, drop0.1, elu"),
        ("xyzzy", "the part 'xyzzy' of the network 'xyzzy'"),
        ("__import__('os')", "the part"),
        (None, "needed text"),
        (64, "needed text"),
        (["dense8"], "needed text"),
    ],
)
def test_a_wrong_line_is_answered_with_its_part(text: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        layers_from_text(text)


@settings(deadline=None)
@given(st.text(alphabet="densropltau0123456789.-_ é²٣", max_size=20))
def test_any_text_is_layers_or_an_error_of_ours(text: str) -> None:
    try:
        layers = layers_from_text(text)
    except ArgumentError:
        return
    assert layers
    if all(not isinstance(layer, Dense) or layer.units < 100 for layer in layers):
        Network(Sequential(*layers), (2,))


def test_layers_of_a_line_come_back_from_their_configuration() -> None:
    module = Sequential(*layers_from_text("flatten-16-drop0.2-8-gelu"), Residual(Dense(8)))
    again = build_module(json.loads(json.dumps(module.configuration())))
    assert repr(again) == repr(module)


DENSE = {"kind": "Dense", "units": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        3,
        "Dense",
        [],
        {},
        {"kind": None},
        {"kind": ["Dense"]},
        {"kind": "os.system"},
        {"kind": "Module"},
        {"kind": "Activation"},
        {"kind": "Network"},
        {"kind": "Dense"},
        {"kind": "Dense", "units": "3"},
        {"kind": "Dense", "units": 0},
        {"kind": "Dense", "units": 3, "extra": 1},
        {"kind": "Dense", "units": {"a": 1}},
        {"kind": "Dense", "units": 3, "bias": "no"},
        {"kind": "Dense", "units": 3, "initializer": {"kind": "Evil"}},
        {"kind": "Dense", "units": 3, "initializer": "HeNormal"},
        {"kind": "ReLU", "initializer": {"kind": "HeNormal"}},
        {"kind": "Dropout", "rate": 2},
        {"kind": "Dropout", "rate": [0.5]},
        {"kind": "ELU", "alpha": "1"},
        {"kind": "ReLU", "__class__": "x"},
        {"kind": "ReLU", 3: 4},
        {"kind": "Sequential"},
        {"kind": "Sequential", "layers": {}},
        {"kind": "Sequential", "layers": [DENSE], "more": 1},
        {"kind": "Sequential", "layers": ["Dense"]},
        {"kind": "Sequential", "layers": [{"again": 1}]},
        {"kind": "Sequential", "layers": [DENSE, {"again": 0}]},
        {"kind": "Sequential", "layers": [DENSE, {"again": 2}]},
        {"kind": "Sequential", "layers": [DENSE, {"again": "1"}]},
        {"kind": "Sequential", "layers": [DENSE, {"again": True}]},
        {"kind": "Sequential", "layers": [DENSE, {"again": 1, "kind": "Evil"}]},
    ],
)
def test_a_strangers_configuration_is_a_network_or_an_error_of_ours(wrong: Any) -> None:
    with pytest.raises(FileFormatError):
        build_module(wrong)


def test_depth_has_an_end() -> None:
    deep: dict[str, Any] = DENSE
    for _ in range(DEEPEST):
        deep = {"kind": "Sequential", "layers": [deep]}
    build_module(deep)
    for _ in range(3000):
        deep = {"kind": "Residual", "layers": [deep]}
    with pytest.raises(FileFormatError, match="levels"):
        build_module(deep)
