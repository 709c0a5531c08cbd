"""Where the first number of a training came from that is not finite: operation, layer and rows.

Takes the step in which it arose once more in the interpreter, which can look at every Value, and
says what was found as facts. Knows programs and their anatomy; `journal.py` finds the step, `ir`
the assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from misstep.ir import Array, Graph, Interpreter, Location, Origin, Value, ancestors, origin_of
from misstep.ops.scan import Scan
from misstep.text.plain import printable
from misstep.text.provenance import provenance_words
from misstep.train.anatomy import Part, Phase
from misstep.train.batch_axes import BatchAxes
from misstep.train.blame import Blame
from misstep.train.journal import Moment
from misstep.train.programs import StepProgram
from misstep.train.stepping import Stepper

# Rows that are named at most.
ROWS_NAMED = 100
# By so much of itself, and as much beside, a number is moved to tell a pole from an overflow: next
# to a pole all is finite, beyond what is too large are only larger numbers.
NUDGE = 1e-3
# Rows so many times as large as the one in the middle are taken out, to see whether it was they.
OUTLYING = 1e3


class Trouble(StrEnum):
    """What became of a number that is not finite."""

    OVERFLOW = "overflow"  # there is a result, too large for its kind of number
    POLE = "pole"  # the result is infinite, as those of log 0 and 1 / 0
    UNDEFINED = "undefined"  # there is no result, as of 0 / 0 and the root of −1
    GIVEN = "given"  # it was not finite to begin with


@dataclass(frozen=True)
class Provenance:
    """The first number of a training that is not finite.

    `step`: the update in which it arose, counted from 1. `operation`: what computes it; on the way
    back, that of the way forward whose gradient was computed. `instruction`: the op of the program
    that gave it. `layer`: the path of the layer, or "loss", "penalty", "optimizer", "clipping" and
    "mixup" for what is no layer. `parameter`: whose gradient or update it is, where it is of one.
    `rows`: numbers of the rows that it comes from, counted from 0, at most 100; `row_count`: how
    many there are, of the `batch_rows` of the batch. `values`: result, and the smallest and largest
    of each input. `location`: file and line that made the layer. `time`: the point in time, counted
    from 0, inside of a recurrent layer.

    >>> import misstep as ms
    >>> class Logarithm(ms.Module):
    ...     def forward(self, x):
    ...         return ms.log(x)
    >>> network = ms.Sequential(Logarithm(), ms.Dense(1))
    >>> run = ms.Trainer(network, loss=ms.SquaredError()).fit([[1.0], [0.0], [2.0]], [[1.0]] * 3)
    >>> run.failed, run.provenance.operation, run.provenance.layer, run.provenance.rows
    (True, 'log', 'logarithm1', (1,))
    """

    step: int
    operation: str
    instruction: str
    phase: Phase
    part: Part
    layer: str
    layer_kind: str
    trouble: Trouble
    parameter: str | None = None
    rows: tuple[int, ...] = ()
    row_count: int = 0
    batch_rows: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    location: str | None = None
    time: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "step": self.step,
            "operation": self.operation,
            "instruction": self.instruction,
            "phase": self.phase.value,
            "part": self.part.value,
            "layer": self.layer,
            "layer_kind": self.layer_kind,
            "trouble": self.trouble.value,
            "parameter": self.parameter,
            "rows": list(self.rows),
            "rows_counted_from": 0,
            "row_count": self.row_count,
            "batch_rows": self.batch_rows,
            "values": self.values,
            "location": self.location,
            "time": self.time,
        }

    def __str__(self) -> str:
        return printable(provenance_words(**self.facts()))


# What is asked for, in this order: the first of these that is not finite is explained.
_ASKED = (("loss",), ("gradients", "parameters", "buffers", "optimizer_state", "scalars"))


def provenance_of(stepper: Stepper, moment: Moment, mixing: bool) -> Provenance | None:
    """Return where the first number of a step comes from that is not finite.

    `mixing`: whether rows are mixtures. None where the interpreter finds all finite: machine code
    and interpreter round differently, and the step was at the very edge.
    """
    step = moment.step
    rows = len(step.indices)
    program = stepper.program_of(step.kind, rows)
    rate = float(step.learning_rates[0])
    feeds = stepper.feeds_of_step(moment.state, step.indices, rate)
    if step.kind == "apply":
        weight = moment.state.gradient_weight or 1.0
        feeds["gradient_weight"] = np.asarray(weight, moment.state.parameters.dtype)
    graph = program.graph
    for names in _ASKED:
        asked = [name for name in names if name in graph.outputs]
        origin = origin_of(graph, feeds, asked) if asked else None
        if origin is not None:
            return _Telling(stepper, moment, program, feeds, origin, mixing).provenance()
    return None


class _Telling:
    """Says of an origin what it is, where it stands, and which rows it comes from."""

    def __init__(
        self,
        stepper: Stepper,
        moment: Moment,
        program: StepProgram,
        feeds: dict[str, object],
        origin: Origin,
        mixing: bool,
    ) -> None:
        self.stepper = stepper
        self.moment = moment
        self.program = program
        self.feeds = feeds
        self.origin = origin
        self.mixing = mixing

    def provenance(self) -> Provenance:
        origin, anatomy = self.origin, self.program.anatomy
        value = origin.value
        place = anatomy.place(value)
        parameter = self._parameter()
        inner, time = self._inside_a_scan()
        told = origin if inner is None else inner
        layer, kind = place.layer, anatomy.kind_of(place.layer)
        if place.part is not Part.NETWORK:
            layer = place.part.value
            kind = type(self._in_charge(place.part)).__name__ if self._in_charge(place.part) else ""
        elif value.op is None and parameter is not None:
            layer = parameter.rpartition(".")[0]
            kind = anatomy.kind_of(layer)
        rows = self._rows()
        instruction = told.value.op.name if told.value.op is not None else ""
        forward = place.of.op.name if place.of.op is not None else ""
        return Provenance(
            step=self.moment.step.update + 1,
            operation=instruction if place.phase is not Phase.BACKWARD else forward,
            instruction=instruction,
            phase=place.phase,
            part=place.part,
            layer=layer,
            layer_kind=kind,
            trouble=trouble_of(told),
            parameter=parameter,
            rows=tuple(rows[:ROWS_NAMED]),
            row_count=len(rows),
            batch_rows=sum(len(call.indices) for call in self._batches()),
            values=self._values(told, told is origin),
            location=_line(place.of.location),
            time=time,
        )

    def _in_charge(self, part: Part) -> object | None:
        programs = self.stepper.programs
        return {Part.LOSS: programs.loss, Part.OPTIMIZER: programs.optimizer}.get(part)

    # --- whose it is ------------------------------------------------------------------------------

    def _parameter(self) -> str | None:
        """Return whose gradient, update or numbers are not finite, where it is one parameter's."""
        value, anatomy = self.origin.value, self.program.anatomy
        count = anatomy.network.parameter_count
        if value.shape and value.shape[-1] == count and value.name != "x":
            entries = np.flatnonzero(self.origin.bad.reshape(-1, count).any(axis=0))
            names = anatomy.parameters_at(entries[:1].tolist())
            return names[0] if names else None
        owner = {slope: name for name, slope in anatomy.slopes.items()}
        return owner.get(value)

    def _inside_a_scan(self) -> tuple[Origin | None, int | None]:
        """Return the origin inside of the body of a scan, and at which point in time."""
        value = self.origin.value
        if not isinstance(value.op, Scan):
            return None, None
        op = value.op
        body = op.graph(value.dtype)
        carry, *others = self.origin.operands
        sequences, constants = others[: op.sequences], others[op.sequences :]
        names = [str(each.name) for each in body.inputs]
        interpreter = Interpreter(body)
        times = range(sequences[0].shape[1])
        for time in reversed(times) if op.reverse else times:
            entries = [sequence[:, time] for sequence in sequences]
            feeds = dict(zip(names, [carry, *entries, *constants], strict=True))
            inner = origin_of(body, feeds, list(body.outputs))
            if inner is not None:
                return inner, time
            left = np.concatenate(list(interpreter.run(feeds).values()), axis=1)
            carry = left[:, : carry.shape[1]]
        return None, None

    # --- which rows -------------------------------------------------------------------------------

    def _batches(self) -> Sequence[Any]:
        """Return the calls whose rows had a part in it."""
        return self.moment.gathered if self.moment.step.kind == "apply" else (self.moment.step,)

    def _rows(self) -> list[int]:
        """Return the numbers of the rows that it comes from, in order."""
        if self.moment.step.kind == "apply":
            used = ancestors([self.origin.value])
            gathered = any(value.is_input and value.name == "gradients" for value in used)
            return self._rows_of_gradient() if gathered else []
        indices = self.moment.step.indices
        axes = BatchAxes(self.program.graph, self._wider(), len(indices))
        if not self._depends_on_rows(axes):
            return []
        positions = axes.positions(self.origin.value, self.origin.bad)
        if positions is not None and 1 < len(positions) == len(indices):
            positions = self._outlying(positions)
        if positions is None and self.program.anatomy.place(self.origin.value).phase is (
            Phase.UPDATE
        ):
            return self._rows_of_gradient()
        if positions is None:
            blame = Blame(self.program.graph, axes)
            positions = blame.positions(blame.shares(self.feeds, [self.origin.value]))
        return self._row_numbers(positions, indices)

    def _depends_on_rows(self, axes: BatchAxes) -> bool:
        """Tell whether rows have a part in it; a rate, a penalty and first weights have none in."""
        return any(axes.axis(value) is not None for value in ancestors([self.origin.value]))

    def _outlying(self, positions: Array) -> Array:
        """Return the rows that are far larger than others, if without them all is finite.

        Where a batch is normalized, one row makes all of them bad.
        """
        arrays = [self.feeds[name] for name in ("x", "y")]
        sizes = np.max(
            [
                np.abs(array).reshape(len(positions), -1).max(axis=1).astype("float64")
                for array in arrays
                if isinstance(array, np.ndarray) and array.size and array.dtype.kind == "f"
            ],
            axis=0,
        )
        middle = np.argsort(sizes)[(len(sizes) - 1) // 2]
        outlying = sizes > OUTLYING * sizes[middle]
        if not outlying.any():
            return positions
        feeds = dict(self.feeds)
        for name in ("x", "y", "weights"):
            array = feeds.get(name)
            if isinstance(array, np.ndarray) and array.shape[:1] == outlying.shape:
                feeds[name] = np.where(
                    outlying.reshape(-1, *(1,) * (array.ndim - 1)), array[middle], array
                )
        graph = Graph({"it": self.origin.value}, name=self.program.graph.name)
        return positions if origin_of(graph, feeds, ["it"]) else np.flatnonzero(outlying)

    def _rows_of_gradient(self) -> list[int]:
        """Return the rows that the gradient of the parameter in question is mostly made of."""
        shares, numbers = [], []
        for call in self._batches():
            kind = "update" if call.kind == "update" else "accumulate"
            program = self.stepper.program_of(kind, len(call.indices))
            wider = self.stepper.program_of(kind, len(call.indices) + 1)
            axes = BatchAxes(program.graph, wider.graph, len(call.indices))
            state = self.moment.state
            before = state.draw
            state.draw = call.draw
            feeds = self.stepper.feeds_of_step(state, call.indices, 0.0)
            state.draw = before
            if feeds["gradients"] is None:
                feeds["gradients"] = np.zeros_like(state.parameters)
            slopes = program.anatomy.slopes
            parameter = self._parameter()
            targets = [slopes[parameter]] if parameter in slopes else list(slopes.values())
            blame = Blame(program.graph, axes)
            shares.append(blame.shares(feeds, targets))
            numbers.append(call.indices)
        if not shares:
            return []
        positions = Blame.positions(np.concatenate(shares))
        return self._row_numbers(positions, np.concatenate(numbers))

    def _wider(self) -> Graph:
        """Return the same program for one more row."""
        step = self.moment.step
        return self.stepper.program_of(step.kind, len(step.indices) + 1).graph

    def _row_numbers(self, positions: Array, indices: Array) -> list[int]:
        if self.mixing and len(self._batches()) == 1:
            positions = _unmixed(positions, len(indices))
        return sorted({int(indices[position]) for position in positions})

    # --- what went in -----------------------------------------------------------------------------

    def _values(self, origin: Origin, named: bool) -> dict[str, Any]:
        """Return result and operands in numbers; of operands those behind the bad entries."""
        bad = origin.bad
        result = origin.result[bad]
        names = self.program.graph.names() if named else {}
        inputs = []
        for operand, array in zip(origin.value.inputs, origin.operands, strict=True):
            if not operand.type.is_float or not array.size:
                continue
            own, entries = array, "all"
            if origin.value.op is not None and origin.value.op.elementwise:
                own, entries = np.broadcast_to(array, bad.shape)[bad], "bad"
            known = own[~np.isnan(own)]
            inputs.append(
                {
                    "name": self._name(operand, names),
                    "smallest": float(known.min()) if known.size else None,
                    "largest": float(known.max()) if known.size else None,
                    "entries": entries,
                }
            )
        whole: dict[str, Any] = {
            "result": "nan" if np.isnan(result).any() else "inf" if result.max() > 0 else "-inf",
            "bad_entries": int(bad.sum()),
            "entries": int(bad.size),
            "dtype": origin.value.dtype,
            "inputs": inputs,
        }
        x = self.feeds.get("x")
        if isinstance(x, np.ndarray) and x.size and x.dtype.kind == "f":
            whole["largest_input"] = float(np.abs(x).max())
        return whole

    def _name(self, value: Value, names: dict[Value, str]) -> str:
        trace = self.program.anatomy.trace
        if value.name is None and trace is not None:
            path = next((path for path, own in trace.outputs.items() if own is value), None)
            if path is not None:
                return f"output of {path}"
        return value.name or names.get(value) or (value.op.name if value.op is not None else "")


def _unmixed(positions: Array, rows: int) -> Array:
    """Return which rows explain bad mixtures: each mixture is of its own row and the next one."""
    bad = set(positions.tolist())
    both = {row for row in bad if (row - 1) % rows in bad}
    explained = both | {(row - 1) % rows for row in both}
    left = {source for row in bad - explained for source in (row, (row + 1) % rows)}
    return np.array(sorted(both | left), "int64")


def trouble_of(origin: Origin) -> Trouble:
    """Return what became of the result: too large, infinite, not defined, or given so."""
    op = origin.value.op
    if op is None:
        return Trouble.GIVEN
    bad = origin.bad
    wide = [
        operand.astype("float64") if operand.dtype == np.float32 else operand
        for operand in origin.operands
    ]
    if origin.value.dtype == "float32" and _finite_somewhere(op.in_float64(), wide, bad):
        return Trouble.OVERFLOW
    if np.isnan(origin.result).any():
        return Trouble.UNDEFINED
    moved = [
        operand + NUDGE * (1.0 + np.abs(operand)) if operand.dtype.kind == "f" else operand
        for operand in wide
    ]
    return Trouble.POLE if _finite_somewhere(op.in_float64(), moved, bad) else Trouble.OVERFLOW


def _finite_somewhere(op: Any, operands: list[Array], bad: Array) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.asarray(op.run(*operands)))[bad].any())


def _line(location: Location | None) -> str | None:
    if location is None or not location.known:
        return None
    return f"{location.file}:{location.line}"
