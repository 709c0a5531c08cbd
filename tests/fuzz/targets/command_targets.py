"""The command line on a stranger's model, record and table: exit codes and what is printed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

from misstep.cli.diagnose_command import diagnose_run
from misstep.cli.exits import exit_code_of
from misstep.cli.explain_command import ExplainRequest, explain_row
from misstep.cli.predict_command import predict_rows
from misstep.cli.report_command import report_run
from misstep.cli.summary_command import summarize
from misstep.errors import MisstepError
from tests.fuzz.mutations import BYTES, swap_lines
from tests.fuzz.structures import resign
from tests.fuzz.targets.data_targets import CELLS
from tests.fuzz.targets.model_targets import MixedModels, SeriesModels
from tests.fuzz.targets.run_targets import Records


class Terminal(io.StringIO):
    """A terminal that notices what would steer it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def command(run: Callable[[], int]) -> None:
    """Run a command, as the command line does once it has read its words.

    Raises AssertionError for what it must not do. (To put the words together anew for each would
    take longer than all that is tried here.)
    """
    out, error = Terminal(), Terminal()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        code = exit_code_of(run)
    said = out.getvalue() + error.getvalue()
    assert code in (0, 1, 2), f"exit code {code}"
    for words in ("something went wrong that should not have", "Traceback"):
        assert words not in said, said[-800:]
    # Colors are our own, and harmless; what else steers a terminal came from the file.
    for words in ("\x1b[2J", "\x1b]", "\x00", "\x07"):
        assert words not in said, repr(said[-800:])
    if code == 2:
        raise MisstepError("the command", got="what it refused")


class RecordCommands(Records):
    """diagnose and report on a record."""

    name = "command-record"
    weight = 1

    def make(self) -> list[bytes]:
        contents = super().make()
        # Else the rows would be split and prepared again each time.
        (self.folder / "table.csv").unlink()
        return contents

    def attempt(self, path: Path) -> None:
        run = path.parent / "run"
        run.mkdir(exist_ok=True)
        (run / "record.jsonl").write_bytes(path.read_bytes())
        as_json = self.sometimes(path, 4)
        command(lambda: diagnose_run(run, json=as_json))
        if self.sometimes(path, 3):
            command(lambda: report_run(run, None, out=None, json=False))


class ModelCommands(MixedModels):
    """summary, predict and explain with a model."""

    name = "command-model"
    weight = 1
    mutations = (*BYTES, *(resign("model"),) * 20)

    def begin(self) -> None:
        super().begin()
        self._table = self.folder / "rows.csv"
        self.rows().to_csv(self._table, index=False)

    def attempt(self, path: Path) -> None:
        as_json, table = self.sometimes(path, 4), str(self._table)
        command(lambda: summarize(path, json=as_json))
        if self.sometimes(path, 2):
            command(lambda: predict_rows(path, table, out=None, json=as_json))
        if self.sometimes(path, 6):
            request = ExplainRequest(None, 1, None, 8, as_json)
            command(lambda: explain_row(path, table, request))


class SeriesCommands(SeriesModels):
    """summary and predict with a model of a series."""

    name = "command-series"
    weight = 1
    mutations = (*BYTES, *(resign("model"),) * 20)

    def attempt(self, path: Path) -> None:
        as_json = self.sometimes(path, 4)
        command(lambda: summarize(path, json=as_json))
        command(lambda: predict_rows(path, None, out=None, json=as_json))


class TableCommands(MixedModels):
    """predict for the rows of a table, with a whole model."""

    name = "command-table"
    ending = ".csv"
    weight = 1
    mutations = (*BYTES, swap_lines, *(CELLS,) * 10)

    def make(self) -> list[bytes]:
        super().make()
        return [self.rows().to_csv(index=False).encode()]

    def attempt(self, path: Path) -> None:
        as_json = self.sometimes(path, 4)
        command(lambda: predict_rows(self.folder / "0.misstep", str(path), out=None, json=as_json))

    def is_open(self, content: bytes) -> bool:
        return True
