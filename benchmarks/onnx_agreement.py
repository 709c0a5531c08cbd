"""Whether ONNX files of networks say what the networks say, run by others.

`python -m benchmarks.onnx_agreement`: some forty networks of all kinds, with drawn weights and
running statistics, 100 rows each, in float32, against ONNX Runtime and ONNX's own evaluator. The
difference is a share of the larger of 1 and the number. Exits with 1 where one is above 1e-5. Needs
the packages onnx and onnxruntime. Trained models with their preparation are held against ONNX's
evaluator in `tests/interchange/test_onnx_models.py`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from tests.interchange import keras_twins, torch_twins

TOLERANCE, ROWS = 1e-5, 100
nn = ms.nn
# How to make the layers, the shape of a row, and below which number whole ones are looked up.
Case = tuple[Callable[[], Any], tuple[int, ...], int]
ACTIVATIONS = (
    *(nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign),
    *(nn.HardSigmoid, nn.HardSwish, nn.HardTanh, nn.LeakyReLU, nn.Softmax, nn.ThresholdedReLU),
)


def cases() -> dict[str, Case]:
    """Return the networks by name."""
    found: dict[str, Case] = {}
    for name, twin in torch_twins.TWINS.items():
        found[f"as PyTorch's: {name}"] = (twin.layers, twin.shape, twin.whole)
    for name, other in keras_twins.TWINS.items():
        found[f"as Keras': {name}"] = (other.layers, other.shape, other.whole)
    for kind in ACTIVATIONS:
        found[kind.__name__] = (
            lambda kind=kind: ms.Sequential(ms.Dense(9), kind(), ms.Dense(7), kind(), ms.Dense(3)),
            (5,),
            0,
        )
    layers = ms.Sequential
    return found | {
        "root mean squares": (
            lambda: layers(ms.Dense(8), nn.RMSNorm(), ms.ReLU(), nn.LayerNorm(), ms.Dense(2)),
            (4,),
            0,
        ),
        "pooling": (
            lambda: layers(
                *(ms.Conv2D(4, 3, padding="same"), nn.AveragePool2D(2), ms.Conv2D(3, 2, stride=2)),
                *(nn.GlobalMaxPool2D(), ms.Dense(2)),
            ),
            (9, 9, 1),
            0,
        ),
        "enlarging": (
            lambda: layers(ms.Conv2D(3), nn.UpSample2D(2), ms.Conv2D(2, 3, padding="same")),
            (4, 5, 2),
            0,
        ),
        "neighbors": (
            lambda: layers(ms.Conv2D(6, 3), nn.LocalResponseNorm(), ms.Flatten(), ms.Dense(3)),
            (6, 6, 2),
            0,
        ),
        "spreading": (
            lambda: layers(
                *(ms.Conv1D(4, 3, padding="same"), nn.Conv1DTranspose(3, 2, stride=2)),
                *(nn.GlobalAveragePool1D(), ms.Dense(2)),
            ),
            (8, 2),
            0,
        ),
        "over time": (
            lambda: layers(ms.GRU(4, return_sequences=True), nn.TemporalPooling(), ms.Dense(2)),
            (6, 2),
            0,
        ),
        "filled up": (
            lambda: layers(ms.Embedding(9, 4, padding=0), ms.LSTM(5), ms.Dense(2)),
            (6,),
            9,
        ),
        "filled up, attention": (
            lambda: layers(
                *(ms.Embedding(9, 4, padding=0), nn.PositionalEncoding(), nn.TransformerBlock(2)),
                *(nn.GlobalAveragePool1D(), ms.Dense(2)),
            ),
            (6,),
            9,
        ),
        "peepholes": (lambda: layers(ms.LSTM(4, peepholes=True), ms.Dense(2)), (6, 2), 0),
        "side by side": (
            lambda: layers(nn.Parallel(ms.Dense(3), layers(ms.Dense(4), ms.Tanh())), ms.Dense(2)),
            (5,),
            0,
        ),
        "waves of numbers": (
            lambda: layers(nn.PeriodicEmbedding(), ms.Flatten(), ms.Dense(2)),
            (3,),
            0,
        ),
        "an ensemble": (
            lambda: ms.Ensemble(ms.MemberDense(5), ms.ReLU(), ms.MemberDense(2), members=4),
            (3,),
            0,
        ),
        "looking back": (
            lambda: layers(nn.MultiHeadAttention(2, causal=True), ms.Flatten(), ms.Dense(2)),
            (5, 4),
            0,
        ),
    }


def differences(case: Case, path: Path) -> tuple[float, float]:
    """Return how far ONNX Runtime and ONNX's evaluator are off."""
    import onnxruntime
    from onnx.reference import ReferenceEvaluator

    make, shape, whole = case
    random = np.random.default_rng(0)
    network = ms.Network(make(), input_shape=shape)
    network.parameters[:] += random.normal(0, 0.2, network.parameter_count)
    for name, array in network.arrays().items():
        if name.endswith(".variance"):
            array[:] = random.uniform(0.5, 2, array.shape)
        elif name.endswith(".mean"):
            array[:] = random.normal(0, 0.3, array.shape)
    if whole:
        x = random.integers(0, whole, (ROWS, *shape)).astype("float32")
    else:
        x = random.normal(size=(ROWS, *shape)).astype("float32")
    network.to_onnx(path)
    own = network.predict(x)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    share = np.maximum(1, np.abs(own))
    others = (session.run(None, {"x": x})[0], ReferenceEvaluator(str(path)).run(None, {"x": x})[0])
    first, second = (float((np.abs(own - one) / share).max()) for one in others)
    return first, second


def main() -> int:
    """Say how far each network's file is off."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases().items():
            first, second = differences(case, Path(folder) / "n.onnx")
            worst = max(worst, first, second)
            print(f"{name:28} ONNX Runtime {first:.1e}  evaluator {second:.1e}")
    print(f"{len(cases())} networks, at most {worst:.1e} off")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
