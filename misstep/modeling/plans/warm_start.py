"""A plan that goes on from the network of an earlier training: its layers, whatever is planned now.

Knows plans and what came of a training; the weights are taken over by who sets a trainer up.
"""

from __future__ import annotations

from dataclasses import replace

from misstep.errors import ArgumentError
from misstep.modeling.decisions import Decisions
from misstep.modeling.options import Options
from misstep.modeling.plans.plan import Plan
from misstep.nn import Module
from misstep.train import Trainer

__all__ = ["gone_on_with"]


def gone_on_with(trainer: Trainer, plan: Plan, options: Options, decisions: Decisions) -> Plan:
    """Return the plan with the layers of an earlier training, that of `trainer`.

    Raises ArgumentError where a person asks for another network.
    """
    before: Module = trainer.network.module
    if options.network is not None and repr(plan.module) != repr(before):
        raise ArgumentError(
            "network with warm_start",
            needed=f"that of the last fit, {before!r}"[:200],
            got=repr(plan.module)[:200],
            try_="warm_start=False, to train it anew",
        )
    decisions.add("start", "the weights of the last fit, and its preprocessing", "warm_start")
    return replace(plan, module=before, repeats_per_epoch=trainer.repeats_per_epoch)
