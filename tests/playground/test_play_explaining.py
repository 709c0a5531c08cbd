"""What is said of a weight is what happens: gradients by differences, updates bit for bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from misstep.errors import ArgumentError
from misstep.nn import Network
from misstep.nn.inference import Inference
from misstep.optim import optimizer_names
from misstep.playground import Session, Settings
from misstep.playground.frame import next_batch

_SETTINGS = {
    "plain": Settings(rows=24, layers=(4, 3), batch_size=5),
    "penalties": Settings(
        rows=24, layers=(4,), l1=0.01, l2=0.2, clipping=0.05, optimizer="adam", batch_size=5
    ),
    "classes": Settings(problem="blobs", rows=24, layers=(4,), activation="relu", batch_size=5),
    "number": Settings(
        problem="sine", rows=24, layers=(4,), batch_size=5, clipping=0.02, clipping_by="value"
    ),
    "residual": Settings(
        rows=24, layers=(3, 3, 3), residual=True, standardize=True, input_scale=5.0, batch_size=5
    ),
    "normalized": Settings(rows=24, layers=(4,), normalization="layer", batch_size=5),
}


def _loss_of(session: Session, parameters: np.ndarray, rows: Any) -> float:
    """Return the loss of rows with penalties, by the network in float64."""
    network = session.timeline.trainer.network
    wide = Network(network.module, network.input_shape, dtype="float64", arrays=network.arrays())
    wide.parameters[:] = parameters
    inference: Inference = wide.inference(compiling=False)
    x, y = rows.x.astype("float64"), rows.y
    y = y.astype("float64") if y.dtype.kind == "f" else y
    loss = float(inference.row_losses(x, y, session.problem.loss).mean())
    for one in wide.parameter_slices:
        if one.specification.regularized:
            part = parameters[one.start : one.stop]
            loss += session.settings.l1 * np.abs(part).sum()
            loss += 0.5 * session.settings.l2 * (part**2).sum()
    return loss


@pytest.mark.parametrize("name", _SETTINGS)
def test_gradients_that_are_shown_are_those_of_differences(name: str) -> None:
    session = Session(_SETTINGS[name])
    session.step(7)
    rows = session.problem.train.take(next_batch(session.timeline))
    parameters = session.timeline.state.parameters.astype("float64")
    shown = np.concatenate(
        [_numbers(one["gradients"]).reshape(-1) for one in session.frame()["weights"]]
    )
    step = 1e-5
    measured = np.empty(len(parameters))
    for at in range(len(parameters)):
        moved = np.zeros(len(parameters))
        moved[at] = step
        more, less = (_loss_of(session, parameters + sign * moved, rows) for sign in (1.0, -1.0))
        measured[at] = (more - less) / (2 * step)
    assert np.allclose(shown, measured, rtol=2e-4, atol=2e-6)
    for one in session.timeline.trainer.network.parameter_slices:
        index = tuple(length - 1 for length in one.specification.shape)
        if "dense" not in one.specification.name:
            continue
        explained = session.explain(".".join([one.specification.name, *map(str, index)]))
        assert explained["batch"]["gradient"] == pytest.approx(
            measured[one.stop - 1], rel=1e-6, abs=1e-9
        )
        products = [row["product"] for row in explained["batch"]["rows"]]
        assert sum(products) == pytest.approx(explained["batch"]["sum"], abs=1e-12)


def _numbers(packed: dict[str, Any]) -> np.ndarray:
    import base64

    raw = base64.b64decode(packed["base64"])
    return np.frombuffer(raw, "<f4").reshape(packed["shape"])


@pytest.mark.parametrize("optimizer", optimizer_names())
def test_what_the_update_will_do_is_what_it_does(optimizer: str) -> None:
    settings = Settings(rows=24, layers=(3,), optimizer=optimizer, learning_rate=0.01, l2=0.01)
    session = Session(settings)
    session.step(6)
    told = {
        what: session.explain(what)["change"] for what in ("dense1.weight.1.2", "dense2.bias.0")
    }
    session.step(1)
    arrays = session.timeline.trainer.network.arrays()
    for what, change in told.items():
        name, _, place = what.partition(".weight." if "weight" in what else ".bias.")
        kind = "weight" if "weight" in what else "bias"
        entry = arrays[f"{name}.{kind}"][tuple(map(int, place.split(".")))]
        assert change["new"] == float(entry)
        assert change["old"] != change["new"]
        assert change["agrees"]
        assert change["steps"][-1]["label"] == "w′"
        assert change["steps"][-1]["number"] == pytest.approx(change["new"], rel=1e-5)


def test_dropout_leaves_out_what_the_very_update_leaves_out() -> None:
    session = Session(Settings(rows=24, layers=(6,), dropout=0.5, batch_size=4))
    session.step(3)
    for unit in range(6):
        batch = session.explain(f"dense1.bias.{unit}")["batch"]
        assert batch["gradient"] == pytest.approx(batch["in_training"], rel=1e-4, abs=1e-7)
    old = session.timeline.state.parameters.copy()
    gradients = session._looker.gradient(session.timeline)
    session.step(1)
    moved = (old - session.timeline.state.parameters) / np.float32(0.1)
    assert np.allclose(moved, gradients, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", _SETTINGS)
def test_a_unit_is_the_sum_of_what_comes_in_and_the_loss_hears_of_it_by_what_follows(
    name: str,
) -> None:
    session = Session(_SETTINGS[name])
    session.step(5)
    session.choose_row(2, held_out=False)
    told = session.explain("unit.1.1")
    products = sum(one["product"] for one in told["inputs"])
    assert products + told["bias"] == pytest.approx(told["sum"], rel=1e-12)
    through = sum(one["product"] for one in told["goes_to"])
    assert through == pytest.approx(told["given_slope"], rel=1e-9, abs=1e-12)
    assert told["row"]["chain"]["gradient"] == pytest.approx(through, rel=1e-9, abs=1e-12)
    assert told["row"]["chain"]["difference"]["agrees"] or told["given_slope"] == 0
    layer = session.frame()["row"]["layers"][0]
    assert _numbers(layer["sums"])[1] == pytest.approx(told["sum"], rel=1e-4, abs=1e-6)
    assert _numbers(layer["given"])[1] == pytest.approx(told["given"], rel=1e-4, abs=1e-6)
    slopes = _numbers(layer["given_slopes"]), _numbers(layer["sum_slopes"])
    assert slopes[0][1] == pytest.approx(told["given_slope"], rel=1e-3, abs=1e-6)
    assert slopes[1][1] == pytest.approx(told["sum_slope"], rel=1e-3, abs=1e-6)
    after = {one["label"]: one["new"] for one in told["changes"]}
    session.step(1)
    arrays = session.timeline.trainer.network.arrays()
    for label, new in after.items():
        layer_name, kind, *places = label.split(".")
        assert new == float(arrays[f"{layer_name}.{kind}"][tuple(map(int, places))])


def test_explaining_changes_nothing_and_is_plain_json() -> None:
    session, other = Session(_SETTINGS["penalties"]), Session(_SETTINGS["penalties"])
    for _ in range(3):
        session.step(2)
        other.step(2)
        for what in ("dense1.weight.0.0", "dense2.bias.0", "unit.1.2", "unit.2.0"):
            json.dumps(session.explain(what), allow_nan=False)
        json.dumps(session.frame(), allow_nan=False)
    for name, array in session.timeline.state.arrays().items():
        assert np.array_equal(array, other.timeline.state.arrays()[name])


def test_words_tell_of_rows_penalties_clipping_and_the_step() -> None:
    session = Session(_SETTINGS["penalties"])
    session.step(3)
    words = " ".join(session.explain("dense1.weight.0.0")["words"])
    for part in ("In the next batch of 5 rows", "has most to do with it", "penalty", "clipped"):
        assert part in words
    assert "The next update moves it by" in words


def test_numbers_that_are_too_large_are_told_without_a_warning() -> None:
    session = Session(
        Settings(problem="blobs", rows=9, layers=(), learning_rate=1e6, l2=10.0, optimizer="adam")
    )
    session.step(30)
    for what in ("unit.1.0", "dense1.weight.0.0"):
        json.dumps(session.explain(what), allow_nan=False)


def test_numbers_that_are_no_more_are_told_too() -> None:
    session = Session(
        Settings(rows=20, layers=(8,) * 5, activation="relu", initialization_scale=50.0)
    )
    session.step(50)
    assert session.failed
    json.dumps(session.frame(), allow_nan=False)
    for what in ("dense1.weight.0.0", "dense6.bias.0", "unit.2.1"):
        told = session.explain(what)
        json.dumps(told, allow_nan=False)
        assert told["words"]
    assert session.explain("dense1.weight.0.0")["change"]["new"] is None


def test_nothing_chosen_is_told_in_words() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    with pytest.raises(ArgumentError, match="what to explain"):
        session.explain()
