"""The vocabulary of programs: one class per op, in family files, and a function for people beside.

Importing this room registers every op and gives Value its operators. Knows `ir` and nothing above.
"""

from misstep.ops import operators as _operators  # gives Value its + * @
from misstep.ops.angles import acos, acosh, asin, asinh, atan, atanh, cosh, sinh, tan
from misstep.ops.arithmetic import add, divide, multiply, negative, power, subtract
from misstep.ops.arranging import one_hot, pad, repeat, roll, tile, tril, triu
from misstep.ops.bits import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    left_shift,
    right_shift,
)
from misstep.ops.comparison import (
    cast,
    equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    where,
)
from misstep.ops.contraction import matmul
from misstep.ops.convolution import convolution, transposed_convolution
from misstep.ops.cross_entropy import binary_cross_entropy
from misstep.ops.cumulative import cumprod, cumsum
from misstep.ops.einsum import einsum
from misstep.ops.functions import (
    absolute,
    cos,
    erf,
    exp,
    expm1,
    log,
    log1p,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    tanh,
)
from misstep.ops.indexing import (
    gather,
    gather_nd,
    put_along_axis,
    scatter_add,
    scatter_nd,
    take_along_axis,
)
from misstep.ops.lifting import as_value
from misstep.ops.normalization import normalize
from misstep.ops.pieces import concatenate, slice_axis
from misstep.ops.pooling import average_pool, max_pool
from misstep.ops.precision import round_to_bfloat16
from misstep.ops.product import all, any, prod
from misstep.ops.questions import (
    clip,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    logical_xor,
    not_equal,
)
from misstep.ops.randomness import random_bits, random_normal, random_rows, random_uniform
from misstep.ops.reduction import argmax, argmin, centered, max, mean, min, norm, sum, variance
from misstep.ops.remainders import floor_divide, fmod, mod, truncated_divide
from misstep.ops.rounding import ceil, floor, round, trunc
from misstep.ops.scan import scan
from misstep.ops.shape import broadcast_to, flip, reshape, transpose
from misstep.ops.sharing import sum_over_shards
from misstep.ops.softmax import log_softmax, log_sum_exp, softmax
from misstep.ops.sorting import argsort, sort, top_k

del _operators

__all__ = [
    "absolute",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "as_value",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "average_pool",
    "binary_cross_entropy",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "broadcast_to",
    "cast",
    "ceil",
    "centered",
    "clip",
    "concatenate",
    "convolution",
    "cos",
    "cosh",
    "cumprod",
    "cumsum",
    "divide",
    "einsum",
    "equal",
    "erf",
    "exp",
    "expm1",
    "flip",
    "floor",
    "floor_divide",
    "fmod",
    "gather",
    "gather_nd",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_softmax",
    "log_sum_exp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "norm",
    "normalize",
    "not_equal",
    "one_hot",
    "pad",
    "power",
    "prod",
    "put_along_axis",
    "random_bits",
    "random_normal",
    "random_rows",
    "random_uniform",
    "relu",
    "repeat",
    "reshape",
    "right_shift",
    "roll",
    "round",
    "round_to_bfloat16",
    "scan",
    "scatter_add",
    "scatter_nd",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "slice_axis",
    "softmax",
    "softplus",
    "sort",
    "sqrt",
    "subtract",
    "sum",
    "sum_over_shards",
    "take_along_axis",
    "tan",
    "tanh",
    "tile",
    "top_k",
    "transpose",
    "transposed_convolution",
    "tril",
    "triu",
    "trunc",
    "truncated_divide",
    "variance",
    "where",
]
