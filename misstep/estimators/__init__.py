"""The scikit-learn face: `Classifier` and `Regressor`, which pass all of its checks; `Forecaster`.

Decides nothing about a model: `modeling` does, as for the command line. Read in this order: base,
classifier, regressor, forecaster, reading, diagram, tuning.
"""

from misstep.estimators.classifier import Classifier
from misstep.estimators.forecaster import Forecaster
from misstep.estimators.regressor import Regressor
from misstep.estimators.tuning import tune

__all__ = ["Classifier", "Forecaster", "Regressor", "tune"]
