"""Every signal of a record, described once: what it is called, what it means, where it belongs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signal:
    """A number that a run writes down.

    `words`: what it is. `unit`: what it is counted in. `scope`: what there is one of it for: a
    step (one weight update), an epoch, the network, a layer, a parameter or a class. What there is
    one of for the network, a layer or a parameter is seen in looks: the same few training rows, the
    probe rows, go through the network as in training, forward and backward, between two updates.
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
    Signal(
        "clipped_share",
        "Share of the epoch's updates whose gradient clipping changed; of clipping by value, "
        "of the looks so far.",
        "share",
        "epoch",
    ),
    Signal(
        "validation_recall",
        "Share of the validation rows of a class that were given that class.",
        "share",
        "class",
    ),
    Signal("seconds", "Time that the epoch's training took.", "s", "epoch"),
    Signal("rows_per_second", "Rows learned from in a second of training.", "rows/s", "epoch"),
    Signal("probe_loss", "Mean loss of the probe rows.", "as the loss", "network"),
    Signal("probe_accuracy", "Share of probe rows whose class was right.", "share", "network"),
    Signal(
        "probe_rmse",
        "Root of the mean squared error over the probe rows.",
        "as the target",
        "network",
    ),
    Signal(
        "output_smallest", "Smallest prediction for a probe row.", "as the prediction", "network"
    ),
    Signal("output_largest", "Largest prediction for a probe row.", "as the prediction", "network"),
    Signal(
        "output_deviation",
        "Standard deviation of a prediction over the probe rows, the mean of all outputs.",
        "as the prediction",
        "network",
    ),
    Signal(
        "gradient_norm",
        "√Σ g² over the parameter's gradient: how strongly it is blamed.",
        "loss per weight",
        "parameter",
    ),
    Signal("weight_norm", "√Σ w² over the parameter before the update.", "1", "parameter"),
    Signal("update_norm", "√Σ Δw² over the change that the update made.", "1", "parameter"),
    Signal(
        "gradient_signal_to_noise",
        "‖mean gradient‖² ÷ mean squared distance from it, over parts of the probe rows.",
        "1",
        "parameter",
    ),
    Signal(
        "unmoved_share",
        "Share of the parameter's entries that still are, bit for bit, what they began as.",
        "share",
        "parameter",
    ),
    Signal("activation_mean", "Mean of the layer's outputs over the probe rows.", "1", "layer"),
    Signal(
        "activation_deviation",
        "Standard deviation of the layer's outputs over the probe rows.",
        "1",
        "layer",
    ),
    Signal(
        "dead_share", "Share of units whose output was 0 for every probe row.", "share", "layer"
    ),
    Signal("zero_share", "Share of outputs that were exactly 0.", "share", "layer"),
    Signal(
        "saturated_share",
        "Share of outputs within 1 % of the range from one of its bounds.",
        "share",
        "layer",
    ),
)

SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _ALL}
