"""How entrants are compared: each in its own process, pair by pair, idle while the other runs.

Ours is measured beside each peer anew: A B, then B A, then A B …, so that neither always comes
first. Before that, all must give the same losses from the same first weights: nobody wins by doing
less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.entrant import ENTRIES, OURS
from benchmarks.job import ROOT, write_job
from benchmarks.ratios import difference
from benchmarks.workloads import PEAK_SIDE, Workload, product

Say = Callable[[str], None]

# Threads of OpenMP, OpenBLAS and Eigen go on spinning for some milliseconds after their work; the
# next entrant starts when they sleep.
PAUSE_SECONDS = 0.05
# Predictions and products are compared by their distance as a share of this, or of themselves.
LEAST_PREDICTION, LEAST_PRODUCT = 0.1, 10.0


class WorkerError(RuntimeError):
    """A worker could not do what it was asked."""


def note(line: str) -> None:
    """Tell on standard error how far things are."""
    print(line, file=sys.stderr, flush=True)


class Worker:
    """The driver's end of a worker process."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self.name = name
        self.steps = 0
        self.facts: dict[str, Any] = {}
        self._told = ""
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", name, str(folder)],
                cwd=ROOT,
                env=machine.worker_environment(threads),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                # Ctrl-C ends the driver, which then ends its workers, and not everybody at once.
                start_new_session=True,
            )

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Return the worker's answer. Raises WorkerError with what it printed when it failed."""
        self.tell(command, **arguments)
        return self.answer()

    def tell(self, command: str, **arguments: Any) -> None:
        """Let the worker do something while others do too; `answer` waits for it."""
        assert self._process.stdin is not None
        self._told = command
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Return the answer to what the worker was told last."""
        assert self._process.stdout is not None
        line, command = self._process.stdout.readline(), self._told
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            said = self._log.read_text(encoding="utf-8", errors="replace").strip()
            raise WorkerError(f"{self.name}, {command}: {answer['error']}\n{said[-3000:]}")
        return answer

    def measure(self) -> float:
        """Return the seconds of one step, from a fresh measurement of a fixed number of them."""
        time.sleep(PAUSE_SECONDS)
        told = self.ask("measure")
        return float(told["seconds"] / told["steps"])

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass
class Standing:
    """What came of one entrant in one workload; all times are seconds of a step.

    `times` and `ours`: measured next to each other. `start`: what is in each of them once, however
    many steps it has, in seconds. `apart`: how far its losses are from ours.
    `skipped`: why it did not take part. `memory`: the most that its process had, in bytes;
    `memory_before`: with its library and the rows loaded.
    """

    name: str
    times: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    steps: int = 0
    start: float = 0.0
    memory: int = 0
    memory_before: int = 0
    losses: dict[str, Any] = field(default_factory=dict)
    apart: float = 0.0
    agrees: bool = True
    skipped: str = ""


@dataclass
class Outcome:
    """What came of one workload. `peaks`: operations in a second, one measurement a round."""

    workload: Workload
    threads: int
    source: str
    ours: Standing
    peers: list[Standing]
    peaks: list[float] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Return whether all losses agree."""
        return all(peer.agrees for peer in self.peers)


class Peak:
    """The measured peak: a large matrix product by NumPy or PyTorch, whichever is faster."""

    def __init__(self, stack: ExitStack, threads: int, seconds: float, say: Say) -> None:
        self._stack, self._threads, self._seconds, self._say = stack, threads, seconds, say
        self._workers: dict[str, list[Worker]] = {}
        # The fastest of all measurements: by kind of number and library.
        self.found: dict[str, dict[str, dict[str, Any]]] = {}

    def measure(self, dtype: str) -> float:
        """Return the operations in a second of a large product now."""
        if dtype not in self._workers:
            self._start(dtype)
        flops = product(PEAK_SIDE, dtype).flops
        speeds = {worker.name: flops / worker.measure() for worker in self._workers[dtype]}
        for name, speed in speeds.items():
            found = self.found[dtype][name]
            found["flops"] = max(found["flops"], speed)
        return max(speeds.values())

    def _start(self, dtype: str) -> None:
        workload = product(PEAK_SIDE, dtype)
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        write_job(workload, self._threads, folder)
        self._workers[dtype], self.found[dtype] = [], {}
        for name in ("numpy", "torch"):
            if ENTRIES[name].lacks():
                continue
            worker = Worker(name, folder, self._threads)
            self._stack.callback(worker.close)
            facts = worker.ask("start")
            worker.ask("calibrate", seconds=self._seconds)
            self._workers[dtype].append(worker)
            speed = workload.flops / worker.measure()
            self.found[dtype][name] = {"flops": speed, "blas": facts["blas"]}
            # PyTorch's own library is built into it, and can't be asked.
            kernel = f", kernel {facts['blas'][0]['kernel']}" if name == "numpy" else ""
            self._say(
                f"{workload.words} by {name} on {self._threads} threads: "
                f"{speed / 1e9:.0f} GFLOP/s{kernel}"
            )


@contextmanager
def workers(
    workload: Workload, names: Sequence[str], threads: int
) -> Iterator[tuple[dict[str, Worker], str]]:
    """Start a worker for each name; yield them and where the rows come from; end them."""
    with tempfile.TemporaryDirectory(prefix="misstep-bench-") as place, ExitStack() as stack:
        source = write_job(workload, threads, Path(place))
        found = {}
        for name in names:
            found[name] = Worker(name, Path(place), threads)
            stack.callback(found[name].close)
        yield found, source


def compete(
    workload: Workload,
    peers: Sequence[str],
    *,
    pairs: int,
    threads: int,
    seconds: float,
    peak: Peak | None,
    say: Say,
) -> Outcome:
    """Run one workload against all peers that can; without pairs, only compare losses.

    Raises WorkerError if ours fails.
    """
    standings = [
        Standing(name, skipped=ENTRIES[name].refuses(workload) or ENTRIES[name].lacks() or "")
        for name in peers
    ]
    running = [one.name for one in standings if not one.skipped]
    with workers(workload, [OURS, *running], threads) as (found, source):
        ours = Standing(OURS)
        outcome = Outcome(workload, threads, source, ours, standings)
        _prepare(workload, found, [ours, *standings], say)
        for standing in [ours, *standings]:
            if pairs and not standing.skipped:
                told = found[standing.name].ask("calibrate", seconds=seconds)
                standing.steps, standing.start = told["steps"], told["start"]
                note(
                    f"{workload.name}: {standing.name} is measured {standing.steps} steps at a "
                    f"time; {1000 * standing.start:.1f} ms of that are there once, not in each"
                )
        for turn in range(pairs):
            note(f"{workload.name}: round {turn + 1} of {pairs}")
            if peak is not None:
                outcome.peaks.append(peak.measure(workload.dtype))
            for peer in standings:
                if not peer.skipped:
                    _pair(found[OURS], found[peer.name], peer, turn)
            if all(peer.skipped for peer in standings):
                ours.times.append(found[OURS].measure())
        ours.times += [one for peer in standings for one in peer.ours]
        for standing in [ours, *standings]:
            if not standing.skipped:
                standing.memory = found[standing.name].ask("memory")["peak"]
    return outcome


def _prepare(
    workload: Workload, found: dict[str, Worker], standings: Sequence[Standing], say: Say
) -> None:
    """Let everybody import and compile, all at once, and then train to be compared, one by one.

    One by one, since threads that wait by spinning take very long where others want their cores.
    Who fails is left out, with a reason; raises WorkerError where it is ours.
    """
    ours, began = standings[0], time.perf_counter()

    def passed() -> str:
        return f"{time.perf_counter() - began:.0f} s"

    running = [one for one in standings if not one.skipped]
    note(f"{workload.name}: {', '.join(one.name for one in running)} import and compile")
    for standing in running:
        found[standing.name].tell("warm")
    for step in (_warm, _verify):
        for standing in [one for one in running if not one.skipped]:
            try:
                step(found[standing.name], standing)
            except WorkerError as error:
                if standing is ours:
                    raise
                say(f"{workload.name}: {error}")
                standing.skipped = str(error).split("\n", 1)[0]
                found[standing.name].close()
                continue
            done = "compiled" if step is _warm else "trained a little"
            note(f"{workload.name}: {standing.name} {done}, {passed()}")
    for standing in standings:
        if not standing.skipped:
            standing.apart = distance(workload, ours.losses, standing.losses)
            standing.agrees = standing.apart <= workload.tolerance


def _warm(worker: Worker, standing: Standing) -> None:
    standing.memory_before = worker.answer()["memory_before"]


def _verify(worker: Worker, standing: Standing) -> None:
    standing.losses = worker.ask("verify")


def _pair(ours: Worker, theirs: Worker, peer: Standing, turn: int) -> None:
    if turn % 2 == 0:
        peer.ours.append(ours.measure())
        peer.times.append(theirs.measure())
    else:
        peer.times.append(theirs.measure())
        peer.ours.append(ours.measure())


def distance(workload: Workload, ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Return how far two sets of losses, predictions or products are apart, as a share."""
    if workload.kind == "train":
        return difference([*ours["epochs"], ours["final"]], [*theirs["epochs"], theirs["final"]])
    least = LEAST_PREDICTION if workload.kind == "predict" else LEAST_PRODUCT
    return difference(ours["numbers"], theirs["numbers"], least)
