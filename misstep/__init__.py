"""misstep trains neural networks and says, with numbers, how every weight was blamed for a mistake.

Names are looked up when they are first used, so that `import misstep` is quick. Where each one
lives: the table `_HOMES` below.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

# Every public name by the package that holds it.
_HOMES: dict[str, tuple[str, ...]] = {
    "misstep.autodiff": ("GradientCheck", "check_gradient", "gradient"),
    "misstep.data": ("Images", "WordVectors", "read_images", "read_vectors"),
    "misstep.errors": (
        "AbstractValueError",
        "ArgumentError",
        "DataError",
        "DtypeError",
        "FileFormatError",
        "GraphError",
        "MisstepError",
        "NotFittedError",
        "NotYetError",
        "ShapeError",
        "StorageError",
    ),
    "misstep.estimators": ("Classifier", "Forecaster", "Regressor"),
    "misstep.explain": ("Explanation", "contributions", "explain"),
    "misstep.inspection": ("emit_python",),
    "misstep.ir": ("Graph", "Interpreter", "Value"),
    "misstep.modeling": ("ForecastModel", "Model", "load_model"),
    "misstep.nn": (
        "ELU",
        "GELU",
        "GRU",
        "LSTM",
        "RNN",
        "SELU",
        "AveragePool1D",
        "AveragePool2D",
        "BatchNorm",
        "Bidirectional",
        "ByAxes",
        "Columns",
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Cutout",
        "Dense",
        "Dropout",
        "Embedding",
        "Ensemble",
        "Flatten",
        "GaussianNoise",
        "GlobalAveragePool1D",
        "GlobalAveragePool2D",
        "GlobalMaxPool1D",
        "GlobalMaxPool2D",
        "LayerNorm",
        "LeakyReLU",
        "MaxPool1D",
        "MaxPool2D",
        "MemberDense",
        "Module",
        "MultiHeadAttention",
        "Network",
        "Parallel",
        "PeriodicEmbedding",
        "PositionEmbedding",
        "PositionalEncoding",
        "RMSNorm",
        "RandomBrightness",
        "RandomContrast",
        "RandomFlip",
        "RandomShift",
        "RandomAffine",
        "ReLU",
        "Reshape",
        "Residual",
        "Sequential",
        "SiLU",
        "Sigmoid",
        "Softmax",
        "Softplus",
        "SpatialDropout",
        "Steps",
        "Tanh",
        "TemporalPooling",
        "TemporalSummary",
        "TransformerBlock",
        "UpSample1D",
        "UpSample2D",
        "EmbeddingBag",
    ),
    "misstep.nn.initializers": (
        "Constant",
        "ForgetGateBias",
        "GlorotNormal",
        "GlorotUniform",
        "HeNormal",
        "HeUniform",
        "LeCunNormal",
        "LeCunUniform",
        "Normal",
        "Orthogonal",
        "Uniform",
        "XavierNormal",
        "XavierUniform",
        "Zeros",
    ),
    "misstep.nn.losses": (
        "AbsoluteError",
        "BinaryCrossEntropy",
        "CrossEntropy",
        "Huber",
        "Loss",
        "SquaredError",
    ),
    "misstep.optim": (
        "L1",
        "L2",
        "SGD",
        "Adagrad",
        "Adam",
        "AdamW",
        "ClipNorm",
        "ClipValue",
        "ConstantRate",
        "Cosine",
        "ExponentialDecay",
        "Nadam",
        "OneCycle",
        "Optimizer",
        "RMSProp",
        "ReduceOnPlateau",
        "Schedule",
        "StepDecay",
        "WarmUp",
    ),
    "misstep.record": ("Record", "read_record"),
    "misstep.train": (
        "Callback",
        "Converged",
        "EarlyStopping",
        "Run",
        "Snapshot",
        "Snapshots",
        "Trainer",
        "Training",
    ),
}

# Functions of Values, and the two ways to make a Value, under the names that people look for.
_FUNCTIONS: dict[str, tuple[str, str]] = {
    "input": ("misstep.ir", "make_input"),
    "parameter": ("misstep.ir", "make_parameter"),
}


def _places() -> dict[str, tuple[str, str]]:
    places = {name: (home, name) for home, names in _HOMES.items() for name in names}
    return places | _FUNCTIONS


_PLACES = _places()
_OPS = (
    "absolute",
    "average_pool",
    "broadcast_to",
    "concatenate",
    "convolution",
    "cos",
    "erf",
    "exp",
    "flip",
    "gather",
    "log",
    "log1p",
    "log_sum_exp",
    "matmul",
    "max_pool",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "normalize",
    "pad",
    "power",
    "relu",
    "reshape",
    "scatter_add",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "tanh",
    "transpose",
    "transposed_convolution",
    "variance",
    "where",
)
_PLACES |= {name: ("misstep.ops", name) for name in _OPS}

# Rooms that are reached from here, each with all its public names.
_ROOMS = ("ops",)

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"misstep.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'misstep' has no attribute {name!r}")
    home, held = _PLACES[name]
    # Values know + and * once the ops are there, whoever asks first.
    import_module("misstep.ops")
    found = getattr(import_module(home), held)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Roof(ModuleType):
    """Importing a room makes it an attribute, but `misstep.explain` stays the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Roof
