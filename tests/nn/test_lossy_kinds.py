"""Numbers of which a network would lose a part are refused, not cast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import MisstepError

REAL = np.arange(12.0).reshape(6, 2)
KINDS = {
    "complex": REAL + 1j,
    "dates": REAL.astype("datetime64[D]"),
    "spans": REAL.astype("timedelta64[h]"),
    "records": np.array([(1.0, 2), (3.0, 4)] * 3, dtype=[("a", "f4"), ("b", "i4")]),
}


@pytest.mark.parametrize("name", KINDS)
def test_they_are_no_rows_answers_or_weights(name: str) -> None:
    given: Any = KINDS[name]
    column = given if given.ndim == 1 else given[:, 0]
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    y = REAL[:, :1]
    for x, answers, weights in ((given, y, None), (REAL, column, None), (REAL, y, column)):
        with pytest.raises(MisstepError, match="real numbers"):
            trainer.fit(x, answers, epochs=1, sample_weight=weights)
    network = ms.Network(ms.Dense(1), (2,))
    with pytest.raises(MisstepError, match="real numbers"):
        network.predict(given)
