"""Networks and losses that people name, and that do not suit their data: what is said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import read_source
from misstep.data.target_recognition import recognize_target
from misstep.errors import ArgumentError, DataError
from misstep.modeling import make_options, recognize
from misstep.modeling.checking import check_data

TABLE = pandas.DataFrame({"a": np.arange(40.0), "b": np.arange(40) % 7, "y": ["no", "yes"] * 20})
PICTURES = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype="uint8")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lstm4", r"the part 'lstm4' .*needed sequences, but got rows of 1 number "),
        ("dense4-gap", r"the part 'gap' .*needed images or sequences, but got rows of 4 numbers"),
        ("embed4-gap", r"the part 'embed4' .*needed texts"),
        ("bogus3", r"the part 'bogus3' of the network 'bogus3': needed one of dense64.*, ln\.$"),
        ("dese4", r"Try: dense64"),
    ],
)
def test_a_part_that_does_not_fit_a_table_is_named(line: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ms.check(TABLE, "y", network=line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("attention2", "'attention2' .*needed sequences, but got images of 8 × 8 with 1 channel"),
        ("pool-pool-pool-pool-gap", "the part 'pool' .*but got images of 1 × 1"),
        ("flatten-gap", "the part 'gap' .*rows of 64 numbers"),
    ],
)
def test_a_part_that_does_not_fit_images_is_named(line: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ms.Classifier(network=line, epochs=1).fit(PICTURES, np.arange(24) % 2)


def test_lines_that_read_texts(tmp_path: Path) -> None:
    for label, words in (("good", "red blue"), ("bad", "old new")):
        (tmp_path / label).mkdir()
        for number in range(6):
            (tmp_path / label / f"{number}.txt").write_text(f"{words} {number}")
    data = read_source(str(tmp_path))

    def checked(line: str) -> object:
        return check_data(recognize(data, make_options(network=line)))

    # What reads words to the end of a line leaves a row for each word, as before a dense layer.
    for line in ("embed4", "embed4-conv4", "embed4-gap"):
        checked(line)
    with pytest.raises(ArgumentError, match=r"'attention3' .*sequences of . steps of 4 features"):
        checked("embed4-attention3")
    with pytest.raises(ArgumentError, match=r"the part 'lstm4' .*needed sequences"):
        checked("dense4-lstm4")


@pytest.mark.parametrize(
    ("target", "loss", "words"),
    [
        ("y", "squared-error", "one for two classes, but got one for numbers. Try: binary-cross"),
        ("a", "cross-entropy", "one for a number, but got one for classes. Try: squared-error"),
        ("a", "binary-cross-entropy", "one for a number, but got one for two classes"),
    ],
)
def test_a_loss_that_does_not_fit_the_target_is_refused_at_once(
    target: str, loss: str, words: str
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(words)):
        ms.check(TABLE, target, loss=loss)


def test_words_where_numbers_are_wanted_are_named() -> None:
    column = pandas.Series(["good", "bad"] * 3, dtype=object)
    with pytest.raises(DataError, match="needed numbers, but got 6 rows, all without one"):
        recognize_target(column, "y", "regression", "plain")
    # Who says that numbers are written there may be wrong.
    assert recognize_target(column, "y", None, "plain").classes == ("bad", "good")
