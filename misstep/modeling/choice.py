"""The choice among a plan and its candidates: each is trained for a short while and judged.

What is judged on was not learned from: a part of the training rows is set apart for the trials, and
the validation rows are judged on beside it, since a tenth of a small table alone could not tell.
All learn from the same rows and are judged on the same rows, so that their losses pair row by row.
The plan stays unless another is better beyond noise. How long is counted in epochs and rows, never
in seconds: the same seed chooses the same. Knows plans and trials; no kind of data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.ir import Array
from misstep.modeling.decisions import Decisions
from misstep.modeling.examples import in_portions, rows_for
from misstep.modeling.plans import Candidate, Plan
from misstep.nn import Network
from misstep.storage import joined_rows
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.train.chance import chance_loss
from misstep.trials import Judged
from misstep.trials.trial import Trial, loss_judge

# The share of the training rows that trials learn from; the others are judged on.
LEARNED_SHARE = 2 / 3
# Fewer rows than this to judge on can't tell one network from another.
FEWEST_JUDGED = 40
# Epochs of a short trial: so many, or with many rows at most this share of the fewest that the
# training itself will have, which ends at the earliest when its patience is at an end.
SHORT_EPOCHS, SHORT_SHARE = 4, 0.2
# Where this share of the loss of chance is left, answers are noisy, and training may be at its best
# after few epochs. Then, up to so many rows of those learned from, the course itself is tried: the
# best network once more, with so many times as many epochs.
NOISY, MOST_ROWS_OF_COURSES, LONGER = 0.4, 700, 3
# Where that leaves at most this share less of the loss, still more epochs are not worth their time,
# and learn noise by heart: such a course is whole then.
WORTH_MORE = 0.1
# With fewer rows even whole trainings take no time, and a few epochs would show nothing.
FEWEST_ROWS_OF_SHORT_TRIALS = 130
# The share of rows, at either end, on which two differ so much that they alone would decide: one
# abalone with a mistyped height weighed as much as a thousand others.
STANDING_OUT = 0.005
# From so many rows on trials take so long that one should be told what goes on.
MANY_ROWS = 20_000
AS_PLANNED = "as planned"

# From hyperparameters to the plan that they make.
Planned = Callable[[Mapping[str, Any]], Plan]


@dataclass(frozen=True)
class Tried:
    """What came of a trial: `losses`, (rows judged on,), after `epochs` epochs."""

    label: str
    losses: Array
    epochs: int

    @property
    def loss(self) -> float:
        """Return the mean loss; infinite where training failed."""
        mean = float(self.losses.mean())
        return mean if math.isfinite(mean) else math.inf

    def behind(self, other: Tried) -> float:
        """Return by how many standard errors this one's loss is above that of another one.

        The few rows on which they differ most count as much as the next ones.
        """
        if self.loss == other.loss:
            return 0.0
        if not (math.isfinite(self.loss) and math.isfinite(other.loss)):
            return math.inf if self.loss > other.loss else -math.inf
        differences = self.losses - other.losses
        low, high = np.quantile(differences, [STANDING_OUT, 1 - STANDING_OUT])
        differences = np.clip(differences, low, high)
        error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
        mean = float(differences.mean())
        return mean / error if error > 0 else math.copysign(math.inf, mean)


@dataclass(frozen=True)
class Choice:
    """What trials chose. `hyperparameters`: where they differ from the plan's own; none: as it is.

    `facts`: what was tried and what came of it, plain, for the record of the run.
    """

    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contest:
    """The rows of the trials, and what a trial needs beside its plan.

    `learned`, `judged`: as a network takes them; `rows`: that the training itself will learn from;
    `seed`, `threads`, `shuffle`, `precision`: its own.
    """

    learned: Rows
    judged: Rows
    rows: int
    seed: int
    threads: int | None
    shuffle: bool
    precision: str = "float32"

    def chance(self, plan: Plan) -> float:
        """Return the loss of the best constant on the rows judged on; 0 where it is not known."""
        shape = Network(plan.module, self.judged.x.shape[1:]).output_shape
        found = chance_loss(plan.loss, rows_for(plan.loss, self.judged)[1], shape, "float32")
        return found or 0.0

    def tried(self, label: str, plan: Plan, epochs: int) -> Tried:
        """Return what comes of `epochs` epochs by a plan, its learning rate falling in them."""
        shape = self.learned.x.shape[1:]
        network = Network(plan.module, shape, seed=self.seed)
        trainer = plan.trainer(
            self.seed, self.threads, network, shuffle=self.shuffle, precision=self.precision
        )
        rows = Judged(*rows_for(plan.loss, self.learned))
        judge = loss_judge(Judged(*rows_for(plan.loss, self.judged)))
        batches = -(-len(rows) * plan.repeats_per_epoch // plan.batch_size)
        trial = Trial(label, trainer, rows, judge, updates=epochs * batches, moments=1)
        trial.advance(1.0)
        losses = np.full(len(self.judged), math.inf) if trial.failed else trial.penalties()
        return Tried(label, losses, epochs)


def contest_of(
    train: Rows,
    validation: Rows,
    groups: Array,
    batch: int,
    *,
    seed: int,
    threads: int | None,
    shuffle: bool,
    precision: str = "float32",
) -> Contest | None:
    """Return the rows of trials; None where there are too few to tell anything.

    `groups`: (rows,), of which each stays on one side. `batch`: a number of rows that those learned
    from are a multiple of, so that no batch is left unfilled.
    """
    own = np.unique(groups, return_inverse=True)[1].reshape(-1)
    generator = np.random.default_rng([seed, len(train)])
    place = generator.permutation(int(own.max()) + 1)[own]
    order = np.argsort(place, kind="stable")
    count = int(LEARNED_SHARE * len(order))
    # A group that the border runs through is judged on.
    while count and place[order[count - 1]] == place[order[count]]:
        count -= 1
    whole = count // batch * batch or count
    learned, judged = np.sort(order[:whole]), np.sort(order[count:])
    if len(judged) + len(validation) < FEWEST_JUDGED or not len(learned):
        return None
    apart = train.take(judged)
    if len(validation):
        apart = _together(apart, validation)
    portions = in_portions(train.take(learned))
    return Contest(portions, apart, len(in_portions(train)), seed, threads, shuffle, precision)


def choose(
    plan: Plan,
    planned: Planned,
    contest: Contest,
    decisions: Decisions,
    on_trial: Callable[[str], None] = lambda words: None,
) -> Choice:
    """Return what trials of a plan and its candidates choose; each is told in a decision.

    `planned`: makes the plan of other hyperparameters. `on_trial`: gets what is tried next, in
    words. Raises what planning and training raise.
    """
    candidates = {each.label: each for each in (Candidate(AS_PLANNED), *plan.candidates)}
    plans = {label: planned(each.hyperparameters) for label, each in candidates.items()}
    rows = len(contest.learned)
    short = SHORT_EPOCHS
    if rows > MOST_ROWS_OF_COURSES:
        least = min(plan.epochs, plan.patience + 1)
        short = int(np.clip(round(SHORT_SHARE * least), 1, SHORT_EPOCHS))

    def tried(label: str, epochs: int) -> Tried:
        whole = candidates[label].cheap or rows < FEWEST_ROWS_OF_SHORT_TRIALS
        most = plans[label].epochs
        epochs = most if whole else min(epochs, most)
        if rows >= MANY_ROWS:
            on_trial(f"trying {label}, {counted(epochs, 'epoch')}")
        return contest.tried(label, plans[label], epochs)

    trials = [tried(label, short) for label in candidates]
    networks = [one for one in trials if not candidates[one.label].cheap]
    lines = [one for one in trials if candidates[one.label].cheap]
    final = best = _best(networks, candidates)
    longer = None
    noisy = best.loss >= NOISY * contest.chance(plans[best.label])
    if noisy and FEWEST_ROWS_OF_SHORT_TRIALS <= rows <= MOST_ROWS_OF_COURSES:
        longer = tried(best.label, LONGER * short)
        final = best if longer.behind(best) > 0 else longer
    winner = _best([final, *lines], candidates)
    own = plans[winner.label]
    chosen = dict(candidates[winner.label].hyperparameters)
    # Most of the loss was left after few epochs: then more of them would learn noise.
    ends = longer is not None and final.loss >= (1 - WORTH_MORE) * best.loss
    ends = ends and winner is final and own.repeats_per_epoch > 1 and final.epochs < own.epochs
    if ends:
        each = own.batch_size // own.repeats_per_epoch
        chosen["updates"] = round(final.epochs * contest.rows / each)
        # Its end was judged, on more rows than validation has: no epoch before it is better known.
        chosen["early_stopping"] = False
    for one in trials:
        against = final if one in lines else networks[0]
        _tell(decisions, contest, one, against, taken=one.label == winner.label)
    if longer is not None:
        _tell(decisions, contest, longer, best, taken=winner is longer)
    facts = {
        "learned": rows,
        "judged": len(contest.judged),
        "tried": [
            {"label": one.label, "epochs": one.epochs, "loss": round(one.loss, 6)}
            for one in [*trials, *([] if longer is None else [longer])]
        ],
        "chosen": {"label": winner.label, "epochs": final.epochs if ends else None},
    }
    return Choice(chosen, facts)


def _best(tried: Sequence[Tried], candidates: Mapping[str, Candidate]) -> Tried:
    """Return the first, or the best of those that are better than it beyond noise."""
    first = tried[0]
    better = [one for one in tried[1:] if first.behind(one) >= candidates[one.label].margin]
    return min(better, key=lambda one: one.loss, default=first)


def _tell(
    decisions: Decisions, contest: Contest, one: Tried, against: Tried, *, taken: bool
) -> None:
    """Add the decision on a trial, compared with another one."""
    epochs = counted(one.epochs, "epoch")
    reason = f"its loss is {four_figures(one.loss)}"
    if one is against:
        judged = counted(len(contest.judged), "row")
        reason += f" on {judged}, after {len(contest.learned):,} others were learned from"
    else:
        behind = one.behind(against)
        reason += f", {_compared(behind)} than {against.label}"
        if against.epochs != one.epochs:
            reason += f" after {counted(against.epochs, 'epoch')}"
        if behind * (one.loss - against.loss) < 0:
            reason += f", whose loss is {four_figures(against.loss)}, but for rows that stand out"
    decisions.add("tried", f"{one.label}, {epochs}: {'taken' if taken else 'not taken'}", reason)


def _compared(behind: float) -> str:
    """Return by how much another one is better or worse, in words."""
    word = "worse" if behind > 0 else "better"
    much = f"by {abs(behind):.1f} standard errors " if math.isfinite(behind) else ""
    return f"{much}{word}" if behind else "no better"


def _together(first: Rows, second: Rows) -> Rows:
    """Return the rows of both, one after the other."""
    weights = None
    if first.weights is not None or second.weights is not None:
        weights = np.concatenate(
            [np.ones(len(one)) if one.weights is None else one.weights for one in (first, second)]
        )
    return Rows(joined_rows([first.x, second.x]), np.concatenate([first.y, second.y]), weights)
