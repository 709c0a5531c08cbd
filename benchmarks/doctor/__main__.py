"""The command line: search for faults, prove healthy runs, record, score."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median

from benchmarks.doctor.cases import all_cases
from benchmarks.doctor.faults import FAULTS
from benchmarks.doctor.harm import search
from benchmarks.doctor.page import publish
from benchmarks.doctor.peers import PEERS
from benchmarks.doctor.programs import PROGRAMS, program_names
from benchmarks.doctor.proof import prove
from benchmarks.doctor.recording import is_recorded, record, record_folder
from benchmarks.doctor.repairing import repair_all, table
from benchmarks.doctor.report import (
    by_program,
    fault_counts,
    fault_table,
    measure_table,
    wrong_list,
)
from benchmarks.doctor.scoring import judged, measures


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor", description="See benchmarks/doctor/README.md."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in (
        ("record", "train the cases and keep their records"),
        ("score", "run the rules on the records"),
        ("list", "show the cases"),
        ("publish", "run the rules and write the results into docs"),
        ("repair", "repair the cases and tell what that did"),
        ("search", "find the strengths of faults that harm"),
        ("prove", "find the healthy runs that are healthy"),
    ):
        command = commands.add_parser(name, help=told)
        which = command.add_mutually_exclusive_group()
        which.add_argument("--tune", action="store_const", dest="which", const="tune")
        which.add_argument("--held-out", action="store_const", dest="which", const="held-out")
        which.add_argument("--programs", help="with commas between")
        command.set_defaults(which="tune", programs=None)
        command.add_argument("--only", help="cases whose name holds one of these, with commas")
        if name == "record":
            command.add_argument("--again", action="store_true", help="those there are as well")
        if name == "repair":
            command.add_argument("--results", type=Path, default=Path("repairs.jsonl"))
            command.add_argument("--every", type=int, default=1, help="one case in so many")
        if name in ("record", "repair"):
            command.add_argument("--processes", type=int, default=1)
        if name == "score":
            command.add_argument("--peers", action="store_true", help="others' thresholds too")
            command.add_argument("--wrong", action="store_true", help="list what went wrong")
            command.add_argument("--table", type=Path, help="a Markdown file for the tables")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Do what is asked; return the exit status."""
    given = _arguments(words)
    programs = given.programs.split(",") if given.programs else program_names(given.which)
    unknown = [name for name in programs if name not in PROGRAMS]
    if unknown:
        say(f"no program {unknown[0]!r}; there are {', '.join(PROGRAMS)}")
        return 2
    only = given.only.split(",") if given.only else []
    if given.command == "search":
        names = [name for name in FAULTS if not only or any(word in name for word in only)]
        search(programs, names, say)
        return 0
    if given.command == "prove":
        prove(programs, say)
        return 0
    if given.command == "publish":
        publish([given.which])
        return 0
    cases = all_cases(programs, only)
    if given.command == "list":
        for case in cases:
            say(f"{case.name}  {record_folder(case)}")
        return 0
    if given.command == "record":
        record(cases, again=given.again, processes=given.processes, say=say)
        return 0
    if given.command == "repair":
        chosen = cases[:: given.every]
        say(table(repair_all(chosen, given.results, processes=given.processes, say=say)))
        return 0
    there = [case for case in cases if is_recorded(case)]
    if len(there) < len(cases):
        say(f"{len(cases) - len(there)} of {len(cases)} runs are not recorded")
    verdicts = judged(there)
    tools = {"misstep": measures(verdicts)}
    if given.peers:
        tools |= {tool: measures(judged(there, judge)) for tool, judge in PEERS.items()}
    tables = [
        measure_table(tools, "asked: 95, 70, 88; at most 2, 10"),
        by_program(verdicts),
        fault_table(fault_counts(verdicts)),
    ]
    say("\n\n".join(tables))
    if given.wrong:
        say(f"\n{wrong_list(verdicts)}")
    if verdicts:
        say(
            f"\nto read and diagnose a run: {1000 * median(one.seconds for one in verdicts):.0f} ms"
        )
    if given.table is not None:
        given.table.write_text("\n\n".join(tables) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
