"""`misstep repair` and `train --repair`: a usual model beside the run, or a clear word why not."""

from __future__ import annotations

import csv
import json
import shlex
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_world import Run, hashes

import misstep as ms
from misstep.cli.repairing import SET_ASIDE
from misstep.trials import Case, Change, Remedy, RepairFolder, next_folder
from misstep.trials import repair as engine

ROWS = 150


def write(path: str = "houses.csv", rows: int = ROWS, seed: int = 0) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 2))
    price = 3 * x[:, 0] + np.sin(3 * x[:, 1])
    lines = [f"{a:.4f},{b:.4f},{c:.4f}" for (a, b), c in zip(x, price, strict=True)]
    Path(path).write_text("\n".join(["area,age,price", *lines]) + "\n")


SICK = ("--network", "dense8", "--epochs", "5", "--learning-rate", "1e-6")


def train(run: Run, *options: str) -> None:
    write()
    done = run("train", "houses.csv", "--target", "price", "--quiet", *(options or SICK))
    assert done.code == 0, done.said


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be two remedies: one that helps, and one that does nothing."""
    known = [Raised(), Nothing()]
    monkeypatch.setattr("misstep.trials.rounds.registered_remedies", lambda: known)


class Raised(Remedy):
    """Ten thousand times the rate."""

    title = "a far higher rate"
    answers = ("learning-rate-too-low", "slow-learning", "underfitting", "not-a-number")

    def changes(self, case: Case) -> Any:
        optimizer: Any = case.start.optimizer
        if not 1e-3 <= optimizer.learning_rate <= 1:
            raised = ms.optim.AdamW(1e-2, weight_decay=optimizer.weight_decay)
            yield Change("at 10,000 times the rate", case.start.variant(optimizer=raised), "ms")


class Nothing(Remedy):
    """Another seed for nothing but the order of rows."""

    title = "nothing"
    answers = ()

    def changes(self, case: Case) -> Any:
        yield Change("nothing", case.start.variant(), "")


class Idle(Nothing):
    """Tried whatever was found."""

    is_general = True


# Not registered, as a `name` of their own would make them.
Raised.name, Nothing.name, Idle.name = "raised", "nothing", "idle"


def test_what_helps_becomes_a_usual_model_beside_the_run(run: Run, few: None) -> None:
    train(run)
    before = hashes(Path("runs/houses"))
    done = run("repair", "runs/houses")
    assert done.code == 0, done.said
    for words in (
        "Found",
        "Round 1: 1 remedy beside the unchanged run and a random remedy",
        "unchanged (the control)",
        "nothing (random)",
        "at 10,000 times the rate",
        "adopted",
        "The unchanged control came to the very weights of the run.",
        "Cost:",
        "neither training nor repair looked at",
        "before the repair",
        "The repaired model is better there, beyond what chance can do.",
        "The repaired model is in runs/houses/repair-1/model.misstep.",
        "The first one stays as it was, in runs/houses/model.misstep.",
    ):
        assert words in done.said, done.out
    # Nothing of the run was touched, but for its record, which has grown, and the page about it.
    after = hashes(Path("runs/houses"))
    changed = {name for name, one in before.items() if after[name] != one}
    assert changed == {"record.jsonl", "report.html"}
    for report in ("runs/houses/report.html", "runs/houses/repair-1/report.html"):
        assert "Remedies beside an unchanged control" in Path(report).read_text(encoding="utf-8")
    event = next(one for one in ms.read_record("runs/houses").events if one["kind"] == "repair")
    assert "adopted: at 10,000 times the rate" in event["words"]
    arms = event["repair"]["rounds"][0]["arms"]
    assert {arm["arm"] for arm in arms} == {"control", "remedy", "random"}
    assert all(arm["curve"] for arm in arms)
    assert Path("runs/houses/repair-1/repair.svg").read_text().startswith("<svg")


def test_the_folder_of_a_repair_is_that_of_a_run(run: Run, few: None) -> None:
    train(run)
    assert run("repair", "runs/houses", "--quiet").code == 0
    folder = Path("runs/houses/repair-1")
    model = str(folder / "model.misstep")
    predicted = run("predict", model, "houses.csv")
    assert predicted.code == 0
    assert len(predicted.csv) == ROWS
    assert run("explain", model, "houses.csv", "--row", "1").code == 0
    summary = run("summary", model)
    assert "learned from: houses.csv" in summary.said
    assert "5 epochs" in summary.said or "epochs: 5" in summary.said
    diagnosed = run("diagnose", folder)
    assert diagnosed.code == 0
    assert "5 epochs" in diagnosed.said
    description = ms.read_record(folder).description
    assert description is not None
    assert description.origin["repaired_from"] == "runs/houses"
    assert description.origin["repaired"] == ["at 10,000 times the rate"]
    # It did not train as its options say, so that it can't be done again by them.
    for words in (["repair", folder], ["diagnose", folder, "--probe"]):
        refused = run(*words)
        assert refused.code == 2
        assert "runs/houses" in refused.err
    assert run("diagnose", folder, "--rows", "--budget", "1").code == 0


def test_the_test_scores_are_those_of_the_two_models(run: Run, few: None) -> None:
    train(run)
    done = run("repair", "runs/houses", "--json")
    assert done.code == 0
    assert done.out.count("\n") == 1
    facts = done.json
    assert facts["model"] == "runs/houses/repair-1/model.misstep"
    assert facts["adopted"][0]["label"] == "at 10,000 times the rate"
    first = ms.load_model("runs/houses/model.misstep")
    last = ms.load_model(facts["model"])
    assert first.facts["metrics"]["test"] == facts["test"]["before"]
    assert last.facts["metrics"]["test"] == facts["test"]["after"]
    assert facts["test"]["verdict"] == "better"
    assert facts["rounds"][0]["control_identical"] is True


def test_the_command_that_is_said_trains_the_same_from_the_start(run: Run, few: None) -> None:
    train(run)
    done = run("repair", "runs/houses", "--json")
    words = shlex.split(done.json["command"])
    assert words[:2] == ["misstep", "train"]
    assert "all of its settings:" in done.said
    assert run(*words[1:], "--out", "again", "--quiet").code == 0
    repaired, again = ms.load_model(done.json["model"]), ms.load_model("again/model.misstep")
    np.testing.assert_array_equal(repaired.network.parameters, again.network.parameters)


def test_what_does_not_help_is_rolled_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = [Idle()]
    monkeypatch.setattr("misstep.trials.rounds.registered_remedies", lambda: nothing)
    train(run)
    done = run("repair", "runs/houses")
    assert done.code == 0
    assert "Rolled back, nothing adopted" in done.said
    assert "Nothing was changed: runs/houses stays as it was." in done.said
    assert not Path("runs/houses/repair-1").exists()
    assert Path("runs/houses/repair.svg").exists()


def test_repairs_stand_beside_each_other_and_where_one_asks(run: Run, few: None) -> None:
    train(run)
    assert run("repair", "runs/houses", "--quiet").code == 0
    assert next_folder(Path("runs/houses")) == Path("runs/houses/repair-2")
    first = hashes(Path("runs/houses/repair-1"))
    again = run("repair", "runs/houses", "--quiet", "--out", "elsewhere")
    assert again.code == 0
    assert "elsewhere/model.misstep" in again.out
    assert hashes(Path("runs/houses/repair-1")) == first
    # Same seed, same bits.
    assert (
        Path("elsewhere/model.misstep").read_bytes()
        == Path("runs/houses/repair-1/model.misstep").read_bytes()
    )


def test_without_a_checkpoint_the_weights_are_those_of_the_model(run: Run, few: None) -> None:
    train(run)
    for path in Path("runs/houses/checkpoints").iterdir():
        path.unlink()
    done = run("repair", "runs/houses")
    assert done.code == 0
    assert "the weights are those of the model" in done.said
    assert "very weights of the run" not in done.said


def test_rows_that_are_set_aside_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Aside(Remedy):
        """The first rows are wrong."""

        title = "rows set aside"
        answers = ()
        is_general = True

        def changes(self, case: Case) -> Any:
            count = len(case.setting.rows)
            if count < 100:
                return
            kept = case.setting.rows.take(np.arange(3, count))
            raised = case.start.variant(optimizer=ms.Adam(0.01))
            yield Change("without three", raised, "", rows=kept, set_aside=(0, 1, 2))

    Aside.name = "aside"
    aside = [Aside()]
    monkeypatch.setattr("misstep.trials.rounds.registered_remedies", lambda: aside)
    train(run)
    done = run("repair", "runs/houses", "--json")
    assert done.code == 0, done.err
    with Path("runs/houses/repair-1", SET_ASIDE).open() as file:
        listed = list(csv.DictReader(file))
    assert [one["because"] for one in listed][:1] == ["rows set aside: without three"]
    # As the source numbers them, in the order in which they are learned.
    description = ms.read_record("runs/houses").description
    assert description is not None
    numbers = [int(one["row"]) for one in listed]
    assert len(set(numbers)) == 3 * len(done.json["adopted"])
    assert all(1 <= number <= ROWS for number in numbers)
    model = ms.load_model("runs/houses/repair-1/model.misstep")
    learned = ms.load_model("runs/houses/model.misstep").facts["rows"]
    assert model.facts["rows"] == learned - len(numbers)


def test_training_repairs_what_it_trained(run: Run, few: None) -> None:
    write()
    words = ["train", "houses.csv", "--target", "price", "--repair", "--json"]
    done = run(*words, "--network", "dense8", "--epochs", "30", "--learning-rate", "1e-6")
    assert done.code == 0
    facts = done.json
    if facts["findings"]:
        assert facts["repair"]["model"] == "runs/houses/repair-1/model.misstep"
        assert Path(facts["repair"]["model"]).is_file()
    assert Path(facts["model"]) == Path("runs/houses/model.misstep")
    sound = run(*words, "--out", "sound", "--network", "dense8", "--epochs", "5")
    assert sound.code == 0
    if not sound.json["findings"]:
        assert "no remedies are tried" in sound.err
        assert "repair" not in sound.json


def test_a_run_that_failed_is_repaired(run: Run, few: None) -> None:
    write()
    words = ["train", "houses.csv", "--target", "price", "--network", "dense8", "--epochs", "5"]
    failed = run(*words, "--optimizer", "sgd", "--learning-rate", "1e30", "--quiet")
    assert failed.code == 1
    assert not Path("runs/houses/model.misstep").exists()
    done = run("repair", "runs/houses", "--json")
    assert done.code == 0, done.err
    if done.json["adopted"]:
        assert done.json["test"]["before"] is None
        assert "The first run left no model." in done.err
        assert "chance alone" not in done.err


def test_what_cannot_be_repaired_is_refused_with_the_reason(run: Run) -> None:
    train(run)
    for words, needed in (
        (["nowhere"], "the folder of a run"),
        (["runs/houses", "--steps", "0"], "more than 0"),
        (["runs/houses", "--minutes", "nan"], "more than 0"),
        (["runs/houses", "--data", "nothing.csv"], "nothing.csv"),
    ):
        refused = run("repair", *words)
        assert refused.code == 2
        assert needed in refused.err
    write(seed=1)
    refused = run("repair", "runs/houses")
    assert refused.code == 2
    assert "the rows that the run learned from" in refused.err
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, folder="runs/mine")
    refused = run("repair", "runs/mine")
    assert refused.code == 2
    assert "ms.repair(trainer, x, y)" in refused.err


def test_a_series_is_refused_with_the_reason(run: Run) -> None:
    days = np.arange(120)
    lines = [f"{np.datetime64('2024-01-01') + day},{np.sin(day / 5):.4f}" for day in days]
    Path("waves.csv").write_text("\n".join(["day,height", *lines]) + "\n")
    words = ["train", "waves.csv", "--target", "height", "--epochs", "1", "--quiet"]
    assert run(*words).code == 0
    for refused in (run("repair", "runs/waves"), run(*words, "--repair")):
        assert refused.code == 2
        assert "learned three times" in refused.err


def test_ctrl_c_keeps_what_was_adopted_so_far(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [Raised(), Idle()]
    monkeypatch.setattr("misstep.trials.rounds.registered_remedies", lambda: known)
    train(run)
    real, calls = engine.play_round, []

    def ended(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise_in = named["on_progress"]
            named["on_progress"] = lambda *_: signal.raise_signal(signal.SIGTERM)
            assert raise_in is not None
        return real(*arguments, **named)

    monkeypatch.setattr(engine, "play_round", ended)
    done = run("repair", "runs/houses", "--json")
    assert done.code == 143
    facts = json.loads(done.out)
    assert len(facts["adopted"]) == 1
    assert ms.load_model(facts["model"]).facts["metrics"]["test"]
    assert "You ended it" in done.err


def test_an_earlier_round_makes_room_for_the_last_one(tmp_path: Path) -> None:
    place = RepairFolder(tmp_path / "repair-1", ("model.misstep",))
    for number in (1, 2, 3):
        folder = place.of_round(number)
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "record.jsonl").write_text(str(number))
        (folder / "model.misstep").write_text(str(number))
        place.settle(number)
        assert (place.folder / "model.misstep").read_text() == str(number)
    kept = {path.name: (path / "model.misstep").read_text() for path in place.folder.glob("r*-*")}
    assert kept == {"round-1": "1", "round-2": "2"}
    assert (place.folder / "checkpoints").is_dir()
