"""Prediction and evaluation of rows, compiled, in chunks, so that memory stays small for many rows.

A compiled program has a fixed number of rows. Few sizes do for any number of rows: full chunks, and
one size for the rest, several at a time and the last filled up with rows of zeros whose results are
dropped. That is right where no row's result depends on other rows, which the program itself tells.
Where it can't tell, as for sequences that are taken apart into steps, programs have just the rows
there are.

Knows the forward pass of a network as a function that builds it, and losses; no training.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from misstep.compiler import NativeProgram, PreparedCall, Roles
from misstep.ir import Array, Graph, Value, make_input, one_blas_thread, verify
from misstep.nn.losses import Loss
from misstep.nn.program import Program
from misstep.storage import MappedRows, check_mapped
from misstep.storage.mapped_rows import PIECE

# Rows that one program takes at a time when there are many.
CHUNK = 1024
# Rows that compiled programs take at once, and of a full chunk the share up to which the rest is
# taken by the next smaller size: filling up would cost more than a second program does.
SIZES = (8, 64, CHUNK)
MOST_IN_PIECES = 0.75
# Other numbers of rows whose programs are kept; that of the size used longest ago is forgotten, so
# that whoever predicts other numbers of rows each time does not fill the memory.
MOST_OTHER_SIZES = 8

# From a number of rows to the inputs and the raw output of a forward pass in evaluation.
Forward = Callable[[int], tuple[list[Value], Value]]


@dataclass
class KeptPrograms:
    """The programs that were made for one network so far, so that none is compiled twice.

    `compiling`: False keeps to the interpreter.
    """

    compiling: bool = True
    programs: dict[tuple[str, int, int], Program] = field(default_factory=dict)
    # Losses whose predictions or values programs give; a program names one by its number.
    losses: list[Loss] = field(default_factory=list)
    # Whether a program could not tell that no row's result depends on other rows, and the other
    # numbers of rows in use, in the order of their last use.
    rows_unclear: bool = False
    sizes: dict[int, None] = field(default_factory=dict)
    one_row: _OneRow | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number_of(self, loss: Loss | None) -> int:
        """Return the number of a loss, the same for equal ones; 0 for none."""
        if loss is None:
            return 0
        for number, known in enumerate(self.losses, start=1):
            if known is loss or known == loss:
                return number
        self.losses.append(loss)
        return len(self.losses)

    def remember_size(self, rows: int) -> None:
        """Note that programs of a size are in use; forget those of the size used longest ago."""
        self.sizes.pop(rows, None)
        self.sizes[rows] = None
        if len(self.sizes) > MOST_OTHER_SIZES:
            oldest = next(iter(self.sizes))
            del self.sizes[oldest]
            self.programs = {
                key: program for key, program in self.programs.items() if key[-1] != oldest
            }


@dataclass(frozen=True)
class _OneRow:
    """A call that predicts one row, made ready for the flat arrays that a network had then."""

    loss: int
    flat: list[Array]
    call: PreparedCall


class Inference:
    """Predicts and evaluates with a network as it is now. Made by `Network.inference`.

    `kept`: the programs made so far. `forward`: builds the forward pass. `flat`: the network's flat
    arrays by name. A `loss` says what a prediction is: probabilities for classes, else the raw
    outputs, as without a loss.
    """

    def __init__(self, kept: KeptPrograms, forward: Forward, flat: Mapping[str, Array]) -> None:
        self._kept = kept
        self._forward = forward
        self._flat = flat

    @property
    def so_far(self) -> list[Program]:
        """Return the programs made so far."""
        return list(self._kept.programs.values())

    @property
    def rows_unclear(self) -> bool:
        """Tell whether rows may depend on each other, as far as programs told so far."""
        return self._kept.rows_unclear

    def predict(self, x: Array, loss: Loss | None = None, threads: int | None = None) -> Array:
        """Return the predictions for rows `x`, checked ones of the network's dtype."""
        if not len(x):  # one row tells what shape none of them have
            return self.predict(np.zeros((1, *x.shape[1:]), x.dtype), loss, threads)[:0]
        if len(x) == 1:
            prediction = self._predict_one(x, loss)
            if prediction is not None:
                return prediction
        return self._run(lambda rows: self.predict_program(rows, loss), {"x": x}, threads)[
            "prediction"
        ]

    def evaluate(
        self,
        x: Array,
        y: Array,
        loss: Loss,
        weights: Array | None = None,
        threads: int | None = None,
    ) -> tuple[dict[str, float], Array]:
        """Return loss and score by name, and the predictions, for rows `x` with targets `y`.

        Loss and score are means over the rows, weighted if they have weights or their classes do.
        """
        out = self.judged(x, y, loss, threads)
        return scores_of(out, y, loss, weights), out["prediction"]

    def judged(
        self,
        x: Array,
        y: Array,
        loss: Loss,
        threads: int | None = None,
        together: int | None = None,
    ) -> dict[str, Array]:
        """Return what `evaluate` is made of, row by row: prediction, losses, class_weights.

        class_weights: only where the loss weighs classes. `together`: by programs of so many rows;
        None: of as many as suit.
        """
        rows = {"x": x, "y": y}
        return self._run(lambda size: self.evaluate_program(size, loss), rows, threads, together)

    def row_losses(self, x: Array, y: Array, loss: Loss, threads: int | None = None) -> Array:
        """Return the loss of each of the rows `x` with targets `y`, (rows,), float64."""
        out = self._run(lambda size: self.evaluate_program(size, loss), {"x": x, "y": y}, threads)
        return out["losses"].astype("float64")

    def predict_program(self, rows: int, loss: Loss | None = None) -> Program:
        """Return the prediction of a batch: output prediction."""
        if loss is not None and type(loss).predict is Loss.predict:
            loss = None  # the raw outputs are the prediction
        key = ("predict", self._kept.number_of(loss), rows)
        if key not in self._kept.programs:
            inputs, raw = self._forward(rows)
            outputs = {"prediction": raw if loss is None else loss.predict(raw)}
            self._keep(key, outputs, inputs)
        return self._kept.programs[key]

    def evaluate_program(self, rows: int, loss: Loss) -> Program:
        """Return the evaluation of a batch: outputs prediction and losses of each row."""
        key = ("evaluate", self._kept.number_of(loss), rows)
        if key not in self._kept.programs:
            inputs, raw = self._forward(rows)
            y = make_target(loss, raw.shape, raw.dtype)
            loss.check(raw, y)
            outputs = {"prediction": loss.predict(raw), "losses": loss.per_row(raw, y)}
            by_class = loss.row_weights(y, raw.dtype)
            if by_class is not None:
                outputs["class_weights"] = by_class
            self._keep(key, outputs, [*inputs, y])
        return self._kept.programs[key]

    def _keep(
        self, key: tuple[str, int, int], outputs: dict[str, Value], inputs: list[Value]
    ) -> None:
        graph = verify(Graph(outputs, inputs, key[0]))
        roles = Roles(stepped=("x", "y"), logged=tuple(graph.outputs))
        self._kept.programs[key] = Program(graph, roles, self._kept.compiling)

    def _predict_one(self, x: Array, loss: Loss | None) -> Array | None:
        """Return the prediction for one row by a call made ready before; None: not compiled."""
        kept = self._kept
        flat = list(self._flat.values())
        with kept.lock:
            number, ready = kept.number_of(loss), kept.one_row
            if (
                ready is None
                or ready.loss != number
                or any(then is not now for then, now in zip(ready.flat, flat, strict=True))
            ):
                native = self.predict_program(1, loss).compiled(1)
                if native is None:
                    return None
                ready = kept.one_row = _OneRow(number, flat, native.prepare(self._flat))
            ready.call.inputs["x"][...] = np.asarray(x)
            ready.call()
            return ready.call.outputs["prediction"].copy()

    def _run(
        self,
        make: Callable[[int], Program],
        rows: Mapping[str, Array],
        threads: int | None,
        together: int | None = None,
    ) -> dict[str, Array]:
        """Return the outputs for all rows of the programs that `make` makes for numbers of rows.

        `together`: so many rows at a time, whatever their number in all; None: as many as suit.
        """
        count, chunk = len(rows["x"]), together or CHUNK
        if self._kept.rows_unclear:
            return self._run_exactly(make, rows, threads, chunk)
        pieces = []
        start = 0
        while start < count:
            left = count - start
            size = together or _size_for(left)
            native = make(size).compiled(threads)
            if native is None:
                return self._interpret(make, rows, chunk)
            if not native.rows_are_independent:
                self._kept.rows_unclear = True
                return self._run_exactly(make, rows, threads, chunk)
            # A rest is filled up; behind full chunks there is another size to choose.
            chunks = max(left // size, 1) if size == chunk else -(-left // size)
            if isinstance(rows["x"], MappedRows):
                # So many as are worked out together.
                chunks = min(chunks, max(PIECE // max(size * rows["x"][:1].size * 4, 1), 1))
            stop = start + min(chunks * size, left)
            piece = {name: np.asarray(array[start:stop]) for name, array in rows.items()}
            pieces.append(self._run_chunks(native, piece, chunks, size))
            start = stop
        return _joined(pieces)

    def _run_chunks(
        self, native: NativeProgram, rows: Mapping[str, Array], chunks: int, size: int
    ) -> dict[str, Array]:
        check_mapped(*rows.values())
        feeds: dict[str, object] = dict(self._flat)
        count = len(rows["x"])
        for name, array in rows.items():
            if count < chunks * size:
                filled = np.zeros((chunks * size, *array.shape[1:]), array.dtype)
                filled[:count] = array
                array = filled
            feeds[name] = array.reshape(chunks, size, *array.shape[1:])
        out, _ = native.run(feeds, chunks)
        return {
            name: array.reshape(chunks * size, *array.shape[2:])[:count]
            for name, array in out.items()
        }

    def _run_exactly(
        self,
        make: Callable[[int], Program],
        rows: Mapping[str, Array],
        threads: int | None,
        chunk: int,
    ) -> dict[str, Array]:
        """Return what `_run` does, by programs for full chunks and for just the rows left."""
        pieces = []
        for piece in _chunks(rows, chunk):
            size = len(piece["x"])
            if size != CHUNK:
                self._kept.remember_size(size)
            native = make(size).compiled(threads)
            if native is None:
                pieces.append(self._interpret(make, piece, chunk))
            else:
                pieces.append(self._run_chunks(native, piece, 1, size))
        return _joined(pieces)

    def _interpret(
        self, make: Callable[[int], Program], rows: Mapping[str, Array], chunk: int
    ) -> dict[str, Array]:
        pieces = []
        with one_blas_thread():
            for piece in _chunks(rows, chunk):
                size = len(piece["x"])
                if size != CHUNK:
                    self._kept.remember_size(size)
                pieces.append(make(size).run({**self._flat, **piece}))
        return _joined(pieces)


def make_target(loss: Loss, shape: tuple[int, ...], dtype: str) -> Value:
    """Return the input `y` of a graph: targets for raw outputs of `shape` and `dtype`."""
    dtype = "int64" if loss.target_dtype == "int" else dtype
    return make_input("y", loss.target_shape(shape), dtype)


def scores_of(
    judged: Mapping[str, Array], y: Array, loss: Loss, weights: Array | None = None
) -> dict[str, float]:
    """Return loss and score by name of rows, as `Inference.judged` gives them, with targets `y`."""
    losses = judged["losses"].astype("float64")
    shares = None if weights is None else weights.astype("float64")
    loss_weights = shares
    if "class_weights" in judged:
        by_class = judged["class_weights"].astype("float64")
        loss_weights = by_class if shares is None else by_class * shares
    scores = {"loss": _mean(losses, loss_weights)}
    usable = shares if shares is not None and shares.sum() > 0 else None
    scores[loss.score_name] = loss.score(judged["prediction"], y, usable)
    return scores


def _size_for(rows: int) -> int:
    """Return of how many rows a program is that takes `rows` rows, or the first of them."""
    small, medium, _ = SIZES
    if rows <= small:
        return small
    return medium if rows <= MOST_IN_PIECES * CHUNK else CHUNK


def _chunks(rows: Mapping[str, Array], chunk: int) -> list[dict[str, Array]]:
    """Return the rows cut into full chunks and what is left."""
    return [
        {name: np.asarray(array[start : start + chunk]) for name, array in rows.items()}
        for start in range(0, len(rows["x"]), chunk)
    ]


def _joined(pieces: list[dict[str, Array]]) -> dict[str, Array]:
    if len(pieces) == 1:
        return pieces[0]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _mean(numbers: Array, weights: Array | None) -> float:
    if weights is None:
        return float(numbers.mean())
    whole = weights.sum()
    return float((numbers * weights).sum() / whole) if whole else 0.0
