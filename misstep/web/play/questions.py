"""What a page may ask of its session: a short function for each, by name.

Each takes an opened session and what came as JSON, which the session itself checks, and returns
what is answered besides the state and the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError
from misstep.playground import Settings, preset_named
from misstep.web.play.sessions import Opened

__all__ = ["QUESTIONS", "Question"]

# A longer way goes in several questions: each is answered before the page gives up, and Ctrl-C
# ends the server at once, whatever is asked for.
LONGEST_SECONDS = 0.5
# Updates that a remedy is tried for where the page does not say.
USUAL_ATTEMPT = 200

Asked = Mapping[str, Any]
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """How it is answered; `moves`: whether the frame is another then, `changes`: the state, too."""

    answer: Callable[[Opened, Asked], Answer]
    moves: bool = True
    changes: bool = False


def _step(opened: Opened, asked: Asked) -> Answer:
    return {"taken": opened.session.step(asked.get("updates", 1), seconds=LONGEST_SECONDS)}


def _seek(opened: Opened, asked: Asked) -> Answer:
    return {"reached": opened.session.seek(asked.get("update", -1), seconds=LONGEST_SECONDS)}


def _change(opened: Opened, asked: Asked) -> Answer:
    return {"kept": opened.session.change(**_object(asked, "settings"))}


def _preset(opened: Opened, asked: Asked) -> Answer:
    opened.session.begin(preset_named(_text(asked, "preset")).settings)
    return {}


def _begin(opened: Opened, asked: Asked) -> Answer:
    opened.session.begin(Settings.of(_object(asked, "settings")))
    return {}


def _choose(opened: Opened, asked: Asked) -> Answer:
    opened.session.choose(asked.get("choice"))
    return {}


def _row(opened: Opened, asked: Asked) -> Answer:
    opened.session.choose_row(asked.get("number", -1), held_out=asked.get("held_out") is True)
    return {}


def _explain(opened: Opened, asked: Asked) -> Answer:
    return {"explanation": None if opened.session.choice is None else opened.session.explain()}


def _examine(opened: Opened, asked: Asked) -> Answer:
    throttled = asked.get("throttled") is True
    return {"diagnosis": opened.session.diagnose(throttled=throttled)}


def _try(opened: Opened, asked: Asked) -> Answer:
    updates = asked.get("updates", USUAL_ATTEMPT)
    opened.attempts = opened.session.remedies(updates, seconds=LONGEST_SECONDS)
    return _try_next(opened, asked)


def _try_next(opened: Opened, asked: Asked) -> Answer:
    attempt = None if opened.attempts is None else next(opened.attempts, None)
    if attempt is None:
        opened.attempts = None
        return {"attempt": None, "others": opened.session.other_remedies()}
    # Of one that takes longer there is nothing yet: it goes on where it is asked for again.
    return {"attempt": attempt or None, "trying": not attempt}


def _adopt(opened: Opened, asked: Asked) -> Answer:
    return {"kept": opened.session.adopt(asked.get("number", 0), seconds=LONGEST_SECONDS)}


def _text(asked: Asked, name: str) -> str:
    """Return a part that is a text. Raises ArgumentError."""
    value = asked.get(name)
    if not isinstance(value, str):
        raise ArgumentError(f"{name} of the question", needed="a text", got=repr(value)[:80])
    return value


def _object(asked: Asked, name: str) -> Mapping[str, Any]:
    """Return a part that is an object. Raises ArgumentError."""
    value = asked.get(name)
    if not isinstance(value, dict):
        raise ArgumentError(f"{name} of the question", needed="an object", got=repr(value)[:80])
    return value


QUESTIONS = {
    "step": Question(_step),
    "seek": Question(_seek),
    "change": Question(_change, changes=True),
    "preset": Question(_preset, changes=True),
    "begin": Question(_begin, changes=True),
    "choose": Question(_choose, changes=True),
    "row": Question(_row, changes=True),
    "explain": Question(_explain, moves=False),
    "examine": Question(_examine, moves=False),
    "try": Question(_try, moves=False),
    "try-next": Question(_try_next, moves=False),
    "adopt": Question(_adopt, changes=True),
}
