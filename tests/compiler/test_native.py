"""From LLVM's text to functions that run, once, for as long as somebody holds them."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from misstep.compiler.language.code import Code, Number
from misstep.compiler.runtime import native, object_cache
from misstep.compiler.runtime.native import assembly, compile_module, emit_object, load_object
from misstep.compiler.runtime.targets import aarch64_target, avx2_target, avx512_target, host_target
from misstep.errors import ArgumentError, GraphError, NotYetError

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

RUNNABLE = [HOST, avx2_target()] + [avx512_target()] * (HOST.vector_bytes == 64)
by_name = pytest.mark.parametrize("target", RUNNABLE, ids=lambda one: f"{one.name}-{one.cpu}")


def adding(number):
    return f"define i64 @add(i64 %a) {{\n  %b = add i64 %a, {number}\n  ret i64 %b\n}}\n"


def call_add(module, number):
    return module.function("add", ctypes.c_int64, ctypes.c_int64)(number)


def forget():
    """Leave nothing in memory, as in another process."""
    native._recent.clear()
    native._alive.clear()


@pytest.fixture
def generated(monkeypatch):
    """Return the texts for which code is generated."""
    texts = []
    real = native.emit_object
    monkeypatch.setattr(
        native, "emit_object", lambda text, target: texts.append(text) or real(text, target)
    )
    return texts


# --- calling --------------------------------------------------------------------------------------


@by_name
def test_a_function_runs(target):
    module = compile_module(adding(2), target)
    assert call_add(module, 40) == 42
    assert module.address("add") > 0
    assert module.object_bytes > 0
    assert module.seconds >= 0


def test_constants_and_helpers_of_a_module_are_found():
    text = """
@table = private unnamed_addr constant [4 x double] [double 1.0, double 2.5, double 4.0, double 8.0]
define internal double @twice(double %a) noinline { %b = fmul double %a, 2.0
  ret double %b }
define double @look(i64 %at) { %p = getelementptr double, ptr @table, i64 %at
  %a = load double, ptr %p
  %b = call double @twice(double %a)
  %c = fadd double %b, 0x3FB999999999999A
  ret double %c }
"""
    look = compile_module(text, HOST).function("look", ctypes.c_double, ctypes.c_int64)
    assert [look(at) for at in range(4)] == [one * 2 + 0.1 for one in (1.0, 2.5, 4.0, 8.0)]


def test_memory_can_be_cleared_by_the_systems_own_function():
    text = """
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @clear(ptr %a, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 %n, i1 false)
  ret void
}
"""
    numbers = np.ones(1000)
    clear = compile_module(text, HOST).function("clear", None, ctypes.c_void_p, ctypes.c_int64)
    clear(numbers.ctypes.data, numbers.nbytes - 8)
    assert numbers.sum() == 1


def test_a_name_that_is_not_there_is_refused():
    module = compile_module(adding(1), HOST)
    with pytest.raises(GraphError, match=r"needed one of \['add'\], but got 'sub'"):
        module.address("sub")
    with pytest.raises(GraphError, match="Symbols not found"):
        load_object(emit_object(adding(1), HOST), HOST, ["sub"])


def test_a_function_keeps_its_module_and_nothing_else_does():
    module = compile_module(adding(123_456), HOST)
    add = module.function("add", ctypes.c_int64, ctypes.c_int64)
    watch = weakref.ref(module)
    forget()
    del module
    gc.collect()
    assert watch() is not None
    assert add(1) == 123_457
    del add
    gc.collect()
    assert watch() is None


def test_pythons_lock_is_free_while_a_function_runs():
    text = """
define i32 @wait(ptr %flag) {
  br label %look
look:
  %a = load atomic i64, ptr %flag acquire, align 8
  %go = icmp ne i64 %a, 0
  br i1 %go, label %on, label %look
on:
  ret i32 5
}
"""
    wait = compile_module(text, HOST).function("wait", ctypes.c_int32, ctypes.c_void_p)
    flag = np.zeros(1, np.int64)
    results = []
    thread = threading.Thread(target=lambda: results.append(wait(flag.ctypes.data)))
    thread.start()
    assert results == []
    flag[0] = 1
    thread.join(timeout=30)
    assert results == [5]


# --- numbers --------------------------------------------------------------------------------------


def product_and_sum(target, fused):
    code = Code()
    a, b, c = (
        code.load(code.address(Number("%x", "ptr"), code.index(16 * at), "float"), "float", 16)
        for at in range(3)
    )
    made = code.fma(a, b, c) if fused else code.add(code.multiply(a, b), c)
    code.store(made, Number("%y", "ptr"))
    lines = "\n".join([*code.lines, "  ret void"])
    head = f"define void @run(ptr %x, ptr %y) {target.function_attributes} {{\nentry:\n"
    return "\n".join([*sorted(code.declarations), head + lines, "}"])


@by_name
@pytest.mark.parametrize("fused", [True, False])
def test_a_product_and_a_sum_are_rounded_once_only_if_asked(target, fused):
    text = product_and_sum(target, fused)
    assert ("vfmadd" in assembly(text, target)) == fused
    x = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    y = np.empty(16, np.float32)
    run = compile_module(text, target).function("run", None, ctypes.c_void_p, ctypes.c_void_p)
    run(x.ctypes.data, y.ctypes.data)
    if fused:
        exact = x[0].astype(np.float64) * x[1] + x[2]
        # The sum of a 48-bit and a 24-bit number, rounded to 53 bits, then to 24.
        np.testing.assert_allclose(y, exact.astype(np.float32), rtol=1e-7)
    else:
        assert y.tobytes() == (x[0] * x[1] + x[2]).tobytes()


def test_vectors_are_as_wide_as_the_targets():
    widest = {
        target.name: {
            name for name in ("zmm", "ymm") if name in assembly(product_and_sum(target, 1), target)
        }
        for target in (avx2_target(), avx512_target(), aarch64_target())
    }
    assert widest == {"avx2": {"ymm"}, "avx512": {"zmm"}, "aarch64": set()}


def test_sums_stay_in_their_order():
    body = "\n".join(f"  %s{n + 1} = fadd float %s{n}, %a" for n in range(20))
    text = f"define float @sum(float %s0, float %a) {{\n{body}\n  ret float %s20\n}}\n"
    total = compile_module(text, HOST).function(
        "sum", ctypes.c_float, ctypes.c_float, ctypes.c_float
    )
    expected = np.float32(1)
    for _ in range(20):
        expected += np.float32(2**-25)
    assert total(1, 2**-25) == expected == 1


def test_code_for_arm_is_generated_and_never_run():
    target = aarch64_target()
    text = product_and_sum(target, fused=True)
    assert emit_object(text, target)[18:20] == b"\xb7\x00"  # EM_AARCH64
    assert assembly(text, target).count("fmla\t") == 4
    for attempt in (
        lambda: compile_module(text, target),
        lambda: load_object(b"", target, ["run"]),
    ):
        with pytest.raises(ArgumentError, match="the target of native code"):
            attempt()


# --- bad text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "line 1:1: error"),
        (adding(1).replace("add i64", "add i32"), "     2 |   %b = add i32 %a, 1"),
        (adding(1).replace("ret i64 %b", "ret i64 %c"), "undefined value '%c'"),
        ("define void @f() {\n  call void @g()\n  ret void\n}", "undefined value '@g'"),
        ("define void @f() {\n  br label %a\na:\n  %b = phi i1 [ 0, %a ]\n  ret void\n}", "PHI"),
        ("define void @f(i64 %a) {\n  call void @llvm.memset(i64 %a)\n  ret void\n}", "memset"),
        ("", None),
    ],
)
@pytest.mark.parametrize("way", [compile_module, emit_object, assembly])
def test_text_that_llvm_cannot_read_is_shown(text, said, way):
    if said is None:
        way(text, HOST)
        return
    with pytest.raises(GraphError, match="the LLVM text of a program") as caught:
        way(text, HOST)
    assert said in str(caught.value)


def test_a_function_that_is_nowhere_is_refused_when_loaded():
    text = "declare void @nowhere()\ndefine void @f() {\n  call void @nowhere()\n  ret void\n}"
    with pytest.raises(GraphError, match="needed functions that are all there"):
        compile_module(text, HOST)


def test_the_names_to_call_are_those_defined_for_others():
    text = (
        "declare void @a(i64)\ndefine internal void @b() {\n  call void @a(i64 1)\n  ret void\n}\n"
        "define dso_local i32 @c.d(ptr %x) noinline {\n  ret i32 0\n}\n"
        "define private void @e() {\n  ret void\n}\ndefine <4 x float> @f_1(i64 %a) {\n}\n"
    )
    assert native.defined_names(text) == ("c.d", "f_1")


def test_a_system_that_forbids_made_code_is_told_apart(monkeypatch):
    def refuse():
        raise OSError(13, "security restrictions")

    data = emit_object(adding(1), HOST)
    monkeypatch.setattr(native.llvm(), "check_jit_execution", refuse)
    with pytest.raises(NotYetError, match="memory whose contents may be executed"):
        load_object(data, HOST, ["sub"])


# --- remembering ----------------------------------------------------------------------------------


def test_nothing_compiles_twice_in_one_process(generated, monkeypatch):
    monkeypatch.setenv("MISSTEP_CACHE", "off")
    first = compile_module(adding(31), HOST)
    assert compile_module(adding(31), HOST) is first
    assert first.origin == "compiled"
    assert compile_module(adding(32), HOST) is not first
    other = avx2_target()
    assert compile_module(adding(31), other) is not first
    assert generated == [adding(31), adding(32), adding(31)]


def test_another_process_finds_the_code_on_disk(generated, monkeypatch, tmp_path):
    monkeypatch.setenv("MISSTEP_CACHE", str(tmp_path / "cache"))
    compile_module(adding(33), HOST)
    forget()
    module = compile_module(adding(33), HOST)
    assert module.origin == "disk"
    assert call_add(module, 1) == 34
    assert len(generated) == 1


@pytest.mark.parametrize("contents", [b"", b"no object", b"\x7fELF" + bytes(100)])
def test_an_entry_that_is_whole_but_no_code_is_compiled_again(
    contents, generated, monkeypatch, tmp_path
):
    monkeypatch.setenv("MISSTEP_CACHE", str(tmp_path / "cache"))
    forget()
    key = native._key(adding(34), HOST)
    object_cache.write(key, contents)
    assert call_add(compile_module(adding(34), HOST), 1) == 35
    assert len(generated) == 1
    assert object_cache.read(key) not in (None, contents)


def test_code_of_other_functions_is_compiled_again(generated, monkeypatch, tmp_path):
    monkeypatch.setenv("MISSTEP_CACHE", str(tmp_path / "cache"))
    other = adding(35).replace("@add", "@other")
    object_cache.write(native._key(adding(35), HOST), emit_object(other, HOST))
    assert call_add(compile_module(adding(35), HOST), 1) == 36


def test_a_key_covers_all_that_code_depends_on(monkeypatch):
    keys = [native._key(adding(1), HOST), native._key(adding(2), HOST)]
    for target in (avx2_target(), avx512_target(), aarch64_target()):
        keys.append(native._key(adding(1), target))
    for name, value in [
        ("__version__", "9.9"),
        ("llvm_version", lambda: "another"),
        ("PASSES", ()),
        ("EFFORT", 1),
        ("PLACING", {}),
    ]:
        with monkeypatch.context() as changed:
            changed.setattr(native, name, value)
            keys.append(native._key(adding(1), HOST))
    assert len(set(keys)) == len(keys)
    assert native._key(adding(1), HOST) == keys[0]


def test_modules_that_nobody_holds_are_unloaded_in_time(monkeypatch):
    monkeypatch.setattr(native, "MODULES_REMEMBERED", 3)
    held = compile_module(adding(1000), HOST)
    watched = [weakref.ref(compile_module(adding(1001 + number), HOST)) for number in range(6)]
    gc.collect()
    assert [thread() is not None for thread in watched] == [False] * 3 + [True] * 3
    assert compile_module(adding(1000), HOST) is held


def test_threads_that_compile_at_once_compile_once(generated):
    forget()
    texts = [adding(2000 + number // 4) for number in range(16)]
    start = threading.Barrier(len(texts))
    results = [None] * len(texts)

    def compile_one(number):
        start.wait()
        results[number] = call_add(compile_module(texts[number], HOST), 0)

    threads = [threading.Thread(target=compile_one, args=(number,)) for number in range(len(texts))]
    for count in threads:
        count.start()
    for count in threads:
        count.join()
    assert results == [2000 + number // 4 for number in range(16)]
    assert len(generated) <= 4


# --- processes ------------------------------------------------------------------------------------


def run_python(code, **environment):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


START = f"""
import ctypes, os, sys, threading, time
from misstep.compiler.runtime.native import compile_module
from misstep.compiler.runtime.targets import host_target
TEXT = {adding(7)!r}
def add(text=TEXT):
    return compile_module(text, host_target()).function("add", ctypes.c_int64, ctypes.c_int64)
"""


def test_importing_the_compiler_does_not_load_llvm():
    done = run_python(
        "import sys, misstep.compiler.runtime.native, misstep.compiler.runtime.targets\n"
        "import misstep.compiler.runtime.thread_pool\n"
        "print('llvmlite' in sys.modules)"
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_child_process_compiles_although_the_parent_was_compiling():
    done = run_python(
        START
        + """
def compile_much(first):
    for number in range(40):
        add(TEXT.replace(", 7", f", {first + number}"))
add()
thread = threading.Thread(target=compile_much, args=(100,))
thread.start()
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # this very process has two threads
for _ in range(5):
    child = os.fork()
    if not child:
        os._exit(add()(1) + add(TEXT.replace(", 7", ", 8"))(1) - 17)
    assert os.waitpid(child, 0)[1] == 0
thread.join()
print("well")
""",
        MISSTEP_CACHE="off",
    )
    assert (done.stdout, done.stderr) == ("well\n", "")


def test_a_process_ends_well_while_a_thread_is_in_native_code():
    endless = "define void @run() {\\n  br label %a\\na:\\n  br label %a\\n}"
    done = run_python(
        START
        + f"""
run = compile_module("{endless}", host_target()).function("run", None)
threading.Thread(target=run, daemon=True).start()
time.sleep(0.05)
print("bye")
"""
    )
    assert (done.stdout, done.stderr, done.returncode) == ("bye\n", "", 0)
