"""Whether all compute the same: loss and gradients of the first step in float64, beside PyTorch's.

`python -m benchmarks.agree [NAME …]`: in one process, each workload that trains without dropout,
its first batch, from its first weights. Ours come from public names: a step of plain SGD with rate
1 moves each weight by its gradient. They are brought into PyTorch's layouts by the same conversion
as weights. Exits with 1 where something differs by more than 1e-9, as a share of the largest
number; says which libraries were left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.job import first_weights
from benchmarks.rows import Array, make_rows
from benchmarks.workloads import WORKLOADS, Update, Workload

TOLERANCE = 1e-9


@dataclass(frozen=True)
class First:
    """Loss and gradients of a first step, by the names and in the layouts of the family."""

    loss: float
    gradients: dict[str, Array]


def first_batch(workload: Workload) -> tuple[Workload, Array, Array]:
    """Return the workload in float64 with one batch of rows, and the batch."""
    one = replace(workload, dtype="float64", rows=workload.batch, checked=1)
    x, y, _ = make_rows(one)
    return one, x, y


def by_ours(workload: Workload, x: Array, y: Array, weights: dict[str, Array]) -> First:
    """Return what misstep computes."""
    from benchmarks import ours

    workload = replace(workload, update=Update("sgd", 1.0), clip=None)
    network = ours.make_network(workload, weights)
    places = ours.places_of(network, weights)
    run = ours.make_trainer(workload, network, 1).fit(x, y, epochs=1)
    after = network.arrays()
    moved = {name: weights[name] - after[places[name]] for name in weights}
    return First(float(run.losses[0]), moved)


def by_jax(workload: Workload, x: Array, y: Array, weights: dict[str, Array]) -> First:
    """Return what JAX computes."""
    import jax

    from benchmarks.peers.jax_programs import loss_of

    jax.config.update("jax_enable_x64", True)
    family: Any = workload.network
    running = family.running("float64")

    def judged(parameters: Any) -> Any:
        outputs, _ = family.jax_forward(parameters, running, x, True)
        return loss_of(workload, outputs, y)

    loss, gradients = jax.jit(jax.value_and_grad(judged))(weights)
    return First(float(loss), {name: np.asarray(one) for name, one in gradients.items()})


def apart(workload: Workload, x: Array, y: Array, found: Sequence[First]) -> list[dict[str, float]]:
    """Return how far each is from PyTorch, by parameter and for the loss."""
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(1)
    family: Any = workload.network
    model = family.torch_model(first_weights(workload)).train()
    squared = workload.loss == "squared-error"
    loss_of = functional.mse_loss if squared else functional.cross_entropy
    loss = loss_of(model(torch.from_numpy(x)), torch.from_numpy(y))
    loss.backward()
    expected = loss.item()
    right = {
        name: (one.grad.to_dense() if one.grad.is_sparse else one.grad).numpy()
        for name, one in model.named_parameters()
        if one.requires_grad
    }
    told = []
    for one in found:
        converted = dict(family.torch_model(one.gradients).named_parameters())
        distances = {"loss": abs(one.loss - expected) / abs(expected)}
        # A gradient that is 0 but for roundings is judged by the size of the others.
        least = 1e-3 * max(float(np.abs(numbers).max()) for numbers in right.values())
        for name, numbers in right.items():
            size = max(float(np.abs(numbers).max()), least)
            other = converted[name].detach().numpy()
            distances[name] = float(np.abs(other - numbers).max()) / size
        told.append(distances)
    return told


def check(workload: Workload, libraries: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return for each library how far it is from PyTorch."""
    one, x, y = first_batch(workload)
    ways = {"ours": by_ours, "jax": by_jax}
    found = [ways[name](one, x, y, first_weights(one)) for name in libraries]
    return dict(zip(libraries, apart(one, x, y, found), strict=True))


def checkable() -> list[str]:
    """Return the workloads whose first step is the same for everybody."""
    return [
        name
        for name, one in WORKLOADS.items()
        if one.kind == "train" and one.network is not None and not one.network.dropout
    ]


def main(words: Sequence[str]) -> int:
    """Check what is asked for; return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.agree", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", choices=[*checkable(), []])
    names = parser.parse_args(words).names or checkable()
    if importlib.util.find_spec("torch") is None:
        print("torch is not installed, and it is what others are compared with")
        return 1
    wrong = False
    for name in names:
        workload = WORKLOADS[name]
        libraries = ["ours"]
        libraries += ["jax"] if importlib.util.find_spec("jax") is not None else []
        for library, distances in check(workload, libraries).items():
            worst = max(distances, key=distances.__getitem__)
            wrong |= not distances[worst] <= TOLERANCE
            mark = "" if distances[worst] <= TOLERANCE else "   <-- DIFFERS"
            print(f"{name}: {library} within {distances[worst]:.1e} of torch ({worst}){mark}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
