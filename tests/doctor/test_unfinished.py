"""Runs by hand: what they come to, and what is to blame where they ended too early."""

import math

import numpy as np
import pytest

from misstep.doctor import Evidence
from misstep.doctor.instability import Instability
from misstep.doctor.optimizers import effective_rate, is_adaptive, usual_rate
from misstep.doctor.progress import Progress
from misstep.doctor.unfinished import Blame, is_slow, state_words, unfinished
from misstep.record import (
    AnswerSummary,
    LayerDescription,
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    PartDescription,
    Record,
    Role,
    RunDescription,
    Task,
)

WEIGHT = ParameterDescription("dense1.weight", (4, 8), fan_in=4, fan_out=8, deviation=0.5)
CHANCE = 1.0


def a_run(
    losses,
    *,
    rates=0.001,
    ratio=0.003,
    kind="Adam",
    settings=None,
    epochs=1,
    updates_per_epoch=None,
    batch_size=32,
    clipped=None,
    validation=None,
    cause="epochs_done",
    start=1.0,
    accuracy=None,
):
    """Return the evidence of a run with these losses of updates; weights have the norm 2."""
    count = len(losses)
    layer = LayerDescription("dense1", "Dense", Role.AFFINE, (4,), (8,), parameters=(WEIGHT,))
    description = RunDescription(
        layers=(layer,),
        loss=LossDescription("CrossEntropy", Task.CLASSES, "logits"),
        optimizer=OptimizerDescription(kind, float(np.max(rates)), settings or {}),
        clipping=(PartDescription("ClipNorm", {"limit": 1.0}),) if clipped is not None else (),
        batch_size=batch_size,
        updates_per_epoch=updates_per_epoch or count,
        epochs=epochs,
        answers=AnswerSummary(Task.CLASSES, 1000, counts=(500, 500), chance_loss=CHANCE),
        start_loss=start,
    )
    record = Record({}, description)
    rate = np.broadcast_to(rates, count).tolist()
    record.add({"kind": "steps", "first": 1, "loss": list(losses), "learning_rate": rate})
    for step in np.linspace(0, count - 1, 8, dtype=int).tolist():
        scale = rate[step] / max(rate)
        signals = {
            "weight_norm": {WEIGHT.name: 2.0},
            "update_norm": {WEIGHT.name: 2.0 * ratio * scale},
        }
        if accuracy is not None:
            signals["probe_accuracy"] = {"": accuracy}
        record.add({"kind": "measures", "step": step, "signals": signals})
    for epoch, part in enumerate(np.array_split(np.asarray(losses), epochs), start=1):
        values = {"training_loss": float(np.mean(part))}
        if clipped is not None:
            values["clipped_share"] = clipped
        if validation is not None:
            values["validation_loss"] = float(validation[epoch - 1])
        step = epoch * count // epochs
        record.add({"kind": "epoch", "epoch": epoch, "step": step, "values": values})
    event = "stopped" if cause == "loss_not_finite" else "finished"
    record.add({"kind": event, "words": "", "facts": {"cause": cause}})
    return Evidence(record)


def falling(count=1000, to=0.5):
    """Return losses that fall along the logarithm of time from 1."""
    steps = np.arange(1, count + 1)
    return 1.0 - (1.0 - to) * np.log2(steps) / math.log2(count)


def blame_of(evidence):
    run = unfinished(evidence)
    return None if run is None else run.blame


def test_what_a_run_came_to():
    progress = Progress(a_run(falling(1024, to=0.5)))
    assert progress.end == pytest.approx(falling(1024)[921:].mean())
    assert progress.explained == pytest.approx(1.0 - progress.end / CHANCE)
    # 0.5 in ten doublings.
    assert progress.gain == pytest.approx(0.05)
    assert progress.typical_ratio == pytest.approx(0.003)
    assert progress.step_share == pytest.approx(2.0 * 0.003 / 0.001 / math.sqrt(32))


def test_weights_that_are_far_too_large_make_no_ratio_small():
    evidence = a_run(falling(), ratio=1e-4)
    ordinary = 3.0 * math.sqrt(32 / 4)
    assert Progress(evidence).ordinary_ratio == pytest.approx(1e-4)  # 2 is less than ordinary
    large = a_run(falling(), ratio=1e-4)
    for numbers in large.record._measures.values():
        numbers["weight_norm", WEIGHT.name] = 200.0
    assert Progress(large).ordinary_ratio == pytest.approx(2e-4 / ordinary)


def test_gain_is_by_epochs_where_there_are_many():
    random = np.random.default_rng(0)
    # Batches of an epoch differ, epochs do not: all have the same rows.
    batches = np.tile(random.normal(size=20), 50)
    noisy = falling(1000) + 0.5 * (batches - batches.mean())
    many, one = a_run(noisy, epochs=50), a_run(noisy)
    assert Progress(many).late.error < 0.2 * Progress(one).late.error


def test_a_healthy_pace_and_no_time_is_too_few_epochs():
    evidence = a_run(falling(), ratio=0.003)
    assert blame_of(evidence) is Blame.EPOCHS
    facts = is_slow(evidence)
    words = state_words(facts)
    assert "1,000 updates" in words
    assert "by 5.0% of that of guessing" in words


def test_tiny_steps_are_a_rate_too_low():
    assert blame_of(a_run(falling(), ratio=1e-4)) is Blame.RATE
    assert blame_of(a_run(np.full(1000, 1.0), ratio=1e-5)) is Blame.RATE


def test_no_gradient_is_not_the_rate():
    assert blame_of(a_run(np.full(1000, 1.0), ratio=0.0)) is None
    assert blame_of(a_run(np.full(1000, 1.0), ratio=1e-9, rates=1.0)) is None


def test_plain_descent_that_gets_nowhere_is_the_optimizer():
    assert blame_of(a_run(falling(), kind="SGD", rates=0.01)) is Blame.OPTIMIZER
    assert blame_of(a_run(falling(), kind="SGD", rates=1e-4)) is Blame.RATE
    momentum = {"momentum": 0.9}
    assert blame_of(a_run(falling(), kind="SGD", settings=momentum, rates=0.01)) is Blame.EPOCHS


def test_few_large_batches_and_epochs_enough_are_the_batch():
    large = {"batch_size": 512, "updates_per_epoch": 2}
    assert blame_of(a_run(falling(60), epochs=30, **large)) is Blame.BATCH
    assert blame_of(a_run(falling(4), epochs=2, **large)) is Blame.EPOCHS
    small = {"batch_size": 4, "updates_per_epoch": 1}
    assert blame_of(a_run(falling(30, to=0.6), epochs=30, **small)) is Blame.EPOCHS


def test_clipping_is_to_blame_where_it_makes_steps_short():
    momentum = {"kind": "SGD", "settings": {"momentum": 0.9}, "rates": 0.1}
    assert blame_of(a_run(falling(), ratio=1e-4, clipped=1.0, **momentum)) is Blame.CLIPPING
    assert blame_of(a_run(falling(), ratio=1e-4, clipped=0.1, **momentum)) is Blame.RATE
    # An optimizer that scales its steps undoes it.
    assert blame_of(a_run(falling(), ratio=1e-4, clipped=1.0)) is Blame.RATE


def test_a_schedule_is_to_blame_where_the_loss_still_fell_when_it_ended():
    losses = falling(1000, to=0.4)
    losses[300:] = losses[300]
    rates = np.where(np.arange(1000) < 300, 0.01, 1e-6)
    assert blame_of(a_run(losses, rates=rates)) is Blame.SCHEDULE
    settled = np.full(1000, 0.6)
    settled[:20] = np.linspace(1.0, 0.6, 20)
    assert blame_of(a_run(settled, rates=rates)) is None
    assert is_slow(a_run(settled, rates=rates)) is None


def test_a_warm_up_without_end_is_to_blame():
    rates = np.linspace(1e-6, 1e-4, 1000)
    evidence = a_run(falling(), rates=rates)
    object.__setattr__(evidence.description.optimizer, "learning_rate", 1e-2)
    assert blame_of(evidence) is Blame.WARM_UP


@pytest.mark.parametrize(
    "evidence",
    [
        a_run(np.geomspace(1.0, 0.01, 1000)),
        a_run(falling(), cause="early_stopping"),
        a_run(falling(), cause="interrupted"),
        a_run([*falling(), math.nan], cause="loss_not_finite"),
        a_run(0.7 + 0.05 * np.random.default_rng(0).normal(size=1000)),
        a_run(falling(), epochs=10, validation=[1, 0.9, 0.8, 0.7, 0.6, 0.6, 0.7, 0.8, 0.9, 1.0]),
        a_run(falling(to=0.45), accuracy=0.99),
        a_run(np.geomspace(0.5, 5.0, 1000)),
    ],
    ids=[
        "learned",
        "stopped early",
        "interrupted",
        "failed",
        "all that can be learned",
        "validation loss turned",
        "all right already",
        "diverged",
    ],
)
def test_who_is_not_unfinished(evidence):
    assert unfinished(evidence) is None


def test_validation_that_gains_nothing_is_learning_by_heart():
    flat = np.full(20, 0.8)
    assert unfinished(a_run(falling(1000, 0.3), epochs=20, validation=flat)) is None
    gains = falling(20, 0.5)
    assert unfinished(a_run(falling(1000, 0.3), epochs=20, validation=gains)) is not None


def test_divergence_is_far_above_the_best_and_above_chance():
    def diverged(losses):
        return Instability(Progress(a_run(losses))).diverged

    assert diverged(np.geomspace(0.5, 5.0, 100))
    assert not diverged(np.geomspace(0.01, 0.9, 100))
    assert not diverged(np.geomspace(1.0, 0.1, 100))
    assert not diverged([1.0, 2.0])


def test_the_first_step_counts_momentum_and_schedule():
    plain = a_run(falling(), kind="SGD", rates=0.1, ratio=0.02)
    assert Instability(Progress(plain)).first_step == pytest.approx(0.02)
    momentum = a_run(falling(), kind="SGD", rates=0.1, ratio=0.02, settings={"momentum": 0.9})
    assert Instability(Progress(momentum)).first_step == pytest.approx(0.2)
    rates = np.linspace(0.01, 0.1, 1000)
    warming = a_run(falling(), rates=rates, ratio=0.02)
    assert Instability(Progress(warming)).first_step == pytest.approx(0.02)


def test_usual_rates_are_known_by_any_spelling():
    adam = OptimizerDescription("ADAM", 0.1)
    assert usual_rate(adam) == 1e-3
    assert is_adaptive(adam)
    assert effective_rate(adam, 0.1) == 0.1
    sgd = OptimizerDescription("SGD", 0.1, {"momentum": 0.9})
    assert effective_rate(sgd, 0.1) == pytest.approx(1.0)
    assert usual_rate(OptimizerDescription("Something", 0.1)) == usual_rate(sgd)
