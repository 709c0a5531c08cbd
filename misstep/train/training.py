"""`Training`: a training as callbacks see it: where it stands, and what they may ask of it.

Knows no callback, and not how the loop goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.data import Rows
from misstep.ir import Array
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.record import RecordWriter
from misstep.train.ending import Cause, Ending
from misstep.train.run_record import RunRecord
from misstep.train.state import TrainingState, Values


@dataclass(kw_only=True)
class Training:
    """A training that goes on; callbacks get it.

    `state`: where it stands. `validation`: the rows that each epoch is judged by, or None.
    `resumed`: whether it goes on from a checkpoint. `record`: what the run writes down, or None
    where nobody watches; `run_record`: the same, with what waits to be
    written. `ending`: why it ended, once it has.

    >>> import misstep as ms
    >>> class Enough(ms.Callback):
    ...     def on_epoch_end(self, training: ms.train.Training) -> None:
    ...         if training.history[-1]["training_loss"] < 1.0:
    ...             training.stop("good enough")
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    >>> run = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=500, callbacks=[Enough()])
    >>> print(run.ending)
    good enough
    """

    network: Network
    loss: Loss
    state: TrainingState
    validation: Rows | None = None
    threads: int | None = None
    compiling: bool = True
    resumed: bool = False
    record: RecordWriter | None = None
    run_record: RunRecord | None = None
    ending: Ending | None = None

    @property
    def epoch(self) -> int:
        """Return the epochs completed."""
        return self.state.epoch

    @property
    def update(self) -> int:
        """Return the updates done."""
        return self.state.update

    @property
    def history(self) -> list[Values]:
        """Return the numbers of each epoch completed."""
        return self.state.history

    def stop(self, ending: str | Ending) -> None:
        """End training after what is going on now; the first to ask is the one who ended it."""
        if isinstance(ending, str):
            ending = Ending(Cause.CALLBACK, {"message": ending})
        self.ending = self.ending or ending

    def evaluate(self, rows: Rows) -> tuple[dict[str, float], Array]:
        """Return loss and score by name, and the predictions, of the network as it is now."""
        inference = self.network.inference(self.compiling)
        return inference.evaluate(rows.x, rows.y, self.loss, rows.weights, self.threads)
