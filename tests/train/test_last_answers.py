"""What a network thinks of answers in the end: in the record of a run, against its predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.ir import Array
from misstep.train.last_answers import FEWEST_ROWS, MOST_ROWS


def facts_of(run: Any) -> dict[str, Any] | None:
    found = [event for event in run.record.events if event["kind"] == "answers"]
    return found[-1]["facts"] if found else None


def classes(rows: int) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, rows)
    return random.normal(size=(rows, 4)) + 3 * np.eye(3, 4)[y], y


@pytest.mark.parametrize("validated", [True, False])
def test_classes(validated: bool) -> None:
    x, y = classes(300)
    y[7] = (y[7] + 1) % 3
    trainer = ms.Trainer(ms.Dense(3), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05))
    run = trainer.fit(x, y, validation=(x, y) if validated else None, epochs=60)
    facts = facts_of(run)
    assert facts is not None
    assert facts["of"] == ("validation" if validated else "training")
    predicted = trainer.predict(x)
    others = predicted.argmax(axis=1) != y
    assert sum(facts["others"]) == others.sum()
    assert sum(facts["counts"]) == facts["rows"] == 300
    first = facts["suspects"][0]
    assert first["row"] == predicted[np.arange(300), y].argmin()
    assert first["given"] == y[first["row"]]
    assert first["suggested"] == predicted[first["row"]].argmax()
    assert first["probability"] == pytest.approx(predicted[first["row"]].max(), abs=1e-3)


def test_yes_and_no() -> None:
    x, y = classes(200)
    yes = (y == 1).astype(float).reshape(-1, 1)
    trainer = ms.Trainer(ms.Dense(1), loss=ms.BinaryCrossEntropy(), optimizer=ms.Adam(0.05))
    facts = facts_of(trainer.fit(x, yes, epochs=60))
    assert facts is not None
    assert facts["classes"] == 2
    assert sum(facts["others"]) == ((trainer.predict(x) > 0.5) != yes).sum()


def test_numbers() -> None:
    x, _ = classes(200)
    y = x.sum(axis=1, keepdims=True)
    y[11] = 400.0
    trainer = ms.Trainer(ms.Dense(1), loss=ms.losses.AbsoluteError(), optimizer=ms.Adam(0.1))
    facts = facts_of(trainer.fit(x, y, epochs=60))
    assert facts is not None
    assert facts["far"] == 1
    assert facts["suspects"][0]["row"] == 11
    assert facts["suspects"][0]["given"] == 400.0


def test_many_rows_are_asked_at_even_distances_and_few_not_at_all() -> None:
    x, y = classes(3 * MOST_ROWS)
    trainer = ms.Trainer(ms.Dense(3), loss=ms.CrossEntropy(), batch_size=512)
    facts = facts_of(trainer.fit(x, y, epochs=2))
    assert facts is not None
    assert facts["rows"] <= 0.02 * 2 * len(x)
    few = trainer.fit(x[: FEWEST_ROWS - 1], y[: FEWEST_ROWS - 1], epochs=99)
    assert facts_of(few) is None


def test_shares_and_several_outputs_are_left_alone() -> None:
    x, y = classes(100)
    share = (0.2 + 0.6 * (y == 1)).reshape(-1, 1)
    trainer = ms.Trainer(ms.Dense(1), loss=ms.BinaryCrossEntropy())
    assert facts_of(trainer.fit(x, share, epochs=40)) is None
    trainer = ms.Trainer(ms.Dense(2), loss=ms.SquaredError())
    assert facts_of(trainer.fit(x, x[:, :2], epochs=40)) is None


def test_weights_do_not_depend_on_it() -> None:
    x, y = classes(200)
    networks = []
    for watch in (True, False):
        trainer = ms.Trainer(ms.Dense(3), loss=ms.CrossEntropy(), seed=3)
        trainer.fit(x, y, epochs=30, watch=watch)
        networks.append(trainer.network.parameters)
    np.testing.assert_array_equal(*networks)
