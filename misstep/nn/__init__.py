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
from misstep.nn.attention import MultiHeadAttention, TransformerBlock
from misstep.nn.augmentation import (
    Cutout,
    RandomAffine,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomShift,
)
from misstep.nn.building import build_loss, build_module
from misstep.nn.containers import ByAxes, Residual, Sequential
from misstep.nn.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose
from misstep.nn.embedding import Embedding, PositionalEncoding, PositionEmbedding
from misstep.nn.embedding_bag import EmbeddingBag
from misstep.nn.ensemble import Ensemble, MemberDense
from misstep.nn.former_names import present_arrays
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
from misstep.nn.layers import Dense, Dropout, Flatten, Reshape
from misstep.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
    loss_named,
    loss_names,
    registered_losses,
)
from misstep.nn.module import Module, registered_layers
from misstep.nn.network import BufferSlice, Network, ParameterSlice
from misstep.nn.noise import GaussianNoise, SpatialDropout
from misstep.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from misstep.nn.parallel import Columns, Parallel
from misstep.nn.periodic_embedding import PeriodicEmbedding
from misstep.nn.pooling import (
    AveragePool1D,
    AveragePool2D,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool1D,
    MaxPool2D,
    UpSample1D,
    UpSample2D,
)
from misstep.nn.recurrent import GRU, LSTM, RNN, Bidirectional
from misstep.nn.steps import Steps
from misstep.nn.temporal_pooling import (
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    TemporalPooling,
    TemporalSummary,
)
from misstep.nn.text import layers_from_text
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
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "BinaryCrossEntropy",
    "BufferSlice",
    "ByAxes",
    "Columns",
    "Constant",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "CrossEntropy",
    "Cutout",
    "Dense",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Ensemble",
    "Fans",
    "Flatten",
    "ForgetGateBias",
    "GaussianNoise",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Huber",
    "Initializer",
    "LayerNorm",
    "LeCunNormal",
    "LeCunUniform",
    "LeakyReLU",
    "Loss",
    "MaxPool1D",
    "MaxPool2D",
    "MemberDense",
    "Module",
    "MultiHeadAttention",
    "Network",
    "Normal",
    "Orthogonal",
    "Parallel",
    "ParameterSlice",
    "PeriodicEmbedding",
    "PositionEmbedding",
    "PositionalEncoding",
    "RMSNorm",
    "RandomAffine",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomShift",
    "ReLU",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SpatialDropout",
    "SquaredError",
    "Steps",
    "Tanh",
    "TemporalPooling",
    "TemporalSummary",
    "Trace",
    "TransformerBlock",
    "Uniform",
    "UpSample1D",
    "UpSample2D",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "build_loss",
    "build_module",
    "layers_from_text",
    "loss_named",
    "loss_names",
    "present_arrays",
    "registered_initializers",
    "registered_layers",
    "registered_losses",
]
