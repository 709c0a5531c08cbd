"""The sums of one tile of a matrix product: a chain of fused multiply-adds for each entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.finishing import strip_masks
from misstep.compiler.codegen.kernels.tiles import Operand, Tile
from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import plus, times

# So short a sum is written without a loop.
FEW_STEPS = 4


def multiply_tile(
    emission: Emission,
    left: Operand,
    right: Operand,
    height: int,
    tile: Tile,
    count: int,
    summed: int,
    llvm_type: str,
    chains: int = 1,
    *,
    before: Sequence[Number] = (),
    ask: Callable[[Number], None] | None = None,
) -> list[Number]:
    """Return the sums of a tile, row by row, in each its vectors.

    `before`: the sums so far, with which the one chain of each entry goes on. `ask`: writes that
    what a row needs when the tile is finished is brought near. Spread over the sum, one row after
    the other, since a processor has few lines under way at a time.
    """
    code, lanes = emission.code, tile.lanes
    masks = strip_masks(emission, tile.lanes, count)
    number = height * tile.vectors
    zeros = [code.constant(0, llvm_type, lanes)] * number
    start = list(before) or zeros

    def step(at: Number, sums: list[Number], more: int = 0) -> list[Number]:
        index = plus(code, at, code.index(more))
        line = code.address(right.base, times(code, index, right.rows), llvm_type)
        vectors = [
            code.load(
                code.address(line, code.index(v * lanes), llvm_type), llvm_type, lanes, masks[v]
            )
            for v in range(tile.vectors)
        ]
        column = code.address(left.base, times(code, index, left.columns), llvm_type)
        products = []
        for row in range(height):
            entry = code.load(
                code.address(column, code.index(row * left.rows), llvm_type), llvm_type
            )
            wide = code.splat(entry, lanes)
            for v in range(tile.vectors):
                products.append(code.fma(wide, vectors[v], sums[row * tile.vectors + v]))
        return products

    if summed <= FEW_STEPS:
        sums = start
        for at in range(summed):
            sums = step(code.index(at), sums)
        return sums
    if chains == 1 and ask is not None and summed >= 2 * height:
        part = summed // height
        with code.loop(0, height, 1, start, hint="part") as parts_loop:
            ask(parts_loop.index)
            first = times(code, parts_loop.index, part)
            with code.loop(
                first, plus(code, first, code.index(part)), 1, parts_loop.values, hint="k"
            ) as loop:
                loop.next = step(loop.index, loop.values)
            parts_loop.next = loop.results
        sums = parts_loop.results
        for at in range(part * height, summed):
            sums = step(code.index(at), sums)
        return sums
    if chains == 1:
        with code.loop(0, summed, 1, start, hint="k") as loop:
            loop.next = step(loop.index, loop.values)
        return loop.results
    whole = summed // chains * chains
    with code.loop(0, whole, chains, zeros * chains, hint="k") as loop:
        following: list[Number] = []
        for chain in range(chains):
            part_sums = loop.values[chain * number : (chain + 1) * number]
            following += step(loop.index, part_sums, chain)
        loop.next = following
    parts = [loop.results[chain * number : (chain + 1) * number] for chain in range(chains)]
    for chain in range(summed - whole):
        parts[chain] = step(code.index(whole + chain), parts[chain])
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [
            [code.add(a, b) for a, b in zip(parts[index], parts[index + half], strict=True)]
            for index in range(half)
        ]
    return parts[0]
