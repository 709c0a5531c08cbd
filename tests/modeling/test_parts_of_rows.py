"""What words and places did in single rows: the same as asking the model without them."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from trained_for_judgment import pair

from misstep.data import read_table
from misstep.modeling.judgment.parts_of_rows import effects_in_rows


def test_a_word_did_what_the_model_says_less_without_it() -> None:
    model, held_out = pair("messages")
    at = [3, 0]
    found = effects_in_rows(model, held_out, at)
    assert [one.position for one in found] == at
    for one in found:
        (text,) = one.texts
        assert text.column == "text"
        assert one.places is None
        said = held_out.outputs[one.position]
        for number, effect in enumerate(text.effects):
            kept = [other != number for other in range(len(text.pieces.words))]
            frame = pandas.DataFrame({"text": [text.pieces.text(kept)]})
            without = model.outputs(read_table(frame))[0]
            assert effect == pytest.approx(
                float(said[said.argmax()] - without[said.argmax()]), abs=2e-6
            )


def test_a_place_did_what_the_model_says_less_without_it() -> None:
    model, held_out = pair("pictures")
    (one,) = effects_in_rows(model, held_out, [7])
    assert one.texts == ()
    assert one.places is not None
    assert model.training_rows is not None
    baseline = model.training_rows.baseline
    assert baseline is not None
    assert one.places.effects.shape == (8, 8)
    said = held_out.outputs[7]
    for line, column in [(0, 0), (3, 5), (7, 7)]:
        image = held_out.x[7].reshape(8, 8).copy()
        image[line, column] = baseline.features.reshape(8, 8)[line, column]
        without = model.outputs_of(image.reshape(1, -1))[0]
        expected = float(said[said.argmax()] - without[said.argmax()])
        assert one.places.effects[line, column] == pytest.approx(expected, abs=2e-6)


def test_rows_of_columns_have_no_such_parts() -> None:
    model, held_out = pair("houses")
    (one,) = effects_in_rows(model, held_out, [1])
    assert one.texts == ()
    assert one.places is None
    assert effects_in_rows(model, held_out, []) == ()


def test_the_same_rows_give_the_same_numbers() -> None:
    model, held_out = pair("pictures")
    first, second = (effects_in_rows(model, held_out, [1, 2])[1].places for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.effects, second.effects)
