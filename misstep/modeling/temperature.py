"""Probabilities that mean what they say: raw outputs divided by one number, the temperature.

A network that learned its rows by heart is too sure; divided by a temperature above 1, its raw
outputs say the same class with less certainty (Guo, Pleiss, Sun and Weinberger, "On calibration of
modern neural networks", 2017). The temperature is found on rows that the network did not learn
from, and stays only if it makes the log loss smaller beyond noise on such rows that did not find
it. It becomes a layer of the network, so that whoever reads the model reads it too.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from misstep.data import Rows
from misstep.ir import Array
from misstep.modeling.decisions import Decisions
from misstep.modeling.model import Model
from misstep.modeling.plans.plan import layers_of
from misstep.nn import Network, Rescaling, Sequential
from misstep.text.counts import counted

__all__ = ["calibrated", "log_losses", "temperature_of"]

# Fewer rows tell a temperature to no better than a fifth or so.
FEWEST_ROWS = 50
# Temperatures that are looked through; networks in use have 0.5 to 5.
LOWEST, HIGHEST = 0.05, 20.0
FOLDS, SEED = 5, 0


def log_losses(raw: Array, answers: Array, temperature: float = 1.0) -> Array:
    """Return −ln of the probability of each row's class, (rows,).

    raw: (rows, classes), or (rows, 1) of two classes; answers: class numbers, (rows,).
    """
    z = np.asarray(raw, np.float64) / temperature
    if z.shape[1] == 1:
        return np.logaddexp(0.0, np.where(answers == 1, -z[:, 0], z[:, 0]))
    return np.asarray(logsumexp(z, axis=1) - z[np.arange(len(z)), np.asarray(answers, int)])


def temperature_of(raw: Array, answers: Array) -> float:
    """Return the temperature with the smallest log loss on rows; shapes as in `log_losses`."""
    found = minimize_scalar(
        lambda power: float(log_losses(raw, answers, math.exp(power)).mean()),
        bounds=(math.log(LOWEST), math.log(HIGHEST)),
        method="bounded",
    )
    return float(math.exp(found.x))


def calibrated(model: Model, rows: Rows, decisions: Decisions) -> Model:
    """Return the model with calibrated probabilities, or as it is where that does not help.

    `rows`: that it did not learn from. What was done and why is among the decisions.
    """
    if len(rows) < FEWEST_ROWS:
        decisions.add(
            "probabilities",
            "as they are",
            f"only {counted(len(rows), 'row')} to calibrate by; it takes {FEWEST_ROWS}",
        )
        return model
    raw = model.network.predict(rows.x)
    raw, answers = np.asarray(raw, np.float64).reshape(len(rows), -1), np.asarray(rows.y)
    gain = log_losses(raw, answers) - _out_of_fold(raw, answers)
    error = float(gain.std(ddof=1)) / math.sqrt(len(gain))
    temperature = temperature_of(raw, answers)
    judged = (
        f"the log loss on {counted(len(rows), 'row')} not learned from goes from "
        f"{log_losses(raw, answers).mean():.4g} to {_out_of_fold(raw, answers).mean():.4g}, each "
        "judged by the others"
    )
    if not float(gain.mean()) > error:
        decisions.add("probabilities", "as they are", f"{judged}: no more than noise")
        return model
    decisions.add("probabilities", f"raw outputs divided by {temperature:.3g}", judged)
    network = model.network
    module = Sequential(*layers_of(network.module), Rescaling(1 / temperature))
    scaled = Network(module, network.input_shape, dtype=network.dtype)
    scaled.parameters, scaled.buffers = np.array(network.parameters), np.array(network.buffers)
    facts = {**model.facts, "temperature": temperature}
    other = Model(scaled, model.loss, model.preprocessing, model.target, facts)
    other.training_rows, other.calibration = model.training_rows, model.calibration
    return other


def _out_of_fold(raw: Array, answers: Array) -> Array:
    """Return the log loss of each row with the temperature that the other folds find, (rows,)."""
    order = np.random.default_rng(SEED).permutation(len(raw))
    losses = np.empty(len(raw))
    for fold in range(FOLDS):
        own = order[fold::FOLDS]
        others = np.setdiff1d(order, own)
        found = temperature_of(raw[others], answers[others])
        losses[own] = log_losses(raw[own], answers[own], found)
    return losses
