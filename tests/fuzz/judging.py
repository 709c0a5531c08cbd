"""What must hold of every command line, whatever it says: one function for each rule.

Each yields what is wrong, in a few words that are the same for the same fault.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator

from tests.fuzz.sandbox import Done

# Longer than that nobody reads it.
LONGEST = 1500
# Signs of a value that no words were found for.
RAW = re.compile(
    r"\bnan\b|(?<![\w-])-?inf\b|\bNaN\b|\bNone\b|object at 0x|\barray\(|\bnp\.|dtype|<class|"
    r"\bnumpy\.|PosixPath|\bTraceback\b|[A-Z]\w+Warning\b|\{\}|%[sd]\b|float64\(|\bTrue\b|\bFalse\b"
)
WILD = {"nan", "inf", "-inf"}
# What may end with 1: what it looks for was found, or training failed.
FINDING = {"train", "tune", "check", "diagnose", "repair", "find-rate", "lab"}


# One of something that is said as if it were several.
ONE = re.compile(
    r"(?<![\w.,−–-])1 (?:rows|columns|fields|dates|steps|words|classes|values|bytes|images|texts|"
    r"features|numbers|epochs|updates|labels|cells|groups|forecasts|neurons|weights|parameters|"
    r"lines|layers|sequences|pixels|channels|kernels|operations|threads|trials|findings)\b"
)


def judge(done: Done, given: str) -> Iterator[str]:
    """Yield what is wrong with what a line did; `given`: all words that it read."""
    said = done.out + done.err
    if done.code is None:
        yield "no end"
        return
    if done.code not in (0, 1, 2):
        yield f"exit code {done.code}"
    if "sorry, something went wrong" in done.err:
        yield "unexpected: " + shape(done.err.rpartition("misstep: ")[2])
        return
    if "Traceback" in said or "Fatal Python" in said:
        yield "traceback"
    command = done.words[0] if done.words else ""
    if done.code == 1 and command not in FINDING:
        yield f"exit code 1 of {command}"
    if done.code == 2:
        yield from _message(done)
    if done.code in (0, 1) and "--json" in done.words and "--help" not in done.words:
        yield from _json(done)
    # Programs have words of their own.
    if "--json" not in done.words and "--help" not in done.words and command != "inspect":
        yield from _raw_values(said, given)
    yield from {f"a plural of one: {found[0]}" for found in ONE.finditer(said)}
    if "\x1b" in said:
        yield "an escape sequence in what was said"
    if done.code == 0 and command == "predict" and done.out.startswith(("row,", "file,")):
        yield from _predictions(done.out)


def _message(done: Done) -> Iterator[str]:
    lines = done.err.strip().splitlines()
    # More may stand below it: what there is to choose from, say.
    message = next((line for line in reversed(lines) if line.startswith("misstep: ")), "")
    if not message:
        yield "exit code 2 without a message"
    elif not message.endswith((".", "?")):
        yield "a message without an end: " + shape(message)
    if len(message) > LONGEST:
        yield f"a message of more than {LONGEST} letters: " + shape(message[:200])
    if "Errno" in message or re.search(r"\b\w+Error\b", message):
        yield "a message with the name of an error: " + shape(message)


def _json(done: Done) -> Iterator[str]:
    def refuse(word: str) -> None:
        raise ValueError(word)

    last = done.out.rstrip("\n").split("\n")[-1]
    try:
        json.loads(last, parse_constant=refuse)
    except ValueError as error:
        yield f"no JSON: {shape(str(error))}"


def _raw_values(said: str, given: str) -> Iterator[str]:
    for line in said.split("\n"):
        for found in RAW.finditer(line):
            # A loss that runs off, and the number that it comes from, may be called what they are,
            # and a cell what it should be.
            told = (
                re.search(r"\bloss\b|is not finite arose|Try: .*\bNaN\b", line)
                and found[0].lower() in WILD
            )
            if not told and found[0].lower() not in given.lower():
                yield f"a raw value: {found[0]} in: {shape(line)}"
                return


def _predictions(out: str) -> Iterator[str]:
    rows = list(csv.DictReader(io.StringIO(out)))
    for row in rows:
        for name, cell in row.items():
            if name is None or cell is None:
                yield "a ragged row of predictions"
                return
            if name.startswith("probability") and not 0 <= float(cell) <= 1:
                yield "a probability out of bounds"
                return
            if name in ("prediction", "lower", "upper"):
                try:
                    wild = not math.isfinite(float(cell))
                except ValueError:
                    wild = False
                if wild:
                    yield f"a {name} that is not finite"
                    return


def shape(words: str) -> str:
    """Return words without what differs from one time to the next: names, numbers, cells."""
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", words)
    words = re.sub(r"\S*/\S+", "PATH", words)
    return re.sub(r"[-−]?\d[\d.,e+]*", "#", words).strip()[:240]
