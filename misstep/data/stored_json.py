"""How fitted things become plain JSON and come back, the second with suspicion.

Knows dataclasses and JSON, not what they mean. A stored file may come from a stranger: types are
checked strictly, unknown fields refused, and each class checks its own numbers as it is built.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

from misstep.errors import FileFormatError

__all__ = ["STRICT", "from_plain", "to_plain"]

# What pydantic is told about each stored dataclass (it reads this from `__pydantic_config__`).
STRICT: Any = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

T = TypeVar("T")


def to_plain(thing: Any) -> dict[str, Any]:
    """Return a dataclass as dicts, lists, texts and numbers; floats survive JSON bit for bit."""
    plain = json.loads(json.dumps(dataclasses.asdict(thing), allow_nan=False))
    assert isinstance(plain, dict)
    return plain


def from_plain(cls: type[T], plain: object, which: str) -> T:
    """Build the dataclass from plain JSON. Raises FileFormatError naming the first wrong place."""
    import pydantic

    try:
        text = json.dumps(plain, allow_nan=False)
        return pydantic.TypeAdapter(cls).validate_json(text, strict=True)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the top level"
        raise FileFormatError(
            which,
            needed=f"what this version of misstep writes, at {place}",
            got=f"{str(first.get('input'))[:60]!r} ({first['msg']})",
            try_="saving it again with this version",
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(which, needed="plain JSON", got=str(error)[:200]) from error
