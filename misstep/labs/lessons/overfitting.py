"""`overfitting`: held-out rows get worse while training goes on, and five remedies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curve, Curves, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import Split, digits
from misstep.nn import Dense, Dropout, Module, Network, ReLU, Sequential
from misstep.nn.losses import CrossEntropy
from misstep.optim import L2, Adam, Regularizer
from misstep.text.figures import percent
from misstep.train import Callback
from misstep.train.training import Training

# Digits to learn from, and how many of their answers are wrong, as in data that people labeled.
FEW, MANY, WRONG = 300, 1200, 0.2
WIDTH, EPOCHS, RATE = 64, 60, 0.01
PATIENCE, PENALTY, DROPPED = 5, 0.01, 0.5
SICK = "unchanged"
# A pixel that varies less than this among the few digits says nothing.
DULL = 0.02


@dataclass(frozen=True)
class Study:
    """A training, and what it learned of the answers that it was given.

    `numbers`: how many it may set. `misses`: after each epoch, the share of those answers that it
    does not give. `believed`: of how many wrong ones it gives in the end, `told`. `kept`: the
    held-out error of the weights that are kept.
    """

    course: Course
    rows: int
    numbers: int
    misses: tuple[float, ...]
    believed: int
    told: int
    kept: float

    @property
    def name(self) -> str:
        """Return what was done."""
        return self.course.name


@dataclass(frozen=True)
class Measured:
    """A training that overfits, and the same with each of five remedies."""

    sick: Study
    remedied: tuple[Study, ...]


class Misses(Callback):
    """Notes after each epoch which share of the answers it learns from a network does not give."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y
        self.shares: list[float] = []

    def on_epoch_end(self, training: Training) -> None:
        given = training.network.predict(self.x).argmax(axis=1)
        self.shares.append(float(np.mean(given != self.y)))


class Overfitting(Lab[Measured]):
    """Three hundred digits, a fifth of them with wrong answers, learned by heart; five remedies."""

    slug = "overfitting"
    chapter, place = Chapter.NEW_ROWS, 1
    title = "Overfitting"
    question = "Why does a network get worse on new rows the longer it trains?"
    summary = "a held-out error that turns up while the training error falls, and five remedies"
    measured = Measured
    next_commands = (
        "misstep train digits",
        "misstep diagnose runs/digits",
        "misstep lab lstm-memory",
    )

    def measure(self, bench: Bench) -> Measured:
        rows = _rows()
        wide = _network(WIDTH)
        return Measured(
            _study(bench, SICK, wide, rows, FEW),
            (
                _study(bench, "early stopping", wide, rows, FEW, patience=PATIENCE),
                _study(bench, "an L2 penalty", wide, rows, FEW, penalty=(L2(PENALTY),)),
                _study(bench, "dropout", _network(WIDTH, DROPPED), rows, FEW),
                _study(bench, "more rows", wide, rows, MANY),
                _study(bench, "a smaller network", _network(0), rows, FEW),
            ),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._turns(measured)
        yield self._by_heart(measured)
        yield self._remedies(measured)

    def _turns(self, measured: Measured) -> Section:
        sick = measured.sick
        best, at = _best(sick.course)
        return Section(
            "Better and better, and then worse",
            (
                f"A network of {WIDTH} hidden ReLUs learns to read digits. It has {sick.rows} of "
                f"them, and {sick.told} of their answers are wrong, as happens where people label "
                f"data. {sick.numbers:,} numbers can be set to fit {sick.rows} answers.",
                "After each epoch it is asked for the answers that it learned from, and for those "
                "of digits that it never saw, whose answers are all right.",
                f"At first both errors fall. After epoch {at}, {percent(best)} of the digits that "
                "it never saw are wrong, the fewest of all. It goes on to learn its own rows, "
                f"until it misses {percent(sick.misses[-1])} of their answers; and of the others "
                f"it gets {percent(sick.course.error)} wrong.",
            ),
            (
                Curves(
                    "Wrong answers, epoch by epoch",
                    "epoch",
                    "share wrong",
                    (
                        _curve("rows it learns from", sick.misses),
                        _curve("digits it never saw", sick.course.errors),
                    ),
                ),
                Table(
                    "",
                    ("after epoch", "wrong on its own rows", "wrong on digits it never saw"),
                    tuple(
                        (
                            str(epoch),
                            percent(sick.misses[epoch - 1]),
                            percent(sick.course.errors[epoch - 1]),
                        )
                        for epoch in (1, at, 20, 40, EPOCHS)
                    ),
                    (0, 1, 2),
                ),
            ),
        )

    def _by_heart(self, measured: Measured) -> Section:
        sick = measured.sick
        return Section(
            "What it learned in between",
            (
                "First it learns what many rows have in common: how a 3 looks. That helps with "
                "digits that it never saw. What is left then are the rows that do not fit. It "
                "learns those one by one, by heart.",
                f"In the end it gives {sick.believed} of the {sick.told} wrong answers as it was "
                "told. To do so it had to bend around each of these rows, and it now bends there "
                "for every digit that looks like them.",
            ),
            (outcome_of(sick.course),),
        )

    def _remedies(self, measured: Measured) -> Section:
        sick = measured.sick
        early, _, _, more, small = measured.remedied
        studies = (sick, *measured.remedied)
        return Section(
            "Five remedies",
            (
                "Each changes one thing. None is told which answers are wrong.",
                f"Early stopping ends when the held-out loss has not fallen for {PATIENCE} epochs, "
                f"here after {early.course.epochs}, and takes back the weights of the best one. It "
                "costs nothing. An L2 penalty makes every large weight cost something. Dropout "
                "silences half of the hidden units at random in each update, so that none can "
                "rely on another.",
                f"{more.rows:,} rows, again about a fifth of them wrong, teach more of what digits "
                "have in common; a wrong answer stands against more right ones. They make about "
                "as many updates. A network without a hidden layer has "
                f"{small.numbers} numbers instead of {sick.numbers:,}, and cannot bend as much.",
            ),
            (
                Bars(
                    "Wrong on digits that they never saw, in the end",
                    "share wrong",
                    tuple(Bar(each.name, each.kept, percent(each.kept)) for each in studies),
                ),
                Table(
                    "",
                    ("training", "numbers", "own rows", "never seen", "believed", "finding"),
                    tuple(
                        (
                            each.name,
                            f"{each.numbers:,}",
                            percent(each.misses[-1]),
                            percent(each.kept),
                            f"{each.believed} of {each.told}",
                            each.course.findings[0].slug if each.course.findings else "none",
                        )
                        for each in studies
                    ),
                    (1, 2, 3, 4),
                ),
                Curves(
                    "Wrong on digits that they never saw, as training goes on",
                    "update",
                    "share wrong",
                    tuple(
                        Curve(
                            each.name,
                            tuple(
                                each.course.updates / each.course.epochs * (epoch + 1)
                                for epoch in range(each.course.epochs)
                            ),
                            each.course.errors,
                        )
                        for each in studies
                    ),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        sick = measured.sick
        best, at = _best(sick.course)
        yield Claim(
            f"The held-out error falls to {percent(best)} at epoch {at} and then turns up, to "
            f"{percent(sick.course.error)}.",
            sick.course.error > 1.5 * best and at < EPOCHS / 3,
        )
        yield Claim(
            f"Meanwhile the error on its own rows falls from {percent(sick.misses[at - 1])} to "
            f"{percent(sick.misses[-1])}.",
            sick.misses[-1] < 0.05 < sick.misses[at - 1],
        )
        yield Claim(
            f"It learns wrong answers by heart, {sick.believed} of {sick.told}.",
            sick.believed > 0.8 * sick.told,
        )
        yield Claim(
            "The doctor finds overfitting, and no overfitting with any remedy.",
            sick.course.found[:1] == ("overfitting",)
            and not any("overfitting" in each.course.found for each in measured.remedied),
        )
        for each in measured.remedied:
            yield Claim(
                f"{each.name[:1].upper()}{each.name[1:]}: {percent(each.kept)} of the digits that "
                f"it never saw are wrong, instead of {percent(sick.kept)}; "
                f"{percent(each.believed / each.told)} of the wrong answers are believed.",
                each.kept < 0.65 * sick.kept and each.believed / each.told < 0.6,
            )


def _rows() -> Split:
    """Return digits, the answers of some of those to learn from replaced by other ones.

    The first FEW of them are the few; pixels in which these do not differ are left out.
    """
    (x, right), (held_x, held_y) = digits(MANY)
    random = np.random.default_rng(1)
    wrong = random.random(len(right)) < WRONG
    y = np.where(wrong, (right + random.integers(1, 10, len(right))) % 10, right)
    telling = x[:FEW].std(axis=0) > DULL
    return (x[:, telling], y), (held_x[:, telling], held_y)


def _network(hidden: int, dropped: float = 0.0) -> Module:
    layers: list[Module] = [Dense(hidden), ReLU()] if hidden else []
    return Sequential(*layers, *([Dropout(dropped)] if dropped else []), Dense(10))


def _study(
    bench: Bench,
    name: str,
    layers: Module,
    rows: Split,
    count: int,
    *,
    patience: int | None = None,
    penalty: tuple[Regularizer, ...] = (),
) -> Study:
    """Train on the first `count` rows, for about as many updates as EPOCHS times FEW rows make."""
    (x, y), held_out = rows
    x, y = x[:count], y[:count]
    network = Network(layers, x.shape[1:])
    misses = Misses(x, y)
    course = bench.train(
        name,
        network,
        x,
        y,
        loss=CrossEntropy(),
        optimizer=Adam(RATE),
        regularizers=penalty,
        epochs=EPOCHS * FEW // count,
        validation=held_out,
        early_stopping=patience,
        callbacks=[misses],
    )
    (_, right), _ = digits(MANY)
    wrong = y != right[:count]
    given = network.predict(x).argmax(axis=1)
    return Study(
        course=course,
        rows=count,
        numbers=network.parameter_count,
        misses=tuple(misses.shares),
        believed=int(np.sum(given[wrong] == y[wrong])),
        told=int(np.sum(wrong)),
        kept=float(np.mean(network.predict(held_out[0]).argmax(axis=1) != held_out[1])),
    )


def _best(course: Course) -> tuple[float, int]:
    """Return the lowest held-out error, and the epoch that it was first reached in."""
    best = min(course.errors)
    return best, course.errors.index(best) + 1


def _curve(name: str, shares: tuple[float, ...]) -> Curve:
    return Curve(name, tuple(map(float, range(1, len(shares) + 1))), shares)
