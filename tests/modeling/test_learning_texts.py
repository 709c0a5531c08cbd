"""Learning from texts: alone, among other columns, in words or in order; what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import Decision, Table
from misstep.errors import ArgumentError, DataError, MisstepError
from misstep.modeling import FitResult, Options, save_model, train

GOOD, BAD = ["lovely", "great", "not bad"], ["awful", "boring", "not good"]
FILLING = ["the", "film", "was", "with", "music", "and", "actors", "today"]


def reviews(rows: int = 240, seed: int = 0) -> pandas.DataFrame:
    """Reviews with one telling word or pair each, a number that tells a little, and a name."""
    random = np.random.default_rng(seed)
    praise = np.arange(rows) % 2
    said, named = [], []
    for good in praise:
        words = random.choice(FILLING, random.integers(4, 9)).tolist()
        words.insert(int(random.integers(len(words))), random.choice(GOOD if good else BAD))
        said.append(" ".join(words))
        named.append(" ".join(f"n{number}" for number in random.integers(0, 3000, 3)))
    length = random.normal(90, 10, rows) + 5 * praise
    answers = np.where(praise == 1, "good", "bad")
    return pandas.DataFrame({"said": said, "minutes": length, "who": named, "label": answers})


def trained(frame: pandas.DataFrame, options: Options | None = None, **asked: Any) -> FitResult:
    options = options or Options(seed=1, threads=1)
    return train(Table(frame, "reviews"), replace(options, **{"target": "label"} | asked))


def chosen(found: FitResult, what: str) -> Decision:
    return next(one for one in found.decisions if one.what == what)


def test_texts_alone() -> None:
    frame = reviews()[["said", "label"]]
    found = trained(frame)
    assert found.scores["test"]["accuracy"] > 0.9
    assert "terms, added to it" in chosen(found, "texts").choice
    assert "168 texts" in chosen(found, "texts").reason
    assert found.scores["linear"]["accuracy"] > found.scores["baseline"]["accuracy"]
    assert "TF-IDF" in found.baselines[1].how


@pytest.mark.parametrize("network", [None, "embed8-lstm8", "embed8-gap-dense8", "dense8"])
def test_same_seed_same_bits_on_any_number_of_threads(network: str | None) -> None:
    frame = reviews(60)
    options = Options(seed=3, epochs=2, network=network, threads=1)
    one, two = (
        trained(frame, options=replace(options, threads=threads)).model for threads in (1, 2)
    )
    assert one.network.parameters.tobytes() == two.network.parameters.tobytes()
    assert (one.outputs(frame) == two.outputs(frame)).all()
    assert one.outputs(frame).shape == (60, 2)


def test_mixed_columns_are_one_network_and_one_file(tmp_path: Path) -> None:
    frame = reviews()
    found = trained(frame)
    assert found.scores["test"]["accuracy"] > 0.9
    assert chosen(found, "column said").choice == "text"
    assert "falls by" in chosen(found, "column said").reason
    assert chosen(found, "column who").choice == "left out"
    assert "do not help" in chosen(found, "column who").reason
    assert "added to the network below" in chosen(found, "texts").choice
    save_model(found.model, tmp_path / "model.misstep")
    again = ms.load_model(tmp_path / "model.misstep")
    np.testing.assert_array_equal(again.outputs(frame), found.model.outputs(frame))
    # Columns that were left out need not be there.
    assert (again.predict(frame.drop(columns="who")) == found.model.predict(frame)).all()


def test_order_can_be_read() -> None:
    frame = reviews(400)[["said", "label"]]
    options = Options(seed=1, threads=1, network="embed16-lstm16", learning_rate=0.01)
    found = trained(frame, options=options)
    assert found.scores["test"]["accuracy"] > 0.9
    assert "words in their order" in chosen(found, "column said").reason
    assert chosen(found, "network").reason == "you chose it"


def test_numbers_and_several_classes_are_told_from_texts() -> None:
    frame = reviews()
    frame["stars"] = np.where(frame["label"] == "good", 4.5, 1.5) + frame["minutes"] / 1000
    found = trained(frame[["said", "stars"]], target="stars")
    assert found.scores["test"]["r2"] > 0.7
    assert found.scores["linear"]["r2"] > 0
    frame["kind"] = [next(word for word in [*GOOD, *BAD] if word in said) for said in frame["said"]]
    found = trained(frame[["said", "kind"]], target="kind")
    assert found.scores["test"]["accuracy"] > 0.8


def test_a_column_that_tells_all_is_named_and_can_be_left_out() -> None:
    frame = reviews()
    frame["stars"] = np.where(frame["label"] == "good", 5, 1) - np.arange(240) // 2 % 2
    found = trained(frame)
    careful = chosen(found, "CAREFUL")
    assert careful.choice == "stars alone tells label for all rows"
    assert any("--without stars" in note for note in found.notes)
    # Beside it nothing would help, so that texts are kept.
    assert chosen(found, "column said").choice == "text"
    again = trained(frame, without=("stars",))
    assert all(one.what not in ("CAREFUL", "column stars") for one in again.decisions)
    assert not any("CAREFUL" in one.what for one in trained(reviews()).decisions)


def test_a_number_in_another_unit_tells_all() -> None:
    frame = reviews()
    frame["hours"] = frame["minutes"] / 60
    found = trained(frame, target="minutes")
    assert "hours alone tells minutes" in chosen(found, "CAREFUL").choice


@pytest.mark.parametrize(
    ("without", "words"), [(["star"], "'star'"), (["label"], "another column than the target")]
)
def test_only_columns_can_be_left_out(without: list[str], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        trained(reviews(), without=tuple(without))


def test_leaving_out_everything_is_refused() -> None:
    with pytest.raises(DataError, match="columns to learn from"):
        trained(reviews(), without=("said", "minutes", "who"))


def test_word_vectors_start_an_embedding(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    words = [*FILLING, "lovely", "great", "awful", "boring"]
    lines = [f"{word} " + " ".join(f"{n:.3f}" for n in random.normal(size=4)) for word in words]
    (tmp_path / "vectors.txt").write_text("\n".join(lines))
    options = Options(
        network="embed4-gap", vectors=tmp_path / "vectors.txt", epochs=1, learning_rate=1e-9
    )
    frame = reviews()[["said", "label"]]
    found = trained(frame, options=options)
    assert "of 12 words from vectors.txt" in chosen(found, "vectors").choice
    (table,) = (array for name, array in found.model.network.arrays().items() if "vectors" in name)
    known = found.model.preprocessing.texts[0].words
    wanted = [float(number) for number in lines[0].split()[1:]]
    np.testing.assert_allclose(table[known.index("the")], wanted, atol=1e-5)
    with pytest.raises(ArgumentError, match="embed4"):
        trained(frame, options=replace(options, network="embed8-gap"))


def test_an_own_network_may_take_words_in_their_order() -> None:
    frame = reviews(120)[["said", "label"]]
    network = ms.Sequential(
        ms.Embedding(50, 4, padding=0), ms.nn.GlobalAveragePool1D(), ms.Dense(1)
    )
    found = trained(frame, options=Options(network=network, epochs=2, threads=1))
    assert found.model.network.parameter_count == 50 * 4 + 5


def test_nonsense_is_refused_in_words() -> None:
    frame = reviews(60)[["said", "label"]]
    for network in ("lstm8", "embed4-conv8x2000"):
        with pytest.raises(MisstepError):
            trained(frame, options=Options(network=network))


def test_lists_of_texts_for_the_estimators() -> None:
    frame = reviews()
    said, label = frame["said"], frame["label"]
    found = ms.Classifier(random_state=0).fit(said.tolist(), label)
    assert found.score(said.to_numpy(), label) > 0.95
    assert (found.predict(said) == found.predict(said.tolist())).all()
    assert found.n_features_in_ == 1
    assert not hasattr(found, "feature_names_in_")
    assert found.predict([None, "lovely film"])[1] == "good"
    with pytest.raises(DataError, match="texts alone"):
        ms.Classifier(epochs=1).fit(frame[["said", "minutes"]], label).predict(said.tolist())
    short = ms.Classifier(epochs=30).fit(["1", "0", "yes", "no"] * 20, [1, 0, 1, 0] * 20)
    assert short.predict(["1", "no"]).tolist() == [1, 0]
    number = ms.Regressor(epochs=20).fit(said.tolist(), (label == "good") * 2.0)
    assert number.score(said.tolist(), (label == "good") * 2.0) > 0.5


def test_texts_in_several_groups_of_rows() -> None:
    frame = reviews(400)
    found = ms.Classifier(learning_rate=0.02)
    for start in range(0, 400, 100):
        part = frame[start : start + 100]
        found.partial_fit(part["said"].tolist(), part["label"], classes=["bad", "good"])
    assert found.score(frame["said"].tolist(), frame["label"]) > 0.85
