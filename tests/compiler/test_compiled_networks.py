"""Networks of any kind, compiled, against the interpreter in float64: forward, gradients, training.

At least 500 networks are tried: random shapes, layers, activations, losses, clipping, regularizers,
dropout and weights. An error is measured against the largest entry of a result, or against 0.1
where that is less: rows and weights are about 1, and what is much smaller is a difference of what
is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from networks_maker import Case, cases

from misstep.compiler import NativeProgram
from misstep.compiler.runtime import native
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Array, Interpreter
from misstep.ir.graph import in_float64
from misstep.train import Trainer

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

FORWARD = {"float32": 1e-6, "float64": 1e-14}
GRADIENT = {"float32": 1e-5, "float64": 1e-13}
LEAST = 0.1
USUAL_SUM = 128
# Networks in each part; the first is generated as for people, the others with LLVM's least effort:
# that takes half the time and changes no bit, as a test below holds.
PARTS = (60, 150, 150, 150)


def error(actual: Any, expected: Any, least: float = LEAST) -> float:
    """Return the largest distance, relative to the largest entry or to `least`."""
    assert np.shape(actual) == np.shape(expected)
    if not np.size(expected):
        return 0.0
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), least))


def check(case: Case) -> None:
    network = case.network()
    graph, feeds = case.graph(network)
    program = NativeProgram(graph)
    program.threads = 1 + case.seed % 3
    actual, _ = program.run(feeds)
    wide, _ = in_float64(graph)
    expected = Interpreter(wide).run(feeds)
    # A small output is a difference of numbers about as large as 1, and off by a share of those.
    # Rounding grows like the root of how many numbers are summed; and a square is off by twice the
    # share that what is squared is off by.
    longest = max(place.specification.fan_in for place in network.parameter_slices)
    allowed = FORWARD[case.dtype] * max(1.0, (longest / USUAL_SUM) ** 0.5)
    for name, times in (("prediction", 1), ("loss", 2)):
        assert actual[name].dtype == case.dtype
        assert error(actual[name], expected[name], 1.0) <= times * allowed, (name, case)
    assert error(actual["gradient"], expected["gradient"]) <= GRADIENT[case.dtype], case


@pytest.mark.parametrize("part", range(len(PARTS)))
def test_forward_and_gradients_of_500_networks(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(PARTS) >= 500
    if part:
        monkeypatch.setattr(native, "EFFORT", 0)

    @seed(part)
    @given(case=cases())
    @settings(max_examples=PARTS[part], deadline=None, database=None)
    def tried(case: Case) -> None:
        check(case)

    tried()


@given(case=cases())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_effort_of_generating_code_changes_no_bit(case: Case) -> None:
    graph, feeds = case.graph(case.network())
    outputs = []
    for effort in (0, native.EFFORT):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(native, "EFFORT", effort)
            outputs.append(NativeProgram(graph).run(feeds)[0])
    for name, array in outputs[0].items():
        assert array.tobytes() == outputs[1][name].tobytes()


# --- training -------------------------------------------------------------------------------------

CLOSE = 1e-9


def trained(
    case: Case, dtype: str, batch: int | str, accumulate: int, compiling: bool
) -> dict[str, Array]:
    network = case.network(dtype)
    trainer = Trainer(
        network,
        loss=case.loss,
        optimizer=case.optimizer,
        clipping=case.clipping,
        regularizers=case.regularizers,
        batch_size=batch,
        accumulate=accumulate,
        seed=case.seed,
        compiling=compiling,
    )
    x = case.x.astype(dtype)
    y = case.y if case.y.dtype.kind == "i" else case.y.astype(dtype)
    weights = None if case.weights is None else case.weights.astype(dtype)
    run = trainer.fit(x, y, epochs=2, sample_weight=weights, validation=(x, y))
    assert run.finished
    assert trainer.backend.startswith("compiled" if compiling else "interpreter")
    judged = trainer.evaluate(x, y, weights)
    names = [name for name in run.history[0] if name.endswith("loss")]
    return {
        "parameters": network.parameters.copy(),
        "losses": np.array([[values[name] for name in names] for values in run.history]),
        "judged": np.array([judged["loss"]]),
        "predicted": trainer.predict(x),
    }


@given(
    case=cases(), batch=st.sampled_from([1, 3, 8, "full"]), accumulate=st.sampled_from([1, 1, 2])
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_training_agrees_with_the_interpreter(
    case: Case, batch: int | str, accumulate: int
) -> None:
    """float32 may be off by what its rounding costs in the interpreter: training amplifies it."""
    actual = trained(case, case.dtype, batch, accumulate, True)
    expected = trained(case, "float64", batch, accumulate, False)
    narrow = trained(case, case.dtype, batch, accumulate, False)
    allowed = max(error(narrow[name], expected[name]) for name in expected)
    for name, array in expected.items():
        limit = CLOSE if case.dtype == "float64" else 1e-5 + 20 * allowed
        assert error(actual[name], array) <= limit, (name, case)
