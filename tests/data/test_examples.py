"""The built-in examples are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.data import EXAMPLES, Preprocessor, read_example, recognize_columns, recognize_target
from misstep.errors import ArgumentError


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    table, example = read_example(name), EXAMPLES[name]
    assert len(table) == example.rows
    assert table.target == example.target
    assert f"{example.rows:,}" in example.sentence
    target = recognize_target(table.frame[example.target], example.target)
    assert target.is_number == (name == "diabetes")
    columns = recognize_columns(table.frame, table.target)
    assert np.isfinite(Preprocessor.fit(table, columns).transform(table)).all()
    if example.shape is not None:
        pixels = table.frame.drop(columns=example.target).to_numpy()
        assert pixels.shape[1] == example.shape[0] * example.shape[1]
        assert pixels.max() == example.largest


def test_names() -> None:
    assert read_example("Breast_Cancer").name == "breast-cancer"
    with pytest.raises(ArgumentError, match="'iris', the nearest"):
        read_example("irs")
