"""How fitted things become plain JSON and come back, the second with suspicion.

Knows dataclasses and JSON, not what they mean. A stored file may come from a stranger: types are
checked strictly, unknown fields refused, and each class checks its own numbers as it is built.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from misstep.errors import FileFormatError

__all__ = ["Stored", "check", "from_plain", "to_plain"]

# Fields that have a better name now than their key in model files, which stays.
KEYS = {"column_type": "kind", "reason": "because", "task": "kind", "transformers": "parts"}

T = TypeVar("T")


def _key(field: str) -> str:
    return KEYS.get(field, field)


class Stored:
    """What a stored dataclass inherits: how strictly pydantic reads it."""

    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
        "alias_generator": _key,
    }


def check(*rules: tuple[object, str]) -> None:
    """Raise ValueError in the words of the first rule that does not hold."""
    for holds, words in rules:
        if not holds:
            raise ValueError(words)


def to_plain(fitted: Any) -> dict[str, Any]:
    """Return a dataclass as dicts, lists, texts and numbers; floats survive JSON bit for bit."""
    by_key = dataclasses.asdict(
        fitted, dict_factory=lambda fields: {_key(field): value for field, value in fields}
    )
    plain = json.loads(json.dumps(by_key, allow_nan=False))
    assert isinstance(plain, dict)
    return plain


@cache
def _adapter(cls: type[Any]) -> Any:
    """Return what reads a class; made once, as that takes longer than reading a model file."""
    import pydantic

    return pydantic.TypeAdapter(cls)


def from_plain(cls: type[T], plain: object, which: str) -> T:
    """Build the dataclass from plain JSON. Raises FileFormatError naming the first wrong key."""
    import pydantic

    try:
        text = json.dumps(plain, allow_nan=False)
        read: T = _adapter(cast(Any, cls)).validate_json(text, strict=True)
        return read
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the top level"
        raise FileFormatError(
            which,
            needed=f"what this version of misstep writes, at {where}",
            got=f"{str(first.get('input'))[:60]!r} ({first['msg']})",
            try_="saving it again with this version",
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(which, needed="plain JSON", got=str(error)[:200]) from error
