"""What PyTorch's layers and losses are called, and what each of them does.

Names only: torch itself is not imported, so that this is quick to read and to test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.record import LossDescription, Role, Task

_AFFINE = ("Linear", "LazyLinear", "Bilinear", "NonDynamicallyQuantizableLinear")
_ATTENTION = ("MultiheadAttention",)
_SHAPE = ("Flatten", "Unflatten", "Identity", "PixelShuffle", "PixelUnshuffle", "Upsample")
_RECURRENT = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
_ACTIVATIONS = frozenset(
    (
        *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU"),
        *("Mish", "Sigmoid", "Tanh", "Softplus", "Softsign", "Softmax", "Softmax2d", "Softmin"),
        *("LogSoftmax", "LogSigmoid", "Hardtanh", "Hardsigmoid", "Hardswish", "Tanhshrink"),
        *("Threshold", "Softshrink", "Hardshrink", "GLU"),
    )
)
# Between which numbers outputs of activations lie.
BOUNDS: dict[str, tuple[float, float]] = {
    "Sigmoid": (0.0, 1.0),
    "Hardsigmoid": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Hardtanh": (-1.0, 1.0),
    "Softsign": (-1.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Softmax2d": (0.0, 1.0),
    "ReLU6": (0.0, 6.0),
}
# Those that are flat at 0 for a whole side.
CAN_DIE = frozenset({"ReLU", "ReLU6", "Threshold"})

# What functions leave in the graph of gradients, by the name of the layer that does the same.
FUNCTIONS: dict[str, tuple[str, Role]] = {
    "ReluBackward": ("ReLU", Role.ACTIVATION),
    "LeakyReluBackward": ("LeakyReLU", Role.ACTIVATION),
    "EluBackward": ("ELU", Role.ACTIVATION),
    "GeluBackward": ("GELU", Role.ACTIVATION),
    "SiluBackward": ("SiLU", Role.ACTIVATION),
    "MishBackward": ("Mish", Role.ACTIVATION),
    "SigmoidBackward": ("Sigmoid", Role.ACTIVATION),
    "TanhBackward": ("Tanh", Role.ACTIVATION),
    "SoftplusBackward": ("Softplus", Role.ACTIVATION),
    "SoftmaxBackward": ("Softmax", Role.ACTIVATION),
    "LogSoftmaxBackward": ("LogSoftmax", Role.ACTIVATION),
    "LogSigmoidBackward": ("LogSigmoid", Role.ACTIVATION),
    "HardtanhBackward": ("Hardtanh", Role.ACTIVATION),
    "ClampMinBackward": ("ReLU", Role.ACTIVATION),
    "MaxPool2DWithIndicesBackward": ("MaxPool2d", Role.POOLING),
    "AvgPool2DBackward": ("AvgPool2d", Role.POOLING),
    "AdaptiveAvgPool2DBackward": ("AdaptiveAvgPool2d", Role.POOLING),
    "NativeDropoutBackward": ("Dropout", Role.DROPOUT),
}
# Functions that only lay numbers out another way.
VIEWS = frozenset(
    (
        *("ViewBackward", "UnsafeViewBackward", "ReshapeAliasBackward", "SqueezeBackward"),
        *("UnsqueezeBackward", "CloneBackward", "TransposeBackward", "PermuteBackward"),
        *("AliasBackward", "ContiguousBackward", "ToCopyBackward", "DetachBackward"),
    )
)
# Functions that bend nothing, whatever they join.
STRAIGHT = frozenset(
    (
        *("AddBackward", "SubBackward", "NegBackward", "CatBackward", "StackBackward"),
        *("MeanBackward", "SumBackward", "SelectBackward", "SliceBackward", "ExpandBackward"),
        *("AddmmBackward", "MmBackward", "TBackward"),
    )
)

# The task, what the loss takes, and what it is called, by the function that computes it.
_LOSSES: dict[str, tuple[Task, str, str]] = {
    "cross_entropy": (Task.CLASSES, "logits", "CrossEntropyLoss"),
    "nll_loss": (Task.CLASSES, "logits", "NLLLoss"),
    "multi_margin_loss": (Task.CLASSES, "logits", "MultiMarginLoss"),
    "binary_cross_entropy": (Task.BINARY, "probabilities", "BCELoss"),
    "binary_cross_entropy_with_logits": (Task.BINARY, "logits", "BCEWithLogitsLoss"),
    "mse_loss": (Task.NUMBERS, "numbers", "MSELoss"),
    "l1_loss": (Task.NUMBERS, "numbers", "L1Loss"),
    "smooth_l1_loss": (Task.NUMBERS, "numbers", "SmoothL1Loss"),
    "huber_loss": (Task.NUMBERS, "numbers", "HuberLoss"),
    "poisson_nll_loss": (Task.NUMBERS, "numbers", "PoissonNLLLoss"),
}
LOSS_FUNCTIONS = tuple(_LOSSES)
# What people may call a loss, beside the names of functions and layers.
_ALIASES = {
    "mse": "mse_loss",
    "squared_error": "mse_loss",
    "mae": "l1_loss",
    "crossentropy": "cross_entropy",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
}


def role_of(kind: str, has_children: bool) -> Role:
    """Return what a layer does, by the name of its class."""
    if kind in _AFFINE or kind.removeprefix("Lazy").startswith("Conv"):
        return Role.AFFINE
    if kind in _ACTIVATIONS:
        return Role.ACTIVATION
    if kind in _RECURRENT:
        return Role.RECURRENT
    if kind in _ATTENTION:
        return Role.ATTENTION
    if "Norm" in kind:
        return Role.NORMALIZATION
    if kind.startswith("Embedding"):
        return Role.EMBEDDING
    if "Dropout" in kind:
        return Role.DROPOUT
    if "Pool" in kind:
        return Role.POOLING
    if kind in _SHAPE or "Pad" in kind:
        return Role.SHAPE
    return Role.CONTAINER if has_children else Role.OTHER


def loss_description(name: str, options: Mapping[str, Any]) -> LossDescription | None:
    """Return what a loss is, by the name of its function or layer; None where it is not known.

    `options`: what else it was called with, by name.
    """
    plain = name.strip()
    by_kind = {kind.lower(): function for function, (_, _, kind) in _LOSSES.items()}
    known = by_kind | _ALIASES | {function: function for function in _LOSSES}
    function = known.get(plain) or known.get(plain.lower())
    if function is None:
        return None
    task, takes, kind = _LOSSES[function]
    reduction = str(options.get("reduction", "mean"))
    settings = {
        key: value
        for key, value in options.items()
        if isinstance(value, bool | int | float) and key != "size_average"
    }
    return LossDescription(kind, task, takes, reduction, settings)
