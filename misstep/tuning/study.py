"""`tune`: a whole search, from data and options to the hyperparameters to train with.

Opens or joins a study, has its trials done, compares the best with the default and puts together
what came of it. Knows all parts of tuning by what they do.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from misstep.data import Dataset, read_source
from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.modeling import Decision, Options, recognize
from misstep.modeling.modalities import Modality
from misstep.modeling.options import is_count
from misstep.tuning.confirmation import confirm, contenders, is_worthwhile
from misstep.tuning.ledger import Ledger
from misstep.tuning.methods import pruner_named, sampler_named
from misstep.tuning.problem import ModalityProblem, Problem, digest_of
from misstep.tuning.requirement import optuna
from misstep.tuning.result import Comparison, State, TrialResult, Tuning
from misstep.tuning.search import INTERRUPTED
from misstep.tuning.space import Space, checked_space, is_drawable, read_space
from misstep.tuning.storage import JOURNAL, open_storage, storage_words
from misstep.tuning.workers import Work, beside, threads_of_each

__all__ = ["TRIALS", "search_problem", "tune"]

TRIALS = 30
# Trials from which on importances say anything.
FEWEST_FOR_IMPORTANCES = 8
# Of a study in its storage: what its numbers depend on, and how it was made.
IDENTITY = "identity"
NAMES_DIGITS = 8
# Of a study, how the trials of these numbers fared against the default.
COMPARED = "compared-{}"
# Share of a limit of time that trials may take; the rest is for comparing the best.
SEARCH_SHARE = 0.7
SEVERAL = (
    "with several workers, which trials are tried depends on who is done first; the same trial is "
    "the same to the last bit"
)
NOT_COMPARED = (
    "the best trial was not compared with the default on other rows; the best of many looks better "
    "than it is"
)


def tune(
    data: Dataset | str | os.PathLike[str] | Modality,
    options: Options | None = None,
    *,
    trials: int = TRIALS,
    minutes: float | None = None,
    storage: str | os.PathLike[str] | None = None,
    name: str | None = None,
    workers: int = 1,
    sampler: Any = "tpe",
    pruner: Any = "median",
    space: Mapping[str, Any] | None = None,
    folder: Path | str | None = None,
    on_trial: Callable[[TrialResult], None] | None = None,
    on_fold: Callable[[int, int], None] | None = None,
    on_decisions: Callable[[Sequence[Decision]], None] | None = None,
) -> Tuning:
    """Search for hyperparameters that do better on validation rows than the default ones.

    `data`, `options`: as for `train`. `trials`: how many, the default configuration among them.
    `minutes`: that the search may take; the default is always tried to its end. `storage`: a URL
    that Optuna takes, or the path of a journal file; whoever gives the same one, with the same data
    and options, joins the study (None: a journal in `folder`, or in memory where there is none).
    `name`: of the study. `workers`: processes on this machine that try at the same time. `sampler`,
    `pruner`: names (see `methods.py`), or Optuna's own. `space`: what is searched, by name, instead
    of all that the plan leaves open: domains of `ms.modeling`, lists, or texts such as "0..0.3".
    `on_trial`: called with what came of each trial. `on_fold`: as the best are compared with the
    default on other rows, with how often that was done, and how often it will be. `on_decisions`:
    with what was decided of data.

    The test rows are not looked at. The same seed gives the same trials with one worker and no
    limit of time. Ctrl-C ends the search with the best so far. Raises MisstepError without Optuna,
    ArgumentError for what can't be used and for a study of other data or options, DataError where
    there are no validation rows, and what reading and training raise.
    """
    optuna()
    if isinstance(data, Modality):
        modality = data
    else:
        dataset = data if isinstance(data, Dataset) else read_source(data)
        modality = recognize(dataset, options or Options())
    split = modality.split()
    _tell(modality, on_decisions)
    prepared = modality.prepare(split)
    _tell(modality, on_decisions)
    return search_problem(
        ModalityProblem(modality, prepared, split),
        trials=trials,
        minutes=minutes,
        storage=storage,
        name=name,
        workers=workers,
        sampler=sampler,
        pruner=pruner,
        space=space,
        folder=folder,
        on_trial=on_trial,
        on_fold=on_fold,
    )


def _tell(modality: Modality, on_decisions: Callable[[Sequence[Decision]], None] | None) -> None:
    if on_decisions is not None:
        on_decisions(modality.decisions.news())


def search_problem(
    problem: Problem,
    *,
    trials: int = TRIALS,
    minutes: float | None = None,
    storage: str | os.PathLike[str] | None = None,
    name: str | None = None,
    workers: int = 1,
    sampler: Any = "tpe",
    pruner: Any = "median",
    space: Mapping[str, Any] | None = None,
    folder: Path | str | None = None,
    on_trial: Callable[[TrialResult], None] | None = None,
    on_fold: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Search over any problem; the arguments are those of `tune`."""
    began = time.monotonic()
    for count, called in ((trials, "trials"), (workers, "workers")):
        if not is_count(count):
            raise ArgumentError(called, needed="a whole number of 1 or more", got=repr(count))
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        raise ArgumentError("minutes", needed="a number above 0, or None", got=repr(minutes))
    sampler_named(sampler, 0, trials)
    pruner_named(pruner)
    known = problem.space_at({})
    asked = read_space(space)
    searched = None if asked is None else checked_space(asked, known)
    if not known:
        raise MisstepError(
            "tuning", needed="hyperparameters that are left open", got="none, all are given"
        )
    if storage is None and folder is not None:
        storage = Path(folder) / JOURNAL
    identity = digest_of([problem.identity, _space_words(searched)])
    name = name or f"{problem.name}-{identity[:NAMES_DIGITS]}"
    with _shared(storage, workers) as place:
        points = [] if searched else problem.starting_points()
        starts = [_defaults(known, searched), *points]
        ledger = joined_study(place, name, identity, trials, starts, storage_words(storage))
        work = Work(
            problem=problem.with_threads(threads_of_each(workers, problem.options.threads))
            if workers > 1
            else problem,
            storage="" if place is None else os.fspath(place),
            name=name,
            trials=trials,
            space=searched,
            sampler=sampler,
            pruner=pruner,
            seed=problem.options.seed,
            seconds=None if minutes is None else 60 * minutes * SEARCH_SHARE,
        )
        found = _searched(
            problem, work, ledger, workers, began, minutes, on_trial, on_fold, storage
        )
        return replace(found, candidates=min(len(points), trials - 1))


def _searched(
    problem: Problem,
    work: Work,
    ledger: Ledger,
    workers: int,
    began: float,
    minutes: float | None,
    on_trial: Callable[[TrialResult], None] | None,
    on_fold: Callable[[int, int], None] | None,
    storage: str | os.PathLike[str] | None,
) -> Tuning:
    """Return what comes of a study that is open."""
    study, notes = ledger.study, list[str]()
    search = work.search(ledger)
    search.on_trial = on_trial
    with beside(work, workers - 1, notes):
        ended = search.run()
    if workers > 1:
        # What a worker that was told to end had begun waits for whoever comes next.
        ledger.rescue()
        notes.append(SEVERAL)
    results = ledger.results()
    default = results[0]
    if default.state is not State.COMPLETE and search.interrupted:
        # There is nothing to keep.
        raise KeyboardInterrupt
    if default.state is not State.COMPLETE:
        raise MisstepError(
            "tuning",
            needed="the default configuration trained to its end",
            got=f"one that is {default.state.value}" + (f": {ended}" if ended else ""),
        )
    leader = min(
        (one for one in results if one.state is State.COMPLETE), key=lambda one: one.validation_loss
    )
    over = None if minutes is None else began + 60 * minutes
    best, comparisons = leader, list[Comparison]()
    if leader is not default and ended != INTERRUPTED:
        best, comparisons, more, broken = _proven(problem, study, results, over, on_fold)
        ended, notes = ended or broken, [*notes, *more]
    elif leader is not default:
        notes.append(NOT_COMPARED)
    together = {**(problem.options.hyperparameters or {}), **_chosen(problem, best, default)}
    return Tuning(
        default=default,
        best=best,
        leader=leader,
        trials=results,
        importances=_importances(study, results),
        options=replace(problem.options, hyperparameters=together or None),
        comparisons=comparisons,
        ended_early=ended,
        interrupted=ended == INTERRUPTED,
        seconds=time.monotonic() - began,
        notes=notes,
        name=work.name,
        storage=storage_words(storage),
    )


@contextlib.contextmanager
def _shared(storage: Any, workers: int) -> Iterator[Any]:
    """Yield where the study is kept: a journal for now, where several work at no named place."""
    if storage is not None or workers == 1:
        yield storage
        return
    with tempfile.TemporaryDirectory(prefix="misstep-") as folder:
        yield Path(folder) / JOURNAL


def _proven(
    problem: Problem,
    study: Any,
    results: Sequence[TrialResult],
    deadline: float | None,
    on_fold: Callable[[int, int], None] | None,
) -> tuple[TrialResult, list[Comparison], list[str], str]:
    """Return the trial to train with, how the best fared on other rows, notes, why it was ended."""
    default, rivals = results[0], contenders(results)
    by_number = {one.number: one for one in results}
    attribute = COMPARED.format("-".join(str(one.number) for one in rivals))
    comparisons = _compared(study.user_attrs.get(attribute), [one.number for one in rivals])
    if comparisons is None:
        values = {one.number: one.hyperparameters for one in rivals}
        try:
            comparisons, whole = confirm(
                problem, default.hyperparameters, values, deadline=deadline, on_fold=on_fold
            )
        except KeyboardInterrupt:
            return rivals[0], [], [NOT_COMPARED], INTERRUPTED
        if whole:
            study.set_user_attr(attribute, [one.plain() for one in comparisons])
    if not comparisons:
        return rivals[0], [], [NOT_COMPARED], ""
    worth = [one for one in comparisons if is_worthwhile(one)]
    if not worth:
        return default, comparisons, [], ""
    most = max(worth, key=lambda one: one.gain)
    return by_number[most.number], comparisons, [], ""


def _compared(told: Any, rivals: Sequence[int]) -> list[Comparison] | None:
    """Return comparisons of trials that a study has; None where it has none that can be read."""
    try:
        found = [Comparison(**one) for one in told]
    except TypeError:
        return None
    numbers = [number for one in found for number in astuple(one)]
    if not all(type(number) in (int, float) for number in numbers):
        return None
    return found if all(one.number in rivals for one in found) else None


def _chosen(problem: Problem, best: TrialResult, default: TrialResult) -> dict[str, Any]:
    """Return the hyperparameters to train with, less those that the plan would take by itself.

    What is left trains the same: a plan asks for one after the other, and what it takes by itself
    depends on those before.
    """
    if best.number == default.number:
        return {}
    given = problem.options.hyperparameters or {}
    space = problem.space_at(best.hyperparameters)
    chosen = {
        name: value
        for name, value in best.hyperparameters.items()
        if name in given
        or value != space[name].default
        or type(value) is not type(space[name].default)
    }
    # With nothing said, the plan might try what else suits the rows.
    return chosen or dict(best.hyperparameters)


def _space_words(space: Space | None) -> Any:
    return None if space is None else {name: repr(domain) for name, domain in space.items()}


def _defaults(known: Mapping[str, Any], space: Space | None) -> dict[str, Any]:
    """Return the defaults that are searched, as trial 0 begins with them."""
    return {
        name: one.value
        for name, one in known.items()
        if (space is None or name in space)
        and is_drawable(one.domain if space is None else space[name], one.value)
    }


def joined_study(
    place: str | os.PathLike[str] | None,
    name: str,
    identity: str,
    trials: int,
    starts: Sequence[Mapping[str, Any]],
    where: str,
) -> Ledger:
    """Return the ledger of a study, new or joined, with its trials written down.

    What is in a storage may come from a stranger: all of it is read here once. Raises StorageError
    for what no search wrote, ArgumentError for a study of other data, and what `open_storage`
    raises.
    """
    storage = open_storage(place)
    try:
        ledger = Ledger(_open_study(storage, name, identity, where), trials)
        ledger.open(starts)
        ledger.results()
        ledger.curves()
    except MisstepError:
        raise
    except Exception as error:  # Optuna and its databases raise whatever they like
        reason = (str(error).splitlines() or [""])[0]
        raise StorageError(
            f"the study {name}" + (f" in {where}" if where else ""),
            needed="what a search wrote",
            got=f"{type(error).__name__}: {reason}"[:200],
            try_="another storage",
        ) from error
    return ledger


def _open_study(storage: Any, name: str, identity: str, where: str) -> Any:
    """Return the study of that name, new or joined. Raises ArgumentError for one of other data."""
    study = optuna().create_study(
        storage=storage, study_name=name, direction="minimize", load_if_exists=True
    )
    before = study.user_attrs.get(IDENTITY)
    if before is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(IDENTITY, identity)
        before = identity
    if before != identity:
        raise ArgumentError(
            f"the study {name}" + (f" in {where}" if where else ""),
            needed="one of the same data, options and space",
            got="one of others",
            try_="another name for the study",
        )
    return study


def _importances(study: Any, results: Sequence[TrialResult]) -> dict[str, float]:
    """Return the share of the differences between trials that each hyperparameter explains."""
    complete = sum(one.state is State.COMPLETE for one in results)
    if complete < FEWEST_FOR_IMPORTANCES:
        return {}
    evaluator = optuna().importance.FanovaImportanceEvaluator(seed=0)
    try:
        found = optuna().importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):
        # All trials alike, or no hyperparameter that all of them have.
        return {}
    return {name: float(share) for name, share in found.items()}
