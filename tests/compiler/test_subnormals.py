"""Numbers below the smallest normal one are zeros to compiled programs, whatever they do with them.

Reference: the interpreter's ops, one by one, on numbers whose subnormal ones were replaced by zeros
of their sign, before and after. The caller's own arithmetic keeps them.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_functions import native
from program_maker import MadeUp

from misstep import ops
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.codegen.target import Target
from misstep.compiler.language import vector_math
from misstep.compiler.passes import simplify
from misstep.compiler.passes.facts import flushed
from misstep.compiler.runtime.native import compile_module
from misstep.compiler.runtime.targets import avx2_target, host_target
from misstep.compiler.runtime.thread_pool import CALL_ARGUMENTS, CALL_RESULT, THREAD_POOL
from misstep.errors import MisstepError, NotYetError
from misstep.ir import Array, Graph, Op, make_input, make_literal, registered_ops

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

TARGETS = [HOST]
if HOST.machine == "x86_64":
    TARGETS.append(avx2_target())
SMALLEST = {dtype: float(np.finfo(dtype).smallest_normal) for dtype in ("float32", "float64")}
KINDS = {"float32": "float", "float64": "double"}
OPS = registered_ops()
# As in test_compiled_ops.py.
ULP = 16

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def small_numbers(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Return numbers around the smallest normal one, of both signs, and a few ordinary ones."""
    powers = random.uniform(-24, 24, shape)
    numbers = random.choice([-1.0, 1.0], shape) * SMALLEST[dtype] * 2.0**powers
    return np.asarray(
        np.where(random.random(shape) < 0.3, random.normal(size=shape), numbers), dtype
    )


def has_subnormal(array: Array) -> bool:
    return array.dtype.kind == "f" and flushed(array).tobytes() != array.tobytes()


def runs(graph: Graph, feeds: dict[str, Array]) -> dict[str, Array]:
    """Return the outputs of a program, the same on any threads and targets and never subnormal."""
    first: dict[str, Array] = {}
    for target in TARGETS:
        program = NativeProgram(graph, target=target)
        for threads in (1, 3):
            program.threads = threads
            outputs, _ = program.run({name: np.array(array) for name, array in feeds.items()})
            for name, array in outputs.items():
                assert not has_subnormal(array), (name, target.name)
                known = first.setdefault(name, array)
                assert array.tobytes() == known.tobytes(), (name, target.name, threads)
    return first


# Ops and programs


def examples(name: str, dtype: str) -> Iterator[tuple[Op, list[Array]]]:
    random = np.random.default_rng(3)
    for op, arrays in OPS[name].examples(random):
        yield (
            op,
            [
                small_numbers(random, np.shape(array), dtype)
                if np.asarray(array).dtype.kind == "f"
                else np.asarray(array)
                for array in arrays
            ],
        )


@pytest.mark.parametrize("dtype", SMALLEST)
@pytest.mark.parametrize("name", OPS)
def test_every_op_takes_them_for_zeros(name: str, dtype: str) -> None:
    for op, arrays in examples(name, dtype):
        leaves = [
            make_input(f"v{k}", array.shape, array.dtype.name) for k, array in enumerate(arrays)
        ]
        try:
            graph = Graph({"out": op(*leaves)}, leaves)
        except MisstepError:
            continue
        actual = runs(graph, {f"v{k}": array for k, array in enumerate(arrays)})["out"]
        expected = flushed(np.asarray(op.run(*map(flushed, arrays))))
        if expected.dtype.kind != "f":
            np.testing.assert_array_equal(actual, expected, str(op))
            continue
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(actual[~finite], expected[~finite], str(op))
        largest = float(np.abs(expected[finite]).max(initial=0.0))
        # Sums of few numbers, each of which may be a zero here and just above one there.
        close = ULP * float(np.finfo(expected.dtype).eps)
        room = close * largest + 8 * SMALLEST[expected.dtype.name]
        np.testing.assert_allclose(actual[finite], expected[finite], close, room, err_msg=str(op))


def choices(x: Any) -> dict[str, Any]:
    """Return what only chooses or moves: where no arithmetic would make zeros of them."""
    zero = make_literal(0.0, "float32")
    return {
        "relu": ops.relu(x),
        "where": ops.where(x < zero, zero, x),
        "other where": ops.where(zero < x, x, zero),
        "maximum": ops.maximum(x, -x),
        "absolute": ops.absolute(x),
        "one": x * 1.0,
        "nothing": x + 0.0,
        "turned": ops.transpose(x),
        "flat": ops.reshape(x, (-1,)),
        "joined": ops.concatenate([x, x], axis=0),
        "max": ops.max(x, axis=1),
        "same": x,
    }


def test_what_is_only_chosen_or_moved_leaves_a_program_as_zero_of_its_sign() -> None:
    x = make_input("x", (9, 35))
    numbers = np.random.default_rng(0).uniform(-1.17e-38, 1.17e-38, (9, 35)).astype("float32")
    numbers[3, :7] = [1e-45, -1e-45, 1.0, -1.0, 0.0, -0.0, np.inf]
    outputs = runs(Graph(choices(x), [x]), {"x": numbers})
    zeros = flushed(numbers)
    for name, array in outputs.items():
        assert np.unique(np.abs(array)).tolist() in ([0.0, 1.0, np.inf], [0.0, np.inf]), name
    np.testing.assert_array_equal(outputs["same"], zeros)
    np.testing.assert_array_equal(np.signbit(outputs["one"]), np.signbit(numbers))
    np.testing.assert_array_equal(outputs["turned"], zeros.T)


@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(sorted(SMALLEST)))
@settings(max_examples=3, deadline=None, derandomize=True)
def test_made_up_programs_give_the_same_bits_everywhere(seed: int, dtype: str) -> None:
    maker = MadeUp(seed, 6, dtype=dtype)
    random = np.random.default_rng(seed)
    feeds = {
        name: small_numbers(random, array.shape, array.dtype.name)
        if array.dtype.kind == "f"
        else array
        for name, array in maker.feeds.items()
    }
    runs(maker.graph(), feeds)


# Functions of mathematics


@cache
def function(name: str, dtype: str, lanes: int, target: Target) -> Callable[..., Array]:
    count = 2 if name == "power" else 1
    return native(lambda code, *x: getattr(code, name)(*x), (KINDS[dtype],) * count, lanes, target)


@pytest.mark.parametrize("dtype", SMALLEST)
@pytest.mark.parametrize("name", vector_math.__all__)
def test_functions_take_and_give_zeros(name: str, dtype: str) -> None:
    numbers = st.floats(width=32 if dtype == "float32" else 64)
    tiny = st.floats(0, SMALLEST[dtype] * 4, width=32 if dtype == "float32" else 64)
    anything = st.one_of(numbers, tiny, tiny.map(lambda x: -x))
    count = 2 if name == "power" else 1

    @given(st.lists(st.tuples(*(anything,) * count), min_size=16, max_size=16))
    @settings(max_examples=25, deadline=None, derandomize=True)
    def check(rows: list[tuple[float, ...]]) -> None:
        x = [np.array(column, dtype) for column in zip(*rows, strict=True)]
        expected = function(name, dtype, 16, HOST)(*map(flushed, x))
        assert not has_subnormal(expected)
        for lanes, target in [(16, HOST), (0, HOST), *((16, other) for other in TARGETS[1:])]:
            actual = function(name, dtype, lanes, target)(*x)
            np.testing.assert_array_equal(actual, expected)
            number = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))

    check()


# What is computed while compiling


@pytest.mark.parametrize("dtype", SMALLEST)
def test_folding_agrees_with_running(dtype: str) -> None:
    least = SMALLEST[dtype]
    x = make_input("x", (3,), dtype)
    half, small = make_literal(0.5, dtype), make_literal(least, dtype)
    tiny = make_literal(np.array([least / 4, -least / 4, least], dtype), dtype)
    outputs = {
        "product": x + half * small,
        "difference": small * 1.5 - small + x,
        "literal": tiny * 1.0,
        "logarithm": ops.log(half * small) + x,
        "kept": ops.maximum(x, tiny),
    }
    graph = Graph(outputs, [x])
    actual = runs(graph, {"x": np.zeros(3, dtype)})
    for name in ("product", "difference"):
        assert actual[name].tolist() == [0, 0, 0], name
    assert actual["literal"].tolist() == actual["kept"].tolist() == [0, 0, least]
    assert actual["logarithm"].tolist() == [-np.inf] * 3
    folded = simplify(Graph({"y": half * small + x}, [x]))
    assert all(not has_subnormal(np.asarray(value.data)) for value in folded.literals)


# Decay


def test_moments_of_what_gets_no_gradient_end_at_zero() -> None:
    """Moments of a weight without gradients, as of a dead unit, decay: 0.9^n is 1e-38 after 830."""
    steps, size = 1200, 24
    names = ("w", "m", "v")
    w, m, v = (make_input(name, (size,)) for name in names)
    g = make_input("g", (size,))
    new_m = 0.9 * m + 0.1 * g
    new_v = 0.9 * v + 0.1 * (g * g)
    new_w = w - 0.01 * new_m / (ops.sqrt(new_v) + 1e-8)
    graph = Graph({"new_w": new_w, "new_m": new_m, "new_v": new_v}, [w, m, v, g])
    roles = Roles(states={f"new_{name}": name for name in names}, stepped=["g"])
    gradients = np.zeros((steps, size), "float32")
    gradients[:2] = np.random.default_rng(0).normal(size=(2, size))
    kept: list[bytes] = []
    for target in TARGETS:
        program = NativeProgram(graph, roles, target=target)
        program.threads = 3
        feeds: dict[str, Array] = {name: np.zeros(size, "float32") for name in names}
        feeds["g"] = gradients
        program.run(feeds, steps)
        assert not feeds["m"].any()
        assert not feeds["v"].any()
        kept.append(feeds["w"].tobytes())
    assert len(set(kept)) == 1
    plain_m = np.zeros(size, "float32")
    for row in gradients[:800]:
        plain_m = flushed(np.float32(0.9) * plain_m + np.float32(0.1) * row)
    feeds = {name: np.zeros(size, "float32") for name in names}
    feeds["g"] = gradients[:800].copy()
    program.run(feeds, 800)
    np.testing.assert_array_equal(feeds["m"], plain_m)


# The caller's own arithmetic


def keeps_subnormals() -> bool:
    return bool(np.float32(1e-38) * np.full(8, 0.5, "float32").max() > 0) and 5e-324 * 1.0 > 0


@cache
def product() -> NativeProgram:
    x, w = make_input("x", (64, 64)), make_input("w", (64, 64))
    loss = ops.sum(x @ w)
    graph = Graph({"loss": loss, "new_w": w * 0.5 + w * x}, [x, w])
    return NativeProgram(graph, Roles(states={"new_w": "w"}, logged=["loss"], guard="loss"))


def run_product(entry: float, threads: int, steps: int = 3) -> int:
    program = product().on_threads(None)
    program.threads = threads
    feeds = {"x": np.full((64, 64), entry, "float32"), "w": np.full((64, 64), 1e-38, "float32")}
    _, done = program.run(feeds, steps)
    return done


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_caller_s_numbers_stay_what_they_were(threads: int) -> None:
    assert keeps_subnormals()
    assert run_product(0.25, threads) == 3
    assert keeps_subnormals()


def test_also_when_a_program_ends_early_or_by_an_error() -> None:
    assert run_product(np.inf, 2) == 0
    assert keeps_subnormals()
    with pytest.raises(MisstepError):
        product().run({"x": np.zeros(3), "w": np.zeros(3)})
    assert keeps_subnormals()


def run_on() -> None:
    while True:
        run_product(0.25, 2, 2000)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to threads are POSIX's")
def test_also_when_a_run_is_interrupted() -> None:
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_on()
    timer.join()
    assert keeps_subnormals()


def test_also_in_other_threads_that_run_programs() -> None:
    found: list[bool] = []

    def work() -> None:
        run_product(0.25, 2)
        found.append(keeps_subnormals())

    others = [threading.Thread(target=work) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert found == [True] * 3


@pytest.mark.skipif(HOST.machine != "x86_64", reason="reads the setting with x86's instruction")
def test_also_in_the_pool_s_own_threads() -> None:
    run_product(0.25, 3)
    text = """
declare void @llvm.x86.sse.stmxcsr(ptr)
define i32 @setting(ptr %context, i64 %thread, i64 %threads) {
  %place = getelementptr i32, ptr %context, i64 %thread
  call void @llvm.x86.sse.stmxcsr(ptr %place)
  ret i32 0
}
"""
    read = compile_module(text, HOST).function("setting", CALL_RESULT, *CALL_ARGUMENTS)
    settings_found = (ctypes.c_uint32 * 3)()
    THREAD_POOL.run(read, ctypes.addressof(settings_found), 3)
    assert [setting & 0x8040 for setting in settings_found] == [0, 0, 0]
    assert all(setting & 0x1F80 == 0x1F80 for setting in settings_found)


def test_the_setting_is_part_of_what_machine_code_is_kept_under() -> None:
    """Code that an earlier version left on disk, which kept subnormal numbers, is not found."""
    text = product().lowered.text
    assert 'denormal-fp-math"="preserve-sign,preserve-sign' in text
    if HOST.machine == "x86_64":
        assert f"store i32 {0x9FC0}, ptr %own" in text
