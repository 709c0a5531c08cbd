"""`lstm-memory`: a recurrent network that forgets where gated cells remember."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import Array, evaluate, make_literal, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.tasks import recall
from misstep.labs.words import two_figures
from misstep.nn import GRU, LSTM, RNN, Dense, Network, Sequential
from misstep.nn.initializers import Fans, Uniform
from misstep.nn.losses import CrossEntropy
from misstep.nn.recurrent import Recurrent
from misstep.optim import Adam
from misstep.text.figures import figure, percent, three_figures
from misstep.text.lists import joined

# Symbols to tell apart, and over how many steps the first one is to be remembered.
SYMBOLS, LENGTHS = 4, (10, 20, 40)
UNITS, EPOCHS, RATE = 16, 15, 0.01
# Rows to learn from, and those whose way back through a fresh network is looked at.
LEARNED, ROWS = 1024, 128
# What a guess among four symbols gets wrong.
GUESS = 1 - 1 / SYMBOLS
# The bias of a gate that is open at first: σ(3) = 0.95. The usual ones are 1 for the forget gate of
# an LSTM (Jozefowicz and others, 2015) and 0 for the update gate of a GRU.
OPEN, USUAL_LSTM, USUAL_GRU = 3.0, 1.0, 0.0
# In how many draws of first weights the RNN with an orthogonal start is tried.
DRAWS = 4


@dataclass(frozen=True)
class Kind:
    """A way of carrying something from step to step.

    `gate`: the bias of the gate that keeps, where it is not the usual one; `scattered`: whether the
    weights from step to step are drawn evenly from ±1/√units, as is common, not orthogonal.
    """

    name: str
    cell: type[Recurrent]
    gate: float | None = None
    scattered: bool = False

    def network(self, steps: int, seed: int = 0) -> Network:
        """Return a fresh network that reads so many symbols and names one."""
        layers = Sequential(self.cell(UNITS), Dense(SYMBOLS))
        network = Network(layers, (steps, SYMBOLS), seed=seed)
        arrays = {name: np.array(array) for name, array in network.arrays().items()}
        path = f"{self.cell.__name__.lower()}1"
        if self.scattered:
            drawn = Uniform(UNITS**-0.5).draw((UNITS, UNITS), Fans(UNITS, UNITS), seed, 0)
            arrays[f"{path}.recurrent"] = drawn
        if self.gate is not None:
            # The second of the gates: forget of an LSTM (i, f, g, o), update of a GRU (r, z, n).
            arrays[f"{path}.bias"][UNITS : 2 * UNITS] = self.gate
        network.load(arrays)
        return network


PLAIN = Kind("RNN", RNN, scattered=True)
GATED = (Kind("GRU", GRU, OPEN), Kind("LSTM", LSTM, OPEN))
USUAL = Kind("LSTM, usual gate", LSTM)
TURNING = Kind("RNN, orthogonal", RNN)


@dataclass(frozen=True)
class Fading:
    """The slope of the loss by the input of each step, of a fresh network: root mean squares."""

    name: str
    slopes: tuple[float, ...]

    @property
    def share(self) -> float:
        """Return what of the last step's slope arrives at the first step."""
        return self.slopes[0] / self.slopes[-1]


@dataclass(frozen=True)
class Remembered:
    """What came of a kind of cell for each of LENGTHS."""

    name: str
    courses: tuple[Course, ...]


@dataclass(frozen=True)
class Measured:
    """How the blame fades on its way back in time, and who learns to remember.

    `learned`: the plain RNN, a GRU, an LSTM. `usual`: an LSTM whose gate starts as it usually does,
    over the longest time. `turning`: RNNs with an orthogonal start, from several draws.
    """

    fading: tuple[Fading, ...]
    learned: tuple[Remembered, ...]
    usual: Course
    turning: tuple[Course, ...]


class Memory(Lab[Measured]):
    """The first of ten, twenty, forty symbols is asked for at the end: who still knows it?"""

    slug = "lstm-memory"
    chapter, place = Chapter.EVERY_LAYER, 7
    title = "The memory of recurrent networks"
    question = "Why does a recurrent network forget what it read forty steps ago?"
    summary = "an RNN that forgets where a GRU and an LSTM remember, and the gate that makes it so"
    measured = Measured
    next_commands = ("misstep lab vanishing", "misstep lab clipping")

    def measure(self, bench: Bench) -> Measured:
        bench.tell("the way back in time")
        kinds = (PLAIN, *GATED)
        longest = LENGTHS[-1]
        return Measured(
            tuple(_fading(kind, longest) for kind in (*kinds, USUAL, TURNING)),
            tuple(
                Remembered(kind.name, tuple(_learned(bench, kind, steps) for steps in LENGTHS))
                for kind in kinds
            ),
            _learned(bench, USUAL, longest),
            tuple(_learned(bench, TURNING, longest, seed) for seed in range(DRAWS)),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._fades(measured)
        yield self._remembers(measured)
        yield self._gate(measured)
        yield self._turns(measured)

    def _fades(self, measured: Measured) -> Section:
        shown = measured.fading[:3]
        rnn = shown[0]
        longest = LENGTHS[-1]
        gated = joined([f"{two_figures(each.share)} ({each.name})" for each in shown[1:]])
        return Section(
            "The way back in time",
            (
                f"A recurrent network reads {longest} symbols, one at each step, and keeps what it "
                f"knows in {UNITS} numbers. At the end it is asked which symbol was the first. If "
                f"its answer is wrong, the blame must go back through all {longest} steps: at "
                "each it is multiplied by the same weights.",
                f"In a fresh RNN, {two_figures(rnn.share)} of the blame at the last step arrives "
                "at the first one. The network is told next to nothing about the only symbol that "
                f"matters. A GRU and an LSTM have a second way back, through a gate. There, "
                f"{gated} arrive.",
            ),
            (
                Curves(
                    "The slope of the loss by the input of each step, before the first update",
                    "step",
                    "slope",
                    tuple(
                        Curve(each.name, tuple(map(float, range(1, longest + 1))), each.slopes)
                        for each in shown
                    ),
                    logarithmic=True,
                ),
            ),
        )

    def _remembers(self, measured: Measured) -> Section:
        rnn, *gated = measured.learned
        longest = LENGTHS[-1]
        return Section(
            "Who remembers",
            (
                f"Each learns from the same {LEARNED:,} rows, "
                f"{EPOCHS} times over. All symbols are drawn at random, so there is nothing to go "
                f"by but the first. A guess is wrong on {percent(GUESS)}.",
                f"Over {LENGTHS[0]} steps all of them remember. Over {longest} steps the RNN is "
                f"wrong on {percent(rnn.courses[-1].error)}, "
                + joined(
                    [f"the {each.name} on {percent(each.courses[-1].error)}" for each in gated]
                )
                + ".",
                "The doctor looks from layer to layer. This blame fades inside of one layer, from "
                "step to step, and the last steps still give its weights a gradient. So the "
                "curve above is what to look at.",
            ),
            (
                Table(
                    "Held-out rows whose first symbol was named wrongly",
                    ("cell", *(f"{steps} steps" for steps in LENGTHS)),
                    tuple(
                        (each.name, *(percent(course.error) for course in each.courses))
                        for each in measured.learned
                    ),
                    tuple(range(1, len(LENGTHS) + 1)),
                ),
                Curves(
                    f"Wrong over {longest} steps, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(_errors(each.name, each.courses[-1]) for each in measured.learned),
                ),
                outcome_of(rnn.courses[-1]),
                outcome_of(gated[-1].courses[-1]),
            ),
        )

    def _gate(self, measured: Measured) -> Section:
        named = {each.name: each for each in measured.fading}
        longest = LENGTHS[-1]
        gates = ((OPEN, "here"), (USUAL_LSTM, "usual for an LSTM"), (USUAL_GRU, "usual for a GRU"))
        usual = measured.usual
        return Section(
            "The gate decides how long",
            (
                "What a gated cell keeps is multiplied by its gate at each step, a number between "
                "0 and 1 that it learns. So the gate's first value says how far back the blame "
                f"reaches at first: it is the bias, {figure(OPEN)} here, behind a sigmoid.",
                f"The usual bias of an LSTM is {figure(USUAL_LSTM)}. Then "
                f"{two_figures(named[USUAL.name].share)} of the blame arrives, and over {longest} "
                f"steps it is wrong on {percent(usual.error)}. It is the same cell, with the same "
                f"rows and updates. A gate learns to open only if the blame reaches it.",
            ),
            (
                Table(
                    "What is kept, if nothing but the bias opens the gate",
                    ("bias", "gate", *(f"after {steps} steps" for steps in LENGTHS), ""),
                    tuple(
                        (
                            figure(bias),
                            three_figures(gate_of(bias)),
                            *(two_figures(gate_of(bias) ** steps) for steps in LENGTHS),
                            words,
                        )
                        for bias, words in gates
                    ),
                    tuple(range(len(LENGTHS) + 2)),
                ),
            ),
        )

    def _turns(self, measured: Measured) -> Section:
        named = {each.name: each for each in measured.fading}
        errors = [percent(course.error) for course in measured.turning]
        return Section(
            "An RNN that neither shrinks nor grows",
            (
                "There is a way without gates. Orthogonal weights from step to step turn what is "
                "carried and leave its length as it is, so that only the slope of tanh shrinks it. "
                "This library starts every RNN so. Above, they were drawn evenly from "
                "±1/√units, as in many a program.",
                f"Then {two_figures(named[TURNING.name].share)} of the blame arrives. It helps. "
                "But nothing holds the weights there: from "
                f"{DRAWS} draws of first weights it is wrong on {joined(errors)}.",
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        longest = LENGTHS[-1]
        rnn, *gated = measured.fading[:3]
        yield Claim(
            f"Over {longest} steps {two_figures(rnn.share)} of the blame at the last step arrives "
            f"at the first one in an RNN, {two_figures(gated[0].share)} in a GRU, "
            f"{two_figures(gated[1].share)} in an LSTM.",
            all(each.share > 1000 * rnn.share for each in gated),
        )
        plain, *others = measured.learned
        yield Claim(
            f"The RNN remembers over {LENGTHS[0]} steps ({percent(plain.courses[0].error)} wrong) "
            f"and not over {longest} ({percent(plain.courses[-1].error)}).",
            plain.courses[0].error < 0.01 and plain.courses[-1].error > 0.4,
        )
        for each in others:
            errors = [course.error for course in each.courses]
            yield Claim(
                f"The {each.name} remembers over all of them: {', '.join(map(percent, errors))} "
                "wrong.",
                max(errors) < 0.01,
            )
        yield Claim(
            f"With the usual gate the LSTM does not learn to remember over {longest} steps: "
            f"{percent(measured.usual.error)} wrong.",
            measured.usual.error > 0.4,
        )
        named = {each.name: each for each in measured.fading}
        best, worst = (pick(course.error for course in measured.turning) for pick in (min, max))
        yield Claim(
            f"With an orthogonal start {two_figures(named[TURNING.name].share)} of the blame "
            f"arrives in the RNN, and {percent(best)} to {percent(worst)} are wrong.",
            named[TURNING.name].share > 10 * rnn.share and best < 0.01 < 0.1 < worst,
        )


def gate_of(bias: float) -> float:
    """Return how open a gate is whose inputs add nothing."""
    return float(1.0 / (1.0 + np.exp(-bias)))


def _fading(kind: Kind, steps: int) -> Fading:
    """Return how the blame fades on its way back through a fresh network, over held-out rows."""
    _, (x, y) = recall(steps, LEARNED, symbols=SYMBOLS)
    network = kind.network(steps)
    rows = make_parameter(np.asarray(x[:ROWS], network.dtype))
    prediction, _ = network.apply(rows, make_literal(network.parameters, network.dtype))
    loss = CrossEntropy()(prediction, make_literal(y[:ROWS]))
    (slopes,) = evaluate([gradient(loss, rows)])
    return Fading(kind.name, tuple(_size(slopes).tolist()))


def _size(slopes: Array) -> Array:
    """Return the root mean square over rows and symbols at each step."""
    return np.sqrt(np.mean(np.square(slopes, dtype="float64"), axis=(0, 2)))


def _learned(bench: Bench, kind: Kind, steps: int, seed: int = 0) -> Course:
    train, held_out = recall(steps, LEARNED, symbols=SYMBOLS, seed=seed)
    return bench.train(
        f"{kind.name}, {steps} steps",
        kind.network(steps, seed),
        *train,
        loss=CrossEntropy(),
        optimizer=Adam(RATE),
        epochs=EPOCHS,
        validation=held_out,
        seed=seed,
    )


def _errors(name: str, course: Course) -> Curve:
    return Curve(name, tuple(map(float, range(1, course.epochs + 1))), course.errors)
