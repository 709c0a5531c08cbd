"""A recurrence written out step by step, so that the chain rule can be followed through time.

Knows the op that repeats a body (`scan`) and how graphs are copied. `naming.py` takes up the names.
"""

from __future__ import annotations

from collections import Counter

from misstep.explain.entry_names import EntryName
from misstep.ir import Op, Value, make_literal, rebuild
from misstep.ops import concatenate, reshape
from misstep.ops.scan import Scan

# Recurrences over more steps than this stay one op: nobody reads hundreds of steps.
MOST_STEPS = 16
_LETTERS = {"sigmoid": ("g", "gate"), "tanh": ("c", "candidate")}


class Unrolling:
    """Writes scans out. `names`: what values of each step are called; `results`: of whole scans."""

    def __init__(self) -> None:
        self.names: dict[Value, EntryName] = {}
        self.results: set[Value] = set()

    def __call__(self, op: Op) -> Op:
        """Return the op in float64, or a recurrence that writes itself out when it is used."""
        wide = op.in_float64()
        return _Unrolled(wide, self) if isinstance(wide, Scan) else wide  # type: ignore[return-value]

    def written_out(self, scan: Scan, inputs: tuple[Value, ...]) -> Value:
        """Return what a scan gives, (batch, time + 1, columns), with every step in the graph."""
        initial, *others = inputs
        sequences, constants = others[: scan.sequences], others[scan.sequences :]
        body = scan.graph("float64")
        time, carried = sequences[0].shape[1], initial.shape[1]
        width = sum(output.shape[1] for output in body.outputs.values())
        beside = make_literal([[0.0] * (width - carried)] * initial.shape[0], "float64")
        start = concatenate([initial, beside], 1) if width > carried else initial
        steps, carry = [start], initial
        for place in range(time):
            at = time - 1 - place if scan.reverse else place
            entries = [sequence[:, at, :] for sequence in sequences]
            known = dict(zip(body.inputs, (carry, *entries, *constants), strict=True))
            _, copies = rebuild(body, leaf=_nameless, known=known)
            for value in body.computed:
                # The body's own names are those of its text.
                copies[value].name = None
            self._name(body.computed, copies, at)
            outputs = [copies[output] for output in body.outputs.values()]
            for number, output in enumerate(outputs):
                symbol = f"h_{at}" if number == 0 else f"h{number + 1}_{at}"
                self._call(output, symbol, f"what the recurrence leaves at step {at}")
            step = outputs[0] if len(outputs) == 1 else concatenate(outputs, 1)
            carry = step if width == carried else step[:, :carried]
            steps.append(step)
        if scan.reverse:
            steps.reverse()
        rows = [reshape(each, (each.shape[0], 1, width)) for each in steps]
        result = concatenate(rows, 1)
        self.results.add(result)
        return result

    def _name(self, computed: list[Value], copies: dict[Value, Value], at: int) -> None:
        names = [value.op.name for value in computed if value.op is not None]
        several, seen = Counter(names), Counter[str]()
        for value in computed:
            if value.op is None or value.op.name not in _LETTERS:
                continue
            letter, words = _LETTERS[value.op.name]
            seen[value.op.name] += 1
            number = str(seen[value.op.name]) if several[value.op.name] > 1 else ""
            what = f"{words} {number} at step {at}"
            self._call(copies[value], f"{letter}{number}_{at}", what)
            argument = copies[value.inputs[0]]
            if argument.op is not None:
                self._call(argument, f"z{letter}{number}_{at}", f"what {what} is made of")

    def _call(self, value: Value, symbol: str, meaning: str) -> None:
        first = "" if value.shape[0] == 1 else "row"
        self.names.setdefault(value, EntryName(symbol, " ".join(meaning.split()), (first, "unit")))


def _nameless(leaf: Value) -> Value:
    return make_literal(leaf.data, leaf.dtype) if leaf.data is not None else leaf


class _Unrolled:
    """Stands where an op stands while a graph is copied."""

    def __init__(self, scan: Scan, unrolling: Unrolling) -> None:
        self._scan, self._unrolling = scan, unrolling

    def __call__(self, *inputs: Value) -> Value:
        if inputs[1].shape[1] > MOST_STEPS or not inputs[1].shape[1]:
            return self._scan(*inputs)
        return self._unrolling.written_out(self._scan, inputs)
