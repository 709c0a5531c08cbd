"""Estimators on images: arrays of bytes, floats and paths; saved, gone on with, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import misstep as ms
from misstep.data import ImageScaling

RANDOM = np.random.default_rng(0)
QUICK: dict[str, Any] = {"epochs": 20, "threads": 1, "batch_size": 8}
LINE = "conv4-pool-dense8"


def boxes(rows: int = 60, channels: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images with a light box in every second of them, and whether it is there."""
    y = np.arange(rows) % 2
    x = RANDOM.integers(0, 60, (rows, 10, 8)).astype("uint8")
    x[y == 1, 3:7, 2:6] += 150
    x = np.repeat(x[..., None], channels, axis=-1) if channels else x
    return x, np.where(y, "box", "none")


@pytest.mark.parametrize("channels", [0, 1, 3])
@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_arrays_of_images(channels: int, kind: str, tmp_path: Path) -> None:
    x, y = boxes(channels=channels)
    if kind == "float64":
        if not channels:
            pytest.skip("floats with three axes are sequences")
        x = x / 255
    classifier = ms.Classifier(LINE, **QUICK).fit(x, y)
    assert classifier.score(x, y) > 0.9
    assert classifier.n_features_in_ == x[0].size
    assert isinstance(classifier.model_.preprocessing, ImageScaling)
    classifier.save(tmp_path / "boxes.misstep")
    model = ms.load_model(tmp_path / "boxes.misstep")
    as_bytes = np.rint(x * 255).astype("uint8") if kind == "float64" else x
    np.testing.assert_array_equal(model.predict(as_bytes), classifier.predict(x))


def test_the_order_of_images_does_not_matter_and_weights_are_copies() -> None:
    x, y = boxes(40)
    weights = RANDOM.integers(0, 3, 40)
    weighted = ms.Classifier(LINE, **QUICK).fit(x, y, sample_weight=weights)
    order = RANDOM.permutation(weights.sum())
    copies = np.repeat(np.arange(40), weights)[order]
    copied = ms.Classifier(LINE, **QUICK).fit(x[copies], y[copies])
    np.testing.assert_array_equal(weighted.predict_proba(x), copied.predict_proba(x))


def test_paths(tmp_path: Path) -> None:
    x, y = boxes(30)
    paths = []
    for number, image in enumerate(x):
        paths.append(tmp_path / f"{number:02}.png")
        Image.fromarray(image).save(paths[-1])
    by_path = ms.Classifier(LINE, **QUICK).fit([str(path) for path in paths], y)
    by_array = ms.Classifier(LINE, **QUICK).fit(x, y)
    np.testing.assert_array_equal(by_path.predict_proba(paths), by_array.predict_proba(x))
    np.testing.assert_array_equal(by_path.predict(np.array(paths, object)), by_array.predict(x))
    paths[3].write_bytes(b"broken")
    for call in (by_path.predict, lambda given: by_path.fit(given, y)):
        with pytest.raises(ms.DataError, match=r"03\.png"):
            call(paths)


def test_the_default_network_is_for_images() -> None:
    x, y = boxes()
    classifier = ms.Classifier(epochs=1, threads=1).fit(x, y)
    chosen = {one.what: one.choice for one in classifier.decisions_}
    assert "residual" in chosen["network"]
    assert "shift" in chosen["augmentation"]
    plain = ms.Classifier(LINE, epochs=1, threads=1, augment="none").fit(x, y)
    assert {one.what: one.choice for one in plain.decisions_}["augmentation"] == "none"
    mixed = ms.Classifier(LINE, epochs=1, threads=1, augment="mixup-noise").fit(x, y)
    assert mixed._result.trainer.mixup > 0


def test_going_on_and_numbers() -> None:
    x, y = boxes()
    classifier = ms.Classifier(LINE, threads=1, batch_size=8, learning_rate=0.01)
    for _ in range(15):
        classifier.partial_fit(x, y, classes=["box", "none"])
    assert classifier.score(x, y) > 0.8
    light = x.mean(axis=(1, 2))
    regressor = ms.Regressor(LINE, threads=1, epochs=60, batch_size=8).fit(x, light)
    assert regressor.score(x, light) > 0.8


def test_what_is_refused() -> None:
    x, y = boxes()
    classifier = ms.Classifier(LINE, epochs=1, threads=1).fit(x, y)
    with pytest.raises(ms.DataError, match="10 × 8 each"):
        classifier.predict(x[:, :5])
    with pytest.raises(ms.DataError, match="images, as in fit"):
        classifier.predict(["many", "words"])
    with pytest.raises(ms.DataError):
        ms.Classifier(LINE).fit(x[:0], y[:0])
    with pytest.raises(ms.ArgumentError, match="'flap'"):
        ms.Classifier(LINE, augment="flap").fit(x, y)
    with pytest.raises(ms.ArgumentError, match="augment"):
        ms.Classifier(LINE, augment=3).fit(x, y)  # type: ignore[arg-type]
