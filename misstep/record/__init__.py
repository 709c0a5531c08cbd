"""What a run wrote down: signals by name and meaning, the file that only grows, and its reader.

Knows no model and no trainer: a record can come from any training loop.
"""

from misstep.record.adding import add_events
from misstep.record.description import (
    AnswerSummary,
    FeatureSummary,
    InputSummary,
    LayerDescription,
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    PartDescription,
    Role,
    RunDescription,
    Task,
    TellingColumn,
)
from misstep.record.following import Follower
from misstep.record.naming import Names
from misstep.record.reader import Record, is_record, read_record
from misstep.record.signals import SIGNALS, Signal
from misstep.record.summaries import overlap, summarize_answers, summarize_inputs
from misstep.record.telling import telling_column
from misstep.record.thinning import Thinning
from misstep.record.writer import RecordWriter, start_line

__all__ = [
    "SIGNALS",
    "AnswerSummary",
    "FeatureSummary",
    "Follower",
    "InputSummary",
    "LayerDescription",
    "LossDescription",
    "Names",
    "OptimizerDescription",
    "ParameterDescription",
    "PartDescription",
    "Record",
    "RecordWriter",
    "Role",
    "RunDescription",
    "Signal",
    "Task",
    "TellingColumn",
    "Thinning",
    "add_events",
    "is_record",
    "overlap",
    "read_record",
    "start_line",
    "summarize_answers",
    "summarize_inputs",
    "telling_column",
]
