"""Tuning: the search for hyperparameters that do better than the default ones, on validation rows.

Begin with `study.py`, then `problem.py` (what is searched for), `search.py` (what one worker does),
`ledger.py` (which trial is whose). Stands on Optuna, which is loaded when it is first needed; knows
nothing of faces, and prints nothing.
"""

from misstep.tuning.result import State, TrialResult, Tuning
from misstep.tuning.space import parse_space
from misstep.tuning.study import tune
from misstep.tuning.trainers import tune_trainer

__all__ = ["State", "TrialResult", "Tuning", "parse_space", "tune", "tune_trainer"]
