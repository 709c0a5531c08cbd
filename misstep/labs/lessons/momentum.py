"""`momentum`: a step that remembers the steps before, over bumps and along narrow valleys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.ir import Value, make_literal
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.landscape import Walk, walk
from misstep.labs.tasks import diabetes
from misstep.labs.words import two_figures
from misstep.nn import Dense
from misstep.nn.losses import SquaredError
from misstep.ops import cos
from misstep.ops import sum as total
from misstep.optim import SGD
from misstep.text.figures import figure

# On a slope of 1, a step of rate 1 with μ = 0.9 grows towards 1 / (1 − μ) = 10.
CONSTANT, KEPT = 1.0, 0.9
GROWING = 60
# A bowl with bumps: L = 0.1 w² + 0.2 (1 − cos 3w), from w = 5.
BOWL, BUMP, WAVES, BEGIN, BUMPY_RATE, BUMPY_STEPS = 0.1, 0.2, 3.0, 5.0, 0.05, 300
MEMORIES = (0.0, 0.5, 0.9, 0.99)
# A real valley: rates of plain descent at which it creeps, goes, and is thrown out.
SLOW, FAST, TOO_FAST, EPOCHS = 0.02, 0.2, 0.26, 200
SHOWN = (10, 50, 100, 200)


@dataclass(frozen=True)
class Measured:
    """A constant slope, a bumpy bowl by how much is remembered, and a real narrow valley.

    `landscape_w`, `landscape_height`: the bowl itself. `least`: the least error in the valley.
    """

    growing: Walk
    landscape_w: tuple[float, ...]
    landscape_height: tuple[float, ...]
    bumpy: tuple[Walk, ...]
    least: float
    slow: Course
    fast: Course
    too_fast: Course
    remembering: Course


class Momentum(Lab[Measured]):
    """A ball with weight: it gathers speed, rolls over bumps, and does not zigzag."""

    slug = "momentum"
    chapter, place = Chapter.HOW_FAR, 2
    title = "Momentum"
    question = "Why should a step remember the steps before it?"
    summary = "a ball with weight rolls over small bumps, and fast along a narrow valley"
    measured = Measured
    next_commands = (
        "misstep train digits --optimizer sgd --learning-rate 0.05",
        "misstep lab learning-rate",
        "misstep lab adam",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("a bumpy bowl")
        bumpy = tuple(
            walk(f"μ = {figure(memory)}", _bumps, (BEGIN,), _rule(memory), BUMPY_STEPS)
            for memory in MEMORIES
        )
        w = np.linspace(-2.0, 6.0, 161)
        (x, y), least = diabetes()

        def learned(name: str, rule: SGD) -> Course:
            return bench.train(
                name,
                Dense(1),
                x,
                y,
                loss=SquaredError(),
                optimizer=rule,
                batch_size="full",
                epochs=EPOCHS,
            )

        return Measured(
            walk("a constant slope", total, (0.0,), SGD(CONSTANT, momentum=KEPT), GROWING),
            tuple(w.tolist()),
            tuple((BOWL * w**2 + BUMP * (1 - np.cos(WAVES * w))).tolist()),
            bumpy,
            least,
            learned(f"plain, {SLOW}", SGD(SLOW)),
            learned(f"plain, {FAST}", SGD(FAST)),
            learned(f"plain, {TOO_FAST}", SGD(TOO_FAST)),
            learned(f"{FAST} with momentum {KEPT}", SGD(FAST, momentum=KEPT)),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        steps = _steps(measured.growing)
        yield Section(
            "A step that remembers",
            (
                "Plain descent forgets: each step is the slope here, times the rate. With "
                "momentum a share μ of the last step is kept: v becomes μ v + slope, and w moves "
                "by η v.",
                f"On a slope that stays the same, with μ = {figure(KEPT)}, the first step is "
                f"{figure(steps[0])}, the second {figure(steps[1])}, the third "
                f"{figure(round(steps[2], 9))}, and after {GROWING} it is "
                f"{figure(round(steps[-1], 2))}. "
                "Where slopes agree, steps grow up to 1 / (1 − μ) = 10 times. Where they "
                "contradict each other, they cancel.",
            ),
            (
                Curves(
                    "How long each step is on a constant slope",
                    "step",
                    "length",
                    (Curve("length", _counted(steps), steps),),
                ),
            ),
        )
        plain, _, rolling, _ = measured.bumpy
        yield Section(
            "Over small bumps",
            (
                f"A bowl with bumps: L = {figure(BOWL)} w² + {figure(BUMP)} (1 − cos "
                f"{figure(WAVES)}w). Its lowest point is at 0, and on the way there are dents to "
                f"be caught in. Each ball begins at w = {figure(BEGIN)} and takes "
                f"{BUMPY_STEPS} steps at the same rate.",
                f"Plain descent is caught at w = {two_figures(plain.along()[-1])}, where the error "
                f"is {two_figures(plain.last)}: the slope there is 0, and it remembers nothing "
                f"else. With μ = 0.9 it arrives: {two_figures(rolling.last)}. With μ = 0.99 the "
                "ball is so heavy that it rolls past, and "
                f"still swings after {BUMPY_STEPS} steps.",
            ),
            (
                Curves(
                    "The bowl",
                    "w",
                    "error",
                    (Curve("L(w)", measured.landscape_w, measured.landscape_height),),
                ),
                Curves(
                    "Where the ball is, step by step",
                    "step",
                    "w",
                    tuple(
                        Curve(each.name, _counted(each.along()), each.along())
                        for each in measured.bumpy
                    ),
                ),
                Table(
                    "",
                    ("momentum", "ends at w", "error there", "lowest error on the way"),
                    tuple(
                        (
                            each.name,
                            _hundredths(each.along()[-1]),
                            _four(each.last),
                            _four(min(each.heights)),
                        )
                        for each in measured.bumpy
                    ),
                    (1, 2, 3),
                ),
            ),
        )
        least, remembering = measured.least, measured.remembering
        courses = (measured.slow, measured.fast, measured.too_fast, remembering)
        yield Section(
            "Along a narrow valley",
            (
                "Now real data: how a diabetes went on, by ten measurements of 442 patients, "
                "fitted by a line. Some measurements say nearly the same, so that the error is a "
                "valley: steep across, almost flat along. What least squares reaches is "
                f"{figure(round(least, 4))}; shown is how far above it each is.",
                f"Plain descent can't go faster: at {TOO_FAST} it is thrown out across, at {FAST} "
                f"it creeps along, and is {two_figures(_above(measured.fast, 200, least))} above "
                f"after 200 epochs. Momentum at the same rate cancels the zigzag and adds up what "
                f"goes along: {two_figures(_above(remembering, 200, least))}, as near as single "
                "precision lets it.",
                "At the beginning it is worse: after 10 epochs it still swings. That is what the "
                "doctor warns of, seeing the first steps; here they did no harm.",
            ),
            (
                Table(
                    "How far above the least error, after so many epochs",
                    ("rule", *(f"{at}" for at in SHOWN)),
                    tuple(
                        (each.name, *(_distance(each, at, least) for at in SHOWN))
                        for each in courses
                    ),
                    tuple(range(1, len(SHOWN) + 1)),
                ),
                Curves(
                    "How far above the least error",
                    "epoch",
                    "error above the least",
                    tuple(
                        Curve(each.name, _counted(each.losses, 1), _gap(each, least))
                        for each in courses
                        if each is not measured.too_fast
                    ),
                    logarithmic=True,
                ),
                outcome_of(measured.too_fast),
                outcome_of(remembering),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        steps = _steps(measured.growing)
        yield Claim(
            f"On a constant slope the steps grow towards ten times the first: "
            f"{figure(round(steps[-1], 2))} after {GROWING}.",
            abs(steps[2] - 2.71) < 1e-9 and 9.9 < steps[-1] < 10.0,
        )
        plain, little, rolling, heavy = measured.bumpy
        yield Claim(
            f"Plain descent and μ = 0.5 are caught at w = {two_figures(plain.along()[-1])}.",
            min(plain.along()[-1], little.along()[-1]) > 1.5,
        )
        yield Claim(
            f"With μ = 0.9 the ball gets to the lowest point: {_four(rolling.last)}.",
            rolling.last < 1e-6,
        )
        yield Claim(
            f"With μ = 0.99 it rolls past it and still swings: {_four(heavy.last)}.",
            min(heavy.along()) < -1.0 and heavy.last > 0.01,
        )
        least, remembering = measured.least, measured.remembering
        gain = _above(measured.fast, 200, least) / max(_above(remembering, 200, least), 1e-7)
        yield Claim(
            f"In the valley, momentum ends at least {two_figures(gain)} times nearer to the least "
            "error than plain descent at the same rate.",
            gain > 100,
        )
        yield Claim(
            "A plain rate that is a third larger is thrown out, and the doctor says why.",
            measured.too_fast.losses[-1] > 1e6
            and measured.too_fast.findings[0].slug == "learning-rate-too-high",
        )


def _rule(memory: float) -> SGD:
    return SGD(BUMPY_RATE, momentum=memory)


def _bumps(w: Value) -> Value:
    one, waves = (make_literal(number, "float64") for number in (1.0, WAVES))
    return total(BOWL * w * w + BUMP * (one - cos(waves * w)))


def _steps(each: Walk) -> tuple[float, ...]:
    """Return how long each step was."""
    return tuple(np.abs(np.diff(each.along())).tolist())


def _counted(numbers: tuple[float, ...], first: int = 0) -> tuple[float, ...]:
    return tuple(map(float, range(first, first + len(numbers))))


def _above(course: Course, epoch: int, least: float) -> float:
    """Return how far above the least error a training was in an epoch."""
    return course.losses[epoch - 1] - least


def _gap(course: Course, least: float) -> tuple[float, ...]:
    """Return how far above the least error each epoch was, as far as single precision tells."""
    return tuple(max(loss - least, 1e-7) for loss in course.losses)


def _distance(course: Course, epoch: int, least: float) -> str:
    above = _above(course, epoch, least)
    return two_figures(above) if above > 1e-7 else "below 10⁻⁷"


def _hundredths(number: float) -> str:
    return f"{number:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _four(number: float) -> str:
    return f"{number:.4f}"
