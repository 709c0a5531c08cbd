"""A search from end to end on a small table: what it promises of trial 0, of seeds, of studies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from sqlalchemy.exc import OperationalError
from tuning_world import OPTIONS, SPACE, TRIALS, small_search, small_table

from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.tuning import State, TrialResult, search, storage, tune
from misstep.tuning.ledger import Ledger
from misstep.tuning.storage import open_storage, storage_words


def test_the_best_is_never_worse_than_the_default_and_seeds_repeat() -> None:
    told: list[TrialResult] = []
    first, again = small_search(None, on_trial=told.append), small_search(None)
    assert [one.number for one in first.trials] == list(range(TRIALS))
    assert told == first.trials
    assert first.default.state is State.COMPLETE
    assert first.leader.validation_loss <= first.default.validation_loss
    assert [one.validation_loss for one in first.trials] == [
        one.validation_loss for one in again.trials
    ]
    assert first.comparisons == again.comparisons
    if not first.paid:
        assert first.options == OPTIONS


def other_search(place: Path, **more: Any) -> None:
    arguments: dict[str, Any] = {"trials": 1, "storage": place, "space": SPACE, "name": "mine"}
    data, options = more.pop("data", small_table()), more.pop("options", OPTIONS)
    tune(data, options, **(arguments | more))


def test_a_study_of_other_data_options_or_space_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    done = small_search(str(place), name="mine")
    joined = small_search(str(place), name="mine")
    # Nothing was done again.
    assert [one.seconds for one in joined.trials] == [one.seconds for one in done.trials]
    assert joined.comparisons == done.comparisons
    for wrong in (
        {"data": small_table(1)},
        {"options": replace(OPTIONS, epochs=2)},
        {"space": {"learning_rate": "1e-3..1e-1"}},
    ):
        with pytest.raises(ArgumentError, match="one of others"):
            other_search(place, **wrong)
    # How many threads there are changes no number.
    other_search(place, options=replace(OPTIONS, threads=2))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"trials": 0}, "trials"),
        ({"workers": 0}, "workers"),
        ({"minutes": 0.0}, "minutes"),
        ({"sampler": "tpa"}, "sampler"),
        ({"space": {"learning_rat": "1..2"}}, "learning_rate"),
        ({"storage": "sqlite:////nowhere/at/all.db"}, "storage"),
    ],
)
def test_what_can_not_be_used_is_refused(tmp_path: Path, wrong: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        other_search(tmp_path / "study.journal", **wrong)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("postgresql://me:se@cr?et@host/db?sslmode=on", "postgresql://me@host/db?sslmode=on"),
        ("mysql+mysqldb://host/db?user=me&password=secret", "mysql+mysqldb://host/db?user=me"),
        ("postgresql:///db?password=secret", "postgresql:///db"),
        ("postgresql:///db?user=me&password=sec@ret", "postgresql://@ret"),
        ("redis://:secret@host:6379", "redis://@host:6379"),
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("runs/a@b.journal", "runs/a@b.journal"),
    ],
)
def test_no_password_is_told(place: str, words: str) -> None:
    assert storage_words(place) == words


def test_redis_keeps_no_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = optuna.storages.journal  # type: ignore[attr-defined]

    backend, snapshots = journal.BaseJournalBackend, journal._base.BaseJournalSnapshot

    class Redis(backend, snapshots):  # type: ignore[misc, valid-type]
        def __init__(self, url: str) -> None:
            self.logs: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
            return self.logs[log_number_from:]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            self.logs += logs

        def save_snapshot(self, snapshot: bytes) -> None:
            raise AssertionError("a pickle")

        def load_snapshot(self) -> bytes:
            raise AssertionError("a pickle")

    monkeypatch.setattr(journal, "JournalRedisBackend", Redis)
    monkeypatch.setattr(journal._storage, "SNAPSHOT_INTERVAL", 1)
    study = optuna.create_study(storage=open_storage("redis://host"))
    for _ in range(3):
        study.enqueue_trial({"x": 1.0})
    assert len(study.get_trials()) == 3


def test_who_makes_tables_at_the_same_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = optuna.storages.RDBStorage.__init__
    tries: list[str] = []

    def late(self: Any, words: str, **more: Any) -> None:
        tries.append(words)
        if len(tries) == 1:
            raise OperationalError("CREATE TABLE", {}, Exception("table studies already exists"))
        made(self, words, **more)

    monkeypatch.setattr(optuna.storages.RDBStorage, "__init__", late)
    monkeypatch.setattr(storage, "PAUSE", 0.0)
    assert open_storage(f"sqlite:///{tmp_path}/study.db").get_all_studies() == []
    assert len(tries) == 2


def test_who_was_taken_for_gone_goes_on_with_the_next_trial(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    whole, stolen = search.run_trial, list[int]()

    def slow(problem: Any, trial: Any, number: int, space: Any, **more: Any) -> Any:
        if number == 1 and not stolen:
            # Another one gives it up, as if this process had stood still for long.
            stolen.append(number)
            other = optuna.load_study(study_name="mine", storage=open_storage(place))
            ledger = Ledger(other, TRIALS, stale=-1.0)
            ledger.rescue()
        return whole(problem, trial, number, space, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "run_trial", slow)
        tuning = small_search(str(place), name="mine")
    assert stolen == [1]
    assert [one.attempts for one in tuning.trials] == [1, 2, 1, 1]
    assert all(one.state is not State.WAITING for one in tuning.trials)


@pytest.mark.parametrize("text", ['{"mine": 1}', "[1, 2]", "a,b\n1,2\n", '{"op'])
def test_only_a_journal_is_written_to(tmp_path: Path, text: str) -> None:
    place = tmp_path / "mine.json"
    place.write_text(text)
    if '{"op_code":'.startswith(text):
        assert open_storage(place).get_all_studies() == []
        return
    with pytest.raises(StorageError, match="the journal of a study"):
        open_storage(place)
    assert place.read_text() == text


def test_the_default_is_tried_however_little_time_there_is() -> None:
    tuning = small_search(None, minutes=1e-9)
    assert tuning.ended_early == search.TIME_OVER
    assert tuning.best is tuning.default
    states = [one.state for one in tuning.trials]
    assert states == [State.COMPLETE, *[State.WAITING] * (TRIALS - 1)]


def test_a_storage_that_needs_a_package_names_it() -> None:
    with pytest.raises(MisstepError, match="pip install psycopg2-binary") as caught:
        open_storage("postgresql://me:secret@nowhere/study")
    assert "secret" not in str(caught.value)
