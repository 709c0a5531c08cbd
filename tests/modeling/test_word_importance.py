"""Words taken out of held-out texts, one by one, against texts that are written without them."""

from __future__ import annotations

import numpy as np
import pytest
from trained_for_judgment import pair

from misstep.modeling import word_importances_of
from misstep.modeling.judgment.row_losses import row_losses


def test_a_word_is_taken_out_of_the_texts_that_have_it() -> None:
    model, held_out = pair("messages")
    (found,) = word_importances_of(model, held_out)
    assert (found.noun, found.manner, found.about) == ("word", "taken out", "text")
    texts = held_out.data.frame["text"].tolist()  # type: ignore[attr-defined]
    before = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    for each in found.inputs[:4]:
        rows = [n for n, text in enumerate(texts) if each.name in text.lower().strip(".").split()]
        assert each.having == len(rows)
        assert each.rows == min(40, len(rows))
        rows = rows[: each.rows]
        without = [
            " ".join(word for word in texts[row][:-1].split() if word.lower() != each.name) + "."
            for row in rows
        ]
        outputs = model.outputs({"text": without})
        x = model.encode({"text": without})
        after = row_losses(model, x, outputs, held_out.answers[rows])
        assert each.loss == pytest.approx((after - before[rows]).mean(), abs=1e-5)
        moved = (held_out.outputs[rows] - outputs).mean(axis=0)
        assert each.moved == pytest.approx(tuple(moved), abs=1e-5)


def test_words_that_tell_come_first_and_say_in_which_direction() -> None:
    model, held_out = pair("messages")
    (found,) = word_importances_of(model, held_out)
    assert {each.name for each in found.inputs[:2]} == {"prize", "urgent"}
    junk = list(map(str, model.target.classes)).index("junk")
    assert all(each.moved[junk] > 0.1 for each in found.inputs[:2])
    assert word_importances_of(model, held_out) == (found,)


def test_tables_without_texts_have_no_words() -> None:
    assert word_importances_of(*pair("houses")) == ()


def test_a_text_column_says_which_rows_miss_it() -> None:
    model, held_out = pair("messages")
    (column,) = model.preprocessing.texts_of(held_out.data)
    assert len(column.texts) == len(held_out)
    block = column.without([(0, 0)])
    assert block.shape == (1, column.features.stop - column.features.start)
    assert np.isfinite(block).all()
