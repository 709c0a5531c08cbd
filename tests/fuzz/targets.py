"""What reads files of strangers: for each, whole files to begin with, and what is done with one.

A target is registered by being written. `attempt` may raise a MisstepError; anything else is wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

import misstep as ms
from misstep.data import read_source, read_table
from misstep.data.io.idx import read_idx
from misstep.doctor import examine
from misstep.errors import ArgumentError, DataError
from misstep.modeling import Options, recognize
from misstep.record import read_record
from misstep.storage.checkpoint import KIND as CHECKPOINT
from tests.fuzz.mutations import (
    BYTES,
    Mutation,
    change_cells,
    change_json_lines,
    change_manifest,
    pack,
    resign,
    sha256,
    swap_lines,
)

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


class Target(ABC):
    """One kind of file. `ending`: of its name. `mutations`: ways to break it."""

    name: ClassVar[str]
    ending: ClassVar[str]
    mutations: ClassVar[tuple[Mutation, ...]] = BYTES
    registry: ClassVar[dict[str, type[Target]]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "name" in vars(cls):
            Target.registry[cls.name] = cls

    @abstractmethod
    def seeds(self, folder: Path) -> list[bytes]:
        """Return whole files."""

    @abstractmethod
    def attempt(self, path: Path) -> None:
        """Read the file and use what is in it. Raises MisstepError."""


class Models(Target):
    name = "model"
    ending = ".misstep"
    mutations = (*BYTES, *(resign("model"),) * 12)

    def seeds(self, folder: Path) -> list[bytes]:
        import pandas

        frame = pandas.DataFrame(
            {"text": ["a good day", "a bad night"] * 30, "n": X[:, 0], "c": ["x", "y", "z"] * 20}
        )
        pictures = np.random.default_rng(1).integers(0, 255, (40, 8, 8), dtype="uint8")
        steps = np.random.default_rng(2).normal(size=(40, 6, 2))
        fitted = [
            ms.Classifier(network="dense4", epochs=1).fit(X, Y),
            ms.Regressor(network="dense4-bn", epochs=1).fit(X, X[:, 1]),
            ms.Classifier(epochs=1).fit(frame, Y),
            ms.Classifier(network="conv4-gap", epochs=1).fit(pictures, np.arange(40) % 2),
            ms.Classifier(network="lstm4", epochs=1).fit(steps, np.arange(40) % 2),
            ms.Forecaster(epochs=1, horizon=2).fit(np.sin(np.arange(120.0))),
        ]
        self._rows = [X[:3], frame[:3], pictures[:3], steps[:3], None]
        contents = []
        for number, estimator in enumerate(fitted):
            path = folder / f"{number}.misstep"
            estimator.save(path)
            contents.append(path.read_bytes())
        return contents

    def attempt(self, path: Path) -> None:
        model = ms.load_model(path)
        model.summary()
        repr(model)
        # Of whatever kind: what does not fit a model is refused.
        for rows in self._rows:
            with contextlib.suppress(DataError, ArgumentError):
                model.predict(rows)


class Checkpoints(Target):
    name = "checkpoint"
    ending = ".misstep"
    mutations = (*BYTES, *(resign(CHECKPOINT),) * 8)

    def seeds(self, folder: Path) -> list[bytes]:
        self._fit(folder / "run", resume=False, epochs=2)
        self._manifest = json.loads((folder / "run/checkpoints/manifest.json").read_text())
        entry = self._manifest["checkpoints"][-1]
        return [(folder / "run/checkpoints" / entry["file"]).read_bytes()]

    def attempt(self, path: Path) -> None:
        content, run = path.read_bytes(), path.parent / "resumed"
        shutil.rmtree(run, ignore_errors=True)
        (run / "checkpoints").mkdir(parents=True)
        entry = self._manifest["checkpoints"][-1]
        signed = {**entry, "size": len(content), "sha256": sha256(content)}
        (run / "checkpoints" / entry["file"]).write_bytes(content)
        manifest = json.dumps({**self._manifest, "checkpoints": [signed]})
        (run / "checkpoints/manifest.json").write_text(manifest)
        self._fit(run, resume=True, epochs=3)

    @staticmethod
    def _fit(folder: Path, *, resume: bool, epochs: int) -> None:
        trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), batch_size=16, seed=1)
        trainer.fit(
            *(X, Y),
            epochs=epochs,
            folder=folder,
            resume=resume,
            validation=(X[:9], Y[:9]),
            early_stopping=5,
        )


class Manifests(Checkpoints):
    name = "manifest"
    ending = ".json"
    mutations = (*BYTES, *(change_manifest,) * 8)

    def seeds(self, folder: Path) -> list[bytes]:
        self._whole = folder / "run"
        self._fit(self._whole, resume=False, epochs=2)
        return [(self._whole / "checkpoints/manifest.json").read_bytes()]

    def attempt(self, path: Path) -> None:
        run = path.parent / "resumed"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self._whole, run)
        shutil.copyfile(path, run / "checkpoints/manifest.json")
        self._fit(run, resume=True, epochs=3)


class Records(Target):
    name = "record"
    ending = ".jsonl"
    mutations = (*BYTES, swap_lines, *(change_json_lines,) * 8)

    def seeds(self, folder: Path) -> list[bytes]:
        trainer = ms.Trainer(
            ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(2)), loss=ms.CrossEntropy(), seed=1
        )
        trainer.fit(X, Y, epochs=12, folder=folder / "run", validation=(X[:9], Y[:9]))
        return [(folder / "run/record.jsonl").read_bytes()]

    def attempt(self, path: Path) -> None:
        str(examine(read_record(path)))


class Tables(Target):
    name = "table"
    ending = ".csv"
    mutations = (*BYTES, swap_lines, *(change_cells,) * 6, pack)

    def seeds(self, folder: Path) -> list[bytes]:
        words = ["red", "green", "blue", "n/a"]
        lines = ["when;how much;color;y".replace(";", ",")]
        lines += [
            f"2024-{1 + row % 12:02d}-01,{row * 1.5:.2f},{words[row % 4]},{row % 2}"
            for row in range(60)
        ]
        money = ["price,size,sold"] + [f'"${row},{row:03d}",{row}%,yes' for row in range(40)]
        return ["\n".join(lines).encode(), "\n".join(money).encode()]

    def attempt(self, path: Path) -> None:
        table = read_table(path)
        target = str(table.frame.columns[-1])
        modality = recognize(table, Options(target=target, task="classification", epochs=1))
        split = modality.split()
        modality.prepare(split)


class Idx(Target):
    name = "idx"
    ending = "-idx3-ubyte"
    mutations = (*BYTES, pack)

    def seeds(self, folder: Path) -> list[bytes]:
        images = np.random.default_rng(0).integers(0, 255, (6, 5, 4), dtype="uint8")
        head = b"\x00\x00\x08\x03" + b"".join(n.to_bytes(4, "big") for n in images.shape)
        return [head + images.tobytes()]

    def attempt(self, path: Path) -> None:
        read_idx(path)


class Arrays(Target):
    name = "npz"
    ending = ".npz"

    def seeds(self, folder: Path) -> list[bytes]:
        kept = []
        for save in (np.savez, np.savez_compressed):
            buffer = io.BytesIO()
            images = np.random.default_rng(1).integers(0, 255, (40, 8, 8), dtype="uint8")
            save(buffer, x=images, y=np.arange(40) % 2)
            kept.append(buffer.getvalue())
        return kept

    def attempt(self, path: Path) -> None:
        read_source(path)


class Pictures(Target):
    name = "picture"
    ending = ".png"

    def seeds(self, folder: Path) -> list[bytes]:
        pixels = np.random.default_rng(0).integers(0, 255, (12, 10, 3), dtype="uint8")
        kept = []
        for form, mode in (
            ("PNG", "RGB"),
            ("PNG", "L"),
            ("JPEG", "RGB"),
            ("GIF", "P"),
            ("BMP", "RGB"),
        ):
            buffer = io.BytesIO()
            Image.fromarray(pixels).convert(mode).save(buffer, form)
            kept.append(buffer.getvalue())
        return kept

    def attempt(self, path: Path) -> None:
        folder = path.parent / "classes"
        shutil.rmtree(folder, ignore_errors=True)
        for label in ("a", "b"):
            (folder / label).mkdir(parents=True)
            shutil.copyfile(path, folder / label / f"one{self.ending}")
        ms.read_images(folder)
