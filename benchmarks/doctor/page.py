"""The page of results: measured once, kept as JSON, and written into docs from there alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.doctor.cases import Case, all_cases
from benchmarks.doctor.peers import PEERS
from benchmarks.doctor.programs import HELD_OUT, TUNED
from benchmarks.doctor.recording import is_recorded
from benchmarks.doctor.report import fault_counts, fault_table, measure_table
from benchmarks.doctor.scoring import Measures, Verdict, judged, measures

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "doctor.json"
PAGE = ROOT / "docs" / "doctor-benchmark.md"
BEGIN, END = (
    "<!-- written from benchmarks/results/doctor.json -->",
    "<!-- end of what is written -->",
)
OURS = "misstep"
SETS = {"held-out": HELD_OUT, "tune": TUNED}
_TITLES = {
    "held-out": "Programs that no rule was fitted to",
    "tune": "Programs that rules were tuned on",
}


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _programs(verdicts: Sequence[Verdict], names: Sequence[str]) -> dict[str, Any]:
    return {
        name: measures([one for one in verdicts if one.case.program == name]).plain()
        for name in names
    }


def _strengths(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    broken = [one for one in verdicts if one.case.kind == "broken"]
    return {
        "the weakest that harms": measures([one for one in broken if not one.case.strong]).plain(),
        "strong": measures([one for one in broken if one.case.strong]).plain(),
    }


def score_set(cases: Sequence[Case], names: Sequence[str]) -> dict[str, Any]:
    """Return what everybody says of the recorded ones of some cases."""
    there = [case for case in cases if is_recorded(case)]
    verdicts = judged(there)
    tools = {OURS: measures(verdicts).plain()}
    tools |= {tool: measures(judged(there, judge)).plain() for tool, judge in PEERS.items()}
    seconds = sorted(one.seconds for one in verdicts)
    return {
        "tools": tools,
        "programs": _programs(verdicts, names),
        "strengths": _strengths(verdicts),
        "faults": fault_counts(verdicts),
        "seconds": {"median": median(seconds), "most": seconds[-1]},
    }


def publish(sets: Sequence[str]) -> None:
    """Score sets of programs, keep what came of it, and write it into the page."""
    found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in sets:
        found[name] = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": _commit(),
            **score_set(all_cases(SETS[name]), SETS[name]),
        }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    write_page()


def keep_watching(costs: dict[str, Any]) -> None:
    """Keep what watching costs, and write it into the page."""
    found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    found["watching"] = {"date": datetime.now(UTC).date().isoformat(), "networks": costs}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    write_page()


def write_page() -> None:
    """Write the results into the page."""
    PAGE.write_text(with_results(PAGE.read_text(), json.loads(RESULTS.read_text())))


def with_results(page: str, results: dict[str, Any]) -> str:
    """Return the page with the results in their place."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{rendered(results)}\n\n{END}{after}"


def rendered(results: dict[str, Any]) -> str:
    """Return the results in Markdown."""
    parts = []
    for name, programs in SETS.items():
        if name in results:
            parts += _rendered_set(_TITLES[name], programs, results[name])
    watching = results.get("watching")
    if watching is not None:
        parts.append("## What watching costs")
        parts.append(_watching_table(watching))
    return "\n\n".join(parts)


def _rendered_set(title: str, programs: Sequence[str], found: dict[str, Any]) -> list[str]:
    seconds = found["seconds"]
    counts = found["tools"][OURS]["counts"]
    several = found["faults"].get("two or three at once", [0])[0]
    return [
        f"## {title}",
        f"{' and '.join(programs) if len(programs) == 2 else ', '.join(programs)}; "
        f"{found['date']}, commit {found['commit']}. {counts['broken']} runs with one fault, "
        f"{several} with two or three, {counts['healthy']} healthy ones, {counts['hard']} of "
        f"which look ill. To read a record and diagnose it took {1000 * seconds['median']:.0f} ms "
        f"(median), {1000 * seconds['most']:.0f} ms at most, on a machine that others used too.",
        measure_table(_measures(found["tools"]), "thresholds of"),
        measure_table(_measures(found["programs"]), "misstep, by program"),
        measure_table(_measures(found["strengths"]), "misstep, by strength"),
        fault_table(found["faults"]),
    ]


def _measures(found: dict[str, Any]) -> dict[str, Measures]:
    return {name: Measures(**one) for name, one in found.items()}


def _watching_table(watching: dict[str, Any]) -> str:
    lines = [
        f"{watching['date']}, time of the processor on one thread, default settings.",
        "",
        "| network | a training of | watched ÷ unwatched, median | tenth to ninetieth percentile "
        "| more in a training of one epoch |",
        "|---|---|---|---|---|",
    ]
    for name, one in watching["networks"].items():
        low, middle, high = (f"{one[key]:.3f}" for key in ("low", "ratio", "high"))
        once, long = f"{1000 * one['once']:.0f} ms", f"{one['seconds']:.1f} s"
        lines.append(f"| {name} | {long} | {middle} | {low} to {high} | {once} |")
    return "\n".join(lines)
