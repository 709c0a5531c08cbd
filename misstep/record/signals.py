"""Every signal of a record, described once: what it is called, what it means, where it belongs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signal:
    """A number that a run writes down.

    `words`: what it is. `unit`: what it is counted in. `scope`: what there is one of it for: a
    step (one weight update), an epoch, a layer or a parameter.
    """

    name: str
    words: str
    unit: str
    scope: str


_ALL = (
    Signal(
        "loss",
        "Loss of the batch that the update learned from, without penalties.",
        "as the loss",
        "step",
    ),
    Signal("learning_rate", "What the update was scaled by, after the schedule.", "1", "step"),
    Signal(
        "training_loss",
        "Mean loss of the epoch's batches, each taken before its update.",
        "as the loss",
        "epoch",
    ),
    Signal(
        "validation_loss",
        "Mean loss over the validation rows after the epoch.",
        "as the loss",
        "epoch",
    ),
    Signal(
        "validation_accuracy", "Share of validation rows whose class was right.", "share", "epoch"
    ),
    Signal(
        "validation_rmse",
        "Root of the mean squared error over the validation rows.",
        "as the target",
        "epoch",
    ),
    Signal("seconds", "Time that the epoch's training took.", "s", "epoch"),
    Signal("rows_per_second", "Rows learned from in a second of training.", "rows/s", "epoch"),
    Signal(
        "gradient_norm",
        "√Σ g² over the parameter's gradient: how strongly it is blamed.",
        "loss per weight",
        "parameter",
    ),
    Signal("weight_norm", "√Σ w² over the parameter before the update.", "1", "parameter"),
    Signal("update_norm", "√Σ Δw² over the change that the update made.", "1", "parameter"),
    Signal("activation_mean", "Mean of the layer's outputs over the batch.", "1", "layer"),
    Signal(
        "activation_deviation",
        "Standard deviation of the layer's outputs over the batch.",
        "1",
        "layer",
    ),
    Signal(
        "dead_share",
        "Share of units whose output was 0 for every row of the batch.",
        "share",
        "layer",
    ),
    Signal(
        "saturated_share",
        "Share of outputs within 1 % of the range from one of its bounds.",
        "share",
        "layer",
    ),
)

SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _ALL}
