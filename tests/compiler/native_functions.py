"""Compiles what is written with `ElementCode` to a function of arrays, for tests.

`native(body, kinds)` writes `void f(ptr in0, …, ptr out, i64 n)`, which applies `body` to vectors
of `lanes` entries, and returns it as a Python function of arrays. Its arithmetic is that of
programs: subnormal numbers are zeros.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from misstep.compiler.codegen.entry import arithmetic_setting
from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.runtime.native import assembly, emit_object, load_object
from misstep.compiler.runtime.targets import host_target
from misstep.ir import Array

Body = Callable[..., Number]

DTYPE_OF_KIND = {llvm_type: dtype for dtype, llvm_type in LLVM_TYPES.items() if dtype != "uint32"}


def function_text(body: Body, kinds: Sequence[str], lanes: int, target: Target) -> tuple[str, str]:
    """Return a module that applies `body` to arrays, and the kind of its result."""
    code = ElementCode()
    arguments = [Number(f"%in{index}", "ptr") for index in range(len(kinds))]
    out, count = Number("%out", "ptr"), Number("%n", "i64")
    with code.loop(0, count, max(lanes, 1)) as loop:
        entries = [
            code.load(code.address(where, loop.index, llvm_type), llvm_type, lanes)
            for where, llvm_type in zip(arguments, kinds, strict=True)
        ]
        result = body(code, *entries)
        code.store(result, code.address(out, loop.index, result.llvm_type))
    given = ", ".join(f"ptr noalias {one.text}" for one in [*arguments, out])
    passed = ", ".join(f"ptr {one.text}" for one in [*arguments, out])
    setting = arithmetic_setting(target)
    lines = [
        f"define internal void @body({given}, i64 %n) noinline {target.function_attributes} {{",
        "entry:",
        *code.lines,
        "  ret void",
        "}",
        f"define void @f({given}, i64 %n) {target.function_attributes} {{",
        *setting.begin,
        f"  call void @body({passed}, i64 %n)",
        *setting.end,
        "  ret void",
        "}",
        *sorted({*code.declarations, *setting.declarations}),
    ]
    return "\n".join(lines), result.llvm_type


def instructions(
    body: Body, kinds: Sequence[str], lanes: int = 16, target: Target | None = None
) -> str:
    """Return the processor's instructions for the function, for people."""
    processor = target or host_target()
    return assembly(function_text(body, kinds, lanes, processor)[0], processor)


def native(
    body: Body, kinds: Sequence[str], lanes: int = 16, target: Target | None = None
) -> Callable[..., Array]:
    """Return a function of arrays of one length that applies `body` to their entries."""
    processor = target or host_target()
    text, llvm_type = function_text(body, kinds, lanes, processor)
    module = load_object(emit_object(text, processor), processor, ["f"])
    pointers = [ctypes.c_void_p] * (len(kinds) + 1)
    call: Any = module.function("f", None, *pointers, ctypes.c_int64)
    dtype = np.dtype(DTYPE_OF_KIND[llvm_type])
    step = max(lanes, 1)

    def function(*arrays: Array) -> Array:
        count = len(arrays[0])
        padded = -(-count // step) * step
        given = [np.zeros(padded, array.dtype) for array in arrays]
        for whole, part in zip(given, arrays, strict=True):
            whole[:count] = part
        result = np.empty(padded, dtype)
        call(*(array.ctypes.data for array in given), result.ctypes.data, padded)
        return result[:count]

    function.call = call  # type: ignore[attr-defined]
    return function
