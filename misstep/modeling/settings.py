"""What a person may choose about a training, and the choices that were made, each with its reason.

Plain data; knows neither networks nor tables. `recipes/` make the choices that are left open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from misstep.data import Decision
from misstep.nn import Module
from misstep.train import Progress


@dataclass
class Choices:
    """The choices of one training in their order; `say` hears of each as it is made."""

    say: Callable[[Decision], None] | None = None
    made: list[Decision] = field(default_factory=list)

    def add(self, what: str, choice: object, reason: str) -> None:
        """Keep a choice, and tell it to whoever listens."""
        self.made.append(Decision(what, str(choice), reason))
        if self.say is not None:
            self.say(self.made[-1])


@dataclass(frozen=True)
class Settings:
    """What a person may choose; None leaves it to the recipe of the kind of data.

    `network`: one line such as "dense128-drop0.1-dense64", to which the last layer is added, or a
    Module that is the whole network. `vectors`: a file of word vectors that an embedding of texts
    starts from. `validation_fraction`: share of the learning rows that training stops by; 0: none,
    all epochs are done. `augment`: how images are changed while they are learned, in words such
    as "flip-shift", or "none". `folder`: of the run, for its record and checkpoints. `say`: hears
    of each choice.
    """

    network: str | Module | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    vectors: Path | str | None = None
    validation_fraction: float = 0.1
    augment: str | None = None
    seed: int = 0
    threads: int | None = None
    folder: Path | str | None = None
    resume: bool = False
    progress: bool | Progress = False
    say: Callable[[Decision], None] | None = None
