"""Training of layers with buffers, masks and attention: compiled, against the interpreter.

The same numbers to 1e-9 in float64, the same bits on any number of threads, with accumulation and
with a batch of one row at the end of an epoch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Array
from misstep.nn import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    LayerNorm,
    Module,
    MultiHeadAttention,
    Network,
    PositionalEncoding,
    PositionEmbedding,
    ReLU,
    Residual,
    RMSNorm,
    Sequential,
    SpatialDropout,
    Tanh,
    TransformerBlock,
)
from misstep.nn.losses import CrossEntropy
from misstep.optim import L2, SGD, Adam, AdamW
from misstep.train import Trainer
from misstep.train.programs import Programs
from misstep.train.synthetic import synthetic_inputs

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

VECTORS = np.random.default_rng(9).normal(0, 1, (9, 4))
NETWORKS: list[tuple[Module, tuple[int, ...]]] = [
    (Sequential(Dense(9), BatchNorm(), ReLU(), Dense(7), BatchNorm(0.3), Tanh()), (5,)),
    (Sequential(BatchNorm(), Dense(6), RMSNorm(), Dropout(0.2), LayerNorm()), (3, 4)),
    (Sequential(Residual(Dense(4), BatchNorm(), ReLU(), Dense(4), BatchNorm()), ReLU()), (2, 3, 4)),
    (Sequential(Embedding(9, 4, mask=True), BatchNorm(), GlobalAveragePool1D()), (6,)),
    (
        Sequential(
            Embedding(9, 4, mask=True),
            PositionEmbedding(),
            TransformerBlock(2, 7, 0.1),
            LayerNorm(),
            GlobalMaxPool1D(),
        ),
        (6,),
    ),
    (
        Sequential(
            Embedding(9, 4, padding=2, vectors=VECTORS, trainable=False),
            PositionalEncoding(),
            SpatialDropout(0.2),
            Residual(RMSNorm(), MultiHeadAttention(2, causal=True)),
            BatchNorm(),
            TransformerBlock(1, 5, norm_first=False, activation="relu"),
            GlobalAveragePool1D(),
            BatchNorm(),
        ),
        (5,),
    ),
]
every_network = pytest.mark.parametrize(("layers", "shape"), NETWORKS, ids=range(len(NETWORKS)))


def made(layers: Module, shape: tuple[int, ...], dtype: str = "float64") -> Network:
    return Network(Sequential(layers, Flatten(), Dense(3)), shape, dtype=dtype, seed=4)


def data(network: Network, rows: int) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = network.with_positions(random.normal(0, 1, (rows, *network.input_shape)))
    return x, random.integers(0, 3, rows)


@every_network
@pytest.mark.parametrize("accumulate", [1, 2])
def test_training_is_that_of_the_interpreter(
    layers: Module, shape: tuple[int, ...], accumulate: int
) -> None:
    actual: list[dict[str, Any]] = []
    for compiling in (True, False):
        # Not Adam: before a BatchNorm biases have no gradient but rounding, which it would scale
        # up.
        network = made(layers, shape)
        x, y = data(network, 25)  # of batches of 8, the last one has one row
        trainer = Trainer(
            network,
            loss=CrossEntropy(),
            optimizer=SGD(0.05, momentum=0.9),
            regularizers=L2(1e-3),
            batch_size=8,
            accumulate=accumulate,
            seed=3,
            compiling=compiling,
        )
        run = trainer.fit(x, y, epochs=3, validation=(x, y), sample_weight=np.linspace(0.1, 1, 25))
        assert run.finished
        assert trainer.backend.startswith("compiled" if compiling else "interpreter")
        actual.append(
            {
                "parameters": network.parameters,
                "buffers": network.buffers,
                "losses": [
                    [epoch["training_loss"], epoch["validation_loss"]] for epoch in run.history
                ],
                "predicted": trainer.predict(x),
                "one": trainer.predict(x[:1]),
                "raw": network.inference(compiling).predict(x),
            }
        )
    for name, expected in actual[1].items():
        np.testing.assert_allclose(actual[0][name], expected, rtol=1e-9, atol=1e-11, err_msg=name)


@every_network
@pytest.mark.parametrize("kind", ["step", "accumulate", "evaluate"])
def test_the_same_bits_on_any_number_of_threads(
    layers: Module, shape: tuple[int, ...], kind: str
) -> None:
    network = made(layers, shape, "float32")
    programs = Programs(network, CrossEntropy(), Adam(0.01))
    if kind == "evaluate":
        program = programs.network.inference().evaluate_program(17, programs.loss)
    else:
        program = getattr(programs, kind)(17, weighted=False)
    native = program.compiled()
    assert native is not None
    inputs = synthetic_inputs(programs, program, 17, 4)
    sums = {
        "gradients": np.zeros_like(network.parameters),
        "gradient_weight": np.zeros((), "float32"),
    }
    expected: dict[str, bytes] = {}
    for threads in (1, 2, 3, 8):
        native.threads = threads
        feeds = {
            name: np.array(array) if name in program.roles.states else array
            for name, array in {**inputs.feeds, **sums}.items()
        }
        out, done = native.run(feeds, inputs.steps, row_numbers=inputs.row_numbers)
        assert done == inputs.steps
        bits = {name: np.array(array).tobytes() for name, array in out.items()}
        expected = expected or bits
        assert bits == expected, threads


def test_a_program_without_buffers_has_none() -> None:
    network = made(Sequential(Dense(4), LayerNorm(), ReLU()), (5,))
    programs = Programs(network, CrossEntropy(), SGD())
    for program in (
        programs.step(4, weighted=False),
        programs.accumulate(4, weighted=False),
        programs.network.inference().evaluate_program(4, programs.loss),
        programs.network.inference().predict_program(4, programs.loss),
    ):
        names = {value.name for value in program.graph.inputs} | set(program.graph.outputs)
        assert "buffers" not in names
        assert "buffers" not in program.roles.states


def test_batch_norm_needs_no_copy_of_the_state() -> None:
    # A sum that the backward pass reads is also what the scale is updated by, which that reads too.
    network = made(NETWORKS[0][0], (5,))
    programs = Programs(network, CrossEntropy(), Adam())
    native = programs.step(16, weighted=False).compiled()
    assert native is not None
    buffers = {
        view.buffer.name for kernel in native.schedule.fused.kernels for _, view in kernel.results
    }
    assert "buffers" in buffers
    assert not [name for name in buffers if name.startswith("next ")]


def test_frozen_vectors_stay_as_they_are() -> None:
    network = made(*NETWORKS[5])
    before = network.arrays()["sequential1.embedding1.vectors"].copy()
    x, y = data(network, 20)
    assert (before[2] == 0).all()
    np.testing.assert_array_equal(np.delete(before, 2, 0), np.delete(VECTORS, 2, 0))
    moved = network.arrays()["sequential1.batchnorm1.mean"].copy()
    Trainer(network, loss=CrossEntropy(), optimizer=AdamW(0.1)).fit(x, y, epochs=2)
    np.testing.assert_array_equal(network.arrays()["sequential1.embedding1.vectors"], before)
    assert (network.arrays()["sequential1.batchnorm1.mean"] != moved).all()
