"""Predictions: a row's numbers do not depend on the rows beside it; data may lie in files."""

import threading

import numpy as np
import pytest

import misstep as ms


class FromItsMean(ms.Module):
    """Each row less its own mean, divided by a number: what depends on one row only."""

    def forward(self, x):
        return (x - ms.mean(x, 1, keep=True)) / 3.0


class FromTheMean(ms.Module):
    """Each row less the mean of all rows of the batch: what mixes rows."""

    def forward(self, x):
        return x - ms.mean(x, 0, keep=True)


def made(network, features=9, rows=300, loss=None, **settings):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, features)).astype("float32")
    trainer = ms.Trainer(
        ms.Network(network, (features,), seed=3), loss=loss or ms.CrossEntropy(), **settings
    )
    return trainer, x


NETWORKS = {
    "plain": ms.Sequential(ms.Dense(40), ms.ReLU(), ms.Dense(5)),
    "one output": ms.Sequential(ms.Dense(70), ms.Tanh(), ms.Dense(1), ms.Dense(2)),
    "own mean": ms.Sequential(ms.Dense(33), FromItsMean(), ms.Sigmoid(), ms.Dense(3)),
    "wide": ms.Sequential(ms.Dense(17000), FromItsMean()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_is_predicted_alike_in_any_company(name):
    rows = 20 if name == "wide" else 1100
    trainer, x = made(NETWORKS[name], rows=rows)
    together = trainer.predict(x)
    for count in (1, 2, 7, 8, 9, 64, 100, 1025):
        part = trainer.predict(x[:count])
        assert (part == together[: len(part)]).all(), count
    assert (trainer.predict(x[rows - 1 :]) == together[rows - 1 :]).all()


def test_networks_that_mix_rows_see_just_the_rows_given():
    network = ms.Sequential(FromTheMean(), ms.Dense(4))
    trainer, x = made(network, rows=50)
    other, _ = made(network, rows=50, compiling=False)
    for count in (1, 3, 50):
        assert trainer.predict(x[:count]) == pytest.approx(other.predict(x[:count]), abs=1e-6)
    # With one row alone, nothing but the bias is left.
    alone = np.exp(trainer.network.arrays()["dense1.bias"])
    assert trainer.predict(x[:1])[0] == pytest.approx(alone / alone.sum(), abs=1e-6)


def test_what_predicts_one_row_follows_the_weights():
    trainer, x = made(NETWORKS["plain"])
    before = trainer.predict(x[:1])
    trainer.network.parameters = trainer.network.parameters * 0.5
    after = trainer.predict(x[:1])
    assert (after == trainer.predict(x[:3])[:1]).all()
    assert (after != before).any()
    trainer.network.parameters[:] = 0.0
    assert (trainer.predict(x[:1]) == 0.2).all()


def test_whether_rows_are_independent_is_known():
    def independent(network):
        inference = ms.Network(network, (6,)).inference()
        return inference.predict_program(8).compiled(1).rows_are_independent

    assert independent(ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(3)))
    assert not independent(ms.Sequential(FromTheMean(), ms.Dense(3)))


def test_data_in_files_give_the_same_bits(tmp_path):
    random = np.random.default_rng(1)
    x = random.normal(size=(700, 12)).astype("float32")
    y = random.integers(0, 3, 700)
    held = np.memmap(tmp_path / "x", "float32", "w+", shape=x.shape)
    held[:] = x
    held.flush()
    found = []
    for data in (x, np.memmap(tmp_path / "x", "float32", "r", shape=x.shape)):
        network = ms.Sequential(ms.Dense(9), ms.ReLU(), ms.Dropout(0.2), ms.Dense(3))
        trainer = ms.Trainer(network, loss=ms.CrossEntropy(), batch_size=48, seed=5)
        trainer.fit(data, y, epochs=2)
        found.append((trainer.network.parameters.tobytes(), trainer.predict(data).tobytes()))
    assert found[0] == found[1]


def test_trainings_in_two_threads_do_not_disturb_each_other():
    random = np.random.default_rng(2)
    x = random.normal(size=(600, 10)).astype("float32")
    y = random.integers(0, 2, 600)

    def train(into, place):
        network = ms.Sequential(ms.Dense(200), ms.ReLU(), ms.Dense(2))
        trainer = ms.Trainer(network, loss=ms.CrossEntropy(), batch_size=100, seed=1, threads=2)
        trainer.fit(x, y, epochs=6)
        into[place] = trainer.network.parameters.tobytes()

    alone, both = [b""], [b"", b""]
    train(alone, 0)
    threads = [threading.Thread(target=train, args=(both, place)) for place in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert both == alone * 2


def test_a_run_is_gone_on_with_by_the_backend_that_began_it(tmp_path):
    x = np.random.default_rng(3).normal(size=(60, 4)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")

    def trainer(**settings):
        return ms.Trainer(ms.Dense(1), loss=ms.BinaryCrossEntropy(), **settings)

    trainer().fit(x, y, epochs=1, folder=tmp_path)
    with pytest.raises(ms.ArgumentError, match="backend"):
        trainer(compiling=False).fit(x, y, epochs=2, folder=tmp_path, resume=True)
    assert trainer().fit(x, y, epochs=2, folder=tmp_path, resume=True).epochs == 2
