"""`watch`: the way in. Checks what is given before anything is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError
from misstep.watching.keras_loop import make_callback
from misstep.watching.torch_loop import TorchWatch


def watch(
    model: Any,
    optimizer: Any,
    *,
    folder: Path | str | None = None,
    loss: Any = None,
    epochs: int | None = None,
    every: int | None = None,
) -> TorchWatch:
    """Watch a training loop in PyTorch, and write down what `misstep diagnose` needs to know.

    A context around the loop: `with misstep.watch(model, optimizer, folder="runs/mine") as watch:`.
    The loop stays as it is and comes to the same weights, bit for bit; losses of torch, epochs of a
    DataLoader, batches judged in evaluation mode and clipping are recognized. `folder`: where the
    record is written; None: in memory alone, for `watch.diagnose()`. `loss`: the loss, where it is
    none of torch's: an object, or a name such as "mse" or "cross_entropy" that says what answers
    are; `watch.step(loss, targets=y)` then tells it. `epochs`: planned in all. `every`: updates
    between two looks into the layers (None: so many that looking costs some percent; 0: none).

    Raises ArgumentError for what is no model and no optimizer of torch, StorageError for a folder
    that holds something else.

    >>> import misstep as ms
    >>> def train(model, optimizer, loss, batches):
    ...     with ms.watch(model, optimizer, folder="runs/theirs") as watch:
    ...         for x, y in batches:
    ...             optimizer.zero_grad()
    ...             loss(model(x), y).backward()
    ...             optimizer.step()
    ...     return watch.diagnose()
    """
    if not callable(getattr(model, "named_modules", None)):
        raise ArgumentError(
            "the model to watch",
            needed="a torch.nn.Module",
            got=type(model).__name__,
            try_="misstep.keras_watch(...) as a callback for a model of Keras; what this library "
            "trains is watched anyhow",
        )
    if not callable(getattr(optimizer, "register_step_post_hook", None)):
        raise ArgumentError(
            "the optimizer to watch",
            needed="a torch.optim.Optimizer",
            got=type(optimizer).__name__,
            try_="misstep.watch(model, optimizer)",
        )
    _check_counts(epochs=epochs, every=every)
    return TorchWatch(model, optimizer, folder=folder, loss=loss, epochs=epochs, every=every)


def keras_watch(*, folder: Path | str | None = None, every: int | None = None) -> Any:
    """Return a callback that watches a model of Keras 3 learn: `fit(..., callbacks=[watch])`.

    It writes down what `misstep diagnose` needs to know, and the model comes to the same weights,
    bit for bit. With Keras's PyTorch backend layers and gradients are seen too; with others losses,
    epochs and the model. `folder`, `every`: as of `watch`. The callback has `diagnose()` and
    `record`. Raises ArgumentError for a wrong number, ImportError without Keras.

    >>> import misstep as ms
    >>> def train(model, x, y):
    ...     watch = ms.keras_watch(folder="runs/theirs")
    ...     model.fit(x, y, epochs=20, validation_split=0.2, callbacks=[watch])
    ...     return watch.diagnose()
    """
    _check_counts(every=every)
    return make_callback(folder, every)


def _check_counts(**counts: Any) -> None:
    for name, number in counts.items():
        whole = isinstance(number, int) and not isinstance(number, bool)
        if number is not None and (not whole or number < 0):
            raise ArgumentError(name, needed="a whole number, 0 or more", got=repr(number))
