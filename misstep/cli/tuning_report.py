"""What came of a search, said: the default beside the best trial, which hyperparameters mattered.

And, once both are trained, what they are on test rows, which no trial was chosen by; and honestly
where tuning did not pay. Knows results of searches and trainings; decides nothing.
"""

from __future__ import annotations

import math
from typing import Any

from misstep.cli.hyperparameter_lines import value_words
from misstep.cli.page import Page
from misstep.cli.trial_lines import NOTHING, loss_words
from misstep.modeling import FitResult, Metric, PairedComparison, Verdict, compare_errors
from misstep.text.counts import counted
from misstep.text.figures import four_figures, percent
from misstep.text.units import duration
from misstep.tuning import State, TrialResult, Tuning

__all__ = ["TuningReport", "compare_on_test", "plain_comparison"]

# Trials below which importances are a hint at most: fANOVA fits a forest to them.
FEW_TRIALS = 30


class TuningReport:
    """Says what came of a search.

    `drawn`: the last trial that was drawn at random, before a sampler had anything to go
    by; 0 where that is not known, or none of them went by anything.
    """

    def __init__(self, page: Page, tuning: Tuning, drawn: int = 0) -> None:
        self._page, self._tuning, self._drawn = page, tuning, drawn

    def say_search(self) -> None:
        """Say how many trials there were, what the best came to, and what mattered."""
        self._page.title(self._heading(), always=True)
        self._say_trials()
        self._say_comparisons()
        self._say_hyperparameters()
        self._page.blank(always=True)
        self._page.say(self.verdict(), "bold", always=True)
        for note in self._tuning.notes:
            self._page.say(note)

    def _heading(self) -> str:
        """Return how many trials there were, what became of them, and why there are not more."""
        tuning = self._tuning
        states = [one.state for one in tuning.trials]
        done = [state for state in states if state not in (State.WAITING, State.RUNNING)]
        early, failed = states.count(State.PRUNED), states.count(State.FAILED)
        by_doctor = sum(one.by_doctor for one in tuning.trials)
        parts = [f"{counted(len(done), 'trial')} in {duration(tuning.seconds)}"]
        if early:
            who = f", {by_doctor} of them by the doctor" if by_doctor else ""
            parts.append(f"{early} ended early{who}")
        if failed:
            parts.append(f"{failed} could not be trained")
        words = "; ".join(parts)
        return f"{words}; {tuning.ended_early}" if tuning.ended_early else words

    def _say_trials(self) -> None:
        tuning = self._tuning
        rows = {"the default": tuning.default}
        if tuning.leader.number not in (tuning.best.number, tuning.default.number):
            rows["lowest loss, not kept"] = tuning.leader
        if tuning.paid:
            rows["the winner"] = tuning.best
        names = [name for name in Metric.registry if any(name in r.metrics for r in rows.values())]
        heads = ["on validation rows", "trial", "loss", *map(_title, names)]
        table = [
            [who, str(one.number), loss_words(one), *(_metric(one, name) for name in names)]
            for who, one in rows.items()
        ]
        self._page.table(table, heads, list(range(1, len(heads))), always=True)
        words = self._random_words()
        if words:
            self._page.say(words, "dim", indent=2)

    def _random_words(self) -> str:
        """Return what chance came to, without a claim about what was not run."""
        tuning, last = self._tuning, self._drawn
        # Behind the default stand what the plan itself would try.
        first = 1 + tuning.candidates
        whole = [one for one in tuning.trials if one.state is State.COMPLETE]
        drawn = [one.validation_loss for one in whole if first <= one.number <= last]
        later = [one.validation_loss for one in whole if one.number > last]
        if not drawn or not later:
            return ""
        which = f"Trial {first} was" if first == last else f"Trials {first} to {last} were"
        return (
            f"{which} drawn at random: the lowest loss there is {four_figures(min(drawn))}, among "
            f"the {len(tuning.trials) - 1 - last} after them {four_figures(min(later))}. A random "
            "search with as many trials was not run; --sampler random does one."
        )

    def _say_hyperparameters(self) -> None:
        tuning = self._tuning
        shown = tuning.best if tuning.paid else tuning.leader
        default, importances = tuning.default.hyperparameters, tuning.importances
        names = list(dict.fromkeys([*importances, *default, *shown.hyperparameters]))
        changed = [name for name in names if _value(shown, name) != _value(tuning.default, name)]
        if not changed and not importances:
            return
        who = "winner" if tuning.paid else "lowest loss"
        heads = ["", "default", *([who] if changed else []), *(["importance"] * bool(importances))]
        table = []
        for name in names:
            row = [name, _value(tuning.default, name)]
            if changed:
                row.append(_value(shown, name))
            if importances:
                row.append(percent(importances[name]) if name in importances else "")
            table.append(row)
        self._page.blank()
        self._page.table(table, heads, list(range(1, len(heads))))
        if importances:
            complete = sum(one.state is State.COMPLETE for one in tuning.trials)
            few = " So few trials give a hint, no more." if complete < FEW_TRIALS else ""
            self._page.say(
                "Importance: the share of the differences between the "
                f"{counted(complete, 'whole trial')} that each one explains, as Optuna's fANOVA "
                f"estimates it, within the ranges that were searched.{few}",
                "dim",
                indent=2,
            )

    def _say_comparisons(self) -> None:
        """Say how the best trials fared beside the default on rows that decided nothing before."""
        compared = self._tuning.comparisons
        if not compared:
            return
        table = [
            [
                f"trial {one.number}",
                _signed(one.gain),
                four_figures(one.error),
                f"{one.better} of {counted(one.trainings, 'time')}",
                "kept" if self._tuning.best.number == one.number else "",
            ]
            for one in compared
        ]
        most = max(compared, key=lambda one: one.trainings)
        self._page.blank()
        heads = ["beside the default, on other rows", "gain", "give or take", "better"]
        self._page.table(table, heads, [1, 2, 3])
        self._page.say(
            "Gain: how much less wrong, where 1 is how wrong the best constant is. "
            f"{counted(most.rows, 'row')} to learn from were set apart anew "
            f"{counted(most.trainings, 'time')}, and both trained without them.",
            "dim",
            indent=2,
        )

    def verdict(self) -> str:
        """Return what the search comes to, in a sentence or two."""
        tuning = self._tuning
        default, leader, best = tuning.default, tuning.leader, tuning.best
        if leader.number == default.number:
            return (
                "Tuning did not pay: no trial had a lower validation loss than the default, which "
                "is kept."
            )
        if not tuning.paid:
            count = len(tuning.comparisons)
            who = f"none of the best {count} was" if count > 1 else "it was not"
            return (
                f"Tuning did not pay: trial {leader.number} had the lowest validation loss, "
                f"{_against(leader, default)} of the default, but on other rows {who} certainly "
                "better. The best of many trials looks better than it is; the default is kept."
            )
        words = (
            f"Trial {best.number} has a validation loss of {_against(best, default)} of the default"
        )
        if any(one.number == best.number for one in tuning.comparisons):
            words += ", and is better on other rows too, beyond noise"
        if best.number != leader.number:
            words += f"; trial {leader.number}, whose loss was lower, gains less there"
        return f"{words}."

    def say_test(self, default: FitResult, winner: FitResult) -> PairedComparison | None:
        """Say what default and winner are on test rows; return their comparison, row by row."""
        compared = compare_on_test(default, winner)
        if compared is None:
            return None
        before, after = default.scores["test"], winner.scores["test"]
        metrics = [
            metric for name, metric in Metric.registry.items() if name in before and name in after
        ]
        names = [metric.name for metric in metrics]
        table = [
            [who, *(Metric.registry[name].figure(scores[name]) for name in names)]
            for who, scores in (("the default", before), ("the winner", after))
        ]
        self._page.title("Beside the default, on the same test rows", always=True)
        heads = ["", *(metric.title for metric in metrics)]
        self._page.table(table, heads, list(range(1, len(heads))), always=True)
        self._page.blank(always=True)
        self._page.say(on_test_words(compared, default, winner), "bold", always=True)
        return compared


def compare_on_test(default: FitResult, winner: FitResult) -> PairedComparison | None:
    """Return the winner's errors on test rows beside the default's; None without such rows."""
    theirs, ours = default.test_errors, winner.test_errors
    if theirs is None or ours is None or len(theirs) != len(ours) or not len(ours):
        return None
    overlap = 1
    if winner.forecast is not None and winner.forecast.back_test is not None:
        overlap = winner.forecast.back_test.predicted.shape[1]
    return compare_errors(ours, theirs, overlap)


def on_test_words(compared: PairedComparison, default: FitResult, winner: FitResult) -> str:
    """Return what the difference on test rows is worth, in a sentence or two."""
    what = "forecast" if winner.forecast is not None else winner.model.preprocessing.sample_name
    rows = counted(compared.rows, what)
    both = _headline(default, winner)
    if compared.verdict is Verdict.BETTER:
        return f"Better than the default on rows that no trial saw ({both}), beyond chance."
    if compared.verdict is Verdict.WORSE:
        return (
            f"Worse than the default on rows that no trial saw ({both}), beyond chance: what "
            f"validation chose does not hold for these {rows}. `misstep train` without --set "
            "trains the default."
        )
    if compared.gain == 0:
        return f"On {rows} that no trial saw, winner and default are even ({both})."
    way = "better" if compared.gain > 0 else "worse"
    return (
        f"On {rows} that no trial saw it is {way} than the default ({both}), but not beyond what "
        "chance can do."
    )


def _headline(default: FitResult, winner: FitResult) -> str:
    """Return the winner's score against the default's, by which they are compared."""
    scores = winner.scores["test"]
    name = "mae" if winner.forecast is not None else "rmse" if "rmse" in scores else "accuracy"
    metric = Metric.registry[name]
    after, before = (each.scores["test"][name] for each in (winner, default))
    return f"{metric.title} {metric.figure(after)} against {metric.figure(before)}"


def _against(one: TrialResult, other: TrialResult) -> str:
    """Return the validation losses of two trials beside each other."""
    return f"{four_figures(one.validation_loss)} against {four_figures(other.validation_loss)}"


def _signed(gain: float) -> str:
    return f"{'+' if gain > 0 else ''}{four_figures(gain)}"


def _title(name: str) -> str:
    """Return what a metric of a trial is called; a network learns numbers standardized."""
    title = Metric.registry[name].title
    return f"{title} (standardized)" if Metric.registry[name].of_numbers else title


def _metric(one: TrialResult, name: str) -> str:
    value = one.metrics.get(name, math.nan)
    return Metric.registry[name].figure(value) if math.isfinite(value) else NOTHING


def _value(one: TrialResult, name: str) -> str:
    values: Any = one.hyperparameters
    return value_words(values[name]) if name in values else NOTHING


def plain_comparison(compared: PairedComparison | None) -> dict[str, Any] | None:
    """Return a comparison on test rows as plain JSON."""
    if compared is None:
        return None
    return {
        "gain": compared.gain,
        "standard_error": compared.standard_error
        if math.isfinite(compared.standard_error)
        else None,
        "rows": compared.rows,
        "verdict": compared.verdict.value,
    }
