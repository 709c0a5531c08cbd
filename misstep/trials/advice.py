"""What to write to have a training as a trial had it, with this training's own numbers.

In Python, and as options of training by their names. Knows how parts are spelled; trains nothing.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from misstep.optim import Optimizer
from misstep.text.names import hyphenated
from misstep.train import Trainer

__all__ = ["at_rate", "optimizer_at", "optimizer_options", "written"]

# Those that stand at the roof; the others are in their room.
AT_ROOF = ("SGD", "Adam", "AdamW")


def written(part: Any) -> str:
    """Return an optimizer, schedule, clipping or regularizer as it is written.

    Its first setting, and those that are not what they are by default.

    >>> import misstep as ms
    >>> written(ms.SGD(0.03, momentum=0.9)), written(ms.optim.WarmUp(20, ms.optim.Cosine()))
    ('ms.SGD(0.03, momentum=0.9)', 'ms.optim.WarmUp(20, then=ms.optim.Cosine())')
    """
    kind = type(part).__name__
    room = "ms" if kind in AT_ROOF else "ms.optim"
    if not is_dataclass(part):
        return f"{room}.{kind}(…)"
    given = []
    for place, one in enumerate(fields(part)):
        value = getattr(part, one.name)
        by_default = value == one.default
        if place == 0 and (isinstance(part, Optimizer) or not by_default):
            given.append(_value(value))
        elif not by_default:
            given.append(f"{one.name}={_value(value)}")
    return f"{room}.{kind}({', '.join(given)})"


def optimizer_at(trainer: Trainer, factor: float) -> Optimizer:
    """Return the optimizer of a trainer at `factor` times its rate."""
    optimizer: Any = trainer.optimizer
    # 100 times 1e-6 is 9.999999999999999e-05, which nobody would write.
    rate = float(f"{factor * optimizer.learning_rate:.12g}")
    at: Optimizer = replace(optimizer, learning_rate=rate)
    return at


def at_rate(trainer: Trainer, factor: float) -> str:
    """Return the optimizer at `factor` times its rate, as it is written.

    >>> import misstep as ms
    >>> at_rate(ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.3)), 0.1)
    'ms.SGD(0.03)'
    """
    return written(optimizer_at(trainer, factor))


def optimizer_options(own: Optimizer, other: Optimizer) -> dict[str, Any]:
    """Return how `other` differs from a run's `own` optimizer, by the names of options.

    Empty where settings differ that are no options.

    >>> import misstep as ms
    >>> optimizer_options(ms.Adam(0.1), ms.Adam(0.003)), optimizer_options(ms.SGD(), ms.Adam())
    ({'learning_rate': 0.003}, {'optimizer': 'adam', 'learning_rate': 0.001})
    """
    options: dict[str, Any] = {}
    if type(own) is not type(other):
        options["optimizer"] = hyphenated(type(other).__name__)
        own = type(other)()
        options["learning_rate"] = _rounded(other.learning_rate)
    for one in fields(other):  # type: ignore[arg-type]
        value = getattr(other, one.name)
        if value == getattr(own, one.name):
            continue
        if one.name not in ("learning_rate", "weight_decay"):
            return {}
        options[one.name] = _rounded(value)
    return options


def _value(value: Any) -> str:
    if is_dataclass(value):
        return written(value)
    return f"{value:.3g}" if isinstance(value, float) else repr(value)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
