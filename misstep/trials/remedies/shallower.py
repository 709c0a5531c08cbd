"""Fewer hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import blocks, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Hidden layers that are left.
LEFT = (2, 1)


class Shallower(Remedy):
    """The first hidden layers alone, and the last layer behind them."""

    name = "shallower"
    title = "fewer hidden layers"
    answers = (
        "vanishing-gradients",
        "exploding-gradients",
        "overfitting",
        "constant-prediction",
        "saturated-units",
    )
    rank = 26

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with two hidden layers, and with one."""
        start = case.start
        layers = plain(start.network).layers
        end = last_place(layers)
        front, *hidden = blocks(layers[:end])
        if len(hidden) < 2:
            raise NotApplicableError("it has but one hidden layer, or none")
        for left in LEFT:
            if left >= len(hidden):
                continue
            # What brings rows into shape, as flattening does, is needed all the same.
            kept = [one for block in hidden[:left] for one in block]
            shaped = [
                one
                for block in hidden[left:]
                for one in block
                if type(one).__name__ in ("Flatten", "Reshape") or "Global" in type(one).__name__
            ]
            yield rebuilt(
                start,
                f"with {left} hidden layer{'s' if left > 1 else ''}",
                Sequential(*front, *kept, *shaped, *layers[end:]),
                f"{left} hidden layer{'s' if left > 1 else ''} instead of {len(hidden)}",
            )
