"""Progress in words: a bar on a terminal, plain lines elsewhere, nothing when not asked for.

The one file of this floor that prints; to standard error, so that results can be piped.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

# A bar is redrawn at most this often, in seconds.
REDRAW = 0.1
# Without a terminal, lines come at most this often, in seconds; the last one always comes.
LINE_EVERY = 1.0
# And at least this often while an epoch goes on.
LINE_AT_LEAST = 15.0


class Progress:
    """Hears how training goes; this one says nothing. Batches are counted from 0."""

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Hear that `done` of `epochs` × `batches` batches are behind us."""

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Hear of a batch: `done` of this epoch, its rows, the epoch's mean loss so far."""

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Hear that an epoch is over."""

    def note(self, words: str) -> None:
        """Say something that is worth a line of its own."""

    def finish(self) -> None:
        """Hear that training is over."""


def make_progress(wanted: bool | Progress, stream: TextIO | None = None) -> Progress:
    """Return a bar or plain lines on standard error (or `stream`), or a silent one."""
    if isinstance(wanted, Progress):
        return wanted
    if not wanted:
        return Progress()
    stream = stream or sys.stderr
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


def in_words(seconds: float) -> str:
    """Return a time as people say it: 8 s, 2 min 5 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def epoch_words(values: dict[str, float]) -> str:
    """Return the numbers of an epoch as words."""
    parts = [f"loss {values['training_loss']:.4g}"]
    if "validation_loss" in values:
        parts.append(f"validation loss {values['validation_loss']:.4g}")
    parts += [
        f"validation {name.removeprefix('validation_')} {value:.4g}"
        for name, value in values.items()
        if name.startswith("validation_") and name != "validation_loss"
    ]
    return " · ".join(parts)


class _Timed(Progress):
    """Counts rows and batches, for rows per second and the time left."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.began = time.perf_counter()
        self.rows = 0
        self.first = 0
        self.epochs = self.batches = 1

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Start the clock."""
        self.began = time.perf_counter()
        self.epochs, self.batches, self.first = epochs, batches, done

    def speed(self, done: int) -> tuple[float, float]:
        """Return rows per second and the seconds left when `done` batches are behind us."""
        passed = max(time.perf_counter() - self.began, 1e-9)
        left = self.epochs * self.batches - done
        return self.rows / passed, left * passed / max(done - self.first, 1)


class LineProgress(_Timed):
    """Plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._last = 0.0
        self._held: str | None = None

    def _print(self, words: str) -> None:
        print(words, file=self.stream, flush=True)

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Print a line when the last one is long ago."""
        self.rows += rows
        now = time.perf_counter()
        if self._last == 0.0:
            self._last = now
        if now - self._last >= LINE_AT_LEAST:
            self._last = now
            speed, left = self.speed((epoch - 1) * self.batches + done)
            self._print(
                f"epoch {epoch}/{self.epochs}, batch {done}/{self.batches} · loss {loss:.4g} · "
                f"{speed:,.0f} rows/s · {in_words(left)} left"
            )

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Print a line, unless the last one came just now."""
        speed, left = self.speed(epoch * self.batches)
        line = (
            f"epoch {epoch}/{self.epochs} · {epoch_words(values)} · {speed:,.0f} rows/s"
            f"{f' · {in_words(left)} left' if epoch < self.epochs else ''}"
        )
        now = time.perf_counter()
        if epoch > 1 and now - self._last < LINE_EVERY:
            self._held = line
            return
        self._last, self._held = now, None
        self._print(line)

    def note(self, words: str) -> None:
        """Print the words, after the last line that was held back."""
        self.finish()
        self._print(words)

    def finish(self) -> None:
        """Print the last line if it was held back."""
        if self._held is not None:
            self._print(self._held)
            self._held = None


class BarProgress(_Timed):
    """A bar that is drawn anew in place, for terminals."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._bar: Any = None
        self._task: Any = None
        self._drawn = 0.0
        self._words = ""

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Draw the bar."""
        # Imported where it is needed: a silent training should not wait for it.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        super().start(epoch, epochs, batches, done)
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(bar_width=24),
            TextColumn("{task.fields[at]}"),
            console=Console(file=self.stream), auto_refresh=False,
        )  # fmt: skip
        self._bar.start()
        self._task = self._bar.add_task(
            f"epoch {epoch}/{epochs}", total=epochs * batches, completed=done, at=""
        )
        self._bar.refresh()

    def _draw(self, epoch: int, done: int, words: str) -> None:
        speed, left = self.speed(done)
        self._bar.update(
            self._task, completed=done, description=f"epoch {epoch}/{self.epochs}",
            at=f"{words} · {speed:,.0f} rows/s · {in_words(left)} left", refresh=True,
        )  # fmt: skip
        self._drawn = time.perf_counter()

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Draw the bar anew, a few times a second."""
        self.rows += rows
        if self._bar is not None and time.perf_counter() - self._drawn >= REDRAW:
            words = self._words or f"loss {loss:.4g}"
            self._draw(epoch, (epoch - 1) * self.batches + done, words)

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Keep the epoch's words beside the bar."""
        self._words = epoch_words(values)
        last = epoch == self.epochs
        if self._bar is not None and (last or time.perf_counter() - self._drawn >= REDRAW):
            self._draw(epoch, epoch * self.batches, self._words)

    def note(self, words: str) -> None:
        """Print the words above the bar."""
        if self._bar is not None:
            self._bar.console.print(words, highlight=False, markup=False)
        else:
            print(words, file=self.stream, flush=True)

    def finish(self) -> None:
        """Leave the bar as it is and free the terminal."""
        if self._bar is not None:
            self._bar.refresh()
            self._bar.stop()
            self._bar = None
