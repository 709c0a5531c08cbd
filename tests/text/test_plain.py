"""What comes from data steers nothing, and JSON is strict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from misstep.text.plain import json_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 日本", "plain äöü 日本"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\tb\rc\x7f\x9b", "a\\tb\\rc\\x7f\\x9b"),
        ("a\u202eb", "a\\u202eb"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_steers_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_json_is_strict() -> None:
    thing = {
        "nan": math.nan,
        "inf": [-math.inf],
        "array": np.array([1.5, math.nan]),
        3: (True, None),
        "number": np.float32(0.5),
        "kind": type,
    }
    line = json_line(thing)
    assert "\n" not in line
    found = json.loads(line)
    assert found["nan"] is None
    assert found["inf"] == [None]
    assert found["array"] == [1.5, None]
    assert found["3"] == [True, None]
    assert found["number"] == 0.5
