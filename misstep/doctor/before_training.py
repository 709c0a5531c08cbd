"""`examine_start`: what shows before any training, and one reason for all that does not.

Knows records that training would begin with; what each rule makes of them, it does not.
"""

from __future__ import annotations

from dataclasses import replace

from misstep.doctor.examine import RULE_FAILED, Diagnosis, examine
from misstep.doctor.finding import NotExamined
from misstep.record import Record

__all__ = ["examine_start"]

# Said of causes that show in training alone.
UNTRAINED = "nothing has been trained yet; `misstep diagnose` looks for them in a run"


def examine_start(record: Record) -> Diagnosis:
    """Let every rule examine the record of a training that has not begun."""
    diagnosis = examine(record)
    left = [
        one if one.because.startswith(RULE_FAILED) else NotExamined(one.slug, UNTRAINED)
        for one in diagnosis.not_examined
    ]
    return replace(diagnosis, not_examined=left)
