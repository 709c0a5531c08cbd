"""Random numbers depend on seed, step, stream and place, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from misstep.compiler import NativeProgram
from misstep.ir import Graph, Interpreter, make_input
from misstep.ops import random_bits, random_normal, random_rows, random_uniform
from misstep.ops.randomness import philox

# The known answers of the Random123 library for philox4x32 with 10 rounds: counter, key, words.
KNOWN = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_known_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    c0, c1, c2, c3 = (np.array([word], np.uint32) for word in counter)
    assert tuple(int(word[0]) for word in philox((c0, c1, c2, c3), key)) == words


def test_an_entry_is_the_word_of_its_block() -> None:
    """Entry e of a chunk of 64: word e // 16 of the block with counter 16 · chunk + e % 16."""
    seed, step, stream = 0x1234567890ABCDEF, 0xFEDCBA0987654321 - 2**64, 7
    bits = random_bits(seed, step, stream, 200)
    for entry in (0, 15, 16, 63, 64, 130, 199):
        chunk, inside = divmod(entry, 64)
        low, high = step & 0xFFFFFFFF, (step >> 32) & 0xFFFFFFFF
        c0, c1, c2, c3 = (
            np.array([one], np.uint64) for one in (16 * chunk + inside % 16, stream, low, high)
        )
        words = philox((c0, c1, c2, c3), (seed & 0xFFFFFFFF, seed >> 32))
        assert bits[entry] == words[inside // 16][0]


def test_more_entries_begin_with_fewer() -> None:
    long = random_bits(1, 2, 3, 1000)
    for count in (0, 1, 16, 63, 64, 65, 999):
        np.testing.assert_array_equal(random_bits(1, 2, 3, count), long[:count])


def test_entries_may_be_drawn_from_the_middle_on() -> None:
    long = random_bits(1, 2, 3, 1000)
    for start in (64, 640):
        np.testing.assert_array_equal(random_bits(1, 2, 3, 70, start), long[start : start + 70])


def test_the_same_seed_step_and_stream_give_the_same_numbers() -> None:
    first = random_uniform((3, 5), 1, 2, 3).numpy()
    np.testing.assert_array_equal(first, random_uniform((3, 5), 1, 2, 3).numpy())
    for other in [(2, 2, 3), (1, 3, 3), (1, 2, 4), (1 + 2**32, 2, 3), (1, 2 + 2**32, 3)]:
        assert not np.array_equal(first, random_uniform((3, 5), *other).numpy())


def test_seed_and_step_may_be_inputs() -> None:
    seed, step = make_input("seed", (), "int64"), make_input("step", (), "int64")
    program = Interpreter(Graph({"u": random_uniform((4,), seed, step, 1)}))
    for one in (-5, 0, 2**62):
        drawn = program.run({"seed": one, "step": 9})["u"]
        np.testing.assert_array_equal(drawn, random_uniform((4,), one, 9, 1).numpy())


def test_float32_and_float64_draw_the_same_numbers() -> None:
    narrow = random_uniform((100,), 5).numpy()
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, random_uniform((100,), 5, dtype="float64").numpy())


def test_uniform_numbers_are_uniform() -> None:
    drawn = random_uniform((200, 500), 11, dtype="float64").numpy()
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert stats.kstest(drawn.reshape(-1), "uniform").pvalue > 0.001
    # Neighbors have nothing to do with each other: 4 deviations of a correlation of 0.
    flat = drawn.reshape(-1) - drawn.mean()
    for distance in (1, 16, 64, 500):
        between = np.mean(flat[:-distance] * flat[distance:]) / np.var(flat)
        assert abs(between) < 4 / np.sqrt(flat.size)
    # Nor have the draws of two steps.
    later = random_uniform((200, 500), 11, 1, dtype="float64").numpy().reshape(-1)
    assert abs(np.corrcoef(flat, later)[0, 1]) < 4 / np.sqrt(flat.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_numbers_are_normal(dtype: str) -> None:
    drawn = random_normal((100, 1000), 12, dtype=dtype).numpy().astype("float64")
    assert np.isfinite(drawn).all()
    assert stats.kstest(drawn.reshape(-1), "norm").pvalue > 0.001
    assert abs(drawn.mean()) < 4 / np.sqrt(drawn.size)


def test_each_bit_is_set_half_of_the_time() -> None:
    bits = random_bits(3, 4, 5, 50_000)
    for place in range(32):
        share = np.mean((bits >> np.uint32(place)) & 1)
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(bits.size)


@pytest.mark.parametrize("width", [(), (5,), (3, 7), (64,)])
def test_rows_are_drawn_as_the_whole_batch_has_them(width: tuple[int, ...]) -> None:
    seed, step, first = (make_input(name, (), "int64") for name in ("seed", "step", "first"))
    whole = random_uniform((40, *width), 3, 9, 2).numpy()
    graph = Graph({"u": random_rows((6, *width), seed, step, first, 2)}, [seed, step, first])
    native = NativeProgram(graph)
    for row in (0, 1, 8, 33, 34):
        feeds = {"seed": 3, "step": 9, "first": row}
        np.testing.assert_array_equal(Interpreter(graph).run(feeds)["u"], whole[row : row + 6])
        np.testing.assert_array_equal(native.run(feeds)[0]["u"], whole[row : row + 6])
