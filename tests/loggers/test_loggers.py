"""Loggers: what they tell is what training says of itself, resumed and broken off too."""

import csv
import json
import math
import sys
import warnings

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.loggers import CSVLogger, JSONLinesLogger, Logger, MLflowLogger, make_logger

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(40, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")
# Of a run these are times by the clock, which differ.
BY_CLOCK = {"seconds", "rows_per_second"}


def fit(epochs, loggers, **more):
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.05), batch_size=8)
    return trainer.fit(X, Y, epochs=epochs, callbacks=loggers, **more)


def test_a_table_holds_the_numbers_of_each_epoch(tmp_path):
    run = fit(3, [CSVLogger(tmp_path / "m.csv")], validation=(X, Y))
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["update"]) for row in rows] == [5, 10, 15]
    for row, values in zip(rows, run.history, strict=True):
        assert {name: float(row[name]) for name in values} == values


def test_lines_hold_settings_epochs_and_the_end(tmp_path):
    run = fit(2, [JSONLinesLogger(tmp_path / "m.jsonl", layers=True)])
    settings, first, second, end = map(json.loads, (tmp_path / "m.jsonl").read_text().splitlines())
    assert settings["settings"]["optimizer"] == "SGD"
    assert settings["settings"]["learning_rate"] == "0.05"
    assert settings["settings"]["parameters"] == "4"
    assert settings["settings"]["rows"] == "40"
    assert first["training_loss"] == run.history[0]["training_loss"]
    assert (second["epoch"], second["update"]) == (2, 10)
    seen = [name for name in first if name.startswith("gradient_norm/")]
    assert len(seen) == 2
    assert all(first[name] > 0 for name in seen)
    assert end == {"ending": "all 2 epochs are done", "failed": False}


@pytest.mark.parametrize("make", [CSVLogger, JSONLinesLogger])
def test_a_resumed_run_tells_each_epoch_once(make, tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    fit(4, [make(whole)], folder=tmp_path / "a")
    fit(2, [make(parted)], folder=tmp_path / "b")
    # As a run that was killed after it had told of an epoch, before the checkpoint behind it.
    lines = parted.read_text().splitlines(keepends=True)
    told = [line for line in lines if "ending" not in line]
    later = told[-1].replace("2,10,", "3,15,").replace('"epoch": 2', '"epoch": 3')
    parted.write_text("".join([*told, later, later[:7]]))
    fit(4, [make(parted)], folder=tmp_path / "b", resume=True)
    assert told_without_clock(parted) == told_without_clock(whole)


def told_without_clock(path):
    if path.read_text().startswith("{"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [line for line in lines if "settings" not in line]
    else:
        kept = list(csv.DictReader(path.read_text().splitlines()))
    return [{name: one for name, one in line.items() if name not in BY_CLOCK} for line in kept]


def test_a_column_that_comes_later_is_empty_before(tmp_path):
    logger = CSVLogger(tmp_path / "m.csv")
    logger._lines.begin(resumed=False, stays=bool)
    logger.log(1, 5, {"loss": 1.0})
    logger.log(2, 10, {"loss": 0.5, "late,comer": math.nan})
    logger.log(3, 15, {"late,comer": 2.0})
    rows = list(csv.reader((tmp_path / "m.csv").read_text().splitlines()))
    assert rows == [
        ["epoch", "update", "loss", "late,comer"],
        ["1", "5", "1.0", ""],
        ["2", "10", "0.5", "nan"],
        ["3", "15", "", "2.0"],
    ]


def test_numbers_that_are_not_finite_are_null(tmp_path):
    logger = JSONLinesLogger(tmp_path / "m.jsonl")
    logger.log(1, 5, {"loss": math.inf})
    assert (tmp_path / "m.jsonl").read_text() == '{"epoch": 1, "update": 5, "loss": null}\n'


class Fragile(Logger):
    """Breaks at the second epoch."""

    def __init__(self):
        super().__init__()
        self.told = []

    def log(self, epoch, update, metrics):
        if epoch == 2:
            raise ConnectionError("nobody there")
        self.told.append(epoch)

    def finish(self, ending, *, failed):
        self.told.append(ending)


def test_what_fails_is_said_once_and_training_goes_on(tmp_path):
    logger = Fragile()
    with pytest.warns(RuntimeWarning, match="Fragile tells no more .* nobody there") as caught:
        run = fit(4, [logger], folder=tmp_path / "run")
    assert (len(caught), run.epochs, logger.told) == (1, 4, [1])
    events = ms.read_record(tmp_path / "run").events
    assert [event["kind"] for event in events if "nobody" in str(event)] == ["logging"]


def test_a_place_that_cannot_be_had_is_said_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"m\.csv"):
        fit(1, [CSVLogger(tmp_path / "file" / "m.csv")])


@pytest.mark.parametrize("make", [CSVLogger, JSONLinesLogger])
def test_a_file_of_somebody_else_is_left_as_it_is(make, tmp_path):
    path = tmp_path / "rows"
    path.write_text("epoch,price\n1,2\n")
    with pytest.raises(StorageError, match="a file of another kind"):
        fit(1, [make(path)])
    assert path.read_text() == "epoch,price\n1,2\n"
    path.write_text("")
    fit(1, [make(path)])
    fit(2, [make(path)])
    assert "3" not in {line.split(",")[0] for line in path.read_text().splitlines()}


@pytest.mark.parametrize("word", ["tensorboard", "mlflow"])
def test_a_package_that_is_not_there_is_named(word, tmp_path, monkeypatch):
    for name in ("mlflow", "tensorboardX"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MisstepError, match=r'pip install "misstep\[track\]"'):
        fit(1, [make_logger(word, tmp_path)])


@pytest.mark.parametrize("word", ["wandb", "", "csv:metrics", "CSV"])
def test_other_words_are_refused(word, tmp_path):
    with pytest.raises(ArgumentError, match="csv, jsonl, tensorboard, mlflow"):
        make_logger(word, tmp_path)


def test_a_place_is_that_of_the_run_or_a_place_of_its_own(tmp_path):
    fit(1, [make_logger("csv", tmp_path), make_logger(f"jsonl={tmp_path / 'own.jsonl'}")])
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.csv", "own.jsonl"}
    with pytest.raises(ArgumentError, match=r"csv=metrics\.csv"):
        make_logger("csv")


def test_tensorboard_gets_the_numbers(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    from tensorboardX.proto.event_pb2 import Event

    run = fit(2, [make_logger("tensorboard", tmp_path)])
    told = {}
    for path in sorted((tmp_path / "tensorboard").iterdir()):
        for event in events_of(path.read_bytes(), Event):
            for value in event.summary.value:
                told[value.tag, event.step] = value
    for update, values in zip((5, 10), run.history, strict=True):
        assert told["training_loss", update].simple_value == pytest.approx(
            values["training_loss"], rel=1e-6
        )
    assert any(name.startswith("gradient_norm/") for name, _ in told)
    texts = [
        value.tensor.string_val[0].decode() for (name, _), value in told.items() if "text" in name
    ]
    assert any("| batch_size | 8 |" in text for text in texts)
    assert "all 2 epochs are done" in texts


def events_of(data, kind):
    # Each record: its length in 8 bytes, 4 of a check sum, the event, 4 of another.
    while data:
        length = int.from_bytes(data[:8], "little")
        event = kind()
        event.ParseFromString(data[12 : 12 + length])
        yield event
        data = data[12 + length + 4 :]


def test_mlflow_gets_settings_numbers_and_the_end(tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with warnings.catch_warnings():
        # Of packages under MLflow.
        warnings.simplefilter("ignore")
        first = MLflowLogger(uri, name="mine", tags={"team": "blue"})
        run = fit(2, [first], folder=tmp_path / "run")
        second = MLflowLogger(uri)
        fit(3, [second], folder=tmp_path / "run", resume=True)
        client = mlflow.MlflowClient(tracking_uri=uri)
        told = client.get_run(first.run_id)
        losses = client.get_metric_history(first.run_id, "training_loss")
    assert second.run_id == first.run_id
    assert told.info.status == "FINISHED"
    assert told.info.run_name == "mine"
    assert told.data.params["loss"] == "SquaredError"
    assert told.data.tags["team"] == "blue"
    assert told.data.tags["ending"] == "all 3 epochs are done"
    assert [one.step for one in losses] == [5, 10, 15]
    assert losses[1].value == run.history[1]["training_loss"]


def test_a_server_that_does_not_answer_is_said_before_training(tmp_path):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(MisstepError, match="the MLflow server nonsense://there"):
            fit(1, [MLflowLogger("nonsense://there")])
