"""Which terms of many texts are worth a number of their own, and how much each of them tells.

Knows texts, answers and counts; knows no table and no network. `text_transformer.py` makes features
of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["commonest_words", "count_terms", "known_terms", "telling", "term_weights"]

Floats = NDArray[np.float64]

# A term that only one text has says nothing about others.
LEAST_TEXTS = 2
# More terms than this are ever rarer ones; the numbers of all must be exact in float32.
MOST_TERMS = 2**16
# Words whose order is learned: rarer ones have too few places to learn a vector from.
MOST_WORDS = 20_000
# What every count is raised by, so that a term of one class alone is not infinitely telling.
SMOOTHING = 1.0


def known_terms(
    texts: Sequence[str], terms: Callable[[str], list[str]]
) -> tuple[tuple[str, ...], Any]:
    """Return the terms that two texts or more have, in alphabetical order, and their counts.

    Where there are more than can be kept, the commonest. Counts: as `count_terms` gives them.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=terms, dtype=np.float64)
    try:
        counts = counter.fit_transform(texts).tocsc()
    except ValueError:  # not a single term in all texts
        return (), None
    names = np.asarray(counter.get_feature_names_out(), object)
    texts_with = np.diff(counts.indptr)
    enough = np.flatnonzero(texts_with >= LEAST_TEXTS)
    # Ties by name, so that the order of texts makes no difference.
    kept = np.sort(enough[np.argsort(-texts_with[enough], kind="stable")][:MOST_TERMS])
    return tuple(names[kept].tolist()), counts[:, kept].tocsr()


def commonest_words(texts: Sequence[str], tokens: Callable[[str], list[str]]) -> tuple[str, ...]:
    """Return the words that two texts or more have, the commonest ones, in alphabetical order."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(tokens(text)))
    enough = [word for word, count in counts.items() if count >= LEAST_TEXTS]
    enough.sort(key=lambda word: (-counts[word], word))
    return tuple(sorted(enough[:MOST_WORDS]))


def count_terms(
    texts: Sequence[str], places: Mapping[str, int], terms: Callable[[str], list[str]]
) -> Any:
    """Return how often each text has each term, a sparse matrix (texts, terms) of rows.

    `places`: the number of each term that is known.
    """
    # Not scikit-learn's counter: loading it takes longer than predicting many rows.
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns += [places[term] for term in terms(text) if term in places]
        ends.append(len(columns))
    ones = np.ones(len(columns))
    counts = csr_matrix((ones, columns, ends), shape=(len(texts), len(places)))
    counts.sum_duplicates()
    return counts


def term_weights(counts: Any, answers: NDArray[Any] | None, weights: Floats) -> Floats:
    """Return how much each term weighs, (terms,), above 0.

    With answers how much it tells about them, else how rare it is: log((1 + n) / (1 + texts with
    it)) + 1, the inverse document frequency. counts: (texts, terms); answers: (texts,) class
    numbers or standardized numbers; weights: (texts,).
    """
    there = (counts > 0).astype(np.float64)
    if answers is not None:
        return telling(there, answers, weights)
    texts = weights.sum()
    return np.asarray(np.log((1 + texts) / (1 + there.T @ weights)) + 1)


def telling(there: Any, answers: NDArray[Any], weights: Floats) -> Floats:
    """Return how much each term tells about the answers, (terms,), 0 or more.

    For classes the largest log-count ratio, |log (share of the term among all terms of the class /
    its share among all terms of the others)|, counts raised by one (Wang and Manning, 2012,
    "Baselines and bigrams"). For numbers the mean of the answers of texts with the term, drawn
    toward 0 as if one more text with the mean answer had it.

    there: (texts, terms) of 0 and 1; answers as for `term_weights`.
    """
    if answers.dtype.kind == "f":
        texts = there.T @ weights
        return np.asarray(np.abs(there.T @ (answers * weights)) / (texts + SMOOTHING))
    classes = int(answers.max()) + 1 if answers.size else 1
    of_class = np.zeros((len(answers), classes))
    of_class[np.arange(len(answers)), answers.astype(int)] = weights
    counts = there.T @ of_class
    largest = np.zeros(counts.shape[0])
    for of_one in counts.T:
        own, other = of_one + SMOOTHING, counts.sum(axis=1) - of_one + SMOOTHING
        ratio = np.log(own / own.sum()) - np.log(other / other.sum())
        largest = np.maximum(largest, np.abs(ratio))
    return largest
