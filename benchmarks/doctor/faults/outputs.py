"""Faults of what the network ends with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.faults.registry import fault
from benchmarks.doctor.setups import Setup
from misstep.nn import Softmax

LAST = "last layer"


def _ending_with(setup: Setup, *more: ms.Module) -> Setup:
    return replace(setup, layers=(*setup.layers, *more))


@fault("wrong-output/softmax", ("once",), stage=LAST)
def softmax_last(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """Softmax before a loss that takes raw outputs, or on one output alone."""
    return _ending_with(setup, Softmax())


@fault("wrong-output/sigmoid", ("once",), stage=LAST)
def sigmoid_last(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """Sigmoid before a loss that takes raw outputs, or for numbers that leave 0 to 1."""
    return _ending_with(setup, ms.Sigmoid())


@fault("wrong-output/tanh", ("once",), stage=LAST)
def tanh_last(setup: Setup, strength: str, random: np.random.Generator) -> Setup | None:
    """Tanh for numbers that leave −1 to 1."""
    return None if setup.is_classification else _ending_with(setup, ms.Tanh())


@fault("wrong-output/relu", ("once",), stage=LAST)
def relu_last(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """ReLU on the raw outputs."""
    return _ending_with(setup, ms.ReLU())


@fault("constant-prediction", (1.0, 5.0), also=["wrong-output", "dead-units"], stage=LAST)
def dead_output(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """ReLU on the raw outputs, whose biases start so far below 0 that it never lets any pass."""
    last: Any = setup.layers[-1]
    last = replace(last, bias_initializer=ms.initializers.Constant(-strength))
    return replace(setup, layers=(*setup.layers[:-1], last, ms.ReLU()))
