"""Checkpoints that say what no training said end in the library's own error."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import MisstepError
from misstep.storage import read_container
from misstep.storage.checkpoint import KIND, VERSION
from misstep.storage.container import container_bytes

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = np.arange(32) % 2


def fit(
    folder: Path, epochs: int, *, resume: bool = False, trainer: ms.Trainer | None = None
) -> Any:
    if trainer is None:
        trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), seed=1, batch_size=16)
    return trainer.fit(
        *(X, Y),
        epochs=epochs,
        folder=folder,
        resume=resume,
        validation=(X, Y),
        early_stopping=9,
        callbacks=[ms.Snapshots(4)],
    )


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit(folder, 2)
    return folder


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(state: dict[str, Any]) -> None:
        inside: Any = state
        for name in way:
            inside = inside[name]
        inside[last] = value

    return change


CHANGES = {
    "facts a number": _set("facts", 5),
    "no training": _set("training", [1]),
    "history of numbers": _set("training", "history", [1, 2]),
    "history of texts": _set("training", "history", [{"training_loss": "low"}]),
    "best without a loss": _set("training", "best", {"epoch": 1}),
    "best a list": _set("training", "best", [1, 2]),
    "best of epoch -1": _set("training", "best", {"epoch": -1, "loss": 0.5}),
    "updates below none": _set("training", "update", -3),
    "updates beyond all": _set("training", "update", 2**70),
    "updates true": _set("training", "update", True),
    "callbacks of numbers": _set("training", "callbacks", [1, 2]),
    "callbacks of others": _set("training", "callbacks", [{"snapshots": [{"no": 1}]}, {}]),
    "a sum beyond any float": _set("training", "loss_sum", 10**400),
    "a loss beyond any float": _set("training", "best", {"epoch": 1, "loss": 10**400}),
    "no memory of stopping": _set("training", "callbacks", 1, {}),
}


def _leave(left: Path, folder: Path, name: str) -> None:
    """Leave checkpoints in a run's folder, changed as the name says, and signed anew."""
    manifest = json.loads((left / "checkpoints" / "manifest.json").read_text())
    entry = manifest["checkpoints"][-1]
    whole = read_container(left / "checkpoints" / entry["file"], kind=KIND, newest=VERSION)
    document = copy.deepcopy(whole.document)
    CHANGES[name](document["state"])
    data = container_bytes(document, whole.arrays, kind=KIND, version=VERSION)
    folder = folder / "checkpoints"
    folder.mkdir()
    (folder / entry["file"]).write_bytes(data)
    signed = {**entry, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "checkpoints": [signed]}))


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_state_is_refused_in_words(left: Path, tmp_path: Path, name: str) -> None:
    _leave(left, tmp_path, name)
    with pytest.raises(MisstepError, match="checkpoint"):
        fit(tmp_path, 4, resume=True)


def test_a_refused_checkpoint_leaves_the_network_as_it_was(left: Path, tmp_path: Path) -> None:
    name = "no memory of stopping"
    trainer = ms.Trainer(
        ms.Network(ms.Dense(2), (3,)), loss=ms.CrossEntropy(), seed=1, batch_size=16
    )
    before = {each: array.copy() for each, array in trainer.network.arrays().items()}
    _leave(left, tmp_path, name)
    with pytest.raises(MisstepError, match="EarlyStopping"):
        fit(tmp_path, 4, resume=True, trainer=trainer)
    for each, array in trainer.network.arrays().items():
        np.testing.assert_array_equal(array, before[each])


def test_the_state_as_it_was_goes_on(left: Path) -> None:
    assert fit(left, 3, resume=True).epochs == 3
