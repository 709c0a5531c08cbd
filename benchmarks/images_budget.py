"""How long class folders of some thousand pictures take, and whether ending early costs accuracy.

`python -m benchmarks.images_budget` writes a folder for each class, as people have them, trains on
it by default and once more with all epochs of the same plan, and prints seconds and accuracy on the
same test pictures side by side. Knows two data sets of grey pictures, in MNIST's form.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.systems.system import DATA
from misstep.data import Images, read_source
from misstep.modeling import FitResult, Options, recognize, train

SOURCES = ("mnist", "fashion_mnist")
# What a training on some thousand pictures may take on two cores.
MOST_SECONDS = 300.0


def write_folders(folder: Path, source: str, pictures: int, tests: int, seed: int) -> None:
    """Write some pictures of a data set as png files, a folder for each class."""
    from PIL import Image

    data = read_source(DATA / source)
    assert isinstance(data, Images)
    parts = {
        "train": (data.train_images, data.train_labels, pictures, seed),
        # The same ones whatever the seed, so that seeds differ by what was learned only.
        "test": (data.test_images, data.test_labels, tests, 0),
    }
    for part, (images, labels, count, drawn_by) in parts.items():
        chosen = np.random.default_rng(drawn_by).permutation(len(images))[:count]
        for number in chosen:
            place = folder / part / str(labels[number])
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(images[number])).save(place / f"{number}.png")


def measured(folder: Path, options: Options) -> tuple[FitResult, float, float]:
    """Return what came of a training on a folder, and the seconds from the files to the score.

    Then the processor's seconds, which other processes lengthen less.
    """
    began, worked = time.perf_counter(), time.process_time()
    result = train(str(folder), options)
    return result, time.perf_counter() - began, time.process_time() - worked


def main() -> None:
    """Print a line for each way to train on each set with each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", nargs="+", default=list(SOURCES), choices=SOURCES)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--tests", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    asked = parser.parse_args()
    print(
        f"{'pictures':<22}{'seed':>5}  {'trained':<12}{'epochs':>7}{'seconds':>9}{'processor':>11}"
        f"{'accuracy':>10}"
    )
    for source in asked.sources:
        for seed in range(asked.seeds):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_folders(folder, source, asked.pictures, asked.tests, seed)
                usual = Options(seed=seed, threads=asked.threads)
                most = _planned_epochs(folder, usual)
                whole = Options(seed=seed, threads=asked.threads, epochs=most, patience=most)
                for how, options in (("by default", usual), ("all epochs", whole)):
                    result, seconds, processor = measured(folder, options)
                    accuracy = result.scores["test"]["accuracy"]
                    late = "  too long" if seconds > MOST_SECONDS else ""
                    print(
                        f"{f'{asked.pictures:,} of {source}':<22}{seed:>5}  {how:<12}"
                        f"{result.run.epochs:>7}{seconds:>9.0f}{processor:>11.0f}{accuracy:>10.4f}{late}",
                        flush=True,
                    )


def _planned_epochs(folder: Path, options: Options) -> int:
    """Return how many epochs a default training does at most."""
    modality = recognize(read_source(str(folder)), options)
    return modality.plan(modality.prepare(modality.split())).epochs


if __name__ == "__main__":
    main()
