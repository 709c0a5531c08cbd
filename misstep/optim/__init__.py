"""Optimizers, learning-rate schedules, clipping and penalties: small pieces, combined by a trainer.

Each optimizer is pure functions on one parameter's Values. Knows no network and no data.
"""

from misstep.optim.adagrad import Adagrad
from misstep.optim.adam import Adam, AdamW
from misstep.optim.clipping import ClipNorm, Clipping, ClipValue
from misstep.optim.nadam import Nadam
from misstep.optim.optimizer import (
    Optimizer,
    State,
    StepContext,
    optimizer_named,
    optimizer_names,
    registered_optimizers,
)
from misstep.optim.penalties import L1, L2, Penalty
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
    "Adagrad",
    "Adam",
    "AdamW",
    "ClipNorm",
    "ClipValue",
    "Clipping",
    "ConstantRate",
    "Cosine",
    "ExponentialDecay",
    "Nadam",
    "OneCycle",
    "Optimizer",
    "Penalty",
    "RMSProp",
    "ReduceOnPlateau",
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
