"""Losses: one number that says how wrong a batch was, and what a prediction means.

A loss works on the network's raw outputs. Knows Values, no layers and no optimizers.
"""

from misstep.nn.losses.cross_entropy import BinaryCrossEntropy, CrossEntropy
from misstep.nn.losses.distances import AbsoluteError, Huber, SquaredError
from misstep.nn.losses.loss import Loss, loss_named, loss_names, registered_losses

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "SquaredError",
    "loss_named",
    "loss_names",
    "registered_losses",
]
