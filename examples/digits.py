"""Handwritten digits: a small convolutional network, layer by layer, and what it gets wrong.

    python examples/digits.py [FOLDER] [EPOCHS]

FOLDER holds MNIST's four files under their usual names; without it the 1,797 small digits of
scikit-learn are learned.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import misstep as ms


def read(folder: str | None) -> tuple[np.ndarray, ...]:
    """Return images and digits to learn from, images and digits to be judged on."""
    if folder is None:
        digits = load_digits()
        images = (digits.images * 15).astype(np.uint8)
        return images[:1500], digits.target[:1500], images[1500:], digits.target[1500:]
    data = ms.read_images(Path(folder))
    return data.train_images, data.train_labels, data.test_images, data.test_labels


def main(folder: str | None = None, epochs: int = 15) -> float:
    """Train, say how it went, and return the share of right answers."""
    x, y, test_x, test_y = read(folder)
    network = ms.Sequential(
        ms.Reshape((*x.shape[1:], 1)),
        ms.RandomShift(1),
        ms.Conv2D(16, 3, padding="same"),
        ms.BatchNorm(),
        ms.ReLU(),
        ms.MaxPool2D(2),
        ms.Conv2D(32, 3, padding="same"),
        ms.BatchNorm(),
        ms.ReLU(),
        ms.MaxPool2D(2),
        ms.Flatten(),
        ms.Dense(64),
        ms.ReLU(),
        ms.Dense(10),
    )
    classifier = ms.Classifier(network, epochs=epochs, batch_size=32, progress=True)
    classifier.fit(x, y)
    found = classifier.predict(test_x)
    right = float((found == test_y).mean())
    print(f"{right:.2%} of {len(test_y):,} digits that training never saw are right")
    for place in np.flatnonzero(found != test_y)[:5]:
        print(f"  image {place + 1} shows a {test_y[place]}, taken for a {found[place]}")
    return right


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(arguments[0] if arguments else None, *(int(one) for one in arguments[1:2]))
