"""What labs learn from: data that come with the library or are drawn from a seed. No files.

Each returns rows and answers to learn from, and held-out ones: ((x, y), (x, y)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.ir import Array

Split = tuple[tuple[Array, Array], tuple[Array, Array]]


def digits(rows: int = 1200, held_out: int = 597, seed: int = 0) -> Split:
    """Return scanned digits of scikit-learn: x (rows, 61) between 0 and 1, y (rows,).

    1,797 in all, from the UCI repository's set "Optical Recognition of Handwritten Digits": 8 × 8
    pixels, of which 3 are blank in all of them and left out.
    """
    # Loaded where it is needed: scikit-learn takes half a second.
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    order = np.random.default_rng(seed).permutation(len(found.target))[: rows + held_out]
    pixels = found.data[:, found.data.std(axis=0) > 0] / 16.0
    x, y = pixels[order], found.target[order]
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def sums(steps: int = 20, rows: int = 512, held_out: int = 128, seed: int = 0) -> Split:
    """Return sequences of numbers, and what they sum to, divided by √steps so that it stays near 1.

    x: (rows, steps, 1), normally distributed; y: (rows, 1).
    """
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows + held_out, steps, 1))
    y = x.sum(axis=1) / np.sqrt(steps)
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def recall(
    steps: int, rows: int = 1024, held_out: int = 256, symbols: int = 4, seed: int = 0
) -> Split:
    """Return sequences of symbols, all drawn at random, and the first symbol of each.

    x: (rows, steps, symbols), 1 at the symbol and 0 elsewhere; y: (rows,).
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(0, symbols, (rows + held_out, steps))
    x = np.eye(symbols)[drawn]
    y = drawn[:, 0]
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def diabetes() -> tuple[tuple[Array, Array], float]:
    """Return scikit-learn's diabetes patients, standardized, and the least error a line can have.

    x: (442, 10) measurements, of which some say nearly the same; y: (442, 1) how the illness went
    on; the error: the mean of squares, by least squares. (Efron and others, 2004.)
    """
    from sklearn.datasets import load_diabetes

    found: Any = load_diabetes()
    x = (found.data - found.data.mean(axis=0)) / found.data.std(axis=0)
    y = ((found.target - found.target.mean()) / found.target.std())[:, None]
    solution = np.linalg.lstsq(x, y, rcond=None)[0]
    return (x, y), float(np.mean((x @ solution - y) ** 2))


# Of 60 words, 20 stand in every second text, 20 in every twentieth, 20 in every two-hundredth.
WORD_GROUPS = (("every second text", 0.5), ("every 20th", 0.05), ("every 200th", 0.005))
WORDS_IN_GROUP, WORD_WEIGHT = 20, 2.0


def rare_words(rows: int = 1500, held_out: int = 1000, seed: int = 0) -> tuple[Split, Array]:
    """Return made-up texts of common and rare words, all of them equally telling.

    x: (rows, 60), 1 where a word is in a text; y: (rows, 1), whether the answer is yes; and the
    weight that each word truly has, (60,): +2 or −2 in log-odds.
    """
    random = np.random.default_rng(seed)
    often = np.repeat([share for _, share in WORD_GROUPS], WORDS_IN_GROUP)
    truth = random.choice([-WORD_WEIGHT, WORD_WEIGHT], size=len(often))
    x = (random.random((rows + held_out, len(often))) < often).astype("float64")
    odds = (x - often) @ truth
    y = (random.random(rows + held_out) < 1 / (1 + np.exp(-odds))).astype("float64")[:, None]
    return ((x[:rows], y[:rows]), (x[rows:], y[rows:])), truth


def tumors(rows: int = 380, seed: int = 0) -> Split:
    """Return scikit-learn's breast tumors as they were measured, in units from 0.003 to 600 wide.

    x: (rows, 30); y: (rows,), 1 where it is benign. 569 in all, from the UCI repository's set
    "Breast Cancer Wisconsin (Diagnostic)".
    """
    from sklearn.datasets import load_breast_cancer

    found: Any = load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(found.target))
    x, y = found.data[order], found.target[order]
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])
