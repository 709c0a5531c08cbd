"""`python -m tests.fuzz.lines`: tries command lines on made-up data, and says what was wrong.

Each try has a number; with the seed it says what is made and what is typed, on any machine. Most
lines train; what a training leaves is then asked, as the program itself suggests, or at random.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import json
import os
import pkgutil
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import misstep
from misstep.cli import main as command
from tests.fuzz.judging import judge
from tests.fuzz.sandbox import Done, Sandbox
from tests.fuzz.sources import Source, make_source
from tests.fuzz.words import Speaker, World

# Share of lines that train, and of trainings whose run is asked more than `predict`.
TRAINING, ASKED = 0.9, 0.3
# What is kept of one fault: so many folders to look at.
KEPT = 3


@dataclass
class Tried:
    """One try: what was typed, and what was wrong."""

    number: int
    kind: str
    odd: list[str]
    lines: list[Done] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def trained(self) -> bool:
        """Whether its first line trained, whatever came of it."""
        first = self.lines[0]
        return first.words[:1] == ("train",) and first.code in (0, 1)

    def plain(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "number": self.number,
            "kind": self.kind,
            "odd": self.odd,
            "trained": self.trained,
            "faults": self.faults,
            "lines": [
                {
                    "words": one.words,
                    "code": one.code,
                    "seconds": round(one.seconds, 2),
                    "processor": round(one.processor, 2),
                    "err": one.err[-400:] if one.code != 0 else "",
                }
                for one in self.lines
            ],
        }


def attempt(
    seed: int, number: int, root: Path, runs: Path | None, *, traceback: bool = False
) -> Tried:
    """Make a folder, run lines in it, and return what came of them. `runs`: what lies in runs/."""
    random = Random(f"{seed}/{number}")
    box = Sandbox(root)
    make_clutter(box.here)
    source = make_source(random, box.here)
    names: tuple[str, ...] = ()
    trains = random.random() < TRAINING
    if not trains and runs is not None:
        shutil.copytree(runs, box.here / "runs", symlinks=True)
        names = tuple(f"runs/{path.name}" for path in sorted(runs.iterdir()))
    speaker = Speaker(random, World(source, names))
    tried = Tried(number, source.kind, source.odd)
    words = speaker.train() if trains else speaker.other()
    first = _one(box, tried, words, traceback=traceback)
    if trains and first.code == 0 and "--help" not in words:
        _ask_again(box, tried, speaker, source, traceback=traceback)
    return tried


def _ask_again(
    box: Sandbox, tried: Tried, speaker: Speaker, source: Source, *, traceback: bool
) -> None:
    """Predict with what was trained, and do with it what one might."""
    random, first = speaker.random, tried.lines[0]
    models = sorted(box.here.rglob("model.misstep"))
    if not models:
        tried.faults.append("trained, and no model is there")
        return
    model, run = models[0].relative_to(box.here), models[0].parent.relative_to(box.here)
    asked = ["predict", str(model)]
    done = _one(
        box, tried, [*asked, source.name] if source.kind != "series" else asked, traceback=traceback
    )
    if done.code != 0:
        tried.faults.append("the data that were trained on are not predicted for")
    elif source.rows is not None and "--json" not in done.words and not _narrowed(first.words):
        count = done.out.count("\n") - 1
        if count != source.rows:
            tried.faults.append("another number of predictions than of rows")
    if random.random() > ASKED:
        return
    suggested = _suggested(first.out)
    for line in random.sample(suggested, min(1, len(suggested))):
        if _one(box, tried, line, traceback=traceback).code not in (0, 1):
            tried.faults.append(f"what was suggested fails: {line[0]}")
    world = World(source, (str(run),))
    other = Speaker(random, world)
    _one(box, tried, other.other(), traceback=traceback)


def _narrowed(words: tuple[str, ...]) -> bool:
    return any(word.startswith(("--only", "--sequence-of")) for word in words)


def _suggested(said: str) -> list[list[str]]:
    """Return the commands under "Try next", but those that wait for Ctrl-C or look at no run."""
    after = said.partition("Try next\n")[2].split("\n\n")[0]
    lines = [shlex.split(line) for line in after.splitlines() if line.startswith("  misstep ")]
    return [line[1:] for line in lines if line[1:2] not in (["watch"], ["play"], ["tune"])]


def _one(box: Sandbox, tried: Tried, words: list[str], *, traceback: bool) -> Done:
    before, around = box.sums(box.here), box.sums()
    done = box.run(words, traceback=traceback)
    tried.lines.append(done)
    given = " ".join(words) + _contents(box.here, before)
    tried.faults += [f"{words[:1] and words[0]}: {fault}" for fault in judge(done, given)]
    tried.faults += _damage(box, words, before, around, done)
    return done


def _contents(here: Path, names: dict[str, str]) -> str:
    texts = [
        (here / name).read_bytes()[:200_000].decode("utf-8", "replace")
        for name, value in names.items()
        if len(value) == 64
        and not name.startswith("runs/")
        and (here / name).suffix in (".csv", ".tsv", ".txt")
    ]
    return "\n".join(texts)


def _damage(
    box: Sandbox, words: list[str], before: dict[str, str], around: dict[str, str], done: Done
) -> list[str]:
    """Return what a line changed that it should not have."""
    faults = []
    told = any("other" in word or ".." in word for word in words)
    if box.sums() != around and not told:
        changed = sorted(set(box.sums().items()) ^ set(around.items()))
        faults.append(f"changed outside of its folder: {changed[0][0]}")
    after = box.sums(box.here)
    own = ("runs", "out", "prepared", "a/", "größe 🦄")
    lost = [
        name
        for name, value in before.items()
        if after.get(name) != value and not name.startswith(own) and not _named(name, words)
    ]
    if lost:
        faults.append(f"{words[:1] and words[0]}: a file that was there has changed: {lost[0]}")
    if done.code == 2 and words[:1] == ["train"]:
        new = sorted(name for name in set(after) - set(before) if after[name] != "folder")
        if new:
            faults.append(f"train: refused, and left {re.sub('[0-9]+', '#', Path(new[0]).name)}")
    left = [name for name in after if ".misstep-unfinished" in name]
    if left:
        faults.append("left a temporary file")
    return faults


def _named(name: str, words: list[str]) -> bool:
    """Tell whether a line was told to write to a name."""
    return any(
        flag in word for word in words for flag in ("--out", "--prepared", "--storage", "--study")
    ) and any(name.split("/")[0] in word for word in words)


def make_clutter(here: Path) -> None:
    """Put into a folder what odd words may name."""
    (here / "folder").mkdir()
    (here / "folder" / "letter.txt").write_text("dear diary\n")
    (here / "empty.csv").write_bytes(b"")
    (here / "zeros.bin").write_bytes(b"\0" * 4096)
    (here / "noise.bin").write_bytes(bytes(range(256)) * 8)
    vectors = {"red": 1.0, "green": 2.0, "blue": 3.0}
    (here / "vectors.txt").write_text(
        "".join(f"{word} {value} 0 0 {value}\n" for word, value in vectors.items())
    )
    os.mkfifo(here / "fifo")
    (here / "dangling").symlink_to("nowhere")
    (here / "circle").symlink_to("circle")


def make_runs(folder: Path) -> None:
    """Train one model of each kind, which lines that do not train ask."""
    random, made = Random(1), set()
    folder.mkdir(parents=True)
    while len(made) < 6:
        with tempfile.TemporaryDirectory() as name:
            source = make_source(random, Path(name))
            if source.kind in made or source.odd:
                continue
            words = [
                "train",
                f"{name}/{source.name}",
                *source.needs,
                "--epochs",
                "2",
                "--threads",
                "1",
            ]
            if source.kind == "example":
                words[1] = source.name
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                code = command([*words, "--out", str(folder / source.kind)])
            made |= {source.kind} if code == 0 else set()


def warm(folder: Path | None) -> None:
    """Load everything once, so that what is forked need not; train what lines ask."""
    for module in pkgutil.walk_packages(misstep.__path__, "misstep."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    if folder is not None:
        make_runs(folder)
    gc.collect()
    gc.freeze()


def campaign(
    seed: int, numbers: range, kept: Path, runs: Path | None, seconds: float, log: Path | None
) -> list[Tried]:
    """Try all numbers, or as many as time allows; what is wrong lies in `kept`."""
    began, all_tried, seen = time.monotonic(), [], Counter[str]()
    root = kept / f"now-{os.getpid()}"
    for number in numbers:
        if time.monotonic() - began > seconds:
            break
        tried = attempt(seed, number, root, runs)
        all_tried.append(tried)
        new = [fault for fault in tried.faults if seen[fault] < KEPT]
        seen.update(tried.faults)
        if new:
            root.rename(kept / f"fault-{seed}-{number}")
        else:
            shutil.rmtree(root)
        if log is not None:
            with log.open("a") as file:
                file.write(json.dumps(tried.plain()) + "\n")
    return all_tried


def summary(all_tried: list[Tried]) -> str:
    """Return counts, and each fault once with the tries that showed it."""
    count = len(all_tried)
    trained = sum(tried.trained for tried in all_tried)
    lines = [line for tried in all_tried for line in tried.lines]
    codes = Counter(str(line.code) for line in lines)
    commands = Counter(line.words[0] if line.words else "" for line in lines)
    faults: dict[str, list[int]] = {}
    for tried in all_tried:
        for fault in set(tried.faults):
            faults.setdefault(fault, []).append(tried.number)
    said = [
        f"{count:,} lines tried, {trained:,} of them trained; {len(lines):,} with those that asked",
        "exit codes: " + ", ".join(f"{code}: {number:,}" for code, number in sorted(codes.items())),
        "commands: " + ", ".join(f"{name} {number:,}" for name, number in commands.most_common(14)),
        f"{len(faults)} kinds of faults",
    ]
    for fault, numbers in sorted(faults.items(), key=lambda item: -len(item[1])):
        said.append(f"  {len(numbers):4}  {fault}   (tries {', '.join(map(str, numbers[:4]))})")
    return "\n".join(said)


def main() -> int:
    """Return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.lines", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one try: show all that it says")
    parser.add_argument("--quick", action="store_true", help="make no runs beforehand to be asked")
    parser.add_argument("--kept", type=Path, help="where what was wrong is kept")
    asked = parser.parse_args()
    kept = asked.kept or Path(tempfile.mkdtemp(prefix="misstep-lines-"))
    kept.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MISSTEP_CACHE", str(kept / "cache"))
    runs = None if asked.quick else kept / f"runs-{os.getpid()}"
    warm(runs)
    if asked.only is not None:
        return show(asked.seed, asked.only, kept / f"only-{os.getpid()}", runs)
    workers = []
    for job in range(1, asked.jobs):
        if (child := os.fork()) == 0:
            workers = [(job, 0)]
            break
        workers.append((job, child))
    mine = workers[0][0] if workers and workers[0][1] == 0 else 0
    numbers = range(asked.first + mine, asked.first + asked.count, asked.jobs)
    tried = campaign(asked.seed, numbers, kept, runs, asked.seconds, kept / f"tried-{mine}.jsonl")
    said = summary(tried)
    (kept / f"summary-{mine}.txt").write_text(said + "\n")
    right = not any(one.faults for one in tried)
    if mine:
        os._exit(0 if right else 1)
    for _, child in workers:
        right = os.waitpid(child, 0)[1] == 0 and right
    for job in range(1, asked.jobs):
        said += f"\n\njob {job}: " + (kept / f"summary-{job}.txt").read_text()
    print(f"seed {asked.seed}; what was wrong lies in {kept}\n{said}")
    return 0 if right else 1


def show(seed: int, number: int, root: Path, runs: Path | None) -> int:
    """Do one try again, and print all that was said."""
    tried = attempt(seed, number, root, runs, traceback=True)
    for line in tried.lines:
        print(f"$ misstep {shlex.join(line.words)}   [{line.code}, {line.seconds:.1f} s]")
        print(line.out + line.err)
    print(f"{tried.kind}, {tried.odd}; {root}")
    print("\n".join(tried.faults) or "nothing wrong")
    return 1 if tried.faults else 0


if __name__ == "__main__":
    sys.exit(main())
