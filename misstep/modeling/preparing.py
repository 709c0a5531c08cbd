"""What becomes of the columns of a table before a network sees them, told column by column.

Joins recognizing and fitting, for the command line and the estimators. Knows tables, no networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from misstep.data import Preprocessor, Table, recognize_columns
from misstep.ir import Array
from misstep.modeling.judging import judged_texts
from misstep.modeling.settings import Choices

if TYPE_CHECKING:
    import pandas


def prepare_columns(
    table: Table,
    learned: pandas.DataFrame,
    choices: Choices,
    *,
    target: str | None = None,
    weights: object = None,
    answers: Array | None = None,
    in_order: bool = False,
) -> Preprocessor:
    """Return the preprocessing fitted on the rows `learned` of `table`; tell `choices` why.

    What a column is is judged on all rows in their order: only there can one be seen to number
    them. `target`: the column to leave out. `weights`: of the rows `learned`, (rows,), or None.
    `answers`: of these rows, encoded, (rows,). `in_order`: keep the order of words in texts.
    Raises DataError where there is nothing to learn from.
    """
    columns = recognize_columns(table, target)
    if answers is not None:
        columns = judged_texts(columns, learned, answers)
    preprocessor = Preprocessor.fit(learned, columns, weights, answers, in_order=in_order)
    done = {part.split(": ", 1)[0]: part for part in preprocessor.reasons}
    for one in columns:
        reason = done[one.name].split(" because ", 1)[-1]
        choices.add(f"column {one.name}", one.kind if one.used else "left out", reason)
    return preprocessor
