"""What Keras calls its layers, losses and settings, and what each of them does.

Names only: Keras itself is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.record import LossDescription, PartDescription, Role, Task

_AFFINE = ("Dense", "EinsumDense")
_SHAPE = (
    *("Flatten", "Reshape", "Permute", "RepeatVector", "InputLayer", "Identity", "Masking"),
    "Resizing",
)
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D")
_ATTENTION = ("MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention")
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")
_NOISE = ("Dropout", "GaussianNoise", "ActivityRegularization")

# What activations are called as layers of their own, by the names of their functions.
KINDS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "swish": "SiLU",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "hard_sigmoid": "Hardsigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "exponential": "Exponential",
}

_CLASSES = ("sparsecategoricalcrossentropy", "categoricalcrossentropy")
_ALIASES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
}


def role_of(kind: str, has_layers: bool) -> Role:
    """Return what a layer does, by the name of its class."""
    if kind in _AFFINE or ("Conv" in kind and "LSTM" not in kind):
        return Role.AFFINE
    if kind in _ACTIVATIONS:
        return Role.ACTIVATION
    if kind in _RECURRENT:
        return Role.RECURRENT
    if kind in _ATTENTION:
        return Role.ATTENTION
    if "Normalization" in kind or kind == "Rescaling":
        return Role.NORMALIZATION
    if kind == "Embedding":
        return Role.EMBEDDING
    if any(word in kind for word in _NOISE) or kind.startswith("Random"):
        return Role.DROPOUT
    if "Pooling" in kind:
        return Role.POOLING
    if kind in _SHAPE or "Padding" in kind or "Cropping" in kind:
        return Role.SHAPE
    return Role.CONTAINER if has_layers else Role.OTHER


def activation_kind(function: Any) -> str | None:
    """Return what an activation is called; None for one that changes nothing, and for none."""
    name = getattr(function, "__name__", None)
    if function is None or name in (None, "linear"):
        return None
    return KINDS.get(str(name), "".join(part.title() for part in str(name).split("_")))


def loss_description(loss: Any) -> LossDescription:
    """Return what a loss is: a name, a function or an object of keras.losses.

    A loss that is not known is called by its name, and its answers are numbers.
    """
    if loss is None or isinstance(loss, Mapping | list | tuple):
        return LossDescription("unknown", Task.NUMBERS)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    plain = str(name).replace("_", "").lower()
    name = _ALIASES.get(plain, name)
    plain = str(name).replace("_", "").lower()
    kind = "".join(part[:1].upper() + part[1:] for part in str(name).split("_"))
    configuration = loss.get_config() if hasattr(loss, "get_config") else {}
    settings = {
        key: value for key, value in configuration.items() if isinstance(value, bool | int | float)
    }
    takes = "logits" if configuration.get("from_logits") else "probabilities"
    reduction = "sum" if configuration.get("reduction") == "sum" else "mean"
    if plain in _CLASSES:
        return LossDescription(kind, Task.CLASSES, takes, reduction, settings)
    if plain == "binarycrossentropy":
        return LossDescription(kind, Task.BINARY, takes, reduction, settings)
    return LossDescription(kind, Task.NUMBERS, "numbers", reduction, settings)


def clipping_of(configuration: Mapping[str, Any]) -> tuple[PartDescription, ...]:
    """Return what an optimizer of this configuration cuts gradients to."""
    kinds = {"clipvalue": "ClipValue", "clipnorm": "ClipEachNorm", "global_clipnorm": "ClipNorm"}
    return tuple(
        PartDescription(kind, {"limit": float(configuration[name])})
        for name, kind in kinds.items()
        if configuration.get(name)
    )


def score_name(name: str) -> str | None:
    """Return the signal that a number among Keras's logs is; None where it is none.

    >>> [score_name(name) for name in ("loss", "val_loss", "val_binary_accuracy", "auc")]
    ['training_loss', 'validation_loss', 'validation_accuracy', None]
    """
    if name == "loss":
        return "training_loss"
    if name == "val_loss":
        return "validation_loss"
    if name.startswith("val_") and ("accuracy" in name or name == "val_acc"):
        return "validation_accuracy"
    return "validation_rmse" if name == "val_root_mean_squared_error" else None
