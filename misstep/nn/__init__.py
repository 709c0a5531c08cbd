"""Networks: layers, modules, and a Network with its numbers.

Losses stand in `nn/losses`, first numbers of parameters in `nn/initializers.py`. Knows programs and
ops; knows no data, no optimizer and no training.
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
from misstep.nn.group_normalization import GroupNorm, InstanceNorm, LocalResponseNorm
from misstep.nn.imported import ImportedGraph
from misstep.nn.layers import Dense, Dropout, Flatten, Reshape
from misstep.nn.module import Module, registered_layers
from misstep.nn.network import BufferSlice, Network, ParameterSlice
from misstep.nn.network_file import load_network, save_network
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
from misstep.nn.program import Program
from misstep.nn.rarer_activations import (
    CELU,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Mish,
    Softsign,
    ThresholdedReLU,
)
from misstep.nn.recurrent import GRU, LSTM, RNN, Bidirectional
from misstep.nn.rescaling import Clip, Rescaling
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
    "CELU",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "Activation",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "BufferSlice",
    "ByAxes",
    "Clip",
    "Columns",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Cutout",
    "Dense",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Ensemble",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "ImportedGraph",
    "InstanceNorm",
    "LayerNorm",
    "LeakyReLU",
    "LocalResponseNorm",
    "MaxPool1D",
    "MaxPool2D",
    "MemberDense",
    "Mish",
    "Module",
    "MultiHeadAttention",
    "Network",
    "Parallel",
    "ParameterSlice",
    "PeriodicEmbedding",
    "PositionEmbedding",
    "PositionalEncoding",
    "Program",
    "RMSNorm",
    "RandomAffine",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomShift",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpatialDropout",
    "Steps",
    "Tanh",
    "TemporalPooling",
    "TemporalSummary",
    "ThresholdedReLU",
    "Trace",
    "TransformerBlock",
    "UpSample1D",
    "UpSample2D",
    "build_loss",
    "build_module",
    "layers_from_text",
    "load_network",
    "present_arrays",
    "registered_layers",
    "save_network",
]
