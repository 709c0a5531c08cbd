"""Counter-based random numbers: each depends on seed, step, stream and place and nothing else.

The generator is Philox 4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random
numbers: as easy as 1, 2, 3", 2011), so that any part of an array can be drawn anywhere, in any
order, on any number of threads. Knows nothing of networks.

Layout: entries are numbered in row-major order and drawn in chunks of 64. Within a chunk, entry e
takes word e // 16 of the block whose counter is (16 · chunk + e % 16, stream, step, step's upper
half). A vector of 16 lanes therefore draws its 64 entries without moving a word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import FLOATS, Array, Op, Type, Value
from misstep.ir.op import Example
from misstep.ops.elementwise import Gradients
from misstep.ops.functions import cos, log1p, sqrt
from misstep.ops.lifting import Operand, as_value

LANES = 16
_WORDS = 4
# What the compiler calls the dtypes.
KINDS = {"float32": "float", "float64": "double"}


def philox(
    counter: tuple[Array, Array, Array, Array], key: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Return four random uint32 words for each counter of four uint32 words.

    Constants: multipliers and Weyl increments of the paper above.
    """
    low32 = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = (np.asarray(word).astype(np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(10):
        first = c0 * np.uint64(0xD2511F53)
        second = c2 * np.uint64(0xCD9E8D57)
        c0 = (second >> np.uint64(32)) ^ c1 ^ np.uint64(k0)
        c2 = (first >> np.uint64(32)) ^ c3 ^ np.uint64(k1)
        c1, c3 = second & low32, first & low32
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return (c0.astype(np.uint32), c1.astype(np.uint32), c2.astype(np.uint32), c3.astype(np.uint32))


def lowered_philox(code: Any, counter: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what `philox` does, written for the compiler: four words in each lane."""

    def product(word: Any, factor: int) -> tuple[Any, Any]:
        wide = code.convert(word, "i64", signed=False)
        both = code.multiply(wide, code.like(factor, wide))
        upper = code.shift_right(both, code.like(32, both))
        return code.convert(both, "i32"), code.convert(upper, "i32")

    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        low0, high0 = product(c0, 0xD2511F53)
        low2, high2 = product(c2, 0xCD9E8D57)
        c0, c1 = code.xor(code.xor(high2, c1), k0), low2
        c2, c3 = code.xor(code.xor(high0, c3), k1), low0
        k0 = code.add(k0, code.like(0x9E3779B9, k0))
        k1 = code.add(k1, code.like(0xBB67AE85, k1))
    return c0, c1, c2, c3


def random_bits(seed: int, step: int, stream: int, count: int, start: int = 0) -> Array:
    """Return `count` random uint32 words for a seed and a step (64 bits each) and a stream (32).

    `start`: how many words come before them, a multiple of 64.

    >>> import misstep as ms
    >>> ms.ops.random_bits(seed=0, step=0, stream=1, count=2).dtype
    dtype('uint32')
    """
    chunks = -(-count // (LANES * _WORDS))
    first = start // _WORDS
    blocks = np.arange(first, first + chunks * LANES, dtype=np.uint64)
    step64, seed64 = int(step) & 0xFFFFFFFFFFFFFFFF, int(seed) & 0xFFFFFFFFFFFFFFFF
    words = philox(
        (
            blocks,
            np.full_like(blocks, int(stream) & 0xFFFFFFFF),
            np.full_like(blocks, step64 & 0xFFFFFFFF),
            np.full_like(blocks, step64 >> 32),
        ),
        (seed64 & 0xFFFFFFFF, seed64 >> 32),
    )
    stacked = np.stack([word.reshape(chunks, LANES) for word in words], axis=1)
    return stacked.reshape(-1)[:count]


def uniform_numbers(seed: Array, step: Array, stream: int, shape: tuple[int, ...]) -> Array:
    """Return numbers from 0 up to but not 1, each a multiple of 2^−24 (exact in float32)."""
    words = random_bits(int(seed), int(step), stream, math.prod(shape))
    return (words >> np.uint32(8)).reshape(shape) * 2.0**-24


@dataclass(frozen=True)
class RandomUniform(Op):
    """Numbers from 0 up to but not 1, fixed by seed and step (the inputs), stream and place.

    They are multiples of 2^−24, so float32 and float64 programs draw the very same numbers.
    """

    shape: tuple[int, ...]
    stream: int
    dtype: str = "float32"
    name = "random_uniform"
    cost = 100
    block = LANES * _WORDS
    by_number = True
    words = "random numbers of seed {0} at step {1}"
    formula = "U[0, 1)"
    local_derivatives: ClassVar[tuple[str, ...]] = ("0", "0")
    smooth = False

    def type(self, *inputs: Type) -> Type:
        for type_ in inputs:
            if type_ != Type((), "int64"):
                raise DtypeError("seed and step", needed="single int64 numbers", got=str(type_))
        if self.dtype not in FLOATS:
            raise DtypeError(self.name, needed="float32 or float64", got=self.dtype)
        return Type(self.shape, self.dtype)

    def run(self, seed: Array, step: Array) -> Array:
        return uniform_numbers(seed, step, self.stream, self.shape).astype(self.dtype)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return None, None

    def python(self, *names: str) -> str:
        return (
            f"uniform_numbers({names[0]}, {names[1]}, {self.stream}, {self.shape})"
            f'.astype("{self.dtype}")'
        )

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return philox, random_bits, uniform_numbers

    def element(self, context: Any) -> Any:
        chunk = context.block(self.block)
        word = self._word(context) if chunk is None else self._words(context, chunk)
        return self._fraction(context, word)

    def _fraction(self, context: Any, word: Any) -> Any:
        """Return the number from 0 up to but not 1 that a word means."""
        code = context.code
        fraction = code.shift_right(word, code.like(8, word))
        fraction = code.convert(fraction, KINDS[self.dtype], signed=False)
        return code.multiply(fraction, code.like(2.0**-24, fraction))

    def _words(self, context: Any, chunk: Any) -> Any:
        """Return the words of a whole chunk: none of the four of a block is left over."""
        code = context.code
        first = code.splat(code.convert(code.shift_left(chunk, code.like(4, chunk)), "i32"), LANES)
        counter = code.add(first, code.lane_numbers("i32", LANES))
        w0, w1, w2, w3 = self._philox(context, counter)
        lower = code.shuffle(w0, w1, range(2 * LANES))
        upper = code.shuffle(w2, w3, range(2 * LANES))
        return code.shuffle(lower, upper, range(4 * LANES))

    def _word(self, context: Any) -> Any:
        """Return the word of each lane's entry, wherever that is."""
        code, entry = context.code, self._entry(context)

        def moved(number: Any, count: int) -> Any:
            return code.shift_right(number, code.like(count, number))

        chunk = code.shift_left(moved(entry, 6), code.like(4, entry))
        lane = code.and_(entry, code.like(LANES - 1, entry))
        words = self._philox(context, code.convert(code.add(chunk, lane), "i32"))
        which = code.and_(moved(entry, 4), code.like(3, entry))
        word = words[3]
        for number in range(3):
            word = code.select(code.equal(which, code.like(number, which)), words[number], word)
        return word

    def _entry(self, context: Any) -> Any:
        """Return the number of each lane's entry among all that are drawn."""
        return context.linear()

    def _philox(self, context: Any, counter: Any) -> tuple[Any, ...]:
        """Return the four words of each lane's counter, for the seed and step read at `context`."""
        code, lanes = context.code, counter.lanes

        def halves(whole: Any) -> list[Any]:
            upper = code.shift_right(whole, code.like(32, whole))
            return [code.splat(code.convert(half, "i32"), lanes) for half in (whole, upper)]

        stream = code.constant(self.stream & 0xFFFFFFFF, "i32", lanes)
        step, seed = halves(context.read(1, ())), halves(context.read(0, ()))
        return lowered_philox(code, (counter, stream, *step), (seed[0], seed[1]))

    def in_float64(self) -> Op:
        return RandomUniform(self.shape, self.stream, "float64")

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = tuple(int(length) for length in random.integers(0, 40, 2))
        seed, step = random.integers(-(2**62), 2**62, 2)
        yield cls(shape, int(random.integers(0, 99)), "float64"), (np.array(seed), np.array(step))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2,), 0), (np.array(1.0), np.array(1))
        yield cls((2,), 0, "int64"), (np.array(1), np.array(1))


@dataclass(frozen=True)
class RandomRows(RandomUniform):
    """Some rows of what `random_uniform` draws: those from the row whose number is an input.

    `shape`: of the rows that are drawn, their number first. So whoever works on a part of a batch
    draws for each of its rows what the whole batch has for it.
    """

    name = "random_rows"
    block = 1
    words = "random numbers of seed {0} at step {1}, from row {2} on"
    local_derivatives = ("0", "0", "0")

    def run(self, seed: Array, step: Array, first: Array) -> Array:  # type: ignore[override]
        return uniform_rows(seed, step, self.stream, self.shape, first).astype(self.dtype)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return None, None, None

    def python(self, *names: str) -> str:
        return (
            f"uniform_rows({names[0]}, {names[1]}, {self.stream}, {self.shape}, {names[2]})"
            f'.astype("{self.dtype}")'
        )

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return philox, random_bits, uniform_rows

    def element(self, context: Any) -> Any:
        # Where a row begins, a chunk need not: each entry is drawn by itself.
        return self._fraction(context, self._word(context))

    def _entry(self, context: Any) -> Any:
        code, entry = context.code, context.linear()
        first = code.splat(context.read(2, ()), entry.lanes)
        width = code.like(math.prod(self.shape[1:]), first)
        return code.add(entry, code.multiply(first, width))

    def in_float64(self) -> Op:
        return RandomRows(self.shape, self.stream, "float64")

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = tuple(int(length) for length in random.integers(0, 40, 2))
        seed, step = random.integers(-(2**62), 2**62, 2)
        drawn = np.array(seed), np.array(step), np.array(random.integers(0, 99))
        yield cls(shape, int(random.integers(0, 99)), "float64"), drawn

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2,), 0), (np.array(1.0), np.array(1), np.array(1))
        yield cls((2,), 0), (np.array(1), np.array(1), np.array(0.5))


def uniform_rows(
    seed: Array, step: Array, stream: int, shape: tuple[int, ...], first: Array
) -> Array:
    """Return what `uniform_numbers` has for `shape[0]` rows from row `first` on."""
    start = int(first) * math.prod(shape[1:])
    words = random_bits(int(seed), int(step), stream, start + math.prod(shape))[start:]
    return (words >> np.uint32(8)).reshape(shape) * 2.0**-24


def _whole_number(x: Operand) -> Value:
    return as_value(np.asarray(x, "int64") if isinstance(x, int) else x)


def random_uniform(
    shape: tuple[int, ...],
    seed: Operand,
    step: Operand = 0,
    stream: int = 0,
    dtype: str = "float32",
) -> Value:
    """Return numbers from 0 up to but not 1: the same for the same seed, step, stream and index.

    >>> import misstep as ms
    >>> ms.ops.random_uniform((3,), seed=7).shape
    (3,)
    """
    return RandomUniform(tuple(shape), stream, dtype)(_whole_number(seed), _whole_number(step))


def random_rows(
    shape: tuple[int, ...],
    seed: Operand,
    step: Operand,
    first: Operand,
    stream: int = 0,
    dtype: str = "float32",
) -> Value:
    """Return the rows of `random_uniform` from row `first` on: as many as `shape` begins with.

    >>> import misstep as ms
    >>> whole = ms.ops.random_uniform((4, 3), seed=7)
    >>> part = ms.ops.random_rows((2, 3), seed=7, step=0, first=2)
    >>> bool((part.numpy() == whole.numpy()[2:]).all())
    True
    """
    numbers = map(_whole_number, (seed, step, first))
    return RandomRows(tuple(shape), stream, dtype)(*numbers)


def random_normal(
    shape: tuple[int, ...],
    seed: Operand,
    step: Operand = 0,
    stream: int = 0,
    dtype: str = "float32",
) -> Value:
    """Return normally distributed numbers of mean 0 and deviation 1 (Box and Muller, 1958).

    >>> import misstep as ms
    >>> ms.ops.random_normal((3,), seed=7).shape
    (3,)
    """
    pair = random_uniform((2, *shape), seed, step, stream, dtype)
    # 1 − u is never 0, so the logarithm is finite.
    radius = sqrt(-2.0 * log1p(-pair[0]))
    return radius * cos(2 * math.pi * pair[1])
