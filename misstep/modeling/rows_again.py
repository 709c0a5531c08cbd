"""The rows of a run that is over, split and prepared once more: what it learned from, and what not.

For who looks back at a run and has its data and its model. Trains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.errors import DataError
from misstep.modeling.examples import Examples
from misstep.modeling.held_out import HeldOut, HeldOutExamples
from misstep.modeling.modalities import Modality, RowModality
from misstep.modeling.modalities.rows import Prepared
from misstep.modeling.model import Model, TrainedModel
from misstep.modeling.training_rows import Seen

__all__ = ["RowsAgain", "rows_again", "rows_of"]


@dataclass(frozen=True)
class RowsAgain:
    """Rows of a run.

    `learned`: what it learned from; `held_out`: beside what its model says; `watched`: those that
    its learning curve is about.
    """

    learned: Examples
    held_out: HeldOut | None
    watched: HeldOutExamples | None


def rows_again(modality: Modality, model: TrainedModel | None) -> RowsAgain | None:
    """Return the rows of a run on these data with these options; None for a series.

    `model`: what came of the run, None where nothing did. Raises DataError where data or options
    are not those that the model was made from, and what the walk raises.
    """
    if not isinstance(modality, RowModality):
        return None
    return rows_of(modality, modality.prepare(modality.split()), model)


def rows_of(modality: RowModality, prepared: Prepared, model: TrainedModel | None) -> RowsAgain:
    """Return the same where the rows are prepared already. Raises DataError likewise."""
    if not isinstance(model, Model):
        return RowsAgain(prepared.train_examples, None, prepared.watched)
    rows = prepared.test if modality.tested else prepared.validation
    met = model.training_rows
    each = () if met is None else (met.each_seen(part) for part in (prepared.in_memory.x, rows.x))
    if (
        any(Seen.NEVER in seen for seen in each)
        or prepared.preprocessing.to_json() != model.preprocessing.to_json()
    ):
        raise DataError(
            "the data of the run",
            needed="the rows that its model learned from and was judged on",
            got="others",
        )
    held_out = modality.held_out(prepared, rows, model.outputs_of(rows.x)) if len(rows) else None
    return RowsAgain(prepared.train_examples, held_out, prepared.watched)
