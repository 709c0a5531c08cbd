"""`vanishing`: a gradient that shrinks from layer to layer, and what lets it through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import evaluate, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.chains import Chain, chain
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import digits
from misstep.labs.words import four_decimals, two_figures
from misstep.nn import BatchNorm, Dense, Module, ReLU, Residual, Sequential, Sigmoid
from misstep.nn.losses import CrossEntropy
from misstep.ops import relu, sigmoid, tanh
from misstep.optim import Adam
from misstep.text.figures import figure, percent, three_figures

# What each layer of a chain lets through, over and over.
PASSED_ON = (0.8, 0.7, 0.9)
LAYERS = 30
# Where slopes of activations are taken.
SUMS = (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0)
# The network: as deep as the saying goes, narrow enough to train in a blink.
DEPTH, WIDTH = 10, 24
EPOCHS, RATE = 12, 0.003
# The sick network and those with a remedy, by name.
SICK = "sigmoid, 10 layers"
REMEDIES = ("ReLU", "batch norm before each sigmoid", "a shortcut around each", "only 2 layers")
# Ten classes: a guess is wrong so often.
GUESS = 0.9


@dataclass(frozen=True)
class Slopes:
    """The slope of an activation at each of SUMS, and the largest of many."""

    name: str
    slopes: tuple[float, ...]
    largest: float


@dataclass(frozen=True)
class Measured:
    """A chain of layers, slopes of activations, and ten layers with and without a remedy."""

    chain: Chain
    slopes: tuple[Slopes, ...]
    sick: Course
    remedied: tuple[Course, ...]


class Vanishing(Lab[Measured]):
    """Ten sigmoids pass on next to nothing; four remedies, side by side."""

    slug = "vanishing"
    chapter, place = Chapter.EVERY_LAYER, 1
    title = "Vanishing gradients"
    question = "Why do the first layers of a deep network learn nothing?"
    summary = "a gradient that shrinks from layer to layer until nothing is left, and four remedies"
    measured = Measured
    next_commands = (
        "misstep check digits --network dense24-sigmoid-dense24-sigmoid-dense24-sigmoid",
        "misstep lab exploding",
        "misstep lab residual",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("a chain of layers")
        shrinking = chain(PASSED_ON, LAYERS)
        slopes = tuple(_slopes())
        train, held_out = digits()

        def learned(name: str, layers: Module) -> Course:
            return bench.train(
                name,
                layers,
                *train,
                loss=CrossEntropy(),
                optimizer=Adam(RATE),
                epochs=EPOCHS,
                validation=held_out,
            )

        networks = (
            _deep(DEPTH, ReLU),
            _deep(DEPTH, BatchNorm, Sigmoid),
            _with_shortcuts(),
            _deep(2, Sigmoid),
        )
        return Measured(
            shrinking,
            slopes,
            learned(SICK, _deep(DEPTH, Sigmoid)),
            tuple(learned(*each) for each in zip(REMEDIES, networks, strict=True)),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        shrinking, sick = measured.chain, measured.sick
        courses = (sick, *measured.remedied)
        moments = (1, 2, 3, 10, 20, LAYERS)
        yield Section(
            "Shares of shares of shares",
            (
                "On its way back, the blame for an error is multiplied once in each layer. Say "
                f"that a layer passes on {', '.join(map(figure, PASSED_ON))} of what reaches it, "
                "and so on: each is nearly all of it.",
                f"After ten layers {percent(shrinking.left[9])} is left, after {LAYERS} "
                f"{percent(shrinking.left[-1])}. The engine's own reverse mode gives the same.",
            ),
            (
                Bars(
                    "What is left of a gradient of 1 after so many layers",
                    "share that is left",
                    tuple(
                        Bar(
                            f"{count} {'layer' if count == 1 else 'layers'}",
                            shrinking.left[count - 1],
                            four_decimals(shrinking.left[count - 1]),
                        )
                        for count in moments
                    ),
                ),
            ),
        )
        named = {each.name: each for each in measured.slopes}
        yield Section(
            "A sigmoid passes on a quarter at most",
            (
                "What an activation passes on is its slope. A sigmoid's is "
                f"{figure(named['sigmoid'].largest)} at its steepest, and next to 0 where its "
                "input is far from 0: it is saturated there. Tanh has 1 at its steepest, and "
                "flattens even sooner. ReLU has 1 or 0: what is on passes everything.",
            ),
            (
                Table(
                    "The slope, by the sum z that goes in",
                    ("activation", *(f"z = {figure(z)}" for z in SUMS), "largest"),
                    tuple(
                        (
                            each.name,
                            *(three_figures(slope) for slope in each.slopes),
                            figure(each.largest),
                        )
                        for each in measured.slopes
                    ),
                    tuple(range(1, len(SUMS) + 2)),
                ),
            ),
        )
        relus = measured.remedied[0]
        yield Section(
            "Ten layers deep, layer by layer",
            (
                f"Now a real network: {DEPTH} layers of {WIDTH} units that learn to read digits. "
                "The bars show how strongly the weights of each layer are blamed before the first "
                "update. With sigmoids, the first layer gets "
                f"{two_figures(sick.first_to_last)} of what the last one gets; with ReLU "
                f"{two_figures(relus.first_to_last)}.",
                f"After {sick.updates} updates the sigmoids are wrong on {percent(sick.error)} of "
                f"the digits that they never saw; a guess is wrong on {percent(GUESS)}.",
            ),
            (_blame(sick, sick, relus), _blame(relus, sick, relus), outcome_of(sick)),
        )
        yield Section(
            "Four remedies",
            (
                "Each changes one thing, and learns from the same digits in the same order.",
                "ReLU has a slope of 1. Batch normalization keeps what goes into a sigmoid near 0, "
                "where it is steep, and scales it up. A shortcut around a layer is a way back on "
                "which nothing is multiplied. And two layers have little to lose.",
            ),
            (
                Table(
                    "",
                    ("network", "first layer's share of blame", "wrong at the end", "finding"),
                    tuple(
                        (
                            each.name,
                            two_figures(each.first_to_last),
                            percent(each.error),
                            each.main_finding,
                        )
                        for each in courses
                    ),
                    (1, 2),
                ),
                Curves(
                    "How many held-out digits were wrong, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(curve_by_epoch(each, each.errors) for each in courses),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        left, sick = measured.chain.left, measured.sick
        product = float(np.prod([PASSED_ON[at % len(PASSED_ON)] for at in range(LAYERS)]))
        yield Claim(
            f"Of a gradient that passes {LAYERS} layers of 0.8, 0.7, 0.9 … "
            f"{four_decimals(left[-1])} is left, their product.",
            abs(left[-1] / product - 1) < 1e-12 and left[-1] < 0.01,
        )
        named = {each.name: each for each in measured.slopes}
        yield Claim(
            f"The slope of a sigmoid is {figure(named['sigmoid'].largest)} at most; that of ReLU "
            "is 0 or 1.",
            named["sigmoid"].largest == 0.25 and set(named["ReLU"].slopes) == {0.0, 1.0},
        )
        yield Claim(
            "Ten sigmoids deep, the first layer gets less than a hundred thousandth of the last "
            f"one's gradient: {two_figures(sick.first_to_last)}.",
            sick.first_to_last < 1e-5,
        )
        yield Claim(f"They learn next to nothing: {percent(sick.error)} wrong.", sick.error > 0.7)
        yield Claim(
            "The doctor finds vanishing-gradients, and in none of the remedied networks.",
            sick.findings[0].slug == "vanishing-gradients"
            and not any("vanishing-gradients" in each.found for each in measured.remedied),
        )
        for each in measured.remedied:
            yield Claim(
                f"{each.name}: the first layer gets {two_figures(each.first_to_last)}, and "
                f"{percent(each.error)} are wrong.",
                each.first_to_last > 0.01 and each.error < 0.2,
            )


def _deep(depth: int, *behind: type[Module]) -> Module:
    """Return so many dense layers with something behind each, and a layer of ten classes."""
    hidden = [layer for _ in range(depth) for layer in (Dense(WIDTH), *(kind() for kind in behind))]
    return Sequential(*hidden, Dense(10))


def _with_shortcuts() -> Module:
    """Return ten layers of sigmoids, with a shortcut around each but the first."""
    around = [Residual(Dense(WIDTH), Sigmoid()) for _ in range(DEPTH - 1)]
    return Sequential(Dense(WIDTH), Sigmoid(), *around, Dense(10))


def _slopes() -> Iterator[Slopes]:
    """Yield the slopes of activations, by reverse mode."""
    fine = np.linspace(-8.0, 8.0, 1601)
    for name, function in (("sigmoid", sigmoid), ("tanh", tanh), ("ReLU", relu)):
        at, many = make_parameter(np.array(SUMS)), make_parameter(fine)
        slopes, all_slopes = evaluate(
            [gradient(function(z), z, make_parameter(np.ones(z.shape))) for z in (at, many)]
        )
        yield Slopes(name, tuple(slopes.tolist()), float(all_slopes.max()))


def _blame(course: Course, *compared: Course) -> Bars:
    """Return the gradients of each layer, on a scale for all that are compared."""
    return Bars(
        f"{course.name}: the gradient of each layer's weights before the first update",
        "norm of the gradient",
        tuple(Bar(each.layer, each.gradient, two_figures(each.gradient)) for each in course.first),
        logarithmic=True,
        span=tuple(each.gradient for one in compared for each in one.first),
    )
