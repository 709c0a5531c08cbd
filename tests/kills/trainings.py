"""Trainings by the library that are killed: networks, optimizers, schedules, checkpoints, looks."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import misstep as ms
from misstep.errors import MisstepError
from misstep.record import read_record
from misstep.train.run_folder import RECORD, RECORD_BEFORE
from tests.kills.story import Story
from tests.kills.works import RUN, Work, require, told

__all__ = ["TRAININGS"]

# What a finished training leaves beside its folder.
DONE = "done"
_numbers = np.random.default_rng(0)
FLAT = _numbers.standard_normal((80, 6)).astype("float32")
KINDS = ((FLAT[:, 0] * FLAT[:, 1] > 0) + (FLAT[:, 2] > 0.5)).astype("int64")
AMOUNTS = (FLAT[:, :1] - 0.5 * FLAT[:, 1:2] ** 2).astype("float32")
IMAGES = _numbers.standard_normal((48, 6, 6, 1)).astype("float32")
SIDES = (IMAGES[:, :3].sum(axis=(1, 2, 3)) > 0).astype("int64")
SEQUENCES = _numbers.standard_normal((48, 5, 3)).astype("float32")
SIGNS = (SEQUENCES[:, 0, 0] > 0).astype("int64")


class Training(Work):
    """A training by `Trainer.fit`, which goes on where its folder says."""

    face = "library"
    epochs: ClassVar[int] = 6
    validates: ClassVar[bool] = True

    @abstractmethod
    def trainer(self) -> ms.Trainer:
        """Return a trainer that has learned nothing."""

    @abstractmethod
    def rows(self) -> tuple[Any, Any]:
        """Return what is learned from, and its answers."""

    def options(self) -> dict[str, Any]:
        """Return what `fit` is told besides."""
        return {}

    def callbacks(self) -> list[ms.Callback]:
        """Return who listens."""
        return []

    def resumes(self, story: Story) -> bool:
        """Tell whether a life goes on where one before it was killed."""
        return True

    def live(self, place: Path, story: Story) -> int:
        trainer, (x, y) = self.trainer(), self.rows()
        run = trainer.fit(
            x,
            y,
            epochs=self.epochs,
            validation=(x[:20], y[:20]) if self.validates else None,
            folder=place / RUN,
            checkpoint_every=self.every,
            callbacks=self.callbacks(),
            resume=self.resumes(story),
            **self.options(),
        )
        history = [
            values[name]
            for values in run.history
            for name in ("training_loss", "validation_loss", "learning_rate")
            if name in values
        ]
        network = trainer.network
        assert network is not None
        with (place / DONE).open("wb") as file:
            for array in (network.parameters, network.buffers, np.array(history)):
                file.write(np.int64(array.size).tobytes() + array.tobytes())
            file.write(repr((run.best_epoch, run.epochs, run.updates, run.snapshots)).encode())
        return 0

    def came_to(self, place: Path) -> dict[str, Any]:
        report = (place / RUN / "report.html").read_text(encoding="utf-8")
        require(report.rstrip().endswith("</html>"), "the report is not whole")
        return {"done": (place / DONE).read_bytes(), **told(place / RUN)}


class Perceptron(Training):
    """Running means, masks drawn at random, and updates of two batches each."""

    name = "perceptron"
    every = 3

    def trainer(self) -> ms.Trainer:
        layers = [ms.Dense(8), ms.BatchNorm(), ms.ReLU(), ms.Dropout(0.2), ms.Dense(3)]
        return ms.Trainer(
            ms.Sequential(*layers),
            loss=ms.CrossEntropy(),
            optimizer=ms.Adam(3e-3),
            schedule=ms.optim.Cosine(),
            batch_size=9,
            accumulate=2,
            seed=7,
            threads=2,
        )

    def rows(self) -> tuple[Any, Any]:
        return FLAT, KINDS

    def options(self) -> dict[str, Any]:
        return {"early_stopping": 100, "probe_every": 2}


class Convolution(Training):
    """Images, weights that are pulled to zero and clipped gradients."""

    name = "convolution"
    every = 4
    epochs = 5

    def trainer(self) -> ms.Trainer:
        layers = [ms.Conv2D(3, 3), ms.BatchNorm(), ms.ReLU(), ms.GlobalAveragePool2D(), ms.Dense(2)]
        return ms.Trainer(
            ms.Sequential(*layers),
            loss=ms.CrossEntropy(),
            optimizer=ms.SGD(0.05, momentum=0.9),
            schedule=ms.optim.StepDecay(3, 0.5),
            clipping=ms.optim.ClipNorm(1.0),
            regularizers=ms.optim.L2(1e-3),
            batch_size=8,
            seed=3,
            threads=1,
        )

    def rows(self) -> tuple[Any, Any]:
        return IMAGES, SIDES


class Recurrence(Training):
    """Sequences; checkpoints in the middle of epochs, at numbers that no epoch's end has."""

    name = "recurrence"
    every = 5
    epochs = 4

    def trainer(self) -> ms.Trainer:
        return ms.Trainer(
            ms.Sequential(ms.LSTM(4), ms.Dense(2)),
            loss=ms.CrossEntropy(),
            optimizer=ms.AdamW(5e-3),
            schedule=ms.optim.OneCycle(),
            batch_size=7,
            seed=5,
            threads=2,
        )

    def rows(self) -> tuple[Any, Any]:
        return SEQUENCES, SIGNS


class Stopping(Training):
    """Ended before its time by an epoch that is no better; a rate that falls by what it hears."""

    name = "stopping"
    every = 2
    epochs = 30

    def trainer(self) -> ms.Trainer:
        return ms.Trainer(
            ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1)),
            loss=ms.SquaredError(),
            optimizer=ms.optim.RMSProp(0.05),
            schedule=ms.optim.ReduceOnPlateau(patience=1),
            batch_size=16,
            seed=1,
            threads=1,
        )

    def rows(self) -> tuple[Any, Any]:
        return FLAT, AMOUNTS

    def options(self) -> dict[str, Any]:
        return {"early_stopping": 3}


class Looks(Training):
    """Looks into the layers at each update, snapshots of rows, and checkpoints by the clock."""

    name = "looks"
    seconds = 0.01
    epochs = 12

    def trainer(self) -> ms.Trainer:
        return ms.Trainer(
            ms.Sequential(ms.Dense(6), ms.nn.LayerNorm(), ms.ReLU(), ms.Dense(3)),
            loss=ms.CrossEntropy(),
            optimizer=ms.optim.Nadam(2e-3),
            batch_size=16,
            seed=2,
            threads=1,
        )

    def rows(self) -> tuple[Any, Any]:
        return FLAT, KINDS

    def options(self) -> dict[str, Any]:
        return {"probe_every": 1}

    def callbacks(self) -> list[ms.Callback]:
        return [ms.Snapshots()]


class Successor(Perceptron):
    """In the folder of another training that was finished: that one stays until this one is."""

    name = "successor"

    def prepare(self, place: Path) -> None:
        super().prepare(place)
        trainer = ms.Trainer(ms.Dense(3), loss=ms.CrossEntropy(), batch_size=20, threads=1)
        trainer.fit(FLAT, KINDS, epochs=2, folder=place / RUN)
        self._report = (place / RUN / "report.html").read_bytes()

    def resumes(self, story: Story) -> bool:
        # Before its record was begun there is but the other training.
        return story.opened

    def check(self, place: Path, story: Story) -> None:
        super().check(place, story)
        if story.written is None and not story.begun:
            epochs = [_epochs(place / RUN / name) for name in (RECORD, RECORD_BEFORE)]
            require(2 in epochs, "the record before is lost")

    def stood_before(self, name: str, path: Path) -> bool:
        return path.name == "report.html" and path.read_bytes() == self._report


class Failing(Training):
    """A rate so high that the loss is no number in the end; nothing judges its epochs."""

    name = "failing"
    every = 3
    validates = False

    def trainer(self) -> ms.Trainer:
        return ms.Trainer(
            ms.Dense(1),
            loss=ms.SquaredError(),
            optimizer=ms.SGD(4.0),
            batch_size=8,
            seed=4,
            threads=1,
        )

    def rows(self) -> tuple[Any, Any]:
        return FLAT, AMOUNTS


def _epochs(record: Path) -> int:
    """Return how many epochs a record tells of; of none, none."""
    try:
        return len(read_record(record).epochs)
    except MisstepError:
        return 0


TRAININGS = (Perceptron, Convolution, Recurrence, Stopping, Looks, Failing, Successor)
