"""No trial is lost and none is run twice to its end, whoever dies at whatever moment."""

from __future__ import annotations

import fcntl
import json
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import StorageError
from misstep.tuning.ledger import Ledger
from misstep.tuning.presence import Presence
from misstep.tuning.result import State, TrialResult
from misstep.tuning.storage import open_storage
from misstep.tuning.study import _compared, joined_study

SLOTS = 4


@dataclass(frozen=True)
class Mortal(Presence):
    """A worker that dies when it is told to; `dead`: those that did, by token."""

    dead: set[str] = field(default_factory=set, compare=False)

    def knows_gone(self, other: Any) -> bool:
        return isinstance(other, dict) and other["token"] in self.dead


def ledgers(storages: list[Any], dead: set[str]) -> list[Ledger]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        studies = [
            optuna.create_study(study_name="one", storage=storage, load_if_exists=True)
            for storage in storages
        ]
    return [
        Ledger(study, SLOTS, Mortal(token=f"worker {number}", dead=dead))
        for number, study in enumerate(studies)
    ]


def done(slot: int) -> TrialResult:
    return TrialResult(slot, {"x": 1.0}, float(slot), {}, State.COMPLETE)


def check(workers: list[Ledger], finished: list[int]) -> None:
    assert sorted(finished) == list(range(SLOTS))  # each once
    for ledger in workers:
        assert ledger.is_done
        assert [one.validation_loss for one in ledger.results()] == [0.0, 1.0, 2.0, 3.0]


# What happens, and to which of the workers: each dies once at most, in the middle of what it does.
MOMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["claim", "finish", "rescue", "die", "open"])),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(MOMENTS)
def test_each_trial_counts_once(moments: list[tuple[int, str]]) -> None:
    dead: set[str] = set()
    storage = optuna.storages.InMemoryStorage()
    workers = ledgers([storage] * 5, dead)
    workers[-1].open([{}])
    begun: dict[int, Any] = {}
    finished: list[int] = []

    def act(number: int, what: str) -> None:
        ledger = workers[number]
        if ledger.me.token in dead:
            return
        if what == "claim" and number not in begun:
            attempt = ledger.claim()
            if attempt is not None:
                begun[number] = attempt
        elif what == "finish" and number in begun:
            attempt = begun.pop(number)
            if ledger.finish(attempt, done(attempt.slot)):
                finished.append(attempt.slot)
        elif what == "rescue":
            ledger.rescue()
        elif what == "open":
            ledger.open([{}])
        elif what == "die":
            dead.add(ledger.me.token)

    for number, what in moments:
        act(number, what)
    # The last one lives; those of the others that live finish what they have.
    for number in range(4):
        act(number, "finish")
    while not workers[-1].is_done:
        act(4, "rescue")
        act(4, "claim")
        act(4, "finish")
    check(workers, finished)


@pytest.mark.parametrize("kind", ["study.journal", "sqlite"])
def test_a_second_attempt_that_two_wrote_is_begun_once(tmp_path: Path, kind: str) -> None:
    place = f"sqlite:///{tmp_path}/study.db" if kind == "sqlite" else tmp_path / kind
    dead: set[str] = set()
    first, second, third = ledgers([open_storage(place) for _ in range(3)], dead)
    first.open([{}])
    attempt = first.claim()
    assert attempt is not None
    assert attempt.slot == 0
    dead.add("worker 0")
    # Both find it gone before either has written another.
    trial_id = attempt.trial._trial_id
    assert second._end(trial_id, {"gone": "its worker is gone"})
    second._write(0, {})
    third._write(0, {})
    slots = []
    for ledger in (third, second, third, second, third):
        begun = ledger.claim()
        if begun is not None:
            slots.append(begun.slot)
            assert ledger.finish(begun, done(begun.slot))
    assert sorted(slots) == [0, 1, 2, 3]
    # Who was thought dead comes back too late.
    assert not first.finish(attempt, done(0))
    assert second.results()[0].attempts == 2


def test_a_line_that_a_killed_worker_left_half_is_mended(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    (ledger,) = ledgers([open_storage(place)], set())
    ledger.open([{}])
    with place.open("ab") as file:
        file.write(b'{"op_code": 5, "work')
    (other,) = ledgers([open_storage(place)], set())
    attempt = other.claim()
    assert attempt is not None
    assert other.finish(attempt, done(attempt.slot))
    (again,) = ledgers([open_storage(place)], set())
    assert [one.state for one in again.results()][:2] == [State.COMPLETE, State.WAITING]


def test_a_disk_without_such_locks_has_a_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "study.journal"

    def refuse(handle: int, how: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (ledger,) = ledgers([open_storage(place)], set())
    lock = ledger.study._storage._backend._lock
    lock.acquire()
    assert Path(f"{place}.lock").exists()  # nobody else can make it
    lock.release()
    ledger.open([{}])
    assert len(ledger.results()) == SLOTS
    assert not Path(f"{place}.lock").exists()


def test_a_worker_of_another_machine_is_gone_when_its_beat_stands_still(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    first, second = ledgers([open_storage(place), open_storage(place)], set())
    first.open([{}])
    attempt = first.claim()
    assert attempt is not None
    second.stale = 0.05
    assert second.rescue()
    first.beat(attempt, 1)
    assert second.rescue()
    assert second.results()[0].state is State.RUNNING
    time.sleep(0.1)
    second.rescue()
    assert second.results()[0].state is State.WAITING


def test_the_sampler_goes_by_the_trials_that_were_done() -> None:
    (ledger,) = ledgers([optuna.storages.InMemoryStorage()], set())
    ledger.count = 30
    ledger.open([])
    away = []
    for _ in range(ledger.count):
        attempt = ledger.claim(
            lambda slot: (optuna.samplers.TPESampler(seed=slot, n_startup_trials=8), None)
        )
        assert attempt is not None
        x = attempt.trial.suggest_float("x", 0.0, 1.0)
        away.append(abs(x - 0.3))
        result = TrialResult(attempt.slot, {"x": x}, away[-1], {}, State.COMPLETE)
        assert ledger.finish(attempt, result)
    assert np.mean(away[15:]) < 0.5 * np.mean(away[:8])


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("slot", {"a": 1}), ("slot", "none"), ("result", [1]), ("result", {"validation_loss": "low"})],
)
def test_a_study_that_no_search_wrote_is_refused(
    tmp_path: Path, attribute: str, value: object
) -> None:
    place = tmp_path / "study.journal"
    ledger = joined_study(place, "one", "of these rows", 2, [{"x": 1.0}], "here")
    if attribute == "result":
        attempt = ledger.claim()
        assert attempt is not None
        assert ledger.finish(attempt, done(0))
    text = place.read_text()

    def otherwise(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: value if name == attribute else one for name, one in pairs}

    lines = [json.loads(line, object_pairs_hook=otherwise) for line in text.splitlines()]
    place.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(StorageError, match="needed what a search wrote"):
        joined_study(place, "one", "of these rows", 2, [{"x": 1.0}], "here")
    # One that is whole is joined.
    place.write_text(text)
    assert joined_study(place, "one", "of these rows", 2, [{"x": 1.0}], "here").results()


def test_comparisons_that_no_search_wrote_are_made_anew() -> None:
    plain = {"number": 3, "gain": 0.1, "error": 0.01, "rows": 9, "trainings": 2, "better": 2}
    for told in (
        None,
        3,
        [3],
        [{"number": 3}],
        [plain | {"gain": "much"}],
        [plain | {"number": 7}],
    ):
        assert _compared(told, [2, 3]) is None
    [read] = _compared([plain], [2, 3]) or []
    assert read.plain() == plain


def test_another_file_at_the_place_of_a_journal_is_told_once(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    place.write_text("something else")
    with pytest.raises(StorageError) as caught:
        open_storage(place)
    assert str(caught.value).count("needed") == 1
