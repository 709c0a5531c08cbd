"""Training on recorded sequences: parts, baselines, choices, networks of a person's own."""

import numpy as np
import pytest

import misstep as ms
from misstep.data import Sequences
from misstep.modeling import Options, load_model, save_model, train
from misstep.modeling.modalities.sequence import summaries

SMALL = "conv6-bn-conv6-gap"


def bumps(count=60, seed=0):
    """Return sequences of 12 to 24 steps with a bump up or down somewhere, and its direction."""
    numbers = np.random.default_rng(seed)
    lengths = numbers.integers(12, 25, count)
    values = numbers.normal(0, 0.3, size=(count, 24, 2))
    up = np.arange(count) % 2
    for row, length in enumerate(lengths):
        start = numbers.integers(0, length - 6)
        values[row, start : start + 3, 0] += 2
        values[row, start + 3 : start + 6, 0 if up[row] else 1] += 2
    return Sequences.of(values, lengths, np.where(up, "same", "other"), ("a", "b"), "bumps", "kind")


@pytest.fixture(scope="module")
def trained():
    return train(bumps(), Options(epochs=15, threads=1))


def test_every_choice_is_told_and_the_network_learns(trained):
    told = {one.what for one in trained.decisions}
    assert {"target", "split", "channels", "length", "network", "noise", "epochs"} <= told
    assert trained.scores["test"]["accuracy"] > trained.scores["baseline"]["accuracy"]
    assert set(trained.scores) == {"test", "validation", "baseline", "linear"}
    assert all(one.reason for one in trained.decisions)
    assert trained.run.best_epoch is None
    assert trained.learning_curve.examples[0].name.startswith("sequence ")


def test_a_model_file_gives_the_same_and_takes_arrays(trained, tmp_path):
    save_model(trained.model, tmp_path / "m.misstep")
    again = load_model(tmp_path / "m.misstep")
    sequences = bumps(8, seed=1)
    wanted = trained.model.outputs(sequences)
    assert (again.outputs(sequences) == wanted).all()
    assert (again.outputs(sequences.values) == wanted).all()
    assert again.evaluate(sequences)["accuracy"] >= 0
    with pytest.raises(ms.DataError, match="2 channels"):
        again.predict(np.zeros((2, 5, 3)))


def test_threads_and_stops_change_no_bit(tmp_path):
    found = []
    for threads, folder in ((1, None), (2, None), (1, tmp_path)):
        options = Options(network=SMALL, epochs=3, threads=threads, folder=folder)
        found.append(train(bumps(), options).model.network.parameters.tobytes())
    again = Options(network=SMALL, epochs=3, threads=2, folder=tmp_path, resume=True)
    found.append(train(bumps(), again).model.network.parameters.tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "network",
    [
        "lstm4",
        "gru4",
        "conv4-bn-pool-conv4-gap",
        "res4-gap",
        "dense4",
        ms.Sequential(ms.LSTM(4), ms.Dense(1)),
    ],
)
def test_a_network_of_ones_own(network):
    options = Options(network=network, epochs=1, threads=1)
    trained = train(bumps(24), options)
    assert "accuracy" in trained.scores["test"]
    assert "noise" not in {one.what for one in trained.decisions}


def test_numbers_are_predicted_in_their_unit():
    sequences = bumps(60)
    level = np.random.default_rng(0).uniform(-3, 3, 60)
    values = sequences.values + level[:, None, None]
    numbers = Sequences.of(values, sequences.lengths, 100 + 10 * level, target="level")
    options = Options(network="conv4-gap", epochs=30, learning_rate=0.02, threads=1)
    found = train(numbers, options)
    assert found.model.target.is_number
    assert found.scores["test"]["rmse"] < found.scores["baseline"]["rmse"] / 2
    assert 70 < found.model.predict(numbers)[0] < 130


def test_long_ones_and_answers_that_are_missing():
    numbers = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 10, object)
    labels[3] = None
    sequences = Sequences.of(numbers.normal(size=(20, 700, 1)), labels=labels)
    options = Options(network="conv2-gap", epochs=1, threads=1)
    found = train(sequences, options)
    assert "means of 2 each" in {one.choice for one in found.decisions}
    assert found.model.facts["rows"] + found.model.facts["test_rows"] <= 19
    with pytest.raises(ms.DataError, match="an answer for each sequence"):
        train(Sequences.of(np.zeros((4, 5, 2))))


def test_summaries_by_hand():
    from misstep.data import SequenceScaling

    scaling = SequenceScaling(("a",), (0.0,), (1.0,), 4)
    rows = scaling.transform(Sequences.of(np.array([[1.0, 2.0, 6.0, np.nan]])))
    mean, deviation, low, high, first, last, slope, change, steps = summaries(rows, scaling)[0]
    assert (mean, low, high, first, last, steps) == (3, 1, 6, 1, 6, 3)
    assert deviation == pytest.approx(np.std([1, 2, 6]))
    assert slope == pytest.approx(2.5)
    assert change == pytest.approx(2.5)


def test_estimators_take_sequences_of_three_axes():
    sequences = bumps(40)
    one = ms.Classifier(SMALL, epochs=30, threads=1, learning_rate=0.02).fit(
        sequences.values, sequences.labels
    )
    assert one.predict(sequences.values).shape == (40,)
    assert one.score(sequences.values, sequences.labels) > 0.6
    assert one.predict_proba(sequences.values[:3]).sum(axis=1) == pytest.approx(1)
    assert one.n_features_in_ == 2
    mirrored = ms.Classifier(SMALL, epochs=30, threads=1, learning_rate=0.02).fit(
        sequences.values[::-1], np.asarray(sequences.labels)[::-1]
    )
    # Which rows there are counts, not their order.
    assert (mirrored.network_.parameters == one.network_.parameters).all()
    number = ms.Regressor("conv2-gap", epochs=1, threads=1)
    assert number.fit(sequences.values, sequences.lengths).predict(sequences.values).shape == (40,)
