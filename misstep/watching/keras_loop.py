"""A callback that watches a model of Keras 3 learn, and writes its record.

With Keras's PyTorch backend it sees layers, gradients and single batches, as they are computed; on
others, where a step is one compiled whole, it sees losses, epochs and the model. It changes nothing
that the model learns by. Imports Keras when it is used.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from misstep.doctor import Diagnosis
from misstep.errors import ArgumentError
from misstep.record import (
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    Record,
    Role,
    RunDescription,
    Task,
)
from misstep.watching.arrays import copied
from misstep.watching.keras_kinds import clipping_of, loss_description, score_name
from misstep.watching.keras_layers import (
    Place,
    describe_layers,
    penalties,
    places,
    unit_axes,
    weight_names,
)
from misstep.watching.ledger import Ledger
from misstep.watching.looks import Flat, Look
from misstep.watching.pending_losses import PendingLosses
from misstep.watching.scores import Scores
from misstep.watching.seen_rows import SeenRows
from misstep.watching.torch_layers import first_tensor, parameter_description
from misstep.watching.windows import ROWS_OF_PART, Windows

# Weights that are kept as they were first, to tell which ones never move.
MOST_FIRST_NUMBERS = 20_000_000
# Updates from one look at the learning rate to the next; callbacks move it between epochs.
RATE_EVERY = 10
# Rows whose predictions are kept, as a look takes them.
LAST_ROWS = 128
# From this share of an answer that the answer before tells, rows come in an order nobody drew.
ORDERED = 0.5


class KerasWatcher:
    """What the callback does, apart from Keras's class for callbacks."""

    def __init__(self, folder: Path | str | None, every: int | None) -> None:
        self._folder = folder
        self._windows = Windows(every)
        self._ledger: Ledger | None = None
        self._undo: list[tuple[Any, str]] = []

    @property
    def ledger(self) -> Ledger:
        """Return the record's writer. Raises ArgumentError before training began."""
        if self._ledger is None:
            raise ArgumentError(
                "a watch that has not begun",
                needed="model.fit(..., callbacks=[watch])",
                got="no training yet",
            )
        return self._ledger

    # --- the beginning and the end ----------------------------------------------------------------

    def begin(self, model: Any, parameters: Mapping[str, Any]) -> None:
        """Begin to watch `model`; `parameters`: of its fit."""
        import keras

        self._put_back()  # what a training left that was broken off
        self._model = model
        self._planned = int(parameters.get("epochs") or 1)
        self._updates_planned = parameters.get("steps")
        self._batch_planned = parameters.get("batch_size") or ROWS_OF_PART
        self._backend = str(keras.backend.backend())
        facts = {"framework": "keras", "version": keras.__version__, "backend": self._backend}
        self._ledger = Ledger(self._folder, facts)
        self._seen, self._scores, self._judged = SeenRows(), Scores(), Scores()
        with warnings.catch_warnings():
            # Keras itself asks arrays in a way that NumPy says will end.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._configuration: dict[str, Any] = model.optimizer.get_config()
        self._loss: LossDescription = loss_description(getattr(model, "loss", None))
        self._losses: list[Any] = []
        self._first_numbers: dict[str, ParameterDescription] = {}
        self._flat: Flat | None = None
        self._first: Any = None
        self._look: Look | None = None
        self._places: list[Place] = []
        self._pending = PendingLosses()
        self._known_rate: float | None = None
        self._first_epoch = True
        self._rows = self._rows_of_epoch = self._rows_of_look = self._batch = 0
        self._update = 0
        self._clipped: list[bool] = []
        self._mean_before = (0.0, 0)
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        if self._eager:
            self._stand_before(model, "compute_loss", self._computing_loss)
            self._stand_before(model.optimizer, "apply", self._applying)
        if model.built:
            self._take_first_numbers()

    @property
    def _eager(self) -> bool:
        """Tell whether what is computed can be looked at as it is computed."""
        return self._backend == "torch"

    def end(self, error: type[BaseException] | None = None) -> None:
        """End watching; write why it ended."""
        if self._ledger is None:
            return
        self._end_look()
        self._put_back()
        self._pending.settle(self.ledger)
        if self._update:
            found = self._unmoved() | self._scores.measures(self._loss)
            if self._flat is not None:
                with np.errstate(all="ignore"):
                    for name, norm in self._flat.norms(self._flat.weights()).items():
                        found["weight_norm", name] = norm
            self.ledger.measures(self._update, found)
        self._describe()
        self.ledger.close(error)

    def _put_back(self) -> None:
        """Let what was stood before be itself again."""
        for owner, name in self._undo:
            owner.__dict__.pop(name, None)
        self._undo = []

    def _stand_before(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Let the object itself have a function that calls the one of its class."""
        owner.__dict__[name] = make(getattr(owner, name))
        self._undo.append((owner, name))

    def _take_first_numbers(self) -> None:
        model = self._model
        learning = {id(weight) for weight in model.trainable_variables}
        names = weight_names(model)
        for weight in model.weights:
            name, learns = names[id(weight)], id(weight) in learning
            if "seed_generator" in weight.path:
                continue
            described = (
                parameter_description(name, weight.value, learns)
                if self._backend == "torch"
                else _plain_description(name, weight, learns)
            )
            self._first_numbers[name] = _turned(described)
        if self._eager:
            trained = {names[id(one)]: one.value for one in model.trainable_variables}
            self._flat = Flat(trained)
            if self._flat.size <= MOST_FIRST_NUMBERS:
                self._first = self._flat.weights()
            self._places = [place for place in places(model) if not place.has_layers]
            self._axes = unit_axes(model)
            self._windows.learn_size(int(self._batch_planned), whole=self._updates_planned == 1)
            self._begin_look()

    # --- batches ----------------------------------------------------------------------------------

    def batch_ends(self, number: int, logs: Mapping[str, Any]) -> None:
        """Take in an update of a backend that shows no more. `number`: of the batch, from 0."""
        self._updated(self._mean_step(number, logs))

    def _updated(self, loss: Any) -> None:
        """Take in an update that is done; `loss`: as `PendingLosses` takes it."""
        many = self._pending.add(loss, self._rate())
        if self._look is not None:
            self._look.after_update()
            self._rows_of_look += self._rows
        if not self._batch:
            self._batch = self._rows
        self._update += 1
        self._rows_of_epoch += self._rows
        if self._look is not None and not self._windows.looks_on(self._update):
            self._end_look()
        if self._look is None:
            self._begin_look()
        if self._update == 1:
            self._pending.settle(self.ledger)
            self._describe()
        elif many:
            self._pending.settle(self.ledger)

    def _rate(self) -> float:
        """Return the learning rate as it was now and then: asking Keras for it takes a while."""
        if self._known_rate is None or self._update % RATE_EVERY == 0:
            self._known_rate = _rate(self._model.optimizer)
        return self._known_rate

    def _mean_step(self, number: int, logs: Mapping[str, Any]) -> float:
        """Return the loss of one batch from the means of the batches so far, as Keras logs them."""
        mean = float(logs.get("loss", math.nan))
        before, count = self._mean_before if number else (0.0, 0)
        self._mean_before = mean, count + 1
        return mean * (count + 1) - before * count

    def _computing_loss(self, original: Any) -> Any:
        def compute_loss(
            x: Any = None,
            y: Any = None,
            y_pred: Any = None,
            sample_weight: Any = None,
            *arguments: Any,
            **options: Any,
        ) -> Any:
            result = original(x, y, y_pred, sample_weight, *arguments, **options)
            self._take_batch(first_tensor(x), first_tensor(y), first_tensor(y_pred), result)
            return result

        return compute_loss

    def _take_batch(self, x: Any, y: Any, prediction: Any, loss: Any) -> None:
        if prediction is None:
            return
        rows = int(prediction.shape[0])
        if not loss.requires_grad:
            if self._update and y is not None:
                self._judged.judge(copied(prediction), copied(y), float(loss.detach()))
            return
        self._losses.append(loss.detach())
        self._rows += rows
        if not self._shapes[1]:
            given = () if x is None else tuple(x.shape[1:])
            self._shapes = given, tuple(prediction.shape[1:])
        if self._first_epoch:
            if self._seen.full:
                self._seen.add(None, None, rows)
            else:
                kept = None if x is None else copied(x)
                self._seen.add(kept, None if y is None else copied(y), rows)
        if y is not None:
            self._scores.keep(prediction.detach(), y, LAST_ROWS)

    # --- looks ------------------------------------------------------------------------------------

    def _begin_look(self) -> None:
        if self._flat is None or not self._windows.looks(self._update):
            return
        self._rows_of_look = 0
        self._look = Look(self._flat, self._windows.updates_of_part, self._axes)
        for place in self._places:
            place.layer.__dict__["call"] = self._calling(place, place.layer.call)

    def _calling(self, place: Place, original: Any) -> Any:
        path, kind = place.seen_as

        def call(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            output = first_tensor(result)
            if self._look is not None and output is not None and output.requires_grad:
                self._look.add(path, kind, output)
            return result

        return call

    def _applying(self, original: Any) -> Any:
        def apply(gradients: Any, trainable_variables: Any = None) -> Any:
            if self._look is not None:
                self._look.before_update()
                self._note_clipping(gradients)
            result = original(gradients, trainable_variables)
            losses, self._losses = self._losses, []
            if losses:
                self._updated(losses)
                self._rows = 0
            return result

        return apply

    def _note_clipping(self, gradients: Any) -> None:
        limits = self._configuration
        known = [copied(one).reshape(-1) for one in gradients if one is not None]
        if limits.get("global_clipnorm"):
            total = math.sqrt(sum(float(np.dot(one, one)) for one in known))
            self._clipped.append(total > limits["global_clipnorm"])
        elif limits.get("clipnorm"):
            norms = [math.sqrt(float(np.dot(one, one))) for one in known]
            self._clipped.append(any(norm > limits["clipnorm"] for norm in norms))
        elif limits.get("clipvalue"):
            largest = max((float(np.abs(one).max()) for one in known if one.size), default=0.0)
            self._clipped.append(largest > limits["clipvalue"])

    def _end_look(self) -> None:
        look, self._look = self._look, None
        if look is None:
            return
        for place in self._places:
            place.layer.__dict__.pop("call", None)
        if self._rows_of_look:
            found = look.measures(self._batch * look.updates_of_part, ROWS_OF_PART)
            found |= self._unmoved() | self._scores.measures(self._loss)
            self.ledger.measures(self._windows.begin, found)

    def _unmoved(self) -> dict[tuple[str, str], float]:
        if self._flat is None or self._first is None:
            return {}
        shares = self._flat.shares(self._flat.weights() == self._first)
        return {("unmoved_share", name): share for name, share in shares.items()}

    # --- epochs -----------------------------------------------------------------------------------

    def epoch_ends(self, logs: Mapping[str, Any]) -> None:
        """Take in an epoch and what Keras says of it."""
        values: dict[str, float] = {}
        for name, value in logs.items():
            signal = score_name(str(name))
            if signal is not None:
                values[signal] = float(value)
        self._pending.settle(self.ledger)
        judged = self._judged.result(self._loss)
        recall = self._judged.recall(self._loss)
        self._judged = Scores()
        if self._clipped:
            values["clipped_share"] = sum(self._clipped) / len(self._clipped)
            self._clipped = []
        # Keras's own means are over all rows; what it does not name is worked out here.
        score = {name: value for name, value in judged.items() if name != "validation_loss"}
        self.ledger.epoch(score | values, self._rows_of_epoch)
        if recall:
            self.ledger.measures(self._update, recall)
        self._rows_of_epoch = 0
        self._known_rate = None
        if self._first_epoch:
            self._first_epoch = False
            self._describe()

    # --- what it is -------------------------------------------------------------------------------

    def _describe(self) -> None:
        model = self._model
        if not model.built or not self._update:
            return
        given, output = self._shapes
        if not output:
            output = tuple(one or 0 for one in (getattr(model, "output_shape", None) or ())[1:])
            given = tuple(one or 0 for one in (getattr(model, "input_shape", None) or ())[1:])
        classes = output[-1] if output and self._loss.task is Task.CLASSES else 0
        answers = self._seen.answers(self._loss, classes)
        layers = describe_layers(model, self._first_numbers)
        first = next((layer for layer in layers if layer.role is not Role.CONTAINER), None)
        looked_up = first is not None and first.role is Role.EMBEDDING
        inputs = self._seen.inputs(numbers=not looked_up)
        losses = self.ledger.record.steps["loss"]
        self.ledger.describe(
            RunDescription(
                layers=layers,
                loss=self._loss,
                optimizer=self._optimizer(),
                input_shape=given,
                output_shape=output,
                clipping=clipping_of(self._configuration),
                penalties=penalties(model),
                batch_size=max(self._batch, 1),
                updates_per_epoch=int(self._updates_planned or max(self.ledger.updates, 1)),
                epochs=self._planned,
                shuffled=(answers.order_share if answers else 0.0) < ORDERED,
                inputs=inputs,
                answers=answers,
                start_loss=float(losses[0]) if len(losses) else None,
                framework="keras",
            )
        )

    def _optimizer(self) -> OptimizerDescription:
        optimizer = self._model.optimizer
        settings = {
            name: value
            for name, value in self._configuration.items()
            if isinstance(value, bool | int | float | str) and name not in ("name", "learning_rate")
        }
        rates = self.ledger.record.steps["learning_rate"]
        rate = float(rates[0]) if len(rates) else _rate(optimizer)
        return OptimizerDescription(type(optimizer).__name__, rate, settings)

    # --- for people -------------------------------------------------------------------------------

    def diagnose(self) -> Diagnosis:
        """Return what goes wrong, as far as it can be seen by now."""
        if self._ledger is not None:
            self._pending.settle(self._ledger)
        return self.ledger.diagnose()

    @property
    def record(self) -> Record:
        """Return all that is written so far."""
        return self.ledger.record


def _rate(optimizer: Any) -> float:
    rate = optimizer.learning_rate
    rate = getattr(rate, "value", rate)
    number = np.asarray(copied(rate) if hasattr(rate, "detach") else rate)
    # As a person wrote it: 0.01, not the nearest number of 32 bits.
    return float(str(number[()])) if number.dtype == np.float32 else float(number)


def _plain_description(name: str, weight: Any, learns: bool) -> ParameterDescription:
    numbers = np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight.value, "float64")
    shape = tuple(int(length) for length in numbers.shape)
    return ParameterDescription(
        name,
        shape,
        learns=learns,
        mean=float(numbers.mean()) if numbers.size else 0.0,
        deviation=float(numbers.std()) if numbers.size else 0.0,
        smallest=float(numbers.min()) if numbers.size else 0.0,
        largest=float(numbers.max()) if numbers.size else 0.0,
        is_bias=len(shape) < 2,
    )


def _turned(described: ParameterDescription) -> ParameterDescription:
    """Return a weight with the fans that Keras's shapes mean: (…, inputs, outputs)."""
    shape = described.shape
    if len(shape) < 2:
        return described
    places_ = math.prod(shape[:-2])
    return replace(described, fan_in=shape[-2] * places_, fan_out=shape[-1] * places_)


@cache
def _callback_class(eager: bool) -> type[Any]:
    """Return the class of callbacks; of an eager backend it need not be told of each batch.

    Keras works out all metrics for a callback that is.
    """
    import keras

    class MisstepWatch(keras.callbacks.Callback):
        """Watches a training; `diagnose()` says what goes wrong in it, `record` what was seen."""

        def __init__(self, watcher: KerasWatcher) -> None:
            super().__init__()
            self._watcher = watcher

        @property
        def record(self) -> Record:
            return self._watcher.record

        def diagnose(self) -> Diagnosis:
            return self._watcher.diagnose()

        def on_train_begin(self, logs: Any = None) -> None:
            self._watcher.begin(self.model, self.params or {})

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._watcher.epoch_ends(logs or {})

        def on_train_end(self, logs: Any = None) -> None:
            self._watcher.end()

    class BatchWatch(MisstepWatch):
        """Watches single batches by what Keras says of them."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._watcher.batch_ends(batch, logs or {})

    return MisstepWatch if eager else BatchWatch


def make_callback(folder: Path | str | None, every: int | None) -> Any:
    """Return a callback of Keras that watches into `folder`."""
    import keras

    eager = keras.backend.backend() == "torch"
    return _callback_class(eager)(KerasWatcher(folder, every))
