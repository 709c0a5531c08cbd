"""Pictures moved and mirrored at random in training."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Module, RandomFlip, RandomShift, Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import plain, shaping, written
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Pixels that a picture is moved by, of so many of its shorter side, at least one.
SIDE_PER_PIXEL = 8
AUGMENTING = "misstep.nn.augmentation"


class Augmentation(Remedy):
    """Layers that change pictures at random, so that none is seen twice the same."""

    name = "augmentation"
    title = "pictures moved and mirrored at random"
    answers = ("overfitting",)
    rank = 20

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield moved pictures, and moved and mirrored ones."""
        start = case.start
        network = start.network
        layers = plain(network).layers
        front = shaping(layers)
        shape = network.input_shape
        if front:
            path = next(path for path, one in network.layers.items() if one is layers[front - 1])
            shape = network.outputs[path]
        if len(shape) != 3 or min(shape[:2]) < 2:
            raise NotApplicableError("its inputs are no pictures")
        if any(type(one).__module__ == AUGMENTING for one in layers):
            raise NotApplicableError("it changes pictures at random already")
        moved = RandomShift(max(1, min(shape[:2]) // SIDE_PER_PIXEL))
        choices: tuple[tuple[str, list[Module]], ...] = (
            ("pictures moved at random", [moved]),
            ("pictures moved and mirrored at random", [RandomFlip(), moved]),
        )
        for label, more in choices:
            yield rebuilt(
                start,
                label,
                Sequential(*layers[:front], *more, *layers[front:]),
                f"{', '.join(map(written, more))} in front of its layers",
            )
