"""Progress in words: what fits a window, what is drawn last, and what counts as time."""

from __future__ import annotations

import io
import re

import pytest

from misstep.train import progress as progress_file
from misstep.train.progress import BarProgress, LineProgress, fitting

PARTS = [
    "loss 0.0027",
    "validation loss 0.0933",
    "validation accuracy 0.97",
    "900 rows/s",
    "5 s left",
]
VALUES = {"training_loss": 0.0027, "validation_loss": 0.0933, "validation_accuracy": 0.97}


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(progress_file.time, "perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def last_drawn(text: str) -> str:
    """Return the last line that was drawn in place of the others."""
    drawn = re.split(r"\r|\n", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    return [line.rstrip() for line in drawn if "epoch" in line][-1]


@pytest.mark.parametrize(
    ("width", "kept"), [(100, "01234"), (80, "0234"), (60, "024"), (30, "04"), (12, "0"), (5, "")]
)
def test_the_least_needed_words_go_first(width: int, kept: str) -> None:
    words = fitting(PARTS, width)
    assert words == " · ".join(PARTS[int(place)] for place in kept)
    assert len(words) <= width


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200])
def test_a_bar_fits_its_window_and_never_cuts_the_epoch(
    width: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bar = BarProgress(stream)
    bar.start(1, 100, 10, 0)
    for epoch in range(1, 101):
        clock.now += 1.0
        bar.batch(epoch, 10, 320, 0.5)
        bar.epoch(epoch, VALUES)
    bar.finish()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    for line in re.split(r"\r|\n", text):
        assert len(line) <= width
        assert "…" not in line
        assert not line.strip() or re.match(r"epoch \d+/100 ", line), line
    assert "epoch 50/100 " in text
    assert last_drawn(stream.getvalue()).startswith("epoch 100/100 ")


def test_a_very_fast_training_leaves_the_bar_at_its_last_epoch(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    bar = BarProgress(stream)
    bar.start(1, 76, 1, 0)
    for epoch in range(1, 32):  # and then stopped early
        clock.now += 0.0001
        bar.batch(epoch, 1, 32, 0.5)
        bar.epoch(epoch, VALUES)
    bar.finish()
    assert last_drawn(stream.getvalue()).startswith("epoch 31/76 ")
    assert "left" not in last_drawn(stream.getvalue())


def test_making_programs_ready_is_not_counted(clock: Clock) -> None:
    stream = io.StringIO()
    lines = LineProgress(stream)
    lines.start(1, 10, 3, 0)
    for seconds in (5.0, 4.0, 0.01, 4.0):  # three programs were made
        clock.now += seconds
        lines.batch(1, 1, 32, 0.5)
    lines.epoch(1, VALUES)
    for _ in range(3):  # then training was fast
        clock.now += 0.01
        lines.batch(2, 1, 32, 0.5)
    clock.now += 2.0
    lines.epoch(2, VALUES)
    first, second = stream.getvalue().splitlines()
    assert "rows/s" not in first
    assert "47 rows/s" in second  # 3 · 32 in 0.03 s of training and 2 s of validation


def test_a_long_first_epoch_says_how_fast_it_is(clock: Clock) -> None:
    stream = io.StringIO()
    lines = LineProgress(stream)
    lines.start(1, 10, 100, 0)
    for done in range(1, 41):
        clock.now += 1.0
        lines.batch(1, done, 32, 0.5)
    told = stream.getvalue().splitlines()
    assert told[0] == "epoch 1/10, batch 16/100 · loss 0.5 · 32 rows/s · 16 min 24 s left"


def test_a_speed_that_is_not_known_is_not_told(clock: Clock) -> None:
    stream = io.StringIO()
    lines = LineProgress(stream)
    lines.start(1, 10, 1, 0)
    clock.now += 5.0
    lines.batch(1, 1, 32, 0.5)
    lines.epoch(1, VALUES)
    assert stream.getvalue() == (
        "epoch 1/10 · loss 0.0027 · validation loss 0.0933 · validation accuracy 0.97\n"
    )


def test_the_last_line_looks_back_only(clock: Clock) -> None:
    stream = io.StringIO()
    lines = LineProgress(stream)
    lines.start(1, 10, 1, 0)
    for epoch in range(1, 6):
        clock.now += 0.1
        lines.batch(epoch, 1, 32, 0.5)
        lines.epoch(epoch, VALUES)
    lines.finish()
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("epoch 5/10 · ")
    assert last.endswith("rows/s")
