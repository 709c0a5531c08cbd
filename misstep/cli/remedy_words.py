"""Remedies as they are typed: what rules write in Python becomes options of `misstep train`.

Only for runs that the command line made; whoever trained in Python reads Python. Knows how
arguments and optimizers are spelled on both sides, no rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from misstep.cli.places import COMMAND
from misstep.doctor import Diagnosis
from misstep.doctor.optimizers import USUAL_RATES
from misstep.record import Record
from misstep.text.names import hyphenated

__all__ = ["plain_findings", "spelling_of"]

Spelling = Callable[[str], str]

# Arguments whose values are written alike on both sides.
_ARGUMENTS = {
    "epochs": "--epochs",
    "batch_size": "--batch-size",
    "learning_rate": "--learning-rate",
    "seed": "--seed",
}
_NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
_ARGUMENT = re.compile(rf"\b({'|'.join(_ARGUMENTS)})=({_NUMBER})(?![\w.]*\()")
_SHUFFLE = re.compile(r"\bshuffle=(True|False)\b")
_OPTIMIZER = re.compile(
    rf"\bms\.(?:optim\.)?([A-Z]\w*)\((?:learning_rate=)?({_NUMBER})(?:, [^()]*)?\)"
)
# A call that says nothing but where an argument is given.
_CALL = re.compile(r"\b(?:ms\.Trainer|trainer\.fit|fit)\((?:…|\.\.\.), (--[^()`]*)\)")


def spelling_of(record: Record | None) -> Spelling:
    """Return how remedies for the run of a record are written for who reads them."""
    description = None if record is None else record.description
    if description is None or description.origin.get("face") != COMMAND:
        return _as_it_is
    own = description.optimizer.kind

    def as_options(remedy: str) -> str:
        return in_train_options(remedy, own)

    return as_options


def in_train_options(remedy: str, optimizer: str) -> str:
    """Return a remedy with options of `misstep train` for arguments and optimizers.

    `optimizer`: that of the run, which need not be named again.

    >>> in_train_options("`ms.Adam(0.001)` instead of `ms.Adam(0.1)`, or epochs=40.", "Adam")
    '`--learning-rate 0.001` instead of `--learning-rate 0.1`, or --epochs 40.'
    >>> in_train_options("`ms.Adam(0.001)`; `ms.Trainer(..., shuffle=True)`", "SGD")
    '`--optimizer adam --learning-rate 0.001`; `--shuffle`'
    """

    def optimizer_words(match: re.Match[str]) -> str:
        kind, rate = match[1], match[2]
        if kind.lower() not in USUAL_RATES:
            return match[0]
        named = "" if kind == optimizer else f"--optimizer {hyphenated(kind)} "
        return f"{named}--learning-rate {rate}"

    words = _OPTIMIZER.sub(optimizer_words, remedy)
    words = _ARGUMENT.sub(lambda match: f"{_ARGUMENTS[match[1]]} {match[2]}", words)
    words = _SHUFFLE.sub(lambda match: "--shuffle" if match[1] == "True" else "--no-shuffle", words)
    return _CALL.sub(lambda match: match[1].replace(", --", " --"), words)


def plain_findings(diagnosis: Diagnosis, spelling: Spelling) -> dict[str, Any]:
    """Return a diagnosis as plain JSON, its remedies spelled."""

    def spelled(finding: dict[str, Any]) -> dict[str, Any]:
        below = [spelled(each) for each in finding["consequences"]]
        return finding | {"remedy": spelling(finding["remedy"]), "consequences": below}

    plain = diagnosis.plain()
    return plain | {"findings": [spelled(finding) for finding in plain["findings"]]}


def _as_it_is(remedy: str) -> str:
    return remedy
