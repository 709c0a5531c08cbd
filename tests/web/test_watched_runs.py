"""What the page gets of runs: going, over, broken off; of any number of updates, at once."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.record import Record, RecordWriter, read_record
from misstep.storage import folder_lock
from misstep.text.figures import figure
from misstep.web.watch import examiner
from misstep.web.watch.examiner import Examiner
from misstep.web.watch.run_state import State, state_of
from misstep.web.watch.run_summary import progress_of, scores_of, stages_of
from misstep.web.watch.strips import Strips, rows_of
from misstep.web.watch.watcher import ALONE, Watcher


def trained(folder: Path, *, epochs: int = 6, layers: int = 1, rate: float = 0.05) -> Record:
    """Train something small into `folder`; return its record."""
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    hidden = [one for _ in range(layers) for one in (ms.Dense(6), ms.nn.Sigmoid())]
    trainer = ms.Trainer(
        ms.Sequential(*hidden, ms.Dense(2)),
        loss=ms.losses.CrossEntropy(),
        optimizer=ms.SGD(rate),
        batch_size=20,
    )
    trainer.fit(x, y, validation=(x, y), epochs=epochs, folder=folder, callbacks=[ms.Snapshots()])
    return read_record(folder)


def asked(watcher: Watcher, *shown: str) -> dict[str, Any]:
    """Return what a page gets after a turn."""
    watcher.answer(shown, "")
    while watcher.turn():
        pass
    return json.loads(watcher.answer(shown, ""))


# --- how runs stand -----------------------------------------------------------------------------


def test_a_run_that_is_over_says_how_it_went(tmp_path: Path) -> None:
    record = trained(tmp_path / "mine")
    told = asked(Watcher(tmp_path), "mine")
    (run,) = told["runs"]
    assert (run["name"], run["state"], run["words"]) == (
        "mine",
        "finished",
        "all 6 epochs are done",
    )
    assert run["progress"] == {
        "step": 18,
        "epoch": 6,
        "share": 1.0,
        "left": None,
        "words": "epoch 6 of 6, 18 updates",
    }
    assert not run["can_stop"]
    best = min(record.epochs, key=lambda epoch: epoch["validation_loss"])
    assert f"validation loss {best['validation_loss']:.4f} in epoch" in run["scores"]["best"]
    detail = told["shown"]["mine"]
    np.testing.assert_allclose(detail["curves"]["loss"]["mean"], record.steps["loss"], rtol=1e-5)
    assert [stage["step"] for stage in detail["stages"]] == [1, 10, 18]
    assert detail["stages"][0]["words"].endswith("wrong")
    assert ["batch", "20 rows"] in detail["facts"]
    assert "Dense 6, Sigmoid, Dense 2" in dict(map(tuple, detail["facts"]))["network"]
    assert detail["outcome"]


def test_a_run_is_followed_as_it_goes_and_when_it_breaks_off(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    watcher = Watcher(tmp_path / "runs")
    with folder_lock(folder):
        assert [run["state"] for run in asked(watcher)["runs"]] == ["waiting"]
        with RecordWriter(folder, {}) as writer:
            writer.steps(1, [3.0, 2.0], [0.1, 0.1])
            told = asked(watcher, "a")
            assert told["runs"][0]["state"] == "going"
            assert told["runs"][0]["can_stop"]
            assert told["shown"]["a"]["curves"]["loss"]["mean"] == [3.0, 2.0]
            writer.steps(3, [1.0], [0.1])
            assert asked(watcher, "a")["shown"]["a"]["curves"]["loss"]["mean"] == [3.0, 2.0, 1.0]
    told = asked(watcher, "a")
    assert told["runs"][0]["state"] == "broken off"
    assert not told["runs"][0]["can_stop"]


def test_a_page_asks_for_a_run_by_its_key_whatever_it_is_called(tmp_path: Path) -> None:
    names = ["a\\b\nc", "долгий прогноз " * 8, os.fsdecode(b"no text \xff"), "constructor"]
    for name in names:
        (tmp_path / name).mkdir()
        with RecordWriter(tmp_path / name, {}) as writer:
            writer.steps(1, [3.0], [0.1])
    watcher = Watcher(tmp_path)
    keys = {run["key"]: run["name"] for run in asked(watcher)["runs"]}
    assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)
    assert sorted(keys.values()) == sorted([*names[:2], "no text \\xff", names[3]])
    told = asked(watcher, *keys)
    assert set(told["shown"]) == set(keys.values())
    for key, name in keys.items():
        assert watcher.folder_of(key) == watcher.folder_of(name)


def test_what_an_examination_comes_to_grief_on_silences_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path / "mine")

    def fails(record: Record) -> None:
        raise RuntimeError("nobody thought of that")

    monkeypatch.setattr(examiner, "examine", fails)
    (run,) = asked(Watcher(tmp_path), "mine")["runs"]
    assert "nobody thought of that" in run["words"]
    assert "fault in misstep" in run["words"]


def test_another_run_in_the_same_folder_is_another_run(tmp_path: Path) -> None:
    trained(tmp_path / "mine", layers=5)
    watcher = Watcher(tmp_path)
    first = asked(watcher, "mine")["shown"]["mine"]
    assert len(first["curves"]["loss"]["x"]) == 18
    trained(tmp_path / "mine", epochs=2)
    second = asked(watcher, "mine")["shown"]["mine"]
    assert len(second["curves"]["loss"]["x"]) == 6
    assert "Dense 6, Sigmoid, Dense 2" in dict(map(tuple, second["facts"]))["network"]


@pytest.mark.parametrize(
    ("events", "in_use", "state"),
    [
        ([], True, State.GOING),
        ([], False, State.BROKEN_OFF),
        ([{"kind": "note", "words": "a"}], True, State.GOING),
        ([{"kind": "finished", "words": "done"}], True, State.FINISHED),
        ([{"kind": "stopped", "facts": {"cause": "interrupted"}}], False, State.STOPPED),
        ([{"kind": "stopped", "facts": {"cause": "loss_not_finite"}}], False, State.FAILED),
        ([{"kind": "stopped", "facts": {"cause": "weights_not_finite"}}], False, State.FAILED),
        ([{"kind": "stopped", "facts": 3}], False, State.STOPPED),
        ([{"kind": "stopped"}, {"kind": "resumed"}], True, State.GOING),
        ([{"kind": "stopped"}, {"kind": "resumed"}], False, State.BROKEN_OFF),
        ([{"kind": "resumed"}, {"kind": "finished"}], False, State.FINISHED),
    ],
)
def test_how_a_run_stands(events: list[dict[str, Any]], in_use: bool, state: State) -> None:
    assert state_of(Record({}, events=events), in_use=in_use).state is state


def test_a_run_without_a_record_waits_or_never_was() -> None:
    assert state_of(None, in_use=True).state is State.WAITING
    assert state_of(None, in_use=False).state is State.BROKEN_OFF


def test_what_is_no_record_is_said_and_harms_no_other(tmp_path: Path) -> None:
    trained(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "record.jsonl").write_text("a,b\n1,2\n")
    told = {run["name"]: run for run in asked(Watcher(tmp_path), "good", "bad")["runs"]}
    assert told["good"]["state"] == "finished"
    assert "another kind of file" in told["bad"]["words"]


def test_a_record_that_says_nonsense_harms_no_other(tmp_path: Path) -> None:
    trained(tmp_path / "good")
    with RecordWriter(tmp_path / "bad.jsonl", {}) as writer:
        writer.steps(1, [3.0], [0.1])
        writer.event("stopped", ["no words"], facts=3)  # type: ignore[arg-type]
    (tmp_path / "bad").mkdir()
    lines = [
        (tmp_path / "bad.jsonl").read_bytes(),
        b'{"kind":"epoch","epoch":1,"step":1,"values":{"seconds":"x"}}\n',
        b'{"kind":"epoch","epoch":9007199254740992,"step":9007199254740992,"values":{}}\n',
        b'{"kind":"steps","first":9007199254740000,"loss":[1,2],"learning_rate":0}\n',
        b'{"kind":"snapshot","step":1,"rows":1,"last":false,"values":{"error":[]}}\n',
        b'{"kind":"snapshot","step":1,"rows":1,"last":false,"values":{}}\n',
        b'{"kind":"resumed"}\n{"kind":[]}\n{"kind":"measures","step":1,"signals":[]}\n',
    ]
    (tmp_path / "bad" / "record.jsonl").write_bytes(b"".join(lines))
    told = asked(Watcher(tmp_path), "good", "bad")
    assert {run["name"] for run in told["runs"]} == {"good", "bad"}
    assert set(told["shown"]) == {"good", "bad"}


# --- which runs ---------------------------------------------------------------------------------


def test_runs_are_found_below_a_folder_and_come_and_go(tmp_path: Path) -> None:
    clock = Clock()
    watcher = Watcher(tmp_path, clock=clock)
    assert asked(watcher)["runs"] == []
    clock.now += 5
    for name in ("a", "deep/down/b", ".hidden/c", "a/checkpoints/d"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        RecordWriter(folder, {}).close()
    assert {run["name"] for run in asked(watcher)["runs"]} == {"a", "deep/down/b"}
    clock.now += 5
    (tmp_path / "a" / "record.jsonl").unlink()
    assert [run["name"] for run in asked(watcher)["runs"]] == ["deep/down/b"]


def test_one_run_is_watched_by_its_folder_or_its_record(tmp_path: Path) -> None:
    trained(tmp_path / "mine")
    for root in (tmp_path / "mine", tmp_path / "mine" / "record.jsonl"):
        assert [run["name"] for run in asked(Watcher(root))["runs"]] == ["mine"]
    assert asked(Watcher(tmp_path / "nowhere"))["runs"] == []


def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    trained(tmp_path / "inside" / "mine")
    trained(tmp_path / "outside")
    watcher = Watcher(tmp_path / "inside")
    for name in ("../outside", str(tmp_path / "outside"), "mine/../../outside", "mine/", ""):
        assert asked(watcher, name)["shown"] == {}
        assert json.loads(watcher.strips(name, 440))["strips"] == []
        with pytest.raises(ms.MisstepError, match="one that is watched"):
            watcher.folder_of(name)


def test_what_is_known_is_not_sent_again(tmp_path: Path) -> None:
    trained(tmp_path / "mine")
    watcher = Watcher(tmp_path)
    version = asked(watcher, "mine")["version"]
    assert json.loads(watcher.answer(["mine"], version)) == {"again": 1000, "version": version}
    assert "runs" in json.loads(watcher.answer([], version))


def test_a_folder_of_many_runs_comes_bit_by_bit(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").mkdir()
        RecordWriter(tmp_path / f"{number}", {}).close()
    watcher = Watcher(tmp_path, clock=Clock(step=0.2))
    assert watcher.turn()
    first = json.loads(watcher.answer([], ""))["runs"]
    assert 0 < len(first) < 5
    assert len(asked(watcher)["runs"]) == 5


class Clock:
    """A clock that tests turn."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 100.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_where_nobody_asks_nothing_is_drawn(tmp_path: Path) -> None:
    trained(tmp_path / "mine")
    clock = Clock()
    watcher = Watcher(tmp_path, clock=clock)
    assert "mine" in asked(watcher, "mine")["shown"]
    clock.now += ALONE + 1
    watcher.turn()
    assert watcher._details == {}


def test_it_follows_in_a_thread(tmp_path: Path) -> None:
    trained(tmp_path / "mine")
    with Watcher(tmp_path) as watcher:
        first = json.loads(watcher.answer(["mine"], ""))
        assert [run["name"] for run in first["runs"]] == ["mine"]


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_finding_is_told_when_two_looks_had_it_or_the_run_is_over(tmp_path: Path) -> None:
    record = trained(tmp_path, layers=6)
    clock = Clock()
    examiner = Examiner(lambda record: str, clock)
    assert examiner.consider(record, 1, is_over=False)
    uncertain = [one for one in ms.diagnose(tmp_path).findings if one.confidence < 0.97]
    assert uncertain
    assert not {one["slug"] for one in examiner.findings} & {one.slug for one in uncertain}
    assert not examiner.consider(record, 2, is_over=False)  # too early
    clock.now += 10
    assert not examiner.consider(record, 1, is_over=False)  # nothing new
    assert examiner.consider(record, 2, is_over=False)
    told = {one["slug"] for one in examiner.findings}
    assert told == {one.slug for one in ms.diagnose(tmp_path).findings}
    assert sum(examiner.counts.values()) == len(told)
    over = Examiner(lambda record: str.upper, clock)
    over.consider(record, 1, is_over=True)
    assert {one["slug"] for one in over.findings} == told
    (first, *_) = over.findings
    assert all(words == words.upper() for label, words in first["parts"])


# --- figures ------------------------------------------------------------------------------------


def test_strips_say_the_latest_look_in_words(tmp_path: Path) -> None:
    record = trained(tmp_path, layers=6, epochs=10)
    flow = ms.doctor.gradient_flow(record)
    assert flow is not None
    rows = rows_of(flow)
    assert [name for name, _, _ in rows] == list(flow.names)
    for (_, number, words), share in zip(rows, flow.latest, strict=True):
        assert number == figure(float(f"{share:.2g}"))
        assert words == ("vanishing" if share < flow.band[0] else "healthy")
    assert {words for _, _, words in rows} == {"vanishing", "healthy"}
    strips = Strips.of(record)
    first, second, *_ = strips.plain(380)
    assert first["rows"] == [list(row) for row in rows]
    assert "in an update" in second["title"]
    assert 'width="380"' in first["svg"]
    assert "style=" not in first["svg"]
    assert strips.mark == Strips.of(record).mark != Strips.of(trained(tmp_path, epochs=3)).mark


def test_a_run_that_nobody_looked_into_has_no_strips() -> None:
    assert Strips.of(Record({})) == Strips(())
    assert Strips(()).mark == ""


def test_time_left_goes_by_the_latest_epochs(tmp_path: Path) -> None:
    record = trained(tmp_path / "mine", epochs=6)
    going = state_of(Record({}), in_use=True)
    record.epochs = record.epochs[:3]
    for epoch in record.epochs:
        epoch["seconds"] = 6.0
    record._lines = [line[line[:, 0] <= 9] for line in record._lines]
    progress = progress_of(record, going)
    assert (progress["step"], progress["share"]) == (9, 0.5)
    assert progress["left"] == pytest.approx(18.0)  # nine more updates of two seconds
    assert progress["words"] == "epoch 3 of 6, 9 updates, about 18 s left at most"


def test_what_is_not_known_is_not_said() -> None:
    record = Record({})
    assert scores_of(record) == {"loss": None, "best": "", "last": ""}
    assert progress_of(None, state_of(None, in_use=True))["share"] is None
    record.add({"kind": "steps", "first": 1, "loss": [float("nan")], "learning_rate": 0.1})
    assert scores_of(record)["last"] == "no number"
    record.add(
        {"kind": "snapshot", "step": 1, "rows": 3, "last": False, "values": {"rmse": float("inf")}}
    )
    assert [one["words"] for one in stages_of(record)] == ["no number"]
