"""`misstep diagnose`: what goes wrong in a run that was written down, and what to do about it.

Reads the run, lets `doctor` examine it, says what came of it. Imports nothing that trains, unless
experiments or rows are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from misstep.cli.diagnosis_lines import say_diagnosis
from misstep.cli.exits import DONE, FAILED
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.remedy_words import plain_findings, spelling_of
from misstep.cli.run_record import read_run
from misstep.doctor import examine


def diagnose_run(
    named: Path,
    *,
    json: bool,
    probe: bool = False,
    rows: bool = False,
    budget: float = 0.0,
    data: str | None = None,
) -> int:
    """Say what goes wrong in the run `named`; return the exit code: 1 where it is harmed.

    `probe`: whether experiments are done, in at most `budget` seconds, with `data` (None: those
    that the record names). `rows`: whether rows are looked at one by one, as long again.
    """
    run = read_run(named)
    page = Page(to_error=json)
    page.say(f"{run.path}: {run.state()}")
    for note in run.record.notes:
        page.say(note, "dim", indent=2)
    more: dict[str, Any] = {}
    if probe:
        # What trains is loaded only for this.
        from misstep.cli.probe_command import probe_run

        done = probe_run(page, run, data=data, budget=budget)
        record, diagnosis = done.record, done.diagnosis
        more["not_tried"] = [{"name": one.name, "because": one.because} for one in done.not_run]
        more["interrupted"] = done.interrupted
    else:
        record, diagnosis = run.record, examine(run.record)
    if rows:
        from misstep.cli.rows_command import rows_of_run

        diagnosis = rows_of_run(page, replace(run, record=record), data=data, seconds=budget)
    spelling = spelling_of(run.record)
    say_diagnosis(page, diagnosis, spelling)
    if json:
        write_json({**plain_findings(diagnosis, spelling), **more})
    page.settle()
    return FAILED if diagnosis.is_critical else DONE
