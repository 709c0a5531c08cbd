"""The scikit-learn face: `Classifier` and `Regressor`, which pass all of its checks.

Decides nothing about a model: `modeling` does, as for the command line. Read in this order: base,
classifier, regressor, reading, settings, summary.
"""

from misstep.estimators.classifier import Classifier
from misstep.estimators.regressor import Regressor

__all__ = ["Classifier", "Regressor"]
