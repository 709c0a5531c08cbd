"""Networks: layers, initializers, losses, modules, and a Network with its numbers.

Knows programs and ops; knows no data, no optimizer and no training.
"""

from misstep.nn.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from misstep.nn.building import build_loss, build_module, layers_from_text
from misstep.nn.containers import Residual, Sequential
from misstep.nn.initializers import (
    Constant,
    Fans,
    ForgetGateBias,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
    registered_initializers,
)
from misstep.nn.layers import Dense, Dropout, Flatten
from misstep.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
    registered_losses,
)
from misstep.nn.module import Module, registered_layers
from misstep.nn.network import Network, ParameterPlace
from misstep.nn.recurrent import GRU, LSTM, RNN, Bidirectional
from misstep.nn.tracing import Trace

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AbsoluteError",
    "Activation",
    "Bidirectional",
    "BinaryCrossEntropy",
    "Constant",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Fans",
    "Flatten",
    "ForgetGateBias",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Huber",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "LeakyReLU",
    "Loss",
    "Module",
    "Network",
    "Normal",
    "Orthogonal",
    "ParameterPlace",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SquaredError",
    "Tanh",
    "Trace",
    "Uniform",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "build_loss",
    "build_module",
    "layers_from_text",
    "registered_initializers",
    "registered_layers",
    "registered_losses",
]
