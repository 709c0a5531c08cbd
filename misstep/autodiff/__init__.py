"""Reverse mode and the gradient checker. Knows `ir` and `ops` and nothing above."""

from misstep.autodiff.check import GradientCheck, check_gradient
from misstep.autodiff.recurrence import remembering
from misstep.autodiff.reverse import gradient

__all__ = ["GradientCheck", "check_gradient", "gradient", "remembering"]
