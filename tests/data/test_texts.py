"""Texts: tokens, terms and what each tells, signals, and columns of texts as features."""

from __future__ import annotations

import gzip
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data import (
    Column,
    ColumnType,
    Preprocessor,
    is_text_folder,
    preprocessing_from_json,
    read_lines,
    read_text_folder,
)
from misstep.data.text.text_transformer import LENGTH, MOST_SLOTS, TextTransformer
from misstep.data.text.tokens import SIGNALS, signals_of, terms_of, tokens_of
from misstep.data.text.vocabulary import (
    commonest_words,
    count_terms,
    known_terms,
    telling,
    term_weights,
)
from misstep.errors import DataError, FileFormatError, StorageError

SAID = Column("said", ColumnType.TEXT, "")
TEXTS = ["free prize now", "see you now", "free free prize", "see you later then", "", "prize"]
ANSWERS = np.array([1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop!", ["don't", "stop", "!"]),
        ("Don’t", ["don't"]),
        (
            "it costs £5 or $1,000.50",
            ["it", "costs", "<money>", "5", "or", "<money>", "<6 digits>"],
        ),
        ("call 09061701461", ["call", "<11 digits>"]),
        ("see https://a.example/b?c=1 now", ["see", "<link>", "now"]),
        ("WWW.a.example", ["<link>"]),
        ("to me.you+x@mail.example.org.", ["to", "<e-mail>", "."]),
        ("good<br /><br />bad", ["good", "bad"]),
        ("2nite b4 10/10", ["2", "nite", "b", "4", "10", "/", "10"]),
        ("snake_case", ["snake", "_", "case"]),
        ("Füße ÜBER Ñandú", ["füße", "über", "ñandú"]),
        ("我喜欢 a", ["我", "喜", "欢", "a"]),
        ("x" * 50, ["x" * 40]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_has_tokens_signals_and_terms(text: str) -> None:
    tokens = tokens_of(text)
    assert all(
        token and not any(letter.isspace() for letter in token.replace(" digits", ""))
        for token in tokens
    )
    assert len(terms_of(text)) == max(2 * len(tokens) - 1, 0)
    assert np.isfinite(signals_of([text], tuple(SIGNALS))).all()


def test_signals_are_what_they_are_called() -> None:
    text = "FREE call 12345 now!! see www.a.example, costs £5?"
    found = dict(zip(SIGNALS, signals_of([text], tuple(SIGNALS))[0], strict=True))
    assert found["characters"] == math.log1p(len(text))
    assert found["words"] == math.log1p(8)
    assert found["exclamation marks"] == math.log1p(2)
    assert found["question marks"] == found["links"] == found["currency signs"] == math.log1p(1)
    assert found["long numbers"] == found["words in capitals"] == math.log1p(1)
    assert found["share of digits"] == 6 / len(text)
    assert found["share of capitals"] == 4 / sum(letter.isalpha() for letter in text)
    np.testing.assert_array_equal(signals_of([""], tuple(SIGNALS)), 0)


def test_terms_that_two_texts_have_are_known() -> None:
    terms, counts = known_terms(TEXTS, terms_of)
    assert terms == ("free", "free prize", "now", "prize", "see", "see you", "you")
    places = {term: place for place, term in enumerate(terms)}
    again = count_terms(TEXTS, places, terms_of)
    np.testing.assert_array_equal(counts.toarray(), again.toarray())
    np.testing.assert_array_equal(again.toarray()[2], [2, 1, 0, 1, 0, 0, 0])
    assert commonest_words(TEXTS, tokens_of) == ("free", "now", "prize", "see", "you")
    assert known_terms(["", "  "], terms_of)[0] == ()


def test_how_much_a_term_tells_by_hand() -> None:
    # Three texts of each class; "free" in 2 of class 1, "now" in one of each.
    there = np.array([[1, 1], [1, 0], [0, 0], [0, 1], [0, 0], [0, 0]], float)
    found = telling(there, np.array([1, 1, 1, 0, 0, 0]), np.ones(6))
    own, other = np.array([3, 2]) / 5, np.array([1, 2]) / 3
    np.testing.assert_allclose(found, abs(np.log(own / other)))
    numbers = telling(there, np.array([1, 2, -1, 0.5, 0, 0], "float32"), np.ones(6))
    np.testing.assert_allclose(numbers, [3 / 3, 1.5 / 3])
    rare = term_weights(np.asarray(there), None, np.ones(6))
    np.testing.assert_allclose(rare, np.log(7 / 3) + 1)
    # A row of weight 2 is that row twice.
    twice = np.repeat(there, [1, 2, 1, 1, 1, 1], axis=0)
    np.testing.assert_allclose(
        telling(there, np.array([1, 1, 1, 0, 0, 0]), np.array([1.0, 2, 1, 1, 1, 1])),
        telling(twice, np.array([1, 1, 1, 1, 0, 0, 0]), np.ones(7)),
    )


def fitted(**options: bool) -> TextTransformer:
    series = pandas.Series(TEXTS, dtype=object)
    return TextTransformer.fit(SAID, series, np.ones(6), ANSWERS, **options)


def test_a_row_holds_its_terms_the_most_telling_first() -> None:
    part = fitted()
    row = part.transform(pandas.Series(["now prize unknown"]), print)[0]
    numbers = row[part.dense : part.dense + part.slots]
    weights = row[part.dense + part.slots :]
    assert [part.terms[int(number) - 1] for number in numbers[:2]] == ["prize", "now"]
    assert not numbers[2:].any()
    assert not weights[2:].any()
    assert np.hypot(*weights[:2]) == pytest.approx(LENGTH)
    assert len(part.feature_names) == len(row)
    names = part.names_in_row(row)
    assert names[part.dense + part.slots] == "said: 'prize'"
    assert names[-1] == f"said: weight of term {part.slots}"


def test_signals_are_cut_off_where_training_ends() -> None:
    """Texts of 7 and 8 letters can't tell how a text of 4 is to be judged."""
    series = pandas.Series(["good day", "bad day"] * 30, dtype=object)
    part = TextTransformer.fit(SAID, series, np.ones(60), np.array([1, 0] * 30))
    seen = part.transform(series, print)[:, : part.dense]
    far = pandas.Series(["good", "a", "", "an exceedingly long text " * 40, "GOOD DAY"])
    signals = part.transform(far, print)[:, : part.dense]
    assert (signals >= seen.min(0)).all()
    assert (signals <= seen.max(0)).all()
    # Models of before have no bounds, and keep their numbers.
    former = replace(part, lowest=(), highest=())
    assert former.transform(far, print)[:, : part.dense].max() > seen.max()
    np.testing.assert_array_equal(former.transform(series, print), part.transform(series, print))


def test_words_in_their_order() -> None:
    part = fitted(in_order=True)
    heard: list[str] = []
    rows = part.transform(pandas.Series(["you see unknown", None, "now " * 99]), heard.append)
    missing, rows = rows[:, 0], rows[:, 1:]
    assert missing.tolist() == [0, 1, 0]
    known = ("free", "now", "prize", "see", "you")
    assert part.words == known
    assert rows[0].tolist() == [6, 5, 1, 0]
    assert not rows[1].any()
    assert (rows[2] == 3).all()
    assert heard == []
    names = part.names_in_row(np.array([0.0, 6, 5, 1, 0]))
    assert names[:4] == ["said is missing", "said: 'you'", "said: 'see'", "said: word 3"]


@given(st.lists(st.text("ab 1!", max_size=12), min_size=2, max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rows_do_not_depend_on_each_other(texts: list[str], in_order: bool) -> None:
    series = pandas.Series(texts, dtype=object)
    part = TextTransformer.fit(SAID, series, np.ones(len(texts)), in_order=in_order)
    rows = part.transform(series, print)
    assert np.isfinite(rows).all()
    for place in range(len(texts)):
        alone = part.transform(series.iloc[[place]], print)
        np.testing.assert_array_equal(alone[0], rows[place])


def test_long_texts_are_cut_to_their_heaviest_terms() -> None:
    words = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(600)]
    texts = [" ".join(words)] * 4
    part = TextTransformer.fit(SAID, pandas.Series(texts), np.ones(4))
    assert part.slots == MOST_SLOTS
    row = part.transform(pandas.Series(texts[:1]), print)[0]
    assert (row[part.dense : part.dense + part.slots] > 0).all()


def frame() -> pandas.DataFrame:
    return pandas.DataFrame({"said": TEXTS * 4, "size": np.arange(24.0)})


def test_texts_among_other_columns_and_from_json() -> None:
    columns = [Column("size", ColumnType.NUMBER, "", "plain"), SAID]
    made = Preprocessor.fit(frame(), columns, answers=np.tile(ANSWERS, 4))
    (place,) = made.texts
    assert (place.start, place.stop) == (1, made.number_of_features)
    assert place.looked_up + 2 * place.slots == place.stop
    again = preprocessing_from_json(made.to_json())
    assert again.transform(frame()).tobytes() == made.transform(frame()).tobytes()
    assert isinstance(again, Preprocessor)
    assert again.texts == made.texts
    assert again.names_in_row(made.transform(frame())[0])[0] == "size"


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [1.0]},
        {"slots": MOST_SLOTS + 1},
        {"slots": -1},
        {"signals": ["smell"]},
        {"words": ["a", "a"]},
        {"terms": ["a", "a"], "weights": [1.0, 1.0]},
        {"terms": ["a"], "weights": [-1.0]},
        {"length": 10**9},
        {"kind": "number"},
    ],
)
def test_stored_texts_are_read_with_suspicion(change: dict[str, object]) -> None:
    stored = Preprocessor.fit(frame(), [SAID]).to_json()
    stored["parts"][0] |= change
    with pytest.raises(FileFormatError):
        Preprocessor.from_json(stored)


def test_class_folders(tmp_path: Path) -> None:
    for name, texts in {"ham": ["see you", "ok"], "spam": ["win, win", ""]}.items():
        (tmp_path / name).mkdir()
        for number, text in enumerate(texts):
            (tmp_path / name / f"{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "README.txt").write_text("about these files")
    (tmp_path / ".hidden").mkdir()
    assert is_text_folder(tmp_path)
    table = read_text_folder(tmp_path)
    assert table.target == "class"
    assert table.frame["class"].tolist() == ["ham", "ham", "spam", "spam"]
    assert table.frame["text"].tolist() == ["see you", "ok", "win, win", None]
    assert table.files == ["ham/0.txt", "ham/1.txt", "spam/0.txt", "spam/1.txt"]
    assert table.texts == ("text",)
    assert "1 file beside the class folders" in table.notes[0]
    alone = read_text_folder(tmp_path / "ham")
    assert list(alone.frame) == ["text"]
    assert alone.target is None


def test_broken_files_are_left_out_and_many_refused(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text(f"text {number}")
    (tmp_path / "07.txt").write_bytes(b"PK\x03\x04\x00\x00")
    table = read_text_folder(tmp_path)
    assert len(table) == 19
    assert "1 file that can't be read left out: 07.txt" in table.notes[0]
    for number in range(5):
        (tmp_path / f"{number:02}.txt").write_bytes(b"a\x00b")
    with pytest.raises(DataError, match="6 of 20 files"):
        read_text_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    assert not is_text_folder(tmp_path / "empty")
    with pytest.raises(DataError, match=r"files that end in \.txt"):
        read_text_folder(tmp_path / "empty")
    with pytest.raises(StorageError):
        read_text_folder(tmp_path / "nothing")


def test_a_text_a_line(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_bytes(b"one, two\r\n\r\nthree\r\n")
    assert read_lines(tmp_path / "some.txt", "said").frame["said"].tolist() == [
        "one, two",
        None,
        "three",
    ]
    (tmp_path / "some.txt.gz").write_bytes(gzip.compress(b"a\nb"))
    assert len(read_lines(tmp_path / "some.txt.gz")) == 2
