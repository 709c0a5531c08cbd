"""A model of Keras 3 is watched, comes to the same bits, and its record can be diagnosed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.record import Role, Task

pytest.importorskip("torch", reason="PyTorch is not installed; watching Keras is not tested")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed; watching it is not tested")

# Keras asks arrays in a way that NumPy says will end, and warns of a softmax over one unit.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*softmax over axis.*"),
]


def model_of(*layers: Any, loss: Any, optimizer: Any = None, shape: tuple[int, ...] = (4,)) -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.layers.Input(shape), *layers])
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss)
    return model


def classes(rows: int = 160) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype("float32")
    return x, (x[:, 0] * x[:, 1] > 0).astype("int32")


def classifier() -> Any:
    keras.utils.set_random_seed(3)  # layers draw seeds when they are made
    return model_of(
        keras.layers.Dense(16, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(2, activation="softmax"),
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adam(0.01, global_clipnorm=1.0),
    )


def test_a_watched_model_comes_to_the_same_bits() -> None:
    x, y = classes()
    results = []
    for callbacks in ([ms.keras_watch()], []):
        model = classifier()
        model.fit(x, y, epochs=3, validation_split=0.2, verbose=0, callbacks=callbacks)
        results.append([*model.get_weights(), np.random.rand(2)])
    for mine, theirs in zip(*results, strict=True):
        assert (mine == theirs).all()


def test_the_model_is_as_before_when_watching_is_over() -> None:
    x, y = classes()
    model = classifier()
    model.fit(x, y, epochs=2, verbose=0, callbacks=[ms.keras_watch()])
    assert "compute_loss" not in vars(model)
    assert "apply" not in vars(model.optimizer)
    assert all("call" not in vars(layer) for layer in model.layers)


def test_the_record_tells_what_a_stranger_would_need(tmp_path: Path) -> None:
    x, y = classes()
    model = classifier()
    watch = ms.keras_watch(folder=tmp_path)
    model.fit(x, y, epochs=3, batch_size=32, validation_split=0.2, verbose=0, callbacks=[watch])
    record = ms.read_record(tmp_path)
    about = record.description
    assert about is not None
    assert [(layer.kind, layer.role) for layer in about.layers] == [
        ("Dense", Role.AFFINE),
        ("ReLU", Role.ACTIVATION),
        ("Dropout", Role.DROPOUT),
        ("Dense", Role.AFFINE),
        ("Softmax", Role.ACTIVATION),
        ("Sequential", Role.CONTAINER),
    ]
    first = about.layers[0]
    assert [one.name for one in first.parameters] == [f"{first.path}.kernel", f"{first.path}.bias"]
    assert (first.parameters[0].fan_in, first.parameters[0].fan_out) == (4, 16)
    assert (about.loss.task, about.loss.takes) == (Task.CLASSES, "probabilities")
    assert (about.optimizer.kind, about.optimizer.learning_rate) == ("Adam", 0.01)
    assert [part.kind for part in (*about.clipping, *about.penalties)] == ["ClipNorm", "L2"]
    assert (about.batch_size, about.updates_per_epoch, about.epochs) == (32, 4, 3)
    assert about.shuffled
    assert about.framework == "keras"
    assert about.inputs is not None
    assert about.answers is not None
    assert (about.inputs.rows, sum(about.answers.counts)) == (128, 128)
    assert len(record.steps["loss"]) == 12
    assert len(record.epochs) == 3
    assert {"training_loss", "validation_loss", "validation_accuracy"} <= set(record.epochs[0])
    relu = about.layers[1].path
    assert record.paths("dead_share") == [relu]
    names = {one.name for layer in about.layers for one in layer.parameters}
    assert set(record.paths("gradient_norm")) == names
    assert record.events[-1]["facts"]["cause"] == "epochs_done"
    assert watch.record.steps["loss"].tolist() == record.steps["loss"].tolist()


def test_the_losses_are_those_of_batches() -> None:
    x, y = classes(64)
    model = model_of(keras.layers.Dense(1), loss="mse", optimizer=keras.optimizers.SGD(0.0))
    watch = ms.keras_watch()
    model.fit(x, y, epochs=1, batch_size=16, shuffle=False, verbose=0, callbacks=[watch])
    predicted = model.predict(x, verbose=0)[:, 0]
    expected = ((predicted - y) ** 2).reshape(4, 16).mean(axis=1)
    assert watch.record.steps["loss"] == pytest.approx(expected, rel=1e-5)
    about = watch.record.description
    assert about is not None
    assert about.answers is not None
    assert about.answers.chance_loss == pytest.approx(y.var(), rel=1e-6)


def test_functional_models_are_in_order_where_they_are_a_chain() -> None:
    x, y = classes(48)
    given = keras.layers.Input((4,))
    hidden = keras.layers.Dense(8, activation="tanh")(given)
    for out, chain in (
        (keras.layers.Dense(2)(hidden), True),
        (keras.layers.Dense(2)(keras.layers.Concatenate()([hidden, given])), False),
    ):
        model = keras.Model(given, out)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer="sgd", loss=loss)
        watch = ms.keras_watch()
        model.fit(x, y, epochs=1, verbose=0, callbacks=[watch])
        about = watch.record.description
        assert about is not None
        assert about.loss.takes == "logits"
        assert bool(about.layers[-1].settings.get("in_order")) == chain


def test_recurrent_and_embedding_layers_are_known() -> None:
    x = np.random.default_rng(0).integers(0, 20, (64, 6))
    y = (x[:, 0] > 9).astype("float32")
    model = model_of(
        keras.layers.Embedding(20, 4),
        keras.layers.Bidirectional(keras.layers.LSTM(3)),
        keras.layers.Dense(1, activation="sigmoid"),
        loss="binary_crossentropy",
        shape=(6,),
    )
    watch = ms.keras_watch()
    model.fit(x, y, epochs=2, verbose=0, callbacks=[watch])
    about = watch.record.description
    assert about is not None
    roles = [layer.role for layer in about.layers]
    assert roles[:3] == [Role.EMBEDDING, Role.RECURRENT, Role.AFFINE]
    assert about.inputs is not None
    assert about.inputs.kind == "positions"
    assert about.loss.task is Task.BINARY
    assert len(about.layers[1].parameters) == 6


@pytest.mark.parametrize("slug", ["missing-activation", "wrong-output"])
def test_what_goes_wrong_is_found(slug: str) -> None:
    x, y = classes(400)
    activation = {"missing-activation": (None, "softmax"), "wrong-output": ("relu", "softmax")}[
        slug
    ]
    units, loss = (2, "sparse_categorical_crossentropy")
    if slug == "wrong-output":
        units, loss = 1, "binary_crossentropy"  # a softmax over one unit
    model = model_of(
        keras.layers.Dense(16, activation=activation[0]),
        keras.layers.Dense(units, activation=activation[1]),
        loss=loss,
    )
    watch = ms.keras_watch()
    model.fit(x, y, epochs=15, verbose=0, callbacks=[watch])
    slugs = [finding.slug for finding in watch.diagnose().findings]
    assert slug in slugs[:2]


def test_before_training_nothing_can_be_said() -> None:
    with pytest.raises(ms.ArgumentError, match="no training yet"):
        ms.keras_watch().diagnose()
    with pytest.raises(ms.ArgumentError, match="every"):
        ms.keras_watch(every=-2)
