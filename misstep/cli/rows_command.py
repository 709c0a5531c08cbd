"""`misstep diagnose --rows`: the rows that a run learned from, looked at one by one.

Finds data and options by what the record says of them, and adds what was found to the record.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from misstep.cli.inputs import read_data
from misstep.cli.origin import origin_of
from misstep.cli.page import Page
from misstep.cli.row_lines import check_seconds, look_at_rows
from misstep.cli.run_record import RecordedRun
from misstep.doctor import Diagnosis, examine
from misstep.modeling import recognize
from misstep.modeling.pipeline import preparation_for
from misstep.record import add_events

WHAT = "--rows"
IN_PYTHON = "estimator.diagnose(X, y) in Python, with the rows"


def rows_of_run(page: Page, run: RecordedRun, *, data: str | None, seconds: float) -> Diagnosis:
    """Look at the rows of a run, say what was found, and return what the rules make of it.

    `data`: where they are now, None for where they were. Raises MisstepError where they can't be
    had.
    """
    check_seconds(seconds)
    source, options = origin_of(run, data, WHAT, IN_PYTHON, trained_so=False)
    found = look_at_rows(
        page,
        recognize(read_data(source, preparation_for(replace(options, folder=run.folder))), options),
        run.folder,
        seconds,
    )
    record = copy(run.record)
    record.events = list(record.events)
    found.add_to(record)
    path = run.path if run.path.is_file() else run.folder
    trouble = add_events(path, record.events[len(run.record.events) :])
    if trouble is not None:
        page.say(f"what was found could not be added to the record: {trouble}", indent=2)
    return examine(record)
