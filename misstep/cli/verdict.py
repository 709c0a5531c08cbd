"""Scores beside what they must be compared with, and what they mean in plain words.

A difference that chance alone could make is not called better or worse. Knows scores only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from misstep.modeling import Baseline, Metric
from misstep.text.counts import counted, without_article
from misstep.text.figures import four_figures, percent

Scores = Mapping[str, float]

# How many standard errors a difference must be. Both models are judged on the same rows, which
# makes the true error of the difference smaller than the one computed here for separate rows: one
# is enough to speak of.
STANDARD_ERRORS = 1.0


def score_rows(
    scores: Mapping[str, Scores],
    baselines: Sequence[Baseline],
    rows: int,
    sample_name: str,
    rare: str = "",
) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of scores.

    `sample_name`: what a row is called, such as image. `rare`: the class that F1 is about.
    """
    on_test = f"on {counted(rows, sample_name)} that training never saw"
    lines = {"test": ("this network", on_test)}
    lines |= {one.name: (one.who, one.how) for one in [*baselines[1:], *baselines[:1]]}
    metrics = [metric for name, metric in Metric.registry.items() if name in scores["test"]]
    titles = [f"F1 of {rare}" if each.title == "F1" and rare else each.title for each in metrics]
    table = []
    for name, (who, how) in lines.items():
        if name in scores:
            figures = [
                metric.figure(scores[name][metric.name]) if metric.name in scores[name] else ""
                for metric in metrics
            ]
            table.append([who, *figures, how])
    return ["", *titles, ""], table


def verdict(metrics: Mapping[str, Scores], baselines: Sequence[Baseline], rows: int) -> str:
    """Return what the test score on `rows` rows means, honestly, in a sentence or two.

    It is compared with the first baseline, the guess, and if it beats that with the best of the
    others.
    """
    test = metrics["test"]
    guess, *others = (one for one in baselines if one.name in metrics)
    judge, key = (_by_error, "rmse") if "rmse" in test else (_by_accuracy, "accuracy")
    name = "guessing" if guess.name == "baseline" else guess.who
    if key == "accuracy" and test[key] == metrics[guess.name][key] == 1:
        return (
            "All of these rows have the same answer, which a guess knows too: such a score says "
            "nothing. Judge on more rows, with other answers among them."
        )
    sign, words = judge(test, metrics[guess.name], rows, name)
    if sign <= 0:
        return (
            f"{words} Either the inputs say little about the target, or training was too short "
            "or too fast."
        )
    if not others:
        return words
    ranked = sorted(others, key=lambda one: metrics[one.name][key])
    best = ranked[0] if key == "rmse" else ranked[-1]
    sign, words = judge(test, metrics[best.name], rows, best.who)
    named = without_article(best.who)
    if sign < 0:
        return f"{words} So far the {named} is the better choice for these data."
    if sign == 0:
        return f"{words} The {named} would do as well, and is simpler."
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
        return (
            (1, f"As good as can be: {name} makes no error.")
            if ours == 0
            else (
                -1,
                f"Worse than {name}: RMSE {four_figures(ours)} against {four_figures(theirs)}.",
            )
        )
    # The standard error of a root mean square of n normal errors is 1/√(2n) of it.
    error = 1 / math.sqrt(2 * max(rows, 1))
    gap = 1 - ours / theirs
    sides = f"(RMSE {four_figures(ours)} against {four_figures(theirs)})"
    if gap > STANDARD_ERRORS * error:
        return 1, f"Better than {name}: its error is {percent(gap)} smaller {sides}."
    if -gap > STANDARD_ERRORS * error:
        return -1, f"Worse than {name}: its error is {percent(-gap)} larger {sides}."
    return 0, f"No better than {name} {sides}; {_chance(gap, rows)}"


def _chance(gap: float, rows: int) -> str:
    if gap == 0:
        return "the two are even."
    return f"on {counted(rows, 'row')}, chance alone can make such a difference."
