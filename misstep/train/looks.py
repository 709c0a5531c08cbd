"""Looks: what goes on inside of the network, measured now and then on the same few training rows.

The probe rows go forward and backward as in training, in a program of their own, between two
updates; nothing of it reaches the weights. Knows states and programs; who is told, `listeners.py`
knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.errors import FileFormatError
from misstep.ir import Array, one_blas_thread
from misstep.nn import Network
from misstep.record import Thinning
from misstep.record.norms import sum_of_squares
from misstep.train.probes import MEAN_SQUARE
from misstep.train.programs import LookProgram, Programs
from misstep.train.state import TrainingState

Measures = dict[tuple[str, str], float]

# Training rows that are looked at: a unit that is awake for one row in twenty is asleep for all of
# them with a probability of 0.95¹²⁸ = 0.1 %.
PROBE_ROWS = 128
# Parts of them, each with a gradient of its own, from which the noise of gradients is told.
PARTS = 4
# Of fewer rows a part says nothing where a layer normalizes over the batch.
LEAST_PART_OF_BATCH = 8
# Numbers of gradients that are held at once.
MOST_GRADIENTS = 20_000_000
# Updates between two looks when no number was asked for: at least so many, and so many
# multiply-adds, and so many rows for each probe row, so that looking costs about 1 % of learning.
LEAST_UPDATES = 50
WORK_BETWEEN = 2_000_000_000
ROWS_FOR_EACH = 300
# But in a short run about so many looks at least, and so many where all of them take less than this
# many multiply-adds, some milliseconds.
LEAST_LOOKS = 4
SHORT_LOOKS = 10
SHORT_WORK = 200_000_000
# Looks until their distance doubles.
LOOKS_AT_A_DISTANCE = 40
# Multiply-adds of a look, and of a whole training, up to which looks are run by the interpreter:
# compiling them would take longer.
SMALL_LOOK = 20_000_000
LITTLE_WORK = 20_000_000_000
# The same of a single look that no training follows: about a second of the interpreter.
WORK_OF_ONE = 1_000_000_000
# Classes whose recall is written, at most.
MOST_CLASSES = 100


@dataclass(frozen=True)
class LookPlan:
    """When to look: after every `every` updates, ever more seldom in a long run.

    `compiling`: whether the program of looks is worth compiling.
    """

    every: int
    compiling: bool


def planned_looks(
    network: Network, batch: int, updates: int, every: int | None, compiling: bool
) -> LookPlan:
    """Return when to look in a training of `updates` updates by batches of `batch` rows each.

    `every`: updates between two looks where a person asked for a number; 0: never.
    """
    row = 3 * multiply_adds(network)
    look, work = row * PROBE_ROWS, row * batch
    if every is None:
        apart = max(LEAST_UPDATES, WORK_BETWEEN // work, ROWS_FOR_EACH * PROBE_ROWS // batch)
        looks = min(SHORT_LOOKS, max(LEAST_LOOKS, SHORT_WORK // look))
        every = max(1, min(apart, updates // looks))
    large = look > SMALL_LOOK or work * updates > LITTLE_WORK
    return LookPlan(every, compiling and large)


def plan_of_one_look(network: Network, compiling: bool) -> LookPlan:
    """Return how to look once, before any training: most are done before they would be compiled."""
    return LookPlan(1, compiling and 3 * multiply_adds(network) * PROBE_ROWS > WORK_OF_ONE)


def multiply_adds(network: Network) -> int:
    """Return about how many multiply-adds a row takes forward, at least 1.

    Each weight once for every place where it is applied: pixels of a convolution, steps of a
    sequence.
    """
    total = 0
    for slice_ in network.parameter_slices:
        path = slice_.specification.name.rpartition(".")[0]
        before, behind = network.inputs.get(path, ()), network.outputs.get(path, ())
        places = max(int(np.prod(shape[:-1])) for shape in (before, behind))
        total += (slice_.stop - slice_.start) * max(places, 1)
    return max(total, 1)


class Looks:
    """Looks into one training. `rows`: what it learns from. `plan`: when to look.

    `beginning`: the parameters that its network had before any training, where they are known.
    """

    def __init__(
        self,
        programs: Programs,
        rows: Rows,
        plan: LookPlan,
        seed: int,
        threads: int | None,
        beginning: Array | None = None,
    ) -> None:
        self._programs = programs
        self._plan = plan
        self._seed = seed
        self._threads = threads
        count = min(PROBE_ROWS, len(rows))
        parts = _parts(programs.network, count)
        each = count // parts
        self.indices: Array = np.arange(parts * each) * len(rows) // (parts * each)
        self._rows = rows.take(self.indices)
        self._parts = parts
        self._thinning = Thinning(LOOKS_AT_A_DISTANCE)
        self._epochs = Thinning(LOOKS_AT_A_DISTANCE)
        self._next = 0
        self._beginning = beginning
        self._start: Array | None = None
        self._start_sum: str | None = None
        # Of how many looks clipping would have changed the gradient, and how many there were.
        self._clipped = 0, 0
        # What the update that follows a look is measured by: when it was, and the weights then.
        self._looked: tuple[int, Measures, Array] | None = None

    @property
    def is_compiled(self) -> bool:
        """Return whether programs that only watch are worth compiling in this training."""
        return self._plan.compiling

    # --- when -------------------------------------------------------------------------------------

    def due(self, update: int) -> bool:
        """Tell whether it is time to look, after `update` updates."""
        return update >= self._next

    def until_next(self, update: int) -> int:
        """Return how many updates may pass until the next look, at least 1."""
        return max(1, self._next - update)

    def _plan_next(self, update: int) -> None:
        if not self._plan.every:
            self._next = 2**62
            return
        occasion = update // self._plan.every
        self._thinning.keeps(occasion)
        distance = self._thinning.distance
        self._next = (occasion // distance + 1) * distance * self._plan.every

    def keeps_epoch(self, epoch: int) -> bool:
        """Tell whether what is seen at the end of an epoch is written; seldom in a long run."""
        return self._epochs.keeps(epoch)

    # --- what -------------------------------------------------------------------------------------

    def begin(self, state: TrainingState, resumed: bool) -> None:
        """Remember what the parameters begin as, or go on where a run was left."""
        self._start = None if resumed else state.parameters.copy()
        self._start_sum = None
        self._thinning = Thinning(LOOKS_AT_A_DISTANCE)
        self._epochs = Thinning(LOOKS_AT_A_DISTANCE)
        self._next = 0
        self._looked = None
        if resumed and "looks" in state.watching:
            self._restore(state.watching["looks"])
        elif resumed:
            self._plan_next(state.update)

    def memory(self) -> dict[str, Any]:
        """Return what a run that goes on must know to look as if it had never stopped."""
        if self._start is not None and self._start_sum is None:
            self._start_sum = _sum(self._start)
        return {
            "next": self._next,
            "kept": self._thinning.memory(),
            "epochs": self._epochs.memory(),
            "clipped": list(self._clipped),
            "start": self._start_sum,
        }

    def _restore(self, memory: Any) -> None:
        try:
            self._thinning.restore(memory["kept"])
            self._epochs.restore(memory["epochs"])
            clipped, looks = memory["clipped"]
            self._next, self._clipped = int(memory["next"]), (int(clipped), int(looks))
            start = memory["start"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FileFormatError(
                "what a checkpoint says of looks", needed="what was said there", got=repr(error)
            ) from error
        # Of weights that came from elsewhere it is not known any more what they were.
        if start is not None and self._beginning is not None and start == _sum(self._beginning):
            self._start, self._start_sum = self._beginning, start

    def look(self, state: TrainingState) -> None:
        """Look, before an update; what that update does is added by `measures`."""
        measured = self.measured(state)
        self._looked = state.update, measured, state.parameters.copy()
        self._plan_next(state.update)

    @property
    def clipped_share(self) -> float | None:
        """Return the share of looks whose gradient is clipped; None without clipping."""
        clipped, looks = self._clipped
        return clipped / looks if looks else None

    @property
    def latest(self) -> Measures:
        """Return what the latest look saw, whose update is not done yet."""
        assert self._looked is not None
        return self._looked[1]

    @property
    def is_waiting(self) -> bool:
        """Return whether the update behind the latest look is not done yet."""
        return self._looked is not None

    def measures(self, state: TrainingState) -> tuple[int, Measures] | None:
        """Return what the latest look saw and after how many updates, once its update is done."""
        if self._looked is None or state.update == self._looked[0]:
            return None
        (at, measured, before), self._looked = self._looked, None
        with np.errstate(all="ignore"):
            for slice_ in self._programs.network.parameter_slices:
                part = slice(slice_.start, slice_.stop)
                square = sum_of_squares(state.parameters[part] - before[part])
                measured["update_norm", slice_.specification.name] = float(np.sqrt(square))
        return at, measured

    def waiting(self) -> tuple[int, Measures] | None:
        """Return what the latest look saw where its update never came, once."""
        looked, self._looked = self._looked, None
        return None if looked is None else looked[:2]

    def measured(self, state: TrainingState) -> Measures:
        """Return what the network shows with the state's numbers."""
        weighted = self._rows.weights is not None
        size = len(self._rows) // self._parts
        program = self._programs.look(size, weighted=weighted)
        with np.errstate(all="ignore"), one_blas_thread():
            outputs = self._run(program, state, size)
            measures = self._of_rows(outputs)
            measures |= self._of_layers(program, outputs)
            measures |= self._of_parameters(state.parameters, outputs["gradients"])
            if self._programs.clipping:
                gradient = outputs["gradients"].mean(axis=0)
                over = any(one.changes(gradient) for one in self._programs.clipping)
                self._clipped = self._clipped[0] + over, self._clipped[1] + 1
        return measures

    def _run(self, program: LookProgram, state: TrainingState, size: int) -> dict[str, Array]:
        """Return the outputs, (parts, …) each."""
        parts = self._parts
        rows = {"x": self._rows.x, "y": self._rows.y}
        if self._rows.weights is not None:
            rows["weights"] = self._rows.weights
        stepped: dict[str, Any] = {
            name: array.reshape(parts, size, *array.shape[1:]) for name, array in rows.items()
        }
        # The same random numbers in each look, so that looks can be compared.
        stepped["draw"] = np.arange(parts)
        whole: dict[str, Any] = {**state.feeds(), "seed": np.asarray(self._seed)}
        native = program.compiled(self._threads) if self._plan.compiling else None
        if native is not None:
            return native.run({**whole, **stepped}, parts)[0]
        pieces = [
            program.run({**whole, **{name: array[part] for name, array in stepped.items()}})
            for part in range(parts)
        ]
        return {name: np.stack([piece[name] for piece in pieces]) for name in pieces[0]}

    def _of_rows(self, outputs: Mapping[str, Array]) -> Measures:
        """Return loss, score, and the range of predictions."""
        loss, weights = self._programs.loss, self._rows.weights
        predicted = outputs["prediction"]
        predicted = predicted.reshape(-1, *predicted.shape[2:])
        wide = predicted.reshape(len(predicted), -1).astype("float64")
        share = outputs["weight"].astype("float64")
        total = share.sum()
        mean = float((outputs["loss"] * share).sum() / total) if total else 0.0
        measures: Measures = {
            ("probe_loss", ""): mean,
            ("output_smallest", ""): float(wide.min()),
            ("output_largest", ""): float(wide.max()),
            ("output_deviation", ""): float(wide.std(axis=0).mean()),
        }
        name = f"probe_{loss.score_name}"
        if name in ("probe_accuracy", "probe_rmse") and np.isfinite(wide).all():
            usable = weights if weights is not None and weights.sum() > 0 else None
            measures[name, ""] = loss.score(predicted, self._rows.y, usable)
        return measures

    def _of_layers(self, program: LookProgram, outputs: Mapping[str, Array]) -> Measures:
        """Return the means over the parts, deviations, and which units no row wakes."""
        measures: Measures = {}
        squares: dict[str, float] = {}
        if program.legend:
            means = outputs["probes"].astype("float64").mean(axis=0)
            for (name, path), number in zip(program.legend, means.tolist(), strict=True):
                if name == MEAN_SQUARE:
                    squares[path] = number
                else:
                    measures[name, path] = number
        for path, square in squares.items():
            mean = measures["activation_mean", path]
            # As a product: beyond 1e154 a power would raise OverflowError, a product is infinite.
            variance = square - mean * mean
            measures["activation_deviation", path] = float(np.sqrt(np.maximum(variance, 0.0)))
        if program.peaks:
            highest, start = outputs["peaks"].max(axis=0), 0
            for path, units in program.peaks.items():
                of_layer = highest[start : start + units]
                measures["dead_share", path] = float((of_layer == 0.0).mean())
                start += units
        return measures

    def _of_parameters(self, parameters: Array, gradients: Array) -> Measures:
        """Return norms and noise of gradients, norms of weights, and which never moved.

        `gradients`: (parts, parameters).
        """
        measures: Measures = {}
        parts = len(gradients)
        mean = gradients[0] if parts == 1 else gradients.mean(axis=0)
        for slice_ in self._programs.network.parameter_slices:
            name, part = slice_.specification.name, slice(slice_.start, slice_.stop)
            square = sum_of_squares(mean[part])
            measures["gradient_norm", name] = float(np.sqrt(square))
            measures["weight_norm", name] = float(np.sqrt(sum_of_squares(parameters[part])))
            if self._start is not None:
                same = np.count_nonzero(parameters[part] == self._start[part])
                measures["unmoved_share", name] = same / max(slice_.stop - slice_.start, 1)
            if parts > 1:
                away = sum(sum_of_squares(one[part] - mean[part]) for one in gradients) / parts
                if away > 0:
                    measures["gradient_signal_to_noise", name] = square / away
        return measures


def _sum(parameters: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(parameters).view(np.uint8).data).hexdigest()


def class_recall(predicted: Array, y: Array) -> Measures:
    """Return, for each class among answers `y` (rows,), the share that was given that class.

    `predicted`: probabilities, (rows, classes), or of one of two classes (rows, 1). Empty where
    answers are no single class of a few.
    """
    flat = y.reshape(len(y), -1)
    if flat.shape[1] != 1 or not len(y) or predicted.ndim != 2:
        return {}
    answers = flat[:, 0].astype("int64")
    if predicted.shape[1] == 1:
        chosen = (predicted[:, 0] > 0.5).astype("int64")
    else:
        chosen = predicted.argmax(axis=1)
    classes = np.unique(answers)
    if len(classes) > MOST_CLASSES:
        return {}
    return {
        ("validation_recall", str(each)): float((chosen[answers == each] == each).mean())
        for each in classes.tolist()
    }


def _parts(network: Network, rows: int) -> int:
    """Return in how many parts so many probe rows are taken."""
    if rows < PARTS or PARTS * network.parameter_count > MOST_GRADIENTS:
        return 1
    if network.buffer_count and rows < PARTS * LEAST_PART_OF_BATCH:
        return 1
    return PARTS
