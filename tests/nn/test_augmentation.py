"""Layers that change images: what they do in training, and that they do nothing in evaluation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler import NativeProgram, Roles
from misstep.ir import Array, Graph, Interpreter, make_input, make_literal
from misstep.nn import (
    Cutout,
    GaussianNoise,
    Module,
    Network,
    RandomAffine,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomShift,
    Sequential,
)
from misstep.nn.augmentation import _Augmentation
from misstep.nn.module import registered_layers

RANDOM = np.random.default_rng(0)
KINDS = [kind for kind in registered_layers().values() if issubclass(kind, _Augmentation)]


def changed(layer: Module, x: Array, seed: int = 0, step: int = 0, training: bool = True) -> Array:
    network = Network(layer, x.shape[1:], dtype=x.dtype.name)
    numbers = (make_literal(np.array(one), "int64") for one in (seed, step))
    y, _ = network.apply(
        make_literal(x, x.dtype.name),
        make_literal(network.parameters, x.dtype.name),
        training=training,
        seed=next(numbers),
        step=next(numbers),
    )
    return np.asarray(Interpreter(Graph({"y": y})).run({})["y"])


def images(rows: int = 40, height: int = 6, width: int = 8, channels: int = 2) -> Array:
    return RANDOM.uniform(0, 1, (rows, height, width, channels))


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_leaves_images_alone_and_training_repeats_itself(kind: type[Module]) -> None:
    x = images()
    layer = kind()
    np.testing.assert_array_equal(changed(layer, x, training=False), x)
    once = changed(layer, x, seed=3, step=5)
    assert once.shape == x.shape
    assert not np.array_equal(once, x)
    np.testing.assert_array_equal(once, changed(layer, x, seed=3, step=5))
    assert not np.array_equal(once, changed(layer, x, seed=3, step=6))
    assert not np.array_equal(once, changed(layer, x, seed=4, step=5))


def test_flips_mirror_some_and_leave_the_others() -> None:
    x = images(200)
    found = changed(RandomFlip(), x)
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(found, x, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(found, x, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    # Five standard errors of a fair coin.
    assert abs(np.mean(mirrored) - 0.5) < 5 * 0.5 / math.sqrt(len(x))
    np.testing.assert_array_equal(changed(RandomFlip(1.0), x), x[:, :, ::-1])
    np.testing.assert_array_equal(changed(RandomFlip(0.0), x), x)


@pytest.mark.parametrize("fill", ["edge", "zeros"])
def test_shifts_are_crops_of_a_padded_image(fill: str) -> None:
    x, most = images(300, 5, 6), 2
    mode = {"edge": "edge", "zeros": "constant"}[fill]
    padded = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)), mode=mode)
    found = changed(RandomShift(most, fill), x)
    seen = set()
    for row, image in enumerate(found):
        crops = {
            (i, j)
            for i in range(2 * most + 1)
            for j in range(2 * most + 1)
            if np.array_equal(padded[row, i : i + 5, j : j + 6], image)
        }
        assert len(crops) == 1
        seen |= crops
    assert len(seen) == 25


@given(
    degrees=st.floats(0, 180),
    zoom=st.floats(0, 0.5),
    stretch=st.floats(0, 0.5),
    seed=st.integers(0, 99),
    fill=st.sampled_from(["edge", "zeros"]),
)
@settings(max_examples=25, deadline=None)
def test_a_warp_is_the_bilinear_one_of_scipy(
    degrees: float, zoom: float, stretch: float, seed: int, fill: str
) -> None:
    x = images(2, 7, 9, 1)
    found = changed(RandomAffine(degrees, zoom, stretch, fill), x, seed)
    # The three numbers of each row, as the layer draws them.
    draws = [
        changed_draw(len(x), stream, seed) * (high - low) + low
        for stream, (low, high) in enumerate(
            [
                (-math.radians(degrees), math.radians(degrees)),
                (1 - zoom, 1 + zoom),
                (1 - stretch / 2, 1 + stretch / 2),
            ],
            start=1,
        )
    ]
    middle = np.array([3.0, 4.0])
    for row, (angle, scale, wide) in enumerate(zip(*draws, strict=True)):
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = np.diag([scale * wide, scale / wide]) @ turn
        wanted = ndimage.affine_transform(
            x[row, ..., 0],
            matrix,
            middle - matrix @ middle,
            order=1,
            mode="nearest" if fill == "edge" else "grid-constant",
        )
        np.testing.assert_allclose(found[row, ..., 0], wanted, atol=1e-9)


def changed_draw(rows: int, stream: int, seed: int) -> Array:
    from misstep.ops.randomness import uniform_numbers

    return uniform_numbers(np.array(seed), np.array(0), stream, (rows,))


def test_brightness_contrast_and_noise() -> None:
    x = images(300, 8, 8, 1)
    lighter = changed(RandomBrightness(0.2), x) - x
    steps = lighter[:, 0, 0, 0]
    np.testing.assert_allclose(lighter, np.broadcast_to(steps[:, None, None, None], x.shape))
    assert -0.2 <= steps.min() < -0.1
    assert 0.1 < steps.max() <= 0.2

    stronger = changed(RandomContrast(0.3), x)
    np.testing.assert_allclose(stronger.mean(axis=(1, 2, 3)), x.mean(axis=(1, 2, 3)))
    factors = stronger.std(axis=(1, 2, 3)) / x.std(axis=(1, 2, 3))
    assert 0.7 <= factors.min() < 0.8
    assert 1.2 < factors.max() <= 1.3

    noise = (changed(GaussianNoise(0.5), x) - x).reshape(-1)
    assert abs(noise.mean()) < 5 * 0.5 / math.sqrt(len(noise))
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert abs((np.abs(noise) < 0.5).mean() - 0.6827) < 0.01


def test_a_cutout_is_a_square_of_the_mean() -> None:
    x = images(200, 10, 10, 3)
    found = changed(Cutout(0.4), x)
    for image, before in zip(found, x, strict=True):
        hidden = (image != before).any(axis=-1)
        down, across = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
        assert len(down) <= 4
        assert len(across) <= 4
        assert hidden.sum() == len(down) * len(across)
        np.testing.assert_allclose(image[hidden], before.mean())


def test_all_of_them_compile_to_the_same_numbers_on_any_threads() -> None:
    layers = Sequential(*(kind() for kind in KINDS))
    network = Network(layers, (16, 12, 3), dtype="float32")
    x = images(9, 16, 12, 3).astype("float32")
    held = make_input("x", x.shape, "float32")
    seed, step = make_input("seed", (), "int64"), make_input("step", (), "int64")
    y, _ = network.apply(
        held, make_literal(np.zeros(0), "float32"), training=True, seed=seed, step=step
    )
    graph = Graph({"y": y}, [held, seed, step])
    feeds = {"x": x, "seed": np.array(7), "step": np.array(2)}
    wanted = Interpreter(graph).run(feeds)["y"]
    runs = [NativeProgram(graph, Roles(), threads=threads).run(feeds)[0]["y"] for threads in (1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_allclose(runs[0].reshape(wanted.shape), wanted, atol=2e-5)


def test_nobody_works_out_gradients_of_the_images() -> None:
    network = Network(
        Sequential(RandomShift(1), RandomAffine(), Cutout(), RandomFlip()),
        (6, 6, 1),
        dtype="float64",
    )
    x = make_input("x", (2, 6, 6, 1), "float64")
    weight = make_input("w", (1,), "float64")
    seed = make_literal(np.array(0), "int64")
    y, _ = network.apply(
        x, make_literal(np.zeros(0), "float64"), training=True, seed=seed, step=seed
    )
    slope = gradient(ops.sum(y * weight), [weight])[0]
    names = [one.op.name for one in Graph({"slope": slope}, [x, weight]).values if one.op]
    assert "scatter_add" not in names
