"""How things are said and look: verdicts that chance can't make, pages of any width."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest

from misstep.cli.decision_lines import MOST_COLUMNS, DecisionLines
from misstep.cli.explain_command import drawn
from misstep.cli.option_words import in_options
from misstep.cli.page import Page
from misstep.data import Decision
from misstep.modeling import Baseline
from misstep.modeling.comparison import assess_forecasts
from misstep.modeling.verdict_text import forecast_verdict, score_rows, verdict

# The scores stand in the metrics already; a verdict asks for names and words only.
BASELINES = (
    Baseline("baseline", "a guess", "always the same", lambda: None),
    Baseline("linear", "a linear model", "learned from one in 11 of the images only", lambda: None),
)


def scores(test: float, linear: float | None, guess: float = 0.5) -> dict[str, dict[str, float]]:
    found = {"test": {"accuracy": test}, "baseline": {"accuracy": guess}}
    return found if linear is None else found | {"linear": {"accuracy": linear}}


def errors(test: float, linear: float, guess: float = 10.0) -> dict[str, dict[str, float]]:
    named = {"test": test, "linear": linear, "baseline": guess}
    return {name: {"rmse": value, "r2": 1 - value / 10} for name, value in named.items()}


@pytest.mark.parametrize(
    ("metrics", "rows", "words"),
    [
        (scores(0.95, 0.90), 1000, "Better than a linear model by 5.0 points"),
        (scores(0.90, 0.95), 1000, "Worse than a linear model by 5.0 points"),
        (scores(0.95, 0.94), 100, "Not certainly better than a linear model"),
        (scores(1.0, 0.967), 30, "Not certainly better than a linear model"),
        (scores(15 / 17, 13 / 17), 17, "only more rows to be judged on can tell"),
        (scores(0.951, 0.950), 10_000, "would do as well, and is simpler"),
        (scores(0.94, 0.95), 100, "No better than a linear model"),
        (scores(0.9, 0.9), 1000, "the two are even"),
        (scores(0.5, 0.9), 1000, "No better than guessing"),
        (scores(0.3, 0.9), 1000, "Worse than guessing"),
        (scores(0.9, None), 1000, "Better than guessing by 40.0 points"),
        (errors(4.0, 5.0), 1000, "Better than a linear model: its error is 20.0% smaller"),
        (errors(5.0, 4.0), 1000, "Worse than a linear model: its error is 25.0% larger"),
        (errors(9.0, 0.25), 1000, "its error is 36.00 times as large (RMSE 9.000 against 0.2500)"),
        (errors(4.9, 5.0), 50, "Not certainly better than a linear model"),
        (errors(4.99, 5.0), 2000, "would do as well, and is simpler"),
        (errors(11.0, 5.0), 1000, "since a linear model has 5.000: training was too short"),
        (errors(11.0, 12.0), 1000, "Either the inputs say little about the target"),
        (errors(0.0, 0.0), 10, "As good as can be"),
        (errors(math.inf, 5.0), 10, "Worse than guessing"),
        (errors(math.nan, 5.0), 10, "Worse than guessing"),
        (scores(1.0, 1.0), 1, "or so few rows can't tell"),
    ],
)
def test_the_verdict_is_honest(metrics: dict[str, Any], rows: int, words: str) -> None:
    assert words in verdict(metrics, BASELINES, rows)


def test_rows_with_a_single_answer_tell_nothing() -> None:
    metrics = {name: {"accuracy": 1.0} for name in ("test", "linear", BASELINES[0].name)}
    assert verdict(metrics, BASELINES, 40).startswith("All of these rows have the same answer")


def forecast_words(ours: float, last: float, linear: float, origins: int = 200) -> str:
    """Return the verdict for mean errors of the network, the last value and a line."""
    named = {"test": ours, "last_value": last, "linear": linear}
    baselines = [
        Baseline("last_value", "the last value", "", lambda: None),
        Baseline("linear", "a linear model on lags", "", lambda: None),
    ]
    metrics = {name: {"mae": error, "rmse": error} for name, error in named.items()}
    return forecast_verdict(assess_forecasts(metrics, baselines, origins, 1))


def test_verdicts_on_forecasts_are_honest() -> None:
    assert "Better than a linear model on lags by 50.0%" in forecast_words(1.0, 4.0, 2.0)
    assert "About as good as a linear model on lags" in forecast_words(1.98, 4.0, 2.0)
    assert "linear model on lags is the better choice" in forecast_words(3.0, 4.0, 2.0)
    assert "No better than saying the last value again" in forecast_words(1.0, 1.0, 1.0)
    assert "random walk" in forecast_words(1.0, 1.0, 1.0)
    few = forecast_words(0.8, 1.0, 1.0, origins=8)
    assert few.startswith("Not certainly better than saying the last value again")
    assert "random walk" not in few
    assert forecast_words(2.0, 1.0, 1.0).startswith("Worse than saying the last value again")


def test_the_scores_say_what_baselines_do() -> None:
    _, table = score_rows(scores(0.9, 0.8), BASELINES, 100, "image")
    assert "one in 11 of the images" in table[1][-1]


def test_python_words_become_options() -> None:
    assert in_options("try task='classification'") == "try --task classification"


def test_an_image_is_drawn_twice_as_wide() -> None:
    assert drawn(np.array([[0.0, 1.0], [0.5, 0.0]])) == "  @@\n=="  # trailing blanks are cut


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("plain", [True, False])
def test_colors_only_on_a_terminal_that_wants_them(
    plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    page = Page()
    page.title("Title")
    page.fact("label", "word " * 30, "reason " * 20)
    page.table([["name", "1"], ["other", "12,000"]], ["what", "number"], [1])
    text = stream.getvalue()
    assert ("\x1b" in text) is not plain
    if plain:
        assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("columns", [200, 80, 40, 20])
def test_numbers_survive_a_narrow_window(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    Page().table([["a long name of a column", "−1,234.5678", "0.25"]], ["what", "number"], [1, 2])
    shown = capsys.readouterr().out
    assert "−1,234.5678" in shown
    assert "0.25" in shown
    assert "".join(shown.split()).count("…") == 0


def test_a_silent_page_says_what_always_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(silent=True)
    page.title("not this")
    page.say("but this", always=True)
    assert capsys.readouterr().out == "but this\n"


def test_commands_are_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    line = "misstep train " + "x" * 300
    Page().commands([line])
    assert capsys.readouterr().out == f"  {line}\n"


def test_columns_are_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    lines = DecisionLines(Page())
    columns = [Decision(f"column c{number}", "number", "whole numbers") for number in range(30)]
    columns += [Decision(f"column d{number}", "left out", "constant") for number in range(9)]
    lines.show([*columns, Decision("loss", "CrossEntropy", "three classes")])
    shown = capsys.readouterr().out
    assert shown.count("whole numbers") == MOST_COLUMNS
    assert "30 numbers; 9 left out" in shown
    assert "and 18 more columns" in shown
    assert "d6, d7, d8" in shown
    assert shown.index("d8") < shown.index("CrossEntropy")
    lines.show([])
    assert capsys.readouterr().out == ""
