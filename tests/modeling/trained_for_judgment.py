"""Small trained models of each kind of data, with the rows that they did not learn from."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas

from misstep.data import Dataset, Images, read_table
from misstep.data.sequence.sequences import Sequences
from misstep.modeling import FitResult, HeldOut, Model, Options, train

ROWS = 300


def passengers(rows: int = ROWS, seed: int = 0) -> pandas.DataFrame:
    """Return who was saved: by sex and class, hardly by age, not at all by a number drawn."""
    random = np.random.default_rng(seed)
    sex = random.choice(["male", "female"], rows)
    ship = random.choice(["first", "second", "third"], rows)
    age = random.uniform(1, 80, rows).round(1)
    age[::17] = np.nan
    odds = 3.0 * (sex == "female") + 2.0 * (ship == "first") - 2.0
    saved = random.random(rows) < 1 / (1 + np.exp(-odds))
    sailed = pandas.Timestamp("1912-04-10") + pandas.to_timedelta(random.integers(0, 40, rows), "D")
    return pandas.DataFrame(
        {
            "sex": sex,
            "class": ship,
            "age": age,
            "drawn": random.normal(size=rows).round(4),
            "sailed": sailed.strftime("%Y-%m-%d"),
            "saved": np.where(saved, "yes", "no"),
        }
    )


def houses(rows: int = ROWS, seed: int = 1) -> pandas.DataFrame:
    """Return prices: by area and rooms, with noise; `drawn` says nothing."""
    random = np.random.default_rng(seed)
    area, rooms = random.uniform(30, 200, rows).round(1), random.integers(1, 8, rows)
    price = 1000 * area + 15_000 * rooms + random.normal(0, 5_000, rows)
    drawn = random.normal(size=rows).round(4)
    return pandas.DataFrame({"area": area, "rooms": rooms, "drawn": drawn, "price": price.round()})


def messages(rows: int = ROWS, seed: int = 2) -> pandas.DataFrame:
    """Return texts that are junk where they say prize or urgent."""
    random = np.random.default_rng(seed)
    plain = ["see", "you", "at", "home", "later", "the", "meeting", "is", "late", "coffee", "today"]
    texts, kinds = [], []
    for _ in range(rows):
        words = random.choice(plain, 8).tolist()
        junk = bool(random.random() < 0.4)
        if junk:
            words[random.integers(8)] = str(random.choice(["prize", "urgent"]))
        texts.append(" ".join(words).capitalize() + ".")
        kinds.append("junk" if junk else "fine")
    return pandas.DataFrame({"text": texts, "kind": kinds})


def pictures(rows: int = ROWS, seed: int = 3) -> Images:
    """Return pictures of 8 × 8 that are bright at the upper left, or at the lower right."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    images = random.integers(0, 60, (rows, 8, 8))
    images[labels == 0, :2, :2] += 150
    images[labels == 1, 6:, 6:] += 150
    return Images.alone(images.astype("uint8"), labels.astype("uint8"))


def recordings(rows: int = 120, seed: int = 4) -> Sequences:
    """Return sequences of 3 channels whose second one rises or falls in its second half."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    values = random.normal(size=(rows, 12, 3))
    values[:, 6:, 1] += np.where(labels, 3.0, -3.0)[:, None]
    return Sequences.of(values, labels=labels, names=("noise", "signal", "other"))


@cache
def trained(kind: str) -> FitResult:
    """Return what came of training on data of a kind, the same one for all tests."""
    tables = {"passengers": (passengers, "saved"), "houses": (houses, "price")}
    tables["messages"] = (messages, "kind")
    data: Dataset
    options: dict[str, object] = {"epochs": 12, "threads": 1, "learning_rate": 0.01}
    if kind in tables:
        make, target = tables[kind]
        data = read_table(make())
        options["target"] = target
    else:
        data = {"pictures": pictures, "recordings": recordings}[kind]()
        options["epochs"] = 4
    networks = {"messages": None, "recordings": "conv6-gap"}
    options["network"] = networks.get(kind, "dense8")
    return train(data, Options(**options))  # type: ignore[arg-type]


def pair(kind: str) -> tuple[Model, HeldOut]:
    """Return a model and the rows that it did not learn from."""
    result = trained(kind)
    assert isinstance(result.model, Model)
    assert result.held_out is not None
    return result.model, result.held_out
