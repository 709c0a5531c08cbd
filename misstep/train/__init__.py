"""Training: the loop, its programs, callbacks, progress, checkpoints and resuming.

Joins networks, optimizers, records and files. Knows arrays; nothing of tables or people's words.
"""

from misstep.train.callbacks import Callback, Converged, EarlyStopping
from misstep.train.deadline import Deadline
from misstep.train.digest import rows_digest
from misstep.train.ending import Cause, Ending
from misstep.train.fork import Fork
from misstep.train.programs import Programs
from misstep.train.progress import Progress
from misstep.train.provenance import Provenance
from misstep.train.rate_range import RateRange
from misstep.train.repairing import RepairBudget, Repaired, Repairer
from misstep.train.row_scores import RowScores
from misstep.train.run import Run, Snapshot
from misstep.train.snapshots import Snapshots
from misstep.train.state import TrainingState
from misstep.train.synthetic import SyntheticInputs, synthetic_inputs
from misstep.train.trainer import Trainer
from misstep.train.training import Training

__all__ = [
    "Callback",
    "Cause",
    "Converged",
    "Deadline",
    "EarlyStopping",
    "Ending",
    "Fork",
    "Programs",
    "Progress",
    "Provenance",
    "RateRange",
    "RepairBudget",
    "Repaired",
    "Repairer",
    "RowScores",
    "Run",
    "Snapshot",
    "Snapshots",
    "SyntheticInputs",
    "Trainer",
    "Training",
    "TrainingState",
    "rows_digest",
    "synthetic_inputs",
]
