"""`misstep diagnose --probe`: the run done again with one thing changed at a time.

Finds data and options by what the record says of them, refuses where they are not those of the run,
and says what each experiment showed as it comes.
"""

from __future__ import annotations

import time
from dataclasses import replace

from misstep.cli.inputs import read_data
from misstep.cli.origin import origin_of
from misstep.cli.page import Page
from misstep.cli.run_record import RecordedRun
from misstep.cli.termination import signals_interrupt
from misstep.errors import ArgumentError
from misstep.modeling import Options, Setup, check_same_run, recognize, untrained
from misstep.modeling.pipeline import preparation_for
from misstep.record import add_events
from misstep.text.counts import counted
from misstep.text.experiments import verdict_words
from misstep.trials import Outcome, Probe, event_of, probe, setting_of

WHAT = "--probe"
IN_PYTHON = "ms.probe(trainer, x, y) in Python, with the trainer and its rows"


def probe_run(page: Page, run: RecordedRun, *, data: str | None, budget: float) -> Probe:
    """Do the experiments, say what each showed, and write it into the record of the run.

    `data`: where the data are now, None for where they were. Raises MisstepError where the run
    can't be done again.
    """
    if not budget > 0:
        raise ArgumentError("--budget", needed="seconds, more than 0", got=f"{budget:g}")
    source, options = origin_of(run, data, WHAT, IN_PYTHON)
    setup = _setup(run, source, options)
    setting = setting_of(
        run.record, setup.trainer, setup.x, setup.y, setup.weights, setup.validation, budget
    )
    page.title(f"Tried, for {budget:g} seconds at most")
    began = time.perf_counter()
    with signals_interrupt():
        done = probe(setting, run.record, on_outcome=lambda outcome: _say(page, outcome))
    took = time.perf_counter() - began
    page.blank()
    words = f"{counted(len(done.outcomes), 'experiment')} in {took:.0f} s, on {source}"
    page.say(f"{words}; you ended it" if done.interrupted else words, "dim", indent=2)
    for because, names in _together(done):
        page.say(f"not tried: {', '.join(names)}, because {because}", "dim", indent=2)
    _write_down(page, run, done)
    return done


def _say(page: Page, outcome: Outcome) -> None:
    page.say(f"{outcome.title[:1].upper()}{outcome.title[1:]}", "cyan", indent=2)
    page.say(outcome.words, indent=4)
    page.say(f"that {verdict_words(outcome.verdicts)}", "dim", indent=4)


def _together(done: Probe) -> list[tuple[str, list[str]]]:
    reasons: dict[str, list[str]] = {}
    for one in done.not_run:
        reasons.setdefault(one.because, []).append(one.name)
    return list(reasons.items())


def _write_down(page: Page, run: RecordedRun, done: Probe) -> None:
    """Add what experiments showed to the record of the run; without room for it that is said."""
    path = run.path if run.path.is_file() else run.folder
    trouble = add_events(path, map(event_of, done.outcomes))
    if trouble is not None:
        page.say(f"what was tried could not be added to the record: {trouble}", indent=2)


def _setup(run: RecordedRun, source: str, options: Options) -> Setup:
    """Return what trained, and the rows. Raises DataError where they are others."""
    rows = read_data(source, preparation_for(replace(options, folder=run.folder)))
    modality = recognize(rows, options)
    setup = untrained(modality)
    check_same_run(run.record, setup, f"{WHAT} of {run.path}")
    return setup
