"""`exploding`: numbers that grow from layer to layer until they are none, and what holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.labs.bench import Bench
from misstep.labs.chains import Chain, chain
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curve, Curves, Table, curve_by_epoch, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.passage import LayerSignal, signals
from misstep.labs.tasks import digits
from misstep.labs.words import times, two_figures
from misstep.nn import BatchNorm, Dense, Module, Network, ReLU, Sequential
from misstep.nn.initializers import Initializer, Normal
from misstep.nn.losses import CrossEntropy
from misstep.optim import SGD, ClipNorm
from misstep.text.figures import figure, percent, three_figures

# What each layer of a chain multiplies by, over and over.
GROWS_BY = (2.1, 1.8, 2.3)
LAYERS = 30
# The network, and the standard deviation that its weights are drawn with: at a width of 24 He's
# would be √(2 / 24) = 0.29.
DEPTH, WIDTH, TOO_WIDE = 10, 24, 0.5
# Rows of a first look.
ROWS = 128
EPOCHS, RATE, MOMENTUM = 20, 0.01, 0.9
LOWER_RATE, LIMIT = 1e-5, 1.0
SICK = "weights too large"
CURES = ("weights of He's scale", "batch norm")
PAINKILLERS = ("clipped to norm 1", "a rate of 0.00001")
# Above it, losses are not told apart in the picture: ten classes lose 2.3 with a guess.
CEILING = 5.0


@dataclass(frozen=True)
class Measured:
    """A chain, what passes both networks, and how they learn.

    `sick`, `cured`: the layers of weights too large and of He's scale before the first update.
    """

    chain: Chain
    sick: tuple[LayerSignal, ...]
    cured: tuple[LayerSignal, ...]
    exploded: Course
    cures: tuple[Course, ...]
    painkillers: tuple[Course, ...]


class Exploding(Lab[Measured]):
    """Ten layers of weights too large; two cures and two that only help to bear it."""

    slug = "exploding"
    chapter, place = Chapter.EVERY_LAYER, 2
    title = "Exploding gradients"
    question = "Why does the loss become no number at all after a few updates?"
    summary = "a gradient that doubles at every layer, a loss that ends as NaN, and four remedies"
    measured = Measured
    next_commands = (
        "misstep train digits --optimizer sgd --learning-rate 30",
        "misstep diagnose runs/digits",
        "misstep lab clipping",
    )

    def measure(self, bench: Bench) -> Measured:
        bench.tell("a chain of layers")
        growing = chain(GROWS_BY, LAYERS)
        train, held_out = digits()
        too_wide = Normal(TOO_WIDE)

        def passing(initializer: Initializer | None) -> tuple[LayerSignal, ...]:
            network = Network(_deep(initializer), train[0].shape[1:])
            return signals(network, train[0][:ROWS], train[1][:ROWS], CrossEntropy())

        def learned(name: str, layers: Module, rate: float = RATE, **settings: Any) -> Course:
            return bench.train(
                name,
                layers,
                *train,
                loss=CrossEntropy(),
                optimizer=SGD(rate, momentum=MOMENTUM),
                epochs=EPOCHS,
                validation=held_out,
                every_step=True,
                **settings,
            )

        return Measured(
            growing,
            passing(too_wide),
            passing(None),
            learned(SICK, _deep(too_wide)),
            (learned(CURES[0], _deep(None)), learned(CURES[1], _deep(too_wide, BatchNorm))),
            (
                learned(PAINKILLERS[0], _deep(too_wide), clipping=ClipNorm(LIMIT)),
                learned(PAINKILLERS[1], _deep(too_wide), LOWER_RATE),
            ),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        left, exploded = measured.chain.left, measured.exploded
        yield Section(
            "Twice, and twice again",
            (
                "On its way back, the blame for an error is multiplied once in each layer. Say "
                f"that the layers multiply by {', '.join(map(figure, GROWS_BY))}, and so on.",
                f"After three layers a gradient of 1 is {three_figures(left[2])}, after ten "
                f"{times(left[9])}, after {LAYERS} {two_figures(left[-1])}.",
            ),
            (
                Bars(
                    "What became of a gradient of 1 after so many layers",
                    "times as large",
                    tuple(
                        Bar(
                            f"{count} {'layer' if count == 1 else 'layers'}",
                            left[count - 1],
                            two_figures(left[count - 1]),
                        )
                        for count in (1, 2, 3, 10, 20, LAYERS)
                    ),
                    logarithmic=True,
                ),
            ),
        )
        sick, cured = measured.sick, measured.cured
        yield Section(
            "A network that amplifies",
            (
                f"Now a real network: {DEPTH} layers of {WIDTH} ReLUs that learn to read digits. "
                f"Its weights are drawn with a standard deviation of {figure(TOO_WIDE)}; a layer "
                f"of {WIDTH} inputs bears {three_figures(np.sqrt(2 / WIDTH))}, by He's rule.",
                "Each layer makes the numbers that pass it larger, on both ways. Forward they "
                f"grow {times(sick[-1].forward / sick[0].forward)}-fold, backward the blame grows "
                f"{times(sick[0].backward / sick[-1].backward)}-fold. With weights of He's scale "
                f"they become {times(cured[-1].forward / cured[0].forward)} and "
                f"{times(cured[0].backward / cured[-1].backward)} times as large.",
                "The gradient of a weight is what comes in, times the blame that comes back. "
                "So all layers get too much, the first as well as the last.",
            ),
            (
                Table(
                    "The size of what each layer says, and of the blame that reaches it",
                    ("layer", "says", "with He's scale", "blame", "with He's scale"),
                    tuple(
                        (
                            one.layer,
                            two_figures(one.forward),
                            two_figures(other.forward),
                            two_figures(one.backward),
                            two_figures(other.backward),
                        )
                        for one, other in zip(sick, cured, strict=True)
                    ),
                    (1, 2, 3, 4),
                ),
                _passing("Forward: what each layer says", sick, cured, back=False),
                _passing("Backward: the blame that reaches it", sick, cured, back=True),
            ),
        )
        yield Section(
            "Then it learns",
            (
                f"Its first loss is {three_figures(exploded.step_losses[0])}; a guess among ten "
                f"digits loses {three_figures(np.log(10))}. At update {len(exploded.step_losses)} "
                "it is no number any more, and training stops.",
            ),
            (
                Table(
                    "The loss of the first updates",
                    ("update", "loss"),
                    tuple(
                        (f"{step:,}", two_figures(loss))
                        for step, loss in enumerate(exploded.step_losses, 1)
                    ),
                    (0, 1),
                ),
                outcome_of(exploded),
            ),
        )
        cures, painkillers = measured.cures, measured.painkillers
        yield Section(
            "Two cures, and two painkillers",
            (
                "Weights of He's scale take the cause away: each layer passes on as much as comes "
                "in. Batch normalization does so too, whatever the weights are.",
                "Clipping and a low rate leave the cause where it is, and make the steps small "
                "enough to survive it: the loss stays a number, and the network learns, slowly. "
                f"After {EPOCHS} epochs the cured are wrong on {_range(cures)} of the digits that "
                f"they never saw, the others on {_range(painkillers)}.",
            ),
            (
                Table(
                    "",
                    ("network", "first loss", "last loss", "wrong at the end", "finding"),
                    tuple(
                        (
                            each.name,
                            three_figures(each.step_losses[0]),
                            three_figures(each.loss) if each.losses else "no number",
                            percent(each.error) if each.errors else "stopped",
                            each.main_finding,
                        )
                        for each in (exploded, *cures, *painkillers)
                    ),
                    (1, 2, 3),
                ),
                Curves(
                    "The training loss, epoch by epoch",
                    "epoch",
                    "loss",
                    tuple(curve_by_epoch(each, each.losses) for each in (*cures, *painkillers)),
                    ceiling=CEILING,
                ),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        left = measured.chain.left
        product = float(np.prod([GROWS_BY[at % len(GROWS_BY)] for at in range(LAYERS)]))
        yield Claim(
            f"A gradient that passes {LAYERS} layers of 2.1, 1.8, 2.3 … is {two_figures(left[-1])} "
            "times as large, their product.",
            abs(left[-1] / product - 1) < 1e-12 and left[-1] > 1e9,
        )
        sick, cured = measured.sick, measured.cured
        grown = sick[0].backward / sick[-1].backward
        yield Claim(
            f"In the network the blame grows {times(grown)}-fold on its way back; with weights of "
            f"He's scale {times(cured[0].backward / cured[-1].backward)}-fold.",
            grown > 100 and cured[0].backward / cured[-1].backward < 5,
        )
        exploded = measured.exploded
        yield Claim(
            f"The loss is no number any more after {exploded.updates} updates.",
            exploded.failed and exploded.updates < 20,
        )
        yield Claim(
            "The doctor finds exploding gradients, and traces them to the first weights.",
            exploded.findings[0].slug == "bad-initialization"
            and "exploding-gradients" in exploded.found,
        )
        others = (*measured.cures, *measured.painkillers)
        yield Claim(
            "With each of the four remedies all updates are done.",
            not any(each.failed for each in others),
        )
        yield Claim(
            f"Cures do better than painkillers: {_range(measured.cures)} wrong against "
            f"{_range(measured.painkillers)}.",
            max(each.error for each in measured.cures)
            < min(each.error for each in measured.painkillers),
        )


def _deep(initializer: Initializer | None, *before: type[Module]) -> Module:
    """Return ten layers of ReLUs, with something before each, and a layer of ten classes."""
    hidden = [
        layer
        for _ in range(DEPTH)
        for layer in (Dense(WIDTH, initializer=initializer), *(kind() for kind in before), ReLU())
    ]
    return Sequential(*hidden, Dense(10, initializer=initializer))


def _passing(
    caption: str, sick: tuple[LayerSignal, ...], cured: tuple[LayerSignal, ...], *, back: bool
) -> Curves:
    """Return what passes the layers of both networks."""
    return Curves(
        caption,
        "layer",
        "size",
        tuple(
            Curve(
                name,
                tuple(map(float, range(1, len(layers) + 1))),
                tuple(one.backward if back else one.forward for one in layers),
            )
            for name, layers in ((SICK, sick), (CURES[0], cured))
        ),
        logarithmic=True,
    )


def _range(courses: tuple[Course, ...]) -> str:
    low, high = (pick(each.error for each in courses) for pick in (min, max))
    return f"{percent(low)} to {percent(high)}"
