"""`TorchWatch`: watches a training loop in PyTorch and writes its record.

Reads what passes by: the model's inputs and outputs, the loss, gradients before an update and
weights behind it. It computes nothing that the loop depends on, draws no random number and changes
no gradient, so the loop comes to the same bits. Imports torch when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from misstep.doctor import Diagnosis
from misstep.errors import ArgumentError
from misstep.record import (
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    PartDescription,
    Record,
    Role,
    RunDescription,
    Task,
)
from misstep.watching.arrays import copied
from misstep.watching.ledger import Ledger
from misstep.watching.listener import Listener
from misstep.watching.looks import Flat
from misstep.watching.pending_losses import PendingLosses
from misstep.watching.scores import Scores
from misstep.watching.seen_rows import SeenRows
from misstep.watching.torch_epochs import Epochs
from misstep.watching.torch_kinds import loss_description
from misstep.watching.torch_layers import (
    Call,
    Passage,
    describe_layers,
    first_tensor,
    is_leaf,
    kind_of,
    parameter_description,
    passage_of,
)
from misstep.watching.torch_looks import TorchLook
from misstep.watching.torch_patches import Patches
from misstep.watching.windows import ROWS_OF_PART, Windows

# Weights that are kept as they were first, to tell which ones never move.
MOST_FIRST_NUMBERS = 20_000_000
# Rows whose predictions are kept, as a look takes them.
LAST_ROWS = 128
# Above this share of what the answer before says, rows come sorted, and the last ones show little.
SORTED = 0.5


class TorchWatch:
    """Watches a loop: `with misstep.watch(model, optimizer, folder="runs/mine") as watch: …`.

    `record`: what was seen so far. Outside of `with` nothing is watched.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        *,
        folder: Path | str | None = None,
        loss: Any = None,
        epochs: int | None = None,
        every: int | None = None,
    ) -> None:
        self._model = model
        self._optimizer = optimizer
        self._folder = folder
        self._loss = loss
        self._planned = epochs
        self._windows = Windows(every)
        self._parameters = dict(model.named_parameters())
        self._ledger: Ledger | None = None
        self._handles: list[Any] = []
        self._patches = Patches(self._loss_called, self._went_back, self._clipped_to)
        self._scores = Scores()
        self._judged = Scores()
        self._seen = SeenRows()
        self._epochs = Epochs()
        self._described: LossDescription | None = None
        self._options: Mapping[str, Any] = {}
        self._passage: Passage | None = None
        self._calls: list[Call] = []
        self._look: TorchLook | None = None
        self._look_rows = 0
        self._update = 0
        self._rows = 0
        self._passes = 0
        self._batch: tuple[int, int] | None = None  # rows of a batch, batches of an update
        self._updates_of_epoch = 0
        self._rows_of_epoch = 0
        self._first_epoch = True
        self._input: Any = None
        self._output: Any = None
        self._detached: Any = None  # the same apart from the graph, where that was asked for
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self._losses: list[Any] = []  # of the update going on: tensors
        self._back: list[Any] = []
        self._told: float | None = None
        self._pending = PendingLosses()
        self._clipping: dict[str, PartDescription] = {}
        self._clips = 0

    # --- for people -----------------------------------------------------------------------------

    def step(self, loss: Any = None, *, targets: Any = None) -> None:
        """Tell the loss of the update going on, where no loss function of torch computes it.

        Call it before or after `optimizer.step()`, once for each. `targets`: (rows, …), the answers
        of the batch, for a loss that was told by name.
        """
        number = None if loss is None else float(loss.detach() if hasattr(loss, "detach") else loss)
        if targets is not None and self._output is not None:
            self._take_targets(self._output, targets)
        if number is None:
            return
        # Told behind `optimizer.step()`, it is the loss of the update just done.
        if self._passes or not self._pending.correct(number):
            self._told = number

    def epoch(self, **values: float) -> None:
        """Tell that an epoch is over, and what is known of it.

        `values`: training_loss, validation_loss, validation_accuracy, validation_rmse. Without it
        epochs are told by the DataLoader that begins anew.
        """
        self._epochs.told = True
        self._close_epoch({name: float(value) for name, value in values.items()})

    def diagnose(self) -> Diagnosis:
        """Return what goes wrong, as far as it can be seen by now."""
        self._settle_losses()
        return self.ledger.diagnose()

    @property
    def record(self) -> Record:
        """Return all that is known so far."""
        self._settle_losses()
        return self.ledger.record

    @property
    def ledger(self) -> Ledger:
        """Return the record's writer. Raises ArgumentError before watching began."""
        if self._ledger is None:
            raise ArgumentError(
                "a watch that has not begun",
                needed="a with statement",
                got="none yet",
                try_="with misstep.watch(model, optimizer) as watch: …",
            )
        return self._ledger

    def __enter__(self) -> TorchWatch:
        import torch

        self._ledger = Ledger(self._folder, {"framework": "torch", "version": torch.__version__})
        ours = {id(one) for group in self._optimizer.param_groups for one in group["params"]}
        self._first_numbers: dict[str, ParameterDescription] = {
            name: parameter_description(name, one, one.requires_grad and id(one) in ours)
            for name, one in self._parameters.items()
        }
        self._flat = Flat(self._parameters)
        self._first = self._flat.weights() if self._flat.size <= MOST_FIRST_NUMBERS else None
        # First these: the whole model is a call as well.
        self._watch_first_pass()
        self._handles = [
            self._model.register_forward_hook(Listener(self._passed)),
            self._optimizer.register_step_post_hook(Listener(self._after_update)),
        ]
        if hasattr(self._loss, "register_forward_hook"):
            self._handles.append(self._loss.register_forward_hook(self._own_loss))
        self._patches.begin(self._epochs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._patches.end()
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._forget_first_pass()
        self._end_look()
        self._settle_losses()
        if not self._epochs.told and self._epochs.known and self._updates_of_epoch:
            self._close_epoch({})
            self._settle_losses()
        self._last_look()
        self._describe()
        self.ledger.close(kind)

    # --- a pass through the model ---------------------------------------------------------------

    def _watch_first_pass(self) -> None:
        """Note which modules a row passes, once."""
        from torch._C._autograd import _get_sequence_nr

        open_calls: list[Call] = []
        counts: dict[str, int] = {}

        def entering(path: str) -> Callable[..., None]:
            def note(module: Any, arguments: Any) -> None:
                if not self._model.training:
                    return
                number = counts[path] = counts.get(path, 0) + 1
                name = path if number == 1 else f"{path}_{number}"
                given = first_tensor(arguments)
                shape = () if given is None else tuple(given.shape[1:])
                call = Call(name, path, module, is_leaf(module), _get_sequence_nr())
                call.input_shape = shape
                call.source = getattr(given, "grad_fn", None)
                call.given = None if given is None else given.detach()
                open_calls.append(call)

            return note

        def leaving(module: Any, arguments: Any, result: Any) -> None:
            if not open_calls or open_calls[-1].module is not module:
                return
            call = open_calls.pop()
            output = first_tensor(result)
            call.last = _get_sequence_nr()
            call.output_shape = () if output is None else tuple(output.shape[1:])
            call.result = None if output is None else output.detach()
            self._calls.append(call)

        self._first_pass = []
        for path, module in self._model.named_modules():
            self._first_pass.append(module.register_forward_pre_hook(Listener(entering(path))))
            self._first_pass.append(module.register_forward_hook(Listener(leaving)))

    def _forget_first_pass(self) -> None:
        for handle in self._first_pass:
            handle.remove()
        self._first_pass = []

    def _begin_look(self) -> TorchLook | None:
        """Begin a window, if the next update is in one."""
        if self._passage is None or not self._windows.looks(self._update):
            return None
        self._look_rows = 0
        self._look = TorchLook(
            self._model, self._optimizer, self._passage, self._flat, self._windows.updates_of_part
        )
        return self._look

    def _passed(self, module: Any, arguments: Any, result: Any) -> None:
        self._output = output = first_tensor(result)
        self._input = first_tensor(arguments)
        if not module.training or output is None or not output.requires_grad:
            return
        rows = output.size(0) if output.ndim else 1
        self._passes += 1
        self._rows += rows
        if self._passage is None:
            self._passage = passage_of(self._calls, output)
            self._forget_first_pass()
            self._windows.learn_size(rows, whole=False)
            look = self._begin_look()
            for call in self._passage.calls:
                if look is not None and call.leaf:
                    look.call(call.name, kind_of(call.module), call.given, call.result)
                call.source = call.given = call.result = None
            given = self._input
            self._shapes = (
                () if given is None else tuple(given.shape[1:]),
                tuple(output.shape[1:]),
            )
        self._epochs.batch(self._input, self._new_epoch)

    # --- its loss -------------------------------------------------------------------------------

    def _own_loss(self, module: Any, arguments: Any, result: Any) -> None:
        """Take in what the loss that was given computed, where torch's functions do not tell."""
        if self._described is None and len(arguments) >= 2:
            self._take_loss(first_tensor(arguments[0]), first_tensor(arguments[1]), result)

    def _loss_called(
        self, name: str, prediction: Any, target: Any, result: Any, options: Mapping[str, Any]
    ) -> None:
        if self._described is None:
            self._described = loss_description(name, options)
        self._take_loss(prediction, target, result)

    def _take_loss(self, prediction: Any, target: Any, result: Any) -> None:
        number = result if hasattr(type(result), "backward") and not result.ndim else None
        if number is not None and number.requires_grad and self._model.training:
            self._losses.append(number.detach())
            if prediction is not None and target is not None:
                self._take_targets(prediction, target)
        elif self._update and prediction is not None and not prediction.requires_grad:
            self._take_judged(prediction, target, number)

    def _take_targets(self, prediction: Any, target: Any) -> None:
        if self._first_epoch:
            rows = len(target) if target.ndim else 1
            if self._seen.full:
                self._seen.add(None, None, rows)
            else:
                x = None if self._input is None else copied(self._input)
                self._seen.add(x, copied(target), rows)
        plain = prediction.detach()
        self._scores.keep(plain, target, LAST_ROWS)
        if prediction is self._output:
            self._detached = plain

    def _take_judged(self, prediction: Any, target: Any, result: Any) -> None:
        """Take in a batch that is not learned from, where its rows were not learned from either."""
        x = self._input
        if x is None or target is None or x.shape[:1] != target.shape[:1]:
            return
        if self._judged.is_new and self._seen.share_among(copied(x)) > 0.5:
            return
        loss = None if result is None else float(result)
        self._judged.judge(copied(prediction), copied(target), loss)

    def _went_back(self, tensor: Any) -> None:
        self._back.append(tensor)

    def _clipped_to(self, kind: str, limit: float, norm: Any) -> None:
        self._clipping.setdefault(kind, PartDescription(kind, {"limit": limit}))
        if norm is not None and float(norm) > limit:
            self._clips += 1

    def _loss_of_update(self) -> Any:
        """Return the loss of the update going on: a number, or tensors whose mean it is."""
        if self._told is not None:
            return self._told
        if self._losses and len(self._losses) == max(len(self._back), 1):
            return self._losses
        if self._back:
            # Parts of a loss that was divided for several batches add up to it.
            return [sum(one.detach() for one in self._back)]
        return self._losses or None

    # --- an update ------------------------------------------------------------------------------

    def _after_update(self, optimizer: Any, arguments: Any, options: Any) -> None:
        if not self._passes:  # as of another model that shares the optimizer
            return
        rate = float(optimizer.param_groups[0]["lr"])
        many = self._pending.add(self._loss_of_update(), rate)
        if self._look is not None:
            self._look.after_update()
            self._look_rows += self._rows
        first = self._batch is None
        if first:
            self._batch = max(self._rows // self._passes, 1), self._passes
        elif self._update == 1:
            self._windows.learn_size(self._rows, whole=self._epochs.each_update)
        self._update += 1
        self._updates_of_epoch += 1
        self._rows_of_epoch += self._rows
        self._passes, self._rows, self._told = 0, 0, None
        self._losses, self._back = [], []
        # What was computed on the way to it must not stay alive for this.
        if self._output is not None:
            plain, self._detached = self._detached, None
            self._output = self._output.detach() if plain is None else plain
        if self._look is not None and not self._windows.looks_on(self._update):
            self._end_look()
        if self._look is None and self._update >= self._windows.next:
            self._begin_look()
        if first:
            self._settle_losses()
            self._describe()
        elif many:
            self._settle_losses()

    def _settle_losses(self) -> None:
        self._pending.settle(self.ledger)

    # --- epochs ---------------------------------------------------------------------------------

    def _new_epoch(self) -> None:
        """End the epoch before, since the rows begin anew."""
        if not self._epochs.told and self._updates_of_epoch:
            self._close_epoch({})

    def _close_epoch(self, values: dict[str, float]) -> None:
        if not (self._first_epoch or values or self._clipping) and self._judged.is_new:
            # Of short epochs some are written together.
            self._pending.end_epoch(self._rows_of_epoch)
            self._updates_of_epoch = self._rows_of_epoch = 0
            return
        self._settle_losses()
        judged = self._judged.result(self._described)
        recall = self._judged.recall(self._described)
        self._judged = Scores()
        if self._clipping:
            values["clipped_share"] = self._clips / max(self._updates_of_epoch, 1)
        self._clips = 0
        self.ledger.epoch(judged | values, self._rows_of_epoch)
        if recall:
            self.ledger.measures(self._update, recall)
        whole = self._updates_of_epoch
        self._updates_of_epoch = self._rows_of_epoch = 0
        if self._first_epoch:
            self._first_epoch = False
            self._whole_epoch = whole
            self._describe()

    # --- what is written ------------------------------------------------------------------------

    def _end_look(self) -> None:
        look, self._look = self._look, None
        if look is None:
            return
        look.close()
        if not self._look_rows or self._batch is None:
            return
        rows = self._batch[0] * self._batch[1] * look.updates_of_part
        found = look.measures(rows, ROWS_OF_PART)
        found |= self._unmoved() | self._of_rows()
        self.ledger.measures(self._windows.begin, found)

    def _last_look(self) -> None:
        """Write what can still be seen when the loop is over: weights, and the last predictions."""
        if not self._update:
            return
        found = self._unmoved() | self._of_rows()
        with np.errstate(all="ignore"):
            for name, norm in self._flat.norms(self._flat.weights()).items():
                found["weight_norm", name] = norm
        self.ledger.measures(self._update, found)

    def _unmoved(self) -> dict[tuple[str, str], float]:
        if self._first is None:
            return {}
        shares = self._flat.shares(self._flat.weights() == self._first)
        return {("unmoved_share", name): share for name, share in shares.items()}

    def _of_rows(self) -> dict[tuple[str, str], float]:
        """Return what the last rows that were learned from came to."""
        return self._scores.measures(self._described)

    def _describe(self) -> None:
        if self._batch is None or self._passage is None:
            return
        loss = self._loss_description()
        rows, together = self._batch
        seen = self._seen
        output = self._shapes[1]
        classes = output[0] if output and loss.task is Task.CLASSES else 0
        answers = seen.answers(loss, classes)
        updates = getattr(self, "_whole_epoch", None) or self._updates_of_epoch or 1
        losses = self.ledger.record.steps["loss"]
        description = RunDescription(
            layers=describe_layers(self._model, self._passage, self._first_numbers),
            loss=loss,
            optimizer=self._optimizer_description(),
            input_shape=self._shapes[0],
            output_shape=output,
            clipping=tuple(self._clipping.values()),
            batch_size=rows,
            accumulate=together,
            updates_per_epoch=updates,
            epochs=self._planned or max(self.ledger.epochs, 1),
            shuffled=self._epochs.shuffled(answers.order_share if answers else 0.0),
            inputs=seen.inputs(),
            answers=answers,
            start_loss=float(losses[0]) if len(losses) else None,
            affine=self._passage.affine,
            framework="torch",
        )
        positions = next(
            (layer for layer in description.layers if layer.role is not Role.CONTAINER), None
        )
        if positions is not None and positions.role is Role.EMBEDDING and description.inputs:
            description = replace(description, inputs=replace(description.inputs, kind="positions"))
        self.ledger.describe(description)

    def _loss_description(self) -> LossDescription:
        """Return what the loss is: as seen, as told, or of no known kind."""
        if self._described is not None:
            return self._described
        told = self._loss if isinstance(self._loss, str) else type(self._loss).__name__
        named = getattr(self._loss, "__name__", told)
        known = loss_description(str(named), {})
        if known is not None:
            return known
        kind = "unknown" if self._loss is None else str(named)
        return LossDescription(kind, Task.NUMBERS)

    def _optimizer_description(self) -> OptimizerDescription:
        group = self._optimizer.param_groups[0]
        settings: dict[str, Any] = {}
        for name, value in group.items():
            if isinstance(value, bool | int | float | str) and name not in ("lr", "initial_lr"):
                settings[name] = value
            elif isinstance(value, tuple) and name == "betas":
                settings[name] = [float(one) for one in value]
        rate = float(group.get("initial_lr", self._first_rate()))
        return OptimizerDescription(type(self._optimizer).__name__, rate, settings)

    def _first_rate(self) -> float:
        rates = self.ledger.record.steps["learning_rate"]
        first = rates[0] if len(rates) else self._optimizer.param_groups[0]["lr"]
        return float(first)
