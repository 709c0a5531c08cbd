"""Command lines made up: every command and option that is registered, with sane and odd values.

What there is, the command line itself says; only what values mean something stands here, by the
names of options and their types. An option added tomorrow is used by its type.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any

from misstep.cli.app import command_line
from misstep.labs import registered_labs
from misstep.modeling.options import Face, Needs, TaskName, all_options
from misstep.nn.losses.loss import loss_names
from misstep.optim.optimizer import optimizer_names
from tests.fuzz.sources import Source
from tests.fuzz.values import (
    EVERYWHERE,
    NETWORKS,
    ODD_NETWORKS,
    ODD_SETTINGS,
    PATHS,
    PLACES,
    REAL,
    SETTINGS,
    SPACES,
    WEIGHTS,
    WHOLE,
    WORDS,
)

# Share of values that mean nothing sane.
ODD = 0.04


@dataclass(frozen=True)
class World:
    """What the words may speak of: a source, and the runs that lie in the folder by their kind."""

    source: Source
    runs: tuple[str, ...] = ()


class Speaker:
    """Makes command lines about one world, of the random numbers given."""

    def __init__(self, random: Random, world: World) -> None:
        self.random, self.world = random, world
        self.commands: dict[str, Any] = _commands()

    def train(self) -> list[str]:
        """Return a line that trains, as long as none of its odd values keeps it from that."""
        source, random = self.world.source, self.random
        given = {*source.needs[::2]}
        words = ["train", source.name, *source.needs]
        few = random.choice(["1", "2", "2", "3", "5"])
        usual = [("--epochs", few, 0.95), ("--threads", random.choice("1112"), 0.9),
                 ("--network", self._network(), 0.7), ("--quiet", None, 0.15),
                 ("--json", None, 0.3)]  # fmt: skip
        for flag, value, share in usual:
            if random.random() < share:
                given.add(flag)
                words += [flag] if value is None else [flag, value]
        if "--epochs" not in given:
            words += ["--minutes", "0.01"]
            given.add("--minutes")
        # They take long, or wait for a page to be looked at.
        seldom = {"--repair": 0.03, "--watch": 0.03, "--help": 0.01, "--resume": 0.1}
        for option in self.random.sample(self._options("train"), random.choice([0, 0, 1, 2, 3, 4])):
            flag = option.opts[0]
            fits = random.random() < 0.02 or self._fits(option.name)
            if flag not in given and fits and random.random() < seldom.get(flag, 1):
                words += self._said("train", option)
        return self._spoiled(words)

    def _fits(self, name: str) -> bool:
        """Tell whether an option means something for the source; what is new always does."""
        kind, series = self.world.source.kind, self.world.source.kind == "series"
        if name in ("horizon", "season"):
            return series
        if name in ("vectors", "sequence_of", "loss", "task"):
            return self.random.random() < 0.15
        if name in ("target", "without"):
            # What a folder holds has no columns.
            return bool(self.world.source.columns)
        if name in ("only", "groups"):
            return kind == "table" and self.random.random() < 0.4
        if name == "test":
            return kind == "table" and not self.world.source.odd
        return _NEEDS.get(name) in (None, Needs.ANYTHING, _HOLDS.get(kind))

    def other(self) -> list[str]:
        """Return a line with any other command."""
        random = self.random
        names = [name for name in self.commands if name != "train"]
        name = random.choice([*names, "predict", "explain", "check", "diagnose"])
        words = [name]
        for argument in self._arguments(name):
            if argument.required or random.random() < 0.7:
                words.append(self._value(name, argument, odd=random.random() < ODD))
        if name in ("check", "find-rate", "tune") and random.random() < 0.9:
            words = [name, self.world.source.name, *self.world.source.needs]
        given = set(words)
        for flag, value in _BOUNDS.get(name, {}).items():
            words += [flag, value]
            given.add(flag)
        wanted = random.choice([0, 1, 1, 2, 2, 3])
        options = self._options(name)
        for option in random.sample(options, min(wanted, len(options))):
            if option.opts[0] not in given and (
                option.opts[0] != "--probe" or random.random() < 0.3
            ):
                words += self._said(name, option)
        return self._spoiled(words)

    def _spoiled(self, words: list[str]) -> list[str]:
        """Return the words, seldom with something wrong with them as words."""
        random = self.random
        if random.random() < 0.98:
            return words
        at = random.randrange(len(words))
        way = random.randrange(6)
        if way == 0:
            return words[:at]
        if way == 1:
            return [*words, random.choice(["--bogus", "more", "--epoch", "-h", "--json=yes", "--"])]
        if way == 2:
            return [*words[:at], words[at][:-1], *words[at + 1 :]]
        if way == 3:
            return [*words[:at], *words[at + 1 :]]
        if way == 4:
            return [*words, *words[1:]]
        return [*words[:1], *random.sample(words[1:], len(words) - 1)]

    def _options(self, command: str) -> list[Any]:
        return [p for p in self.commands[command].params if p.param_type_name == "option"]

    def _arguments(self, command: str) -> list[Any]:
        return [p for p in self.commands[command].params if p.param_type_name == "argument"]

    def _said(self, command: str, option: Any) -> list[str]:
        """Return an option as one says it, with a value where it takes one."""
        random = self.random
        if _type(option) is bool:
            return [random.choice([*option.opts, *option.secondary_opts])]
        words = []
        for _ in range(
            random.choice([1, 1, 2]) if option.multiple or random.random() < 0.03 else 1
        ):
            flag, value = option.opts[0], self._value(command, option, odd=random.random() < ODD)
            words += [f"{flag}={value}"] if random.random() < 0.2 else [flag, value]
        return words

    def _value(self, command: str, parameter: Any, *, odd: bool) -> str:
        name, kind, random = parameter.name, _type(parameter), self.random
        if odd:
            return random.choice(self._odd(command, name, kind))
        known = getattr(self, f"_{name}", None)
        if known is not None:
            return str(known())
        if isinstance(kind, type) and issubclass(kind, Enum):
            return str(random.choice(list(kind)).value)
        if kind is int:
            return str(random.choice([1, 1, 2, 3, 5, 8]))
        if kind is float:
            return random.choice(["0.001", "0.01", "0.1", "0.5", "1"])
        return random.choice(["x", "data", *self.world.source.columns])

    def _odd(self, command: str, name: str, kind: Any) -> tuple[str, ...]:
        if name in ("folder", "out", "prepared"):
            return PLACES
        if kind is int:
            return WHOLE
        if kind is float:
            return REAL
        if name == "network":
            return (*ODD_NETWORKS, *WORDS)
        if name in ("hyperparameters", "space"):
            return (*ODD_SETTINGS, *WORDS)
        return (
            PATHS if kind is Path or name in ("source", "test", "data", "model", "run") else WORDS
        )

    # What is sane to say for an option or argument of that name.

    def _source(self) -> str:
        return self.world.source.name

    def _data(self) -> str:
        return self.world.source.name

    def _model(self) -> str:
        return f"{self._run()}/model.misstep"

    def _run(self) -> str:
        return self.random.choice(self.world.runs or ("runs/none",))

    def _name(self) -> str:
        # Others take seconds each.
        quick = [name for name in ("one-neuron", "house-price-weight") if name in registered_labs()]
        return self.random.choice([*quick, "bogus"])

    def _column(self) -> str:
        source, random = self.world.source, self.random
        if random.random() < 0.05:
            return random.choice(["outcome", "nope"])
        sane = [name for name in source.columns if name not in source.needs]
        return random.choice(sane or ["outcome"])

    _without = _groups = _sequence_of = _column

    def _target(self) -> str:
        source = self.world.source
        return self.random.choice([*source.needs[1:2] * 3, *source.columns, "outcome"])

    def _task(self) -> str:
        if self.random.random() < 0.1:
            return self.random.choice(list(TaskName)).value
        sane = {"series": TaskName.FORECAST, "table": self.random.choice(list(TaskName)[:2])}
        return sane.get(self.world.source.kind, TaskName.CLASSIFICATION).value

    def _only(self) -> str:
        columns = {name: cells for name, cells in self.world.source.columns.items() if cells}
        if not columns:
            return "kind=a"
        name = self.random.choice(list(columns))
        return f"{name}={self.random.choice(columns[name])}"

    def _test(self) -> str:
        return self.random.choice(["other.csv", "other.tsv", self.world.source.name])

    def _network(self) -> str:
        some = NETWORKS[self.world.source.kind]
        if self.random.random() < 0.02:
            some = " ".join(NETWORKS.values())
        return self.random.choice(some.split())

    def _vectors(self) -> str:
        return self.random.choice(["vectors.txt", "vectors.txt", "noise.bin"])

    def _loss(self) -> str:
        return self.random.choice(loss_names())

    def _optimizer(self) -> str:
        return self.random.choice(optimizer_names())

    def _horizon(self) -> int:
        return self.random.choice([1, 2, 5, 12, 60])

    def _season(self) -> int:
        return self.random.choice([0, 2, 7, 12, 90])

    def _minutes(self) -> str:
        return self.random.choice(["0.002", "0.01", "1e-9"])

    def _budget(self) -> str:
        return self.random.choice(["0.5", "1", "0.001"])

    def _batch_size(self) -> int:
        return self.random.choice([1, 2, 7, 16, 64, 1000])

    def _learning_rate(self) -> str:
        return self.random.choice(["0.001", "0.01", "0.1", "1", "100", "1e-12", "1e20"])

    def _hyperparameters(self) -> str:
        return self.random.choice([*EVERYWHERE * 4, *SETTINGS])

    def _space(self) -> str:
        return self.random.choice(SPACES)

    def _augment(self) -> str:
        return self.random.choice(
            ["none", "flip", "shift", "flip-shift", "noise", "cutout", "mixup"]
        )

    def _seed(self) -> int:
        return self.random.choice([0, 1, 7, 12345, 2**31])

    def _threads(self) -> int:
        return self.random.choice([1, 1, 1, 1, 2, 2, 2, 3, 3, 64])

    def _folder(self) -> str:
        return self.random.choice(["out", "runs/mine", "größe 🦄", "a/b/c"])

    _out = _folder

    def _prepared(self) -> str:
        return self.random.choice(["prepared", "a/prepared"])

    def _memory(self) -> str:
        return self.random.choice(["4GB", "1GB", "100MB", "1MB", "1kB", "1"])

    def _weight(self) -> str:
        return self.random.choice(WEIGHTS)

    def _row(self) -> int:
        return self.random.choice([1, 1, 2, 5, 20, 500])

    def _step(self) -> int:
        return self.random.choice([1, 1, 1, 2, 50])

    def _top(self) -> int:
        return self.random.choice([1, 3, 8, 100])

    def _trials(self) -> int:
        return self.random.choice([1, 2])

    def _workers(self) -> int:
        return 1

    def _sampler(self) -> str:
        return self.random.choice(["tpe", "random", "quasi-random", "bogus"])

    def _pruner(self) -> str:
        return self.random.choice(["median", "hyperband", "successive-halving", "none", "bogus"])

    def _storage(self) -> str:
        return self.random.choice(["study.journal", "sqlite:///study.db", "noise.bin", "folder"])

    def _steps(self) -> int:
        return self.random.choice([1, 5, 40])

    def _port(self) -> int:
        return self.random.choice([-1, 99999, 70000])

    def _host(self) -> str:
        return self.random.choice(["999.1.1.1", "no such host", "203.0.113.7"])

    def _link(self) -> str:
        return self.random.choice(["v=1&p=nope", "v=9", "%%%", "v=1&p=spirals&l=999999.9"])


# What keeps a command short: without it some go on for long, or until Ctrl-C.
_BOUNDS: dict[str, dict[str, str]] = {
    "tune": {"--trials": "1", "--epochs": "1", "--network": "dense4", "--threads": "1"},
    "find-rate": {"--network": "dense4", "--threads": "1"},
    "check": {"--budget": "1"},
    "diagnose": {"--budget": "1"},
    "repair": {"--steps": "20"},
    # Refused, so that nothing is served.
    "watch": {"--port": "70000"},
    "play": {"--port": "-1"},
}


# For which data an option is, and which of these a source is.
_NEEDS = {option.name: option.needs for option in all_options(Face.COMMAND)}
_HOLDS = {"table": Needs.COLUMNS, "series": Needs.COLUMNS, "images": Needs.IMAGES}


def _type(parameter: Any) -> Any:
    """Return the type of a value, without what may be None or given several times."""
    kind = parameter.type_descriptor.annotation
    parts = [each for each in typing.get_args(kind) if each is not type(None)]
    return _plain(parts[0]) if parts else kind


def _plain(kind: Any) -> Any:
    parts = typing.get_args(kind)
    return parts[0] if parts else kind


def _commands() -> dict[str, Any]:
    # Declared anew each time, as by the command line itself.
    return dict(command_line().commands)
