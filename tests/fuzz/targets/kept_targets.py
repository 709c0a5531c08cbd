"""What the library keeps for itself: compiled code, studies of searches."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from random import Random
from typing import Any

from misstep.compiler.runtime import object_cache
from tests.fuzz.mutations import BYTES, CELLS, overwrite, swap_lines
from tests.fuzz.structures import change_json_lines
from tests.fuzz.targets.target import Target


class Objects(Target):
    """Entries of the cache of machine code: read whole as they were written, or not at all."""

    name = "object"
    ending = ".object"
    mutations = (*BYTES, *(overwrite,) * 2)

    def make(self) -> list[bytes]:
        cache = self.folder / "cache"
        with _CacheIn(cache):
            object_cache.write(self._key(), b"machine code " * 20)
        (entry,) = (cache / "objects").iterdir()
        return [entry.read_bytes()]

    @staticmethod
    def _key() -> bytes:
        return hashlib.sha256(b"of what was compiled").digest()

    def begin(self) -> None:
        self._whole = (self.folder / "seed-00").read_bytes()

    def attempt(self, path: Path) -> None:
        cache = path.parent / "cache"
        (cache / "objects").mkdir(parents=True, exist_ok=True, mode=0o700)
        cache.chmod(0o700)
        content = path.read_bytes()
        entry = cache / "objects" / f"{self._key().hex()}.object"
        entry.write_bytes(content)
        entry.chmod(0o600)
        with _CacheIn(cache):
            code = object_cache.read(self._key())
        if code is not None:
            assert content.startswith(self._whole) or code in content
            assert code == b"machine code " * 20, "code that was not written is run"


class _CacheIn:
    """Keeps objects in another folder for a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._before = os.environ.get(object_cache.ENVIRONMENT_VARIABLE)
        os.environ[object_cache.ENVIRONMENT_VARIABLE] = str(self._folder)

    def __exit__(self, *error: object) -> None:
        if self._before is None:
            del os.environ[object_cache.ENVIRONMENT_VARIABLE]
        else:
            os.environ[object_cache.ENVIRONMENT_VARIABLE] = self._before


def change_words(content: bytes, random: Random) -> bytes:
    """Change a JSON value or a word where it stands in a database, without moving the rest."""
    found = list(re.finditer(rb"[\x20-\x7e]{3,}", content))
    broken = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.choice(found)
        size = place.end() - place.start()
        words = random.choice(CELLS).ljust(size)[:size]
        broken[place.start() : place.end()] = words
    return bytes(broken)


class Journals(Target):
    """Journals of studies, which a search joins: its trials, and which of them are done."""

    name = "journal"
    ending = ".journal"
    mutations = (*BYTES, swap_lines, *(change_json_lines,) * 14)
    study, identity, trials = "a study", "of these rows", 3

    def make(self) -> list[bytes]:
        place = self.folder / "study.journal"
        self._fill(place)
        return [place.read_bytes()]

    def _fill(self, place: Path | str) -> None:
        from misstep.tuning.result import State, TrialResult

        self.begin()
        ledger = self._joined(place)
        for number in range(2):
            attempt = ledger.claim()
            attempt.trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
            attempt.trial.report(1.0 / (1 + number), 1)
            done = TrialResult(
                *(number, {"learning_rate": 0.01}, 0.5, {"accuracy": 0.5}, State.COMPLETE, ""),
                *(3, 12, 0.1),
            )
            assert ledger.finish(attempt, done)

    def begin(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)

    def _joined(self, place: Path | str) -> Any:
        from misstep.tuning.study import joined_study

        starts = [{"learning_rate": 0.01}]
        return joined_study(place, self.study, self.identity, self.trials, starts, str(place))

    def attempt(self, path: Path) -> None:
        self._read(path)
        path.with_name(path.name + ".flock").unlink(missing_ok=True)

    def _read(self, place: Path | str) -> None:
        ledger = self._joined(place)
        ledger.results()
        ledger.curves()
        str(ledger.is_done)


class Databases(Journals):
    """Studies in a file of SQLite."""

    name = "database"
    ending = ".db"
    weight = 1
    mutations = (*BYTES, *(overwrite,) * 6, *(change_words,) * 6)

    def make(self) -> list[bytes]:
        place = self.folder / "study.db"
        self._fill(f"sqlite:///{place}")
        return [place.read_bytes()]

    def attempt(self, path: Path) -> None:
        self._read(f"sqlite:///{path}")
