"""A digest of rows: whether a training is done again on the very same ones."""

from __future__ import annotations

import hashlib

import numpy as np

from misstep.data import Rows
from misstep.storage import MappedRows, pieces_of


def rows_digest(rows: Rows) -> str:
    """Return the SHA-256 of inputs, answers and weights, bit for bit, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (rows.x, rows.y, rows.weights):
        if isinstance(array, MappedRows):
            for piece in pieces_of(array):
                digest.update(np.ascontiguousarray(piece).view(np.uint8).data)
        elif array is not None:
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()
