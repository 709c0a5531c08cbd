"""How a layer, a loss or an initializer is written in the framework that a run was made with.

Knows names of other libraries, none of their code. What it does not know it says in words.
"""

from __future__ import annotations

from misstep.record import RunDescription

_SPELLINGS: dict[str, dict[str, str]] = {
    "relu": {"misstep": "ms.ReLU()", "torch": "torch.nn.ReLU()", "keras": "keras.layers.ReLU()"},
    "leaky_relu": {
        "misstep": "ms.nn.LeakyReLU()",
        "torch": "torch.nn.LeakyReLU()",
        "keras": "keras.layers.LeakyReLU()",
    },
    "cross_entropy": {
        "misstep": "ms.CrossEntropy()",
        "torch": "torch.nn.CrossEntropyLoss()",
        "keras": "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
    },
    "binary_cross_entropy": {
        "misstep": "ms.BinaryCrossEntropy()",
        "torch": "torch.nn.BCEWithLogitsLoss()",
        "keras": "keras.losses.BinaryCrossentropy(from_logits=True)",
    },
    "squared_error": {
        "misstep": "ms.SquaredError()",
        "torch": "torch.nn.MSELoss()",
        "keras": "keras.losses.MeanSquaredError()",
    },
    "he_normal": {
        "misstep": "ms.initializers.HeNormal()",
        "torch": "torch.nn.init.kaiming_normal_",
        "keras": 'kernel_initializer="he_normal"',
    },
    "glorot_uniform": {
        "misstep": "ms.initializers.GlorotUniform()",
        "torch": "torch.nn.init.xavier_uniform_",
        "keras": 'kernel_initializer="glorot_uniform"',
    },
    "batch_norm": {
        "misstep": "ms.BatchNorm()",
        "torch": "torch.nn.BatchNorm1d(...)",
        "keras": "keras.layers.BatchNormalization()",
    },
    "clip_norm": {
        "misstep": "clipping=ms.optim.ClipNorm(1.0)",
        "torch": "torch.nn.utils.clip_grad_norm_(parameters, 1.0)",
        "keras": "clipnorm=1.0",
    },
}
# In the line that says what the network is, on the command line and for estimators.
_IN_A_LINE = {"relu": "relu", "leaky_relu": "leakyrelu", "batch_norm": "bn"}
_DENSE = {
    "misstep": "ms.Dense({})",
    "torch": "torch.nn.Linear(..., {})",
    "keras": "keras.layers.Dense({})",
}


def spelled(description: RunDescription, what: str) -> str:
    """Return how `what` is written, such as "relu", in backticks."""
    if description.origin.get("face") in ("command line", "estimator") and what in _IN_A_LINE:
        return f"`{_IN_A_LINE[what]}`"
    return f"`{_of_framework(_SPELLINGS[what], description.framework)}`"


def dense(description: RunDescription, units: int) -> str:
    """Return how a dense layer of `units` units is written, in backticks."""
    return f"`{_of_framework(_DENSE, description.framework).format(units)}`"


def _of_framework(spellings: dict[str, str], framework: str) -> str:
    known = (text for name, text in spellings.items() if name in framework.lower())
    return next(known, spellings["misstep"])
