"""Sequences that are filled up come out as alone, through convolution and pooling too."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.nn import (
    LSTM,
    AveragePool1D,
    Conv1D,
    Conv1DTranspose,
    Embedding,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    MaxPool1D,
    Module,
    MultiHeadAttention,
    Network,
    Sequential,
    UpSample1D,
)

BETWEEN: list[list[Module]] = [
    [Conv1D(3, 3, padding="same"), Conv1D(3, 3, padding="same")],
    [Conv1D(3, 2), Conv1D(2, 3, dilation=2, padding="same")],
    [Conv1D(3, 3, stride=2, padding=1)],
    [Conv1D(3, 1, stride=2, padding=2)],
    [Conv1D(3, 2, padding="same"), MaxPool1D(2)],
    [AveragePool1D(2), Conv1D(2, 2)],
    [MaxPool1D(3, stride=2, padding=1)],
    [MaxPool1D(2, stride=1, padding="same")],
    [UpSample1D(3), Conv1D(2, 3)],
    [Conv1DTranspose(3, 3, stride=2), Conv1D(3, 2, padding="same")],
    [Conv1DTranspose(2, 3, stride=2, padding=1, more=1), MaxPool1D(2)],
]
ENDS: list[list[Module]] = [
    [GlobalAveragePool1D()],
    [GlobalMaxPool1D()],
    [LSTM(3)],
    [MultiHeadAttention(1), GlobalAveragePool1D()],
]


def network_of(between: list[Module], end: list[Module], time: int) -> Network:
    layers = Sequential(Embedding(9, 4, mask=True), *between, *end)
    network = Network(layers, input_shape=(time,), dtype="float64")
    network.parameters[:] = np.random.default_rng(1).normal(0, 0.5, network.parameter_count)
    return network


@pytest.mark.parametrize("end", ENDS, ids=str)
@pytest.mark.parametrize("between", BETWEEN, ids=str)
@pytest.mark.parametrize("length", [5, 6, 7])
def test_filling_changes_nothing(between: list[Module], end: list[Module], length: int) -> None:
    words = np.random.default_rng(length).integers(1, 9, length)
    alone = network_of(between, end, length).predict(words[np.newaxis])
    for more in (1, 4, 6):
        filled = np.concatenate([words, np.zeros(more, int)])[np.newaxis]
        found = network_of(between, end, length + more).predict(filled)
        np.testing.assert_allclose(found, alone, rtol=1e-12, atol=1e-12)
