"""Networks from one line of text: each word, what is put in between, and what is not offered."""

from __future__ import annotations

from typing import Any

import pytest

from misstep.errors import ArgumentError
from misstep.nn import (
    GELU,
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    ByAxes,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    LayerNorm,
    MultiHeadAttention,
    Network,
    ReLU,
    Residual,
    Sequential,
    TransformerBlock,
    layers_from_text,
    registered_layers,
)
from misstep.nn import module as modules


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("dense8-bn", [Dense(8), BatchNorm(), ReLU()]),
        ("dense8-bn-gelu-drop0.2", [Dense(8), BatchNorm(), GELU(), Dropout(0.2)]),
        ("8-ln-4", [Dense(8), LayerNorm(), ReLU(), Dense(4), ReLU()]),
        ("bn-dense8-gelu-bn", [BatchNorm(), Dense(8), GELU(), BatchNorm()]),
        ("transformer2-dense3-silu", [TransformerBlock(2), Flatten(), Dense(3)]),
        ("gap-dense3", None),
    ],
)
def test_words_of_what_is_there(text: str, layers: list[Any] | None) -> None:
    found = layers_from_text(text)
    if layers is None:
        assert isinstance(found[0], ByAxes)
        assert found[0].choices[2] == GlobalAveragePool1D()
    else:
        assert found[: len(layers)] == layers


def test_words_for_sequences() -> None:
    found = layers_from_text("embed8-attention2-gap", vocabulary=20, outputs=3)
    assert found[0] == Embedding(20, 8, mask=True, padding=0)
    assert isinstance(found[1], Residual)
    assert found[1].layers == (LayerNorm(), MultiHeadAttention(2))
    assert found[-1] == Dense(3)
    network = Network(Sequential(*found), (6,))
    assert network.output_shape == (3,)
    with pytest.raises(ArgumentError, match="vocabulary=20_000"):
        layers_from_text("embed8")


def test_an_image_network() -> None:
    text = "conv4-conv8x5-tanh-pool-dense6"
    module = Sequential.from_text(text, outputs=2)
    first, _, second = module.layers[:3]
    assert isinstance(first, ByAxes)
    assert isinstance(second, ByAxes)
    assert first.choices == {2: Conv1D(4, 3, padding="same"), 3: Conv2D(4, 3, padding="same")}
    assert second.choices[3] == Conv2D(8, 5, padding="same")
    kinds = [type(layer).__name__ for layer in module.layers]
    assert kinds == [
        "ByAxes",
        "ReLU",
        "ByAxes",
        "Tanh",
        "ByAxes",
        "Flatten",
        "Dense",
        "ReLU",
        "Dense",
    ]
    assert Network(module, (8, 8, 1)).output_shape == (2,)
    assert Network(module, (10, 3)).output_shape == (2,)
    assert Network(Sequential.from_text("conv4", outputs=2), (8, 8, 1)).output_shape == (2,)


def test_residual_blocks_project_where_channels_change() -> None:
    layers = layers_from_text("conv4-res4-res8-pool-res8-gap", outputs=2)
    blocks = [layer for layer in layers if isinstance(layer, Residual)]
    assert [block.shortcut is None for block in blocks] == [True, False, True]
    kinds = [type(one).__name__ for one in blocks[0].layers]
    assert kinds == ["ByAxes", "BatchNorm", "ReLU", "ByAxes", "BatchNorm"]
    shortcut = blocks[1].shortcut
    assert isinstance(shortcut, ByAxes)
    assert shortcut.choices[3] == Conv2D(8, 1, padding="same")
    assert Network(Sequential(*layers), (8, 8, 1)).output_shape == (2,)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("lstm4", [False]),
        ("lstm4-gru4", [True, False]),
        ("rnn4-drop0.1-ln-tanh-lstm4-attention1-gap", [True, True]),
        ("gru4-dense3-lstm2", [False, False]),
        ("lstm4-gap", [True]),
    ],
)
def test_recurrent_layers_give_back_all_steps_where_they_are_wanted(
    text: str, whole: list[bool]
) -> None:
    cells = [layer for layer in layers_from_text(text) if isinstance(layer, GRU | LSTM | RNN)]
    assert [cell.return_sequences for cell in cells] == whole


@pytest.mark.parametrize(
    "text",
    [
        "conv",
        "conv0",
        "conv8x0",
        "res1.5",
        "pool2",
        "bn3",
        "lstm",
        "dense8x3",
        "attention",
        "embed",
        "gap7",
        "convx3",
    ],
)
def test_numbers_stand_where_they_belong(text: str) -> None:
    with pytest.raises(ArgumentError, match=f"the part '{text}'"):
        layers_from_text(text, vocabulary=9)


def test_words_whose_layer_is_not_there_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {
        name: kind
        for name, kind in registered_layers().items()
        if name not in ("BatchNorm", "GlobalAveragePool1D", "GlobalAveragePool2D")
    }
    monkeypatch.setattr(modules, "_registry", left)
    for word in ("bn", "gap"):
        with pytest.raises(ArgumentError, match="needed one of dense64") as caught:
            layers_from_text(word)
        assert f" {word}," not in f"{caught.value.needed},"
