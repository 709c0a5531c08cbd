"""Series: a stock's next price, airline passengers 1 and 12 months ahead, oil temperature 24 hours.

The errors are means over the last 20 % of the rows, over every test origin and every step ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.systems.system import DATA, System

TEST_SHARE = 0.2


def _forecast(
    file: str, target: str, horizon: int
) -> Callable[[int, int | None], Mapping[str, float]]:
    def run(seed: int, threads: int | None) -> Mapping[str, float]:
        from misstep.data import read_table
        from misstep.modeling import Options, train

        table = read_table(DATA / "timeseries" / file)
        options = Options(target=target, horizon=horizon, seed=seed, threads=threads)
        result = train(table, options)
        # The newest fifth, the same rows that the peers were judged on.
        rows = len(table)
        origins = np.arange(rows - round(TEST_SHARE * rows) - 1, rows - horizon)
        assert result.forecast is not None
        assert result.forecast.back_test is not None
        assert np.array_equal(result.forecast.back_test.origins, origins)
        scores = {"mae": result.scores["test"]["mae"]}
        scores |= {f"{one.name} mae": result.scores[one.name]["mae"] for one in result.baselines}
        return scores | {"as a share of last mae": scores["mae"] / scores["last_value mae"]}

    return run


SYSTEMS = [
    System(
        "stock price",
        _forecast("stock_AAPL.csv", "Close", 1),
        {"as a share of last mae": 1.03},
        beside="the last value; PyTorch's LSTM is 5 % worse, on raw levels 300 % worse",
    ),
    System(
        "passengers, 1 month",
        _forecast("airline_passengers.csv", "Passengers", 1),
        {"mae": 1.1 * 12.8},
        beside="ridge on lags 12.8; an LSTM alone 44",
    ),
    System(
        "passengers, 12 months",
        _forecast("airline_passengers.csv", "Passengers", 12),
        {"mae": 1.1 * 14.9},
        beside="ridge on lags 14.9; an LSTM alone 79",
    ),
    System(
        "oil temperature",
        _forecast("ETTh1.csv.gz", "OT", 24),
        {"mae": 1.29},
        beside="ridge on lags 1.285, PyTorch's LSTM 1.311, seasonal naive 1.716",
    ),
]
