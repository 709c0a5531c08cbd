"""`learning-rate`: steps too small, steps too large, and what finds or adapts them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.ir import Value
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.landscape import Walk, walk
from misstep.labs.tasks import digits
from misstep.labs.words import two_figures
from misstep.nn import Dense, Module, ReLU, Sequential
from misstep.nn.losses import CrossEntropy
from misstep.ops import sum as total
from misstep.optim import SGD, Adam, Cosine
from misstep.text.figures import figure, percent
from misstep.train import Snapshots, Trainer

# Of the valley L = w²: where the ball begins, how often it steps, and how far.
BEGIN, STEPS = 1.0, 10
VALLEY = (
    ("far too small", 0.01),
    ("small", 0.1),
    ("just right", 0.5),
    ("too large, but it gets there", 0.9),
    ("too large for ever", 1.0),
    ("far too large", 1.1),
)
SHOWN = (0, 1, 2, 3, 5, 10)
# Weights that are drawn.
WIDEST = 2.0
# Of the network that reads digits.
UNITS, BATCH, EPOCHS = 32, 16, 14
SMALL, RIGHT, LARGE, HASTY = 0.0003, 0.06, 3.0, 1.0
ADAM = 0.01
MOMENTS = (1, 10, 100, 1000)
# Ten classes: a guess is wrong so often.
GUESS = 0.9


@dataclass(frozen=True)
class Measured:
    """A ball in a valley, and a network at rates that are wrong, right, found and adapted.

    `suggested`: the rate that the range test found; `because`: why.
    """

    valley: tuple[Walk, ...]
    small: Course
    right: Course
    large: Course
    hasty: Course
    suggested: float
    because: str
    found: Course
    scheduled: Course
    adaptive: Course


class LearningRate(Lab[Measured]):
    """How far to step: a formula first, then a network, then three ways not to guess."""

    slug = "learning-rate"
    chapter, place = Chapter.HOW_FAR, 1
    title = "The learning rate"
    question = "How far should a weight move?"
    summary = "steps too small, right and too large; a rate that is found, a schedule, Adam"
    measured = Measured
    next_commands = (
        "misstep find-rate digits",
        "misstep train digits --optimizer sgd --learning-rate 0.0001",
        "misstep lab adam",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("a ball in a valley")
        valley = tuple(walk(name, _bowl, (BEGIN,), SGD(rate), STEPS) for name, rate in VALLEY)
        train, held_out = digits()

        def trainer(optimizer: Any, **settings: Any) -> Trainer:
            return Trainer(
                _network(),
                loss=CrossEntropy(),
                optimizer=optimizer,
                batch_size=BATCH,
                threads=bench.threads,
                **settings,
            )

        def learned(name: str, optimizer: Any, **settings: Any) -> Course:
            return bench.fit(
                name,
                trainer(optimizer, **settings),
                *train,
                epochs=EPOCHS,
                validation=held_out,
                callbacks=[Snapshots(len(held_out[1]))],
            )

        bench.tell("a search for the rate")
        search = trainer(SGD(RIGHT)).find_learning_rate(*train)
        suggested = float(f"{search.suggestion or RIGHT:.2g}")
        return Measured(
            valley,
            learned(f"too small, {SMALL}", SGD(SMALL)),
            learned(f"sensible, {RIGHT}", SGD(RIGHT)),
            learned(f"too large, {LARGE:g}", SGD(LARGE)),
            learned(f"hasty, {HASTY:g}", SGD(HASTY)),
            suggested,
            search.because,
            learned(f"found, {suggested:g}", SGD(suggested)),
            learned(f"{HASTY:g}, falling to 0", SGD(HASTY), schedule=Cosine()),
            learned(f"Adam, {ADAM}", Adam(ADAM)),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield Section(
            "A ball in a valley",
            (
                f"The error is L = w², and the weight begins at w = {figure(BEGIN)}. Its slope is "
                "2w, so a step of rate η makes w − η·2w of it: each step multiplies w by 1 − 2η. "
                "All that a rate can do wrong is in this number.",
                "Near 1, the ball creeps. Below 0, it jumps to the other side. Below −1, it lands "
                "higher than it came from, and the next step is larger still.",
            ),
            (
                Table(
                    "The weight after so many steps",
                    ("steps", "rate η", "1 − 2η", *(f"{at}" for at in SHOWN)),
                    tuple(
                        (
                            name,
                            figure(rate),
                            figure(round(1 - 2 * rate, 12)),
                            *(f"{each.along()[at]:.2f}".replace("-", "−") for at in SHOWN),
                        )
                        for (name, rate), each in zip(VALLEY, measured.valley, strict=True)
                    ),
                    tuple(range(1, len(SHOWN) + 3)),
                ),
                Curves(
                    "The weight, step by step, as far as it stays in the picture",
                    "step",
                    "w",
                    tuple(
                        Curve(f"η = {figure(rate)}", _counted(shown), shown)
                        for (_, rate), each in zip(VALLEY, measured.valley, strict=True)
                        for shown in (_in_the_picture(each.along()),)
                    ),
                ),
            ),
        )
        small, right, large = measured.small, measured.right, measured.large
        yield Section(
            "The same in a network",
            (
                f"A network with {UNITS} hidden units learns to read digits, {BATCH} at a time, by "
                "plain descent. Only the rate differs. Held-out digits are judged after 1, 10, 100 "
                "and 1,000 updates.",
                f"With the sensible rate, {percent(right.error_at(1))} of them are wrong after 1 "
                f"update, {percent(right.error_at(100))} after 100, and "
                f"{percent(right.error_at(1000))} after 1,000. Learning is fast at first, and "
                "slow towards the end: most of what can be learned is learned early.",
                f"With the small rate {percent(small.error)} are wrong in the end: it is on its "
                f"way, and has hardly moved. With the large one {percent(large.error)}: a guess "
                f"is wrong on {percent(GUESS)}.",
            ),
            (
                _wrong((small, right, large)),
                _losses((small, right, large)),
                outcome_of(small),
                outcome_of(large),
            ),
        )
        found, hasty = measured.found, measured.hasty
        scheduled, adaptive = measured.scheduled, measured.adaptive
        yield Section(
            "Three ways not to guess",
            (
                "A range test lets the rate grow from update to update and watches the loss: it "
                f"suggests {figure(measured.suggested)}, {measured.because}. Trained with that, "
                f"{percent(found.error)} are wrong.",
                f"A schedule begins with large steps and ends with small ones. At a constant rate "
                f"of {HASTY:g}, {percent(hasty.error)} are wrong in the end; falling from "
                f"{HASTY:g} to 0 along a cosine, {percent(scheduled.error)}.",
                "An adaptive method measures for each weight how large its gradients are, and "
                f"divides by that: Adam gets to {percent(adaptive.error)}. It still has a rate, "
                "which says how far a weight moves, whatever the size of its gradients.",
            ),
            (
                _wrong((right, found, hasty, scheduled, adaptive)),
                _losses((right, found, hasty, scheduled, adaptive)),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        yield Claim(
            "In the valley each step multiplies the weight by 1 − 2η, at every rate.",
            all(
                abs(after - (1 - 2 * rate) * before) < 1e-12
                for (_, rate), each in zip(VALLEY, measured.valley, strict=True)
                for before, after in zip(each.along(), each.along()[1:], strict=False)
            ),
        )
        far = measured.valley[-1]
        yield Claim(
            f"At a rate of 1.1 the ball is thrown out: the error grows at each step, to "
            f"{two_figures(far.last)}.",
            list(far.heights) == sorted(far.heights) and far.last > 10,
        )
        right = measured.right
        early, middle, late = (right.error_at(at) for at in (1, 100, 1000))
        yield Claim(
            f"At a sensible rate {percent(early)} are wrong after 1 update, {percent(middle)} "
            f"after 100, {percent(late)} after 1,000.",
            early > 0.6 and 0.1 < middle < 0.4 and late < 0.08,
        )
        small, large = measured.small, measured.large
        yield Claim(
            f"Too small and too large a rate are both no better than {percent(small.error)} and "
            f"{percent(large.error)}.",
            min(small.error, large.error) > 0.8,
        )
        yield Claim(
            "The doctor tells one from the other, and finds nothing at the sensible rate.",
            small.findings[0].slug == "learning-rate-too-low"
            and large.findings[0].slug == "learning-rate-too-high"
            and not right.findings,
        )
        found, hasty = measured.found, measured.hasty
        yield Claim(
            f"The rate that the range test finds does well: {percent(found.error)} wrong.",
            found.error < 0.06,
        )
        scheduled, adaptive = measured.scheduled, measured.adaptive
        yield Claim(
            f"A hasty rate leaves {percent(hasty.error)} wrong, the same rate with a schedule "
            f"{percent(scheduled.error)}.",
            scheduled.error < 0.5 * hasty.error,
        )
        yield Claim(f"Adam: {percent(adaptive.error)} wrong.", adaptive.error < 0.05)


def _bowl(w: Value) -> Value:
    return total(w * w)


def _network() -> Module:
    return Sequential(Dense(UNITS), ReLU(), Dense(10))


def _counted(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(float, range(len(numbers))))


def _in_the_picture(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return numbers up to the first that is too large to be drawn beside the others."""
    return tuple(itertools.takewhile(lambda number: abs(number) < WIDEST, numbers))


def _wrong(courses: tuple[Course, ...]) -> Table:
    rows = tuple(
        (each.name, *(percent(each.error_at(at)) for at in MOMENTS), percent(each.error))
        for each in courses
    )
    heads = ("rate", *(f"after {at:,}" for at in MOMENTS), "at the end")
    return Table("Wrong on held-out digits, after so many updates", heads, rows, (1, 2, 3, 4, 5))


def _losses(courses: tuple[Course, ...]) -> Curves:
    return Curves(
        "The training loss, epoch by epoch",
        "epoch",
        "loss",
        tuple(curve_by_epoch(each, each.losses) for each in courses),
        ceiling=3.0,
    )
