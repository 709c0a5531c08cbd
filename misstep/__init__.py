"""misstep trains neural networks and says, with numbers, how every weight was blamed for a mistake.

What most programs need is here (`ms.Dense`, `ms.Trainer`, `ms.Classifier` …); everything else is in
the rooms `ms.nn`, `ms.losses`, `ms.optim`, `ms.ops` and others, each with one list of its names,
`__all__`. Names are looked up when they are first used, so that `import misstep` is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from misstep.offers import offer

__version__ = "0.2.0"

# Rooms that are reached from here, by their names.
_ROOMS = {
    "autodiff": "misstep.autodiff",
    "data": "misstep.data",
    "doctor": "misstep.doctor",
    "errors": "misstep.errors",
    "initializers": "misstep.nn.initializers",
    "inspection": "misstep.inspection",
    "interchange": "misstep.interchange",
    "ir": "misstep.ir",
    "loggers": "misstep.loggers",
    "losses": "misstep.nn.losses",
    "modeling": "misstep.modeling",
    "nn": "misstep.nn",
    "ops": "misstep.ops",
    "optim": "misstep.optim",
    "plots": "misstep.plots",
    "record": "misstep.record",
    "report": "misstep.report",
    "train": "misstep.train",
    "trials": "misstep.trials",
    "tuning": "misstep.tuning",
    "watching": "misstep.watching",
}

# What is here itself, by the room that holds it: what README, guide and examples use.
_NAMES = {
    "misstep.autodiff": ("check_gradient", "gradient"),
    "misstep.data": ("read_images",),
    "misstep.doctor": ("diagnose",),
    "misstep.errors": ("ArgumentError", "DataError", "MisstepError", "NotFittedError"),
    "misstep.estimators": ("Classifier", "Forecaster", "Regressor", "tune"),
    "misstep.explain": ("contributions", "explain"),
    "misstep.interchange": ("from_onnx",),
    "misstep.ir": ("Graph",),
    "misstep.modeling": ("check", "load_model"),
    "misstep.nn": (
        *("BatchNorm", "Columns", "Conv1D", "Conv2D", "Cutout", "Dense", "Dropout", "Embedding"),
        *("EmbeddingBag", "Ensemble", "Flatten", "GRU", "GlobalAveragePool2D", "LSTM"),
        *("MaxPool2D", "MemberDense", "Module", "Network", "Parallel", "PeriodicEmbedding"),
        *("RandomAffine", "RandomFlip", "RandomShift", "ReLU", "Reshape", "Residual"),
        *("Sequential", "SiLU", "Sigmoid", "Steps", "Tanh", "TemporalPooling"),
    ),
    "misstep.nn.losses": ("BinaryCrossEntropy", "CrossEntropy", "SquaredError"),
    "misstep.ops": ("exp", "log", "mean", "relu", "sigmoid", "softmax", "tanh", "where"),
    "misstep.optim": ("SGD", "Adam", "AdamW"),
    "misstep.record": ("read_record",),
    "misstep.train": ("Callback", "EarlyStopping", "RepairBudget", "Snapshots", "Trainer"),
    "misstep.watching": ("keras_watch", "watch"),
}

_HOMES = {name: (home, name) for home, names in _NAMES.items() for name in names}
# The two ways to make a Value, under the names that people look for.
_HOMES |= {"probe": ("misstep.trials", "probe_trainer")}
_HOMES |= {"repair": ("misstep.trials", "repair_trainer")}
_HOMES |= {"input": ("misstep.ir", "make_input"), "parameter": ("misstep.ir", "make_parameter")}

# What objects of lower floors ask of upper ones (`offers.py`).
offer("ONNX file of a model", "misstep.interchange", "export_model")
offer("ONNX file of a network", "misstep.interchange", "export_network")
offer("network of an ONNX file", "misstep.interchange", "from_onnx")
offer("weights of Keras", "misstep.interchange.keras_weights", "load_keras")
offer("weights for Keras", "misstep.interchange.keras_weights", "to_keras")
offer("weights of PyTorch", "misstep.interchange.torch_weights", "load_torch")
offer("weights for PyTorch", "misstep.interchange.torch_weights", "to_torch")
offer("safetensors file of a network", "misstep.interchange.torch_weights", "save_safetensors")
offer("repair of a training", "misstep.trials", "repair_run")
offer("plot of a model", "misstep.plots", "plot_model")
offer("drawing of a range of rates", "misstep.report.rate_range", "rate_range_drawing")
offer("summary of a model", "misstep.report", "model_summary")
offer("plot of a run", "misstep.plots", "plot_run")
offer("report of a run", "misstep.report", "report_of_run")
offer("report left by a run", "misstep.report", "leave_report_of_run")
offer("report left by a walk", "misstep.report", "leave_report_of_result")
offer("report left by a watched loop", "misstep.report", "leave_report_of_record")

__all__ = sorted([*_HOMES, *_ROOMS])


def __getattr__(name: str) -> Any:
    if name not in _HOMES and name not in _ROOMS:
        raise AttributeError(f"module 'misstep' has no attribute {name!r}")
    # Values know + and * once the ops are there, whoever asks first.
    import_module("misstep.ops")
    if name in _ROOMS:
        attribute: Any = import_module(_ROOMS[name])
    else:
        home, own_name = _HOMES[name]
        attribute = getattr(import_module(home), own_name)
    globals()[name] = attribute
    return attribute


def __dir__() -> list[str]:
    return __all__


class _Roof(ModuleType):
    """Importing a room makes it an attribute, but `misstep.explain` stays the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Roof
