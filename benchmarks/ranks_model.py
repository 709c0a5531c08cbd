"""How a training grows to 256 machines: a model of compute and exchange, drawn for docs.

    python -m benchmarks.ranks_model      writes the picture, prints the table of the page

The constants were measured by `benchmarks/ranks.py`; the page says where and what the model lacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from misstep.drawing.charts.lines import Line, line_chart

PICTURE = Path(__file__).parents[1] / "docs" / "many-machines.svg"
# Of a batch that 256 machines share out, and its shards: 32 rows each.
ROWS, SHARDS = 8192, 256
MACHINES = [2**power for power in range(9)]
# Entries of an array whose exchange goes by halves, in bytes, as in `exchange/mpi.py`.
HALVED = 1 << 15


@dataclass(frozen=True)
class Wire:
    """What a message costs: seconds before its first byte, and bytes in a second behind it."""

    latency: float
    bandwidth: float

    def exchange(self, size: float, machines: int) -> float:
        """Return the seconds of a sum of `size` bytes over all machines, by recursive doubling."""
        steps = math.log2(machines)
        if size < HALVED:
            return steps * (self.latency + size / self.bandwidth)
        return 2 * (steps * self.latency + (1 - 1 / machines) * size / self.bandwidth)


@dataclass(frozen=True)
class Training:
    """A network. `row`: seconds of a row; `shard`: seconds that each shard costs beside its rows.

    `parameters`: whose gradient is exchanged, in float32. `update`: seconds of it, on each machine.
    `small`: other exchanges of a step, of batch statistics, and bytes of each.
    """

    name: str
    row: float
    shard: float
    parameters: int
    update: float
    small: int = 0
    small_bytes: int = 0

    def step(self, machines: int, wire: Wire) -> float:
        """Return the seconds of an update."""
        shards = SHARDS / machines
        work = shards * (ROWS / SHARDS * self.row + self.shard) + self.update
        if machines == 1:
            return work
        sums = wire.exchange(4.0 * self.parameters, machines)
        return work + sums + self.small * wire.exchange(self.small_bytes, machines)


TCP = Wire(17e-6, 1.4e9)
MEMORY = Wire(5e-6, 5.9e9)
CNN = Training("convolutions with batch norm", 51e-6, 195e-6, 12_874, 30e-6, 3, 128)
LSTM = Training("LSTM of 64, 30 steps", 39e-6, 68e-6, 19_338, 40e-6)
DENSE = Training("784-256-256-10", 14e-6, 130e-6, 269_322, 250e-6)
CASES = [
    (CNN, TCP, "TCP"),
    (LSTM, TCP, "TCP"),
    (DENSE, TCP, "TCP"),
    (DENSE, MEMORY, "a wire as fast as memory"),
]


def speed(training: Training, machines: int, wire: Wire) -> float:
    """Return how many times as fast as one machine so many are."""
    return training.step(1, wire) / training.step(machines, wire)


def main() -> None:
    """Print the table and draw the picture."""
    lines = [Line("as many times as machines", MACHINES, MACHINES, ("muted",))]
    print("| network, wire | one machine | 4 | 16 | 64 | 256 |\n|---|---|---|---|---|---|")
    for training, wire, words in CASES:
        speeds = [speed(training, machines, wire) for machines in MACHINES]
        lines.append(Line(f"{training.name}, {words}", MACHINES, speeds, dots=True))
        shown = " | ".join(f"{speeds[MACHINES.index(count)]:.1f} ×" for count in (4, 16, 64, 256))
        print(f"| {training.name}, {words} | {1e3 * training.step(1, wire):.0f} ms | {shown} |")
    drawing = line_chart(
        lines,
        title="How many times as fast so many machines are",
        description="A model with measured constants: speed over the number of machines, from 1 to "
        f"256, for batches of {ROWS} rows in {SHARDS} shards.",
        across="machines",
        up="times as fast as one",
        logarithmic=True,
        across_logarithmic=True,
        width=640,
        height=380,
    )
    PICTURE.write_text(drawing.svg(standalone=True), encoding="utf-8")


if __name__ == "__main__":
    main()
