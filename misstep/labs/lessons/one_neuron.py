"""`one-neuron`: one training step of one neuron, worked by hand, and then a thousand of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.explain import explain
from misstep.ir import evaluate, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.exhibits import Computed, Curve, Curves, Flow, Formulas, Table
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.nn import Dense, Network, Sequential, Sigmoid
from misstep.nn.initializers import Constant
from misstep.nn.losses import SquaredError
from misstep.ops import sigmoid
from misstep.optim import SGD
from misstep.text.figures import figure
from misstep.train import Trainer

# The neuron, its one row, and the rate.
X, W, B, Y, RATE = 0.5, 0.4, 0.1, 1.0, 0.1
# Updates after which the neuron is looked at again.
MOMENTS = (0, 1, 10, 100, 1000)
# How near the measured slope and the engine's step must come to the chain rule's.
NEAR = 1e-8


@dataclass(frozen=True)
class Moment:
    """The neuron after so many updates."""

    update: int
    w: float
    b: float
    a: float
    loss: float


@dataclass(frozen=True)
class Step:
    """One step by hand.

    `measured`: the slope by moving w a little both ways; `w_alone`: the loss after the step of w
    alone; `wrong_way`: after a step up the slope; `text`, `latex`: the chain rule as the library
    writes it.
    """

    z: float
    a: float
    loss: float
    loss_by_a: float
    a_by_z: float
    z_by_w: float
    loss_by_w: float
    loss_by_b: float
    measured: float
    new_w: float
    new_b: float
    new_loss: float
    w_alone: float
    wrong_way: float
    text: str
    latex: str


@dataclass(frozen=True)
class Measured:
    """The step by hand, and the same neuron trained by the engine.

    `updates`, `losses`: the error before each of the engine's updates.
    """

    step: Step
    moments: tuple[Moment, ...]
    updates: tuple[float, ...]
    losses: tuple[float, ...]


class OneNeuron(Lab[Measured]):
    """One neuron: forward, blame, step; the engine does the same."""

    slug = "one-neuron"
    chapter, place = Chapter.ONE_STEP, 1
    title = "One neuron"
    question = "What exactly happens in one training step?"
    summary = "one training step worked by hand, each number shown, and the engine doing the same"
    measured = Measured
    next_commands = (
        "misstep train digits",
        'misstep explain runs/digits/model.misstep digits --weight "dense1.weight[3,5]"',
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("one step by hand")
        step = _by_hand()
        losses: list[float] = []
        moments = tuple(_by_the_engine(bench, losses))
        return Measured(step, moments, tuple(map(float, range(len(losses)))), tuple(losses))

    def sections(self, measured: Measured) -> Iterator[Section]:
        step, moments = measured.step, measured.moments
        by_z = step.loss_by_a * step.a_by_z
        yield Section(
            "Forward: what it says, and how wrong that is",
            (
                f"A neuron has one input x = {figure(X)}, one weight w = {figure(W)} and a bias "
                f"b = {figure(B)}. It multiplies, adds, and squeezes the sum between 0 and 1. "
                f"The right answer is y = {figure(Y)}.",
            ),
            (
                Table(
                    "",
                    ("what", "formula", "number"),
                    (
                        ("the weighted sum", "z = w·x + b", figure(step.z)),
                        ("the answer", "a = σ(z)", figure(step.a)),
                        ("the error", "L = ½ (a − y)²", figure(step.loss)),
                    ),
                    (2,),
                ),
            ),
        )
        yield Section(
            "Backward: who is to blame",
            (
                "If w were a little larger, z would be larger by x times as much, a by the slope "
                "of σ times that, and L by (a − y) times that. The three slopes are multiplied: "
                "that is the chain rule, and all of backpropagation.",
                f"The product is {figure(step.loss_by_w)}. It is negative: a larger w makes the "
                f"error smaller. Moving w a little both ways and measuring the error gives "
                f"{figure(step.measured)}: the same.",
            ),
            (
                Table(
                    "",
                    ("slope", "formula", "number"),
                    (
                        ("of the error, by the answer", "∂L/∂a = a − y", figure(step.loss_by_a)),
                        ("of the answer, by the sum", "∂a/∂z = a (1 − a)", figure(step.a_by_z)),
                        ("of the sum, by the weight", "∂z/∂w = x", figure(step.z_by_w)),
                        (
                            "of the error, by the weight",
                            "∂L/∂w = their product",
                            figure(step.loss_by_w),
                        ),
                    ),
                    (2,),
                ),
                Flow(
                    "Numbers go forward, blame comes back: below each number stands the slope of "
                    "the error by it",
                    (
                        Computed("w", figure(W), f"∂L/∂w = {figure(step.loss_by_w)}"),
                        Computed("z = w·x + b", figure(step.z), f"∂L/∂z = {figure(by_z)}"),
                        Computed("a = σ(z)", figure(step.a), f"∂L/∂a = {figure(step.loss_by_a)}"),
                        Computed("L = ½ (a − y)²", figure(step.loss), "1"),
                    ),
                    (figure(step.z_by_w), figure(step.a_by_z), figure(step.loss_by_a)),
                ),
                Formulas(
                    "The same as the library writes it for any weight of any network:",
                    tuple(step.text.split("\n")),
                    step.latex,
                ),
            ),
        )
        yield Section(
            "The step: a little less wrong",
            (
                f"The weight moves against its slope, by a share of it: the learning rate "
                f"η = {figure(RATE)}. w − η ∂L/∂w = {figure(W)} + {figure(RATE)} × "
                f"{figure(-step.loss_by_w)} = {figure(step.new_w)}. The bias does the same: "
                f"{figure(B)} becomes {figure(step.new_b)}.",
                f"The error falls from {figure(step.loss)} to {figure(step.new_loss)}: to "
                f"{figure(step.w_alone)} by the weight alone, the rest is the bias. A step the "
                f"other way, up the slope, would have raised it to {figure(step.wrong_way)}.",
            ),
        )
        last = moments[-1]
        yield Section(
            "A thousand steps",
            (
                "The engine trains the same neuron, as it trains any network. Its first step is "
                "the one above.",
                f"After {last.update:,} steps it says {figure(last.a)}, and the error is "
                f"{figure(last.loss)}. The steps get smaller as it gets better, since the blame "
                "does: nobody had to lower the rate.",
            ),
            (
                Table(
                    "",
                    ("after step", "w", "b", "answer a", "error L"),
                    tuple(
                        (
                            f"{one.update:,}",
                            figure(one.w),
                            figure(one.b),
                            figure(one.a),
                            figure(one.loss),
                        )
                        for one in moments
                    ),
                    (0, 1, 2, 3, 4),
                ),
                Curves("", "step", "error", (Curve("error", measured.updates, measured.losses),)),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        step, moments = measured.step, measured.moments
        by_hand = {
            "z": (step.z, "0.3"),
            "a": (step.a, "0.5744"),
            "L": (step.loss, "0.0905"),
            "∂L/∂w": (step.loss_by_w, "−0.0520"),
            "w after the step": (step.new_w, "0.4052"),
        }
        for name, (number, expected) in by_hand.items():
            yield Claim(f"{name} is {figure(number)}.", figure(number) == expected)
        product = step.loss_by_a * step.a_by_z * step.z_by_w
        yield Claim(
            "The slope of the error by the weight is the product of the three slopes on the way.",
            abs(product - step.loss_by_w) < NEAR,
        )
        yield Claim(
            "Measured by moving the weight, the slope is the same.",
            abs(step.measured - step.loss_by_w) < NEAR,
        )
        yield Claim(
            "A step down the slope makes the error smaller, a step up larger.",
            step.new_loss < step.loss < step.wrong_way,
        )
        yield Claim(
            "The engine's first step is the one by hand.",
            abs(moments[1].w - step.new_w) < NEAR and abs(moments[1].b - step.new_b) < NEAR,
        )
        losses = (*measured.losses, moments[-1].loss)
        yield Claim(
            f"The error falls at each of {len(measured.losses):,} steps, from "
            f"{figure(losses[0])} to {figure(losses[-1])}.",
            all(after < before for before, after in itertools.pairwise(losses)),
        )


def _by_hand() -> Step:
    w, b = make_parameter(W, name="w"), make_parameter(B, name="b")
    x, y = make_parameter(X, name="x"), Y
    z = w * x + b
    a = sigmoid(z)
    loss = 0.5 * (a - y) ** 2
    by_a, by_w, by_b = gradient(loss, [a, w, b])
    a_by_z, z_by_w = gradient(a, z), gradient(z, w)
    found = evaluate([z, a, loss, by_a, a_by_z, z_by_w, by_w, by_b])
    numbers = [float(each) for each in found]
    slope, bias_slope = numbers[-2:]
    explained = explain(
        loss, w, learning_rate=RATE, names={x: "x", z: "z", a: "a", loss: "L", w: "w", b: "b"}
    )
    return Step(
        z=numbers[0],
        a=numbers[1],
        loss=numbers[2],
        loss_by_a=numbers[3],
        a_by_z=numbers[4],
        z_by_w=numbers[5],
        loss_by_w=slope,
        loss_by_b=bias_slope,
        measured=explained.finite_difference,
        new_w=W - RATE * slope,
        new_b=B - RATE * bias_slope,
        new_loss=_loss(W - RATE * slope, B - RATE * bias_slope),
        w_alone=_loss(W - RATE * slope, B),
        wrong_way=_loss(W + RATE * slope, B + RATE * bias_slope),
        text=explained.text(),
        latex=explained.latex(),
    )


def _loss(w: float, b: float) -> float:
    return float(0.5 * (1.0 / (1.0 + np.exp(-(w * X + b))) - Y) ** 2)


def _by_the_engine(bench: Bench, losses: list[float]) -> Iterator[Moment]:
    """Yield the neuron at each moment; what it loses before each update goes into `losses`."""
    layers = Sequential(Dense(1, initializer=Constant(W), bias_initializer=Constant(B)), Sigmoid())
    network = Network(layers, input_shape=(1,), dtype="float64")
    trainer = Trainer(
        network,
        loss=SquaredError(half=True),
        optimizer=SGD(RATE),
        batch_size=1,
        threads=bench.threads,
    )
    x, y = [[X]], [[Y]]
    done = 0
    for moment in MOMENTS:
        if moment > done:
            course = bench.fit(
                f"steps {done + 1:,} to {moment:,}", trainer, x, y, epochs=moment - done
            )
            losses += course.losses[-(moment - done) :]
            done = moment
        w, b = (float(array.item()) for array in network.arrays().values())
        a = float(network.predict(x).item())
        yield Moment(moment, w, b, a, 0.5 * (a - Y) ** 2)
