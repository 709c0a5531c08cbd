"""What a model does and how it learned, as matplotlib axes: the facts of the report, to go on with.

Classes in the manner of scikit-learn's displays: `from_model` or `from_run` computes and draws,
`plot(ax=…)` draws again, `ax_` and `figure_` are what it was drawn on. `model.plot(kind, data)` and
`run.plot(kind)` find the class by its kind. Matplotlib, extra `plot`, is loaded when something is
drawn; nothing that it shares with other drawings is changed, no style, no default.
"""

from misstep.plots.display import Display, ModelDisplay, RunDisplay
from misstep.plots.displays.confusion import ConfusionDisplay
from misstep.plots.displays.forecast import ForecastDisplay
from misstep.plots.displays.gradient_flow import GradientFlowDisplay
from misstep.plots.displays.importance import ImportanceDisplay
from misstep.plots.displays.losses import LossesDisplay
from misstep.plots.displays.partial_dependence import PartialDependenceDisplay
from misstep.plots.displays.reliability import ReliabilityDisplay
from misstep.plots.displays.residuals import ResidualsDisplay
from misstep.plots.displays.story import StoryDisplay
from misstep.plots.displays.words import WordsDisplay
from misstep.plots.plotting import plot_fitted, plot_model, plot_run

__all__ = [
    "ConfusionDisplay",
    "Display",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "ImportanceDisplay",
    "LossesDisplay",
    "ModelDisplay",
    "PartialDependenceDisplay",
    "ReliabilityDisplay",
    "ResidualsDisplay",
    "RunDisplay",
    "StoryDisplay",
    "WordsDisplay",
    "plot_fitted",
    "plot_model",
    "plot_run",
]
