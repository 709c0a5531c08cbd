"""From a table or pictures to a trained model: every choice with its because, and one file.

Joins data, networks and training, once for the command line and the estimators. Prints nothing; the
shells do. Read in this order: settings, recipe, learning, preparing, training and fitting, model,
model_file, sources.
"""

from misstep.modeling.fitting import Rows, begin_rows, continue_rows, fit_rows
from misstep.modeling.learning import Learned
from misstep.modeling.model import Model, RowGraph, number_scores, score_words
from misstep.modeling.model_file import load_model, save_model
from misstep.modeling.model_programs import ModelProgram, model_program
from misstep.modeling.recipe import Recipe, as_loss_wants, choose_loss, choose_recipe
from misstep.modeling.settings import Choice, Choices, Settings
from misstep.modeling.sources import picture_rows, read_rows, read_source, unknown_source
from misstep.modeling.training import Trained, train_pictures, train_table

__all__ = [
    "Choice",
    "Choices",
    "Learned",
    "Model",
    "ModelProgram",
    "Recipe",
    "RowGraph",
    "Rows",
    "Settings",
    "Trained",
    "as_loss_wants",
    "begin_rows",
    "choose_loss",
    "choose_recipe",
    "continue_rows",
    "fit_rows",
    "load_model",
    "model_program",
    "number_scores",
    "picture_rows",
    "read_rows",
    "read_source",
    "save_model",
    "score_words",
    "train_pictures",
    "train_table",
    "unknown_source",
]
