"""The tables that come with the library's dependencies, by name, for a first try without files.

Knows where they come from (scikit-learn carries them) and what is to be predicted in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data.table.table import Table
from misstep.errors import ArgumentError
from misstep.text.names import did_you_mean

__all__ = ["EXAMPLES", "Example", "read_example"]


@dataclass(frozen=True)
class Example:
    """What is known of an example before it is read.

    `shape`: the images' (height, width), and `largest` their largest value; else None.
    """

    name: str
    sentence: str
    target: str
    rows: int
    source: str
    shape: tuple[int, int] | None = None
    largest: float | None = None


EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        Example(
            "digits",
            "1,797 handwritten digits as images of 8 × 8 pixels from 0 to 16; which digit is it?",
            "digit",
            1797,
            "scikit-learn, from Alpaydin and Kaynak 1998 (UCI, Optical Recognition of Digits)",
            (8, 8),
            16.0,
        ),
        Example(
            "iris",
            "150 flowers measured in centimeters; which of three species is it?",
            "species",
            150,
            "scikit-learn, from Fisher 1936",
        ),
        Example(
            "wine",
            "178 wines with 13 chemical measurements; which of three growers made it?",
            "grower",
            178,
            "scikit-learn, from Forina et al. 1991 (UCI, Wine)",
        ),
        Example(
            "breast-cancer",
            "569 tumors with 30 measurements of their cell nuclei; malignant or benign?",
            "diagnosis",
            569,
            "scikit-learn, from Wolberg, Street and Mangasarian 1993 (UCI, WDBC)",
        ),
        Example(
            "diabetes",
            "442 patients with 10 measurements; how far does the disease go within a year?",
            "progression",
            442,
            "scikit-learn, from Efron, Hastie, Johnstone and Tibshirani 2004",
        ),
    )
}


def read_example(name: str) -> Table:
    """Read an example table by name; its `target` says which column is to be predicted.

    Raises ArgumentError for a name that is not among `EXAMPLES`, with the nearest one.
    """
    import pandas
    from sklearn import datasets

    key = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    if key not in EXAMPLES:
        raise ArgumentError(
            "the example",
            needed=f"one of {', '.join(EXAMPLES)}",
            got=repr(name),
            try_=did_you_mean(key, EXAMPLES),
        )
    example = EXAMPLES[key]
    load = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast-cancer": datasets.load_breast_cancer,
        # The raw measurements; scikit-learn's default brings them standardized over all rows.
        "diabetes": lambda: datasets.load_diabetes(scaled=False),
    }[key]
    bunch: Any = load()
    names = [str(title).replace(" (cm)", "") for title in bunch.feature_names]
    frame = pandas.DataFrame(np.asarray(bunch.data, dtype=np.float64), columns=names)
    answers = np.asarray(bunch.target)
    if key not in ("digits", "diabetes"):
        answers = np.asarray([str(word) for word in bunch.target_names])[answers]
    frame[example.target] = answers
    note = f"{example.sentence} Source: {example.source}."
    return Table(frame, example.name, [note], target=example.target)
