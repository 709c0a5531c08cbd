"""Optimizers, schedules of the learning rate, clipping, regularizers: small pieces to combine.

Each optimizer is pure functions on one parameter's Values. Knows no network and no data.
"""

from misstep.optim.adagrad import Adagrad
from misstep.optim.adam import Adam, AdamW, AMSGrad
from misstep.optim.clipping import ClipNorm, Clipping, ClipValue
from misstep.optim.early_decay import EarlyDecay
from misstep.optim.nadam import Nadam
from misstep.optim.optimizer import (
    Optimizer,
    State,
    StepContext,
    optimizer_named,
    optimizer_names,
    registered_optimizers,
)
from misstep.optim.regularizers import L1, L2, Regularizer
from misstep.optim.rmsprop import RMSProp
from misstep.optim.schedules import (
    ConstantRate,
    Cosine,
    ExponentialDecay,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    ScheduleContext,
    StepDecay,
    WarmUp,
    registered_schedules,
)
from misstep.optim.sgd import SGD

__all__ = [
    "L1",
    "L2",
    "SGD",
    "AMSGrad",
    "Adagrad",
    "Adam",
    "AdamW",
    "ClipNorm",
    "ClipValue",
    "Clipping",
    "ConstantRate",
    "Cosine",
    "EarlyDecay",
    "ExponentialDecay",
    "Nadam",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "ReduceOnPlateau",
    "Regularizer",
    "Schedule",
    "ScheduleContext",
    "State",
    "StepContext",
    "StepDecay",
    "WarmUp",
    "optimizer_named",
    "optimizer_names",
    "registered_optimizers",
    "registered_schedules",
]
