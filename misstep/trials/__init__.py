"""Trials: a training done again with one thing changed, to tell causes apart.

Joins the doctor with the trainer. To tell causes apart: begin with `setting.py`, then
`experiment.py`, any file of `experiments/`, and `probing.py`. To take them away: `trial.py`,
`repair.py`, `rounds.py`, `remedy.py` and any file of `remedies/`. Knows arrays; nothing of tables,
and prints nothing.
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
from misstep.trials.remedy import Case, Change, Remedy, registered_remedies
from misstep.trials.repair import Repair, case_of, repair_case, repair_run, repair_trainer
from misstep.trials.repair_folder import RepairFolder, next_folder
from misstep.trials.rounds import Round, Verdict
from misstep.trials.setting import Course, Judged, NotApplicableError, Setting

__all__ = [
    "BUDGET",
    "EVENT",
    "Arm",
    "Case",
    "Change",
    "Comparison",
    "Course",
    "Experiment",
    "Judged",
    "NotApplicableError",
    "NotRun",
    "Outcome",
    "Probe",
    "Remedy",
    "Repair",
    "RepairFolder",
    "Round",
    "Setting",
    "Verdict",
    "case_of",
    "event_of",
    "next_folder",
    "probe",
    "probe_trainer",
    "registered_experiments",
    "registered_remedies",
    "repair_case",
    "repair_run",
    "repair_trainer",
    "setting_of",
    "words_of",
]
