"""Every optimizer, clipping and schedule walks beside PyTorch's own, where PyTorch is installed.

PyTorch is no dependency of this project, so these tests are skipped without it. To run them, or to
make `torch_trajectories.json` anew after an example was added, in a place of its own:

    python -m venv /tmp/beside && /tmp/beside/bin/pip install torch pytest hypothesis .
    /tmp/beside/bin/python -m pytest tests/optim tests/nn
    /tmp/beside/bin/python tests/optim/test_optimizers_torch.py
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from test_optimizers import ALL, CLOSE, FROZEN, Walker, given, slope, start, walked

from misstep.ir import Array, evaluate, make_parameter
from misstep.optim import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    ClipNorm,
    ClipValue,
    Cosine,
    ExponentialDecay,
    Nadam,
    OneCycle,
    Optimizer,
    ReduceOnPlateau,
    RMSProp,
    Schedule,
    ScheduleContext,
    StepDecay,
)

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; its file's head says how to run these"
)

STEPS = 1000
KEPT = (1, 2, 10, 1000)


def twin(optimizer: Optimizer, parameters: list[Any]) -> Any:
    """Return PyTorch's optimizer with the same settings."""
    decay = {"weight_decay": getattr(optimizer, "weight_decay", 0.0)}
    match optimizer:
        case AdamW() | Adam():
            kind = torch.optim.AdamW if isinstance(optimizer, AdamW) else torch.optim.Adam
            betas = (optimizer.beta1, optimizer.beta2)
            largest = {"amsgrad": isinstance(optimizer, AMSGrad)}
            settings = {**decay, **largest}
            return kind(parameters, optimizer.learning_rate, betas, optimizer.epsilon, **settings)
        case Nadam():
            betas = (optimizer.beta1, optimizer.beta2)
            settings = {"momentum_decay": optimizer.momentum_decay, **decay}
            return torch.optim.NAdam(
                parameters, optimizer.learning_rate, betas, optimizer.epsilon, **settings
            )
        case SGD():
            settings = {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov, **decay}
            return torch.optim.SGD(parameters, optimizer.learning_rate, **settings)
        case Adagrad():
            return torch.optim.Adagrad(
                parameters,
                optimizer.learning_rate,
                lr_decay=optimizer.learning_rate_decay,
                eps=optimizer.epsilon,
                initial_accumulator_value=optimizer.first_sum,
                **decay,
            )
        case RMSProp():
            return torch.optim.RMSprop(
                parameters,
                optimizer.learning_rate,
                alpha=optimizer.smoothing,
                eps=optimizer.epsilon,
                momentum=optimizer.momentum,
                centered=optimizer.centered,
                **decay,
            )
    raise AssertionError(f"no twin for {optimizer!r}: add it here")


def beside(optimizer: Optimizer, way: str, steps: int, *, off: float = 0.0) -> tuple[Array, Array]:
    """Return PyTorch's place after each step of a way, and the gradient it got in each.

    Both are (steps, parameters). `off`: how far from the start it starts, relative to it.
    """
    # PyTorch keeps NAdam's product of momenta in its default kind of number.
    torch.set_default_dtype(torch.float64)
    signs = np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])
    first = start() * (1.0 + off * signs)
    weights = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    other = twin(optimizer, [weights])
    places, gradients = [], []
    for step in range(1, steps + 1):
        gradient = slope(weights.detach().numpy()) if way == "down" else given(step)
        weights.grad = torch.from_numpy(gradient.copy())
        other.step()
        places.append(weights.detach().numpy().copy())
        gradients.append(gradient)
    return np.stack(places), np.stack(gradients)


def steady(optimizer: Optimizer) -> bool:
    """Tell whether PyTorch from a start that is 1e-14 off ends less than 1e-10 off."""
    one, other = beside(optimizer, "down", STEPS)[0], beside(optimizer, "down", STEPS, off=1e-14)[0]
    return bool(np.abs(one - other).max() < 1e-10)


@pytest.mark.parametrize("way", ["down", "given"])
@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_thousand_steps_beside_pytorch(optimizer: Optimizer, way: str) -> None:
    """Down the function both get the gradients of PyTorch's way, so that chaos has no say."""
    places, gradients = beside(optimizer, way, STEPS)
    walker = Walker(optimizer, start())
    found = np.stack([walker.step(gradient) for gradient in gradients])
    np.testing.assert_allclose(found, places, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_thousand_steps_down_on_its_own_where_that_is_no_chaos(optimizer: Optimizer) -> None:
    if not steady(optimizer):
        pytest.skip("chaotic in PyTorch itself: a start 1e-14 off ends more than 1e-10 off")
    found = walked(optimizer, "down", STEPS)
    np.testing.assert_allclose(found, beside(optimizer, "down", STEPS)[0], rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("way", ["down", "given"])
@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_the_frozen_numbers_are_pytorchs(optimizer: Optimizer, way: str) -> None:
    known = json.loads(FROZEN.read_text())[repr(optimizer)][way]
    places, _ = beside(optimizer, way, max(map(int, known)))
    for step, numbers in known.items():
        np.testing.assert_allclose(numbers, places[int(step) - 1], rtol=1e-10, atol=1e-10)


# --- clipping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("limit", [0.5, 1.0, 5.0])
def test_clipping_beside_pytorch(limit: float, scale: float) -> None:
    gradient = np.random.default_rng(2).normal(0, scale, 9)
    for clipping, clip in (
        (ClipNorm(limit), torch.nn.utils.clip_grad_norm_),
        (ClipValue(limit), torch.nn.utils.clip_grad_value_),
    ):
        weights = torch.zeros(9, dtype=torch.float64, requires_grad=True)
        weights.grad = torch.from_numpy(gradient.copy())
        clip([weights], limit)
        found = evaluate([clipping.clip(make_parameter(gradient, "g"))])[0]
        # PyTorch adds 1e-6 to the norm against division by 0; ours needs no such thing.
        np.testing.assert_allclose(found, weights.grad.numpy(), rtol=5e-6)


# --- schedules ----------------------------------------------------------------------------------


def factors(schedule: Schedule, steps: int, per_epoch: int = 1) -> Array:
    """Return the factor at each of `steps` updates."""
    return np.array(
        [schedule.factor(ScheduleContext(step, per_epoch, steps), {}) for step in range(steps)]
    )


def scheduled(make: Any, steps: int) -> Array:
    """Return the rates of a PyTorch schedule on an optimizer of rate 1."""
    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(other)
    rates = []
    for _ in range(steps):
        rates.append(other.param_groups[0]["lr"])
        other.step()
        scheduler.step()
    return np.array(rates)


KINDS = torch.optim.lr_scheduler


def test_step_decay_is_pytorchs_step_lr() -> None:
    other = scheduled(lambda one: KINDS.StepLR(one, step_size=7, gamma=0.3), 40)
    np.testing.assert_allclose(factors(StepDecay(7, 0.3), 40), other, rtol=1e-12)


def test_exponential_decay_is_pytorchs_at_whole_epochs() -> None:
    """Between whole epochs ours goes on falling, PyTorch's waits: by design, ours is smooth."""
    other = scheduled(lambda one: KINDS.ExponentialLR(one, gamma=0.9), 20)
    np.testing.assert_allclose(factors(ExponentialDecay(0.9), 20), other, rtol=1e-12)
    fine = factors(ExponentialDecay(0.9), 100, per_epoch=5)
    np.testing.assert_allclose(fine[::5], other, rtol=1e-12)
    assert (np.diff(fine) < 0).all()


@pytest.mark.parametrize("last", [0.0, 0.1])
def test_cosine_is_pytorchs_with_its_end_at_the_last_update(last: float) -> None:
    """Our last update runs at the lowest rate; PyTorch's T_max counts steps between, one fewer."""
    other = scheduled(lambda one: KINDS.CosineAnnealingLR(one, T_max=49, eta_min=last), 50)
    np.testing.assert_allclose(factors(Cosine(last), 50), other, rtol=1e-9, atol=1e-12)


def test_one_cycle_is_pytorchs_where_the_peak_falls_on_an_update() -> None:
    """By design `end` counts from the peak (PyTorch's from the start) and the rise is a share.

    The share is of the way between the first and the last update: 0.3 of 101 updates is update 30,
    where PyTorch's pct_start is 31 / 101.
    """

    def make(one: Any) -> Any:
        return KINDS.OneCycleLR(
            one,
            max_lr=1.0,
            total_steps=101,
            pct_start=31 / 101,
            div_factor=25.0,
            final_div_factor=400.0,
            cycle_momentum=False,
        )

    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(other)
    rates = [other.param_groups[0]["lr"]]
    for _ in range(100):
        other.step()
        scheduler.step()
        rates.append(other.param_groups[0]["lr"])
    np.testing.assert_allclose(factors(OneCycle(0.3, 25.0, 1e4), 101), rates, rtol=1e-9)


def test_reduce_on_plateau_is_pytorchs_with_one_epoch_more_patience() -> None:
    """By design patience 3 means: reduced at the third epoch without a fall; PyTorch's the next."""
    losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.89, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.5, *[0.5] * 12]
    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = KINDS.ReduceLROnPlateau(other, factor=0.5, patience=2, threshold=1e-4, min_lr=0.05)
    schedule = ReduceOnPlateau(0.5, patience=3, threshold=1e-4, lowest=0.05)
    memory: dict[str, Any] = {}
    for loss in losses:
        scheduler.step(loss)
        memory = schedule.observe(loss, memory)
        assert schedule.factor(ScheduleContext(0, 1, 1), memory) == other.param_groups[0]["lr"]
    assert 0.05 <= memory["factor"] < 0.2


def frozen(optimizer: Optimizer) -> dict[str, dict[str, list[float]]]:
    """Return where PyTorch stands on both ways, as the file holds it."""
    ways: dict[str, dict[str, list[float]]] = {}
    for way in ("down", "given"):
        kept = KEPT if way == "given" or steady(optimizer) else KEPT[:-1]
        places, _ = beside(optimizer, way, max(kept))
        ways[way] = {str(step): places[step - 1].tolist() for step in kept}
    return ways


if __name__ == "__main__":
    lines = [f"{json.dumps(repr(one))}: {json.dumps(frozen(one))}" for one in ALL]
    FROZEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
