"""`ModelCallback`: a callback that can make a model of the network as it stands.

A network alone takes prepared rows; what prepares them, and what its outputs mean, is known before
training begins. Knows no face.
"""

from __future__ import annotations

from misstep.data import Preprocessing, Target
from misstep.modeling.model import Model
from misstep.nn import Network
from misstep.train import Callback
from misstep.train.training import Training

__all__ = ["ModelCallback"]


class ModelCallback(Callback):
    """Who overrides a hook of this one may ask for the `model` there."""

    _preprocessing: Preprocessing | None = None
    _target: Target | None = None

    def meet(self, preprocessing: Preprocessing, target: Target) -> None:
        """Get to know what the network of the training to come is for."""
        self._preprocessing, self._target = preprocessing, target

    def model(self, training: Training) -> Model | None:
        """Return a model with the weights of now, which training leaves as they are.

        None where nobody said what the network is for.
        """
        if self._preprocessing is None or self._target is None:
            return None
        network = training.network
        copied = Network(network.module, network.input_shape, dtype=network.dtype)
        copied.parameters, copied.buffers = network.parameters.copy(), network.buffers.copy()
        facts = {"epochs": training.epoch, "updates": training.update, "ended": "not yet"}
        return Model(copied, training.loss, self._preprocessing, self._target, facts)
