"""`spam-word`: the weight of one word, update by update, and which messages blamed it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.explain import EntryName, Explanation, explain
from misstep.ir import Array, Value, make_literal, make_parameter
from misstep.labs.bench import Bench
from misstep.labs.course import Course
from misstep.labs.exhibits import Bar, Bars, Curve, Curves, Formulas, Table, outcome_of
from misstep.labs.lab import Chapter, Claim, Lab, Section
from misstep.labs.words import four_decimals
from misstep.nn import Dense, Network
from misstep.nn.initializers import Zeros
from misstep.nn.losses import BinaryCrossEntropy
from misstep.optim import SGD
from misstep.text.figures import figure, percent, true_minus
from misstep.text.lists import joined
from misstep.train import Callback
from misstep.train.training import Training

# Messages to learn from, two of spam and two others in each batch of four, in this order.
SPAM = (
    "claim your free prize now",
    "free cash for you today",
    "you are a winner click now",
    "free offer click today",
    "win cash now",
    "your free ticket is waiting",
    "click for your prize",
    "free entry win a car",
    "cash offer ends today",
    "get a free phone now",
    "winner claim your cash",
    "last offer free gift",
)
FINE = (
    "are you free for lunch",
    "the meeting is today",
    "see you at home",
    "thanks for the report",
    "lunch is ready",
    "call me after the meeting",
    "the car is at home",
    "are you ready for today",
    "is the room free now",
    "thanks see you tomorrow",
    "the report is for you",
    "your phone is at home",
)
# Messages that it never saw, and whether they are spam.
NEW = (
    ("free prize click now", 1),
    ("win a free ticket", 1),
    ("cash prize waiting", 1),
    ("are you free tomorrow", 0),
    ("the meeting room is ready", 0),
    ("see you after lunch", 0),
)
# The word that is followed, and others beside it: one of spam, one of both, one of the others.
WORD, BESIDE = "free", ("cash", "now", "the")
BATCH, RATE, EPOCHS = 4, 0.5, 40
# Moments at which all messages with the word are looked at, in updates.
MOMENTS = (0, 1, 6, 60, 240)
# Words of the final list, on each side.
MOST = 6
NEAR = 1e-9


@dataclass(frozen=True)
class Blame:
    """What a message with the word did to the word's weight in an update.

    `probability`: of spam, before the update; `right`: 1 for spam, else 0; `blame`: its share of
    the gradient, (probability − right) / BATCH.
    """

    message: str
    probability: float
    right: int
    blame: float


@dataclass(frozen=True)
class WordUpdate:
    """An update of the word's weight: who blamed it, and what it was before and after."""

    blames: tuple[Blame, ...]
    before: float
    after: float

    @property
    def gradient(self) -> float:
        """Return the sum of the blames."""
        return sum(blame.blame for blame in self.blames)


@dataclass(frozen=True)
class WordWeight:
    """A word, the messages of spam and others that it stands in, and its weight in the end."""

    word: str
    in_spam: int
    in_fine: int
    weight: float


@dataclass(frozen=True)
class Said:
    """The probability of spam for a message at each of MOMENTS, or in the end alone."""

    message: str
    right: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """How a weight grew, by whom, and what is said in the end.

    `first_epoch`: the updates of the first epoch. `paths`: of WORD and BESIDE, the weight before
    the first and after each update. `text`, `latex`: the chain rule of the word's weight in the
    first update. `with_word`: messages to learn from with the word; `new`: messages never seen.
    """

    course: Course
    first_epoch: tuple[WordUpdate, ...]
    paths: tuple[tuple[float, ...], ...]
    text: str
    latex: str
    bias: float
    words: tuple[WordWeight, ...]
    with_word: tuple[Said, ...]
    new: tuple[Said, ...]


class Weights(Callback):
    """Keeps weights and bias before the first and after each update."""

    def __init__(self) -> None:
        self.weights: list[Array] = []
        self.biases: list[float] = []

    def on_training_start(self, training: Training) -> None:
        self.on_update(training)

    def on_update(self, training: Training) -> None:
        arrays = training.network.arrays()
        self.weights.append(np.array(arrays["weight"][:, 0]))
        self.biases.append(float(arrays["bias"][0]))


class SpamWord(Lab[Measured]):
    """Twenty-four messages, and how “free” came to speak for spam."""

    slug = "spam-word"
    chapter, place = Chapter.ONE_STEP, 3
    title = "A word that is blamed"
    question = "How does a filter come to hold a word against a message?"
    summary = "how the weight of “free” grows, message by message, because it was blamed"
    measured = Measured
    next_commands = (
        "misstep lab one-neuron",
        "misstep lab house-price-weight",
        "misstep lab cat-or-dog",
    )

    def measure(self, bench: Bench) -> Measured:
        messages, right = _messages()
        vocabulary = sorted({word for message in messages for word in message.split()})
        x = _counts(messages, vocabulary)
        network = Network(Dense(1, initializer=Zeros()), (len(vocabulary),), dtype="float64")
        seen = Weights()
        course = bench.train(
            "a filter of one neuron",
            network,
            x,
            right[:, np.newaxis].astype("float64"),
            loss=BinaryCrossEntropy(),
            optimizer=SGD(RATE),
            batch_size=BATCH,
            shuffle=False,
            epochs=EPOCHS,
            callbacks=[seen],
        )
        found = _explained(x[:BATCH], right[:BATCH], vocabulary)
        at = vocabulary.index(WORD)
        new = [message for message, _ in NEW]
        last = _probabilities(_counts(new, vocabulary), seen.weights[-1], seen.biases[-1])
        return Measured(
            course=course,
            first_epoch=tuple(
                _update(update, messages, right, x, seen, at)
                for update in range(len(messages) // BATCH)
            ),
            paths=tuple(
                tuple(float(weights[vocabulary.index(word)]) for weights in seen.weights)
                for word in (WORD, *BESIDE)
            ),
            text=found.text(),
            latex=found.latex(),
            bias=seen.biases[-1],
            words=tuple(_words(x, right, vocabulary, seen.weights[-1])),
            with_word=tuple(
                Said(
                    messages[row],
                    int(right[row]),
                    tuple(
                        float(_probabilities(x[row], seen.weights[moment], seen.biases[moment]))
                        for moment in MOMENTS
                    ),
                )
                for row in np.flatnonzero(x[:, at])
            ),
            new=tuple(
                Said(message, spam, (float(probability),))
                for (message, spam), probability in zip(NEW, last, strict=True)
            ),
        )

    def sections(self, measured: Measured) -> Iterator[Section]:
        yield self._first(measured)
        yield self._updates(measured)
        yield self._grows(measured)
        yield self._holds(measured)

    def _first(self, measured: Measured) -> Section:
        first = measured.first_epoch[0]
        blamed = first.blames[0]
        return Section(
            "Who blames a word",
            (
                f"A filter of one neuron reads {len(SPAM) + len(FINE)} short messages, half of "
                "them spam. Each word has a weight, all of them 0 at first. It adds up the weights "
                "of the words in a message and a bias, and a sigmoid makes a probability p of "
                "spam from the sum: one half at first, for every message.",
                "The blame of a word's weight is (p − y) x. y is 1 for spam and 0 for the rest; x "
                "is 1 if the word is in the message, else 0. So a message blames the words that "
                "stand in it, and no others, by as much as it was judged wrongly. Spam that got "
                "too low a p wants its words to weigh more.",
                f"In a batch of {BATCH} the blames are averaged. The first batch has "
                f"{_count(first)} with “{WORD}”. “{blamed.message}” is spam, and blames it by "
                f"({figure(blamed.probability)} − {blamed.right}) × 1 / {BATCH} = "
                f"{figure(blamed.blame)}.",
            ),
            (
                Formulas(
                    "The chain rule of its weight in the first update. x are the words of each "
                    "message, W their weights, z the sums:",
                    tuple(measured.text.split("\n")),
                    measured.latex,
                ),
            ),
        )

    def _updates(self, measured: Measured) -> Section:
        acquitting = [
            blame for update in measured.first_epoch for blame in update.blames if not blame.right
        ]
        quoted = joined([f"“{blame.message}”" for blame in acquitting])
        return Section(
            "Update by update",
            (
                f"The rate is {figure(RATE)}. Below is every update of the first epoch: which "
                f"messages with “{WORD}” were in its batch, what was said of them, and what that "
                "did to the weight.",
                f"Spam makes it grow. {quoted} {_is(acquitting)} no spam, and pull it down again.",
            ),
            (
                Table(
                    "",
                    ("update", "message with the word", "p", "y", "blame", "weight"),
                    tuple(_rows(measured.first_epoch)),
                    (0, 2, 3, 4, 5),
                ),
            ),
        )

    def _grows(self, measured: Measured) -> Section:
        free = measured.paths[0]
        named = {each.word: each for each in measured.words}
        word, now, the = named[WORD], named["now"], named["the"]
        return Section(
            "What it comes to",
            (
                f"Over {EPOCHS} epochs the weight of “{WORD}” grows from {figure(free[0])} to "
                f"{figure(free[-1])}. It stands in {word.in_spam} messages of spam and "
                f"{word.in_fine} others. It grows more slowly all the time: as p gets near y, "
                "there is less to blame.",
                f"A word is blamed together with its neighbors. “now” says nothing of spam, but "
                f"stands in {now.in_spam} messages of spam and {now.in_fine} other: its weight is "
                f"{figure(now.weight)}. “the” stands in {the.in_fine} others and in no spam: "
                f"{figure(the.weight)}. The filter knows who was there, not who did it.",
            ),
            (
                Curves(
                    "Weights, update by update",
                    "update",
                    "weight",
                    tuple(
                        Curve(word, tuple(map(float, range(len(path)))), path)
                        for word, path in zip((WORD, *BESIDE), measured.paths, strict=True)
                    ),
                ),
                _speak("Words that speak for spam", measured.words[:MOST]),
                _speak("Words that speak against it", measured.words[: -MOST - 1 : -1]),
            ),
        )

    def _holds(self, measured: Measured) -> Section:
        honest = [each for each in measured.with_word if not each.right]
        named = {each.word: each.weight for each in measured.words}
        parts = [(f"“{word}”", named[word]) for word in honest[0].message.split()]
        parts.append(("bias", measured.bias))
        return Section(
            "What it says in the end",
            (
                f"A message that is nothing but “{WORD}” is now spam with "
                f"{percent(_alone(measured))}. But a message has other words as well. Those of "
                f"“{honest[0].message}” were acquitted again and again, and outweigh the one that "
                f"was blamed: {percent(honest[0].probabilities[-1])}.",
                "Messages that it never saw are judged by the words in them that it knows.",
            ),
            (
                Table(
                    f"The sum of “{honest[0].message}”",
                    ("word", "weight"),
                    (
                        *((name, _signed(weight)) for name, weight in parts),
                        ("sum z", _signed(sum(weight for _, weight in parts))),
                        ("p = σ(z)", percent(honest[0].probabilities[-1])),
                    ),
                    (1,),
                ),
                Table(
                    f"Probability of spam of the messages with “{WORD}”, after so many updates",
                    ("message", "is", *(str(moment) for moment in MOMENTS)),
                    tuple(
                        (each.message, _kind(each.right), *map(percent, each.probabilities))
                        for each in measured.with_word
                    ),
                    tuple(range(2, len(MOMENTS) + 2)),
                ),
                Table(
                    "Messages that it never saw",
                    ("message", "is", "probability of spam"),
                    tuple(
                        (each.message, _kind(each.right), percent(each.probabilities[0]))
                        for each in measured.new
                    ),
                    (2,),
                ),
                outcome_of(measured.course),
            ),
        )

    def claims(self, measured: Measured) -> Iterator[Claim]:
        updates, free = measured.first_epoch, measured.paths[0]
        yield Claim(
            "In every update the weight moves by the rate times the blame of the messages that "
            "the word stands in, and by nothing else.",
            all(
                math.isclose(each.after - each.before, -RATE * each.gradient, abs_tol=NEAR)
                for each in updates
            ),
        )
        blames = [blame for update in updates for blame in update.blames]
        yield Claim(
            f"Each of {sum(blame.right for blame in blames)} messages of spam with “{WORD}” makes "
            f"its weight grow, each of {sum(not blame.right for blame in blames)} others makes it "
            "fall.",
            all((blame.blame < 0) == bool(blame.right) for blame in blames),
        )
        yield Claim(
            f"The weight of “{WORD}” grows from {figure(free[0])} to {figure(free[-1])}.",
            free[0] == 0.0 and free[-1] > 1.0,
        )
        tenth = len(free) // 10
        yield Claim(
            f"It grows more slowly all the time: by {figure(free[tenth] - free[0])} in the first "
            f"{tenth} updates, by {figure(free[-1] - free[-1 - tenth])} in the last.",
            free[tenth] - free[0] > 2 * (free[-1] - free[-1 - tenth]) > 0,
        )
        said = (*measured.with_word, *measured.new)
        yield Claim(
            f"In the end all {len(measured.with_word)} messages with the word, and all "
            f"{len(measured.new)} that it never saw, are judged rightly.",
            all((each.probabilities[-1] > 0.5) == bool(each.right) for each in said),
        )
        honest = [each for each in measured.with_word if not each.right]
        yield Claim(
            f"A message that is nothing but “{WORD}” is spam with {percent(_alone(measured))}, “"
            f"{honest[0].message}” with {percent(honest[0].probabilities[-1])}.",
            _alone(measured) > 0.75 > 0.2 > honest[0].probabilities[-1],
        )


def _messages() -> tuple[list[str], Array]:
    """Return messages, spam and others in turn, and 1 or 0 for each."""
    messages = [message for pair in zip(SPAM, FINE, strict=True) for message in pair]
    return messages, np.array([1, 0] * len(SPAM))


def _counts(messages: Sequence[str], vocabulary: Sequence[str]) -> Array:
    """Return 1 where a word is in a message, (messages, words)."""
    split = [set(message.split()) for message in messages]
    return np.array([[float(word in words) for word in vocabulary] for words in split])


def _probabilities(x: Array, weights: Array, bias: float) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-(x @ weights + bias))))


def _update(
    update: int, messages: Sequence[str], right: Array, x: Array, seen: Weights, at: int
) -> WordUpdate:
    """Return what the messages of a batch did to the word in column `at`."""
    rows = range(update * BATCH, (update + 1) * BATCH)
    before, after = (float(seen.weights[moment][at]) for moment in (update, update + 1))
    said = _probabilities(x[rows.start : rows.stop], seen.weights[update], seen.biases[update])
    blames = [
        Blame(messages[row], float(p), int(right[row]), float(p - right[row]) / BATCH)
        for row, p in zip(rows, said, strict=True)
        if x[row, at]
    ]
    return WordUpdate(tuple(blames), before, after)


def _explained(x: Array, right: Array, vocabulary: Sequence[str]) -> Explanation:
    """Return the chain rule of the word's weight in the first batch."""
    network = Network(Dense(1, initializer=Zeros()), (len(vocabulary),), dtype="float64")
    flat = make_parameter(network.parameters, name="parameters")
    rows = make_literal(x, "float64").named("x")
    output, trace = network.apply(rows, flat)
    answers = make_literal(right[:, np.newaxis].astype("float64"), "float64").named("y")
    loss = BinaryCrossEntropy()(output, answers)
    names: dict[Value, str | EntryName] = {
        trace.values["weight"]: EntryName("W", "", ("word", ""), {0: list(vocabulary)}),
        trace.values["bias"]: EntryName("b", "", ("",)),
        rows: EntryName("x", "", ("message", "word"), {1: list(vocabulary)}),
        output: EntryName("z", "", ("message", "")),
        answers: EntryName("y", "", ("message", "")),
        loss: "L",
    }
    at = (vocabulary.index(WORD), 0)
    return explain(loss, trace.values["weight"], at, learning_rate=RATE, names=names)


def _words(
    x: Array, right: Array, vocabulary: Sequence[str], weights: Array
) -> Iterator[WordWeight]:
    """Yield the words, that with the largest weight first."""
    for at in np.argsort(-weights, kind="stable"):
        stands = x[:, at] > 0
        in_spam, in_fine = (int(np.sum(stands & (right == kind))) for kind in (1, 0))
        yield WordWeight(vocabulary[at], in_spam, in_fine, float(weights[at]))


def _rows(updates: Sequence[WordUpdate]) -> Iterator[tuple[str, ...]]:
    for number, update in enumerate(updates, 1):
        step = f"{figure(update.before)} → {figure(update.after)}"
        if not update.blames:
            yield str(number), "none", "", "", "0", step
        for place, blame in enumerate(update.blames):
            last = place == len(update.blames) - 1
            yield (
                str(number) if place == 0 else "",
                blame.message,
                four_decimals(blame.probability),
                str(blame.right),
                true_minus(four_decimals(blame.blame)),
                step if last else "",
            )


def _alone(measured: Measured) -> float:
    """Return the probability of spam of the word alone."""
    weight = next(each.weight for each in measured.words if each.word == WORD)
    return float(_probabilities(np.ones(1), np.array([weight]), measured.bias))


def _speak(caption: str, words: Sequence[WordWeight]) -> Bars:
    """Return the sizes of weights as bars."""
    bars = tuple(Bar(each.word, abs(each.weight), _signed(each.weight)) for each in words)
    return Bars(caption, "size of the weight", bars)


def _signed(number: float) -> str:
    return true_minus(f"{number:+.2f}")


def _count(update: WordUpdate) -> str:
    count = len(update.blames)
    return f"{count} {'message' if count == 1 else 'messages'}"


def _is(blames: Sequence[Blame]) -> str:
    return "is" if len(blames) == 1 else "are"


def _kind(right: int) -> str:
    return "spam" if right else "fine"
