"""`batch-norm`: inputs of very different scales, and a layer that brings each to the same one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, evaluate, make_literal
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import tumors
from misstep.labs.words import times, two_figures
from misstep.nn import BatchNorm, Dense, Module, Network, ReLU, Sequential
from misstep.nn.losses import CrossEntropy
from misstep.optim import SGD
from misstep.text.figures import figure, percent

# One feature of a batch, normalized by hand, and a second batch that a first row stands in, too.
BY_HAND = (1.0, 2.0, 3.0, 6.0)
OTHERS = (1.0, 10.0, 20.0, 30.0)
UNITS, RATE, EPOCHS, BATCH = 16, 0.1, 20, 16
TINY = 2


@dataclass(frozen=True)
class Measured:
    """A batch by hand, columns of data, and networks that learn from them.

    `normalized`: BY_HAND, as the layer gives it in training; `among_others`: the first number of
    OTHERS, the same as of BY_HAND; `used`: that number by the running mean and variance, alone and
    in both batches. `deviations`: of each column of the data.
    """

    normalized: tuple[float, ...]
    among_others: float
    used: tuple[float, ...]
    deviations: tuple[float, ...]
    raw: Course
    first: Course
    behind: Course
    standardized: Course
    tiny: Course


class BatchNormalization(Lab[Measured]):
    """Columns 200,000 times apart; batch norm before and behind, standardizing, tiny batches."""

    slug = "batch-norm"
    chapter, place = Chapter.EVERY_LAYER, 5
    title = "Batch normalization"
    question = "What if one input counts in thousandths and another in thousands?"
    summary = "inputs of very different scales, brought to one inside of the network or before it"
    measured = Measured
    next_commands = (
        "misstep train breast-cancer",
        "misstep train digits --network dense64-bn-relu-dense64-bn-relu",
        "misstep lab dead-relu",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("a batch by hand")
        normalized, among_others = (_in_training(each) for each in (BY_HAND, OTHERS))
        train, held_out = tumors()
        middle, spread = train[0].mean(axis=0), train[0].std(axis=0)

        def learned(name: str, *layers: Module, standard: bool = False, batch: int = BATCH) -> Any:
            given, judged = (
                ((x - middle) / spread if standard else x, y) for x, y in (train, held_out)
            )
            return bench.train(
                name,
                Sequential(*layers),
                *given,
                loss=CrossEntropy(),
                optimizer=SGD(RATE),
                batch_size=batch,
                epochs=EPOCHS,
                validation=judged,
            )

        def dense() -> tuple[Module, ...]:
            return Dense(UNITS), ReLU(), Dense(2)

        return Measured(
            tuple(normalized.tolist()),
            float(among_others[0]),
            _when_used(),
            tuple(sorted(spread.tolist())),
            learned("as measured", *dense()),
            learned("batch norm first", BatchNorm(), *dense()),
            learned("batch norm behind a layer", Dense(UNITS), BatchNorm(), ReLU(), Dense(2)),
            learned("standardized before", *dense(), standard=True),
            learned(f"batch norm first, {TINY} rows", BatchNorm(), *dense(), batch=TINY),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        mean, deviation = np.mean(BY_HAND), np.std(BY_HAND)
        yield Section(
            "A batch by hand",
            (
                f"Four rows of a batch have {', '.join(map(figure, BY_HAND))} in one feature. Its "
                f"mean is {figure(float(mean))}, its standard deviation "
                f"{figure(round(float(deviation), 4))}. Batch normalization subtracts one and "
                "divides by the other: then the mean is 0 and the deviation 1, whatever the unit.",
                "After that each feature has a scale and a shift of its own, which learn as all "
                "weights do. They begin at 1 and 0.",
            ),
            (
                Table(
                    "",
                    ("row", "number", "normalized"),
                    tuple(
                        (f"{at}", figure(number), _four(given))
                        for at, (number, given) in enumerate(
                            zip(BY_HAND, measured.normalized, strict=True), 1
                        )
                    ),
                    (0, 1, 2),
                ),
            ),
        )
        raw, first = measured.raw, measured.first
        widest, narrowest = measured.deviations[-1], measured.deviations[0]
        yield Section(
            "Inputs that differ in scale",
            (
                "Tumors, by 30 measurements under a microscope: areas in the hundreds, smoothness "
                f"in hundredths. The widest column has a standard deviation of "
                f"{two_figures(widest)}, the narrowest {two_figures(narrowest)}: "
                f"{times(widest / narrowest)} times less.",
                "The blame of a weight is multiplied by its input. So the weights of large columns "
                "are thrown about, those of small ones stand still, and no one rate suits both.",
                f"Fed as they are measured, a network is wrong on {percent(raw.error)} of tumors "
                "that it never saw. It says the same to all of them.",
            ),
            (
                Bars(
                    "Standard deviations of some columns, from the narrowest on",
                    "in the unit of the column",
                    tuple(
                        Bar(f"{at + 1} of 30", measured.deviations[at], two_figures(value))
                        for at in (0, 5, 10, 15, 20, 25, 29)
                        for value in (measured.deviations[at],)
                    ),
                    logarithmic=True,
                ),
                outcome_of(raw),
            ),
        )
        behind, standardized = measured.behind, measured.standardized
        yield Section(
            "Where to normalize",
            (
                f"A batch normalization as the first layer: {percent(first.error)} wrong, with the "
                "same rate and the same batches. The columns are now equally wide.",
                f"Behind the first layer it is late: {percent(behind.error)} wrong. In the "
                "weighted sum the large columns have drowned the small ones already; making the "
                "sum itself smaller does not bring them back.",
                "Standardizing the data before, by mean and deviation of the training rows, does "
                f"as well as the layer: {percent(standardized.error)} wrong. `misstep train` does "
                "that for every table.",
            ),
            (
                Table(
                    "",
                    ("network", "wrong at the end", "finding"),
                    tuple(
                        (each.name, percent(each.error), each.main_finding)
                        for each in (raw, behind, first, standardized)
                    ),
                    (1,),
                ),
                Curves(
                    "Wrong on held-out tumors, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(
                        curve_by_epoch(each, each.errors)
                        for each in (raw, behind, first, standardized)
                    ),
                ),
            ),
        )
        tiny = measured.tiny
        yield Section(
            "What it costs",
            (
                f"In training, what a row becomes depends on the rows beside it. The number "
                f"{figure(BY_HAND[0])} became {_four(measured.normalized[0])} above; among "
                f"{', '.join(map(figure, OTHERS[1:]))} it is {_four(measured.among_others)}.",
                "When the network is used that must not be. The layer then takes a mean and a "
                "variance that it has kept from training, in a fresh layer 0 and 1: the same "
                f"number gives {_four(measured.used[0])} alone and {_four(measured.used[1])} in "
                "both batches.",
                f"And a batch must be large enough to have a mean. With {TINY} rows each feature "
                f"becomes +1 or −1 or 0, whatever it was: {percent(tiny.error)} wrong instead of "
                f"{percent(first.error)}.",
            ),
            (outcome_of(tiny),),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        numbers = np.array(BY_HAND)
        expected = (numbers - numbers.mean()) / numbers.std()
        yield Claim(
            "The layer gives what is worked out by hand: mean 0, deviation 1.",
            bool(np.allclose(measured.normalized, expected, atol=1e-4))
            and abs(float(np.mean(measured.normalized))) < 1e-6
            and abs(float(np.std(measured.normalized)) - 1) < 1e-4,
        )
        raw, first, standardized = measured.raw, measured.first, measured.standardized
        yield Claim(
            f"Columns that are {times(measured.deviations[-1] / measured.deviations[0])} times "
            f"apart keep a network from learning: {percent(raw.error)} wrong.",
            measured.deviations[-1] / measured.deviations[0] > 1e5 and raw.error > 0.3,
        )
        yield Claim(
            f"Batch norm before the first layer, {percent(first.error)}, does nearly as well as "
            f"standardized data, {percent(standardized.error)}.",
            first.error < 0.06 and abs(first.error - standardized.error) < 0.03,
        )
        behind, tiny = measured.behind, measured.tiny
        yield Claim(
            f"Behind the first layer it helps less: {percent(behind.error)}.",
            first.error < behind.error < raw.error,
        )
        yield Claim(
            "When it is used, a row's answer depends on no other row.",
            len(set(measured.used)) == 1
            and abs(measured.among_others - measured.normalized[0]) > 0.1,
        )
        yield Claim(
            f"Batches of {TINY} rows are too small for it: {percent(tiny.error)} wrong.",
            tiny.error > first.error,
        )
        yield Claim(
            "The doctor finds unscaled inputs, and normalization on a tiny batch.",
            raw.findings[0].slug == "unscaled-inputs"
            and tiny.findings[0].slug == "normalization-on-tiny-batch",
        )


def _layer() -> Network:
    return Network(BatchNorm(), (1,), dtype="float64")


def _in_training(batch: tuple[float, ...]) -> Array:
    """Return what the layer makes of a batch in training, (rows,)."""
    network = _layer()
    rows = make_literal(np.array(batch)[:, None], "float64")
    parameters = make_literal(network.parameters, "float64")
    output, _ = network.apply(rows, parameters, training=True)
    return evaluate([output])[0].reshape(-1)


def _when_used() -> tuple[float, ...]:
    """Return what the first number becomes alone, and in each of the two batches."""
    network = _layer()
    return tuple(
        float(network.predict(np.array(batch)[:, None])[0].item())
        for batch in (BY_HAND[:1], BY_HAND, OTHERS)
    )


def _four(number: float) -> str:
    return f"{number:.4f}".replace("-", "−")
