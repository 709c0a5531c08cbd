"""`house-price-weight`: a weight with a gradient of −200,000, two rates, and another unit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.explain import EntryName, Explanation, explain
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Formulas, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.words import two_figures
from misstep.nn import Dense, Network, ReLU, Sequential
from misstep.nn.losses import SquaredError
from misstep.optim import SGD
from misstep.text.figures import figure, three_figures, true_minus
from misstep.text.lists import joined
from misstep.train import Callback
from misstep.train.training import Training

# The weight, what its gradient is to be, and the two rates that it is moved with.
W, SLOPE = 0.5, -200_000.0
HIGH, LOW = 1e-4, 1e-6
# A rate that is too low, and those that are tried with prices in dollars and scaled.
SLOWEST = 1e-8
RATES, SCALED_RATES = (HIGH, 1e-5, LOW, 1e-7, SLOWEST), (0.3, 0.1, 0.03, 0.01)
# Houses to learn from and held-out ones, drawn from a seed; first weights from another one.
HOUSES, HELD_OUT, DRAW, FIRST = 60, 40, 0, 5
UNITS, EPOCHS = 4, 200
# Which weight it is: from the first hidden unit to the price.
NAME, PLACE = "dense2.weight", (0, 0)
BEFORE = "dense1.weight"
# How many houses are shown by name, and after how many updates the weight is.
SHOWN, MOMENTS = 4, 6
# How near numbers come that are the same but for roundings of float64.
NEAR = 1e-9


@dataclass(frozen=True)
class House:
    """A house, and how much of the gradient it makes: 2 (p − y) h / houses.

    `hidden`: h, what the first hidden unit gives for it; `said`: p, the price that the network
    says before the first update; `price`: y, in dollars.
    """

    size: float
    rooms: float
    age: float
    price: float
    hidden: float
    said: float
    blame: float


@dataclass(frozen=True)
class Study:
    """A training. `rate`; `scale`: dollars in a unit of the target.

    `weights`: the weight after 0, 1, 2 … updates, the first MOMENTS of them; `first_layer`: the
    norm of the gradient of the first layer's weights at the same moments.
    """

    course: Course
    rate: float
    scale: float
    weights: tuple[float, ...]
    first_layer: tuple[float, ...]

    @property
    def dollars(self) -> float:
        """Return the root of the mean squared error on held-out houses, in dollars."""
        return math.nan if self.course.failed else self.course.error * self.scale

    @property
    def misses(self) -> tuple[float, ...]:
        """Return the same of houses it learns from, before each update."""
        return tuple(math.sqrt(loss) * self.scale for loss in self.course.losses)


@dataclass(frozen=True)
class Measured:
    """The gradient of one weight, house by house, and what rates and units make of it.

    `factor`: what drawn prices were multiplied by, so that the gradient is SLOPE. `most`: the
    houses that blame the weight most; `others`: what the others add up to. `mean`, `spread`: of
    prices, in dollars. `guess`: the held-out error of who always says the mean. `scaled_slope`: the
    gradient of the same weight where prices are standardized.
    """

    factor: float
    most: tuple[House, ...]
    others: float
    slope: float
    text: str
    latex: str
    mean: float
    spread: float
    guess: float
    scaled_slope: float
    dollars: tuple[Study, ...]
    scaled: tuple[Study, ...]


class FirstMoments(Callback):
    """Keeps the numbers of a network after each of the first updates."""

    def __init__(self) -> None:
        self.arrays: list[dict[str, Array]] = []

    def on_training_start(self, training: Training) -> None:
        self._keep(training)

    def on_update(self, training: Training) -> None:
        if len(self.arrays) < MOMENTS:
            self._keep(training)

    def _keep(self, training: Training) -> None:
        kept = {name: np.array(array) for name, array in training.network.arrays().items()}
        self.arrays.append(kept)


class HousePriceWeight(Lab[Measured]):
    """A weight jumps from 0.5 to 20.5, or moves to 0.7; then the prices get another unit."""

    slug = "house-price-weight"
    chapter, place = Chapter.ONE_STEP, 2
    title = "A weight that jumps"
    question = "Why does a weight jump from 0.5 to 20.5 in one step, and what then?"
    summary = "one weight with a gradient of −200,000: two rates, and prices in another unit"
    measured = Measured
    next_commands = ("misstep lab learning-rate", "misstep lab exploding", "misstep lab one-neuron")

    def measure(self, bench: Bench) -> Measured:
        bench.tell("the gradient of one weight")
        (x, drawn), (held_x, held_drawn) = _houses()
        inputs, held = _standardized(x, x), _standardized(held_x, x)
        factor = _factor(inputs, drawn)
        y, held_y = factor * drawn, factor * held_drawn
        mean, spread = float(y.mean()), float(y.std())
        houses = _blamed(x, inputs, y)
        found = _explained(inputs, y)

        def learned(rate: float, center: float, scale: float) -> Study:
            return _learned(
                bench,
                rate,
                scale,
                (inputs, (y - center) / scale),
                (held, (held_y - center) / scale),
            )

        return Measured(
            factor=factor,
            most=tuple(houses[:SHOWN]),
            others=sum(house.blame for house in houses[SHOWN:]),
            slope=found.gradient,
            text=found.text(),
            latex=found.latex(),
            mean=mean,
            spread=spread,
            guess=float(np.sqrt(np.mean((held_y - mean) ** 2))),
            scaled_slope=_slopes(_first(), inputs, (y - mean) / spread)[NAME][PLACE].item(),
            dollars=tuple(learned(rate, 0.0, 1.0) for rate in RATES),
            scaled=tuple(learned(rate, mean, spread) for rate in SCALED_RATES),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._blame(measured)
        yield self._steps(measured)
        yield self._then(measured)
        yield self._unit(measured)

    def _blame(self, measured: Measured) -> Section:
        house = measured.most[0]
        return Section(
            "A gradient of −200,000",
            (
                f"A network learns the prices of {HOUSES} houses from size, rooms and age. It has "
                f"{UNITS} hidden ReLUs. What each gives is multiplied by a weight, and the sum is "
                f"the price in dollars. One of these weights is w = {figure(W)}.",
                "Before any update it says prices of about a dollar; the houses cost "
                f"{_dollars(measured.mean)} on average. The loss is the mean of the squared "
                "misses. A house blames w by 2 (p − y) h, divided by the number of houses: how "
                "far off the price p is, times what the hidden unit gave, h.",
                f"The house that blames it most: 2 × ({_whole(house.said)} − "
                f"{_whole(house.price)}) × {three_figures(house.hidden)} / {HOUSES} = "
                f"{_whole(house.blame)}. All together make {_whole(measured.slope)}. (The prices "
                f"are drawn from a seed, and multiplied by {measured.factor:.4f} so that the sum "
                "is so round.)",
            ),
            (
                Table(
                    "",
                    ("m²", "rooms", "age", "price y", "says p", "hidden h", "its blame of w"),
                    (
                        *(
                            (
                                _whole(each.size),
                                _whole(each.rooms),
                                _whole(each.age),
                                _whole(each.price),
                                f"{each.said:.2f}",
                                three_figures(each.hidden),
                                _whole(each.blame),
                            )
                            for each in measured.most
                        ),
                        (f"{HOUSES - SHOWN} others", "", "", "", "", "", _whole(measured.others)),
                        ("all", "", "", "", "", "", _whole(measured.slope)),
                    ),
                    tuple(range(7)),
                ),
                Formulas(
                    "The same as the library explains any weight; h are the hidden units, W their "
                    "weights:",
                    tuple(measured.text.split("\n")),
                    measured.latex,
                ),
            ),
        )

    def _steps(self, measured: Measured) -> Section:
        high, low = _of_rate(measured.dollars, HIGH), _of_rate(measured.dollars, LOW)
        return Section(
            "Two rates",
            (
                "A weight moves against its gradient, by the rate times its size.",
                f"With a rate of 0.0001: {figure(W)} − 0.0001 × (−200,000) = {figure(W)} + 20 = "
                f"{figure(round(high.weights[1], 9))}. With 0.000001: {figure(W)} + 0.2 = "
                f"{figure(round(low.weights[1], 9))}. The engine's first update makes the same of "
                "it.",
            ),
            (
                Table(
                    "",
                    ("rate", "w before", "step", "w after"),
                    tuple(
                        (
                            _rate(each.rate),
                            figure(W),
                            figure(round(each.weights[1] - W, 9)),
                            figure(round(each.weights[1], 9)),
                        )
                        for each in (high, low)
                    ),
                    (0, 1, 2, 3),
                ),
            ),
        )

    def _then(self, measured: Measured) -> Section:
        high, low = _of_rate(measured.dollars, HIGH), _of_rate(measured.dollars, LOW)
        grown = high.first_layer[1] / high.first_layer[0]
        return Section(
            "What both do to the loss",
            (
                "Misses below are the root of the loss.",
                f"The jump alone does no harm: with w = {figure(round(high.weights[1], 9))} the "
                f"misses are {_dollars(high.misses[1])} instead of {_dollars(high.misses[0])}. The "
                "next step does. The layer before gets its blame through w, and w is 41 times as "
                f"large now. Its gradient had a norm of {_size(high.first_layer[0])}, and now has "
                f"{_size(high.first_layer[1])}: {grown:.0f} times as much. So that layer "
                "jumps, which lets w jump farther.",
                f"At update {high.course.updates + 1} the loss is no number any more. With the "
                f"low rate nothing jumps, and after {EPOCHS} updates the misses on houses that it "
                f"never saw are {_dollars(low.dollars)}; always saying the mean price misses by "
                f"{_dollars(measured.guess)}.",
            ),
            (
                _moments("A rate of 0.0001", high),
                _moments("A rate of 0.000001", low),
                outcome_of(high.course),
            ),
        )

    def _unit(self, measured: Measured) -> Section:
        best = _of_rate(measured.scaled, 0.1)
        dead = [_rate(each.rate) for each in measured.dollars if each.course.failed]
        return Section(
            "Prices in another unit",
            (
                f"Of five rates, {joined(dead)} end without a number, and the lowest is too slow.",
                "The gradient is so large because a miss is counted in dollars. Let the target be "
                f"(price − {_whole(measured.mean)}) / {_whole(measured.spread)}: how many standard "
                "deviations a house is above the mean. Nothing else changes. The gradient of the "
                f"same weight is now {figure(measured.scaled_slope)}, and with a rate of 0.1 it "
                f"moves from {figure(W)} to {figure(best.weights[1])}.",
                f"Now rates from {_rate(min(SCALED_RATES))} to {_rate(max(SCALED_RATES))} learn: "
                "those that are usual, whatever the currency. What the library trains from a "
                "table of its own has its target scaled this way.",
            ),
            (
                Table(
                    f"Misses on {HELD_OUT} houses that it never saw, after {EPOCHS} updates",
                    ("target in", "rate", "updates", "misses, in dollars", "finding"),
                    tuple(
                        (
                            unit,
                            _rate(each.rate),
                            f"{each.course.updates:,}",
                            "no number" if each.course.failed else _whole(each.dollars),
                            each.course.findings[0].slug if each.course.findings else "none",
                        )
                        for unit, studies in (
                            ("dollars", measured.dollars),
                            ("standard deviations", measured.scaled),
                        )
                        for each in studies
                    ),
                    (1, 2, 3),
                ),
                Curves(
                    "How far off prices are, as training goes on",
                    "update",
                    "dollars",
                    tuple(
                        Curve(name, tuple(map(float, range(len(each.misses)))), each.misses)
                        for name, each in (
                            ("dollars, rate 0.000001", _of_rate(measured.dollars, LOW)),
                            ("dollars, rate 0.0000001", _of_rate(measured.dollars, 1e-7)),
                            ("scaled, rate 0.1", best),
                        )
                    ),
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        high, low = _of_rate(measured.dollars, HIGH), _of_rate(measured.dollars, LOW)
        yield Claim(
            f"The gradient of the weight is {_whole(measured.slope)}, the sum of what the houses "
            "blame it for.",
            math.isclose(measured.slope, SLOPE, rel_tol=NEAR)
            and math.isclose(
                sum(each.blame for each in measured.most) + measured.others, SLOPE, rel_tol=NEAR
            ),
        )
        for study, after in ((high, 20.5), (low, 0.7)):
            yield Claim(
                f"With a rate of {_rate(study.rate)} the engine moves it from {figure(W)} to "
                f"{figure(round(study.weights[1], 9))}.",
                study.weights[0] == W and math.isclose(study.weights[1], after, rel_tol=NEAR),
            )
        yield Claim(
            f"With a rate of {_rate(HIGH)} the loss is no number any more at update "
            f"{high.course.updates + 1}, and the doctor names the target's scale.",
            high.course.failed and high.course.found[:1] == ("unscaled-target",),
        )
        yield Claim(
            "After the jump the first layer's gradient is more than thirty times as long.",
            high.first_layer[1] > 30 * high.first_layer[0]
            and low.first_layer[1] < 2 * low.first_layer[0],
        )
        yield Claim(
            f"With a rate of {_rate(LOW)} it learns: misses of {_dollars(low.dollars)}, where the "
            f"mean price misses by {_dollars(measured.guess)}.",
            low.dollars < 0.5 * measured.guess,
        )
        slowest = _of_rate(measured.dollars, SLOWEST)
        yield Claim(
            f"With {_rate(SLOWEST)} it is too slow: misses of {_dollars(slowest.dollars)}.",
            slowest.dollars > measured.guess,
        )
        yield Claim(
            f"In standard deviations the gradient is {figure(measured.scaled_slope)}, and every "
            f"rate from {_rate(min(SCALED_RATES))} to {_rate(max(SCALED_RATES))} learns.",
            abs(measured.scaled_slope) < 10
            and all(each.dollars < 0.5 * measured.guess for each in measured.scaled)
            and not any("unscaled-target" in each.course.found for each in measured.scaled),
        )


def _houses() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return size in m², rooms and age in years, (houses, 3), and prices; and held-out ones."""
    random = np.random.default_rng(DRAW)
    count = HOUSES + HELD_OUT
    size = random.normal(130, 35, count).clip(50, 250).round(1)
    rooms = (size / 30 + random.normal(0, 0.8, count)).round().clip(1, 9)
    age = random.uniform(0, 60, count).round()
    noise = random.normal(0, 15_000, count)
    price = 60_000 + 1_500 * size + 9_000 * rooms - 800 * age + noise
    x = np.stack([size, rooms, age], axis=1)
    return (x[:HOUSES], price[:HOUSES]), (x[HOUSES:], price[HOUSES:])


def _standardized(x: Array, like: Array) -> Array:
    """Return each column as standard deviations of `like` from its mean."""
    return np.asarray((x - like.mean(axis=0)) / like.std(axis=0))


def _first() -> Network:
    """Return the fresh network, in float64, with the weight at W."""
    layers = Sequential(Dense(UNITS), ReLU(), Dense(1))
    network = Network(layers, (3,), dtype="float64", seed=FIRST)
    arrays = {name: np.array(array) for name, array in network.arrays().items()}
    arrays[NAME][PLACE] = W
    network.load(arrays)
    return network


def _hidden_and_said(x: Array) -> tuple[Array, Array]:
    """Return what the first hidden unit gives for each house, and the price that is said."""
    arrays = _first().arrays()
    hidden = np.maximum(x @ arrays[BEFORE] + arrays["dense1.bias"], 0.0)
    said = hidden @ arrays[NAME] + arrays["dense2.bias"]
    return hidden[:, PLACE[0]], said[:, 0]


def _factor(x: Array, drawn: Array) -> float:
    """Return what to multiply prices by so that mean(2 (p − y) h) is SLOPE: linear in y."""
    hidden, said = _hidden_and_said(x)
    return float((np.mean(said * hidden) - SLOPE / 2) / np.mean(drawn * hidden))


def _blamed(houses: Array, x: Array, y: Array) -> list[House]:
    """Return the houses, those first that blame the weight most."""
    hidden, said = _hidden_and_said(x)
    blame = 2 * (said - y) * hidden / len(y)
    order = np.argsort(-np.abs(blame), kind="stable")
    columns = np.column_stack([houses, y, hidden, said, blame])[order]
    return [House(*map(float, row)) for row in columns]


def _explained(x: Array, y: Array) -> Explanation:
    """Return the chain rule of the weight, as the library explains it."""
    network = _first()
    flat = make_parameter(network.parameters, name="parameters")
    said, trace = network.apply(make_literal(x, "float64").named("x"), flat)
    loss = SquaredError()(said, make_literal(y[:, np.newaxis], "float64").named("y"))
    names: dict[Value, str | EntryName] = {
        trace.values[NAME]: EntryName("W", "", ("unit", "")),
        trace.outputs["relu1"]: EntryName("h", "", ("house", "unit")),
        said: EntryName("p", "", ("house", "")),
        trace.values["dense2.bias"]: EntryName("b", "", ("",)),
        loss: "L",
    }
    return explain(loss, trace.values[NAME], PLACE, learning_rate=HIGH, paths=3, names=names)


def _slopes(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """Return the gradient of each parameter by name."""
    flat = make_parameter(network.parameters)
    said, _ = network.apply(make_literal(x, "float64"), flat)
    loss = SquaredError()(said, make_literal(y[:, np.newaxis], "float64"))
    (slopes,) = evaluate([gradient(loss, flat)])
    return network.arrays(slopes)


def _learned(
    bench: Bench,
    rate: float,
    scale: float,
    rows: tuple[Array, Array],
    held_out: tuple[Array, Array],
) -> Study:
    moments = FirstMoments()
    x, y = rows
    course = bench.train(
        f"a rate of {_rate(rate)}" + (", a scaled target" if scale != 1 else ""),
        _first(),
        x,
        y[:, np.newaxis],
        loss=SquaredError(),
        optimizer=SGD(rate),
        batch_size="full",
        epochs=EPOCHS,
        validation=(held_out[0], held_out[1][:, np.newaxis]),
        callbacks=[moments],
    )
    network = _first()
    first_layer = []
    for arrays in moments.arrays:
        network.load(arrays)
        first_layer.append(float(np.linalg.norm(_slopes(network, x, y)[BEFORE])))
    weights = tuple(arrays[NAME][PLACE].item() for arrays in moments.arrays)
    return Study(course, rate, scale, weights, tuple(first_layer))


def _of_rate(studies: tuple[Study, ...], rate: float) -> Study:
    return next(each for each in studies if each.rate == rate)


def _moments(caption: str, study: Study) -> Table:
    """Return the weight and the misses at the first moments of a training."""
    shown = min(len(study.weights), len(study.misses))
    return Table(
        caption,
        ("after update", "w", "gradient of the first layer", "misses, in dollars"),
        tuple(
            (
                str(at),
                three_figures(study.weights[at]),
                _size(study.first_layer[at]),
                _size(study.misses[at]),
            )
            for at in range(shown)
        ),
        (0, 1, 2, 3),
    )


def _whole(number: float) -> str:
    return true_minus(f"{number:,.0f}")


def _size(number: float) -> str:
    return _whole(number) if abs(number) < 1e6 else two_figures(number)


def _dollars(number: float) -> str:
    return f"${number:,.0f}"


def _rate(rate: float) -> str:
    return f"{rate:.8f}".rstrip("0")
