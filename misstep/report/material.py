"""`Material`: all that is known of a run, for the sections of its report.

A run of a person's own loop has a record alone; one of the command line has data, a model, scores.
A section takes what there is, and says nothing of the rest. Knows no HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from misstep.data import Decision
from misstep.doctor import Diagnosis, examine
from misstep.modeling import FitResult, TrainedModel
from misstep.modeling.held_out import HeldOut
from misstep.record import Record
from misstep.train import Run

__all__ = ["Material"]


@dataclass(frozen=True)
class Material:
    """All that is known of a run.

    `name`: what the page is called. `source`: what was learned from, as a person named it, or "".
    `command`: that does it again, or "". `result`: of the walk from data to a model. The others are
    taken from the result where there is one.
    """

    name: str
    record: Record | None = None
    run: Run | None = None
    model: TrainedModel | None = None
    result: FitResult | None = None
    held_out: HeldOut | None = None
    decisions: Sequence[Decision] = field(default_factory=tuple)
    source: str = ""
    command: str = ""

    @classmethod
    def of_result(
        cls, result: FitResult, *, name: str, source: str = "", command: str = ""
    ) -> Material:
        """Return what is known where a walk ended in `result`."""
        return cls(
            name,
            record=result.run.record,
            run=result.run,
            model=result.model if result.run.usable else None,
            result=result,
            held_out=result.held_out,
            decisions=result.decisions,
            source=source,
            command=command,
        )

    @classmethod
    def of_run(cls, run: Run, *, name: str = "run") -> Material:
        """Return what is known of a training of somebody's own network."""
        return cls(name, record=run.record, run=run)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """Return what goes wrong in the run; None without a record."""
        return None if self.record is None else examine(self.record)
