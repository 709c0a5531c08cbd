"""`cat-or-dog`: a picture that is said wrongly, who is blamed for it, and what is said then."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.explain import EntryName, contributions, explain
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.labs.animals import CAT, DOG, NAMES, SIDE, animals
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Curve, Curves, Formulas, Picture, Pictures, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.nn import Dense, Flatten, Network, ReLU, Sequential
from misstep.nn.losses import BinaryCrossEntropy
from misstep.optim import SGD
from misstep.text.figures import figure, percent, true_minus
from misstep.text.lists import joined
from misstep.train import Callback
from misstep.train.training import Training

# Pictures to learn from and held-out ones, and the seeds that they are drawn from.
LEARNED, HELD_OUT, DRAW, OTHERS = 200, 100, 0, 1
UNITS, RATE, BATCH = 8, 0.02, 10
# Epochs before the picture is looked at, and after that: of all pictures, or of this one alone.
BEFORE, AFTER, ALONE = 1, 9, 5
# The first layer's and the last layer's weights.
FIRST, LAST = "dense1.weight", "dense2.weight"
# Decimals of a shown pixel.
SHADES = 3
NEAR = 1e-9

Pixels = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Neuron:
    """A hidden neuron's part in what was said, and its blame for it.

    `gave`: its output; `weight`: to the sum; `spoke`: their product, above 0 for dog. `blame`: the
    slope of the loss by its output, 0 for one that was off; `weight_blame`: by its weight.
    """

    name: str
    gave: float
    weight: float
    spoke: float
    blame: float
    weight_blame: float


@dataclass(frozen=True)
class Moment:
    """What is said at a moment: `probability` of dog, for the picture.

    `wrong`: the share of held-out ones said wrongly; `cats`: of those said to be cats.
    """

    probability: float
    wrong: float
    cats: float


@dataclass(frozen=True)
class Measured:
    """A picture said wrongly, its blame, an update, and what came of three ways to go on.

    `examples`: a cat, a dog, a cat, a dog. `wrong`: of LEARNED pictures, how many are said wrongly.
    `picture`: the worst of them, its kind `right`; `probability`: of dog; `bias`: of the sum.
    `for_dog`, `for_cat`: what each pixel added to the sum. `blamed`: of all weights and biases,
    `of`, how many have a part in the mistake. `change`: of the weights from the picture to the most
    blamed neuron, in the update. `alone`: before and after each update by this picture alone;
    `together`: before and after each epoch of all pictures.
    """

    course: Course
    examples: tuple[Pixels, ...]
    wrong: int
    picture: Pixels
    right: int
    probability: float
    neurons: tuple[Neuron, ...]
    bias: float
    for_dog: Pixels
    for_cat: Pixels
    blamed: int
    of: int
    text: str
    latex: str
    weight_before: float
    weight_after: float
    weight_gradient: float
    change: Pixels
    change_is_picture: float
    alone: tuple[Moment, ...]
    together: tuple[Moment, ...]
    later: Course

    @property
    def said(self) -> int:
        """Return what was said of the picture."""
        return DOG if self.probability > 0.5 else CAT


class Moments(Callback):
    """Looks at what is said, before training and after each update, or epoch, as asked."""

    def __init__(self, picture: Array, held_out: tuple[Array, Array], every_update: bool) -> None:
        self.picture, self.held_out, self.every_update = picture, held_out, every_update
        self.moments: list[Moment] = []
        self.arrays: list[dict[str, Array]] = []

    def on_training_start(self, training: Training) -> None:
        self._look(training)

    def on_planned_update(self, training: Training) -> None:
        self._look(training)

    def planned_update(self, update: int) -> int | None:
        return update + 1 if self.every_update else None

    def on_epoch_end(self, training: Training) -> None:
        if not self.every_update:
            self._look(training)

    def _look(self, training: Training) -> None:
        network = training.network
        x, y = self.held_out
        probability = float(_dog(network, self.picture[np.newaxis])[0])
        said = _dog(network, x) > 0.5
        wrong, cats = float(np.mean(said != y)), float(np.mean(~said))
        self.moments.append(Moment(probability, wrong, cats))
        self.arrays.append({name: np.array(array) for name, array in network.arrays().items()})


class CatOrDog(Lab[Measured]):
    """A little drawn cat is said to be a dog: neurons, weights and pixels are blamed for it."""

    slug = "cat-or-dog"
    chapter, place = Chapter.ONE_STEP, 4
    title = "A cat that is said to be a dog"
    question = "What happens inside a network when one picture is said wrongly?"
    summary = (
        "one picture said wrongly: which neurons and weights are blamed, and what is said then"
    )
    measured = Measured
    next_commands = ("misstep lab one-neuron", "misstep lab spam-word", "misstep train digits")

    def measure(self, bench: Bench) -> Measured:
        x, y = animals(LEARNED, DRAW)
        held_out = animals(HELD_OUT, OTHERS)
        network = _network()
        course = _train(bench, "cats and dogs", network, x, y, BEFORE, held_out)
        before = {name: np.array(array) for name, array in network.arrays().items()}
        said = _dog(network, x)
        row = int(np.argmax(np.abs(said - y)))
        picture, right = x[row], int(y[row])
        graph = _Graph(network, picture, right)
        network.load(before)
        alone = Moments(picture, held_out, every_update=True)
        _train(bench, "this picture alone", network, x[[row]], y[[row]], ALONE, held_out, alone)
        network.load(before)
        together = Moments(picture, held_out, every_update=False)
        later = _train(bench, "all pictures again", network, x, y, AFTER, held_out, together)
        most = graph.most_blamed
        first, second = (arrays[FIRST][:, most] for arrays in alone.arrays[:2])
        change = np.abs(second - first).reshape(SIDE, SIDE)
        explained = explain(
            graph.loss, graph.values[FIRST], graph.entry, learning_rate=RATE, names=graph.names
        )
        return Measured(
            course=course,
            examples=tuple(_pixels(each) for each in x[:4]),
            wrong=int(np.sum((said > 0.5) != y)),
            picture=_pixels(picture),
            right=right,
            probability=float(said[row]),
            neurons=graph.neurons(),
            bias=float(before["dense2.bias"][0]),
            for_dog=_pixels(_brightest(np.maximum(graph.spoke, 0))),
            for_cat=_pixels(_brightest(np.maximum(-graph.spoke, 0))),
            blamed=int(np.count_nonzero(graph.slopes)),
            of=network.parameter_count,
            text=explained.text(),
            latex=explained.latex(),
            weight_before=float(alone.arrays[0][FIRST][graph.entry]),
            weight_after=float(alone.arrays[1][FIRST][graph.entry]),
            weight_gradient=explained.gradient,
            change=_pixels(_brightest(change)),
            change_is_picture=float(np.abs(_brightest(change) - _brightest(picture)).max()),
            alone=tuple(alone.moments),
            together=tuple(together.moments),
            later=later,
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._pictures(measured)
        yield self._says(measured)
        yield self._blames(measured)
        yield self._updates(measured)
        yield self._goes_on(measured)

    def _pictures(self, measured: Measured) -> Section:
        return Section(
            "Cats and dogs",
            (
                f"These animals are drawn from a seed, {SIDE} × {SIDE} pixels each. A cat has "
                "pointed ears on top; a dog has hanging ears and a snout. Size, place and fur "
                "differ, and every pixel has noise.",
            ),
            (
                Pictures(
                    f"Four of {LEARNED} to learn from",
                    tuple(
                        Picture(f"a {NAMES[place % 2]}", pixels)
                        for place, pixels in enumerate(measured.examples)
                    ),
                ),
            ),
        )

    def _says(self, measured: Measured) -> Section:
        on = [each for each in measured.neurons if each.gave > 0]
        total = sum(each.spoke for each in measured.neurons) + measured.bias
        right, said = NAMES[measured.right], NAMES[measured.said]
        strongest = max(on, key=lambda each: each.spoke)
        return Section(
            f"A {right} that is said to be a {said}",
            (
                f"A small network learns from them: {UNITS} hidden ReLUs, each sees all pixels. "
                "Their outputs, each times a weight, are added up to a sum z, and a sigmoid makes "
                f"the probability of dog from it. After one epoch, {measured.course.updates} "
                f"updates, it says {measured.wrong} of {LEARNED} pictures wrongly. This {right} "
                "is the worst of them: a dog with "
                f"{percent(measured.probability)}.",
                f"{len(on)} of the {UNITS} neurons are on. What each adds to the sum is what it "
                f"gives times its weight. {strongest.name.capitalize()} speaks for dog the most, "
                f"by {_signed(strongest.spoke)}. All together, with the bias, make z = "
                f"{_signed(total)}.",
                "What a pixel added can be told as well: its brightness times the slope of z by "
                "it. Bright places below spoke for dog, or for cat.",
            ),
            (
                Pictures(
                    "The picture, and what in it spoke for which",
                    (
                        Picture(f"the {right}", measured.picture),
                        Picture("spoke for dog", measured.for_dog),
                        Picture("spoke for cat", measured.for_cat),
                    ),
                ),
            ),
        )

    def _blames(self, measured: Measured) -> Section:
        error = measured.probability - measured.right
        off = [each.name.split()[1] for each in measured.neurons if each.gave == 0]
        return Section(
            "Who is blamed",
            (
                f"The blame of the sum is p − y = {figure(measured.probability)} − "
                f"{measured.right} = {figure(error)}, above 0: the sum should have been lower. "
                "It is handed back. A neuron gets it times its weight; a weight gets it times "
                "what the neuron gave.",
                f"A neuron that is off gave nothing, and gets nothing: {_are_off(off)}. Those that "
                "spoke for cat are blamed too, with the other sign: they should have spoken "
                "louder.",
                f"In the first layer a weight's blame is the neuron's, times the pixel. Of "
                f"{measured.of:,} weights and biases {measured.blamed:,} have a part in the "
                "mistake.",
            ),
            (
                Table(
                    "",
                    ("neuron", "gave", "weight", "adds to z", "its blame", "its weight's blame"),
                    tuple(
                        (
                            each.name,
                            figure(each.gave),
                            figure(each.weight),
                            _signed(each.spoke),
                            figure(each.blame),
                            figure(each.weight_blame),
                        )
                        for each in measured.neurons
                    ),
                    (1, 2, 3, 4, 5),
                ),
                Formulas(
                    "The chain rule of the weight in the first layer that is blamed most; x is the "
                    "picture, W1 its weights, a what neurons give, W2 theirs:",
                    tuple(measured.text.split("\n")),
                    measured.latex,
                ),
            ),
        )

    def _updates(self, measured: Measured) -> Section:
        before, after = measured.alone[:2]
        right = NAMES[measured.right]
        return Section(
            "The update, and what is said then",
            (
                f"Every blamed weight moves against its blame, by the rate {figure(RATE)} times "
                f"its size. The one above goes from {figure(measured.weight_before)} to "
                f"{figure(measured.weight_after)}. None moves far; but {measured.blamed:,} of "
                "them move at once, each the right way.",
                f"Asked again, the network says dog with {percent(after.probability)} instead of "
                f"{percent(before.probability)}: it is a {right} now.",
                "What did it learn? The weights of a neuron changed by its blame times each pixel. "
                "So the change is the picture itself, lighter or darker.",
            ),
            (
                Pictures(
                    "",
                    (
                        Picture(f"the {right}", measured.picture),
                        Picture("the change", measured.change),
                    ),
                ),
            ),
        )

    def _goes_on(self, measured: Measured) -> Section:
        alone, together = measured.alone, measured.together
        return Section(
            "One picture is a bad teacher",
            (
                f"Let this picture teach alone, {ALONE} updates long. It is said better each time. "
                f"But of {HELD_OUT} animals that it never saw, {percent(alone[0].wrong)} were said "
                f"wrongly before, and {percent(alone[-1].wrong)} afterwards: to "
                f"{percent(alone[-1].cats)} of them it now says cat. No other picture objected.",
                f"Learning from all pictures, {BATCH} in each update, their blames are averaged. "
                f"After {AFTER} more epochs {percent(together[-1].wrong)} of the others are wrong, "
                f"and the probability of dog for this one is {percent(together[-1].probability)}.",
            ),
            (
                Table(
                    "",
                    ("updates by this picture alone", "dog, it says", "others wrong"),
                    _rows(alone),
                    (0, 1, 2),
                ),
                Table(
                    "",
                    ("epochs of all pictures", "dog, it says", "others wrong"),
                    _rows(together),
                    (0, 1, 2),
                ),
                Curves(
                    "Held-out animals said wrongly",
                    "updates by this picture, or epochs of all",
                    "share wrong",
                    tuple(
                        Curve(
                            name,
                            tuple(map(float, range(len(moments)))),
                            tuple(each.wrong for each in moments),
                        )
                        for name, moments in (("this picture", alone), ("all pictures", together))
                    ),
                ),
                outcome_of(measured.later),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        right = NAMES[measured.right]
        yield Claim(
            f"A {right} is said to be a dog with {percent(measured.probability)}.",
            measured.said != measured.right,
        )
        total = sum(each.spoke for each in measured.neurons) + measured.bias
        yield Claim(
            f"What the neurons add, and the bias, is the sum: its sigmoid is "
            f"{percent(_sigmoid(total))}.",
            math.isclose(_sigmoid(total), measured.probability, rel_tol=NEAR),
        )
        error = measured.probability - measured.right
        yield Claim(
            "Each neuron that is on is blamed by (p − y) times its weight, its weight by (p − y) "
            "times what it gave; one that is off is not blamed.",
            all(
                math.isclose(each.weight_blame, error * each.gave, abs_tol=NEAR)
                and math.isclose(
                    each.blame, error * each.weight if each.gave > 0 else 0.0, abs_tol=NEAR
                )
                for each in measured.neurons
            ),
        )
        moved = measured.weight_after - measured.weight_before
        yield Claim(
            "The engine's update moves the most blamed weight by the rate times its blame.",
            math.isclose(moved, -RATE * measured.weight_gradient, rel_tol=1e-6),
        )
        yield Claim(
            "The change of a neuron's weights is the picture, but for its brightness.",
            measured.change_is_picture < 1e-6,
        )
        before, after = measured.alone[:2]
        yield Claim(
            f"After one update it is said rightly: dog with {percent(after.probability)} instead "
            f"of {percent(before.probability)}.",
            (after.probability > 0.5) == (measured.right == DOG),
        )
        yield Claim(
            f"Taught by this picture alone, {percent(measured.alone[-1].wrong)} of the others are "
            f"wrong after {ALONE} updates, instead of {percent(before.wrong)}.",
            measured.alone[-1].wrong > before.wrong + 0.2,
        )
        last = measured.together[-1]
        yield Claim(
            f"Taught by all of them, {percent(last.wrong)} of the others are wrong, and this one "
            f"is a dog with {percent(last.probability)}.",
            last.wrong < 0.02 and (last.probability > 0.5) == (measured.right == DOG),
        )


class _Graph:
    """The network's graph for one picture with its answer: what each entry gave, and its blame."""

    def __init__(self, network: Network, picture: Array, right: int) -> None:
        flat = make_parameter(network.parameters, name="parameters")
        self.pixels = make_parameter(_rows_of(picture[np.newaxis]))
        self.sum, trace = network.apply(self.pixels, flat)
        answer = make_literal(np.array([[float(right)]]))
        self.loss = BinaryCrossEntropy()(self.sum, answer)
        self.values = trace.values
        self.hidden = trace.outputs["relu1"]
        (self.slopes,) = evaluate([gradient(self.loss, flat)])
        by_name = network.arrays(self.slopes)
        self._weights, self._weight_blames = network.arrays()[LAST][:, 0], by_name[LAST][:, 0]
        flat_place = int(np.argmax(np.abs(by_name[FIRST])))
        entry = np.unravel_index(flat_place, by_name[FIRST].shape)
        # Where the weight of the first layer stands that is blamed most: pixel, and neuron.
        self.entry = int(entry[0]), int(entry[1])
        self.most_blamed = self.entry[1]
        (slope,) = evaluate([gradient(self.sum, self.pixels, make_literal(np.ones((1, 1))))])
        # What each pixel added to the sum.
        self.spoke: Array = (slope * evaluate([self.pixels])[0]).reshape(SIDE, SIDE)
        places = [f"{at // SIDE},{at % SIDE}" for at in range(SIDE * SIDE)]
        units = [str(at + 1) for at in range(UNITS)]
        self.names: dict[Value, str | EntryName] = {
            trace.outputs["flatten1"]: EntryName("x", "", ("", "pixel"), {1: places}),
            self.values[FIRST]: EntryName("W1", "", ("pixel", "neuron"), {0: places, 1: units}),
            trace.outputs["dense1"]: EntryName("s", "", ("", "neuron"), {1: units}),
            self.hidden: EntryName("a", "", ("", "neuron"), {1: units}),
            self.values[LAST]: EntryName("W2", "", ("neuron", ""), {0: units}),
            self.values["dense1.bias"]: EntryName("b1", "", ("neuron",), {0: units}),
            self.values["dense2.bias"]: EntryName("b2", "", ("",)),
            self.sum: EntryName("z", "", ("", "")),
            self.loss: "L",
        }

    def neurons(self) -> tuple[Neuron, ...]:
        """Return the hidden neurons, from the first on."""
        spoke = {each.index[0]: each for each in contributions(self.sum, {"hidden": self.hidden})}
        blames = evaluate([gradient(self.loss, self.hidden)])[0][0]
        return tuple(
            Neuron(
                name=f"neuron {at + 1}",
                gave=spoke[at].activation,
                weight=float(self._weights[at]),
                spoke=spoke[at].contribution,
                # What comes back to the output of one that is off goes no further.
                blame=float(blames[at]) if spoke[at].activation > 0 else 0.0,
                weight_blame=float(self._weight_blames[at]),
            )
            for at in range(UNITS)
        )


def _network() -> Network:
    layers = Sequential(Flatten(), Dense(UNITS), ReLU(), Dense(1))
    return Network(layers, (SIDE, SIDE, 1), dtype="float64")


def _train(
    bench: Bench,
    name: str,
    network: Network,
    x: Array,
    y: Array,
    epochs: int,
    held_out: tuple[Array, Array],
    *looking: Callback,
) -> Course:
    held_x, held_y = held_out
    return bench.train(
        name,
        network,
        _rows_of(x),
        y[:, np.newaxis],
        loss=BinaryCrossEntropy(),
        optimizer=SGD(RATE),
        batch_size=BATCH,
        epochs=epochs,
        validation=(_rows_of(held_x), held_y[:, np.newaxis]),
        callbacks=looking,
    )


def _rows_of(pictures: Array) -> Array:
    """Return pictures as the network takes them, (pictures, SIDE, SIDE, 1)."""
    return pictures[..., np.newaxis]


def _dog(network: Network, pictures: Array) -> Array:
    """Return the probability of dog of each picture."""
    return np.asarray(network.predict(_rows_of(pictures), loss=BinaryCrossEntropy())[:, 0])


def _sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


def _brightest(pixels: Array) -> Array:
    """Return numbers of 0 or more with the largest at 1."""
    return np.asarray(pixels / (pixels.max() or 1.0))


def _pixels(picture: Array) -> Pixels:
    return tuple(tuple(round(float(pixel), SHADES) for pixel in row) for row in picture)


def _rows(moments: tuple[Moment, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (str(at), percent(each.probability), percent(each.wrong)) for at, each in enumerate(moments)
    )


def _signed(number: float) -> str:
    return true_minus(f"{number:+.3f}")


def _are_off(names: list[str]) -> str:
    if not names:
        return "here all are on"
    return f"{'neurons' if len(names) > 1 else 'neuron'} {joined(names)}"
