"""How a column of texts becomes features: signals, its most telling terms, or its words in order.

A row stays short although the vocabulary is large: it holds the numbers of the text's own terms
(words and pairs of words) and what each weighs, or the numbers of its words one after the other.
Number 0 fills up. Fitted on the training rows; `table/column_transformers.py` holds the other kinds
of column.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.standardization import Standard
from misstep.data.stored_json import Stored, check
from misstep.data.table.cell_values import category_words
from misstep.data.table.column_types import Column
from misstep.data.text.tokens import FIRST, LATEST, SIGNALS, signals_of, terms_of, tokens_of
from misstep.data.text.unspaced import is_sign, normalized
from misstep.data.text.vocabulary import commonest_words, count_terms, known_terms, term_weights
from misstep.text.counts import counted

if TYPE_CHECKING:
    import pandas

__all__ = ["TextTransformer"]

Floats = NDArray[np.float64]
Tell = Callable[[str], None]

# A row holds as many terms, or words, as all but 5% of the training texts have, and at most so
# many. Of longer texts the terms that weigh least are left out, and what follows the first words.
COVERED = 0.95
MOST_SLOTS = 768
LONGEST_SEQUENCE = 256
# Together the rows of a text column hold at most so many numbers, half a gigabyte of them.
MOST_NUMBERS = 2**27
# The weights of a row's terms are brought to this Euclidean length. With AdamW at 0.003 a linear
# model on them then settles within some thousand updates: tried on reviews and short messages with
# 1, 5, 10 and 20, by cross-validation.
LENGTH = 10.0
# Numbers of words: 0 fills up, 1 is any word that is not known.
UNKNOWN, FIRST_WORD = 1, 2


@dataclass(frozen=True)
class TextTransformer(Stored):
    """A column of texts.

    `signals`: names of the signals, with `standards` that scale them and the `lowest` and `highest`
    of each in training, beyond which they are cut off: how much longer a text is than all that were
    learned from tells nothing. Models of before have no such bounds. `terms`: those that are known,
    from number 1 on, and what each weighs (`weights`); `slots`: how many of them a row holds.
    `words`: those whose order is kept, from number 2 on, and `length`: how many of them a row
    holds. Either `slots` or `length` is 0, or both. `tokens`: the version of how they are made.
    """

    column: str
    signals: tuple[str, ...]
    standards: tuple[Standard, ...]
    terms: tuple[str, ...]
    weights: tuple[float, ...]
    slots: int
    words: tuple[str, ...]
    length: int
    indicator: bool
    reason: str
    column_type: Literal["text"] = "text"
    tokens: int = FIRST
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        signals = len(self.signals) == len(self.standards) and set(self.signals) <= set(SIGNALS)
        terms = len(self.terms) == len(self.weights) == len(set(self.terms))
        bounds = len(self.lowest) == len(self.highest) == (len(self.signals) if self.lowest else 0)
        ordered = all(low <= high for low, high in zip(self.lowest, self.highest, strict=False))
        fits = 0 <= self.slots <= MOST_SLOTS and 0 <= self.length <= LONGEST_SEQUENCE
        check(
            (signals, "signals must be known, each with what scales it"),
            (bounds and ordered, "each signal has a lowest and a highest value, or none has"),
            (terms, "each term stands once, with a weight"),
            (all(0 <= weight < np.inf for weight in self.weights), "weights must be 0 or more"),
            (len(set(self.words)) == len(self.words), "a word stands twice"),
            (FIRST <= self.tokens <= LATEST, "a newer misstep made its tokens"),
            (fits, "a row holds more terms or words than can be"),
        )

    @classmethod
    def fit(
        cls,
        column: Column,
        series: pandas.Series,
        weights: Floats,
        answers: NDArray[Any] | None = None,
        *,
        in_order: bool = False,
    ) -> TextTransformer:
        """Learn from the training rows (rows,); weights of 0 leave rows out.

        `answers`: class numbers or standardized numbers, (rows,), by which terms weigh what they
        tell about them; without, what they are rare. `in_order`: keep the order of words instead of
        counting terms, for a network that reads them so.
        """
        texts, gaps = _texts(series.tolist(), normalized)
        counted = weights > 0
        texts = [text for text, counts in zip(texts, counted, strict=True) if counts]
        indicator = bool((gaps & counted).any()) and not gaps[counted].all()
        if in_order:
            words = commonest_words(texts, tokens_of)
            length = _enough([len(tokens_of(text)) for text in texts], LONGEST_SEQUENCE, len(texts))
            reason = f"the first {length} words in their order, {len(words):,} different ones known"
            plain = ((), (), (), (), 0)
            return cls(column.name, *plain, words, length, indicator, reason, tokens=LATEST)
        signals, standards, lowest, highest = _standards(texts, weights[counted])
        terms, counts = known_terms(texts, terms_of)
        term_weight: tuple[float, ...] = ()
        slots = 0
        if terms:
            known = None if answers is None else answers[counted]
            term_weight = tuple(term_weights(counts, known, weights[counted]).tolist())
            slots = _enough(np.diff(counts.indptr), MOST_SLOTS, 2 * len(texts))
        reason = f"{len(signals)} signals such as its length"
        if slots:
            how = "how rare they are" if answers is None else "how much they tell of the answer"
            signs = any(is_sign(term) for term in terms)
            kinds = "words, signs and pairs of them" if signs else "words and pairs of words"
            reason = (
                f"{len(terms):,} {kinds} that two texts or more have, the {slots} "
                f"heaviest of each text, weighed by {how}; and {reason}"
            )
        fitted = (signals, standards, terms, term_weight, slots, (), 0, indicator, reason)
        return cls(column.name, *fitted, tokens=LATEST, lowest=lowest, highest=highest)

    @property
    def dense(self) -> int:
        """How many features come first that are plain numbers: signals, and whether one is there.

        After them come the numbers of terms and as many weights, or the numbers of words.
        """
        return len(self.signals) + self.indicator

    @property
    def feature_names(self) -> list[str]:
        """The names of this column's features."""
        names = [f"{self.column}: {signal}" for signal in self.signals]
        names += [f"{self.column} is missing"] * self.indicator
        numbers = range(1, self.slots + 1)
        names += [f"{self.column}: term {number}" for number in numbers]
        names += [f"{self.column}: weight of term {number}" for number in numbers]
        return names + [f"{self.column}: word {number}" for number in range(1, self.length + 1)]

    def names_in_row(self, features: Floats) -> list[str]:
        """Return the features' names for one row, (features,): its own terms and words in them."""
        names = self.feature_names
        weights, words = self.dense + self.slots, self.dense + 2 * self.slots
        for index in range(self.slots):
            number = int(features[self.dense + index])
            if number:
                names[weights + index] = f"{self.column}: {self.terms[number - 1]!r}"
        for index in range(words, words + self.length):
            number = int(features[index])
            if number >= FIRST_WORD:
                names[index] = f"{self.column}: {self.words[number - FIRST_WORD]!r}"
        return names

    def transform(self, series: pandas.Series, tell: Tell) -> Floats:
        """Return (rows, features); `tell` hears what was noticed."""
        return self.of_cells(series.tolist(), tell)

    def of_cells(self, cells: Sequence[object], tell: Tell) -> Floats:
        """Return what `transform` does for cells, (rows,)."""
        texts, gaps = _texts(cells, self._spelling)
        if gaps.any() and not self.indicator:
            missing = counted(int(gaps.sum()), "missing text")
            tell(f"{self.column}: {missing}, where training had none")
        features = np.zeros((len(texts), self.dense + 2 * self.slots + self.length))
        signals = signals_of(texts, self.signals)
        if self.lowest:
            signals = np.clip(signals, self.lowest, self.highest)
        for index, standard in enumerate(self.standards):
            features[:, index] = standard.apply(signals[:, index])
        if self.indicator:
            features[:, len(self.signals)] = gaps
        if self.slots:
            self._fill_terms(texts, features[:, self.dense :])
        if self.length:
            self._fill_words(texts, features[:, self.dense + 2 * self.slots :])
        return features

    def typical(self, series: pandas.Series, weights: Floats) -> str | None:
        """Return None: there is no mean of texts; a word is replaced by nothing."""
        return None

    @property
    def _spelling(self) -> Callable[[str], str]:
        """What brings texts to the spelling of letters that was learned from.

        A model of the first version may have learned from decomposed letters.
        """
        if self.tokens > FIRST:
            return normalized
        known = itertools.chain.from_iterable((*self.terms, *self.words))
        form: Literal["NFC", "NFD"] = "NFD" if any(map(unicodedata.combining, known)) else "NFC"
        return lambda text: text if text.isascii() else unicodedata.normalize(form, text)

    @cached_property
    def _term_places(self) -> tuple[dict[str, int], Floats]:
        """The number of each term, from 0, and what each weighs; made once, for single texts."""
        return {term: place for place, term in enumerate(self.terms)}, np.asarray(self.weights)

    @cached_property
    def _word_numbers(self) -> dict[str, int]:
        """The number of each word whose order is kept."""
        return {word: number for number, word in enumerate(self.words, start=FIRST_WORD)}

    def _fill_terms(self, texts: Sequence[str], result: Floats) -> None:
        places, weights = self._term_places
        counts = count_terms(texts, places, partial(terms_of, version=self.tokens))
        for row in range(len(texts)):
            numbers = counts.indices[counts.indptr[row] : counts.indptr[row + 1]]
            # The heaviest first; among equals the first in the alphabet.
            best = np.argsort(-weights[numbers], kind="stable")[: self.slots]
            heaviest = weights[numbers][best]
            length = float(np.sqrt(np.square(heaviest).sum()))
            if length > 0:
                result[row, : len(best)] = numbers[best] + 1
                result[row, self.slots : self.slots + len(best)] = heaviest * (LENGTH / length)

    def _fill_words(self, texts: Sequence[str], result: Floats) -> None:
        number = self._word_numbers
        for row, text in enumerate(texts):
            numbers = [
                number.get(word, UNKNOWN) for word in tokens_of(text, self.tokens)[: self.length]
            ]
            result[row, : len(numbers)] = numbers


def _texts(
    cells: Sequence[object], spelling: Callable[[str], str]
) -> tuple[list[str], NDArray[np.bool_]]:
    """Return the texts in a spelling, "" for a missing one, and which are missing, (rows,)."""
    words = category_words(cells)
    texts = [spelling(word or "") for word in words]
    return texts, np.asarray([word is None for word in words], bool)


def _standards(
    texts: list[str], weights: Floats
) -> tuple[tuple[str, ...], tuple[Standard, ...], tuple[float, ...], tuple[float, ...]]:
    """Return the signals that differ between texts, what scales each, its lowest and highest."""
    columns = dict(zip(SIGNALS, signals_of(texts, tuple(SIGNALS)).T, strict=True))
    differing = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    standards = (Standard.fit(column, weights)[0] for column in differing.values())
    lowest = (float(column.min()) for column in differing.values())
    highest = (float(column.max()) for column in differing.values())
    return tuple(differing), tuple(standards), tuple(lowest), tuple(highest)


def _enough(lengths: Any, most: int, rows: int) -> int:
    """Return how many slots all but a few rows need; 1 or more."""
    needed = int(np.ceil(np.quantile(np.asarray(lengths, np.float64), COVERED)))
    return max(1, min(needed, most, MOST_NUMBERS // max(rows, 1)))
