"""A row is encoded the same whatever stands beside it: types are those of training."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from misstep.data import Preprocessor, Table, read_table, recognize_columns

CHANCE = random.Random(0)
ROWS = 120


def pick(*words: str) -> list[str]:
    return [CHANCE.choice(words) for _ in range(ROWS)]


def whole(low: int, high: int) -> list[int]:
    return [CHANCE.randint(low, high) for _ in range(ROWS)]


MIXED = pandas.DataFrame(
    {
        "version": pick("1.10", "1.20", "1.1", "2.0", "beta"),
        "plain": [f"{number / 100:.2f}" for number in whole(0, 10_000)],
        "dash": ["-" if i % 17 == 0 else str(n) for i, n in enumerate(whole(1, 9_000))],
        "odd": ["broken" if i == 60 else str(n) for i, n in enumerate(whole(1, 9_000))],
        "unit": [f"{n} {'kg' if i % 3 else 'g'}" for i, n in enumerate(whole(1, 9_000))],
        "money": [f"${n:,}" for n in whole(1, 9_000)],
        "clock": [f"{n // 60}:{n % 60:02d}" for n in whole(0, 1439)],
        "race": [f"1:{n:02d}:07" if n % 2 else f"{n}:30" for n in whole(10, 59)],
        "date": [f"{1 + n % 28:02d}.{1 + n % 12:02d}.20{10 + n % 14}" for n in whole(0, 999)],
        "digits": [f"20{10 + n % 14}{1 + n % 12:02d}{1 + n % 28:02d}" for n in whole(0, 999)],
        "country": pick("NA", "DE", "FR", ""),
        "flag": pick("True", "False", ""),
        "code": [f"{n:03d}" for n in whole(0, 20)],
        "large": [str(9007199254740992 + n) for n in whole(0, 9)],
        "gap": ["" if n > 7 else str(n) for n in whole(0, 9)],
        "text": [" ".join(pick("a", "cat", "sat", "NA", "on", "3.5")[:5]) for _ in range(ROWS)],
    }
)
GERMAN = pandas.DataFrame(
    {
        "rent": [f"{n:,}".replace(",", ".") for n in whole(100, 9_000)],
        "area": [f"{n / 100:.2f}".replace(".", ",") for n in whole(100, 9_000)],
        "rooms": [str(n) for n in whole(1, 9)],
    }
)


@pytest.mark.parametrize(("frame", "mark"), [(MIXED, ","), (GERMAN, ";")])
def test_any_rows_are_encoded_as_among_all(
    frame: pandas.DataFrame, mark: str, tmp_path: Path
) -> None:
    def from_file(rows: Any) -> Table:
        file = tmp_path / "rows.csv"
        frame.iloc[rows].to_csv(file, index=False, sep=mark)
        return read_table(file)

    everything = from_file(slice(None))
    preprocessor = Preprocessor.fit(everything, recognize_columns(everything))
    preprocessor = Preprocessor.from_json(preprocessor.to_json())
    expected = preprocessor.transform(everything)
    chosen = [[row] for row in range(0, ROWS, 11)]
    chosen.append(np.random.default_rng(0).permutation(ROWS)[:40].tolist())
    for name in frame.columns:
        words = frame[name]
        for some in (words == "", words.str.fullmatch(r"[\d.]+"), ~words.str.contains(r"\d")):
            chosen.append(np.flatnonzero(some)[:9].tolist())
    for rows in filter(None, chosen):
        assert preprocessor.transform(from_file(rows)).tobytes() == expected[rows].tobytes()
        assert preprocessor.transform(frame.iloc[rows]).tobytes() == expected[rows].tobytes()
