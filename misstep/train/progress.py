"""Progress in words: a bar on a terminal, plain lines elsewhere, nothing when not asked for.

The one file of this floor that prints; to standard error, so that results can be piped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from misstep.text.units import duration

# A bar is redrawn at most this often, in seconds.
REDRAW = 0.1
# Batches that are so many times faster than those before show that those waited for a program.
FAR_FASTER = 4
# Programs are made ready in the first epoch. Its speed is told after so many seconds, else later.
TELLING = 10.0
# A bar's letters: few, since the numbers beside it say more.
BAR = 12
# Without a terminal, lines come at most this often, in seconds; the last one always comes.
LINE_EVERY = 1.0
# And at least this often while an epoch goes on.
LINE_AT_LEAST = 15.0


class Progress:
    """Shows how training goes; this one shows nothing. Batches are counted from 0.

    `unit`: of errors, where it is not that of the answers as people gave them.
    """

    unit = ""
    # Whether anybody sees it.
    shows = False

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Begin, with `done` of `epochs` × `batches` batches behind us."""

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Show batches: those done of this epoch, the new rows, the epoch's mean loss so far."""

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Show that an epoch is over."""

    def shorten(self, epochs: int) -> None:
        """Know that there will be so many epochs only."""

    def note(self, words: str) -> None:
        """Show something that is worth a line of its own."""

    def finish(self) -> None:
        """Show that training is over."""


def make_progress(
    progress: bool | Progress, stream: TextIO | None = None, unit: str = ""
) -> Progress:
    """Return a bar or plain lines on standard error (or `stream`), or a silent one.

    `unit`: of errors, where it is not that of the answers as people gave them.
    """
    if isinstance(progress, Progress):
        return progress
    if not progress:
        return Progress()
    stream = stream or sys.stderr
    if stream is None:  # closed when the process began
        return Progress()
    try:
        terminal = stream.isatty()
    except ValueError:  # closed since
        return Progress()
    steady: Any = _Steady(stream)
    made = BarProgress(steady) if terminal else LineProgress(steady)
    made.unit = unit
    return made


class _Steady:
    """A stream that falls silent once nothing can be written to it: learning must not end by it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text` as far as anybody reads it."""
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Let it be seen."""
        self._attempt(self._stream.flush)

    def _attempt(self, act: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            act()
        except (OSError, ValueError):
            self._gone = True


def epoch_parts(values: dict[str, float], unit: str = "") -> list[str]:
    """Return the numbers of an epoch, each in words; `unit`: of the root of squared errors."""
    parts = [f"loss {values['training_loss']:.4g}"]
    if "validation_loss" in values:
        parts.append(f"validation loss {values['validation_loss']:.4g}")
    parts += [
        f"validation {name.removeprefix('validation_')} {value:.4g}"
        f"{f' {unit}' if unit and name == 'validation_rmse' else ''}"
        for name, value in values.items()
        if name.startswith("validation_") and name != "validation_loss"
    ]
    return parts


def fitting(parts: list[str], width: int) -> str:
    """Return parts joined in their order, the least needed ones left out until `width` holds them.

    >>> fitting(["loss 0.1", "validation loss 0.2", "900 rows/s", "5 s left"], 35)
    'loss 0.1 · 900 rows/s · 5 s left'
    """
    kept = list(parts)
    for start, end in (("validation loss", ""), ("", "rows/s"), ("validation", ""), ("", "left")):
        if len(" · ".join(kept)) > width:
            kept = [part for part in kept if not (part.startswith(start) and part.endswith(end))]
    words = " · ".join(kept)
    return words if len(words) <= width else ""


class _Timed(Progress):
    """Counts rows and batches, for rows per second and the time left.

    Making programs ready is no learning: the clock starts behind the first batches, and again when
    what follows is far faster than what came before.
    """

    shows = True

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.began: float | None = None
        self.rows = self.first = 0
        self.epochs = self.batches = 1
        self._last_batch, self._done, self._epoch, self._settled = 0.0, 0, 1, False

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Note how much there is to do."""
        self.began = None
        self.epochs, self.batches, self.first, self._epoch = epochs, batches, done, epoch

    def shorten(self, epochs: int) -> None:
        """Count down to so many epochs only."""
        self.epochs = epochs

    def count(self, epoch: int, done: int, rows: int) -> None:
        """Count the rows of batches; the first ones start the clock."""
        now, here = time.perf_counter(), (epoch - 1) * self.batches + done
        if self.began is None:
            self.began, self.first = now, here
        else:
            slow = self.rows / max(self._last_batch - self.began, 1e-9)
            if slow and rows > FAR_FASTER * slow * (now - self._last_batch):
                self.began, self.first, self.rows = self._last_batch, self._done, 0
            self.rows += rows
        self._last_batch, self._done = now, here
        self._settled = self._settled or epoch > self._epoch or now - self.began >= TELLING

    def speed(self, done: int, *, over: bool = False) -> list[str]:
        """Return rows per second and, unless it is `over`, the time left; nothing if not known."""
        passed = 0.0 if self.began is None else time.perf_counter() - self.began
        if not self.rows or passed <= 0 or not self._settled:
            return []
        left = (self.epochs * self.batches - done) * passed / max(done - self.first, 1)
        ahead = (
            []
            if over or done >= self.epochs * self.batches
            else [f"{duration(max(left, 1.0))} left"]
        )
        return [f"{self.rows / passed:,.0f} rows/s", *ahead]


class LineProgress(_Timed):
    """Plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._last = 0.0
        self._waiting: tuple[int, list[str]] | None = None

    def _print(self, words: str) -> None:
        print(words, file=self.stream, flush=True)

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Print a line when the last one is long ago."""
        self.count(epoch, done, rows)
        now = time.perf_counter()
        if self._last == 0.0:
            self._last = now
        if now - self._last >= LINE_AT_LEAST:
            self._last = now
            parts = [
                f"epoch {epoch}/{self.epochs}, batch {done}/{self.batches}",
                f"loss {loss:.4g}",
                *self.speed((epoch - 1) * self.batches + done),
            ]
            self._print(" · ".join(parts))

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Print a line, unless the last one came just now."""
        parts = [f"epoch {epoch}/{self.epochs}", *epoch_parts(values, self.unit)]
        now = time.perf_counter()
        if epoch > 1 and now - self._last < LINE_EVERY:
            self._waiting = epoch, parts
            return
        self._last, self._waiting = now, None
        self._print(" · ".join([*parts, *self.speed(epoch * self.batches)]))

    def note(self, words: str) -> None:
        """Print the words, after the last line that was held back."""
        self.finish()
        self._print(words)

    def finish(self) -> None:
        """Print the last line if it was held back."""
        if self._waiting is not None:
            epoch, parts = self._waiting
            self._print(" · ".join([*parts, *self.speed(epoch * self.batches, over=True)]))
            self._waiting = None


class BarProgress(_Timed):
    """A bar that is drawn anew in place, for terminals; a narrow one gets fewer words."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._bar: Any = None
        self._task: Any = None
        self._drawn = 0.0
        self._parts: list[str] = []
        self._at = (1, 0)

    def start(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Draw the bar."""
        # Imported where it is needed: a silent training should not wait for it.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        super().start(epoch, epochs, batches, done)
        self._at = epoch, done
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=BAR),
            TextColumn("{task.fields[at]}"),
            console=Console(file=self.stream),
            auto_refresh=False,
        )
        self._task = self._bar.add_task(
            f"epoch {epoch}/{epochs}", total=epochs * batches, completed=done, at=""
        )
        self._bar.start()
        self._draw(["getting ready"])

    def _draw(self, parts: list[str], *, over: bool = False) -> None:
        epoch, done = self._at
        head = f"epoch {epoch}/{self.epochs}"
        # Two blanks between the columns; the last one stays free, where some terminals would wrap.
        room = self._bar.console.width - len(head) - BAR - 3
        words = fitting([*parts, *self.speed(done, over=over)], room)
        self._bar.update(self._task, completed=done, description=head, at=words, refresh=True)
        self._drawn = time.perf_counter()

    def batch(self, epoch: int, done: int, rows: int, loss: float) -> None:
        """Draw the bar anew, a few times a second."""
        self.count(epoch, done, rows)
        self._at = epoch, (epoch - 1) * self.batches + done
        if self._bar is not None and time.perf_counter() - self._drawn >= REDRAW:
            self._draw(self._parts or [f"loss {loss:.4g}"])

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Keep the epoch's words beside the bar."""
        self._parts = epoch_parts(values, self.unit)
        self._at = epoch, epoch * self.batches
        if self._bar is not None and time.perf_counter() - self._drawn >= REDRAW:
            self._draw(self._parts)

    def note(self, words: str) -> None:
        """Print the words above the bar."""
        if self._bar is not None:
            self._bar.console.print(words, highlight=False, markup=False)
        else:
            print(words, file=self.stream, flush=True)

    def shorten(self, epochs: int) -> None:
        """Let the bar be of so many epochs only."""
        super().shorten(epochs)
        if self._bar is not None:
            self._bar.update(self._task, total=epochs * self.batches)

    def finish(self) -> None:
        """Draw the bar as it is at the end, and free the terminal."""
        if self._bar is not None:
            self._draw(self._parts, over=True)
            self._bar.stop()
            self._bar = None
