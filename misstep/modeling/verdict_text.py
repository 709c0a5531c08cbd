"""Scores beside what they must be compared with, and what they mean in plain words.

What is better and what is chance, `comparison.py` knows; here it is said, for pages and terminals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from misstep.modeling.baselines import Baseline
from misstep.modeling.comparison import Assessment, Comparison, Verdict, assess
from misstep.modeling.metrics import Metric
from misstep.text.counts import counted, without_article
from misstep.text.figures import four_figures, percent

__all__ = ["forecast_rows", "forecast_verdict", "score_rows", "verdict"]

Scores = Mapping[str, float]

# Beyond this an error is so many times as large; percents would have too many digits to be read.
MANY_TIMES = 4.0


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


def verdict(
    metrics: Mapping[str, Scores],
    baselines: Sequence[Baseline],
    rows: int,
    changes: str = "",
    sample: str = "row",
) -> str:
    """Return what the test score on `rows` rows means, honestly, in a sentence or two.

    It is compared with the first baseline, the guess, and if it beats that with the best of the
    others. `changes`: the words of --augment, where rows were changed as they were learned.
    `sample`: what a row is called.
    """
    assessment = assess(metrics, baselines, rows)
    if assessment.all_same:
        return (
            f"All of these {sample}s have the same answer, which a guess knows too: such a score "
            f"says nothing. Judge on more {sample}s, with other answers among them."
        )
    guess, best = assessment.simplest, assessment.best
    name = "guessing" if guess.baseline.name == "baseline" else guess.baseline.who
    if guess.verdict is not Verdict.BETTER:
        few = guess.verdict is Verdict.EVEN and not guess.close
        also = f", or so few {sample}s can't tell" if few else ""
        if changes:
            also += f", or {changes} changes what tells them apart (--augment none)"
        words = _compared(guess, name, rows, sample)
        if best.baseline is not guess.baseline and best.verdict is Verdict.WORSE:
            figures = four_figures if best.metric == "rmse" else percent
            return (
                f"{words} The inputs do tell about the target, since {best.baseline.who} has "
                f"{figures(best.theirs)}: training was too short or too fast{also}."
            )
        return (
            f"{words} Either the inputs say little about the target, or training was too short "
            f"or too fast{also}."
        )
    if best.baseline is guess.baseline:
        return _compared(guess, name, rows, sample)
    words = _compared(best, best.baseline.who, rows, sample)
    simpler = without_article(best.baseline.who)
    if best.verdict is Verdict.WORSE:
        return f"{words} So far the {simpler} is the better choice for these data."
    if best.verdict is Verdict.EVEN and best.close:
        return f"{words} The {simpler} would do as well, and is simpler."
    if best.verdict is Verdict.EVEN:
        return f"{words} Which of the two is better, only more {sample}s to be judged on can tell."
    return words


def forecast_rows(
    scores: Mapping[str, Scores],
    baselines: Sequence[Baseline],
    origins: int,
    horizon: int,
    *,
    by_line: bool = False,
) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of errors of forecasts.

    `origins`: from how many rows something was forecast; `horizon`: steps of each. `by_line`:
    whether what forecasts is the line that training began from, which made no difference.
    """
    ahead = "the next step" if horizon == 1 else f"the next {horizon} steps each"
    rows = [
        [
            "this line" if by_line else "this network",
            f"{counted(origins, 'forecast')} of {ahead}, never seen before",
        ],
        *([each.who, each.how] for each in baselines),
    ]
    names = ["test", *(each.name for each in baselines)]
    table = [
        [who, four_figures(scores[name]["mae"]), four_figures(scores[name]["rmse"]), how]
        for name, (who, how) in zip(names, rows, strict=True)
        if name in scores
    ]
    return ["", "mean error", "RMSE", ""], table


def forecast_verdict(assessment: Assessment) -> str:
    """Return what the mean errors of forecasts mean, honestly, in a few sentences."""
    last, best = assessment.simplest, assessment.best
    if last.verdict is Verdict.EVEN and last.ours < last.theirs and not last.close:
        return (
            "Not certainly better than saying the last value again "
            f"({four_figures(last.ours)} against {four_figures(last.theirs)}): on "
            f"{counted(assessment.samples, 'forecast')}, chance alone can make such a difference."
        )
    if last.theirs > 0 and last.verdict is not Verdict.BETTER:
        words = "Worse than" if last.verdict is Verdict.WORSE else "No better than"
        side = f"({four_figures(last.ours)} against {four_figures(last.theirs)})"
        return (
            f"{words} saying the last value again {side}. The changes of this series look like "
            "chance to what came before them: a random walk, as prices in a market nearly are, "
            "since whoever could see them coming would have traded on it. The best forecast is "
            "then about the last value, and what the interval says is how far it may move. "
            "Beware of any method that promises more."
        )
    assert last.gap is not None
    assert best.gap is not None
    sentences = []
    if best.baseline is not last.baseline:
        smaller = percent(last.gap)
        sentences.append(f"Better than the last value: the mean error is {smaller} smaller.")
    who = best.baseline.who
    sides = f"(mean error {four_figures(best.ours)} against {four_figures(best.theirs)})"
    if best.verdict is Verdict.BETTER:
        sentences.append(f"Better than {who} by {percent(best.gap)} {sides}.")
    elif best.verdict is Verdict.WORSE:
        sentences.append(f"Worse than {who} by {percent(-best.gap)} {sides}.")
        sentences.append(f"So far the {without_article(who)} is the better choice for this series.")
    else:
        sentences.append(
            f"About as good as {who} {sides}; on {counted(assessment.samples, 'forecast')} chance "
            "alone can make such a difference."
        )
    return " ".join(sentences)


def _compared(comparison: Comparison, name: str, rows: int, sample: str) -> str:
    """Return how the network is beside the baseline that is called `name`."""
    by_error = comparison.metric == "rmse"
    outcome, gap = comparison.verdict, comparison.gap
    figures = four_figures if by_error else percent
    both = f"{figures(comparison.ours)} against {figures(comparison.theirs)}"
    both = f"RMSE {both}" if by_error else both
    if gap is None:
        if outcome is Verdict.BETTER:
            return f"As good as can be: {name} makes no error."
        return f"Worse than {name}: {both}."
    if outcome is Verdict.EVEN:
        if comparison.ours == comparison.theirs:
            return f"No better than {name} ({both}); the two are even."
        words = "No better" if comparison.close or gap < 0 else "Not certainly better"
        chance = f"on {counted(rows, sample)}, chance alone can make such a difference."
        return f"{words} than {name} ({both}); {chance}"
    better = outcome is Verdict.BETTER
    word = "Better" if better else "Worse"
    if by_error:
        if gap < -MANY_TIMES:
            times = four_figures(comparison.ours / comparison.theirs)
            return f"{word} than {name}: its error is {times} times as large ({both})."
        way = "smaller" if better else "larger"
        return f"{word} than {name}: its error is {percent(abs(gap))} {way} ({both})."
    points = f"{100 * abs(comparison.ours - comparison.theirs):.1f} points"
    return f"{word} than {name} by {points} ({both})."
