"""The example on a made-up stock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stock_price.py"


def test_it_forecasts_a_price_and_says_what_that_is_worth(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    prices = 100 * np.exp(numbers.normal(0, 0.01, 150).cumsum())
    dates = pandas.date_range("2020-01-01", periods=150, freq="B").strftime("%Y-%m-%d")
    table = pandas.DataFrame({"Date": dates, "Close": prices})
    table.to_csv(tmp_path / "prices.csv", index=False)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "prices.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(EXAMPLE.parents[1])},
    )
    assert "because the dates" not in done.stderr
    assert "mean error of the last value again" in done.stdout
    assert "eight times in ten between" in done.stdout
    assert (tmp_path / "stock_price.svg").read_text().startswith("<svg")
