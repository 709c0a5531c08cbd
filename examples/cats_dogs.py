"""Cats and dogs: photographs in class folders, learned from the names of their files.

    python examples/cats_dogs.py [FOLDER] [EPOCHS]

FOLDER holds train/cats, train/dogs, test/cats and test/dogs with png or jpg files of any size, or
any other folders with one folder for each class in them.
"""

import sys
from pathlib import Path

import misstep as ms


def files_of(folder: Path, most: int | None = None) -> tuple[list[Path], list[str]]:
    """Return the images in the class folders of `folder`, and the class of each."""
    kinds = sorted(one for one in folder.iterdir() if one.is_dir())
    files = [sorted(kind.iterdir())[:most] for kind in kinds]
    paths = [path for some in files for path in some]
    return paths, [path.parent.name for path in paths]


def main(folder: str, epochs: int | None = None, most: int | None = None) -> float:
    """Train on `most` images of each class (None: all); return the share of right answers."""
    paths, labels = files_of(Path(folder) / "train", most)
    classifier = ms.Classifier(epochs=epochs, progress=True).fit(paths, labels)
    for choice in classifier.decisions_:
        print(f"{choice.what}: {choice.choice}\n    because {choice.reason}")
    test_paths, test_labels = files_of(Path(folder) / "test", most)
    right = classifier.score(test_paths, test_labels)
    print(f"{right:.1%} of {len(test_paths)} images that training never saw are right")
    surest = classifier.predict_proba(test_paths).max(axis=1).argmax()
    answer = classifier.predict(test_paths[surest : surest + 1])[0]
    print(f"it is surest of {test_paths[surest].name}: {answer}")
    return float(right)


if __name__ == "__main__":
    arguments = sys.argv[1:] or ["../shared/data/cats_dogs_64"]
    if not Path(arguments[0], "train").is_dir():
        sys.exit("which folder? python examples/cats_dogs.py FOLDER")
    main(arguments[0], *(int(one) for one in arguments[1:2]))
