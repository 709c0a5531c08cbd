"""`misstep tune`: lets `tuning` search for hyperparameters, trains the winner, says all of it.

The search never looks at the test rows; they are looked at once, at the end. The winner is trained
by the usual walk and kept as the model of a usual run. Decides nothing about hyperparameters.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from misstep.cli.decision_lines import DecisionLines
from misstep.cli.exits import DONE, FAILED, INTERRUPTED_BY
from misstep.cli.hyperparameter_lines import settings
from misstep.cli.inputs import quoted, read_data
from misstep.cli.keeping import ModelFile, keep_beside
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import COMMAND, MODEL
from misstep.cli.result_lines import result_lines
from misstep.cli.run_folder import check_folder, default_folder, reserved_folder
from misstep.cli.termination import signals_interrupt
from misstep.cli.trained import (
    keep_report,
    plain_result,
    say_failed,
    say_next,
    say_outcome,
    say_what_was_read,
    similar_rows,
)
from misstep.cli.training_options import asked_for, given_options
from misstep.cli.trial_lines import TrialLines
from misstep.cli.tuning_files import DRAWING, TABLE, search_of, write_tuning
from misstep.cli.tuning_report import TuningReport, plain_comparison
from misstep.data import Dataset
from misstep.errors import ArgumentError, MisstepError
from misstep.ir import NOWHERE, located_at
from misstep.modeling import FitResult, Options, Walk, check_request, make_options, recognize
from misstep.modeling.command import flags_given
from misstep.modeling.options import is_count
from misstep.modeling.pipeline import preparation_for
from misstep.report import Material
from misstep.storage import FolderInUseError
from misstep.text.counts import counted
from misstep.train.interruption import last_signal
from misstep.tuning import Tuning, parse_space, tune
from misstep.tuning.methods import pruner_named, sampler_named, startup_trials
from misstep.tuning.requirement import optuna

__all__ = ["TuneRequest", "tune_on"]

# Samplers that go by what trials came to, once there are some.
GOING_BY_TRIALS = ("tpe", "gaussian-process")


@dataclass(frozen=True)
class TuneRequest:
    """What is asked of a search besides the options of training, as `tuning.tune` takes it.

    `quiet`: whether only what came of it is said. `json`: whether a machine reads that.
    """

    trials: int
    minutes: float | None = None
    storage: str | None = None
    study: str | None = None
    workers: int = 1
    sampler: str = "tpe"
    pruner: str = "median"
    space: tuple[str, ...] = ()
    quiet: bool = False
    json: bool = False

    def check(self) -> None:
        """Raise MisstepError for what no search can do, before anything is read."""
        optuna()
        for count, flag in ((self.trials, "--trials"), (self.workers, "--workers")):
            if not is_count(count):
                raise ArgumentError(
                    f"{flag} {count}", needed="a whole number of 1 or more", got=f"{count}"
                )
        if self.minutes is not None and not (math.isfinite(self.minutes) and self.minutes > 0):
            raise ArgumentError(
                f"--minutes {self.minutes:g}", needed="a number above 0", got=f"{self.minutes:g}"
            )
        sampler_named(self.sampler, 0, self.trials)
        pruner_named(self.pruner)
        parse_space(self.space)

    def of_search(self) -> dict[str, Any]:
        """Return the arguments of `tuning.tune`."""
        return {
            "trials": self.trials,
            "minutes": self.minutes,
            "storage": self.storage,
            "name": self.study,
            "workers": self.workers,
            "sampler": self.sampler,
            "pruner": self.pruner,
            "space": parse_space(self.space) or None,
        }


def tune_on(source: str, values: Mapping[str, Any], request: TuneRequest) -> int:
    """Search on `source`, train the winner, write its model, say everything; return the exit code.

    `values`: the options of training.
    """
    page = Page(to_error=request.json, silent=request.quiet, steady=True)
    request.check()
    options = make_options(**given_options(values))
    folder = Path(options.folder or default_folder(source))
    # Who asks for a number of epochs gets them all, in each trial and at the end.
    options = replace(options, folder=folder, patience=options.epochs)
    check_request(options, by_flag=True)
    check_folder(folder)
    with located_at(NOWHERE), signals_interrupt():
        # Other workers may search there at the same time; no run may be written there meanwhile.
        with reserved_folder(folder, shared=True):
            data = read_data(source, preparation_for(replace(options, folder=folder)))
            tuning = _search(page, source, data, options, folder, request)
            report = TuningReport(page, tuning, _drawn(request))
            report.say_search()
            title = f"{Path(source).name or source}: {counted(_ended(tuning), 'trial')}"
            if keep_beside(page, lambda: write_tuning(tuning, folder, title)):
                page.lines(
                    f"Every trial is in {folder / TABLE}, a picture of them in {folder / DRAWING}."
                )
        command = _command(source, values, tuning)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(reserved_folder(folder))
            except FolderInUseError:
                return _left_to_another(page, folder, tuning, command, json=request.json)
            file = ModelFile(folder / MODEL)
            stack.enter_context(file.told_when_interrupted(page))
            final = _Final(page, source, data, values, options, tuning, request)
            return final.train(report, command, file)


def _search(
    page: Page, source: str, data: Dataset, options: Options, folder: Path, request: TuneRequest
) -> Tuning:
    """Return what came of the search, its trials said as they end."""
    bare = replace(options, folder=None, progress=False)
    try:
        modality = recognize(data, bare)
    except MisstepError:
        page.say(f"{source}: {data.describe()}")
        raise
    say_what_was_read(page, source, modality, options)
    lines = TrialLines(page, request.trials, visible=not request.quiet)
    lines.begin()
    try:
        return tune(
            modality,
            folder=folder,
            on_trial=lines.show,
            on_fold=lines.compare,
            **request.of_search(),
        )
    finally:
        lines.clear()


def _drawn(request: TuneRequest) -> int:
    """Return the last trial that is drawn at random; 0 where that can't be said."""
    goes_by_trials = request.sampler in GOING_BY_TRIALS and request.workers == 1
    return startup_trials(request.trials) - 1 if goes_by_trials else 0


def _left_to_another(page: Page, folder: Path, tuning: Tuning, command: str, *, json: bool) -> int:
    """Say that another worker of the study trains the winner already; return the exit code."""
    page.blank(always=True)
    page.say(
        f"Another process works in {folder}, searches or trains there; the winner is left to it. "
        "To train it elsewhere:",
        always=True,
    )
    page.commands([command], always=True)
    if json:
        write_json({"tuning": tuning.plain(), "model": None, "command": command})
    page.settle()
    return INTERRUPTED_BY + last_signal() if tuning.interrupted else DONE


def _command(source: str, values: Mapping[str, Any], tuning: Tuning) -> str:
    """Return the command that trains the winner again."""
    words = ["misstep", "train", source, *flags_given(values, without={"hyperparameters"})]
    for one in settings(tuning.options.hyperparameters or {}):
        words += ["--set", one]
    return " ".join(map(quoted, words))


@dataclass(frozen=True)
class _Final:
    """The training with what the search found, and what is said and kept of it."""

    page: Page
    source: str
    data: Dataset
    values: Mapping[str, Any]
    options: Options
    tuning: Tuning
    request: TuneRequest

    def train(self, report: TuningReport, command: str, file: ModelFile) -> int:
        """Train, keep the model, say what it is; return the exit code."""
        page, tuning, quiet = self.page, self.tuning, self.request.quiet
        path = file.path
        if tuning.interrupted:
            page.blank(always=True)
            page.say(
                f"Ended by you; the best of {counted(_ended(tuning), 'trial')} is trained now and "
                f"kept in {path}. Ctrl-C once more stops at once.",
                always=True,
            )
        which = f"trial {tuning.best.number}" if tuning.paid else "the default"
        page.title(f"Training with the hyperparameters of {which}")
        hyperparameters = tuning.options.hyperparameters
        options = replace(
            self.options,
            hyperparameters=hyperparameters,
            progress=not quiet,
            origin=self._origin(hyperparameters),
        )
        with _at_once() if tuning.interrupted else contextlib.nullcontext():
            walk = Walk(recognize(self.data, options))
            lines = DecisionLines(page)
            for decisions in walk:
                if walk.fitted is not None and walk.fitted.run.usable and not file.was_tried:
                    file.keep(walk.fitted.model, self.source)
                lines.show(decisions)
        result = walk.result
        drawing = None
        if result.run.usable:
            file.keep(result.model, self.source)
            drawing = keep_beside(page, lambda: result_lines(result).write_drawing(path.parent))
        diagnosis = say_outcome(page, walk.modality, result)
        compared = None
        if tuning.paid and result.run.finished and not tuning.interrupted:
            page.say("The default is trained as well, to be beside it on test rows.", "dim")
            compared = report.say_test(self._default(), result)
        page_of_run = keep_report(
            page, replace(Material.of_result(result), search=search_of(tuning)), path.parent
        )
        if file.note:
            page.say(file.note, "dim", always=True)
        file.check()
        if result.run.usable:
            commands = result_lines(result).next_commands(
                path, similar_rows(self.source, self.options)
            )
            say_next(
                page,
                path,
                [*commands, f"misstep diagnose {quoted(path.parent)}"],
                drawing,
                page_of_run,
            )
            page.blank(always=True)
            page.say("The same again, without the search:", always=True)
            page.commands([command], always=True)
        model = path if result.run.usable else None
        if result.run.failed:
            say_failed(result, options, path, page_of_run)
        if self.request.json:
            plain = plain_result(result, diagnosis, options, model, page_of_run)
            more = {"tuning": tuning.plain(), "on_test": plain_comparison(compared)}
            write_json({**plain, **more, "command": command})
        page.settle(None if model is None else f"another place; the model is whole, in {path}")
        if result.run.failed:
            return FAILED
        interrupted = tuning.interrupted or not result.run.finished
        return INTERRUPTED_BY + last_signal() if interrupted else DONE

    def _origin(self, hyperparameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return where the run comes from, as `misstep train` would write it down."""
        asked = asked_for(self.values)
        if hyperparameters:
            asked["hyperparameters"] = dict(hyperparameters)
        return {"face": COMMAND, "source": self.source, "options": asked}

    def _default(self) -> FitResult:
        """Return the default trained in the same way, which is kept nowhere."""
        options = replace(self.options, folder=None, progress=False)
        walk = Walk(recognize(self.data, options))
        for _ in walk:
            pass
        return walk.result


def _ended(tuning: Tuning) -> int:
    """Return how many trials came to an end."""
    return sum(one.state not in ("waiting", "running") for one in tuning.trials)


@contextlib.contextmanager
def _at_once() -> Iterator[None]:
    """Let Ctrl-C break in at once, where a training would first end its step and keep the best."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
