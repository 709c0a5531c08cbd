"""House prices: from a table with gaps and categories to a model that can be asked and explained.

    python examples/house_prices.py [TABLE] [TARGET]

TABLE is a CSV file, packed or not; the last column is what is predicted unless TARGET says so.
Without a table, a small made-up one shows how it goes.
"""

import sys

import numpy as np
import pandas as pd

import misstep as ms


def made_up(rows: int = 600) -> pd.DataFrame:
    """Return a table of houses whose price follows from the columns, but for some noise."""
    draw = np.random.default_rng(7)
    size, age = draw.uniform(40, 220, rows), draw.integers(0, 90, rows).astype(float)
    town = draw.choice(["Aldham", "Brook", "Crane"], rows)
    worth = 2000 * size * np.where(town == "Crane", 1.5, 1.0) - 900 * age
    age[draw.random(rows) < 0.1] = np.nan  # not everybody knows when their house was built
    price = worth + draw.normal(0, 15_000, rows)
    return pd.DataFrame({"size": size, "age": age, "town": town, "price": price.round()})


def main(arguments: list[str]) -> float:
    """Train on four fifths of a table, print what came of it; return R² on the others."""
    table = pd.read_csv(arguments[0]) if arguments else made_up()
    target = arguments[1] if arguments[1:] else str(table.columns[-1])
    table = table.dropna(subset=[target]).sample(frac=1.0, random_state=0)
    known = len(table) * 4 // 5
    learn, judge = table[:known], table[known:]

    regressor = ms.Regressor().fit(learn.drop(columns=target), learn[target])
    for choice in regressor.decisions_:
        print(f"{choice.what}: {choice.choice} ({choice.reason})")

    asked = judge.drop(columns=target)
    r2 = regressor.score(asked, judge[target])
    errors = np.abs(regressor.predict(asked) - judge[target])
    print(
        f"\n{len(judge):,} houses never seen: R² {r2:.3f}, typically off by {errors.median():,.0f}"
    )
    regressor.save("house_prices.misstep")
    print('The model is in house_prices.misstep; try "misstep explain house_prices.misstep TABLE".')
    return float(r2)


if __name__ == "__main__":
    main(sys.argv[1:])
