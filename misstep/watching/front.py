"""`watch`: the way in. Checks what is given before anything is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError
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
    for name, number in (("epochs", epochs), ("every", every)):
        whole = isinstance(number, int) and not isinstance(number, bool)
        if number is not None and (not whole or number < 0):
            raise ArgumentError(name, needed="a whole number, 0 or more", got=repr(number))
    return TorchWatch(model, optimizer, folder=folder, loss=loss, epochs=epochs, every=every)
