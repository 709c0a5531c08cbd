"""Writes the scores of README.md from what `python -m benchmarks.systems --out` measured.

One source for them: `benchmarks/results/systems.json`. This file knows how a row of the table in
README.md says its score, no score. A system that was not measured keeps what is written. With
--check it writes nothing and fails when a score is stale. Start it with `scripts/docs`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results" / "systems.json"

# What is typed in a row, the system that it is about, and how its score and a linear model's read.
ROWS = (
    ("misstep train houses.csv", "house prices", "error {rmse:,.0f} dollars; {linear_rmse:,.0f}"),
    (
        "misstep train pets",
        "cats-dogs",
        "{accuracy:.1%} of cats and dogs, from 1,000; {linear_accuracy:.1%}",
    ),
    ("misstep train mnist", "mnist", "{accuracy:.1%} of digits; {linear_accuracy:.1%}"),
    (
        "misstep train messages.tsv",
        "spam",
        "{accuracy:.1%} of short messages; {linear_accuracy:.1%}",
    ),
    (
        "misstep train passengers.csv",
        "passengers, 12 months",
        "mean error {mae:.1f} for a year ahead; {linear_mae:.1f}",
    ),
    (
        "misstep train movements.npz",
        "motions",
        "{accuracy:.1%} of 4 movements; {linear_accuracy:.1%}",
    ),
)
SCORE = 2


def with_figures(page: str, results: list[dict[str, Any]]) -> str:
    """Return the page with the scores of the results in its table."""
    measured = {result["name"]: result for result in results}
    lines = page.split("\n")
    for place, line in enumerate(lines):
        cells = line.split(" | ")
        for typed, name, words in ROWS:
            if line.startswith("|") and f"`{typed}" in line and name in measured:
                cells[SCORE] = words_of(measured[name], words)
                lines[place] = " | ".join(cells)
    return "\n".join(lines)


def words_of(result: dict[str, Any], words: str) -> str:
    """Return scores in words, as "99.2 % of 4 movements; 96.7 % (3 seeds)"."""
    means = {name.replace(" ", "_"): mean for name, mean in result["means"].items()}
    said = re.sub(r"(\d)%", r"\1 %", words.format(**means))
    seeds = len(result["runs"])
    return f"{said} ({seeds} seeds)" if seeds > 1 else said


def main() -> None:
    """Write the page, or only look whether it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_figures(page, json.loads(RESULTS.read_text(encoding="utf-8")))
    if page == wanted:
        return
    if asked.check:
        sys.exit("docs: the scores of README.md are stale; scripts/docs writes them")
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
