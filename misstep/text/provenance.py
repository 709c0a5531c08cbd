"""Where the first number that is not finite came from, in words, from the facts of it.

Knows plain facts, as a record holds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from misstep.text.counts import plural
from misstep.text.figures import figure

__all__ = ["provenance_words"]

_RESULTS = {"nan": "NaN", "inf": "∞", "-inf": "−∞"}
_PHASES = {
    "forward": "on the way forward",
    "backward": "on the way back",
    "update": "in the weight update",
}
ROWS_SHOWN = 8


def provenance_words(
    *,
    step: int,
    phase: str,
    operation: str = "",
    layer: str = "",
    layer_kind: str = "",
    part: str = "network",
    trouble: str = "",
    parameter: str | None = None,
    rows: Sequence[int] = (),
    row_count: int = 0,
    batch_rows: int = 0,
    values: Mapping[str, Any] | None = None,
    location: str | None = None,
    time: int | None = None,
    **others: Any,
) -> str:
    """Return it as a sentence without a full stop.

    >>> provenance_words(step=3, phase="forward", operation="log", part="loss", layer="loss",
    ...     layer_kind="Mine", trouble="pole", rows=[7], row_count=1, batch_rows=8,
    ...     values={"result": "-inf", "inputs": [{"name": "p", "smallest": 0, "largest": 0}]})
    'the first number that is not finite arose in update 3, on the way forward: log in the loss \
(Mine) gave −∞ of p = 0, in row 7 (counted from 0)'
    """
    values = values or {}
    result = _RESULTS.get(str(values.get("result")), "no finite number")
    what = operation.replace("_", " ") or "what it was given"
    if phase == "backward":
        what = f"the gradient of {what}"
    where = _where(part, layer, layer_kind, parameter, location)
    if trouble == "given":
        gave = f"{where} {'was' if parameter else 'were'} {result} to begin with"
        head = f"{what} {gave}" if not parameter else gave
        return f"in update {step}, {_PHASES[phase]}: {head}"
    at = "" if time is None else f" at point {time} in time"
    why = f", too large for {values.get('dtype', 'its kind of number')}," * (trouble == "overflow")
    behind = f"{why}{_inputs(values)}{_rows(rows, row_count, batch_rows)}"
    return (
        f"the first number that is not finite arose in update {step}, {_PHASES[phase]}: "
        f"{what} {where}{at} gave {result}{behind}"
    )


def _where(
    part: str, layer: str, layer_kind: str, parameter: str | None, location: str | None
) -> str:
    details = [detail for detail in (layer_kind if layer_kind != layer else "",) if detail]
    if location:
        file, _, line = location.rpartition(":")
        details.append(f"{PurePath(file).name}:{line}")
    behind = f" ({', '.join(details)})" if details else ""
    of = f" of {parameter}" if parameter else ""
    if part == "network":
        return f"in {layer or 'the network'}{behind}{of}"
    return f"in {'' if part == 'mixup' else 'the '}{part}{behind}{of}"


def _inputs(values: Mapping[str, Any]) -> str:
    told = []
    for one in values.get("inputs", ()):
        smallest, largest = one["smallest"], one["largest"]
        if smallest is None:
            continue
        name = str(one["name"]) or "an input"
        if smallest == largest:
            told.append(f"{name} = {figure(smallest)}")
        else:
            told.append(f"{name} from {figure(smallest)} to {figure(largest)}")
    return f" of {' and '.join(dict.fromkeys(told))}" if told else ""


def _rows(rows: Sequence[int], count: int, batch: int) -> str:
    if not count:
        return ""
    if count == batch and count > 1:
        return f", in all {count} rows of the batch"
    shown = [str(row) for row in rows[:ROWS_SHOWN]]
    more = count - len(shown)
    names = ", ".join(shown) if not more else f"{', '.join(shown)} and {more} more"
    return f", in {plural(count, 'row')} {names} (counted from 0)"
