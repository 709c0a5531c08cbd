"""The same training on answers dealt out anew: does it learn, or know by heart?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from misstep.trials.experiment import Experiment
from misstep.trials.outcome import AGAINST, Outcome
from misstep.trials.setting import Judged, NotApplicableError, Setting

# Below this share of the loss of chance, answers that mean nothing were learned by heart.
BY_HEART = 0.5
# From here on validation rows were hardly learned; and what training rows may then have left.
NOT_LEARNED, LEARNED = 0.9, 0.5
FEWEST_ROWS = 16


class PermutedAnswers(Experiment):
    """Tries answers dealt out anew among the rows."""

    name = "permuted-answers"
    title = "answers dealt out anew among the rows"
    tells = ("overfitting", "leakage")
    rank = 24

    def run(self, setting: Setting) -> Outcome:
        """Train on answers that mean nothing, beside the run."""
        rows = setting.rows
        if len(rows) < FEWEST_ROWS:
            raise NotApplicableError(f"{len(rows)} rows are too few to deal out their answers")
        order = np.random.default_rng(setting.start.seed).permutation(len(rows))
        dealt = replace(Judged(rows.x, rows.y[order], rows.weights))
        course = setting.course(setting.start, dealt, setting.validation)
        control = setting.control
        verdicts = dict.fromkeys(self.tells, 0.0)
        held_out = control.held_out
        if course.middle <= BY_HEART and held_out is not None:
            outside = float(np.median(held_out))
            if outside >= NOT_LEARNED and control.middle <= LEARNED:
                verdicts["overfitting"] = 0.6
        elif course.middle > NOT_LEARNED and control.middle <= LEARNED:
            # It has no room to know rows by heart, and yet it learns.
            verdicts["overfitting"] = AGAINST
        label = "with answers dealt out anew"
        return Outcome(self.name, self.title, verdicts, control, {label: course}, label)
