"""`Network`: a module with a known input shape, and all its parameters in one flat array.

A second flat array holds the buffers, which are no parameters: running statistics and frozen
vectors. Knows modules, traces and the order in the flat arrays; how rows are predicted is in
`inference.py`. Knows no training.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from misstep.errors import ArgumentError, DtypeError, MisstepError, ShapeError
from misstep.ir import FLOATS, Array, Value, ancestors, as_array, make_input, make_literal
from misstep.ir.masks import FILLED, refuse_mask
from misstep.nn.inference import Inference, KeptPrograms
from misstep.nn.initializers import Fans
from misstep.nn.losses import Loss
from misstep.nn.module import Module, frozen_paths, module_paths
from misstep.nn.positions import check_positions, position_limits, with_positions
from misstep.nn.program import backend_of
from misstep.nn.row_checks import checked_targets, checked_weights, finite_rows, refuse_kind
from misstep.nn.tracing import BufferSpecification, ParameterSpecification, Shard, Trace, tracing
from misstep.offers import ask
from misstep.ops import concatenate, reshape, slice_axis
from misstep.storage import MappedRows
from misstep.text.names import did_you_mean

# Rows of the pass that finds out about shapes.
ROWS_OF_TRACE = 2


@dataclass(frozen=True)
class ParameterSlice:
    """A parameter and where it lies in their flat array: entries `start` up to `stop`."""

    specification: ParameterSpecification
    start: int
    stop: int


@dataclass(frozen=True)
class BufferSlice:
    """A buffer and where it lies in their flat array: entries `start` up to `stop`."""

    specification: BufferSpecification
    start: int
    stop: int


class Network:
    """A module whose shapes are known, with its parameters in one flat array.

    `module`: the layers. `input_shape`: the shape of one row, without the batch. `dtype`: float32
    or float64. `seed`: from which the first numbers are drawn. `arrays`: the first numbers of all
    parameters and buffers by name, instead of drawn ones; memory is taken only once their shapes
    are found to fit, so that a stranger's file can't ask for more than it brings.

    Raises ShapeError or ArgumentError, naming the layer, when the layers do not fit.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Sequential(ms.Dense(3), ms.ReLU(), ms.Dense(1)), input_shape=(2,))
    >>> network.parameter_count
    13
    """

    def __init__(
        self,
        module: Module,
        input_shape: tuple[int, ...],
        *,
        dtype: str = "float32",
        seed: int = 0,
        arrays: Mapping[str, npt.ArrayLike] | None = None,
    ) -> None:
        if dtype not in FLOATS:
            raise ArgumentError("dtype of a network", needed="float32 or float64", got=repr(dtype))
        if not isinstance(module, Module):
            raise ArgumentError(
                "a network", needed="a module such as ms.Sequential", got=repr(module)
            )
        self.module = module
        self.input_shape = _checked_shape(input_shape)
        self.dtype = dtype
        self.seed = int(seed)
        self._paths = module_paths(module)
        self._frozen = set(frozen_paths(module))
        trace = self._trace(training=False)
        x = make_input("x", (ROWS_OF_TRACE, *self.input_shape), dtype)
        with tracing(trace):
            output = self._call(x)
        # What each entry of a row must be below where it is looked up, (*input_shape,); 0 where any
        # number will do. None where nothing is looked up.
        self.position_limits = position_limits(trace, x)
        self.operations = _operations(trace, output)
        # How many numbers a row becomes on its way, those inside of a loop over time once.
        self.numbers_of_a_row = sum(
            value.size // ROWS_OF_TRACE for value in ancestors([output]) if value.op is not None
        )
        self.output_shape = output.shape[1:]
        self.inputs = {path: value.shape[1:] for path, value in trace.inputs.items()}
        self.outputs = {path: value.shape[1:] for path, value in trace.outputs.items()}
        self.layers = dict(trace.layers)
        # How many times a row passes each layer: more than once where one object stands twice.
        self.calls = dict(Counter(path for path, _, _ in trace.calls))
        self.parameter_slices = [
            ParameterSlice(specification, start, stop)
            for specification, start, stop in _in_a_row(trace.parameters)
        ]
        self.parameter_count = self.parameter_slices[-1].stop if self.parameter_slices else 0
        self.buffer_slices = [
            BufferSlice(specification, start, stop)
            for specification, start, stop in _in_a_row(trace.buffers)
        ]
        self.buffer_count = self.buffer_slices[-1].stop if self.buffer_slices else 0
        slices: list[ParameterSlice | BufferSlice] = [*self.parameter_slices, *self.buffer_slices]
        self._slices = {one.specification.name: one for one in slices}
        self._kept: dict[bool, KeptPrograms] = {}
        if arrays is not None:
            self._check_arrays(arrays)
        self.parameters = np.zeros(self.parameter_count, dtype)
        self.buffers = np.zeros(self.buffer_count, dtype)
        if arrays is None:
            self.initialize(self.seed)
        else:
            self.load(arrays)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy in another place or process needs; programs are made anew there."""
        return {
            name: value for name, value in vars(self).items() if name not in ("_paths", "_kept")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({"_frozen": set(), "inputs": {}, "calls": {}} | state)
        # Paths are kept by the identity of modules, which a copy does not share.
        self._paths = module_paths(self.module)
        self._kept = {}

    def _trace(self, **options: Any) -> Trace:
        frozen = self.is_frozen if self._frozen else None
        return Trace(self._paths, dtype=self.dtype, frozen=frozen, **options)

    @property
    def frozen(self) -> tuple[str, ...]:
        """Return the paths of layers, and names of parameters, that training leaves as they are."""
        return tuple(sorted(self._frozen))

    @property
    def trainable_count(self) -> int:
        """Return how many parameters training moves."""
        return sum(
            slice_.stop - slice_.start
            for slice_ in self.parameter_slices
            if not self.is_frozen(slice_.specification.name)
        )

    def is_frozen(self, name: str) -> bool:
        """Tell whether training leaves a layer or a parameter as it is, itself or all around it."""
        return any(path in ("", name) or name.startswith(f"{path}.") for path in self._frozen)

    def freeze(self, *names: str) -> None:
        """Let training leave these layers, with all inside of them, or parameters as they are.

        `names`: paths of layers as a summary shows them, or names of parameters. No gradient is
        computed for them, no decay touches them, and the optimizer's state of them stays. Raises
        ArgumentError for a name that there is not.

        >>> import misstep as ms
        >>> network = ms.Network(ms.Sequential(ms.Dense(3), ms.Dense(1)), input_shape=(2,))
        >>> network.freeze("dense1")
        >>> network.parameter_count, network.trainable_count
        (13, 4)
        """
        self._check_names(names)
        self._frozen.update(names)

    def unfreeze(self, *names: str) -> None:
        """Let training move these layers or parameters again; all of them when none is named.

        Raises ArgumentError for a name that is not frozen by itself.
        """
        for name in names:
            if name not in self._frozen:
                raise ArgumentError(
                    f"unfreezing {name!r}",
                    needed=f"one of {', '.join(map(repr, self.frozen)) or 'none: all is trained'}",
                    try_=did_you_mean(name, list(self.frozen)) if self.frozen else None,
                )
        self._frozen -= set(names or self._frozen)

    def _check_names(self, names: tuple[str, ...]) -> None:
        parameters = [slice_.specification.name for slice_ in self.parameter_slices]
        known = [*self._paths.values(), *parameters]
        listed = ", ".join(repr(one) for one in known if one)
        for name in names:
            if name not in known:
                raise ArgumentError(
                    f"freezing {name!r}",
                    needed=f"a layer or a parameter: {listed}",
                    got=repr(name),
                    try_=did_you_mean(str(name), known),
                )
        if not names:
            raise ArgumentError("freezing", needed="the name of a layer or a parameter", got="none")

    def _call(self, x: Value) -> Value:
        try:
            output = self.module(x)
        except MisstepError as error:
            error.add_note(f"in the network {self.module!r} with input shape {self.input_shape}")
            raise
        if not isinstance(output, Value):
            raise ArgumentError(
                "what forward returned", needed="a Value", got=type(output).__name__
            )
        return output

    def initialize(self, seed: int) -> None:
        """Draw the first numbers of all parameters and buffers from `seed`."""
        for stream, (name, slice_) in enumerate(self._slices.items()):
            asked = slice_.specification
            fans = Fans(1, 1)
            if isinstance(asked, ParameterSpecification):
                fans = Fans(asked.fan_in, asked.fan_out)
            self._entries(name)[:] = asked.initializer.draw(
                asked.shape, fans, seed, stream
            ).reshape(-1)

    def _entries(self, name: str) -> Array:
        """Return a parameter or a buffer as a stretch of its flat array."""
        slice_ = self._slices[name]
        flat = self.parameters if isinstance(slice_, ParameterSlice) else self.buffers
        return flat[slice_.start : slice_.stop]

    def arrays(self, flat: Array | None = None) -> dict[str, Array]:
        """Return each parameter and then each buffer by name, as views of the flat arrays.

        With `flat`, an array like that of the parameters, its parts alone.
        """
        if flat is not None:
            return {
                slice_.specification.name: flat[slice_.start : slice_.stop].reshape(
                    slice_.specification.shape
                )
                for slice_ in self.parameter_slices
            }
        return {
            name: self._entries(name).reshape(slice_.specification.shape)
            for name, slice_ in self._slices.items()
        }

    def feeds(self) -> dict[str, Array]:
        """Return what programs of this network take beside rows: its flat arrays by name."""
        flat = {"parameters": self.parameters}
        return flat | ({"buffers": self.buffers} if self.buffer_count else {})

    def load(self, arrays: Mapping[str, npt.ArrayLike]) -> None:
        """Give parameters and buffers new numbers, by name. Raises ArgumentError or ShapeError.

        Nothing changes unless all names and shapes fit.
        """
        self._check_arrays(arrays)
        for name in self._slices:
            self._entries(name)[:] = as_array(arrays[name]).reshape(-1)

    def _check_arrays(self, arrays: Mapping[str, npt.ArrayLike]) -> None:
        missing = [name for name in self._slices if name not in arrays]
        unknown = [name for name in arrays if name not in self._slices]
        if missing or unknown:
            raise ArgumentError(
                "the parameters to load",
                needed=f"the names {', '.join(self._slices)}",
                got=f"missing {missing or 'none'}, unknown {unknown or 'none'}",
            )
        for name, slice_ in self._slices.items():
            shape = as_array(arrays[name]).shape
            if shape != slice_.specification.shape:
                what = "parameter" if isinstance(slice_, ParameterSlice) else "buffer"
                raise ShapeError(
                    f"the {what} {name}",
                    needed=f"shape {slice_.specification.shape}",
                    got=str(shape),
                )

    def apply(
        self,
        x: Value,
        parameters: Value,
        *,
        buffers: Value | None = None,
        training: bool = False,
        seed: Value | None = None,
        step: Value | None = None,
        shard: Shard | None = None,
        precision: str = "float32",
    ) -> tuple[Value, Trace]:
        """Return the output for the batch `x` and the trace of the pass.

        `parameters`: their flat array as a Value, of which each parameter is a slice. `buffers`:
        that of the buffers; when left out, their numbers as they are now. `shard`: which part of a
        batch x is, where it is not the whole one. `precision`: bfloat16 rounds both operands of
        the products of dense layers, forward and back.
        """
        if buffers is None and self.buffer_count:
            buffers = make_literal(self.buffers.copy(), self.dtype)

        def supply(asked: ParameterSpecification | BufferSpecification) -> Value:
            slice_ = self._slices[asked.name]
            flat = parameters if isinstance(slice_, ParameterSlice) else buffers
            assert flat is not None
            entries = slice_axis(flat, 0, slice_.start, slice_.stop)
            return reshape(entries, asked.shape).named(asked.name)

        trace = self._trace(
            training=training, supply=supply, seed=seed, step=step, shard=shard, precision=precision
        )
        with tracing(trace):
            return self._call(x), trace

    def named_pass(self, rows: int) -> tuple[Value, Value, Trace]:
        """Return input, raw output and trace of a pass in evaluation over so many rows.

        Each parameter and each buffer is an input of its own, by its name in the trace.
        """
        trace = self._trace(training=False)
        x = make_input("x", (rows, *self.input_shape), self.dtype)
        with tracing(trace):
            return x, self._call(x), trace

    def input_values(self) -> dict[str, Value]:
        """Return `feeds` as inputs of a graph."""
        return {
            name: make_input(name, array.shape, self.dtype) for name, array in self.feeds().items()
        }

    def buffers_after(self, trace: Trace) -> Value | None:
        """Return what the flat array of buffers is after a pass; None: what it was before."""
        if not trace.changed:
            return None
        return concatenate(
            [reshape(trace.current[one.specification.name], (-1,)) for one in self.buffer_slices]
        )

    def check_rows(self, x: npt.ArrayLike) -> Array:
        """Return `x` as an array of this network's kind of number.

        Raises ShapeError for rows of another shape, DtypeError for what is no number, DataError
        for what is no position where an Embedding comes first.
        """
        x = refuse_mask(x, "the input of the network", FILLED)
        try:
            if isinstance(x, MappedRows) and x.dtype == self.dtype:
                array: Any = x  # worked out where they are read
            else:
                given = np.asarray(x)
                refuse_kind(given, "the input of the network")
                array = np.asarray(given, dtype=self.dtype)
        except MisstepError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            raise DtypeError(
                "the input of the network", needed="numbers in equally long rows", got=str(error)
            ) from error
        if array.shape[1:] != self.input_shape or array.ndim == 0:
            lengths = ", ".join(["rows", *map(str, self.input_shape)])
            raise ShapeError(
                "the input of the network",
                needed=f"shape ({lengths}{',' if not self.input_shape else ''})",
                got=str(array.shape),
                try_="x[np.newaxis] for a single row" if array.shape == self.input_shape else None,
            )
        if self.position_limits is not None:
            check_positions(array, self.position_limits)
        return array

    def with_positions(self, x: Array) -> Array:
        """Return rows of any numbers as rows that this network can take, to try it out."""
        return x if self.position_limits is None else with_positions(x, self.position_limits)

    def inference(self, compiling: bool = True) -> Inference:
        """Return what predicts and evaluates with the numbers as they are now.

        Its programs are kept for the next time. `compiling`: False runs them in the interpreter.
        """
        kept = self._kept.setdefault(compiling, KeptPrograms(compiling))
        return Inference(kept, self._forward, self.feeds())

    @property
    def backend(self) -> str:
        """Return what predictions ran on so far, in words; "nothing yet" before the first one.

        "compiled for" and the processor, or "interpreter, because" and the reason.
        """
        return backend_of(self.inference().so_far)

    def to_onnx(self, path: Path | str, *, loss: Loss | None = None) -> None:
        """Write the network to an ONNX file that takes any number of rows, x, and gives y.

        With the `loss` that it learned by, y is what that calls the prediction: probabilities of
        classes; else the raw outputs. Raises MisstepError without the package onnx (extra `onnx`)
        or for what ONNX has no words for, StorageError where it can't be written.
        """
        ask("ONNX file of a network")(self, path, loss=loss)

    def load_torch(
        self,
        source: Any,
        *,
        names: Mapping[str, str] | None = None,
        leave: Iterable[str] = (),
        channels: str = "first",
    ) -> dict[str, str]:
        """Take over the weights of a network in PyTorch; return by path whose each layer has now.

        `source`: a state_dict, a module, or the path of a safetensors file. Layers are paired by
        `names` (theirs by path here), by equal names, by kind and shapes, and where several are
        alike by order: that of use here, that of definition there. `leave`: paths here, and names
        there, that have no counterpart. `channels`: "last" where flattened images have their
        channels last there too. Nothing changes unless all fits. Raises ShapeError, ArgumentError
        or DtypeError that names the layer, FileFormatError for a file that is no safetensors file.
        """
        given = {"names": names, "leave": leave, "channels": channels}
        found: dict[str, str] = ask("weights of PyTorch")(self, source, **given)
        return found

    def to_torch(
        self,
        like: Any = None,
        *,
        names: Mapping[str, str] | None = None,
        leave: Iterable[str] = (),
        channels: str = "first",
    ) -> dict[str, Any]:
        """Return the weights as PyTorch has them, by its names: arrays for `load_state_dict`.

        `like`: a state_dict or module whose names, dtypes and tensors they get, all that is left
        out as it is there; without it they go by paths here, as NumPy arrays. The rest, and what is
        raised, as for `load_torch`.

        >>> import misstep as ms
        >>> network = ms.Network(ms.Dense(2), input_shape=(3,))
        >>> {name: array.shape for name, array in network.to_torch().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        given = {"names": names, "leave": leave, "channels": channels}
        found: dict[str, Any] = ask("weights for PyTorch")(self, like, **given)
        return found

    def save_safetensors(self, path: Path | str, like: Any = None, **settings: Any) -> None:
        """Write what `to_torch` returns to a safetensors file. Raises as it, and StorageError."""
        ask("safetensors file of a network")(self, path, like, **settings)

    def load_keras(
        self, source: Any, *, names: Mapping[str, str] | None = None, leave: Iterable[str] = ()
    ) -> dict[str, str]:
        """Take over the weights of a Keras 3 model; return by path whose each layer has now.

        `source`: the model, or the path of a .weights.h5 or .keras file (read by h5py). Layers are
        paired by `names` (theirs by path here), by equal names, by kind and shapes, and where
        several are alike by order. `leave`: paths here, and names there, that have no counterpart.
        Nothing changes unless all fits. Raises MisstepError, naming the layer, where it does not.
        """
        found: dict[str, str] = ask("weights of Keras")(self, source, names=names, leave=leave)
        return found

    def to_keras(
        self, like: Any, *, names: Mapping[str, str] | None = None, leave: Iterable[str] = ()
    ) -> list[Array]:
        """Return the weights as `set_weights` of the Keras model `like` takes them.

        What it has beside is as it is there. The rest, and what is raised, as for `load_keras`.
        """
        found: list[Array] = ask("weights for Keras")(self, like, names=names, leave=leave)
        return found

    def predict(
        self, x: npt.ArrayLike, *, loss: Loss | None = None, threads: int | None = None
    ) -> Array:
        """Return the raw outputs for rows `x`: (rows, *input_shape) → (rows, *output_shape).

        With the `loss` that it learned by, what that calls the prediction: probabilities of
        classes. `threads`: at most so many. The same row gives the same bits however many threads
        there are and, unless a layer mixes rows, whatever other rows are beside it.
        """
        return self.inference().predict(self.check_rows(x), loss, threads)

    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        loss: Loss,
        sample_weight: npt.ArrayLike | None = None,
        threads: int | None = None,
    ) -> dict[str, float]:
        """Return loss and score by name for rows `x` with targets `y`, as the loss wants them.

        Raises ShapeError or DataError for rows that can't be evaluated.

        >>> import misstep as ms
        >>> network = ms.Network(ms.Dense(2), input_shape=(1,))
        >>> round(network.evaluate([[0.0]], [1], loss=ms.CrossEntropy())["loss"], 4)
        0.6931
        """
        rows = self.check_rows(finite_rows(x, "x", self.dtype))
        targets = checked_targets(y, len(rows), loss, self.output_shape, self.dtype)
        weights = checked_weights(sample_weight, len(rows), self.dtype)
        return self.inference().evaluate(rows, targets, loss, weights, threads)[0]

    def _forward(self, rows: int) -> tuple[list[Value], Value]:
        """Return the inputs and the raw output of a forward pass in evaluation."""
        flat = self.input_values()
        x = make_input("x", (rows, *self.input_shape), self.dtype)
        raw, _ = self.apply(x, flat["parameters"], buffers=flat.get("buffers"))
        return [*flat.values(), x], raw

    def _words(self, path: str) -> str:
        """Return a layer in words, and whether it is frozen."""
        words = str(getattr(self.layers.get(path, self.module), "describe", lambda: "")())
        own = [
            slice_.specification.name
            for slice_ in self.parameter_slices
            if slice_.specification.name.rpartition(".")[0] == path
        ]
        frozen = [name.rpartition(".")[2] for name in own if self.is_frozen(name)]
        if not frozen:
            return words
        which = "frozen" if len(frozen) == len(own) else f"{' and '.join(frozen)} frozen"
        return f"{words}, {which}" if words else which

    def summary(self) -> list[dict[str, Any]]:
        """Return one row for each layer: path, layer, output shape, parameters, operations.

        And whether it is trainable; a frozen one says so in its words too.

        Operations are multiply-adds of matrix products and the like, for one row of data. A module
        that is the whole network has the empty path, and a row if it holds parameters of its own,
        multiplies itself, or has no layers.
        """
        counts: dict[str, int] = {}
        for slice_ in self.parameter_slices:
            path = slice_.specification.name.rpartition(".")[0]
            counts[path] = counts.get(path, 0) + slice_.stop - slice_.start
        outputs = dict(self.outputs)
        if "" in counts or self.operations.get("") or not outputs:
            outputs[""] = self.output_shape
        return [
            {
                "path": path,
                "layer": self._words(path),
                "output": shape,
                "parameters": counts.get(path, 0),
                "trainable": not self.is_frozen(path),
                "operations": self.operations.get(path, 0),
            }
            for path, shape in outputs.items()
        ]


def _operations(trace: Trace, output: Value) -> dict[str, int]:
    """Return the multiply-adds of a row in each layer by path, those inside of its layers left out.

    What belongs to no layer has the empty path.
    """
    counts: dict[str, int] = {}
    for value in ancestors([output]):
        products = value.op.products(value) if value.op is not None else 0
        if products:
            layers = (path for path, first, last in trace.calls if first < value.serial < last)
            path = next(layers, "")
            counts[path] = counts.get(path, 0) + products
    return {path: products // ROWS_OF_TRACE for path, products in counts.items()}


_Specification = TypeVar("_Specification", ParameterSpecification, BufferSpecification)


def _in_a_row(
    specifications: Mapping[str, _Specification],
) -> Iterator[tuple[_Specification, int, int]]:
    """Yield each specification with where it begins and ends in a flat array of all of them."""
    start = 0
    for specification in specifications.values():
        stop = start + math.prod(specification.shape)
        yield specification, start, stop
        start = stop


def _checked_shape(shape: Any) -> tuple[int, ...]:
    try:
        return tuple(operator.index(length) for length in shape)
    except TypeError as error:
        raise ArgumentError(
            "input_shape of a network",
            needed="the lengths of one row, without the batch",
            got=repr(shape),
            try_="input_shape=(4,) for rows of four features",
        ) from error
