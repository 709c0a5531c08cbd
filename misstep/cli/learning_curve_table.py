"""The learning curve as a short table: snapshots across, examples below."""

from __future__ import annotations

from typing import Any

from misstep.cli.page import Page
from misstep.modeling import LearningCurve
from misstep.text.figures import four_figures, percent
from misstep.text.lists import shortened

# Letters of a name and of an answer in the table.
LONGEST_NAME, LONGEST_ANSWER = 24, 10
SCORES = {"error": "share wrong", "rmse": "RMSE", "rmse_log": "RMSE of log"}


def say_learning_curve(
    page: Page, curve: LearningCurve | None, name: str, *, kept: str = "kept"
) -> None:
    """Say what was wrong after 1, 10, 100 … updates and at the end, of the same held-out rows.

    `name`: what a row is called, such as image. Where the weights of an earlier epoch were kept,
    the column of that stands among the others, and is called `kept`.
    """
    if curve is None or len(curve.updates) < 2:
        return
    same = f"{curve.rows:,} held-out {name}s" if curve.rows > 1 else f"one held-out {name}"
    page.title(f"What it got wrong as it learned, of the same {same}")
    stages = [f"{one:,}" for one in curve.updates]
    update = stages[curve.kept]
    stages[curve.kept] = f"{update} ({kept})" if curve.of_earlier_epoch else "the end"
    heads = ["after updates", *stages, "answer"]
    by_error = curve.score_name == "error"
    scores = [percent(one) if by_error else four_figures(one) for one in curve.scores]
    rows = [[SCORES.get(curve.score_name, curve.score_name), *scores, ""]]
    for example in curve.examples:
        words = [*example.predictions, example.answer]
        rows.append([_name(example.name), *(_answer(word, not by_error) for word in words)])
    page.table(rows, heads, list(range(1, len(heads) - 1)))


def _name(name: str) -> str:
    """Return a name that fits; of the path of a file its end tells most."""
    if len(name) <= LONGEST_NAME or "/" not in name:
        return shortened(name, LONGEST_NAME)
    return f"…{name[1 - LONGEST_NAME :]}"


def _answer(word: Any, is_number: bool) -> str:
    # An answer may be the very words of the file.
    number = not isinstance(word, str) and (is_number or isinstance(word, float))
    shown = four_figures(word) if number else str(word)
    return shortened(shown, LONGEST_ANSWER)
