"""Matrix products, alone and with what stands around them."""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import WIDE, one_kind
from misstep.onnx_operators.importing.rules import imports


def product(call: Call, a: Value, b: Value) -> Value:
    """Return the matrix product, of whole numbers too."""
    one_kind(call, a, b)
    if a.type.is_float:
        return ops.matmul(a, b)
    return ops.cast(ops.matmul(ops.cast(a, WIDE), ops.cast(b, WIDE)), a.dtype)


@imports("MatMul")
def matmul(call: Call, a: Value, b: Value) -> Value:
    """Return the matrix product, over leading axes as NumPy has it."""
    return product(call, a, b)


@imports("Gemm")
def gemm(call: Call, a: Value, b: Value, c: Value | None = None) -> Value:
    """Return alpha · A B + beta · C, A and B turned over where that is said."""
    if a.ndim != 2 or b.ndim != 2:
        raise call.broken("two matrices", f"{a.shape} and {b.shape}")
    a = ops.transpose(a) if call.flag("transA") else a
    b = ops.transpose(b) if call.flag("transB") else b
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    result = product(call, a, b)
    if alpha != 1.0:
        result = result * alpha
    if c is None:
        return result
    shape = result.shape
    result = result + (c if beta == 1.0 else c * beta)
    if result.shape != shape:
        raise call.broken(f"C that broadcasts to {shape}", str(c.shape))
    return result
