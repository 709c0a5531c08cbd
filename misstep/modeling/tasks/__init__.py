"""From people's data to a trained model: one file for each kind of data makes a `Task` of it.

`task.py` holds what a task is and trains it.
"""

from misstep.modeling.tasks.images import train_images
from misstep.modeling.tasks.sequences import evident_identifier, train_long_table, train_sequences
from misstep.modeling.tasks.series import ForecastTrained, train_series
from misstep.modeling.tasks.tables import table_without, train_table
from misstep.modeling.tasks.task import Task, Trained, train

__all__ = [
    "ForecastTrained",
    "Task",
    "Trained",
    "evident_identifier",
    "table_without",
    "train",
    "train_images",
    "train_long_table",
    "train_sequences",
    "train_series",
    "train_table",
]
