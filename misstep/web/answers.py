"""Answers of pages as JSON: every number that JSON has no word for is null."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import Response

__all__ = ["json_answer", "json_bytes"]


def json_bytes(value: Any) -> bytes:
    """Return `value` as JSON; NaN and infinities are null."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def json_answer(value: Any, status: int = 200) -> Response:
    """Return `value` as an answer; bytes are JSON already."""
    content = value if isinstance(value, bytes) else json_bytes(value)
    return Response(content, status, {"content-type": "application/json"})


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
