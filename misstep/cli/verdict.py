"""Scores beside what they must be compared with, and what they mean in plain words.

A difference that chance alone could make is not called better or worse. Knows scores only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Scores = Mapping[str, float]

# How many standard errors a difference must be. Both models are judged on the same rows, which
# makes the true error of the difference smaller than the one computed here for separate rows: one
# is enough to speak of.
STANDARD_ERRORS = 1.0

_WHO = {
    "test": "this network",
    "linear": "a linear model",
    "baseline": "a guess",
}


def score_rows(
    metrics: Mapping[str, Scores], rows: int, things: str, step: int = 1
) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of scores.

    `things`: rows or pictures; the linear model learned from every `step`-th of them.
    """
    number = "rmse" in metrics["test"]
    heads = ["", "RMSE", "R²", ""] if number else ["", "accuracy", ""]
    said = {
        "test": f"on {rows:,} {things} that training never saw",
        "linear": "learned from the same, judged on the same"
        if step == 1
        else f"learned from one in {step} of the {things} only, judged on the same",
        "baseline": "always the mean" if number else "always the commonest class",
    }
    table = []
    for part, words in said.items():
        if part in metrics:
            scores = metrics[part]
            numbers = (
                [in_figures(scores["rmse"]), f"{scores['r2']:.3f}".replace("-", "−")]
                if number
                else [percent(scores["accuracy"])]
            )
            table.append([_WHO[part], *numbers, words])
    return heads, table


def percent(share: float) -> str:
    """Return a share as people write it.

    >>> percent(0.97222)
    '97.2%'
    """
    return f"{share:.1%}"


def in_figures(number: float) -> str:
    """Return a number of any size with four figures or, from a thousand on, all whole ones.

    >>> in_figures(51353.2), in_figures(0.123456)
    ('51,353', '0.1235')
    """
    return f"{number:,.0f}" if 1e3 <= abs(number) < 1e15 else f"{number:#.4g}"


def verdict(metrics: Mapping[str, Scores], rows: int) -> str:
    """Return what the test score on `rows` rows means, honestly, in a sentence or two."""
    test, guess, linear = metrics["test"], metrics["baseline"], metrics.get("linear")
    judge = _by_error if "rmse" in test else _by_accuracy
    sign, words = judge(test, guess, rows, "guessing")
    if sign <= 0:
        return (
            f"{words} Either the columns say little about the target, or training was too short "
            "or too fast."
        )
    if linear is None:
        return words
    sign, words = judge(test, linear, rows, "a linear model")
    if sign < 0:
        return f"{words} So far the linear model is the better choice for these data."
    if sign == 0:
        return f"{words} The linear model would do as well, and is simpler."
    return words


def _by_accuracy(test: Scores, other: Scores, rows: int, name: str) -> tuple[int, str]:
    ours, theirs = test["accuracy"], other["accuracy"]
    points = f"{100 * abs(ours - theirs):.1f} points"
    sides = f"({percent(ours)} against {percent(theirs)})"
    # A right and a wrong row added to each, as Agresti and Caffo do (The American Statistician 54,
    # 2000): otherwise a perfect score on a few rows would seem certain.
    ours, theirs = ((share * rows + 1) / (rows + 2) for share in (ours, theirs))
    error = math.sqrt((ours * (1 - ours) + theirs * (1 - theirs)) / (rows + 2))
    gap = ours - theirs
    if gap > 0 and gap > STANDARD_ERRORS * error:
        return 1, f"Better than {name} by {points} {sides}."
    if gap < 0 and -gap > STANDARD_ERRORS * error:
        return -1, f"Worse than {name} by {points} {sides}."
    return 0, f"No better than {name} {sides}; {_chance(gap, rows)}"


def _by_error(test: Scores, other: Scores, rows: int, name: str) -> tuple[int, str]:
    ours, theirs = test["rmse"], other["rmse"]
    if not math.isfinite(ours) or not math.isfinite(theirs) or theirs <= 0:
        return (1, f"As good as can be: {name} makes no error.") if ours == 0 else (
            -1, f"Worse than {name}: RMSE {in_figures(ours)} against {in_figures(theirs)}."
        )  # fmt: skip
    # The standard error of a root mean square of n normal errors is 1/√(2n) of it.
    error = 1 / math.sqrt(2 * max(rows, 1))
    gap = 1 - ours / theirs
    sides = f"(RMSE {in_figures(ours)} against {in_figures(theirs)})"
    if gap > STANDARD_ERRORS * error:
        return 1, f"Better than {name}: its error is {percent(gap)} smaller {sides}."
    if -gap > STANDARD_ERRORS * error:
        return -1, f"Worse than {name}: its error is {percent(-gap)} larger {sides}."
    return 0, f"No better than {name} {sides}; {_chance(gap, rows)}"


def _chance(gap: float, rows: int) -> str:
    if gap == 0:
        return "the two are even."
    return f"on {rows:,} rows, chance alone can make such a difference."
