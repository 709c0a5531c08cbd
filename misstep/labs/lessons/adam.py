"""`adam`: a step for each weight in its own measure, beside plain descent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Value, make_literal
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.landscape import Walk, walk
from misstep.labs.tasks import WORD_GROUPS, WORD_WEIGHT, WORDS_IN_GROUP, digits, rare_words
from misstep.labs.words import two_figures
from misstep.nn import Dense, Module, Network, ReLU, Sequential
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss
from misstep.ops import sum as total
from misstep.optim import SGD, Adam, Optimizer
from misstep.text.figures import figure, percent
from misstep.train import Trainer

# Slopes of two weights that stay the same, and the rate of both rules.
STEEP, FLAT, RATE = 200.0, 0.002, 0.01
# Rare words: plain descent at two rates, Adam at one.
PLAIN, PLAIN_FAST, ADAM, EPOCHS = 0.1, 1.0, 0.03, 20
# Digits, where all weights matter alike: rules that are both well set.
UNITS, EVEN_PLAIN, EVEN_MOMENTUM, EVEN_ADAM, EVEN_EPOCHS = 32, 0.1, 0.9, 0.003, 10


@dataclass(frozen=True)
class Words:
    """How a network learned words: `learned`: of each group the mean share of the true weight."""

    course: Course
    learned: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """Two weights on a slope, words that are common and rare, and digits."""

    plain_steps: Walk
    adam_steps: Walk
    plain: Words
    plain_fast: Words
    adam: Words
    digits_plain: Course
    digits_adam: Course


class AdamBesidePlain(Lab[Measured]):
    """Adam where weights differ in how often they are blamed, and where they do not."""

    slug = "adam"
    chapter, place = Chapter.HOW_FAR, 3
    title = "Adam, beside plain descent"
    question = "Why should each weight have a step of its own?"
    summary = "a weight that is rarely blamed learns as fast as a busy one, and where that pays"
    measured = Measured
    next_commands = (
        "misstep train digits --optimizer adam",
        "misstep train digits --optimizer sgd --learning-rate 0.1",
        "misstep lab momentum",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("two weights on a slope")
        plain, adam = (
            walk(name, _slope, (0.0, 0.0), rule, 10)
            for name, rule in (("plain", SGD(RATE)), ("Adam", Adam(RATE)))
        )
        return Measured(
            plain,
            adam,
            _words(bench, f"plain, {PLAIN}", SGD(PLAIN)),
            _words(bench, f"plain, {PLAIN_FAST:g}", SGD(PLAIN_FAST)),
            _words(bench, f"Adam, {ADAM}", Adam(ADAM)),
            _digits(
                bench,
                f"plain, {EVEN_PLAIN}, momentum {EVEN_MOMENTUM}",
                SGD(EVEN_PLAIN, momentum=EVEN_MOMENTUM),
            ),
            _digits(bench, f"Adam, {EVEN_ADAM}", Adam(EVEN_ADAM)),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        steps = (measured.plain_steps, measured.adam_steps)
        yield Section(
            "One rule, two weights",
            (
                f"Two weights: the error falls by {figure(STEEP)} for each unit of the first, by "
                f"{figure(FLAT)} for each of the second. Plain descent moves each by its slope "
                f"times the rate, {figure(RATE)}: the first far, the second hardly at all.",
                "Adam keeps two running means for each weight: m of its slopes, v of their "
                "squares. It moves it by the rate times m / √v. On a steady slope that is 1, "
                "however steep it is: both weights move by the rate.",
            ),
            (
                Table(
                    "How far each weight is after 1 and 10 steps",
                    ("rule", "slope", "after 1 step", "after 10 steps"),
                    tuple(
                        (
                            each.name,
                            figure(each.slopes[0][at]),
                            two_figures(each.weights[1][at]),
                            two_figures(each.weights[10][at]),
                        )
                        for each in steps
                        for at in (0, 1)
                    ),
                    (1, 2, 3),
                ),
            ),
        )
        plain, fast, adam = measured.plain, measured.plain_fast, measured.adam
        yield Section(
            "Words that are rare",
            (
                f"Where does a weight get small slopes, though it matters? Where it is rarely "
                f"asked. Here are 1,500 made-up texts with {3 * WORDS_IN_GROUP} words: "
                f"{WORDS_IN_GROUP} are in every second text, {WORDS_IN_GROUP} in every 20th, "
                f"{WORDS_IN_GROUP} in every 200th. Each says as much about the answer: its true "
                f"weight is +{figure(WORD_WEIGHT)} or {figure(-WORD_WEIGHT)}.",
                "The weight of a rare word is blamed in one text of 200. Plain descent gives it a "
                f"step then, and none in between: after {EPOCHS} epochs at the rate "
                f"{PLAIN_FAST:g} it has learned {percent(fast.learned[2])} of it, and "
                f"{percent(fast.learned[0])} of a common one. Adam has learned "
                f"{percent(adam.learned[2])} and {percent(adam.learned[0])}.",
                "Rare words decide few texts, so the held-out error is about the same here: "
                f"{percent(fast.course.error)} and {percent(adam.course.error)} wrong.",
            ),
            (
                *(
                    Bars(
                        f"{each.course.name}: what is learned of a word, by how common it is",
                        "share of the true weight",
                        tuple(
                            Bar(name, share, percent(share))
                            for (name, _), share in zip(WORD_GROUPS, each.learned, strict=True)
                        ),
                        span=(1.0,),
                    )
                    for each in (plain, fast, adam)
                ),
                outcome_of(plain.course),
            ),
        )
        courses = (measured.digits_plain, measured.digits_adam)
        yield Section(
            "Where it makes no difference",
            (
                "No rule is always best. On the digits of the other labs, plain descent with "
                "momentum and a rate that suits it does as well: "
                f"{percent(courses[0].error)} of held-out digits are wrong, with Adam "
                f"{percent(courses[1].error)}.",
            ),
            (
                Curves(
                    "Wrong on held-out digits, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(curve_by_epoch(each, each.errors) for each in courses),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        plain, adam = measured.plain_steps.weights[1], measured.adam_steps.weights[1]
        yield Claim(
            f"Plain descent moves the steep weight by {two_figures(-plain[0])} and the flat one by "
            f"{two_figures(-plain[1])}; Adam both by {two_figures(-adam[0])}.",
            abs(plain[0] / plain[1] - STEEP / FLAT) < 1e-6
            and abs(adam[0] + RATE) < 1e-6
            and abs(adam[1] + RATE) < 1e-6,
        )
        fast, slow, rare = measured.plain_fast, measured.plain, measured.adam
        yield Claim(
            f"Of rare words plain descent learns {percent(slow.learned[2])} or "
            f"{percent(fast.learned[2])}, Adam {percent(rare.learned[2])}.",
            rare.learned[2] > 2 * fast.learned[2] > 2 * slow.learned[2],
        )
        yield Claim(
            "Of common words both learn about as much: "
            f"{percent(fast.learned[0])} and {percent(rare.learned[0])}.",
            abs(fast.learned[0] - rare.learned[0]) < 0.15,
        )
        yield Claim(
            "The doctor says of plain descent at the lower rate that it is too plain here.",
            slow.course.findings[0].slug == "wrong-optimizer",
        )
        even, also = measured.digits_plain, measured.digits_adam
        yield Claim(
            f"On digits both do alike: {percent(even.error)} and {percent(also.error)} wrong.",
            abs(even.error - also.error) < 0.02 and max(even.error, also.error) < 0.06,
        )


def _slope(w: Value) -> Value:
    return total(w * make_literal(np.array([STEEP, FLAT]), "float64"))


def _words(bench: Bench, name: str, rule: Optimizer) -> Words:
    (train, held_out), truth = rare_words()
    trainer = _trainer(bench, Dense(1), train[0].shape[1:], BinaryCrossEntropy(), rule)
    course = bench.fit(name, trainer, *train, epochs=EPOCHS, validation=held_out)
    found = next(iter(trainer.network.arrays().values())).reshape(-1)
    shares = np.asarray(found, "float64") / truth
    learned = shares.reshape(len(WORD_GROUPS), -1).mean(axis=1)
    return Words(course, tuple(learned.tolist()))


def _digits(bench: Bench, name: str, rule: Optimizer) -> Course:
    train, held_out = digits()
    layers = Sequential(Dense(UNITS), ReLU(), Dense(10))
    trainer = _trainer(bench, layers, train[0].shape[1:], CrossEntropy(), rule)
    return bench.fit(name, trainer, *train, epochs=EVEN_EPOCHS, validation=held_out)


def _trainer(
    bench: Bench, layers: Module, shape: tuple[Any, ...], loss: Loss, rule: Optimizer
) -> Trainer:
    network = Network(layers, shape)
    return Trainer(network, loss=loss, optimizer=rule, threads=bench.threads)
