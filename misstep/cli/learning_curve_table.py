"""The learning curve as a short table: snapshots across, examples below."""

from __future__ import annotations

from typing import Any

from misstep.cli.page import Page
from misstep.modeling import LearningCurve
from misstep.text.figures import four_figures, percent, true_minus
from misstep.text.lists import shortened

# Letters of a name and of an answer in the table.
LONGEST_NAME, LONGEST_ANSWER = 20, 10
SCORES = {"error": "share wrong", "rmse": "RMSE", "rmse_log": "RMSE of log"}


def say_learning_curve(page: Page, curve: LearningCurve | None, names: str) -> None:
    """Say what was wrong after 1, 10, 100 … updates and at the end, of the same held-out rows.

    `names`: what rows are called, such as images.
    """
    if curve is None or len(curve.updates) < 2:
        return
    page.title(f"What it got wrong as it learned, of the same {curve.rows:,} held-out {names}")
    heads = ["after updates", *(f"{one:,}" for one in curve.updates[:-1]), "the end", "answer"]
    by_error = curve.score_name == "error"
    scores = [percent(one) if by_error else four_figures(one) for one in curve.scores]
    rows = [[SCORES.get(curve.score_name, curve.score_name), *scores, ""]]
    for example in curve.examples:
        predictions = [_answer(word) for word in example.predictions]
        rows.append([shortened(example.name, LONGEST_NAME), *predictions, _answer(example.answer)])
    page.table(rows, heads, list(range(1, len(heads) - 1)))


def _answer(word: Any) -> str:
    shown = true_minus(four_figures(word)) if isinstance(word, float) else str(word)
    return shortened(shown, LONGEST_ANSWER)
