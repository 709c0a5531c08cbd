"""Runs the systems and prints what each reached beside what was asked, and its seconds."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import time
from pathlib import Path
from statistics import mean
from typing import Any

import benchmarks.systems
from benchmarks.systems.system import DATA, ERRORS, System


def _all_systems() -> dict[str, System]:
    found = {}
    for one in pkgutil.iter_modules(benchmarks.systems.__path__):
        if one.name not in ("__main__", "system"):
            module = importlib.import_module(f"benchmarks.systems.{one.name}")
            found |= {system.name: system for system in module.SYSTEMS}
    return found


def _measure(system: System, seeds: list[int], threads: int | None) -> dict[str, Any]:
    runs = []
    for seed in seeds:
        began = time.perf_counter()
        scores = dict(system.run(seed, threads))
        runs.append({"seed": seed, "seconds": time.perf_counter() - began, "scores": scores})
    names = [name for name in runs[0]["scores"] if all(name in run["scores"] for run in runs)]
    means = {name: mean(run["scores"][name] for run in runs) for name in names}
    return {"name": system.name, "threads": threads, "means": means, "runs": runs}


def _lines(system: System, found: dict[str, Any]) -> list[str]:
    seconds = max(run["seconds"] for run in found["runs"])
    seeds = [run["seed"] for run in found["runs"]]
    slow = " TOO LONG" if seconds > 60 * system.minutes else ""
    lines = [f"{system.name}: at most {seconds:.1f} s{slow}, seeds {seeds}"]
    for name, value in found["means"].items():
        each = " ".join(f"{run['scores'][name]:.5g}" for run in found["runs"])
        line = f"  {name:<28} {value:<12.6g}"
        asked = system.asked.get(name)
        if asked is not None:
            met = value <= asked if name.split()[-1] in ERRORS else value >= asked
            line += f" asked {asked:g}: {'reached' if met else 'SHORT'}"
        lines.append(line + (f"  ({each})" if len(seeds) > 1 else ""))
    return [*lines, *([f"  beside: {system.beside}"] if system.beside else [])]


def main() -> None:
    """Run what the arguments name."""
    known = _all_systems()
    parser = argparse.ArgumentParser(prog="benchmarks.systems", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(known)}; none: all")
    parser.add_argument("--seeds", help="such as 0,1,2; otherwise as many as are asked for")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, help="a JSON file for the results")
    given = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"the data are not there: {DATA}")
    unknown = [name for name in given.names if name not in known]
    if unknown:
        raise SystemExit(f"no system is called {unknown[0]!r}; there are {', '.join(known)}")
    results = []
    for system in [known[name] for name in given.names or known]:
        seeds = list(range(system.seeds))
        if given.seeds:
            seeds = [int(seed) for seed in given.seeds.split(",")]
        found = _measure(system, seeds, given.threads)
        results.append(found)
        print("\n".join(_lines(system, found)), flush=True)
        if given.out is not None:
            given.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
