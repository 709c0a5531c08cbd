"""The trials of a search as they end: one line each, and on a terminal how far the search is.

Knows results of trials; not how they are made.
"""

from __future__ import annotations

import math
import sys
import textwrap
import time
from collections.abc import Mapping
from typing import Any

from misstep.cli.hyperparameter_lines import value_words
from misstep.cli.page import WIDTH, Page
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.units import duration
from misstep.tuning import State, TrialResult

__all__ = ["TrialLines", "differing", "loss_words"]

BAR = 24
# Columns of a line: the number, its loss, the best so far.
NUMBER, LOSS = 5, 9
NOTHING = "–"


class TrialLines:
    """Says what came of each of `trials` trials, and what it tried that differs from the default.

    `visible`: whether a bar is shown on standard error, where that is a terminal.
    """

    def __init__(self, page: Page, trials: int, *, visible: bool) -> None:
        self._page, self._trials = page, trials
        self._default: Mapping[str, Any] = {}
        self._best = math.inf
        self._ended = 0
        self._began = time.monotonic()
        self._bar = visible and _is_terminal()

    def begin(self) -> None:
        """Say what the columns are, and show that the first trial goes on."""
        self._page.title("Trials")
        head = f"{'trial':>{NUMBER}} {'loss':>{LOSS}} {'best':>{LOSS}}"
        self._page.say(f"{head}  what differs from the default", "dim", indent=2)
        self._draw()

    def show(self, result: TrialResult) -> None:
        """Say what came of a trial."""
        self._ended += 1
        if result.number == 0:
            self._default = result.hyperparameters
        if result.state is State.COMPLETE:
            self._best = min(self._best, result.validation_loss)
        self.clear()
        what = " ".join(
            f"{name}={value_words(value)}"
            for name, value in differing(result.hyperparameters, self._default).items()
        )
        if result.number == 0:
            what = "the default"
        head = (
            f"{result.number:>{NUMBER}} {loss_words(result):>{LOSS}} "
            f"{four_figures(self._best) if math.isfinite(self._best) else NOTHING:>{LOSS}}  "
        )
        text = textwrap.fill(
            what or "nothing",
            WIDTH - 2,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._page.lines(text, indent=2)
        if result.because:
            ended = f"ended after {counted(result.epochs, 'epoch')}" if result.epochs else "ended"
            self._page.say(f"{ended}: {result.because}", "dim", indent=2 + len(head))
        self._draw()

    def compare(self, done: int, count: int) -> None:
        """Show how often the best trials were compared with the default on other rows."""
        if self._bar:
            self.clear()
            if done < count:
                _to_terminal(f"  the best beside the default, on other rows: {done} of {count}")

    def clear(self) -> None:
        """Take the bar away, so that something else can be said."""
        if self._bar:
            _to_terminal("\r\x1b[2K")

    def _draw(self) -> None:
        """Show how many trials have ended."""
        if not self._bar or self._ended >= self._trials:
            return
        full = BAR * self._ended // max(self._trials, 1)
        passed = duration(time.monotonic() - self._began)
        best = f", best {four_figures(self._best)}" if math.isfinite(self._best) else ""
        bar = f"{'█' * full}{'░' * (BAR - full)}"
        _to_terminal(f"  {bar} {self._ended} of {self._trials} trials{best}, {passed}")


def differing(values: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Return those hyperparameters that the default does not have, or has otherwise."""
    return {
        name: value
        for name, value in values.items()
        if name not in default or default[name] != value
    }


def loss_words(result: TrialResult) -> str:
    """Return the validation loss of a trial, in brackets where it was ended early."""
    if not math.isfinite(result.validation_loss):
        return NOTHING
    words = four_figures(result.validation_loss)
    return words if result.state is State.COMPLETE else f"({words})"


def _is_terminal() -> bool:
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):
        return False


def _to_terminal(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody sees it; the search goes on.
        return
