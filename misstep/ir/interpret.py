"""The interpreter: runs a graph one assignment after the other with each op's own definition.

It is slow and plain, and it is what every program means: what is compiled is checked
against it. It can run in float64, and it can stop at any Value. Knows no op by name.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from misstep.errors import AbstractValueError, ShapeError
from misstep.ir.graph import Graph, in_float64
from misstep.ir.value import Array, Value


class Interpreter:
    """A graph made ready to run many times.

    Arrays that no later assignment needs are let go while it runs, so that memory holds only what
    is alive. `run` takes the inputs by name and returns the outputs by name.

    >>> import misstep as ms
    >>> x = ms.input("x", (2,))
    >>> ms.ir.Interpreter(ms.Graph({"y": ms.relu(x)})).run({"x": [-1.0, 2.0]})
    {'y': array([0., 2.], dtype=float32)}
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._slots = {value: slot for slot, value in enumerate(graph.values)}
        self._literals = [
            (self._slots[value], _literal_array(value))
            for value in graph.values
            if value.is_literal
        ]
        self._inputs = [
            (value, self._slots.get(value), _input_name(value)) for value in graph.inputs
        ]
        last_use: dict[int, int] = {}
        computed = graph.computed
        for position, value in enumerate(computed):
            for operand in value.inputs:
                last_use[self._slots[operand]] = position
        kept = {self._slots[value] for value in graph.outputs.values()}
        free: list[list[int]] = [[] for _ in computed]
        for slot, position in last_use.items():
            if slot not in kept:
                free[position].append(slot)
        self._plan: list[tuple[Any, tuple[int, ...], int, tuple[int, ...]]] = [
            (
                value.op.run,
                tuple(self._slots[operand] for operand in value.inputs),
                self._slots[value],
                tuple(free[position]),
            )
            for position, value in enumerate(computed)
            if value.op is not None
        ]
        self._outputs = [(name, self._slots[value]) for name, value in graph.outputs.items()]

    def run(self, feeds: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Return the outputs by name.

        `feeds`: numbers for the inputs, by name; an input that already has numbers may be left out.
        Raises AbstractValueError when an input has no numbers, ShapeError when a shape differs.
        """
        store = self._start(feeds or {})
        with np.errstate(all="ignore"):
            for run, operands, result, free in self._plan:
                store[result] = run(*[store[slot] for slot in operands])
                for slot in free:
                    store[slot] = None
        return {name: np.asarray(store[slot]) for name, slot in self._outputs}

    def trace(
        self, feeds: Mapping[str, Any] | None = None, stop_at: Value | None = None
    ) -> dict[Value, Array]:
        """Return the numbers of every Value, or of those up to and including `stop_at`."""
        store = self._start(feeds or {})
        seen: dict[Value, Array] = {
            value: store[slot] for value, slot in self._slots.items() if store[slot] is not None
        }
        with np.errstate(all="ignore"):
            for value, (run, operands, result, _) in zip(
                self.graph.computed, self._plan, strict=True
            ):
                store[result] = run(*[store[slot] for slot in operands])
                seen[value] = np.asarray(store[result])
                if value is stop_at:
                    break
        return seen

    def walk(
        self, feeds: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[Value, list[Array], Array]]:
        """Yield each computed Value in order, with the numbers of its operands and its own.

        What no later assignment needs is let go, as in `run`, so that long programs can be looked
        at entry by entry in the memory that running them takes.
        """
        store = self._start(feeds or {})
        for value, (run, operands, result, free) in zip(
            self.graph.computed, self._plan, strict=True
        ):
            taken = [np.asarray(store[slot]) for slot in operands]
            with np.errstate(all="ignore"):
                store[result] = run(*taken)
            yield value, taken, np.asarray(store[result])
            for slot in free:
                store[slot] = None

    def _start(self, feeds: Mapping[str, Any]) -> list[Any]:
        store: list[Any] = [None] * len(self._slots)
        for slot, literal in self._literals:
            store[slot] = literal
        for value, input_slot, name in self._inputs:
            if input_slot is None:
                continue
            array: Any = feeds.get(name)
            if array is None:
                array = value.data
            if array is None:
                raise AbstractValueError(
                    f"running {self.graph.name}",
                    needed=f"numbers for the input {name!r} ({value.type})",
                    got="none",
                    try_=f"run({{{name!r}: ...}})",
                )
            if not (isinstance(array, np.ndarray) and array.dtype == value.dtype):
                array = np.asarray(array, dtype=value.dtype)
            if array.shape != value.shape:
                raise ShapeError(
                    f"the input {name!r} of {self.graph.name}",
                    needed=f"shape {value.shape}",
                    got=f"shape {array.shape}",
                )
            store[input_slot] = array
        return store


def _literal_array(value: Value) -> Array:
    # What float32 can't hold is inf there, without a word.
    with np.errstate(all="ignore"):
        array = np.asarray(value.data).astype(value.dtype)
    array.flags.writeable = False
    return array


def _input_name(value: Value) -> str:
    return value.name if value.name is not None else f"input{value.serial}"


def evaluate(
    values: Sequence[Value], feeds: Mapping[str, Any] | None = None, *, float64: bool = False
) -> list[Array]:
    """Return the numbers of `values`, computed by the interpreter; in float64 on request."""
    graph = Graph(values)
    if float64:
        graph, _ = in_float64(graph)
    results = Interpreter(graph).run(feeds)
    return [results[name] for name in graph.outputs]


def _compute(value: Value) -> Array:
    # A copy, since a parameter, reshaped, is a view of its numbers, and values never change.
    if value.data is not None:
        return np.array(_literal_array(value))
    return np.array(evaluate([value])[0])


Value.compute = staticmethod(_compute)


class _OneBlasThread:
    """The limit of NumPy's matrix products to one thread, and how many ask for it.

    The limit holds for the whole process. The first who comes sets it and the last who goes takes
    it back: others in between, in threads of their own, would take it from each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._pools: Any = None
        self._limit: Any = None

    def enter(self) -> None:
        with self._lock:
            if self._pools is None:
                from threadpoolctl import ThreadpoolController

                self._pools = ThreadpoolController()
            if self._inside == 0:
                self._free_control()
                self._limit = self._pools.limit(limits=1, user_api="blas")
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._free_control()
                self._limit.restore_original_limits()
                self._free_control()

    def _free_control(self) -> None:
        """Let whichever thread comes next set limits.

        threadpoolctl from 3.8 on lets one thread do so and ignores the others without a word.
        """
        for pool in self._pools.lib_controllers:
            if hasattr(pool, "clear_controlling_thread"):
                pool.clear_controlling_thread(force=True)


_one_blas_thread = _OneBlasThread()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold NumPy's matrix products to one thread inside.

    A BLAS library may split sums differently for every number of threads; on one thread the same
    program gives the same bits on every run.
    """
    _one_blas_thread.enter()
    try:
        yield
    finally:
        _one_blas_thread.leave()
