"""`TextModality`: a table that has texts among its columns, or nothing else.

Reads rows as any table does; the network has a branch for each text, and the linear model that it
is compared with is scikit-learn's own on TF-IDF.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from misstep.data import Column, ColumnType, Dataset, Preprocessor, Rows, Table
from misstep.modeling.baselines import Baseline, guess
from misstep.modeling.modalities.rows import Prepared
from misstep.modeling.modalities.table import TableModality
from misstep.modeling.plans import Plan, Planner, plan_texts
from misstep.modeling.text_baseline import linear_on_texts, term_features


class TextModality(TableModality):
    """A table with texts; where they turn out not to help, they are left out, and it is plain."""

    name: ClassVar[str] = "text"
    # Recognized by the columns of a table, after which nobody asks.
    priority: ClassVar[int] = 91

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> bool:
        """Tell whether one of the columns is a text."""
        return any(column.used and column.column_type is ColumnType.TEXT for column in columns)

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return a network that takes words, beside one for what is a plain number."""
        preprocessor = prepared.preprocessing
        assert isinstance(preprocessor, Preprocessor)
        if not preprocessor.texts:
            return super().plan_network(planner, prepared)
        return plan_texts(planner, preprocessor.texts, *self.number_features(prepared))

    def baselines(self, prepared: Prepared) -> Sequence[Baseline]:
        """Return the guess and a linear model on TF-IDF."""
        preprocessor, train, test = (
            prepared.preprocessing,
            prepared.train_examples.data,
            prepared.test_data,
        )
        assert isinstance(preprocessor, Preprocessor)
        if not preprocessor.texts:
            return super().baselines(prepared)
        assert isinstance(train, Table)
        assert isinstance(test, Table)
        rows, target = prepared.in_memory, prepared.target
        linear = linear_on_texts(rows, train.frame, prepared.test, test.frame, preprocessor, target)
        if prepared.sample is not None:
            linear = replace(linear, how=f"{linear.how}; learned from {len(rows):,} rows")
        return guess(rows, prepared.test, target), linear

    def features_to_judge(self, prepared: Prepared, rows: Rows, data: Dataset) -> Any:
        """Return TF-IDF, and what is no text."""
        preprocessor = prepared.preprocessing
        assert isinstance(preprocessor, Preprocessor)
        if not preprocessor.texts:
            return super().features_to_judge(prepared, rows, data)
        assert isinstance(data, Table)
        return term_features(rows, data.frame, preprocessor)
