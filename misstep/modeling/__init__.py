"""From a table or pictures to a trained model: every choice with its because, and one file.

Joins data, networks and training. Prints nothing; the shells do.
"""

from misstep.modeling.model import Model, load_model
from misstep.modeling.training import Choice, Trained, train_pictures, train_table

__all__ = ["Choice", "Model", "Trained", "load_model", "train_pictures", "train_table"]
