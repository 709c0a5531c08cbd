"""What becomes of the columns of a table, or of sequences, before a network sees them; told.

Joins recognizing and fitting, for the command line and the estimators. Knows data, no networks.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from misstep.data import (
    LongForm,
    Preprocessor,
    Sequences,
    SequenceScaling,
    Table,
    recognize_columns,
)
from misstep.ir import Array
from misstep.modeling.giveaways import giveaways
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
    notes: list[str] | None = None,
) -> Preprocessor:
    """Return the preprocessing fitted on the rows `learned` of `table`; tell `choices` why.

    What a column is is judged on all rows in their order: only there can one be seen to number
    them. `target`: the column to leave out. `weights`: of the rows `learned`, (rows,), or None.
    `answers`: of these rows, encoded, (rows,). `in_order`: keep the order of words in texts.
    `notes`: gets a note on each column that alone tells the answers. Raises DataError where there
    is nothing to learn from.
    """
    columns = recognize_columns(table, target)
    tell_all: dict[str, str] = {}
    if answers is not None:
        tell_all = giveaways(columns, learned, answers)
        # Who says a network that reads words wants them read.
        if not in_order:
            columns = judged_texts(columns, learned, answers, without=tell_all)
    preprocessor = Preprocessor.fit(learned, columns, weights, answers, in_order=in_order)
    for decision in preprocessor.decisions:
        choices.add(decision.what, decision.choice, decision.reason)
    for name, share in tell_all.items():
        what = f"{name} alone tells {target or 'the answer'} for {share}"
        choices.add("CAREFUL", what, "perhaps it is only known afterwards: then leave it out")
        if notes is not None:
            notes.append(
                f"{what}: is it known when you predict? If it is not, the scores below mean "
                f"nothing; leave it out with --without {shlex.quote(name)}"
            )
    return preprocessor


def prepare_sequences(
    learned: Sequences, choices: Choices, long: LongForm | None = None
) -> SequenceScaling:
    """Return the scaling fitted on the sequences to learn from; tell `choices` why.

    `long`: how the table was read that they come from. Raises DataError where there is no number.
    """
    scaling = SequenceScaling.fit(learned, long)
    shortest, longest = int(learned.lengths.min()), int(learned.lengths.max())
    first, *others = scaling.decisions
    choices.add(first.what, first.choice, first.reason)
    if shortest < longest:
        choices.add(
            "length",
            f"{shortest:,} to {longest:,} steps, filled up to {longest:,}",
            "what fills up is masked: no layer sums it, compares it or learns from it",
        )
    for decision in others:
        choices.add(decision.what, decision.choice, decision.reason)
    return scaling
