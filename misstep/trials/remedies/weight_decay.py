"""Weights that shrink a little with each update, apart from the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from misstep.optim import SGD, Adam, AdamW, Optimizer
from misstep.trials.remedy import Case, Change, Remedy, with_optimizer
from misstep.trials.setting import NotApplicableError

# How much a weight that no gradient holds shrinks over the training: e^−1 and e^−4 are left. The
# strength follows from that, so that it means the same at any rate and length.
FOLDS = (1.0, 4.0)
# Where the run has decay already: so many times as strong.
TIMES = (10.0, 3.0)
# The least and the most that are ever used.
LEAST, MOST = 1e-5, 10.0


class WeightDecay(Remedy):
    """AdamW in place of Adam, decay for SGD, or more of either."""

    name = "weight-decay"
    title = "weight decay, or more of it"
    answers = ("overfitting", "label-errors")
    is_general = True
    rank = 24

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield two strengths."""
        own = case.start.optimizer
        if not isinstance(own, SGD | Adam):
            raise NotApplicableError(f"{type(own).__name__} has none that is apart from steps")
        kind = AdamW if isinstance(own, Adam) else SGD
        folds = own.learning_rate * case.setting.taken
        if isinstance(own, SGD):
            folds /= max(1.0 - own.momentum, 1e-3)
        if not folds > 0:
            raise NotApplicableError("its learning rate is 0")
        if own.weight_decay and isinstance(own, kind):
            decays = [times * own.weight_decay for times in TIMES]
        else:
            decays = [fold / folds for fold in FOLDS]
        for decay in decays:
            if not LEAST <= decay <= MOST:
                continue
            rounded = float(f"{decay:.2g}")
            if isinstance(own, SGD | AdamW):
                other: Optimizer = replace(own, weight_decay=rounded)
            else:
                other = AdamW(
                    own.learning_rate,
                    beta1=own.beta1,
                    beta2=own.beta2,
                    epsilon=own.epsilon,
                    weight_decay=rounded,
                )
            yield with_optimizer(case, f"with a weight decay of {rounded:g}", other)
