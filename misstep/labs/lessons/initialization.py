"""`initialization`: first weights of zero, too small, too large, and of Xavier's and He's scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.passage import LayerSignal, signals
from misstep.labs.tasks import digits
from misstep.labs.words import two_figures
from misstep.nn import Dense, Module, Network, ReLU, Sequential, Tanh
from misstep.nn.initializers import Constant, GlorotUniform, HeNormal, Initializer, Normal, Zeros
from misstep.nn.losses import CrossEntropy
from misstep.optim import SGD
from misstep.text.counts import counted
from misstep.text.figures import percent
from misstep.train import Trainer

# The deep network, and the shallow one that shows copies.
DEPTH, WIDTH, COPIES = 8, 32, 16
SMALL, LARGE, ALIKE = 0.01, 1.0, 0.1
RATE, MOMENTUM, EPOCHS = 0.05, 0.9, 10
# Rows of a first look.
ROWS = 128
SCALES: tuple[tuple[str, Initializer], ...] = (
    (f"too small, {SMALL}", Normal(SMALL)),
    (f"too large, {LARGE:g}", Normal(LARGE)),
    ("Xavier", GlorotUniform()),
    ("He", HeNormal()),
)


@dataclass(frozen=True)
class Passage:
    """What passes the layers of a fresh network."""

    name: str
    layers: tuple[LayerSignal, ...]

    @property
    def backward(self) -> float:
        """Return the blame of the first layer as a share of the last one's."""
        return self.layers[0].backward / self.layers[-1].backward


@dataclass(frozen=True)
class Copies:
    """A shallow network: how it learned, and how many of its units are different after that."""

    course: Course
    different: int


@dataclass(frozen=True)
class Measured:
    """Copies and others, what passes deep networks at first, and how those learn."""

    alike: Copies
    drawn: Copies
    relu: tuple[Passage, ...]
    tanh: tuple[Passage, ...]
    zeros: Course
    relu_courses: tuple[Course, ...]
    tanh_courses: tuple[Course, ...]


class Initialization(Lab[Measured]):
    """First weights: why not alike, why not small, why not large, and what the rules do."""

    slug = "initialization"
    chapter, place = Chapter.EVERY_LAYER, 3
    title = "First weights"
    question = "Where should a network begin?"
    summary = "zeros, too small, too large, Xavier and He: eight layers deep, layer by layer"
    measured = Measured
    next_commands = (
        "misstep check digits --network dense32-relu-dense32-relu",
        "misstep lab vanishing",
        "misstep lab batch-norm",
    )

    def measure(self, bench: Bench) -> Measured:
        train, held_out = digits()

        def learned(name: str, layers: Module) -> tuple[Course, Trainer]:
            trainer = Trainer(
                Network(layers, train[0].shape[1:]),
                loss=CrossEntropy(),
                optimizer=SGD(RATE, momentum=MOMENTUM),
                threads=bench.threads,
            )
            return bench.fit(name, trainer, *train, epochs=EPOCHS, validation=held_out), trainer

        def shallow(name: str, initializer: Initializer) -> Copies:
            first = Dense(COPIES, initializer=initializer)
            course, trainer = learned(
                name, Sequential(first, Tanh(), Dense(10, initializer=initializer))
            )
            return Copies(course, _different(trainer.network.arrays()["dense1.weight"]))

        def passing(kind: type[Module]) -> tuple[Passage, ...]:
            return tuple(
                Passage(
                    name,
                    signals(
                        Network(_deep(initializer, kind), train[0].shape[1:]),
                        train[0][:ROWS],
                        train[1][:ROWS],
                        CrossEntropy(),
                    ),
                )
                for name, initializer in SCALES
            )

        return Measured(
            shallow(f"all weights {ALIKE}", Constant(ALIKE)),
            shallow("weights drawn", GlorotUniform()),
            passing(ReLU),
            passing(Tanh),
            learned("zeros, ReLU", _deep(Zeros(), ReLU))[0],
            tuple(learned(f"{name}, ReLU", _deep(how, ReLU))[0] for name, how in SCALES),
            tuple(learned(f"{name}, tanh", _deep(how, Tanh))[0] for name, how in SCALES[2:]),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        alike, drawn = measured.alike, measured.drawn
        yield Section(
            "Not all alike",
            (
                f"Take {COPIES} units whose weights all begin as {ALIKE}. Each says the same, each "
                "gets the same blame, each makes the same step. They are one unit, "
                f"{COPIES} times.",
                f"After {alike.course.updates} updates the {COPIES} units hold "
                f"{counted(alike.different, 'set')} of weights among them, and "
                f"{percent(alike.course.error)} of held-out digits are wrong. Where weights are "
                f"drawn there are {counted(drawn.different, 'set')}, and "
                f"{percent(drawn.course.error)} are wrong.",
                "Zeros are worse: what comes out of a layer of zeros is 0, and what comes back "
                f"through it is 0 as well. {DEPTH} layers of ReLUs that begin at 0 are wrong on "
                f"{percent(measured.zeros.error)} in the end; only the last bias ever moves.",
            ),
            (outcome_of(alike.course), outcome_of(measured.zeros)),
        )
        small, large, xavier, he = measured.relu
        yield Section(
            "Neither small nor large",
            (
                f"{DEPTH} layers of {WIDTH} ReLUs. A sum of n numbers, each times a weight of "
                "standard deviation s, is about √n·s times as large as they are. Below 1 each "
                "layer makes things smaller, above 1 larger, on both ways.",
                f"With s = {SMALL} the last layer says {two_figures(small.layers[-1].forward)}, "
                f"and the first gets {two_figures(small.backward)} of the last one's blame. With "
                f"s = {LARGE:g} the last layer says {two_figures(large.layers[-1].forward)}, and "
                f"the first gets {two_figures(large.backward)} times the blame.",
                "Xavier chooses s so that √n·s is 1. A ReLU lets half of it through; He's rule "
                "makes up for that, with 2 for 1 under the root. The first layer gets "
                f"{two_figures(xavier.backward)} of the last one's blame with Xavier, and "
                f"{two_figures(he.backward)} with He.",
            ),
            (
                _chart("Forward: the size of what each layer of ReLUs says", measured.relu, 0),
                _chart("Backward: the blame that reaches it", measured.relu, 1),
            ),
        )
        courses = (*measured.relu_courses, *measured.tanh_courses)
        yield Section(
            "What comes of it",
            (
                "The same networks, trained alike. He's rule is made for ReLU, Xavier's for tanh, "
                "whose slope at 0 is 1. With ReLU the difference shows. With tanh, where nothing "
                "is cut away, both pass on enough.",
            ),
            (
                Table(
                    "",
                    ("first weights", "blame of first to last", "wrong at the end", "finding"),
                    tuple(
                        (
                            course.name,
                            two_figures(passage.backward),
                            percent(course.error) if course.errors else "stopped, no number",
                            course.main_finding,
                        )
                        for passage, course in zip(
                            (*measured.relu, *measured.tanh[2:]), courses, strict=True
                        )
                    ),
                    (1, 2),
                ),
                Curves(
                    "Wrong on held-out digits, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(curve_by_epoch(each, each.errors) for each in courses if each.errors),
                ),
                *(outcome_of(each) for each in measured.relu_courses[:2]),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        alike, drawn = measured.alike, measured.drawn
        yield Claim(
            f"Units that begin alike stay alike: {COPIES} of them hold "
            f"{counted(alike.different, 'set')} of weights; drawn ones hold {drawn.different}.",
            alike.different == 1 and drawn.different == COPIES,
        )
        yield Claim(
            f"They learn less: {percent(alike.course.error)} wrong against "
            f"{percent(drawn.course.error)}.",
            alike.course.error > 3 * drawn.course.error,
        )
        small, large, _, he = measured.relu
        yield Claim(
            f"{DEPTH} layers deep, weights too small leave {two_figures(small.backward)} of the "
            f"blame, too large ones make it {two_figures(large.backward)} times as much; with He "
            f"it is {two_figures(he.backward)}.",
            small.backward < 1e-8 and large.backward > 1e3 and 0.2 < he.backward < 5,
        )
        starved, exploded, relu_xavier, relu_he = measured.relu_courses
        yield Claim(
            f"Zeros and weights too small learn nothing: {percent(measured.zeros.error)} and "
            f"{percent(starved.error)} wrong. Weights too large end as no number.",
            min(measured.zeros.error, starved.error) > 0.85 and exploded.failed,
        )
        yield Claim(
            "The doctor names the first weights as the cause in each of these.",
            all(
                each.findings[0].slug == "bad-initialization"
                for each in (alike.course, measured.zeros, starved, exploded)
            ),
        )
        tanh_xavier, tanh_he = measured.tanh_courses
        yield Claim(
            f"With ReLU He does better than Xavier, {percent(relu_he.error)} wrong against "
            f"{percent(relu_xavier.error)}; with tanh both do: {percent(tanh_xavier.error)} and "
            f"{percent(tanh_he.error)}.",
            relu_he.error < relu_xavier.error and max(tanh_xavier.error, tanh_he.error) < 0.1,
        )


def _deep(initializer: Initializer, kind: type[Module]) -> Module:
    """Return eight layers and a layer of ten classes, all begun alike."""
    hidden = [
        layer for _ in range(DEPTH) for layer in (Dense(WIDTH, initializer=initializer), kind())
    ]
    return Sequential(*hidden, Dense(10, initializer=initializer))


def _different(weight: Any) -> int:
    """Return how many units of a layer, (inputs, units), have weights of their own."""
    return len(np.unique(weight, axis=1).T)


def _chart(caption: str, passages: tuple[Passage, ...], back: int) -> Curves:
    return Curves(
        caption,
        "layer",
        "size",
        tuple(
            Curve(
                passage.name,
                tuple(map(float, range(1, len(passage.layers) + 1))),
                tuple(one.backward if back else one.forward for one in passage.layers),
            )
            for passage in passages
        ),
        logarithmic=True,
    )
