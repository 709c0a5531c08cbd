"""What optimizers are usually used with, and how one is written in the framework of a run.

Knows names and numbers of optimizers, of this library and of others; no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.record import OptimizerDescription, RunDescription

# Learning rates that optimizers start from in their papers and as defaults of PyTorch and Keras;
# of SGD what textbooks begin with (Bengio, 2012, §3: 0.01 for inputs of unit scale).
USUAL_RATES: Mapping[str, float] = {
    "sgd": 1e-2,
    "adam": 1e-3,
    "adamw": 1e-3,
    "nadam": 1e-3,
    "adamax": 1e-3,
    "amsgrad": 1e-3,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
    "adadelta": 1.0,
}
# Those that scale each step by the size of recent gradients, so that the rate is about the step.
ADAPTIVE = frozenset({"adam", "adamw", "nadam", "adamax", "amsgrad", "rmsprop"})


def usual_rate(optimizer: OptimizerDescription) -> float:
    """Return the learning rate that an optimizer is usually used with; of others, as of SGD."""
    return USUAL_RATES.get(optimizer.kind.lower(), USUAL_RATES["sgd"])


def is_adaptive(optimizer: OptimizerDescription) -> bool:
    """Return whether the learning rate alone says how far a weight moves in an update."""
    return optimizer.kind.lower() in ADAPTIVE


def effective_rate(optimizer: OptimizerDescription, rate: float) -> float:
    """Return what `rate` comes to once momentum adds up its steps: rate / (1 − momentum)."""
    momentum = optimizer.settings.get("momentum") or 0.0
    if is_adaptive(optimizer) or not 0 <= momentum < 1:
        return rate
    return float(rate / (1.0 - momentum))


def optimizer_facts(description: RunDescription, **changes: float) -> dict[str, Any]:
    """Return the facts that `written` needs, and `changes` beside them."""
    facts = {
        "written_in": description.origin.get("face") or description.framework,
        "optimizer": description.optimizer.kind,
        "learning_rate": description.optimizer.learning_rate,
    }
    momentum = description.optimizer.settings.get("momentum")
    return facts | ({"momentum": momentum} if momentum else {}) | changes


def written(facts: Mapping[str, Any], rate: float, kind: str | None = None) -> str:
    """Return an optimizer with a learning rate as it is written where a run's own one was.

    `kind`: another optimizer than the run's own.

    >>> written({"written_in": "misstep", "optimizer": "Adam"}, 0.003)
    '`ms.Adam(0.003)`'
    >>> written({"written_in": "torch", "optimizer": "SGD", "momentum": 0.9}, 0.01)
    '`torch.optim.SGD(…, lr=0.01, momentum=0.9)`'
    >>> written({"written_in": "command line", "optimizer": "SGD"}, 0.001, "Adam")
    '`--optimizer adam --learning-rate 0.001`'
    """
    place, own = facts["written_in"], kind is None
    kind = facts["optimizer"] if kind is None else kind
    momentum = facts.get("momentum") if own else None
    more = f", momentum={momentum:g}" if momentum else ""
    if place == "command line":
        other = "" if own else f"--optimizer {kind.lower()} "
        return f"`{other}--learning-rate {rate:.4g}`"
    if place == "estimator":
        other = "" if own else f'optimizer="{kind.lower()}", '
        return f"`{other}learning_rate={rate:.4g}`"
    if place == "misstep":
        # The names that stand at the roof; the others are in their room.
        room = "ms" if kind in ("SGD", "Adam", "AdamW") else "ms.optim"
        return f"`{room}.{kind}({rate:.4g}{more})`"
    if place == "keras":
        return f"`keras.optimizers.{kind}({rate:.4g}{more})`"
    if place == "torch":
        return f"`torch.optim.{kind}(…, lr={rate:.4g}{more})`"
    return f"`{kind}` at a learning rate of {rate:.4g}"


def a_tenth(facts: Mapping[str, Any]) -> str:
    """Return the optimizer with a tenth of its rate, and the rate that it has.

    >>> a_tenth({"written_in": "command line", "optimizer": "SGD", "learning_rate": 0.3})
    '`--learning-rate 0.03` instead of 0.3'
    """
    rate = facts["learning_rate"]
    return f"{written(facts, float(f'{rate / 10:.3g}'))} instead of {rate:.4g}"


def setting(facts: Mapping[str, Any], name: str, value: object) -> str:
    """Return a plain setting, such as epochs or batch_size, as it is written for a run.

    >>> setting({"written_in": "command line"}, "batch_size", 32)
    '`--batch-size 32`'
    >>> setting({"written_in": "misstep"}, "epochs", 100)
    '`epochs=100`'
    """
    if facts["written_in"] == "command line":
        return f"`--{name.replace('_', '-')} {value}`"
    return f"`{name}={value}`"
