"""What the network got wrong as it learned, as a short table: stages across, examples below."""

from __future__ import annotations

from typing import Any

from misstep.cli.page import Page
from misstep.modeling import StageReport
from misstep.text.figures import four_figures, percent, true_minus
from misstep.text.lists import shortened

# Letters of a name and of an answer in the table.
LONGEST_NAME, LONGEST_ANSWER = 20, 10


def say_stages(page: Page, report: StageReport | None, things: str) -> None:
    """Say what was wrong after 1, 10, 100 … updates and at the end, of the same held-out rows.

    `things`: what rows are called, such as images.
    """
    if report is None or len(report.updates) < 2:
        return
    page.title(f"What it got wrong as it learned, of the same {report.rows:,} held-out {things}")
    heads = ["after updates", *(f"{one:,}" for one in report.updates[:-1]), "the end", "answer"]
    by_error = report.score_name == "error"
    scores = [percent(one) if by_error else four_figures(one) for one in report.scores]
    rows = [["share wrong" if by_error else "RMSE", *scores, ""]]
    for one in report.examples:
        said = [_answer(word) for word in one.said]
        rows.append([shortened(one.name, LONGEST_NAME), *said, _answer(one.answer)])
    page.table(rows, heads, list(range(1, len(heads) - 1)))


def _answer(word: Any) -> str:
    shown = true_minus(four_figures(word)) if isinstance(word, float) else str(word)
    return shortened(shown, LONGEST_ANSWER)
