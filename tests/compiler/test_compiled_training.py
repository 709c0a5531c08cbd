"""Compiled training: the same bits however it runs, exact feeding, guards, and ways back.

Whatever must not decide a number is varied (threads, width of vectors, steps in one call, probes),
and the weights after training must not change by a bit.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram
from misstep.compiler.codegen.lower import lower
from misstep.compiler.passes import simplify
from misstep.compiler.runtime.native import assembly
from misstep.compiler.runtime.targets import aarch64_target, host_target
from misstep.compiler.schedule.scheduling import schedule_graph
from misstep.errors import NotYetError
from misstep.ir import Array, Op, Type, Value
from misstep.nn import Program
from misstep.ops.elementwise import Gradients
from misstep.train.ordering import epoch_order
from misstep.train.pace import Pace
from misstep.train.programs import Programs

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

ROWS, FEATURES, CLASSES = 150, 70, 5


def data(dtype: str = "float32", rows: int = ROWS) -> tuple[Array, Array]:
    random = np.random.default_rng(1)
    x = random.normal(0, 1, (rows, FEATURES)).astype(dtype)
    return x, random.integers(0, CLASSES, rows)


@dataclass(frozen=True)
class Way:
    """A training whose bits must not depend on how it runs."""

    layers: Callable[[], ms.Module]
    options: dict[str, Any]
    dtype: str = "float32"
    weighted: bool = False

    def train(self, *, epochs: int = 2, fit: dict[str, Any] | None = None, **more: Any) -> bytes:
        x, y = data(self.dtype)
        options = {"loss": ms.CrossEntropy(), "batch_size": 67, "seed": 3} | self.options | more
        trainer = ms.Trainer(self.layers(), dtype=self.dtype, **options)
        weights = np.linspace(0, 2, ROWS).astype(self.dtype) if self.weighted else None
        run = trainer.fit(x, y, epochs=epochs, sample_weight=weights, **(fit or {}))
        assert run.finished
        assert trainer.backend.startswith("compiled for ")
        return trainer.network.parameters.tobytes() + np.array(run.losses).tobytes()


def deep() -> ms.Module:
    return ms.Sequential(
        ms.Dense(16),
        ms.ReLU(),
        ms.Dropout(0.3),
        ms.Residual(ms.Dense(16), ms.Tanh()),
        ms.Dense(CLASSES),
    )


def shallow() -> ms.Module:
    return ms.Sequential(ms.Dense(66), ms.Sigmoid(), ms.Dense(CLASSES))


WAYS = {
    "adam": Way(deep, {"optimizer": ms.Adam(0.01)}),
    "clipped": Way(
        deep,
        {
            "optimizer": ms.SGD(0.1, momentum=0.9),
            "clipping": ms.optim.ClipNorm(0.1),
            "regularizers": [ms.optim.L2(0.01), ms.optim.L1(0.001)],
        },
    ),
    "double": Way(shallow, {"optimizer": ms.optim.RMSProp(0.01)}, "float64", weighted=True),
    "added up": Way(
        shallow, {"optimizer": ms.optim.Nadam(0.01), "accumulate": 2, "batch_size": 40}
    ),
    "one by one": Way(shallow, {"optimizer": ms.SGD(0.01), "batch_size": 1}),
    "all at once": Way(shallow, {"optimizer": ms.AdamW(0.01), "batch_size": "full"}),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make every program run on exactly so many threads, however little there is to do."""
    compiled = Program.compiled
    threads_now = [1]

    def forced(self: Program, threads: int | None = None) -> NativeProgram | None:
        native = compiled(self, threads)
        if native is not None and native.threads != threads_now[0]:
            native.threads = threads_now[0]
        return native

    monkeypatch.setattr(Program, "compiled", forced)

    def choose(count: int) -> None:
        threads_now[0] = count

    return choose


@every_way
def test_threads_do_not_change_a_bit(way: Way, on: Callable[[int], None]) -> None:
    results = set()
    for count in (1, 2, 3, 4, 8):
        on(count)
        results.add(way.train())
    assert len(results) == 1


@every_way
def test_neither_does_running_again(way: Way) -> None:
    assert way.train() == way.train()


@pytest.mark.skipif(
    HOST.machine != "x86_64" or HOST.vector_bytes < 64, reason="this processor has no AVX-512"
)
@every_way
def test_neither_does_the_width_of_vectors(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for name in ("avx2", "avx512"):
        monkeypatch.setenv("MISSTEP_TARGET", name)
        results.append(way.train())
    assert results[0] == results[1]


class Listening(ms.Callback):
    """Hears every update, so that steps are taken one by one."""

    def __init__(self) -> None:
        self.heard = 0

    def on_update(self, training: Any) -> None:
        self.heard += 1


@every_way
def test_neither_does_how_many_steps_are_taken_at_once(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening()
    one_by_one = way.train(fit={"callbacks": [listening]})
    assert listening.heard
    assert one_by_one == way.train()
    monkeypatch.setattr(Pace, "record", lambda self, steps, seconds: setattr(self, "steps", 10**6))
    assert one_by_one == way.train()


@every_way
def test_neither_does_watching(way: Way, tmp_path: Path) -> None:
    alone = way.train()
    assert way.train(fit={"folder": tmp_path / "a", "probe_every": 0}) == alone
    assert way.train(fit={"folder": tmp_path / "b", "probe_every": 1}) == alone
    assert way.train(fit={"validation": data(way.dtype), "probe_every": 2}) == alone


# --- feeding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [30, 31, 37, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_row_of_every_batch_counts_as_in_the_interpreter(rows: int, weighted: bool) -> None:
    """Rows are shuffled anew each epoch, and the last batch is as small as it is."""
    x, y = data("float64", rows)
    weights = np.random.default_rng(0).uniform(0, 3, rows) if weighted else None
    actual = []
    for compiling in (True, False):
        trainer = ms.Trainer(
            shallow(),
            loss=ms.CrossEntropy((1, 2, 3, 1, 1)),
            optimizer=ms.SGD(0.2, momentum=0.5),
            batch_size=10,
            seed=4,
            dtype="float64",
            compiling=compiling,
        )
        run = trainer.fit(x, y, epochs=3, sample_weight=weights)
        actual.append((trainer.network.parameters, np.array(run.losses), run.updates))
    (ours, our_losses, updates), (expected, losses, wanted_updates) = actual
    assert updates == wanted_updates == 3 * -(-rows // 10)
    np.testing.assert_allclose(ours, expected, 1e-10, 1e-12)
    np.testing.assert_allclose(our_losses, losses, 1e-12)


# --- guards ---------------------------------------------------------------------------------------


class Keeping(ms.Callback):
    """Keeps the weights at the end, as training left them."""

    def on_training_end(self, training: Any) -> None:
        self.weights = training.state.parameters.copy()


class KeepingEach(Keeping):
    """Keeps the weights after each update as well."""

    def __init__(self) -> None:
        self.each: list[bytes] = []

    def on_update(self, training: Any) -> None:
        self.each.append(training.state.parameters.tobytes())


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch", [1, 20, "full"])
@pytest.mark.parametrize("fatal", [3e38, 1e30])
def test_a_loss_that_is_not_finite_leaves_the_weights_alone(
    threads: int, batch: int | str, fatal: float, on: Callable[[int], None]
) -> None:
    on(threads)
    x, _ = data()
    y = np.zeros((ROWS, 1), "float32")
    y[99] = fatal  # its square is inf
    network = ms.Sequential(ms.Dense(9), ms.Tanh(), ms.Dense(1))
    first = ms.Network(network, (FEATURES,), seed=5).parameters.tobytes()
    heard: list[Keeping] = [KeepingEach(), Keeping()]
    runs = []
    for callback in heard:
        trainer = ms.Trainer(
            network, loss=ms.SquaredError(), optimizer=ms.SGD(1e-3), batch_size=batch, seed=5
        )
        runs.append(trainer.fit(x, y, epochs=2, callbacks=[callback]))
    assert isinstance(heard[0], KeepingEach)
    each = heard[0].each
    place = epoch_order(ROWS, 5, 0).tolist().index(99)
    wanted_updates = 0 if batch == "full" else place // int(batch)
    assert len(each) == runs[0].updates == runs[1].updates == wanted_updates
    expected = each[-1] if each else first
    for callback, run in zip(heard, runs, strict=True):
        assert callback.weights.tobytes() == expected
        assert not run.finished
        assert "the loss became inf" in str(run.ending)


# --- stopping, other threads, other processes -----------------------------------------------------


class Pressing(ms.Callback):
    """Presses Ctrl-C some time after the first epoch, in the middle of a later one."""

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch == 1:
            threading.Timer(0.25, self.press).start()

    def press(self) -> None:
        self.pressed = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_heard_within_a_fifth_of_a_second() -> None:
    x, y = data(rows=40_000)
    waits = []
    for _ in range(4):  # another process may be using the core
        trainer = ms.Trainer(shallow(), loss=ms.CrossEntropy(), batch_size=8)
        pressing = Pressing()
        run = trainer.fit(x, y, epochs=10**6, callbacks=[pressing])
        waits.append(time.perf_counter() - pressing.pressed)
        assert not run.finished
        assert run.updates > 5000
        if min(waits) < 0.2:
            return
    raise AssertionError(waits)


# Python 3.12 warns of any other thread there is, such as those of the tests' own runner.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_process_trains_to_the_same_bits(on: Callable[[int], None]) -> None:
    on(2)
    way = WAYS["adam"]
    expected = way.train()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, b"same" if way.train() == expected else b"other")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"same"
    assert os.waitpid(child, 0)[1] == 0
    assert way.train() == expected


# --- what can't be compiled -----------------------------------------------------------------------


@dataclass(frozen=True)
class Halved(Op, abstract=True):
    """Half of each number, without a word to the compiler."""

    name = "halved"
    words = "half of {0}"
    formula = "{0} / 2"
    local_derivatives = ("½",)

    def type(self, *inputs: Type) -> Type:
        return inputs[0]

    def run(self, *inputs: Any, **none: Any) -> Array:
        return inputs[0] / 2

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * 0.5,)


class Halving(ms.Module):
    def forward(self, x: Value) -> Value:
        return Halved()(x)


class Scaling(ms.Module):
    def forward(self, x: Value) -> Value:
        return x * 0.5


def test_what_can_not_be_compiled_trains_in_the_interpreter() -> None:
    x, y = data("float64")
    actual = []
    for halving in (Halving(), Scaling()):
        network = ms.Sequential(ms.Dense(8), halving, ms.Tanh(), ms.Dense(CLASSES))
        trainer = ms.Trainer(network, loss=ms.CrossEntropy(), dtype="float64", seed=1)
        assert trainer.backend == "nothing yet"
        trainer.fit(x, y, epochs=2)
        predicted = trainer.predict(x)
        assert trainer.evaluate(x, y)["accuracy"] == np.mean(predicted.argmax(1) == y)
        actual.append((trainer.backend, trainer.network.parameters, predicted))
    (slow, ours, predicted), (fast, expected, wanted_predicted) = actual
    assert fast == f"compiled for {HOST.cpu}"
    assert slow.startswith("interpreter, because compiling halved")
    np.testing.assert_allclose(ours, expected, 1e-9, 1e-12)
    np.testing.assert_allclose(predicted, wanted_predicted, 1e-9, 1e-12)


def test_the_interpreter_can_be_asked_for() -> None:
    x, y = data()
    trainer = ms.Trainer(shallow(), loss=ms.CrossEntropy(), compiling=False)
    trainer.fit(x, y, epochs=1)
    assert trainer.backend == "interpreter, because the interpreter was asked for"


class Turned(ms.Module):
    def forward(self, x: Value) -> Value:
        return x + ms.ops.flip(x, 0)


class Corner(ms.Module):
    def forward(self, x: Value) -> Value:
        return x - x[0:1, 0:1]


@pytest.mark.parametrize("mixing", [Turned(), Corner()], ids=["turned", "corner"])
@pytest.mark.parametrize("rows", [1, 2, 8, 13, 64])
def test_networks_that_mix_rows_are_judged_on_just_their_rows(mixing: ms.Module, rows: int) -> None:
    x, y = data("float64", rows)
    network = ms.Network(
        ms.Sequential(mixing, ms.Dense(CLASSES)), (FEATURES,), dtype="float64", seed=1
    )
    results = []
    for compiling in (True, False):
        trainer = ms.Trainer(network, loss=ms.CrossEntropy(), compiling=compiling)
        results.append((trainer.predict(x), trainer.evaluate(x, y)["loss"]))
    np.testing.assert_allclose(results[0][0], results[1][0], 1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], 1e-12)


# --- threads, other processors --------------------------------------------------------------------


def step_of(dtype: str, **options: Any) -> Program:
    network = ms.Network(deep(), (FEATURES,), dtype=dtype)
    programs = Programs(network, ms.CrossEntropy(), ms.Adam(), **options)
    return programs.step(33, weighted=True)


def test_a_tiny_network_does_not_pay_for_a_second_thread() -> None:
    network = ms.Network(ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2)), (13,))
    programs = Programs(network, ms.CrossEntropy(), ms.Adam())
    for threads in (None, 8):
        native = programs.step(16, weighted=False).compiled(threads)
        assert native is not None
        assert native.threads == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clipping", [(), (ms.optim.ClipNorm(1.0),)], ids=["plain", "clipped"])
def test_steps_become_code_for_arm(dtype: str, clipping: tuple[ms.optim.Clipping, ...]) -> None:
    """LLVM verifies what it is given; the code is generated, not run."""
    program = step_of(dtype, clipping=clipping)
    text = lower(schedule_graph(simplify(program.graph), program.roles), aarch64_target()).text
    code = assembly(text, aarch64_target())
    assert "fmla" in code
    assert "misstep_run" in code
    assert "zmm" not in code
