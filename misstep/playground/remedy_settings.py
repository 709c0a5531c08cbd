"""Which settings of the playground a trainer has, as a remedy of `trials` proposes one.

Only what settings can say is said: where a trainer has something else, there are none. Knows
layers, optimizers and settings; trains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from misstep.errors import MisstepError
from misstep.nn import BatchNorm, Dense, Dropout, LayerNorm, Module, Residual, Sequential
from misstep.nn.activations import Activation
from misstep.nn.initializers import Constant, Initializer
from misstep.nn.rescaling import Rescaling
from misstep.optim import L1, L2, ClipNorm, ClipValue, ConstantRate, Optimizer
from misstep.playground.layers import ACTIVATIONS, INITIALIZATIONS, Scaled
from misstep.playground.problems.problem import Problem
from misstep.playground.settings import Settings
from misstep.train import Trainer

__all__ = ["settings_of"]

_NAMES = {cls: name for name, cls in ACTIVATIONS.items() if cls is not None}
_NORMALIZATIONS: dict[type[Module], str] = {LayerNorm: "layer", BatchNorm: "batch"}


def settings_of(trainer: Trainer, before: Settings, problem: Problem) -> Settings | None:
    """Return the settings of a trainer, the rest being as in `before`; None where none say it."""
    changed = _of_training(trainer)
    layers = _of_layers(trainer.network.module, before)
    if changed is None or layers is None:
        return None
    try:
        found = before.changed({**changed, **layers})
    except MisstepError:
        return None
    return found if _same(found, trainer, problem) else None


def _same(found: Settings, trainer: Trainer, problem: Problem) -> bool:
    """Tell whether settings make the very layers and the very way to train."""
    made = found.module(problem)
    asked = trainer.network.module
    if not isinstance(made, Sequential) or not isinstance(asked, Sequential):
        return False
    if _plain(_without_front(made)) != _plain(_without_front(asked)):
        return False
    training = found.training()
    mine = training["clipping"], tuple(training["regularizers"]), training["optimizer"]
    clipping: Any = trainer.clipping[0] if len(trainer.clipping) == 1 else trainer.clipping
    theirs = clipping, tuple(trainer.regularizers), trainer.optimizer
    return mine == theirs


def _plain(layers: Sequence[Module]) -> list[dict[str, Any]]:
    """Return layers by their settings, but for the slope of a LeakyReLU, which is ours."""
    return [
        {"kind": "LeakyReLU"} if plain.get("kind") == "LeakyReLU" else plain
        for plain in (one.configuration() for one in layers)
    ]


def _without_front(module: Sequential) -> Sequence[Module]:
    layers = module.layers
    return layers[1:] if layers and isinstance(layers[0], Rescaling) else layers


def _of_training(trainer: Trainer) -> dict[str, Any] | None:
    """Return optimizer, penalties, clipping and batch size by the names of settings."""
    usual = trainer.accumulate == 1 and trainer.repeats_per_epoch == 1 and trainer.shuffle
    if not usual or trainer.mixup or trainer.schedule != ConstantRate():
        return None
    optimizer: Optimizer = trainer.optimizer
    changed: dict[str, Any] = {
        "optimizer": optimizer.name,
        "learning_rate": optimizer.learning_rate,
        "momentum": getattr(optimizer, "momentum", 0.0) if optimizer.name == "sgd" else 0.0,
        "weight_decay": getattr(optimizer, "weight_decay", 0.0),
        "batch_size": trainer.batch_size,
        "l1": 0.0,
        "l2": 0.0,
        "clipping": 0.0,
    }
    for penalty in trainer.regularizers:
        name = {L1: "l1", L2: "l2"}.get(type(penalty))
        if name is None:
            return None
        changed[name] = penalty.strength
    for clip in trainer.clipping:
        if not isinstance(clip, ClipNorm | ClipValue):
            return None
        changed["clipping"] = clip.limit
        changed["clipping_by"] = "norm" if isinstance(clip, ClipNorm) else "value"
    return changed


def _of_layers(module: Module, before: Settings) -> dict[str, Any] | None:
    """Return the layers by the names of settings; None where they are of another kind."""
    if not isinstance(module, Sequential) or type(module) is not Sequential:
        return None
    changed: dict[str, Any] = {
        "standardize": bool(module.layers) and isinstance(module.layers[0], Rescaling),
        "residual": False,
        "normalization": "none",
        "activation": "linear",
        "dropout": 0.0,
    }
    layers: list[Module] = []
    for layer in _without_front(module):
        inner = list(layer.layers) if isinstance(layer, Residual) else [layer]
        changed["residual"] |= isinstance(layer, Residual)
        layers += inner
    dense = [one for one in layers if isinstance(one, Dense)]
    if not dense or layers[-1] is not dense[-1]:
        return None
    changed["layers"] = [one.units for one in dense[:-1]]
    for layer in layers:
        if isinstance(layer, Activation):
            name = _NAMES.get(type(layer))
            if name is None:
                return None
            changed["activation"] = name
        elif type(layer) in _NORMALIZATIONS:
            changed["normalization"] = _NORMALIZATIONS[type(layer)]
        elif isinstance(layer, Dropout):
            changed["dropout"] = layer.rate
        elif not isinstance(layer, Dense):
            return None
    if not dense[:-1]:
        # What no hidden layer shows stays as it was.
        changed["activation"] = before.activation
    return {**changed, **_of_first_numbers(dense, before, residual=changed["residual"])}


def _of_first_numbers(
    dense: Sequence[Dense], before: Settings, *, residual: bool
) -> dict[str, Any]:
    """Return how first numbers are drawn, by the names of settings."""
    given = [one.bias_initializer for one in dense[:-1]]
    biases = {one.value for one in given if isinstance(one, Constant)}
    changed: dict[str, Any] = {"bias": biases.pop() if len(biases) == 1 else 0.0}
    last: Initializer | None = dense[-1].initializer
    scale = last.factor if isinstance(last, Scaled) else 1.0
    base = last.base if isinstance(last, Scaled) else last
    names = [name for name, one in INITIALIZATIONS.items() if one == base]
    if base is not None and isinstance(last, Scaled) and before.initialization == "suited":
        names = ["suited"]
    return changed | {
        "initialization": names[0] if names else before.initialization,
        "initialization_scale": scale,
    }
