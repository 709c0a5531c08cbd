"""`dead-relu`: units that say 0 to every row, how they come about, and what brings them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curve, Curves, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import digits
from misstep.labs.words import two_figures
from misstep.nn import ELU, BatchNorm, Dense, LeakyReLU, Module, Network, ReLU, Sequential
from misstep.nn.initializers import HeNormal
from misstep.nn.losses import CrossEntropy
from misstep.ops import exp, relu, where
from misstep.optim import SGD
from misstep.text.figures import figure, percent
from misstep.train import Trainer
from misstep.train.looks import PROBE_ROWS

UNITS = 48
# The rate that kills units, and one that does not.
HASTY, CALM = 1.0, 0.1
DYING, AFTER = 6, 12
# Of LeakyReLU, below 0.
SLOPE = 0.1
# Where the sum of a unit that is off may be.
SUMS = (-2.0, -0.5, 0.5)
FIRST = "dense1"


@dataclass(frozen=True)
class Slopes:
    """The slope of an activation at each of SUMS."""

    name: str
    slopes: tuple[float, ...]


@dataclass(frozen=True)
class Death:
    """How many units of each layer were 0 for every row: `shares`, at each look after `updates`."""

    layer: str
    updates: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Revival:
    """What came of going on.

    `back`: how many of the first layer's dead units are back; `unmoved`: how many of them did not
    move by a bit.
    """

    course: Course
    back: int
    unmoved: int


@dataclass(frozen=True)
class Measured:
    """Units die, are kept from it, and are brought back. `dead`: of the first layer, in the end."""

    slopes: tuple[Slopes, ...]
    hasty: Course
    deaths: tuple[Death, ...]
    dead: int
    kept: tuple[Course, ...]
    revivals: tuple[Revival, ...]


class DeadRelu(Lab[Measured]):
    """ReLUs that die at a rate too large; what prevents it, what revives them, what does not."""

    slug = "dead-relu"
    chapter, place = Chapter.EVERY_LAYER, 4
    title = "Dead ReLUs"
    question = "Why do some units say 0, whatever they are shown?"
    summary = "units that die of steps too large, stay dead to the last bit, and what revives them"
    measured = Measured
    next_commands = (
        "misstep train digits --optimizer sgd --learning-rate 30",
        "misstep diagnose runs/digits",
        "misstep lab learning-rate",
    )

    def measure(self, bench: Bench) -> Measured:
        train, held_out = digits()
        shape = train[0].shape[1:]

        def learned(
            name: str, network: Network, rate: float, epochs: int
        ) -> tuple[Course, Trainer]:
            trainer = Trainer(
                network, loss=CrossEntropy(), optimizer=SGD(rate), threads=bench.threads
            )
            return bench.fit(name, trainer, *train, epochs=epochs, validation=held_out), trainer

        hasty, trainer = learned(f"rate {HASTY:g}", Network(_layers(ReLU), shape), HASTY, DYING)
        deaths = tuple(_deaths(bench))
        numbers = {name: np.array(each) for name, each in trainer.network.arrays().items()}
        dead = _dead(numbers, train[0])

        def revived(name: str, kind: Callable[[], Module], begin: Mapping[str, Array]) -> Revival:
            network = Network(_layers(kind), shape, arrays=dict(begin))
            course, after = learned(name, network, CALM, AFTER)
            now = after.network.arrays()
            moved = np.abs(now[f"{FIRST}.weight"] - begin[f"{FIRST}.weight"]).max(axis=0)
            back = dead & ~_dead(now, train[0])
            return Revival(course, int(back.sum()), int((moved[dead] == 0).sum()))

        return Measured(
            tuple(_slopes()),
            hasty,
            deaths,
            int(dead.sum()),
            (
                learned(f"rate {CALM}", Network(_layers(ReLU), shape), CALM, DYING)[0],
                learned(
                    f"rate {HASTY:g} and batch norm",
                    Network(_layers(ReLU, normalized=True), shape),
                    HASTY,
                    DYING,
                )[0],
                learned(
                    f"rate {HASTY:g} and LeakyReLU", Network(_layers(_leaky), shape), HASTY, DYING
                )[0],
            ),
            (
                revived("ReLU still", ReLU, numbers),
                revived("LeakyReLU instead", _leaky, numbers),
                revived("ELU instead", ELU, numbers),
                revived("dead ones drawn anew", ReLU, _drawn_anew(numbers, dead, shape)),
            ),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield Section(
            "Off, and no way back",
            (
                "A ReLU says what goes in where that is above 0, and 0 else. Its slope is 1 on one "
                "side and 0 on the other.",
                "A unit that says 0 to a row gets no blame for it: its slope is 0, and whatever "
                "comes back is multiplied by that. If it says 0 to every row, it never gets any "
                "blame again. Its weights stay as they are: it is dead.",
            ),
            (
                Table(
                    "The slope, by the sum z that goes in",
                    ("activation", *(f"z = {figure(z)}" for z in SUMS)),
                    tuple(
                        (each.name, *(two_figures(slope) for slope in each.slopes))
                        for each in measured.slopes
                    ),
                    tuple(range(1, len(SUMS) + 1)),
                ),
            ),
        )
        hasty, kept = measured.hasty, measured.kept
        last = measured.deaths[0].shares[-1]
        yield Section(
            "How they die",
            (
                f"Two layers of {UNITS} ReLUs learn to read digits in steps ten times too large. A "
                "large step throws weights and bias of a unit so far down that no row reaches it.",
                f"Of the first layer {percent(measured.deaths[0].shares[0])} are off before the "
                f"first update, for the {PROBE_ROWS} rows that are watched; at the last look "
                f"{percent(last)}. {percent(hasty.error)} of held-out digits are wrong.",
            ),
            (
                Curves(
                    "Units that are 0 for every watched row",
                    "update",
                    "share of the layer",
                    tuple(
                        Curve(each.layer, tuple(map(float, each.updates)), each.shares)
                        for each in measured.deaths
                    ),
                ),
                outcome_of(hasty),
            ),
        )
        yield Section(
            "What keeps them alive",
            (
                f"A rate of {CALM} does: {percent(kept[0].error)} wrong. So does batch "
                "normalization at the large rate: it moves the sums of each unit back around 0, "
                f"where some rows are always above, {percent(kept[1].error)} wrong.",
                "LeakyReLU keeps a slope below 0, so that no unit is dead. But it does not make "
                f"the rate right: {percent(kept[2].error)} wrong. Where units die, ask first why.",
            ),
            (
                Table(
                    "",
                    ("network", "wrong at the end", "finding"),
                    tuple(
                        (each.name, percent(each.error), each.main_finding)
                        for each in (hasty, *kept)
                    ),
                    (1,),
                ),
            ),
        )
        still = measured.revivals[0]
        yield Section(
            "What brings them back",
            (
                f"Now take the network with its {measured.dead} dead units in the first layer, and "
                f"go on at the rate {CALM}, for {AFTER} epochs.",
                f"With ReLU {still.back} of them are back. The weights of {still.unmoved} did not "
                "move by a single bit: not little, but not at all. The others do the work alone.",
                "With an activation that has a slope below 0 they get blame again, and some find "
                "their way back. Or draw their weights anew: then they begin once more.",
            ),
            (
                Bars(
                    f"Of {measured.dead} dead units, how many are back",
                    "units",
                    tuple(
                        Bar(each.course.name, float(each.back), f"{each.back}")
                        for each in measured.revivals
                    ),
                    span=(float(measured.dead),),
                ),
                Table(
                    "",
                    ("go on with", "back", "not moved by a bit", "wrong at the end"),
                    tuple(
                        (
                            each.course.name,
                            f"{each.back}",
                            f"{each.unmoved}",
                            percent(each.course.error),
                        )
                        for each in measured.revivals
                    ),
                    (1, 2, 3),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        slopes = {each.name: each.slopes for each in measured.slopes}
        yield Claim(
            "The slope of a ReLU that is off is 0; those of LeakyReLU and ELU are not.",
            slopes["ReLU"][:2] == (0.0, 0.0)
            and min(slopes["LeakyReLU"]) > 0
            and min(slopes["ELU"]) > 0,
        )
        hasty = measured.hasty
        first = measured.deaths[0].shares
        yield Claim(
            f"Steps too large kill units: {percent(first[0])} before, {percent(first[-1])} after. "
            f"{measured.dead} of {UNITS} are 0 for all rows.",
            first[-1] > 0.6 > first[0] and measured.dead > UNITS / 2,
        )
        yield Claim(
            "The doctor finds dead units, and none where rate or normalization prevents them.",
            "dead-units" in hasty.found
            and not any("dead-units" in each.found for each in measured.kept),
        )
        calm, normalized, leaky = measured.kept
        yield Claim(
            f"A smaller rate and batch norm help, {percent(calm.error)} and "
            f"{percent(normalized.error)} wrong; LeakyReLU at the large rate does not, "
            f"{percent(leaky.error)}.",
            max(calm.error, normalized.error) < 0.15 and leaky.error > 0.5,
        )
        still, *others = measured.revivals
        yield Claim(
            f"With ReLU no dead unit comes back, and all {still.unmoved} stay bit for bit what "
            "they were.",
            still.back == 0 and still.unmoved == measured.dead,
        )
        yield Claim(
            "With a slope below 0, or drawn anew, some come back, and fewer digits are wrong: "
            f"{', '.join(percent(each.course.error) for each in others)} against "
            f"{percent(still.course.error)}.",
            all(each.back > 0 and each.course.error < still.course.error for each in others),
        )


def _leaky() -> Module:
    return LeakyReLU(SLOPE)


def _layers(kind: Callable[[], Module], *, normalized: bool = False) -> Module:
    """Return two hidden layers and one of ten classes."""
    hidden: list[Module] = []
    for _ in range(2):
        hidden += [Dense(UNITS), *([BatchNorm()] if normalized else []), kind()]
    return Sequential(*hidden, Dense(10))


def _slopes() -> Iterator[Slopes]:
    at = np.array(SUMS)
    kinds = {
        "ReLU": relu,
        "LeakyReLU": lambda z: where(z > _constant(0.0), z, z * _constant(SLOPE)),
        "ELU": lambda z: where(z > _constant(0.0), z, exp(z) - _constant(1.0)),
    }
    for name, function in kinds.items():
        z = make_parameter(at)
        slope = gradient(function(z), z, make_literal(np.ones(len(at)), z.dtype))
        yield Slopes(name, tuple(float(each) for each in evaluate([slope])[0]))


def _constant(number: float) -> Value:
    return make_literal(number, "float64")


def _deaths(bench: Bench) -> Iterator[Death]:
    """Yield the share of dead units of each layer of ReLUs in the latest training."""
    assert bench.last_run is not None
    record: Any = bench.last_run.record
    for path in record.paths("dead_share"):
        updates, shares = record.signal("dead_share", path)
        yield Death(path, tuple(updates.tolist()), tuple(shares.tolist()))


def _dead(numbers: Mapping[str, Array], x: Array) -> Array:
    """Return which units of the first layer are 0 for all rows, (units,) of bool."""
    sums = x @ numbers[f"{FIRST}.weight"] + numbers[f"{FIRST}.bias"]
    return np.asarray((sums <= 0).all(axis=0))


def _drawn_anew(
    numbers: Mapping[str, Array], dead: Array, shape: tuple[int, ...]
) -> dict[str, Array]:
    """Return the numbers of a network with those of dead units as at a beginning."""
    fresh = Network(Dense(UNITS, initializer=HeNormal()), shape, seed=1).arrays()
    weight, bias = (np.array(numbers[f"{FIRST}.{name}"]) for name in ("weight", "bias"))
    weight[:, dead] = next(iter(fresh.values()))[:, dead]
    bias[dead] = 0.0
    return {**numbers, f"{FIRST}.weight": weight, f"{FIRST}.bias": bias}
