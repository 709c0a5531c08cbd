"""Networks in one line: what is written means the very network, or nothing is written."""

from __future__ import annotations

import pytest

import misstep as ms
from misstep.nn import Network, Sequential
from misstep.trials.layers import plain
from misstep.trials.network_text import network_text


@pytest.mark.parametrize(
    ("text", "shape", "written"),
    [
        ("dense8", (4,), "dense8-relu"),
        ("dense8-tanh-drop0.2-dense4-bn-silu", (4,), "dense8-tanh-drop0.2-dense4-bn-silu"),
        (
            "conv4-pool-conv8x5-dense6",
            (8, 8, 1),
            "conv4-relu-pool-conv8x5-relu-flatten-dense6-relu",
        ),
        ("conv4-gap-dense6", (8, 2), "conv4-relu-gap-dense6-relu"),
        ("lstm4-ln-gru3", (5, 2), "lstm4-ln-gru3"),
    ],
)
def test_lines_come_back(text: str, shape: tuple[int, ...], written: str) -> None:
    network = Network(Sequential.from_text(text, outputs=2), shape)
    assert network_text(network) == written
    again = Network(Sequential.from_text(written, outputs=2), shape)
    assert plain(again).configuration() == plain(network).configuration()


@pytest.mark.parametrize(
    "layers",
    [
        (ms.Dense(3), ms.Dense(1)),
        (ms.Dense(3, bias=False), ms.ReLU(), ms.Dense(1)),
        (ms.Dense(3), ms.nn.LeakyReLU(0.1), ms.Dense(1)),
        (ms.Dense(3), ms.ReLU(), ms.Dense(1), ms.nn.Rescaling(2.0)),
        (ms.Dense(3), ms.ReLU(), ms.Dense(1, bias=False)),
        (ms.Residual(ms.Dense(4)), ms.Dense(1)),
        (ms.Dense(1),),
    ],
)
def test_what_no_line_says_has_none(layers: tuple[ms.Module, ...]) -> None:
    assert network_text(Network(Sequential(*layers), (4,))) is None


def test_layers_that_shape_rows_are_not_said() -> None:
    layers = (ms.Reshape((4, 4, 1)), *Sequential.from_text("conv2-dense3", outputs=2).layers)
    line = network_text(Network(Sequential(*layers), (16,)))
    assert line == "conv2-relu-flatten-dense3-relu"
