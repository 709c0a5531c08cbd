"""Where the data of a recorded run are, and what was asked of them: for who needs them once more.

Knows what `misstep train` writes down of itself, and records.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from misstep.cli.places import COMMAND
from misstep.cli.run_record import RecordedRun
from misstep.data.io.formats import split_part
from misstep.errors import ArgumentError, DataError
from misstep.modeling import Options, check_request, make_options
from misstep.storage.lock import folder_in_use

__all__ = ["REPAIRED_FROM", "origin_of"]

# In the origin of what was repaired: the labels of what was changed, as `trials` has it, and the
# folder of the run before.
REPAIRED, REPAIRED_FROM = "repaired", "repaired_from"


def origin_of(
    run: RecordedRun,
    data: str | None,
    what: str,
    in_python: str,
    *,
    trained_so: bool = True,
    elsewhere: str = "--data and where they are now",
) -> tuple[str, Options]:
    """Return where the data of a run are, and what was asked of them. Raises MisstepError.

    `data`: where they are now, None for where they were. `what`: for which option they are wanted;
    `in_python`: what to try for runs that were not made by `misstep train`. `trained_so`: whether
    the run must have trained as its options say, as a repaired one has not. `elsewhere`: how a
    person says where the data are.
    """
    description = run.record.description
    origin = {} if description is None else dict(description.origin)
    if origin.get("face") != COMMAND:
        raise ArgumentError(
            f"{what} of {run.path}",
            needed="a run of misstep train, which can be done again",
            got="one that does not say what data and network it was made from",
            try_=in_python,
        )
    if trained_so and origin.get(REPAIRED):
        before = str(origin.get(REPAIRED_FROM, ""))
        raise ArgumentError(
            f"{what} of {run.path}",
            needed="a run that trained as its options say",
            got=f"what a repair made of another one ({', then '.join(origin[REPAIRED])})",
            try_=before or "the run before the repair",
        )
    if folder_in_use(run.folder):
        raise ArgumentError(
            f"{what} of {run.path}",
            needed="a run that is over",
            got="one that is still going",
            try_="the command again when it has ended",
        )
    source = data or str(origin.get("source", ""))
    there = Path(split_part(source)[0])
    was = origin.get("options", {})
    if data is None and _looks_like_path(source) and not there.exists():
        raise DataError(
            f"{what} of {run.path}",
            needed=f"the data that it learned from, {source}",
            got="nothing of that name here",
            try_=f"the folder that it was trained in, or {elsewhere}",
        )
    try:
        known = {name: tuple(one) if isinstance(one, list) else one for name, one in was.items()}
        options = make_options(**{**known, "folder": None, "resume": False, "progress": False})
    except (TypeError, AttributeError) as error:
        raise DataError(
            f"{what} of {run.path}",
            needed="options that this version knows",
            got=str(error),
            try_=in_python,
        ) from error
    check_request(options, by_flag=True)
    if options.hyperparameters is None and description is not None:
        # What trials chose, if some were made, so that they need not be made again.
        trials = description.preparation.get("trials") or {}
        options = replace(options, hyperparameters=dict(trials.get("hyperparameters", {})))
    return source, options


def _looks_like_path(source: str) -> bool:
    """Return whether a source is a file or folder, and no example that comes along."""
    return bool(Path(split_part(source)[0]).suffix) or "/" in source
