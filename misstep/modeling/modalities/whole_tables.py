"""What a table does otherwise where its rows are a sample of a file: the file is learned from.

All that is decided is decided on the sample, by the steps that every table takes; rows to validate
on and to be judged on are of the sample, in memory. Knows prepared rows and tables.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from misstep.data import Preprocessor, Rows, Split, Table
from misstep.data.table.file_rows import group_words
from misstep.data.table.prepared_tables import Apart, prepared_table
from misstep.ir import Array
from misstep.modeling.decisions import Decisions
from misstep.modeling.examples import Examples
from misstep.modeling.modalities.rows import Prepared
from misstep.text.counts import counted
from misstep.text.units import bytes_in_words

__all__ = ["learned_from_file", "sample_decision"]


def sample_decision(table: Table) -> tuple[str, str, str]:
    """Return what is decided on a sample only, and why, as a decision."""
    whole = table.whole
    assert whole is not None
    memory = whole.preparation.memory
    same = "" if memory is None else f" with --memory {bytes_in_words(memory)}"
    return (
        "sample",
        f"{len(table):,} of {counted(whole.rows, 'row')} tell what columns and scales are; "
        "all are learned from",
        f"{whole.because}; drawn by chance, the same ones each time{same}",
    )


def learned_from_file(
    prepared: Prepared,
    split: Split,
    examples: Examples,
    groups: str | None,
    decisions: Decisions,
    notes: list[str],
) -> Prepared:
    """Return rows prepared from a sample with all rows of its file to learn from.

    `examples`: of the sample, which `split` dealt out. `groups`: the column that tells groups
    apart. `notes` gets what was noticed in the file. Raises what `prepared_table` raises.
    """
    table, preprocessor = examples.data, prepared.preprocessing
    assert isinstance(table, Table)
    assert isinstance(preprocessor, Preprocessor)
    whole = table.whole
    assert whole is not None
    judged_on = np.concatenate([split.validation, split.test])
    rows = examples.order[judged_on]
    features: list[Array] = [prepared.validation.x] if len(split.validation) else []
    if len(split.test):
        features.append(prepared.test.x)
    copies = decisions.facts.get("copies") or {"together": True}
    words = frozenset[str]()
    if groups is not None:
        named = np.array(group_words(table, groups), dtype=object)[rows]
        words = frozenset(word for word in named if word is not None)
    apart = Apart(
        np.sort(table.row_numbers[rows]),
        np.concatenate(features) if features and copies["together"] else None,
        None if groups is None else (groups, words),
    )
    found = prepared_table(whole, preprocessor, prepared.target, apart)
    again = "read again from" if found.reused else "prepared in"
    decisions.add(
        "rows",
        f"{len(found.x):,} of {whole.rows:,} are learned from, {again} {whole.folder}",
        "they are too many for memory, and each is read where it lies",
    )
    notes += found.notes
    return replace(
        prepared,
        train=Rows(found.x, found.y),  # type: ignore[arg-type]
        train_numbers=found.numbers,
        sample=prepared.train,
    )
