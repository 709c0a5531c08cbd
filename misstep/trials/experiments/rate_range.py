"""The learning-rate range test, and the run at the rate that it suggests."""

from __future__ import annotations

from misstep.trials.advice import at_rate
from misstep.trials.experiment import Experiment
from misstep.trials.outcome import AGAINST, Outcome, support_of
from misstep.trials.setting import COURSES, RANGE_UPDATES, Setting

# A rate within this factor of the suggestion is as good as that.
SAME = 4.0


class RangeTest(Experiment):
    """Tries the learning-rate range test."""

    name = "rate-range"
    title = "the learning-rate range test"
    tells = ("learning-rate-too-low", "learning-rate-too-high")
    rank = 4

    def updates(self, setting: Setting) -> int:
        """Return what the test and the run at its rate cost."""
        return setting.range_courses * RANGE_UPDATES + COURSES * setting.updates

    def run(self, setting: Setting) -> Outcome:
        """Find a rate, and train with it as the run did."""
        start = setting.start
        own = start.optimizer.learning_rate
        found, course = setting.suggestion, setting.at_suggestion
        verdicts = dict.fromkeys(self.tells, 0.0)
        numbers = {"suggestion": found.suggestion, "rate": own}
        if found.suggestion is None or course is None:
            return Outcome(
                self.name, self.title, verdicts, numbers={**numbers, "words": found.because}
            )
        label = f"at the suggested rate of {found.suggestion:.2g}"
        factor = found.suggestion / own
        support = support_of(setting.control, course, setting.reached, whole=setting.is_whole)
        if 1 / SAME < factor < SAME:
            verdicts = dict.fromkeys(self.tells, AGAINST if support <= 0 else 0.0)
        else:
            verdicts["learning-rate-too-low" if factor > 1 else "learning-rate-too-high"] = support
        return Outcome(
            self.name,
            self.title,
            verdicts,
            setting.control,
            {label: course},
            label,
            at_rate(start, factor) if support > 0 else "",
            numbers,
        )
