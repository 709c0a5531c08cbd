"""Which movement a wrist made: six signals of a watch, 100 steps each, and four activities.

    python examples/activity.py [MOVEMENTS.npz]

The file holds x_train and x_test (rows, steps, channels), y_train and y_test (numbers of classes)
and classes (their names).
"""

import sys
from pathlib import Path

import numpy as np

import misstep as ms

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parent.parent / "shared" / "data" / "sequence" / "basic_motions.npz"


def main(path: str | Path = DEFAULT, most: int | None = None, epochs: int | None = None) -> float:
    """Train, say what came of it, and return the share of test sequences that are right.

    `most`: sequences of each part at most; `epochs`: instead of as many as are chosen.
    """
    data = np.load(path)
    names = data["classes"]
    x, y = data["x_train"][:most], names[data["y_train"][:most]]
    test, truth = data["x_test"][:most], names[data["y_test"][:most]]

    classifier = ms.Classifier(epochs=epochs).fit(x, y)
    for choice in classifier.decisions_:
        print(f"{choice.what}: {choice.choice}, because {choice.reason}")

    probabilities = classifier.predict_proba(test)
    predicted = classifier.classes_[probabilities.argmax(axis=1)]
    right = float((predicted == truth).mean())
    print(f"{right:.1%} of {len(test)} sequences right that training never saw")

    least = int(probabilities.max(axis=1).argmin())
    print(
        f"least sure of sequence {least + 1}: {predicted[least]} with probability "
        f"{probabilities[least].max():.2f}; it is {truth[least]}"
    )
    return right


if __name__ == "__main__":
    if not Path(*(sys.argv[1:2] or [DEFAULT])).is_file():
        sys.exit("which file? python examples/activity.py MOVEMENTS.npz")
    main(*sys.argv[1:2])
