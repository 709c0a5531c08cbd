"""How many steps to take at once, so that the loop comes back to Python a few times a second."""

from __future__ import annotations

# Seconds between two looks at Ctrl-C, progress and callbacks.
SECONDS = 0.05
# A first measurement says little: steps at once grow by at most this factor.
GROWTH = 8


class Pace:
    """Learns from what steps took; has no say in what they compute."""

    def __init__(self) -> None:
        self.steps = 1

    def record(self, steps: int, seconds: float) -> None:
        """Take into account how long `steps` steps took."""
        if steps:
            fitting = int(SECONDS * steps / max(seconds, 1e-9))
            self.steps = max(1, min(fitting, self.steps * GROWTH))
