"""What a page may ask of its session: a short function for each, by name.

Each takes the session and what came as JSON, which is checked by the session itself, and returns
what is answered besides the state and the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError
from misstep.playground import Session, Settings, preset_named

__all__ = ["QUESTIONS", "Question"]

# A longer way goes in several questions, so that each is answered before the page gives up.
LONGEST_SECONDS = 0.5

Asked = Mapping[str, Any]
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """How it is answered; `moves`: whether the frame is another then, `changes`: the state, too."""

    answer: Callable[[Session, Asked], Answer]
    moves: bool = True
    changes: bool = False


def _step(session: Session, asked: Asked) -> Answer:
    return {"taken": session.step(asked.get("updates", 1))}


def _back(session: Session, asked: Asked) -> Answer:
    return {"undone": session.back(asked.get("updates", 1))}


def _seek(session: Session, asked: Asked) -> Answer:
    return {"reached": session.seek(asked.get("update", -1), seconds=LONGEST_SECONDS)}


def _change(session: Session, asked: Asked) -> Answer:
    return {"kept": session.change(**_object(asked, "settings"))}


def _preset(session: Session, asked: Asked) -> Answer:
    session.begin(preset_named(_text(asked, "preset")).settings)
    return {}


def _begin(session: Session, asked: Asked) -> Answer:
    session.begin(Settings.of(_object(asked, "settings")))
    return {}


def _choose(session: Session, asked: Asked) -> Answer:
    session.choose(asked.get("choice"))
    return {}


def _row(session: Session, asked: Asked) -> Answer:
    session.choose_row(asked.get("number", -1), held_out=asked.get("held_out") is True)
    return {}


def _explain(session: Session, asked: Asked) -> Answer:
    return {"explanation": None if session.choice is None else session.explain()}


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
    "back": Question(_back),
    "seek": Question(_seek),
    "change": Question(_change, changes=True),
    "preset": Question(_preset, changes=True),
    "begin": Question(_begin, changes=True),
    "choose": Question(_choose, changes=True),
    "row": Question(_row, changes=True),
    "explain": Question(_explain, moves=False),
    "examine": Question(lambda session, asked: {}, moves=False),
}
