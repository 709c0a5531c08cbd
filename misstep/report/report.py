"""`Report`: a page about a run, to be kept in a file or looked at in a notebook; who makes one.

Every run leaves one in its folder. What can't be reported must never cost a training: who leaves a
report gets a sentence instead of an error.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

from misstep.errors import MisstepError
from misstep.modeling import FitResult
from misstep.record import Record
from misstep.report.material import Material
from misstep.report.page import report_page
from misstep.storage import write_own_text, write_text
from misstep.train import Run

__all__ = [
    "FILE",
    "Report",
    "leave_report",
    "leave_report_of_record",
    "leave_report_of_result",
    "leave_report_of_run",
    "report_of_result",
    "report_of_run",
]

# What a report is called in the folder of its run.
FILE = "report.html"
# The end of each report's title, by which an earlier one is known.
MARK = "misstep</title>"
# How high a notebook shows it, in pixels.
HEIGHT = 760


class Report:
    """A page about a run that needs nothing else: no network, no other file.

    `html`: the page, the same for the same run. A notebook shows it in a frame of its own, whose
    scripts and styles do not reach the notebook.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> report = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=3).report()
    >>> report.html.startswith("<!doctype html>")
    True
    """

    def __init__(self, html: str) -> None:
        self.html = html

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all, and return where it is. Raises StorageError."""
        place = Path(path)
        write_text(place, self.html)
        return place

    def leave(self, folder: Path) -> Path:
        """Write the page in the folder of a run, where a report may stand but nothing else.

        Raises StorageError: a file of the report's name that is no report.
        """
        write_own_text(folder / FILE, self.html, MARK)
        return folder / FILE

    def __repr__(self) -> str:
        """Return how large it is; it is shown by a notebook, or a browser once it is saved."""
        return f"<Report: {len(self.html.encode()) / 1000:,.0f} kB; save(path) keeps it in a file>"

    def _repr_html_(self) -> str:
        # Without allow-same-origin the frame is nobody's: it can't reach the notebook around it.
        return (
            f'<iframe sandbox="allow-scripts" width="100%" height="{HEIGHT}" '
            f'title="report of a training" srcdoc="{escape(self.html)}"></iframe>'
        )


def report_of_run(run: Run, path: str | os.PathLike[str] | None = None) -> Report:
    """Return the report of a training; `path`: where to write it as well. Raises StorageError."""
    return _kept(Report(report_page(Material.of_run(run))), path)


def report_of_result(result: FitResult, path: str | os.PathLike[str] | None = None) -> Report:
    """Return the report of a walk; `path`: where to write it as well. Raises StorageError."""
    return _kept(Report(report_page(Material.of_result(result))), path)


def leave_report(material: Material, folder: Path | str) -> tuple[Path | None, str]:
    """Write the report into a folder; return where it is, or None and in words why there is none.

    A section that can't be made says so on the page; the others are there.
    """
    try:
        page = report_page(material, careful=True)
        return Report(page).leave(Path(folder)), ""
    except MisstepError as error:
        return None, f"no report was written: {error}"
    except Exception as error:
        # Whatever is wrong with a picture, the training that it shows is whole.
        return None, f"no report was written: {type(error).__name__}: {error}"


def leave_report_of_run(run: Run) -> str:
    """Leave a report in the folder of a training; return in words why there is none, or ""."""
    assert run.folder is not None
    return leave_report(Material.of_run(run), run.folder)[1]


def leave_report_of_result(result: FitResult, folder: Path | str) -> str:
    """Leave a report of a walk in its folder; return in words why there is none, or ""."""
    return leave_report(Material.of_result(result), folder)[1]


def leave_report_of_record(record: Record, folder: Path | str) -> str:
    """Leave a report of a training of others; return in words why there is none, or ""."""
    return leave_report(Material.of_record(record, name=Path(folder).resolve().name), folder)[1]


def _kept(report: Report, path: Any) -> Report:
    if path is not None:
        report.save(path)
    return report
