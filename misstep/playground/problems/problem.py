"""`Problem`: rows to learn from and rows held out, with what people call them.

A toy problem is a class in a file of its own in this folder, registered by being written; a
person's own table becomes one in `table.py`. Knows rows and names; no network.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from misstep.data import Rows
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from misstep.playground.draws import Draws
from misstep.text.names import did_you_mean
from misstep.train import rows_digest

__all__ = [
    "OWN",
    "Kind",
    "Problem",
    "ToyProblem",
    "problem_list",
    "problem_named",
    "problem_names",
    "problems",
]

# The name of the problem that a person brought.
OWN = "own"
# Hexadecimal digits by which a link tells one person's rows from another's.
DIGITS = 12
# Decimal digits that float32 keeps of a number.
DIGITS_OF_FLOAT32 = 7


class Kind(StrEnum):
    """How a problem is drawn."""

    PLANE = "plane"  # two inputs, classes: a decision surface
    CURVE = "curve"  # one input, a number: a fit
    PICTURES = "pictures"
    TABLE = "table"  # any other inputs


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, rows held out, and what they mean.

    `train`, `held_out`: x (rows, features) float32, y as `loss` takes it. `outputs`: that the
    network needs. `features`: names of the inputs. `classes`: of the answers, in their order; empty
    for numbers. `target`: what the answers are called. `window`: for each input of a plane or a
    curve the lowest and the highest number that is shown. `shape`: of a picture, (height, width).
    `middle`, `unit`: a number that is learned as y is y · `unit` + `middle` to people, unless
    `decode` says what it is, as on a logarithm.
    `train_rows`, `held_out_rows`: what the rows are called. `notes`: what a person should know.
    """

    name: str
    title: str
    kind: Kind
    train: Rows
    held_out: Rows
    loss: Loss
    outputs: int
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    target: str = "y"
    window: tuple[tuple[float, float], ...] = ()
    shape: tuple[int, int] | None = None
    middle: float = 0.0
    unit: float = 1.0
    decode: Callable[[Array], Array] | None = None
    train_rows: tuple[str, ...] = ()
    held_out_rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @cached_property
    def digest(self) -> str:
        """Return some digits that tell these rows from others."""
        return rows_digest(self.train)[:DIGITS]

    def scaled(self, factor: float) -> Problem:
        """Return the same rows with inputs `factor` times as large, as in a smaller unit."""
        if factor == 1.0:
            return self
        scale = np.float32(factor)
        return replace(
            self,
            train=replace(self.train, x=self.train.x * scale),
            held_out=replace(self.held_out, x=self.held_out.x * scale),
        )

    def truth(self, rows: Rows) -> list[Any]:
        """Return the answers of rows as people know them: a class, or a number in its unit."""
        flat = rows.y.reshape(len(rows))
        if self.classes:
            return [self.classes[int(one)] for one in flat]
        # In float32 they have so many digits; the rest would be noise.
        return [float(f"{one:.{DIGITS_OF_FLOAT32}g}") for one in self.numbers(flat)]

    def numbers(self, learned: Array) -> Array:
        """Return numbers as people know them, for answers or predictions as they are learned."""
        wide = np.asarray(learned, "float64")
        if self.decode is not None:
            return np.asarray(self.decode(wide), "float64")
        return wide * self.unit + self.middle

    def row_name(self, number: int, *, held_out: bool) -> str:
        """Return what a row is called; `number`: from 0."""
        names = self.held_out_rows if held_out else self.train_rows
        return names[number] if names else f"{'held-out row' if held_out else 'row'} {number + 1}"

    def plain(self) -> dict[str, Any]:
        """Return what it is as plain JSON, without its rows."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind.value,
            "features": list(self.features),
            "classes": list(self.classes),
            "target": self.target,
            "window": [list(one) for one in self.window],
            "shape": None if self.shape is None else list(self.shape),
            "train_rows": len(self.train),
            "held_out_rows": len(self.held_out),
            "notes": list(self.notes),
            "digest": self.digest,
        }


def loss_for(classes: Sequence[str]) -> tuple[Loss, int]:
    """Return the loss for answers of these classes, none of them for numbers, and its outputs."""
    if not classes:
        return SquaredError(), 1
    if len(classes) == 2:
        return BinaryCrossEntropy(), 1
    return CrossEntropy(), len(classes)


class ToyProblem(ABC):
    """Rows that are made up: same rows, noise and seed, same bits.

    `name`: in settings and links. `title`: what it is, in a few words. `sentence`: what makes it
    worth a look. `kind`, `features`, `classes`, `window`: as in `Problem`. `noise`: the noise that
    it begins with; `noisy`: whether there can be any. `most_rows`: that there are, 0 for any.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    sentence: ClassVar[str]
    kind: ClassVar[Kind] = Kind.PLANE
    features: ClassVar[tuple[str, ...]] = ("x1", "x2")
    classes: ClassVar[tuple[str, ...]] = ("orange", "blue")
    window: ClassVar[tuple[tuple[float, float], ...]] = ((-3.0, 3.0), (-3.0, 3.0))
    shape: ClassVar[tuple[int, int] | None] = None
    noisy: ClassVar[bool] = True
    most_rows: ClassVar[int] = 0
    rank: ClassVar[int] = 50
    registry: ClassVar[dict[str, type[ToyProblem]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            ToyProblem.registry[cls.name] = cls

    @abstractmethod
    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return inputs (rows, features) and answers (rows,), float64.

        Answers are numbers of classes, or numbers. `noise`: from 0 to 1.
        """

    def notes(self, rows: int, held_out: int) -> tuple[str, ...]:
        """Return what a person should know of so many rows."""
        return ()

    def made(self, rows: int, noise: float, seed: int) -> Problem:
        """Return the problem with `rows` rows to learn from, and half as many held out."""
        held_out = max(rows // 2, 1)
        if self.most_rows and rows + held_out > self.most_rows:
            held_out = min(held_out, self.most_rows // 3)
            rows = min(rows, self.most_rows - held_out)
        x, y = self.points(rows + held_out, noise, Draws(seed))
        loss, outputs = loss_for(self.classes)
        inputs = np.ascontiguousarray(x, "float32")
        answers = y.astype("int64") if loss.target_dtype == "int" else y.astype("float32")[:, None]
        return Problem(
            self.name,
            self.title,
            self.kind,
            Rows(inputs[:rows], answers[:rows]),
            Rows(inputs[rows:], answers[rows:]),
            loss,
            outputs,
            self.features,
            self.classes,
            window=self.window,
            shape=self.shape,
            notes=self.notes(rows, held_out),
        )


@cache
def _load() -> None:
    """Load each file of the folder that this one is in, which may not be loaded as a whole yet."""
    # Once: settings ask for names each time they are checked, and a folder takes its time.
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")


def problems() -> dict[str, ToyProblem]:
    """Return every toy problem by its name, in the order in which they are offered."""
    _load()
    made = [one() for one in ToyProblem.registry.values()]
    return {one.name: one for one in sorted(made, key=lambda one: (one.rank, one.name))}


def problem_names() -> list[str]:
    """Return the names of all toy problems, in the order in which they are offered."""
    return list(problems())


def problem_list() -> list[dict[str, Any]]:
    """Return what each toy problem is, as plain JSON, in the order in which they are offered."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "sentence": one.sentence,
            "kind": one.kind.value,
            "features": list(one.features),
            "classes": list(one.classes),
            "window": [list(each) for each in one.window],
            "noisy": one.noisy,
        }
        for one in problems().values()
    ]


def problem_named(name: str) -> ToyProblem:
    """Return a toy problem. Raises ArgumentError for a name that there is not."""
    known = problems()
    if name not in known:
        raise ArgumentError(
            "the problem", needed=", ".join(known), got=repr(name), try_=did_you_mean(name, known)
        )
    return known[name]
