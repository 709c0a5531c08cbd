"""`Session`: a network that learns before your eyes: step, back, seek, change, look.

Joins the timeline with what is seen of it. No threads, no sockets; Ctrl-C leaves it at the update
that was done last. What it gives is plain JSON, which `misstep/playground/__init__.py` describes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DataError
from misstep.playground.choice import Choice
from misstep.playground.curves import Curves
from misstep.playground.examining import Examination
from misstep.playground.explaining import explained
from misstep.playground.frame import Seen
from misstep.playground.links import MOST_CHANGES, MOST_UPDATES, Link
from misstep.playground.looking import units_of
from misstep.playground.packing import finite, numbers
from misstep.playground.problems.problem import OWN, Problem
from misstep.playground.row_choice import RowChoice
from misstep.playground.settings import Settings
from misstep.playground.timeline import Timeline, plain_changes
from misstep.playground.trying import Remedies

__all__ = ["Session"]

# Seconds between two looks at the clock, where the time is limited.
BETWEEN_LOOKS = 0.02


class Session:
    """A training with `settings`, at its beginning; `own`: the problem that a person brought.

    Raises ArgumentError for settings that nothing can be done with.

    >>> session = Session(Settings(rows=20, layers=(2,)))
    >>> session.step(3), session.back(1), session.update
    (3, 1, 2)
    """

    def __init__(self, settings: Settings | None = None, own: Problem | None = None) -> None:
        self._own = own
        self._begin(Settings() if settings is None else settings)

    def _begin(self, settings: Settings) -> None:
        problem = settings.made_problem(self._own)
        self._timeline = Timeline(settings, problem)
        self._curves = Curves(problem)
        self._examination = Examination(self._timeline, self._curves)
        self._seen: Seen | None = None
        self._remedies: Remedies | None = None
        self.row = RowChoice()
        self.choice: Choice | None = None
        self._measure()

    # --- where it stands --------------------------------------------------------------------------

    @property
    def timeline(self) -> Timeline:
        """Return the way that was gone; moved by this session alone."""
        return self._timeline

    @property
    def problem(self) -> Problem:
        """Return the rows, as the network takes them."""
        return self._timeline.problem

    @property
    def settings(self) -> Settings:
        """Return the settings that the next update goes by."""
        return self._timeline.settings

    @property
    def update(self) -> int:
        """Return how many updates are done."""
        return self._timeline.update

    @property
    def failed(self) -> bool:
        """Return whether the next update can't be done: its loss is no finite number."""
        return self._timeline.failed

    def state(self) -> dict[str, Any]:
        """Return where it stands and what can be chosen, as plain JSON."""
        timeline = self._timeline
        return {
            "settings": self.settings.plain(),
            "begins": timeline.begins.plain(),
            "changes": [
                {"update": at, "settings": _plain(changed)}
                for at, changed in plain_changes(timeline.changes, timeline.begins)
            ],
            "update": self.update,
            "furthest": timeline.furthest,
            "failed": self.failed,
            "problem": self.problem.plain(),
            "network": self._network(),
            "row": self.row.plain(self.problem),
            "choice": None if self.choice is None else self.choice.plain(),
            "link": self.link(),
        }

    def rows(self) -> dict[str, Any]:
        """Return all rows as plain JSON, inputs as before `input_scale`: to be asked for once."""
        problem, scale = self.problem, np.float32(self.settings.input_scale)
        return {
            name: {
                "x": numbers(rows.x.reshape(len(rows), -1) / scale),
                "y": numbers(rows.y.reshape(len(rows))),
            }
            for name, rows in (("train", problem.train), ("held_out", problem.held_out))
        }

    def _network(self) -> list[dict[str, Any]]:
        network = self._timeline.trainer.network
        return [
            {
                "path": one["path"],
                "words": one["layer"],
                "output": list(one["output"]),
                "parameters": one["parameters"],
            }
            for one in network.summary()
        ]

    # --- moving -----------------------------------------------------------------------------------

    def step(self, updates: int = 1, *, seconds: float | None = None) -> int:
        """Take so many updates; return how many were taken.

        Fewer where the next one can't be, and, with `seconds`, where they took about so long.
        Raises ArgumentError for what is no number of updates, and where so many are done that no
        link could hold more.
        """
        before, count = self.update, _count("the updates to take", updates)
        if count and before >= MOST_UPDATES:
            raise ArgumentError(
                "the updates to take",
                needed=f"{MOST_UPDATES:,} in all at most",
                got=f"{before:,} that are done",
                try_="beginning anew, or misstep train for a long training",
            )
        self._advance(min(before + count, MOST_UPDATES), seconds)
        return self.update - before

    def back(self, updates: int = 1) -> int:
        """Undo so many updates, bit for bit; return how many were undone."""
        before = self.update
        self.seek(max(before - _count("the updates to undo", updates), 0))
        return before - self.update

    def seek(self, update: int, *, seconds: float | None = None) -> int:
        """Go to where `update` updates are done; return where it stands then.

        With `seconds` it goes about so long, and has to be asked again where that was not enough.
        """
        goal = _count("the update to go to", update)
        if goal < self.update:
            self._timeline.rewind(goal)
        self._advance(goal, seconds)
        return self.update

    def reset(self) -> None:
        """Go back to the beginning; what was done stays ahead, and can be gone again."""
        self.seek(0)

    def _advance(self, goal: int, seconds: float | None) -> None:
        timeline, curves, examination = self._timeline, self._curves, self._examination
        began, most = time.perf_counter(), 1 if seconds is not None else 2**62
        while timeline.update < goal and not timeline.failed:
            before = time.perf_counter()
            ahead = min(goal - timeline.update, curves.until_next(timeline.update), most)
            ahead = 1 if examination.before() else min(ahead, examination.until_next())
            try:
                timeline.advance(ahead)
            finally:
                # What was done before Ctrl-C is written down like all else.
                self._measure()
                examination.after()
            if seconds is None:
                continue
            now = time.perf_counter()
            if now - began >= seconds:
                break
            # What a moment brings tells how much the next may: a large network takes its time.
            most = max(1, min(2 * most, int(ahead * BETWEEN_LOOKS / max(now - before, 1e-6))))

    def _measure(self) -> None:
        timeline, curves = self._timeline, self._curves
        if timeline.update % curves.every == 0:
            curves.measure(timeline.trainer.network, timeline.state)

    def change(self, /, **settings: Any) -> bool:
        """Go on with other settings; return whether the weights were kept.

        Where they can't be (other layers, rows, seeds …), and before any update, training begins
        anew. What was ahead is no more. Raises ArgumentError, and leaves all as it was.
        """
        return self._go_on_with(self.settings.changed(settings))

    def _go_on_with(self, after: Settings) -> bool:
        if after == self.settings:
            return True
        # Before any update nothing is there to be kept, and first weights may follow from what is
        # changed, as they follow from the activation: a link, which begins anew, must come to them.
        if self.update == 0 or not self.settings.keeps_weights(after):
            self.begin(after)
            return False
        # What no link could hold is not begun.
        if sum(one.update < self.update for one in self._timeline.changes) >= MOST_CHANGES:
            raise ArgumentError(
                "a change of settings",
                needed=f"at most {MOST_CHANGES} on the way",
                got="one more",
                try_="beginning anew with the settings of now",
            )
        self._timeline.change(after)
        self._curves.forget_from(self.update)
        self._measure()
        self._examination.changed()
        self._seen = None
        return True

    def begin(self, settings: Settings) -> None:
        """Begin anew with settings. Raises ArgumentError, and leaves all as it was."""
        row = self.row
        self._begin(settings)
        rows = row.rows(self.problem)
        if row.number < len(rows):
            self.row = row

    def choose_row(self, number: int, *, held_out: bool = True) -> None:
        """Look at another row, counted from 0. Raises ArgumentError where there is none."""
        self.row = RowChoice(number, held_out).checked(self.problem)

    def choose(self, what: str | None) -> None:
        """Look at a weight, a bias or a unit, as `Choice.text` gives it; None: at none.

        Raises ArgumentError where there is no such thing.
        """
        self.choice = None if what is None else self._checked_choice(Choice.read(what))

    def _checked_choice(self, choice: Choice) -> Choice:
        network = self._timeline.trainer.network
        shapes = {
            one.specification.name: one.specification.shape for one in network.parameter_slices
        }
        units = list(units_of(network))
        if choice.is_unit:
            fits = len(choice.index) == 2 and 1 <= choice.index[0] <= len(units)
            fits = fits and choice.index[1] < units[choice.index[0] - 1]
            needed = f"unit.LAYER.UNIT, with layers from 1 to {len(units)} and units from 0"
        else:
            shape = shapes.get(choice.of, ())
            fits = len(shape) == len(choice.index) and choice.of in shapes
            fits = fits and all(at < most for at, most in zip(choice.index, shape, strict=True))
            needed = f"an entry of {', '.join(shapes)}"
        if not fits:
            raise ArgumentError("what to look at", needed=needed, got=choice.text())
        return choice

    # --- links ------------------------------------------------------------------------------------

    def link(self) -> str:
        """Return all of this as a short text: the same link gives the same bits."""
        timeline = self._timeline
        changes = [
            (at, changed)
            for at, changed in plain_changes(timeline.changes, timeline.begins)
            if at <= self.update
        ]
        digest = self.problem.digest if timeline.begins.problem == OWN else ""
        return Link(timeline.begins, changes, self.update, self.choice, self.row, digest).text()

    @classmethod
    def of_link(
        cls, link: str | Link, own: Problem | None = None, *, seconds: float | None = None
    ) -> Session:
        """Return the session that a link says; `own`: the problem that a person brought.

        With `seconds` it goes about so long, and `seek` has to go the rest of the way to the link's
        update. Raises ArgumentError for no link, DataError where it is of other rows.
        """
        link = Link.read(link) if isinstance(link, str) else link
        session = cls(link.begins, own)
        if link.is_of_own_rows and link.digest != session.problem.digest:
            raise DataError(
                "the rows of a link to the playground",
                needed=f"those that it was made with ({link.digest or 'not said'})",
                got=f"others ({session.problem.digest})",
                try_="misstep play with the file that the link was made with",
            )
        session._timeline.plan(link.settings_on_the_way())
        session.choose_row(link.row.number, held_out=link.row.held_out)
        session.choose(None if link.choice is None else link.choice.text())
        session.seek(link.update, seconds=seconds)
        return session

    # --- looking ----------------------------------------------------------------------------------

    def frame(self) -> dict[str, Any]:
        """Return all that is seen at this update, as plain JSON."""
        seen = self._looker
        made = seen.frame(self._timeline, self._curves, self.row)
        now = self._curves.measure(self._timeline.trainer.network, self._timeline.state)
        return made | {"now": now.plain(self.problem)}

    def explain(self, what: str | None = None) -> dict[str, Any]:
        """Return what moves a weight, or what a unit does, at this update; None: the chosen one.

        Raises ArgumentError where nothing is chosen, or there is no such thing.
        """
        choice = self.choice if what is None else self._checked_choice(Choice.read(what))
        if choice is None:
            raise ArgumentError(
                "what to explain",
                needed="a weight, a bias or a unit",
                got="none",
                try_="choosing one, such as unit.1.0",
            )
        return explained(self._timeline, self._looker, choice, self.row)

    def diagnose(self, *, throttled: bool = False) -> dict[str, Any]:
        """Return what the doctor says of the training so far, as plain JSON.

        `throttled`: so that asking at each frame costs a tenth of the time at most; what was said
        of an earlier moment then serves for a while, and `update` says of which.
        """
        found = self._examination.diagnosis(throttled=throttled)
        plain, origin = finite(found.plain()), self._examination.origin()
        return {
            "update": self._examination.examined_at,
            "judges_end": self._examination.judges_end,
            "critical": found.is_critical,
            "origin": None if origin is None else str(origin),
            "findings": plain["findings"],
            "not_examined": plain["not_examined"],
        }

    def remedies(
        self, updates: int = 200, *, seconds: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield what came of the unchanged control, and then of each remedy tried, as plain JSON.

        Each takes `updates` updates from where training stands now, wherever it goes meanwhile;
        what needs other weights begins anew, and takes as many in all as the control has by then.
        Nothing of it moves the training: stop asking, and nothing is left of it. With `seconds`,
        an empty dictionary comes whenever about so long went by on the way to the next one. Raises
        ArgumentError for what is no number of updates.
        """
        count = _count("the updates of an attempt", updates)
        if count < 1:
            raise ArgumentError("the updates of an attempt", needed="1 or more", got=repr(updates))
        self._remedies = Remedies.of(self._timeline, self._examination, count)
        return self._remedies.tried(seconds=seconds)

    def other_remedies(self) -> list[dict[str, str]]:
        """Return what repair would try besides, which no settings of the playground say."""
        return [] if self._remedies is None else list(self._remedies.others)

    def adopt(self, number: int, *, seconds: float | None = None) -> bool:
        """Go on with the settings of a remedy that was tried; return whether weights were kept.

        Where they were not, training begins anew and goes to the update at which it stood, for
        about `seconds` where that is limited. Raises ArgumentError where there is no such remedy.
        """
        tried = [] if self._remedies is None else self._remedies.attempts
        chosen = next((one for one in tried if one.number == number), None)
        if chosen is None:
            raise ArgumentError(
                "the remedy to adopt",
                needed="the number of one that was tried"
                + (f", from 1 to {len(tried)}" if tried else "; none was so far"),
                got=repr(number),
            )
        update = self.update
        kept = self._go_on_with(chosen.settings)
        if not kept:
            self.seek(update, seconds=seconds)
        return kept

    @property
    def _looker(self) -> Seen:
        network = self._timeline.trainer.network
        if self._seen is None or self._seen.network is not network:
            # Programs go by layers, which a change on the way may have made others.
            self._seen = Seen(network, self.problem, self.settings.input_scale)
        return self._seen


def _plain(changed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(one) if isinstance(one, tuple) else one for name, one in changed.items()}


def _count(what: str, number: Any) -> int:
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or not 0 <= number <= MOST_UPDATES:
        raise ArgumentError(
            what, needed=f"a whole number from 0 to {MOST_UPDATES:,}", got=repr(number)
        )
    return int(number)
