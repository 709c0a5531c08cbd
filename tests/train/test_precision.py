"""Training with products of bfloat16: the same bits on any threads and processors, and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram
from misstep.compiler.runtime.targets import avx2_target, host_target
from misstep.errors import ArgumentError, MisstepError, NotYetError
from misstep.ir import Interpreter
from misstep.ops.precision import rounded_to_bfloat16
from misstep.train.programs import Programs

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 7)).astype("float32")
Y = RANDOM.integers(0, 3, 50)


def trainer(**settings: Any) -> ms.Trainer:
    network = ms.Sequential(ms.Dense(19), ms.ReLU(), ms.Dense(3))
    given = {"precision": "bfloat16", "optimizer": ms.AdamW(0.01), "seed": 3, **settings}
    return ms.Trainer(network, loss=ms.CrossEntropy(), batch_size=16, **given)


def weights(one: ms.Trainer, epochs: int = 2, **options: Any) -> bytes:
    one.fit(X, Y, epochs=epochs, watch=False, **options)
    return one.network.parameters.tobytes()


def test_threads_change_no_bit_and_precision_does() -> None:
    one = weights(trainer(threads=1))
    assert one == weights(trainer(threads=2))
    assert one != weights(trainer(precision="float32"))


def test_shards_round_too() -> None:
    one = weights(trainer(shards=4, threads=1))
    assert one == weights(trainer(shards=4, threads=2))
    assert one != weights(trainer(shards=4, precision="float32"))


def test_every_processor_takes_the_step_to_the_bit_and_the_interpreter_nearly() -> None:
    try:
        host = host_target()
    except NotYetError as reason:
        pytest.skip(str(reason))
    network = ms.Network(ms.Sequential(ms.Dense(19), ms.ReLU(), ms.Dense(3)), (7,))
    program = Programs(network, ms.CrossEntropy(), ms.SGD(0.1), precision="bfloat16").step(
        50, weighted=False
    )
    state, scalars = Programs(network, ms.CrossEntropy(), ms.SGD(0.1)).first_state()
    feeds = {
        "parameters": network.parameters,
        "optimizer_state": state,
        "scalars": scalars,
        "x": X,
        "y": Y,
        "learning_rate": 0.1,
        "update": 0,
        "seed": 0,
        "draw": 0,
    }
    feeds = {one.name: feeds[str(one.name)] for one in program.graph.inputs}
    plain = Interpreter(program.graph).run(feeds)["parameters"]
    targets = [host, avx2_target()] if host.machine == "x86_64" else [host]
    found = []
    for target in targets:
        ran = NativeProgram(program.graph, target=target)
        arrays = {name: np.array(array) for name, array in feeds.items()}
        found.append(ran.run(arrays)[0]["parameters"])
    assert len({array.tobytes() for array in found}) == 1
    # A number on the edge between two of 8 bits may fall to either side.
    np.testing.assert_allclose(found[0], plain, rtol=1e-3, atol=1e-3)


def test_a_step_is_that_of_rounded_operands() -> None:
    one = ms.Trainer(
        ms.Dense(2, bias=False),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(1.0),
        batch_size="full",
        precision="bfloat16",
        compiling=False,
    )
    y = RANDOM.normal(size=(50, 2)).astype("float32")
    start = np.array(one.start_record(X, y) and one.network.parameters).reshape(7, 2)
    one.fit(X, y, epochs=1, watch=False)
    x = rounded_to_bfloat16(X)
    slope = 2 * (x @ rounded_to_bfloat16(start) - y) / np.float32(y.size)
    after = start - x.T @ rounded_to_bfloat16(slope)
    near = one.network.parameters.reshape(7, 2)
    assert np.abs(near - after).max() < np.abs(near - (start - X.T @ slope)).max()
    np.testing.assert_allclose(near, after, rtol=1e-5, atol=1e-6)
    # Predictions are of float32.
    np.testing.assert_allclose(one.predict(X), X @ near, rtol=1e-5, atol=1e-6)


def test_words_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"float32.*bfloat16.*fp8"):
        trainer(precision="fp8")
    with pytest.raises(ArgumentError, match="float64"):
        trainer(dtype="float64")


def test_a_network_of_which_nothing_would_be_rounded_is_refused() -> None:
    network = ms.Sequential(ms.Conv1D(3, 7), ms.Flatten())
    one = ms.Trainer(network, loss=ms.CrossEntropy(), precision="bfloat16")
    with pytest.raises(ArgumentError, match=r"ms\.Dense"):
        one.fit(X[:, :, None], Y, epochs=1)


def test_estimators_take_it() -> None:
    options: dict[str, Any] = {"network": "dense8", "epochs": 1, "random_state": 0}
    one, other = (ms.Classifier(precision=name, **options) for name in ("float32", "bfloat16"))
    first = one.fit(X, Y).predict_proba(X)
    assert not np.array_equal(first, other.fit(X, Y).predict_proba(X))


def test_a_variant_has_it_and_a_run_goes_on_with_it_alone(tmp_path: Path) -> None:
    assert trainer().variant(seed=4).precision == "bfloat16"
    whole = weights(trainer(), 2)
    weights(trainer(), 1, folder=tmp_path)
    with pytest.raises(MisstepError, match="precision"):
        weights(trainer(precision="float32"), 2, folder=tmp_path, resume=True)
    assert weights(trainer(), 2, folder=tmp_path, resume=True) == whole
