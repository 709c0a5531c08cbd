"""What makes two images alike: the same light and dark in the same places.

Knows pixels, no files. An image that was written as JPEG once more, or a shade brighter, is a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits

__all__ = ["image_traits"]

# Fields into which a side is divided; small enough that copies which were compressed once more
# agree in each, and enough of them that no two pictures of different things do.
FIELDS = 10
# By how many of 255 shades the mean of a field may differ in a copy: writing a photograph as JPEG
# of quality 50 moves it by up to four. Where images differ by little, by that share of a deviation.
SHADES, SHARE_OF_DEVIATION = 4.0, 0.08
# So that images without any difference can be compared.
LEAST_SLACK = 1e-6
# How light red, green and blue look (ITU-R BT.601); JPEG keeps this best.
LUMA = np.array([0.299, 0.587, 0.114])
# Images whose fields are counted at a time.
AT_A_TIME = 1_000


def image_traits(images: NDArray[Any], largest: float = 255.0) -> Traits:
    """Return the mean shade of each field of images (rows, height, width[, channels]).

    `largest`: the number that is white; of floats only their deviation counts.
    """
    rows, height, width = images.shape[:3]
    down = np.unique(np.linspace(0, height, FIELDS + 1).astype(int)[:-1])
    across = np.unique(np.linspace(0, width, FIELDS + 1).astype(int)[:-1])
    sizes = np.outer(np.diff([*down, height]), np.diff([*across, width]))
    fields = np.empty((rows, sizes.size))
    for start in range(0, rows, AT_A_TIME):
        some = np.asarray(images[start : start + AT_A_TIME]).astype(np.float64)
        grey = (
            some[..., :3] @ LUMA
            if some.ndim == 4 and some.shape[3] >= 3
            else some.reshape(len(some), height, width, -1)[..., 0]
        )
        sums = np.add.reduceat(np.add.reduceat(grey, down, axis=1), across, axis=2)
        fields[start : start + AT_A_TIME] = (sums / sizes).reshape(len(some), -1)
    deviation = float(np.median(fields.std(axis=0))) if rows else 0.0
    shades = np.inf if images.dtype.kind == "f" else SHADES * largest / 255
    slack = max(min(shades, SHARE_OF_DEVIATION * deviation), LEAST_SLACK)
    return Traits(np.empty((rows, 0), np.int64), fields, slack=slack)
