"""Forecast a stock's next closing price, honestly.

    python examples/stock_price.py [a CSV file with a date column] [the column to forecast]

The file needs a date in each row and a number to forecast; other columns may help. Without
arguments it reads Apple's daily prices from 2012 to 2017.
"""

import sys
from pathlib import Path

import misstep as ms

PRICES = Path(__file__).resolve().parents[2] / "shared/data/timeseries/stock_AAPL.csv"


def main(source: str = str(PRICES), target: str = "Close") -> None:
    """Learn from the prices, forecast the next one, and say what that is worth."""
    forecaster = ms.Forecaster(horizon=1, threads=1).fit(source, target=target)

    for choice in forecaster.decisions_:
        print(f"{choice.what}: {choice.choice}, because {choice.reason}")

    print()
    names = {"test": "network", "last_value": "the last value again", "linear": "ridge on lags"}
    errors = {name: scores["mae"] for name, scores in forecaster.scores_.items()}
    for name, error in errors.items():
        print(f"mean error of {names.get(name, name)}: {error:.3f}")
    if errors["test"] > 0.97 * errors["last_value"]:
        print("Hardly better than saying the last price again: a random walk, nearly.")

    ahead = forecaster.predict().iloc[0]
    print(
        f"\nnext {target}: {ahead['prediction']:.2f}, and eight times in ten between "
        f"{ahead['lower']:.2f} and {ahead['upper']:.2f}"
    )
    Path("stock_price.svg").write_text(forecaster.picture(), encoding="utf-8")
    print("a picture is in stock_price.svg")


if __name__ == "__main__":
    if not Path(*(sys.argv[1:2] or [PRICES])).is_file():
        sys.exit("which file? python examples/stock_price.py PRICES.csv COLUMN")
    main(*sys.argv[1:])
