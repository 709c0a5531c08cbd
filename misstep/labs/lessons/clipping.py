"""`clipping`: a gradient that is too long is cut to a length; a training that needs it, without."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array, evaluate, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import sums
from misstep.labs.words import two_figures
from misstep.nn import RNN, Dense, Sequential
from misstep.nn.losses import SquaredError
from misstep.optim import SGD, ClipNorm, Clipping, ClipValue
from misstep.text.figures import percent, true_minus
from misstep.train import Callback
from misstep.train.training import Training

# The gradient that is clipped by hand, and the limit of both ways.
GRADIENT, LIMIT = (12.0, -8.0, 15.0), 5.0
# Numbers that are read one after the other, and summed.
STEPS = 20
# ReLU has no upper end, so what such a network carries from step to step can grow without limit.
UNITS, RATE, EPOCHS = 16, 0.03, 30
LONGEST, LARGEST, SLOWER = 1.0, 0.1, RATE / 10
SICK = "unclipped"
BY_NORM, BY_VALUE = f"clipped to a norm of {LONGEST:g}", f"each entry within ±{LARGEST:g}"
SLOW = f"unclipped, a rate of {SLOWER:g}"
# Updates that are shown of the one that explodes, and what its chart tells apart.
LAST, CEILING = 6, 5.0
# An error of this size is less than half of what a guess makes.
GOOD = 0.5


@dataclass(frozen=True)
class Clipped:
    """A gradient after clipping. `degrees`: between its direction and that of the unclipped one."""

    entries: tuple[float, ...]
    norm: float
    degrees: float


@dataclass(frozen=True)
class Measured:
    """A gradient clipped by hand, and trainings with and without clipping.

    `guess`: the error of whoever always says the mean. `lengths`: the norm of the gradient at each
    update of the one that explodes; `shortened`: the same where it is clipped by norm;
    `clipped_share`: the share of those updates whose gradient was too long.
    """

    norm: float
    by_norm: Clipped
    by_value: Clipped
    guess: float
    sick: Course
    lengths: tuple[float, ...]
    remedied: tuple[Course, ...]
    shortened: tuple[float, ...]
    clipped_share: float


class Lengths(Callback):
    """Measures each update by plain descent: how far the weights moved, divided by the rate."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.norms: list[float] = []
        self._before: Array = np.zeros(0)

    def on_training_start(self, training: Training) -> None:
        self._before = np.array(training.network.parameters, "float64")

    def on_update(self, training: Training) -> None:
        now = np.array(training.network.parameters, "float64")
        with np.errstate(all="ignore"):
            self.norms.append(float(np.linalg.norm(now - self._before)) / self.rate)
        self._before = now


class GradientClipping(Lab[Measured]):
    """Three numbers clipped by hand, then a network that explodes without and learns with it."""

    slug = "clipping"
    chapter, place = Chapter.HOW_FAR, 4
    title = "Gradient clipping"
    question = "What is done about a gradient that is suddenly a thousand times too long?"
    summary = (
        "[12, −8, 15] cut to length 5, and a training that explodes without and learns with it"
    )
    measured = Measured
    next_commands = ("misstep lab exploding", "misstep lab lstm-memory")

    def measure(self, bench: Bench) -> Measured:
        bench.tell("three numbers")
        train, held_out = sums(STEPS)

        def learned(
            name: str, rate: float = RATE, *, clipping: Clipping | tuple[()] = ()
        ) -> Course:
            return bench.train(
                name,
                Sequential(RNN(UNITS, activation="relu"), Dense(1)),
                *train,
                loss=SquaredError(),
                optimizer=SGD(rate),
                epochs=EPOCHS,
                validation=held_out,
                clipping=clipping,
                every_step=True,
                callbacks=[lengths] if rate == RATE else (),
            )

        lengths = Lengths(RATE)
        sick = learned(SICK)
        unclipped, lengths = lengths, Lengths(RATE)
        by_norm = learned(BY_NORM, clipping=ClipNorm(LONGEST))
        shortened, lengths = lengths, Lengths(RATE)
        by_value = learned(BY_VALUE, clipping=ClipValue(LARGEST))
        at_limit = [norm > LONGEST * (1 - 1e-3) for norm in shortened.norms]
        return Measured(
            norm=math.hypot(*GRADIENT),
            by_norm=clipped(ClipNorm(LIMIT)),
            by_value=clipped(ClipValue(LIMIT)),
            guess=float(np.std(held_out[1])),
            sick=sick,
            lengths=tuple(unclipped.norms),
            remedied=(by_norm, by_value, learned(SLOW, SLOWER)),
            shortened=tuple(shortened.norms),
            clipped_share=sum(at_limit) / len(at_limit),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._by_hand(measured)
        yield self._explodes(measured)
        yield self._clipped(measured)

    def _by_hand(self, measured: Measured) -> Section:
        squares = [int(entry**2) for entry in GRADIENT]
        factor = LIMIT / measured.norm
        return Section(
            "A gradient that is too long",
            (
                f"A gradient has three entries: {_listed(GRADIENT, 0)}. Its length, or norm, is "
                f"√({' + '.join(map(str, squares))}) = √{sum(squares)} = {measured.norm:.2f}. "
                "(Now and then this example is given with a norm of 21.4. That is a slip: "
                "21.4² is 458.)",
                f"The limit is {LIMIT:g}. Clipping by norm multiplies every entry by "
                f"{LIMIT:g} / {measured.norm:.2f} = {factor:.4f}. The step is shorter and goes the "
                "same way.",
                f"Clipping by value cuts each entry for itself, to {LIMIT:g} at most. That turns "
                f"the step, here by {measured.by_value.degrees:.1f} degrees: the entries that "
                "differed in size are now equal.",
            ),
            (
                Table(
                    "",
                    ("gradient", "entries", "norm", "turned by"),
                    (
                        ("as it is", _listed(GRADIENT, 0), f"{measured.norm:.2f}", "0.0°"),
                        _row(f"norm of {LIMIT:g} at most", measured.by_norm),
                        _row(f"each within ±{LIMIT:g}", measured.by_value),
                    ),
                    (2, 3),
                ),
            ),
        )

    def _explodes(self, measured: Measured) -> Section:
        sick, lengths = measured.sick, measured.lengths
        usual = float(np.median(lengths))
        first = len(lengths) - LAST
        return Section(
            "A training that explodes",
            (
                f"Now a real network. It reads {STEPS} numbers one after the other, and is to say "
                f"their sum. It is a recurrent network of {UNITS} ReLUs: the same weights at each "
                f"step. What they multiply by is multiplied {STEPS} times.",
                "For a while it just stays alive, and hardly learns. Half of its gradients are "
                f"shorter than {two_figures(usual)}. Then the weights reach a place where {STEPS} "
                "steps amplify. One long gradient throws them to a worse place, where the next "
                f"one is longer still. After update {sick.updates} there is no number left.",
            ),
            (
                Table(
                    "The last updates",
                    ("update", "loss", "norm of the gradient"),
                    tuple(
                        (f"{at + 1}", two_figures(sick.step_losses[at]), two_figures(lengths[at]))
                        for at in range(first, len(lengths))
                    ),
                    (0, 1, 2),
                ),
                outcome_of(sick),
            ),
        )

    def _clipped(self, measured: Measured) -> Section:
        sick, (by_norm, by_value, slow) = measured.sick, measured.remedied
        return Section(
            "The same training, clipped",
            (
                "The first weights, the rows, their order and the rate are the same. Only what is "
                f"longer than {LONGEST:g} is shortened. Here that is "
                f"{percent(measured.clipped_share)} of the gradients: a network that adds well "
                f"stands where {STEPS} steps nearly amplify, so its gradients are long, and the "
                "limit sets the pace.",
                f"It learns. A guess is wrong by {measured.guess:.2f}; clipped by norm it is wrong "
                f"by {by_norm.error:.2f} in the end, clipped by value by {by_value.error:.2f}.",
                "A rate ten times lower survives as well: its worst step is a tenth as long. But "
                f"so are all the others. Its error is below {GOOD:g} after "
                f"{_epochs_to(GOOD, slow)} epochs, clipped by norm after "
                f"{_epochs_to(GOOD, by_norm)}.",
            ),
            (
                Table(
                    "",
                    ("training", "updates", "error at the end", "finding"),
                    tuple(
                        (
                            each.name,
                            f"{each.updates}",
                            "no number" if each.failed else f"{each.error:.2f}",
                            each.findings[0].slug if each.findings else "none",
                        )
                        for each in (sick, *measured.remedied)
                    ),
                    (1, 2),
                ),
                Curves(
                    "The loss of each update",
                    "update",
                    "loss",
                    tuple(
                        Curve(each.name, _counted(each.step_losses), each.step_losses)
                        for each in (sick, *measured.remedied)
                    ),
                    ceiling=CEILING,
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        by_norm, by_value = measured.by_norm, measured.by_value
        yield Claim(
            f"[12, −8, 15] has a norm of {measured.norm:.2f}, not 21.4.",
            f"{measured.norm:.2f}" == "20.81",
        )
        yield Claim(
            f"Clipped to a norm of {LIMIT:g} it is {_listed(by_norm.entries, 2)}, and points the "
            "same way.",
            _listed(by_norm.entries, 2) == "[2.88, −1.92, 3.60]"
            and abs(by_norm.norm - LIMIT) < 1e-6
            and by_norm.degrees < 1e-3,
        )
        yield Claim(
            f"With each entry within ±{LIMIT:g} it is {_listed(by_value.entries, 0)}, turned by "
            f"{by_value.degrees:.1f} degrees.",
            by_value.entries == (LIMIT, -LIMIT, LIMIT) and by_value.degrees > 10,
        )
        sick, lengths = measured.sick, measured.lengths
        yield Claim(
            f"Unclipped, the loss is no number any more at update {sick.updates}, and the doctor "
            "finds exploding-gradients.",
            sick.failed and "exploding-gradients" in sick.found,
        )
        largest = max(norm for norm in lengths if math.isfinite(norm))
        yield Claim(
            f"Its gradients grow from a median of {two_figures(float(np.median(lengths)))} to "
            f"{two_figures(largest)}.",
            float(np.median(lengths)) < LONGEST < 1e6 < largest,
        )
        yield Claim(
            f"Clipped by norm, no step is that of a gradient longer than {LONGEST:g}.",
            max(measured.shortened) < LONGEST * (1 + 1e-3),
        )
        for each in measured.remedied:
            yield Claim(
                f"{each.name}: all {each.updates} updates are done, with an error of "
                f"{each.error:.2f} where a guess has {measured.guess:.2f}; nothing is found.",
                not each.failed and each.error < 0.4 < measured.guess and not each.findings,
            )
        clipped_at, slow_at = (_epochs_to(GOOD, measured.remedied[at]) for at in (0, 2))
        yield Claim(
            f"The low rate takes {slow_at} epochs to an error below {GOOD:g}, clipping "
            f"{clipped_at}.",
            slow_at > clipped_at,
        )


def clipped(clipping: Clipping) -> Clipped:
    """Return what the engine's clipping makes of the gradient."""
    (entries,) = evaluate([clipping.clip(make_parameter(GRADIENT))])
    norm = float(np.linalg.norm(entries))
    cosine = float(entries @ np.array(GRADIENT)) / (norm * math.hypot(*GRADIENT))
    degrees = math.degrees(math.acos(min(1.0, cosine)))
    return Clipped(tuple(entries.tolist()), norm, degrees)


def _row(name: str, result: Clipped) -> tuple[str, ...]:
    return name, _listed(result.entries, 2), f"{result.norm:.2f}", f"{result.degrees:.1f}°"


def _listed(entries: tuple[float, ...], decimals: int) -> str:
    return f"[{', '.join(true_minus(f'{entry:.{decimals}f}') for entry in entries)}]"


def _counted(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(float, range(1, len(values) + 1)))


def _epochs_to(error: float, course: Course) -> int:
    """Return after how many epochs the held-out error was below a number for the first time."""
    return next(at for at, one in enumerate(course.errors, 1) if one < error)
