"""Trains cases and keeps their records, so that rules can be run on them again in seconds."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

from benchmarks.doctor.cache import cache_folder
from benchmarks.doctor.cases import Case
from benchmarks.doctor.setups import train

# Only one of them has the CPU of this machine for itself; others use it too.
MOST_PROCESSES = 2


def record_folder(case: Case) -> Path:
    """Return where the record of a case is kept."""
    return cache_folder() / "records" / case.name.replace("/", "-").replace(" ", "_")


def is_recorded(case: Case) -> bool:
    """Return whether there is a whole record of a case."""
    return (record_folder(case) / "record.jsonl").is_file()


def record(
    cases: Sequence[Case], *, again: bool, processes: int, say: Callable[[str], None]
) -> None:
    """Record cases that are not yet there; `again`: all."""
    wanted = [case for case in cases if again or not is_recorded(case)]
    say(f"{len(wanted)} of {len(cases)} runs to record")
    began = time.perf_counter()
    processes = min(processes, MOST_PROCESSES)
    if processes > 1:
        with get_context("spawn").Pool(processes) as pool:
            for done, words in enumerate(pool.imap_unordered(_record_one, wanted), start=1):
                _tell(done, len(wanted), words, say)
    else:
        for done, case in enumerate(wanted, start=1):
            _tell(done, len(wanted), _record_one(case), say)
    say(f"{len(wanted)} runs recorded in {time.perf_counter() - began:.0f} s")


def _tell(done: int, count: int, words: str, say: Callable[[str], None]) -> None:
    if words:
        say(words)
    elif done % 50 == 0:
        say(f"{done} of {count}")


def _record_one(case: Case) -> str:
    """Record a case; return what was wrong. Half a record is never left."""
    folder = record_folder(case)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(case.setup(), case.seed, unfinished)
    except Exception as error:
        return f"{case.name}: {type(error).__name__}: {error}"
    shutil.rmtree(unfinished / "checkpoints", ignore_errors=True)
    # Somebody may be reading the one before: it is gone for a moment only.
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return ""
