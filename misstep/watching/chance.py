"""The loss of the best constant prediction for answers that were seen: what learning nothing gives.

Knows losses by what they are called in other frameworks, and arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.record import LossDescription, Task

Array = npt.NDArray[Any]

# The least share that an answer is given, so that its logarithm is a number.
LEAST_SHARE = 1e-9
# Losses of numbers by words in their names; others are not known.
_SQUARE, _ABSOLUTE, _HUBER = ("mse", "squared"), ("l1loss", "mae", "absolute"), ("huber", "smooth")


def chance_loss(loss: LossDescription, y: Array) -> float | None:
    """Return the loss of the best constant output for answers `y` (rows, …), a mean over entries.

    None for a loss that is not known, or that sums over rows.
    """
    if not y.size or loss.reduction != "mean":
        return None
    if loss.task is Task.CLASSES:
        shares = np.bincount(y.reshape(-1).astype("int64"))
        shares = shares[shares > 0] / shares.sum()
        return float(-(shares * np.log(shares)).sum())
    flat = y.reshape(len(y), -1).astype("float64")
    if loss.task is Task.BINARY:
        share = np.clip(flat.mean(axis=0), LEAST_SHARE, 1.0 - LEAST_SHARE)
        entropy = -(share * np.log(share) + (1.0 - share) * np.log(1.0 - share))
        return float(entropy.mean())
    name = loss.kind.lower().replace("_", "")
    if "percentage" in name or "logarithmic" in name:
        return None
    if any(word in name for word in _HUBER):
        delta = float(loss.settings.get("delta", loss.settings.get("beta", 1.0)))
        return min(
            _huber(flat - flat.mean(axis=0), delta, loss),
            _huber(flat - np.median(flat, 0), delta, loss),
        )
    if any(word in name for word in _SQUARE):
        return float(((flat - flat.mean(axis=0)) ** 2).mean())
    if any(word in name for word in _ABSOLUTE):
        return float(np.abs(flat - np.median(flat, axis=0)).mean())
    return None


def _huber(errors: Array, delta: float, loss: LossDescription) -> float:
    size = np.abs(errors)
    near, far = 0.5 * errors**2, delta * (size - 0.5 * delta)
    mean = float(np.where(size <= delta, near, far).mean())
    # The smooth absolute error is Huber's loss divided by its width.
    return mean / delta if "smooth" in loss.kind.lower() else mean
