"""`misstep report`: the page about a run made anew, from its folder or its record alone.

For runs that broke off before they left one, that another framework trained, or that an earlier
version wrote down. Decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_data, read_model
from misstep.cli.origin import origin_of
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.cli.run_record import RecordedRun, read_run
from misstep.errors import MisstepError
from misstep.modeling import ForecastModel, recognize
from misstep.modeling.pipeline import preparation_for
from misstep.modeling.rows_again import rows_again
from misstep.report import Material, Report, report_page

__all__ = ["report_run"]

WHAT, IN_PYTHON = "the rows", "run.report() where it was trained, in Python"


def report_run(named: Path, data: str | None, *, out: Path | None, json: bool) -> int:
    """Make the report of the run `named` anew; return the exit code.

    `data`: rows to judge its model on, None for those that it was judged on, where they are found.
    `out`: where to write it, by default beside the record.
    """
    run = read_run(named)
    page = Page(to_error=json)
    page.say(f"{run.path}: {run.state()}")
    for note in run.record.notes:
        page.say(note, "dim", indent=2)
    material, why = _material(run, data)
    if why:
        page.say(f"Without its rows: {why}", indent=2)
    began = perf_counter()
    report = Report(report_page(material, careful=True))
    path = report.leave(run.folder) if out is None else report.save(out)
    size, seconds = path.stat().st_size, perf_counter() - began
    page.lines(f"The report is in {path} ({size / 1000:,.0f} kB), made in {seconds:.1f} s.")
    if json:
        write_json({"report": str(path), "bytes": size, "seconds": seconds})
    page.settle()
    return DONE


def _material(run: RecordedRun, data: str | None) -> tuple[Material, str]:
    """Return what is known of a run, and why its rows are not."""
    path = run.folder / MODEL
    model = read_model(path) if path.is_file() else None
    material = Material.of_record(run.record, name=run.folder.resolve().name, model=model)
    try:
        source, options = origin_of(
            run, data, WHAT, IN_PYTHON, trained_so=False, elsewhere="where they are now as SOURCE"
        )
        if isinstance(model, ForecastModel):
            return material.with_series(model.read(read_data(source))), ""
        rows = read_data(source, preparation_for(replace(options, folder=run.folder)))
        return material.with_rows(rows_again(recognize(rows, options), model)), ""
    except MisstepError as error:
        if data is not None:
            raise
        return material, str(error)
