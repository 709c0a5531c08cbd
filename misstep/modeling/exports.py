"""What other rooms may use of this one: the one list of its names."""

from __future__ import annotations

from misstep.modeling.attribution import (
    Attribution,
    Contribution,
    Contributions,
    attribute,
    attribute_row,
)
from misstep.modeling.attribution_text import (
    Section,
    contribution_sections,
    error_words,
    neuron_section,
    seen_words,
    share_words,
    steps_section,
)
from misstep.modeling.baselines import Baseline
from misstep.modeling.before_training import untrained
from misstep.modeling.checking import Check, check, check_data
from misstep.modeling.comparison import (
    Assessment,
    Comparison,
    PairedComparison,
    Verdict,
    assess,
    assess_forecasts,
    compare_errors,
)
from misstep.modeling.decisions import Decision, Decisions
from misstep.modeling.examples import Examples, weighted_examples
from misstep.modeling.forecast import BackTest, ForecastInterval, ForecastModel
from misstep.modeling.forecast_attribution import ForecastAttribution, attribute_forecast
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.blame import (
    Blame,
    BlamedLayer,
    BlamedLink,
    BlamedUnit,
    BlamedWeight,
    blame_of,
)
from misstep.modeling.judgment.confusion import ConfusedPair, Confusion, confusion_of
from misstep.modeling.judgment.forecast_importance import forecast_importances_of
from misstep.modeling.judgment.importance import Importance, InputImportance, importances_of
from misstep.modeling.judgment.judging import judged
from misstep.modeling.judgment.mistakes import (
    ForecastMistake,
    Mistake,
    Mistakes,
    mistakes_of,
    worst_forecasts,
)
from misstep.modeling.judgment.next_updates import ChangedWeight, NextUpdate
from misstep.modeling.judgment.partial_dependence import (
    PartialDependence,
    partial_dependence_of,
    partial_dependences_of,
)
from misstep.modeling.judgment.reliability import Reliability, ReliabilityBin, reliability_of
from misstep.modeling.judgment.residuals import Residuals, residuals_of
from misstep.modeling.judgment.words import word_importances_of
from misstep.modeling.learning_curve import CurveExample, LearningCurve
from misstep.modeling.metrics import Metric, Scores, class_scores, number_scores, score_words
from misstep.modeling.modalities import Modality, RowModality, Setup
from misstep.modeling.model import Model, RowGraph, TrainedModel
from misstep.modeling.model_file import load_model, save_model
from misstep.modeling.model_programs import ModelProgram, model_program
from misstep.modeling.neurons import Neuron
from misstep.modeling.options import (
    Face,
    Needs,
    Option,
    Options,
    TaskName,
    all_options,
    check_options,
    make_options,
    option,
)
from misstep.modeling.partial_fit import fit_first, fit_more
from misstep.modeling.pipeline import Walk, check_request, recognize, train
from misstep.modeling.plans import Plan, Planner
from misstep.modeling.repairing import Repairable, Tested, check_repairable, check_same_run
from misstep.modeling.result import FitResult, ForecastResult
from misstep.modeling.row_check import RowCheck, Suspect, check_rows
from misstep.modeling.row_objectives import RowObjective, row_objective
from misstep.modeling.single_row import SingleRow, take_row
from misstep.modeling.training_rows import Seen, TrainingRows
from misstep.modeling.weight_names import find_weight

__all__ = [
    "Assessment",
    "Attribution",
    "BackTest",
    "Baseline",
    "Blame",
    "BlamedLayer",
    "BlamedLink",
    "BlamedUnit",
    "BlamedWeight",
    "ChangedWeight",
    "Check",
    "Comparison",
    "ConfusedPair",
    "Confusion",
    "Contribution",
    "Contributions",
    "CurveExample",
    "Decision",
    "Decisions",
    "Examples",
    "Face",
    "FitResult",
    "ForecastAttribution",
    "ForecastInterval",
    "ForecastMistake",
    "ForecastModel",
    "ForecastResult",
    "HeldOut",
    "Importance",
    "InputImportance",
    "LearningCurve",
    "Metric",
    "Mistake",
    "Mistakes",
    "Modality",
    "Model",
    "ModelProgram",
    "Needs",
    "Neuron",
    "NextUpdate",
    "Option",
    "Options",
    "PairedComparison",
    "PartialDependence",
    "Plan",
    "Planner",
    "Reliability",
    "ReliabilityBin",
    "Repairable",
    "Residuals",
    "RowCheck",
    "RowGraph",
    "RowModality",
    "RowObjective",
    "Scores",
    "Section",
    "Seen",
    "Setup",
    "SingleRow",
    "Suspect",
    "TaskName",
    "Tested",
    "TrainedModel",
    "TrainingRows",
    "Verdict",
    "Walk",
    "all_options",
    "assess",
    "assess_forecasts",
    "attribute",
    "attribute_forecast",
    "attribute_row",
    "blame_of",
    "check",
    "check_data",
    "check_options",
    "check_repairable",
    "check_request",
    "check_rows",
    "check_same_run",
    "class_scores",
    "compare_errors",
    "confusion_of",
    "contribution_sections",
    "error_words",
    "find_weight",
    "fit_first",
    "fit_more",
    "forecast_importances_of",
    "importances_of",
    "judged",
    "load_model",
    "make_options",
    "mistakes_of",
    "model_program",
    "neuron_section",
    "number_scores",
    "option",
    "partial_dependence_of",
    "partial_dependences_of",
    "recognize",
    "reliability_of",
    "residuals_of",
    "row_objective",
    "save_model",
    "score_words",
    "seen_words",
    "share_words",
    "steps_section",
    "take_row",
    "train",
    "untrained",
    "weighted_examples",
    "word_importances_of",
    "worst_forecasts",
]
