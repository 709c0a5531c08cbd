"""`residual`: shortcuts around layers, a highway both ways, thirty layers deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from misstep.autodiff import gradient
from misstep.ir import evaluate, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.passage import LayerSignal, signals
from misstep.labs.tasks import Split, digits
from misstep.labs.words import two_figures
from misstep.nn import Dense, LayerNorm, Module, Network, ReLU, Residual, Sequential, Sigmoid, Tanh
from misstep.nn.losses import CrossEntropy
from misstep.optim import Adam
from misstep.text.figures import figure, percent

# A layer of one weight: what it multiplies by, alone and beside a shortcut.
FACTOR, LAYERS = 0.25, 30
# Networks of digits: how deep they are, how wide, and how they are trained.
DEPTHS, WIDTH = (2, 10, 30), 24
EPOCHS, RATE = 10, 0.003
# Rows whose way through a fresh network is looked at, and every how many layers that is shown.
ROWS, SHOWN = 128, 5
# Ten classes: a guess is wrong so often.
GUESS = 0.9


@dataclass(frozen=True)
class Ways:
    """What is left of a gradient of 1 behind LAYERS layers, plain and with a shortcut around each.

    `plain`, `around`: after each layer.
    """

    plain: tuple[float, ...]
    around: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two trainings of the same depth: without and with shortcuts."""

    depth: int
    plain: Course
    around: Course


@dataclass(frozen=True)
class Measured:
    """What passes thirty layers without and with shortcuts, and what learns.

    `plain`, `around`: of sigmoids. `summed`, `leveled`: of ReLUs with shortcuts, without and with
    layer normalization in front of each.
    """

    ways: Ways
    plain: tuple[LayerSignal, ...]
    around: tuple[LayerSignal, ...]
    summed: tuple[LayerSignal, ...]
    leveled: tuple[LayerSignal, ...]
    pairs: tuple[Pair, ...]


class SkipConnections(Lab[Measured]):
    """A product of thirty factors beside a sum; networks of both kinds, two to thirty deep."""

    slug = "residual"
    chapter, place = Chapter.EVERY_LAYER, 6
    title = "Skip connections"
    question = "How can a network of thirty layers learn at all?"
    summary = "thirty layers with and without a way around each: what arrives, and which learns"
    measured = Measured
    next_commands = (
        "misstep train digits --network dense24-tanh-dense24-tanh-dense24-tanh",
        "misstep lab vanishing",
        "misstep lab batch-norm",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("what passes thirty layers")
        split = digits()
        deep = DEPTHS[-1]
        return Measured(
            _ways(),
            _passing(_plain(deep, Sigmoid), split),
            _passing(_around(deep, Sigmoid), split),
            _passing(_around(deep, ReLU), split),
            _passing(_around(deep, LayerNorm, ReLU), split),
            tuple(
                Pair(
                    depth,
                    _learned(bench, f"plain, {depth} layers", _plain(depth, Tanh), split),
                    _learned(bench, f"shortcuts, {depth} layers", _around(depth, Tanh), split),
                )
                for depth in DEPTHS
            ),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._two_ways(measured)
        yield self._arrives(measured)
        yield self._learns(measured)
        yield self._grows(measured)

    def _two_ways(self, measured: Measured) -> Section:
        ways = measured.ways
        moments = (1, 2, 3, 10, 20, LAYERS)
        return Section(
            "A product, or a sum of ways",
            (
                "A layer y = f(x) passes on f′ of the blame that reaches it; say "
                f"{figure(FACTOR)}. Thirty of them multiply it by {figure(FACTOR)} thirty times "
                f"over: {two_figures(ways.plain[-1])} is left.",
                "With a shortcut around the layer, y = x + f(x), and it passes on 1 + f′. The 1 is "
                "the shortcut: on it nothing is multiplied. However small f′ is, the blame comes "
                "through. It even grows; more of that below.",
            ),
            (
                Table(
                    "What a gradient of 1 has become, by the engine's reverse mode",
                    ("layers", "y = f(x)", "y = x + f(x)"),
                    tuple(
                        (
                            str(count),
                            two_figures(ways.plain[count - 1]),
                            two_figures(ways.around[count - 1]),
                        )
                        for count in moments
                    ),
                    (0, 1, 2),
                ),
            ),
        )

    def _arrives(self, measured: Measured) -> Section:
        plain, around = measured.plain, measured.around
        return Section(
            "What arrives, thirty layers deep",
            (
                f"Now a fresh network: {LAYERS} layers of {WIDTH} sigmoids, and ten outputs. "
                f"{ROWS} scanned digits go through it, and the blame for its guesses comes back.",
                f"Plain, the first layer gets {_share(plain)} of the blame that reaches the last "
                f"one; with a shortcut around each layer {_share(around)}.",
            ),
            (
                _blame("Plain: the blame that reaches each layer", plain, around),
                _blame("Shortcuts: the blame that reaches each layer", around, plain),
            ),
        )

    def _learns(self, measured: Measured) -> Section:
        deepest = measured.pairs[-1]
        shallow = measured.pairs[0]
        return Section(
            "Which learns",
            (
                "A sigmoid passes on little; that can be helped by another activation. So here "
                "is the harder case: tanh, which passes on up to 1. In the plain network of "
                f"{deepest.depth} layers, the first layer's weights get "
                f"{two_figures(deepest.plain.first_to_last)} times the gradient of the last "
                "one's. Nothing vanishes.",
                f"Yet the deeper a plain network is, the less it learns: {shallow.depth} layers "
                f"are wrong on {percent(shallow.plain.error)} of the digits that they never saw, "
                f"{deepest.depth} layers on {percent(deepest.plain.error)}; a guess on "
                f"{percent(GUESS)}. That is no overfitting: its loss on the rows it learns from is "
                f"{deepest.plain.loss:.2f} as well, against {shallow.plain.loss:.2f}.",
                "It says the same for every digit: what came in is lost on its way forward. A "
                "plain layer that is to change nothing must first learn that. One with a shortcut "
                "changes nothing where its weights are small: it starts from what the layers below "
                f"it knew, and adds. With shortcuts, {deepest.depth} layers are wrong on "
                f"{percent(deepest.around.error)}.",
            ),
            (
                Table(
                    f"Wrong after {EPOCHS} epochs, and the loss of the last one",
                    ("layers", "plain", "loss", "with shortcuts", "loss"),
                    tuple(
                        (
                            str(pair.depth),
                            percent(pair.plain.error),
                            f"{pair.plain.loss:.2f}",
                            percent(pair.around.error),
                            f"{pair.around.loss:.2f}",
                        )
                        for pair in measured.pairs
                    ),
                    (0, 1, 2, 3, 4),
                ),
                Curves(
                    "How many held-out digits were wrong, epoch by epoch",
                    "epoch",
                    "share wrong",
                    tuple(
                        curve_by_epoch(each, each.errors)
                        for pair in measured.pairs
                        for each in (pair.plain, pair.around)
                    ),
                ),
                outcome_of(deepest.plain),
                outcome_of(deepest.around),
            ),
        )

    def _grows(self, measured: Measured) -> Section:
        summed, leveled = measured.summed, measured.leveled
        return Section(
            "The highway needs a limit",
            (
                "What goes around every layer adds up. Tanh adds at most 1 in a layer. ReLU has "
                "no such end: the more comes in, the more a layer adds.",
                f"In a fresh network of ReLUs the outputs grow by a factor of "
                f"{_grown(summed) ** (1 / (LAYERS - 1)):.2f} in each layer, {_growth(summed)}-fold "
                f"in all. With layer normalization in front of each, what a layer sees always has "
                f"the same size, so that each adds about as much as any other: they grow "
                f"{_growth(leveled)}-fold. That is why deep networks have a normalization in every "
                "block.",
            ),
            (
                Table(
                    "How large the outputs of the layers are, on the way forward",
                    ("layer", "shortcuts", "shortcuts and normalization"),
                    tuple(
                        (one.layer, two_figures(one.forward), two_figures(other.forward))
                        for one, other in _some(summed, leveled)
                    ),
                    (1, 2),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        ways = measured.ways
        plain, around = measured.plain, measured.around
        yield Claim(
            f"After {LAYERS} layers that pass on {figure(FACTOR)}, {two_figures(ways.plain[-1])} "
            f"of a gradient is left; with shortcuts {two_figures(ways.around[-1])}, that is 1.25 "
            f"to the power of {LAYERS}.",
            abs(ways.plain[-1] / FACTOR**LAYERS - 1) < 1e-12
            and abs(ways.around[-1] / (1 + FACTOR) ** LAYERS - 1) < 1e-12,
        )
        yield Claim(
            f"Thirty sigmoids deep the first layer gets {_share(plain)} of the last one's blame, "
            f"with shortcuts {_share(around)}.",
            plain[0].backward / plain[-1].backward < 1e-12
            and 0.1 < around[0].backward / around[-1].backward < 10,
        )
        errors = [pair.plain.error for pair in measured.pairs]
        yield Claim(
            f"The deeper a plain network is, the more it gets wrong: "
            f"{', '.join(map(percent, errors))}.",
            errors == sorted(errors) and errors[0] < 0.1 and errors[-1] > 0.6,
        )
        losses = [pair.plain.loss for pair in measured.pairs]
        yield Claim(
            "It is no overfitting: the loss on what it learns from grows as well.",
            losses == sorted(losses),
        )
        deepest = measured.pairs[-1]
        yield Claim(
            f"In the deepest plain network no gradient vanishes: the first layer gets "
            f"{two_figures(deepest.plain.first_to_last)} times that of the last.",
            deepest.plain.first_to_last > 0.1 and "vanishing-gradients" not in deepest.plain.found,
        )
        for pair in measured.pairs:
            yield Claim(
                f"{pair.depth} layers with shortcuts learn: {percent(pair.around.error)} wrong.",
                pair.around.error < 0.15,
            )
        yield Claim(
            "The doctor finds that the deepest plain network says the same for every row, "
            "constant-prediction, and nothing with shortcuts.",
            deepest.plain.found[:1] == ("constant-prediction",) and not deepest.around.found,
        )
        summed, leveled = measured.summed, measured.leveled
        yield Claim(
            f"Shortcuts around ReLUs let outputs grow {_growth(summed)}-fold, with layer "
            f"normalization {_growth(leveled)}-fold.",
            _grown(summed) > 1e5 and _grown(leveled) < 50,
        )


def _ways() -> Ways:
    """Return what the engine's reverse mode gives for chains of layers of one weight."""
    left = []
    for shortcut in (False, True):
        value = make_parameter(1.0)
        values = [value]
        for _ in range(LAYERS):
            made = value * FACTOR
            value = value + made if shortcut else made
            values.append(value)
        slopes = evaluate(gradient(value, values[:-1]))
        left.append(tuple(float(each) for each in reversed(slopes)))
    return Ways(*left)


def _plain(depth: int, kind: type[Module]) -> Module:
    """Return so many layers, and ten outputs."""
    hidden = [layer for _ in range(depth) for layer in (Dense(WIDTH), kind())]
    return Sequential(*hidden, Dense(10))


def _around(depth: int, *kinds: type[Module]) -> Module:
    """Return as many layers, all but the first with a shortcut around; the last kind activates."""
    *before, kind = kinds
    blocks = [
        Residual(*(each() for each in before), Dense(WIDTH), kind()) for _ in range(depth - 1)
    ]
    return Sequential(Dense(WIDTH), kind(), *blocks, Dense(10))


def _passing(layers: Module, split: Split) -> tuple[LayerSignal, ...]:
    """Return what passes each hidden layer of a fresh network, counted from 1."""
    (x, y), _ = split
    network = Network(layers, x.shape[1:])
    made = [
        each
        for each in signals(network, x[:ROWS], y[:ROWS], CrossEntropy(), "")
        # What a block or an activation gives to the next layer; not what is made inside of it.
        if "." not in each.layer and not each.layer.startswith("dense")
    ]
    return tuple(replace(each, layer=str(number)) for number, each in enumerate(made, 1))


def _some(*passing: tuple[LayerSignal, ...]) -> list[tuple[LayerSignal, ...]]:
    """Return the first layer and every SHOWNth of several networks, side by side."""
    return [
        each for at, each in enumerate(zip(*passing, strict=True), 1) if at == 1 or not at % SHOWN
    ]


def _blame(caption: str, shown: tuple[LayerSignal, ...], compared: tuple[LayerSignal, ...]) -> Bars:
    bars = [
        Bar(f"layer {each.layer}", each.backward, two_figures(each.backward))
        for (each,) in _some(shown)
    ]
    span = tuple(each.backward for each in (*shown, *compared))
    return Bars(caption, "slope of the loss", tuple(bars), logarithmic=True, span=span)


def _share(passing: tuple[LayerSignal, ...]) -> str:
    return two_figures(passing[0].backward / passing[-1].backward)


def _grown(passing: tuple[LayerSignal, ...]) -> float:
    return passing[-1].forward / passing[0].forward


def _growth(passing: tuple[LayerSignal, ...]) -> str:
    return two_figures(_grown(passing))


def _learned(bench: Bench, name: str, layers: Module, split: Split) -> Course:
    train, held_out = split
    return bench.train(
        name,
        layers,
        *train,
        loss=CrossEntropy(),
        optimizer=Adam(RATE),
        epochs=EPOCHS,
        validation=held_out,
    )
