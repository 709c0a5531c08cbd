"""Trials: a training done again with one thing changed, to tell causes apart.

Joins the doctor with the trainer: begin with `setting.py`, then `experiment.py`, any file of
`experiments/`, and `probing.py`. Knows arrays; nothing of tables, and prints nothing.
"""

from misstep.trials.experiment import Arm, Comparison, Experiment
from misstep.trials.outcome import Outcome
from misstep.trials.probing import (
    BUDGET,
    EVENT,
    NotRun,
    Probe,
    event_of,
    probe,
    probe_trainer,
    registered_experiments,
    setting_of,
    words_of,
)
from misstep.trials.setting import Course, Judged, NotApplicableError, Setting

__all__ = [
    "BUDGET",
    "EVENT",
    "Arm",
    "Comparison",
    "Course",
    "Experiment",
    "Judged",
    "NotApplicableError",
    "NotRun",
    "Outcome",
    "Probe",
    "Setting",
    "event_of",
    "probe",
    "probe_trainer",
    "registered_experiments",
    "setting_of",
    "words_of",
]
