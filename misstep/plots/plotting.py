"""From the name of a kind of plot to its class: what `model.plot` and `run.plot` ask for.

Knows names, no axes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import misstep.plots.displays
from misstep.errors import ArgumentError
from misstep.modeling import TrainedModel
from misstep.modeling.model import check_one_answer
from misstep.plots.display import Display, ModelDisplay, RunDisplay
from misstep.text.names import did_you_mean
from misstep.train import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

One = TypeVar("One")

__all__ = ["model_kinds", "plot_fitted", "plot_model", "plot_run", "run_kinds"]


def plot_model(
    model: TrainedModel, kind: str, data: Any = None, ax: Axes | None = None, **more: Any
) -> ModelDisplay:
    """Draw what a model does on `data` and return the display.

    kind: such as "confusion"; `model_kinds` says which there are. data, more: as `from_model` of
    that display takes them. Raises ArgumentError for a kind that there is not.
    """
    check_one_answer(model, "plotting what a model does")
    found = model_kinds(model)
    return _chosen(kind, found, "this model").from_model(model, data, ax=ax, **more)


def plot_run(run: Run, kind: str = "losses", ax: Axes | None = None, **more: Any) -> RunDisplay:
    """Draw how a training went and return the display. Raises ArgumentError for an unknown kind."""
    return _chosen(kind, run_kinds(run), "this run").from_run(run, ax=ax, **more)


def plot_fitted(
    model: TrainedModel,
    run: Run | None,
    kind: str,
    rows: Callable[[], Any],
    ax: Axes | None = None,
    **more: Any,
) -> Display:
    """Draw what a model does, or how its training went, whichever the kind is of.

    rows: gives the data, asked for only where they are drawn from. Raises ArgumentError for a kind
    that there is for neither.
    """
    trained = {} if run is None else run_kinds(run)
    judged = model_kinds(model)
    chosen = _chosen(kind, {**judged, **trained}, "what was fitted")
    if run is not None and issubclass(chosen, RunDisplay):
        return chosen.from_run(run, ax=ax, **more)
    assert issubclass(chosen, ModelDisplay)
    return chosen.from_model(model, rows(), ax=ax, **more)


def model_kinds(model: TrainedModel) -> dict[str, type[ModelDisplay]]:
    """Return the displays that there are for a model, by kind; all are of one answer to a row."""
    if model.target.is_joint:
        return {}
    return {
        kind: one
        for kind, one in _displays().items()
        if issubclass(one, ModelDisplay) and one.suits(model)
    }


def run_kinds(run: Run) -> dict[str, type[RunDisplay]]:
    """Return the displays that there are for a run, by kind."""
    return {
        kind: one
        for kind, one in _displays().items()
        if issubclass(one, RunDisplay) and one.suits(run)
    }


def _displays() -> dict[str, type[Display]]:
    """Return every display that is written, in the order of their kinds."""
    for module in pkgutil.iter_modules(misstep.plots.displays.__path__):
        importlib.import_module(f"{misstep.plots.displays.__name__}.{module.name}")
    return dict(sorted(Display.registry.items()))


def _chosen(kind: str, found: Mapping[str, One], of: str) -> One:
    name = kind.replace("-", "_").replace(" ", "_") if isinstance(kind, str) else kind
    if name in found:
        return found[name]
    raise ArgumentError(
        f"the kind of plot of {of}",
        needed=f"one of {', '.join(found)}" if found else "something to draw, of which it has none",
        got=repr(kind),
        try_=did_you_mean(kind, found),
    )
