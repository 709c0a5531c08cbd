"""`Trainer`: a network, a loss and an optimizer put together; `fit` trains the network on rows.

Checks what comes in and resolves defaults; the training itself is in `loop.py`.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.data import Rows
from misstep.doctor import Diagnosis, examine_start
from misstep.errors import ArgumentError, NotFittedError, NotYetError
from misstep.exchange import ALONE, Ranks, world
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.nn import Module, Network
from misstep.nn.inference import Inference
from misstep.nn.losses import Loss
from misstep.nn.program import backend_of
from misstep.nn.row_checks import checked_targets, checked_weights, finite_rows
from misstep.optim import Adam, Clipping, ConstantRate, Optimizer, Regularizer, Schedule
from misstep.record import Names, Record, RecordWriter
from misstep.storage import MappedRows
from misstep.train.agreement import check_same, check_shards, settled_shards, shared_state
from misstep.train.callbacks import Callback, EarlyStopping, restore_callbacks
from misstep.train.describing import Settings, describe_run
from misstep.train.digest import rows_digest
from misstep.train.fork import Fork, copied
from misstep.train.listeners import Listeners
from misstep.train.looks import Looks, plan_of_one_look, planned_looks
from misstep.train.loop import Loop
from misstep.train.metrics import Metric, checked_metrics, scores_by
from misstep.train.mixup import check_mixup
from misstep.train.precision import check_precision, check_rounds
from misstep.train.programs import Programs
from misstep.train.progress import Progress, make_progress
from misstep.train.rate_range import (
    COURSES,
    HIGHEST,
    LEAST_STEPS,
    LOWEST,
    STEPS,
    RateRange,
    range_test,
)
from misstep.train.repairing import RepairBudget, budget_of, repaired
from misstep.train.reporting import leave_report
from misstep.train.row_scores import RowScores, scores_of
from misstep.train.run import Run
from misstep.train.run_folder import RunFolder
from misstep.train.run_record import RunRecord
from misstep.train.shards import ShardedStepper
from misstep.train.state import TrainingState
from misstep.train.stepping import Stepper


class Trainer:
    """Trains a network.

    `network`: layers such as `ms.Sequential(...)`, or a `ms.Network`. `optimizer`: ms.Adam(1e-3)
    when left out. `schedule`: of the learning rate. `clipping`, `regularizers`: one or several, in
    their order. `batch_size`: rows in a batch; 1 for one row at a time, "full" for all rows at
    once. `accumulate`: batches whose gradients make one update. `repeats_per_epoch`: how often an
    epoch goes through all rows, each time in a new order; as many as an `ms.Ensemble` has members
    let each member meet as many rows as there are. `seed`: from which first weights, the order of
    rows and dropout are drawn: same seed, same bits. `threads`: how many may be used; the results
    never depend on it. `dtype`: float32 or float64. `compiling`: False runs everything in the
    interpreter, slowly; what can't be compiled runs there anyhow. `shuffle`: whether each epoch
    takes the rows in an order of its own. `mixup`: above 0, each row learned from is mixed with
    another of its batch, shares of the symmetric Beta distribution of this strength (Zhang and
    others, 2018). `shards`: into how many parts each batch is cut, a power of two; up to so many
    processes of a launcher of MPI share them out, and get the bits that one process gets. None: 1
    in a process by itself, 8 or more under a launcher; those of the run, where `fit` resumes one.
    `precision`: "bfloat16" rounds the operands of products of `ms.Dense`, forward and back, to 8
    significant bits while training; sums, weights, the optimizer, all other layers and predictions
    stay float32. The bits are the same on every processor.
    `metrics`: functions of answers and of what `predict` says, or such by name, that give a number;
    `fit` computes them on validation rows after each epoch (`validation_<name>` in the history),
    `evaluate` on any rows.

    >>> import misstep as ms
    >>> network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1))
    >>> trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.05), seed=7)
    >>> run = trainer.fit([[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]], epochs=200)
    >>> run.losses[-1] < 0.01
    True
    """

    def __init__(
        self,
        network: Module | Network,
        *,
        loss: Loss,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        clipping: Clipping | Sequence[Clipping] = (),
        regularizers: Regularizer | Sequence[Regularizer] = (),
        batch_size: int | str = 32,
        accumulate: int = 1,
        repeats_per_epoch: int = 1,
        seed: int = 0,
        threads: int | None = None,
        dtype: str = "float32",
        compiling: bool = True,
        mixup: float = 0.0,
        shuffle: bool = True,
        shards: int | None = None,
        precision: str = "float32",
        metrics: Iterable[Metric] | Mapping[str, Metric] = (),
    ) -> None:
        _check_class("network", network, (Module, Network), "layers such as ms.Sequential(...)")
        _check_class("loss", loss, Loss, "a loss such as ms.CrossEntropy()")
        self.optimizer = Adam(1e-3) if optimizer is None else optimizer
        _check_class("optimizer", self.optimizer, Optimizer, "an optimizer such as ms.Adam(1e-3)")
        self.schedule = ConstantRate() if schedule is None else schedule
        _check_class("schedule", self.schedule, Schedule, "a schedule such as ms.optim.Cosine()")
        self.clipping = _several("clipping", clipping, Clipping, "ms.optim.ClipNorm(1.0)")
        self.regularizers = _several("regularizers", regularizers, Regularizer, "ms.optim.L2(1e-4)")
        if batch_size != "full":
            _check_count("batch_size", batch_size, 'a number of rows, or "full"')
        _check_count("accumulate", accumulate, "a number of batches, 1 or more")
        _check_count(
            "repeats_per_epoch",
            repeats_per_epoch,
            "how often an epoch goes through the rows, 1 or more",
        )
        if threads is not None:
            _check_count("threads", threads, "a number of threads, 1 or more, or None")
        if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
            raise ArgumentError("seed of a Trainer", needed="0 or more", got=repr(seed))
        self.loss = loss
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.repeats_per_epoch = repeats_per_epoch
        self.seed = int(seed)
        self.threads = threads
        self.compiling = compiling
        self.mixup = check_mixup(mixup)
        _check_class("shuffle", shuffle, bool, "True or False")
        self.shuffle = shuffle
        self.dtype = network.dtype if isinstance(network, Network) else dtype
        self.shards = check_shards(shards)
        self.precision = check_precision(precision, self.dtype)
        self.metrics = checked_metrics(metrics)
        self._module = network.module if isinstance(network, Network) else network
        self._network = network if isinstance(network, Network) else None
        # Where data and settings come from, for the record: whoever makes a Trainer may say so.
        self.origin: Mapping[str, Any] = {}
        # What was done to the data before, and what people call them, for the record: whoever
        # prepared them may say so.
        self.preparation: Mapping[str, Any] = {}
        self.names = Names()
        self._programs: Programs | None = None
        self._state: TrainingState | None = None
        # The latest training, whether it ended as planned or not; a copy has none.
        self.last_run: Run | None = None
        # The first numbers of parameters and buffers, once training has moved them.
        self._beginning: tuple[Array, Array] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the latest run and the programs, which a copy makes for itself."""
        return {**vars(self), "_programs": None, "last_run": None}

    @property
    def network(self) -> Network:
        """Return the network. Raises NotFittedError while its input shape is not known."""
        if self._network is None:
            raise NotFittedError(
                "the network of this Trainer",
                needed="an input shape",
                got="none yet",
                try_="fit(x, y), or giving the Trainer a ms.Network(..., input_shape=...)",
            )
        return self._network

    @property
    def backend(self) -> str:
        """Return what training and predicting ran on so far, in words.

        "compiled for" and the processor, or "interpreter, because" and the reason; results agree
        closely, though not in every bit, and come slowly. "nothing yet" before anything ran.
        """
        inference = [] if self._network is None else self._inference.so_far
        programs = [] if self._programs is None else self._programs.so_far
        return backend_of([*programs, *inference])

    @property
    def state(self) -> TrainingState | None:
        """Return where training stands, None before it began; not to be written into."""
        return self._state

    @with_own_float_errors
    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        epochs: int = 10,
        validation: tuple[Any, ...] | None = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Iterable[Callback] = (),
        early_stopping: EarlyStopping | int | None = None,
        progress: bool | Progress = False,
        folder: Path | str | None = None,
        checkpoint_every: int | None = None,
        probe_every: int | None = None,
        resume: bool = False,
        shuffle: bool | None = None,
        watch: bool = True,
        repair: bool | RepairBudget = False,
        report: bool = True,
    ) -> Run:
        """Train for `epochs` epochs, or until a callback or Ctrl-C ends it; return the `Run`.

        x: (rows, …); y: (rows, …) as the loss wants it. `validation`: (x, y) or (x, y, weights),
        judged after each epoch. `early_stopping`: an `ms.EarlyStopping`, or its patience in epochs;
        the best weights are then restored. `folder`: where to write the record of the run and
        checkpoints, every `checkpoint_every` updates (None: every half minute and at the end).
        `watch`: whether what goes on is written down, in memory too, so that `run.diagnose()` can
        tell what goes wrong; the weights do not depend on it. `probe_every`: updates between two
        looks into the layers (None: as many as keep looking cheap; 0: never). `resume`: go on from
        the folder's latest checkpoint, bit for bit as if training had never stopped; `epochs` is
        then the number of epochs in all.

        `shuffle`: whether each epoch takes the rows in an order of its own, else all take them in
        the order given (None: as the Trainer was told, which shuffles by default).

        `repair`: whether remedies are tried where something harms the training, beside an unchanged
        control, as `ms.repair` does, or an `ms.RepairBudget`. If one of them measurably helps, this
        Trainer becomes the one trained with it, network, optimizer and all settings, and the `Run`
        is of that training; `run.repair` says what was tried. It is trained in `folder`/repair-1.
        Needs a training from its beginning; callbacks other than early stopping see only that one.

        `report`: whether a page about the run, report.html, is left in its folder.

        Calling fit again trains further. Ctrl-C ends training cleanly with the best weights so far.

        Raises ShapeError, DataError or ArgumentError before anything is written, StorageError for a
        folder that another run works in or that holds files of others under a run's names.
        """
        _check_count("epochs", epochs, "a number of epochs, 1 or more")
        rows = self._rows(x, y, sample_weight)
        judged = None if validation is None else self._validation_rows(validation)
        if probe_every is not None and (not isinstance(probe_every, int) or probe_every < 0):
            raise ArgumentError("probe_every", needed="updates, 0 or more", got=repr(probe_every))
        if resume and folder is None:
            raise ArgumentError("resume", needed="the folder of the run", got="none")
        if shuffle is not None:
            _check_class("shuffle", shuffle, bool, "True or False")
            self.shuffle = shuffle
        begun = self._state is not None and not resume
        budget = budget_of(repair, watched=watch or folder is not None, begun=begun)
        called = _checked_callbacks(callbacks, early_stopping)
        ranks = self._ranks()
        if budget is not None and ranks.size > 1:
            raise NotYetError(
                f"repair on {ranks.size} ranks",
                needed="a training in one process",
                try_="repair=False, then ms.repair on one machine",
            )
        # One of several processes writes; the others learn of it what was left.
        kept = RunFolder(folder, checkpoint_every) if folder and ranks.is_first else None
        with kept or contextlib.nullcontext():
            self._settle_shards(ranks, kept if resume else None)
            facts = self._facts(rows) if kept is not None or ranks.size > 1 else {}
            told = {"epochs": epochs, "callbacks": [type(each).__name__ for each in called]}
            told |= {} if judged is None or ranks.size == 1 else {"validation": rows_digest(judged)}
            check_same(ranks, facts | told)
            if kept is not None:
                kept.facts = facts
            state = self._first_state()
            resumed = shared_state(ranks, kept, state) if resume else None
            if resumed is not None:
                state = resumed
                # This may refuse; the network is then as it was.
                restore_callbacks(called, state.callbacks)
                self.network.parameters = np.array(state.parameters)
                self.network.buffers = np.array(state.buffers)
            self._state = state
            in_all = epochs if resume else state.epoch + epochs
            if kept is not None:
                kept.epochs = in_all
            watching = watch or kept is not None
            looking = watching and probe_every != 0
            # A run that goes on has said what it is.
            describing = watching and resumed is None
            record = RunRecord(RecordWriter(None, {}), state.update, state.epoch)
            settings = self._settings(len(rows), epochs)
            stepper = self._stepper(rows, self.seed, ranks)
            run = Loop(
                network=self.network,
                loss=self.loss,
                state=state,
                validation=judged,
                threads=self.threads,
                compiling=self.compiling,
                resumed=resumed is not None,
                rows=rows,
                stepper=stepper,
                ranks=ranks,
                shards=self.shards or 1,
                listeners=Listeners(
                    called,
                    make_progress(progress if ranks.is_first else False),
                    kept,
                    record if watching and kept is None else None,
                    self._looks(rows, settings, probe_every) if looking else None,
                    describe_run(self.network, settings, rows, judged) if describing else None,
                ),
                epochs=in_all,
                repeats_per_epoch=self.repeats_per_epoch,
                batch_size=len(rows) if self.batch_size == "full" else int(self.batch_size),
                accumulate=self.accumulate,
                learning_rate=self.optimizer.learning_rate,
                schedule=self.schedule,
                seed=self.seed,
                shuffle=self.shuffle,
                mixing=self.mixup > 0,
                metrics=self.metrics,
            ).run()
        self.last_run = run
        for note in run.notes:
            warnings.warn(note, RuntimeWarning, stacklevel=3)
        first = run
        if budget is not None:
            run = repaired(self, run, (x, y, sample_weight), validation, budget, called)
        for one in (first, run) if run is not first else (run,):
            if report:
                leave_report(one)
        return run

    def variant(
        self,
        network: Module | None = None,
        input_shape: tuple[int, ...] | None = None,
        **settings: Any,
    ) -> Trainer:
        """Return a Trainer as this one was before it learned anything, with other `settings`.

        `settings`: as a Trainer takes them. `network`: other layers, whose first weights are drawn
        anew; without it they are those that this one began with. `input_shape`: of a row, where
        this one has met none. Raises ArgumentError or ShapeError.

        >>> import misstep as ms
        >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), seed=3)
        >>> slower = trainer.variant(optimizer=ms.Adam(1e-4))
        >>> slower.optimizer.learning_rate, slower.seed
        (0.0001, 3)
        """
        parts = ("loss", "optimizer", "schedule", "clipping", "regularizers", "batch_size")
        names = (*parts, "accumulate", "repeats_per_epoch", "seed", "threads", "compiling", "mixup")
        more = ("shuffle", "dtype", "shards", "precision", "metrics")
        kept = {name: getattr(self, name) for name in (*names, *more)}
        begins: Any = self._module if network is None else network
        if network is None and self._network is not None:
            begins = copy.copy(self._network)
            flat = self._beginning or (begins.parameters, begins.buffers)
            begins.parameters, begins.buffers = np.array(flat[0]), np.array(flat[1])
            begins._frozen = set(self._network._frozen)
        elif self._network is not None or input_shape is not None:
            shape = input_shape if self._network is None else self._network.input_shape
            seed = settings.get("seed", self.seed)
            begins = Network(begins, shape or (), dtype=self.dtype, seed=seed)
        other = Trainer(begins, **{**kept, **settings})
        other.preparation, other.names = self.preparation, self.names
        if network is None and self._has_programs_of(other):
            other._programs = self._programs
        return other

    def planned_epochs(
        self,
        folder: Path | str,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> int | None:
        """Return how many epochs were planned for the run that `fit` would go on with in `folder`.

        None where there is no such run, or it does not say. Raises what `fit` raises.
        """
        rows = self._rows(x, y, sample_weight)
        kept = RunFolder(folder, None)
        if self.shards is None:
            self.shards = settled_shards(ALONE, kept.fact("shards"))
        kept.facts = self._facts(rows)
        return kept.planned_epochs()

    def left_in(
        self,
        folder: Path | str,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        restore_best: bool = False,
    ) -> Trainer | None:
        """Return a Trainer that stands where a run of this training in `folder` was left.

        x, y, `sample_weight`: what it learned from. `restore_best`: whether it has the weights of
        the epoch with the lowest validation loss, where one was judged. None where there is no
        checkpoint. Raises ArgumentError for a run of another training, FileFormatError where all
        checkpoints are damaged, and what `fit` raises.
        """
        other = self.variant(input_shape=np.shape(x)[1:])
        rows = other._rows(x, y, sample_weight)
        kept = RunFolder(folder, None)
        if other.shards is None:
            other.shards = settled_shards(ALONE, kept.fact("shards"))
        kept.facts = other._facts(rows)
        state = kept.resume(other._first_state())
        if state is None:
            return None
        other._state = state
        best = state.best if restore_best and state.best is not None else state
        other.network.parameters = np.array(best.parameters)
        other.network.buffers = np.array(best.buffers)
        return other

    def with_weights(self, arrays: Mapping[str, Array], input_shape: tuple[int, ...]) -> Trainer:
        """Return a Trainer whose network has other numbers; what its optimizer knew is not known.

        `arrays`: by name, as `Network.arrays` gives them. Raises ArgumentError or ShapeError where
        they are not those of this network.
        """
        other = self.variant(input_shape=input_shape)
        other._first_state()
        network = other.network
        known = Network(network.module, input_shape, dtype=network.dtype, arrays=arrays)
        network.parameters, network.buffers = np.array(known.parameters), np.array(known.buffers)
        return other

    def fork(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        seed: int | None = None,
    ) -> Fork:
        """Return a training that branches off here, whose updates leave this one as it is.

        It takes the updates that `fit` on the same rows would take next. `seed`: of the order of
        rows and of dropout (None: that of this Trainer). Raises what `fit` raises.
        """
        # A copy may get to know its input's shape without this one being bound to it.
        other = copy.copy(self) if self._network is None else self
        rows = other._rows(x, y, sample_weight)
        return other._fork(rows, self.seed if seed is None else seed)

    def continued(self, **settings: Any) -> Trainer:
        """Return a Trainer that stands where this one does, with other `settings`, on its own.

        `settings`: as a Trainer takes them. Another optimizer begins with a state of its own. What
        either learns from now on leaves the other as it is. Raises ArgumentError or NotFittedError.
        """
        other = self.variant(**settings)
        network, copy_ = self.network, other.network
        beginning = np.array(copy_.parameters), np.array(copy_.buffers)
        copy_.parameters, copy_.buffers = np.array(network.parameters), np.array(network.buffers)
        if self._state is not None:
            fresh = other._first_state()
            state = copied(self._state)
            state.parameters, state.buffers = fresh.parameters, fresh.buffers
            mine, theirs = self.optimizer, other.optimizer
            # Momentum, too, is kept where there was none before.
            if type(mine) is not type(theirs) or mine.used_slots() != theirs.used_slots():
                state.optimizer_state, state.scalars = fresh.optimizer_state, fresh.scalars
            state.callbacks, state.memory, state.best = [], {}, None
            other._state = state
        other._beginning = beginning
        return other

    def _has_programs_of(self, other: Trainer) -> bool:
        """Tell whether another trainer of this network takes its steps by the same programs.

        They are given the learning rate at each step.
        """
        if any(getattr(self, name) != getattr(other, name) for name in _OF_PROGRAMS):
            return False
        mine, theirs = self.optimizer, other.optimizer
        if type(mine) is not type(theirs):
            return False
        rate = theirs.learning_rate
        return mine == theirs or replace(mine, learning_rate=rate) == theirs  # type: ignore[type-var]

    def _fork(self, rows: Rows, seed: int) -> Fork:
        return Fork(
            rows=rows,
            stepper=self._stepper(rows, seed),
            state=copied(self._first_state()),
            batch_size=len(rows) if self.batch_size == "full" else int(self.batch_size),
            accumulate=self.accumulate,
            repeats_per_epoch=self.repeats_per_epoch,
            seed=seed,
            shuffle=self.shuffle,
        )

    @with_own_float_errors
    def find_learning_rate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        lowest: float | None = None,
        highest: float | None = None,
        steps: int = STEPS,
        courses: int = COURSES,
    ) -> RateRange:
        """Return what some updates show while the learning rate grows, and the rate to train with.

        `steps` updates are taken, the first at the rate `lowest` and the last at `highest` (None:
        1e-7 to 10, and lower or higher ones where all happens at one end), in each of `courses`
        courses that differ in the order of rows and in dropout. It ends where the loss explodes.
        This Trainer stays as it is, bit for bit; its schedule is not asked.

        Raises ShapeError, DataError or ArgumentError.

        >>> import misstep as ms
        >>> x, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
        >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD())
        >>> found = trainer.find_learning_rate(x, y)
        >>> trainer = ms.Trainer(
        ...     ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(found.suggestion)
        ... )
        """
        _check_count("steps", steps, "a number of updates, 10 or more")
        if steps < LEAST_STEPS:
            raise ArgumentError("steps", needed=f"{LEAST_STEPS} updates or more", got=str(steps))
        _check_count("courses", courses, "a number of courses, 1 or more")
        low = LOWEST if lowest is None else lowest
        high = HIGHEST if highest is None else highest
        if not 0.0 < low < high < math.inf:
            raise ArgumentError(
                "the range of learning rates",
                needed="0 < lowest < highest",
                got=f"{low:g} to {high:g}",
            )
        other = copy.copy(self) if self._network is None else self
        rows = other._rows(x, y, sample_weight)
        forks = [other._fork(rows, self.seed + number) for number in range(courses)]
        movable = lowest is None and highest is None
        return range_test(forks, lowest=low, highest=high, steps=steps, movable=movable)

    @with_own_float_errors
    def predict(self, x: npt.ArrayLike) -> Array:
        """Return the predictions for `x` (rows, …): probabilities of classes, else the outputs."""
        rows = self.network.check_rows(x)
        return self._inference.predict(rows, self.loss, self.threads)

    @with_own_float_errors
    def evaluate(
        self, x: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Return loss, score and `metrics` by name for rows `x` with targets `y`."""
        self.network  # noqa: B018  (raises where there is none)
        rows = self._rows(x, y, sample_weight)
        found, predicted = self._inference.evaluate(
            rows.x, rows.y, self.loss, rows.weights, self.threads
        )
        return found | scores_by(self.metrics, rows.y, predicted)

    @with_own_float_errors
    def row_losses(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
        """Return the loss of each row, (rows,), float64, without dropout, penalties and weights."""
        self.network  # noqa: B018  (raises where there is none)
        rows = self._rows(x, y, None)
        return self._inference.row_losses(rows.x, rows.y, self.loss, self.threads)

    @with_own_float_errors
    def row_scores(self, x: npt.ArrayLike, y: npt.ArrayLike) -> RowScores:
        """Return how hard each row is for the network as it is: losses and gradient norms, (rows,).

        `gradient_norms`: of the gradient of the row's loss by the last dense layer, √((‖x‖² + 1) ·
        ‖δ‖²), where x goes into that layer and δ is the gradient by what comes out. Rows that
        training can't explain stand out in both: wrong answers, outliers, rare cases.

        >>> import misstep as ms
        >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.05))
        >>> x, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], [[0.0], [1.0], [9.0], [3.0], [4.0]]
        >>> _ = trainer.fit(x, y, epochs=300)
        >>> losses, gradient_norms = trainer.row_scores(x, y)
        >>> int(gradient_norms.argmax())
        2
        """
        self.network  # noqa: B018  (raises where there is none)
        rows = self._rows(x, y, None)
        return scores_of(
            self.network, self.loss, rows.x, rows.y, compiling=self.compiling, threads=self.threads
        )

    @property
    def _inference(self) -> Inference:
        return self.network.inference(self.compiling)

    def _rows(self, x: Any, y: Any, weights: Any, names: tuple[str, str] = ("x", "y")) -> Rows:
        """Return checked rows; the first ones say what the network's input is."""
        numbers = finite_rows(x, names[0], self.dtype)
        if self._network is None:
            shape = numbers.shape[1:]
            self._network = Network(self._module, shape, dtype=self.dtype, seed=self.seed)
        network = self._network
        check_rounds(self.precision, network)
        numbers = network.check_rows(numbers)
        if not isinstance(numbers, MappedRows):
            numbers = np.ascontiguousarray(numbers)
        targets = checked_targets(
            y, len(numbers), self.loss, network.output_shape, self.dtype, names
        )
        return Rows(numbers, targets, checked_weights(weights, len(numbers), self.dtype))

    def _validation_rows(self, validation: Any) -> Rows:
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise ArgumentError(
                "validation", needed="(x, y) or (x, y, weights)", got=type(validation).__name__
            )
        weights = validation[2] if len(validation) == 3 else None
        names = ("validation x", "validation y")
        return self._rows(validation[0], validation[1], weights, names)

    def _step_programs(self) -> Programs:
        shared = self._programs
        # Those of another trainer go by what is frozen in its network.
        if shared is None or shared.network.frozen != self.network.frozen:
            self._programs = Programs(
                self.network,
                self.loss,
                self.optimizer,
                self.clipping,
                self.regularizers,
                self.compiling,
                self.mixup,
                self.precision,
            )
            return self._programs
        return shared

    def start_record(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        validation: tuple[Any, ...] | None = None,
        sample_weight: npt.ArrayLike | None = None,
        epochs: int = 10,
    ) -> Record:
        """Return the record of a training that has not begun: what it is, and one look into it.

        Arguments as for `fit`; nothing is trained or changed.
        """
        rows = self._rows(x, y, sample_weight)
        judged = None if validation is None else self._validation_rows(validation)
        settings = self._settings(len(rows), epochs)
        plan, state = plan_of_one_look(self.network, self.compiling), self._first_state()
        looks = Looks(self._step_programs(), rows, plan, self.seed, self.threads)
        looks.begin(state, resumed=False)
        seen = looks.measured(state)
        with RecordWriter(None, {}) as writer:
            described = describe_run(self.network, settings, rows, judged)
            writer.describe(replace(described, start_loss=seen["probe_loss", ""]))
            writer.measures(0, seen)
        return writer.record

    @with_own_float_errors
    def check(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        validation: tuple[Any, ...] | None = None,
        sample_weight: npt.ArrayLike | None = None,
        epochs: int = 10,
    ) -> Diagnosis:
        """Return what is wrong with these rows and this network before any training.

        Arguments as for `fit`; nothing is trained or changed. What training alone can show is
        among what was not examined.

        >>> import misstep as ms
        >>> import numpy as np
        >>> x = np.random.default_rng(0).uniform(0, 255, size=(100, 20))
        >>> trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy())
        >>> [finding.slug for finding in trainer.check(x, np.arange(100) % 2).findings]
        ['unscaled-inputs']
        """
        began = time.perf_counter()
        record = self.start_record(
            x, y, validation=validation, sample_weight=sample_weight, epochs=epochs
        )
        return replace(examine_start(record), seconds=time.perf_counter() - began)

    def _settings(self, rows: int, epochs: int) -> Settings:
        """Return how a training of so many epochs goes, resolved to numbers."""
        batch = self._rows_of_batch(rows)
        return Settings(
            loss=self.loss,
            optimizer=self.optimizer,
            schedule=self.schedule,
            clipping=self.clipping,
            regularizers=self.regularizers,
            batch_size=batch,
            accumulate=self.accumulate,
            updates=-(-rows * self.repeats_per_epoch // (batch * self.accumulate)),
            epochs=epochs,
            shuffled=self.shuffle,
            seed=self.seed,
            precision=self.precision,
            origin=self.origin,
            preparation=self.preparation,
            names=self.names,
        )

    def _looks(self, rows: Rows, settings: Settings, every: int | None) -> Looks:
        """Return the looks into a training."""
        updates = settings.updates * settings.epochs
        plan = planned_looks(self.network, settings.batch_size, updates, every, self.compiling)
        beginning = None if self._beginning is None else self._beginning[0]
        return Looks(self._step_programs(), rows, plan, self.seed, self.threads, beginning)

    def _rows_of_batch(self, rows: int) -> int:
        """Return how many rows a batch of `rows` rows in all has, the last of an epoch aside."""
        return (
            rows
            if self.batch_size == "full"
            else min(int(self.batch_size), rows * self.repeats_per_epoch)
        )

    def _first_state(self) -> TrainingState:
        """Return where training starts, or goes on from when it was trained before."""
        flat = np.array(self.network.parameters), np.array(self.network.buffers)
        if self._state is None:
            self._beginning = np.array(flat[0]), np.array(flat[1])
            return TrainingState(*flat, *self._step_programs().first_state())
        before = self._state
        return TrainingState(
            *flat,
            before.optimizer_state,
            before.scalars,
            update=before.update,
            draw=before.draw,
            epoch=before.epoch,
            seconds=before.seconds,
            memory=dict(before.memory),
            history=list(before.history),
        )

    def _backend_of_steps(self, rows: Rows) -> str:
        """Return "compiled" or "interpreter": their numbers agree closely, but not in every bit."""
        batch = self._rows_of_batch(len(rows))
        stepper = self._stepper(rows, self.seed)
        if isinstance(stepper, ShardedStepper):
            return "compiled" if stepper.is_compiled(batch) else "interpreter"
        programs, weighted = self._step_programs(), rows.weights is not None
        program = (
            programs.step(batch, weighted=weighted)
            if self.accumulate == 1
            else programs.accumulate(batch, weighted=weighted)
        )
        return "interpreter" if program.compiled(self.threads) is None else "compiled"

    def _stepper(self, rows: Rows, seed: int, ranks: Ranks = ALONE) -> Stepper:
        """Return what takes steps: with others on their shards of each batch, or alone on all."""
        programs, shards = self._step_programs(), self.shards or 1
        if shards == 1:
            return Stepper(programs, rows, seed, self.threads)
        return ShardedStepper(programs, rows, seed, self.threads, shards, ranks)

    def _ranks(self) -> Ranks:
        """Return the processes that train together: all that were started so, unless it says 1."""
        return ALONE if self.shards == 1 else world()

    def _settle_shards(self, ranks: Ranks, left: RunFolder | None) -> None:
        """Find out into how many shards batches are cut, where nobody said it.

        `left`: the folder of a run to go on with, whose batches were cut already.
        """
        if self.shards is None:
            before = None if left is None else left.fact("shards")
            self.shards = settled_shards(ranks, before)
        if self.shards < ranks.size:
            raise ArgumentError(
                "shards of a Trainer",
                needed=f"as many as there are ranks, {ranks.size}, or more",
                got=str(self.shards),
                try_="fewer ranks; the number of shards is part of a run's settings",
            )

    def _facts(self, rows: Rows) -> dict[str, Any]:
        return {
            "network": repr(self._module),
            "input_shape": list(self.network.input_shape),
            "parameters": self.network.parameter_count,
            "dtype": self.dtype,
            "loss": repr(self.loss),
            "optimizer": repr(self.optimizer),
            "schedule": repr(self.schedule),
            "clipping": [repr(clipping) for clipping in self.clipping],
            "regularizers": [repr(regularizer) for regularizer in self.regularizers],
            "batch_size": self.batch_size,
            "accumulate": self.accumulate,
            "repeats_per_epoch": self.repeats_per_epoch,
            "seed": self.seed,
            "mixup": self.mixup,
            "backend": self._backend_of_steps(rows),
            "rows": len(rows),
            "data": rows_digest(rows),
            "shuffle": self.shuffle,
            "frozen": list(self.network.frozen),
            "shards": self.shards or 1,
            "precision": self.precision,
        }


# Settings that are part of the programs of training.
_OF_PROGRAMS = ("loss", "clipping", "regularizers", "compiling", "mixup", "precision")


def _checked_callbacks(
    callbacks: Iterable[Callback], early_stopping: EarlyStopping | int | None
) -> list[Callback]:
    checked = list(callbacks)
    for callback in checked:
        _check_class("callbacks", callback, Callback, "objects of kind ms.Callback")
    if isinstance(early_stopping, EarlyStopping):
        checked.append(early_stopping)
    elif early_stopping is not None and early_stopping is not False:
        checked.append(EarlyStopping(early_stopping))
    return checked


def _check_class(name: str, argument: Any, cls: Any, needed: str) -> None:
    if not isinstance(argument, cls):
        raise ArgumentError(f"{name} of a Trainer", needed=needed, got=repr(argument))


def _check_count(name: str, argument: Any, needed: str) -> None:
    whole = isinstance(argument, int | np.integer) and not isinstance(argument, bool)
    if not whole or argument < 1:
        raise ArgumentError(name, needed=needed, got=repr(argument))


def _several(name: str, argument: Any, cls: Any, example: str) -> tuple[Any, ...]:
    pieces = (argument,) if isinstance(argument, cls) else tuple(argument or ())
    for piece in pieces:
        _check_class(name, piece, cls, f"pieces such as {example}")
    return pieces
