"""A program computes as always, whatever another library has done to this thread's arithmetic."""

import ctypes

import numpy as np
import pytest

from misstep.compiler.codegen.entry import write_entry
from misstep.compiler.runtime.native import assembly, compile_module
from misstep.compiler.runtime.targets import aarch64_target, host_target
from misstep.errors import NotYetError

BODY = """
define internal i32 @body(ptr %context, i64 %thread, i64 %threads) noinline nounwind {
  %a = load float, ptr %context
  %b = fmul float %a, 0x3FE0000000000000
  %c = fadd float %b, %a
  store float %c, ptr %context
  ret i32 7
}
"""
SETTING = """
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i32 @exchange(i32 %new) {
  %before = alloca i32
  %after = alloca i32
  store i32 %new, ptr %after
  call void @llvm.x86.sse.stmxcsr(ptr %before)
  call void @llvm.x86.sse.ldmxcsr(ptr %after)
  %old = load i32, ptr %before
  ret i32 %old
}
"""
FLUSHING_TO_ZERO, ROUNDING_UP = 0x8040, 0x4000


@pytest.mark.parametrize("changed", [FLUSHING_TO_ZERO, ROUNDING_UP])
def test_arithmetic_is_plain_inside_and_the_callers_outside(changed):
    try:
        target = host_target()
    except NotYetError as reason:
        pytest.skip(str(reason))
    if target.machine != "x86_64":
        pytest.skip("the setting is read with instructions of x86")
    text = f"{BODY}\n{write_entry('plain', 'body', target)}\n"
    plain = compile_module(text, target).function(
        "plain", ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
    )
    exchange = compile_module(SETTING, target).function(
        "exchange", ctypes.c_uint32, ctypes.c_uint32
    )
    numbers = np.array([3e-45], np.float32)
    usual = exchange(0x1F80)
    exchange(usual | changed)
    status = plain(numbers.ctypes.data, 0, 1)
    left = exchange(usual)
    assert status == 7
    assert numbers.tobytes() == bytes(4)
    assert left & changed == changed


def test_the_entry_is_generated_for_arm_too():
    text = assembly(f"{BODY}\n{write_entry('plain', 'body', aarch64_target())}", aarch64_target())
    assert text.lower().count("fpcr") == 3
