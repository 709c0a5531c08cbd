"""From a table or images to a trained model: every choice with its because, and one file.

Joins data, networks and training, once for the command line and the estimators. Prints nothing; the
shells do. Read in this order: settings, recipes/, learning, preparing, tasks/ and fitting, model,
scores and baselines, model_file, sources.
"""

from misstep.modeling.baselines import Baseline
from misstep.modeling.fitting import Rows, begin_rows, continue_rows, fit_rows
from misstep.modeling.forecast import BackTest, ForecastModel, Outlook
from misstep.modeling.learning import Learned
from misstep.modeling.model import Model, RowGraph
from misstep.modeling.model_file import load_model, save_model
from misstep.modeling.model_programs import ModelProgram, model_program
from misstep.modeling.recipes import Recipe, as_loss_wants, choose_loss, table_recipe
from misstep.modeling.scores import Scores, class_scores, number_scores, score_words
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.stages import StageExample, StageReport
from misstep.modeling.tasks import (
    ForecastTrained,
    Trained,
    evident_identifier,
    table_without,
    train_images,
    train_long_table,
    train_sequences,
    train_series,
    train_table,
)

__all__ = [
    "BackTest",
    "Baseline",
    "Choices",
    "ForecastModel",
    "ForecastTrained",
    "Learned",
    "Model",
    "ModelProgram",
    "Outlook",
    "Recipe",
    "RowGraph",
    "Rows",
    "Scores",
    "Settings",
    "StageExample",
    "StageReport",
    "Trained",
    "as_loss_wants",
    "begin_rows",
    "choose_loss",
    "class_scores",
    "continue_rows",
    "evident_identifier",
    "fit_rows",
    "load_model",
    "model_program",
    "number_scores",
    "save_model",
    "score_words",
    "table_recipe",
    "table_without",
    "train_images",
    "train_long_table",
    "train_sequences",
    "train_series",
    "train_table",
]
