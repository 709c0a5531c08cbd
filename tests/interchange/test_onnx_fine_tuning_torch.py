"""Networks that PyTorch exported, trained on here and there: the same losses, update by update.

PyTorch is no dependency of this project; `tests/optim/test_optimizers_torch.py` says how to run
these where it is.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from tests.interchange.torch_twins import torch_recurrent, torch_residual

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; tests/optim/test_optimizers_torch.py says more"
)
pytest.importorskip("onnx")
nn = torch.nn

STEPS, ROWS = 100, 32


def exported(model: Any, x: Any, path: Path) -> None:
    open_rows = {"x": {0: "rows"}, "y": {0: "rows"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            *(model, (torch.tensor(x[:2]),), path),
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes=open_rows,
            opset_version=17,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )


def perceptron() -> Any:
    return nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)
    )


def residual() -> Any:
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, 1, 1, bias=False), nn.ReLU(), torch_residual(nn, 4, 4, 1)),
        *(torch_residual(nn, 4, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)),
    )


def recurrent() -> Any:
    return torch_recurrent(nn, nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 3))


@pytest.mark.parametrize(
    ("make", "shape", "rate", "last"),
    [
        (perceptron, (8,), 0.05, None),
        (perceptron, (8,), 0.05, 1),
        (residual, (2, 8, 8), 0.02, None),
        (recurrent, (6, 3), 0.1, None),
    ],
)
def test_losses_are_pytorchs(
    make: Any, shape: tuple[int, ...], rate: float, last: int | None, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = make().double().eval()
    random = np.random.default_rng(0)
    x, y = random.normal(size=(ROWS, *shape)), random.integers(0, 3, ROWS)
    exported(model, x, tmp_path / "n.onnx")
    holders = [one for one in model.modules() if list(one.parameters(recurse=False))]
    trained = holders if last is None else holders[-last:]
    parameters = [one for holder in trained for one in holder.parameters(recurse=False)]
    optimizer = torch.optim.SGD(parameters, lr=rate, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    network = ms.from_onnx(tmp_path / "n.onnx", trainable=True if last is None else last)
    trainer = ms.Trainer(
        network,
        loss=ms.CrossEntropy(),
        optimizer=ms.SGD(rate, momentum=0.9),
        batch_size=ROWS,
        shuffle=False,
        dtype="float64",
    )
    run = trainer.fit(x, y, epochs=STEPS, watch=False)
    found = [one["training_loss"] for one in run.history]
    np.testing.assert_allclose(found, losses, rtol=0, atol=1e-10)
