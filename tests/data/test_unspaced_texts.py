"""Texts in writings without blanks between words, and letters that can be written in two ways."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.data import ColumnType, Preprocessor, recognize_columns
from misstep.data.text.text_parts import pieces_of
from misstep.data.text.text_transformer import TextTransformer
from misstep.data.text.tokens import FIRST, terms_of, tokens_of
from misstep.data.text.unspaced import normalized, word_count

TOKENS = {
    "这个5G手机很好，iPhone也行": "这 个 5 g 手 机 很 好 , iphone 也 行",
    "がっこうへ行く": "が っ こ う へ 行 く",
    "ﾃﾞｰﾀ": "デ ー タ",
    "ไม่ดีเลย": "ไม่ ดี เล ย",
    "ລາວດີຫຼາຍ": "ລາ ວ ດີ ຫຼາ ຍ",
    "ភាសាខ្មែរ": "ភា សា ខ្មែ រ",
    "မြန်မာစကား": "မြ န် မာ စ ကား",
    "བཀྲ་ཤིས": "བཀྲ ཤིས",
    # With blanks between words: whole words, the vowels of Hindi in them.
    "한국어 좋아요": "한국어 좋아요",
    "किताब बहुत अच्छी": "किताब बहुत अच्छी",
    "שָׁלוֹם עולם": "שָׁלוֹם עולם",
    "ＡＢＣ　１２！": "abc 12 !",
    "看www.a.com很好": "看 <link> 很 好",
    "联系abc@x.com谢谢": "联 系 <e-mail> 谢 谢",
}


@pytest.mark.parametrize("text", TOKENS)
def test_tokens(text: str) -> None:
    assert tokens_of(text) == normalized(TOKENS[text]).split(" ")
    assert tokens_of(unicodedata.normalize("NFD", text)) == tokens_of(text)


def test_pairs_of_signs_have_no_blank_and_old_models_keep_theirs() -> None:
    assert terms_of("很好 ok 吗")[4:] == ["很好", "好 ok", "ok 吗"]
    assert terms_of("很好", FIRST) == ["很", "好", "很 好"]
    assert tokens_of("किताब", FIRST) == ["क", "ि", "त", "ा", "ब"]


@pytest.mark.parametrize("text", ["Not good!", "L'été à 3,50 € www.x.fr a@b.de", "naïve coöp x_1"])
def test_texts_with_blanks_fall_as_ever(text: str) -> None:
    assert tokens_of(text, FIRST) == tokens_of(text)
    assert terms_of(text, FIRST) == terms_of(text)
    assert word_count(text) == len(text.split())


SPEAKING = {
    "Chinese": (
        "这个产品 我觉得 服务 质量 价格 物流 昨天收到 颜色",
        "很好 喜欢 漂亮",
        "很差 讨厌 难看",
    ),
    "Japanese": (
        "この商品 サービス 品質は 値段が 昨日届いた 友達に",
        "最高 好き きれい",
        "最悪 嫌い 汚い",
    ),
    "Thai": ("สินค้านี้ บริการ คุณภาพ ราคา เมื่อวาน เพื่อน", "ดีมาก ชอบ สวย", "แย่มาก เกลียด น่าเกลียด"),
    "Khmer": ("ផលិតផល សេវាកម្ម គុណភាព តម្លៃ ម្សិលមិញ", "ល្អណាស់ ចូលចិត្ត", "អាក្រក់ ស្អប់"),
}


def spoken(language: str, rows: int, blank: str = "") -> tuple[list[str], list[str]]:
    draw = random.Random(1)
    fill, good, bad = (words.split() for words in SPEAKING[language])
    texts, labels = [], []
    for row in range(rows):
        words = [*draw.sample(fill, 4), draw.choice(good if row % 2 else bad)]
        draw.shuffle(words)
        texts.append(blank.join(words))
        labels.append("good" if row % 2 else "bad")
    return texts, labels


@pytest.mark.parametrize("language", SPEAKING)
def test_such_texts_are_texts_and_can_be_told_apart(language: str) -> None:
    texts, labels = spoken(language, 240)
    frame = pd.DataFrame({"text": texts})
    assert recognize_columns(frame)[0].column_type is ColumnType.TEXT
    model = ms.Classifier(epochs=12, random_state=0).fit(frame[:200], labels[:200])
    assert model.score(frame[200:], labels[200:]) >= 0.95


def test_names_in_signs_are_no_texts() -> None:
    names = [a + b + c for a in "王李张刘陈" for b in "伟芳娜秀敏" for c in "静丽强磊军"]
    kinds = recognize_columns(pd.DataFrame({"name": names, "x": np.arange(125) % 7}))
    assert kinds[0].column_type is not ColumnType.TEXT
    cities = ["北京市", "上海市", "广州市", "深圳市"] * 30
    kinds = recognize_columns(pd.DataFrame({"city": cities, "x": np.arange(120) % 7}))
    assert kinds[0].column_type is ColumnType.CATEGORY


def test_composed_and_decomposed_texts_have_the_same_features() -> None:
    texts = ["très élégant ÉTÉ", "médiocre, gênant là", "préféré naïf hélas", "déçu à Noël"] * 5
    composed = pd.DataFrame({"text": [unicodedata.normalize("NFC", text) for text in texts]})
    decomposed = pd.DataFrame({"text": [unicodedata.normalize("NFD", text) for text in texts]})
    columns = [replace(recognize_columns(composed)[0], column_type=ColumnType.TEXT)]
    for in_order in (False, True):
        for learned, other in ((composed, decomposed), (decomposed, composed)):
            fitted = Preprocessor.fit(learned, columns, in_order=in_order)
            assert np.array_equal(fitted.transform(learned), fitted.transform(other))


def test_a_model_of_the_first_version_keeps_its_numbers() -> None:
    texts = pd.Series(["très élégant", "très gênant", "élégant là", "gênant là"] * 3)
    column = recognize_columns(pd.DataFrame({"t": texts}))[0]
    now = TextTransformer.fit(column, texts, np.ones(12))
    decomposed = texts.map(lambda text: unicodedata.normalize("NFD", text))

    def features(fitted: TextTransformer, series: pd.Series) -> list[list[float]]:
        return fitted.transform(series, lambda note: None).tolist()

    first = replace(now, tokens=FIRST)
    assert features(first, texts) == features(now, texts) == features(first, decomposed)
    # One that learned from decomposed letters knows those.
    other = replace(first, terms=("\u0301", "e", "l"), weights=(1.0, 1.0, 1.0), slots=3)
    assert features(other, decomposed) == features(other, texts) != features(first, texts)
    assert "\u0301" in str(other.names_in_row(np.array(features(other, texts)[0])))


def test_words_of_a_text_are_told_as_they_are_learned_from() -> None:
    pieces = pieces_of("很好iPhone很 e\u0301te\u0301 été")
    assert pieces.words == ("很", "好", "iphone", "été")
    assert pieces.counts == (2, 1, 1, 2)
    assert pieces.text([False, True, True, True]) == "好iPhone e\u0301te\u0301 été"


def test_vectors_of_words_in_either_spelling(tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("e\u0301te\u0301 1 2\nnoir 3 4\n", encoding="utf-8")
    found = ms.data.read_vectors(file, ["noir", "\u00e9t\u00e9"])
    assert found.array.tolist() == [[3, 4], [1, 2]]
    assert found.missing == ()
