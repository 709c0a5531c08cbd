"""A round of repair: remedies tried beside an unchanged control and a random remedy, and a verdict.

All begin where the run began (or go on from where it ended), meet the same batches and are judged
on the same validation rows: one half of these chooses among arms, the other half proves the choice,
so that the best of many is not believed because it was lucky. Knows no files and prints nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.trials.benches import Benches
from misstep.trials.costing import FEW_ARMS, Length, affordable, round_cost
from misstep.trials.halving import Rung, successive_halving
from misstep.trials.proof import LEAST_SHARE, Difference, difference
from misstep.trials.remedy import Case, Change, Remedy, proposals, registered_remedies
from misstep.trials.trial import Judge, Trial
from misstep.trials.yardstick import NOT_FINITE

CONTROL = "unchanged"
# Arms of a round beside control and random remedy, at most; and those that there should be, general
# remedies among them, where findings name fewer.
MOST_ARMS = 10
# Changes that one remedy may bring.
MOST_CHANGES = 3
# What may be spent to find out what to try, as a share of what is left of the budget.
SPENT_SHARE = 0.1


class Verdict(StrEnum):
    """What came of a round."""

    ADOPTED = "adopted"
    NOT_BETTER = "not better"  # than the control, beyond noise
    RANDOM_BETTER = "random better"  # a random remedy is better beyond noise
    NOTHING_TO_TRY = "nothing to try"
    ANSWERS_LEAK = "answers leak"  # into the rows that would have to prove what helps
    NO_BUDGET = "no budget"
    INTERRUPTED = "interrupted"
    FAILED = "failed"  # proven, but training with it ended without numbers


@dataclass
class ArmResult:
    """What came of an arm.

    `remedy`: its name, empty for the control. `answers`: the finding that named it, empty where
    none did. `kind`: "control", "random" or "remedy". `trial`: its curve and cost. `rank`: among
    all in the end, from 1; None where it was left behind. `difference`: from the control, on the
    proving rows in all courses where `proven`, else on the choosing rows: where it was left behind,
    or at the end. What goes on from the run's end is held against the end of the control.
    """

    change: Change
    remedy: str
    title: str
    answers: str
    kind: str
    trial: Trial
    rank: int | None = None
    difference: Difference | None = None
    proven: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON, as a record holds it."""
        return {
            **self.trial.plain(),
            "planned": self.trial.updates,
            "remedy": self.remedy,
            "title": self.title,
            "answers": self.answers,
            "arm": self.kind,
            "advice": self.change.advice,
            "options": dict(self.change.options),
            "goes_on": self.change.goes_on,
            "carried": list(self.change.carried),
            "set_aside": list(self.change.set_aside),
            "rank": self.rank,
            "difference": None if self.difference is None else self.difference.plain(),
            "proven": self.proven,
        }


@dataclass
class Round:
    """One round. `findings`: slugs that it answers, the first being the most important.

    `winner`: the arm that was proven, or tried to be. `beside_random`: by how much it is better
    than the random remedy. `not_applicable`: remedies that mean nothing here, and why. `identical`:
    whether the control gave the very weights of the run; None where that can't be compared.
    `updates`, `seconds`: all that it cost. `rows`: how many arms learned from, were chosen by and
    proven on; `apart`: whether the latter were training rows, of which validation had too few;
    `shared`: whether they both chose and proved. `classes_alike`: whether each class counted in
    judging as much as any other, however few rows it has; `wrong_answers`: whether it was judged as
    answers are of which some are wrong.
    """

    number: int
    findings: tuple[str, ...]
    arms: list[ArmResult] = field(default_factory=list)
    winner: ArmResult | None = None
    verdict: Verdict = Verdict.NOTHING_TO_TRY
    beside_random: Difference | None = None
    not_applicable: dict[str, str] = field(default_factory=dict)
    identical: bool | None = None
    updates: int = 0
    seconds: float = 0.0
    needed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    apart: bool = False
    shared: bool = False
    classes_alike: bool = False
    wrong_answers: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        beside = self.beside_random
        return {
            "number": self.number,
            "findings": list(self.findings),
            "verdict": self.verdict.value,
            "winner": None if self.winner is None else self.winner.trial.label,
            "remedy": None if self.winner is None else self.winner.remedy,
            "beside_random": None if beside is None else beside.plain(),
            "control_identical": self.identical,
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            "needed": self.needed,
            "rows": {**self.rows, "apart": self.apart, "shared": self.shared},
            "classes_alike": self.classes_alike,
            "wrong_answers": self.wrong_answers,
            "arms": [arm.plain() for arm in self.arms],
            "not_applicable": dict(self.not_applicable),
        }


@dataclass
class Budget:
    """What repair may cost. `steps`: updates, None: as many as it takes; `seconds`: likewise."""

    steps: int | None = None
    seconds: float | None = None
    began: float = field(default_factory=time.perf_counter)
    spent: int = 0

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("seconds", self.seconds)):
            if value is not None and not value > 0:
                raise ArgumentError(f"{name} of a repair", needed="more than 0", got=repr(value))

    @property
    def seconds_left(self) -> float:
        """Return the seconds that are left."""
        if self.seconds is None:
            return math.inf
        return self.seconds - (time.perf_counter() - self.began)

    def updates_left(self, seconds_per_update: Callable[[], float]) -> float:
        """Return the updates that are left, by steps and by time."""
        left = math.inf if self.steps is None else float(self.steps - self.spent)
        if self.seconds is not None:
            left = min(left, self.seconds_left / max(seconds_per_update(), 1e-9))
        return left


def play_round(
    case: Case,
    number: int,
    budget: Budget,
    *,
    seed: int,
    remedies: Sequence[Remedy] | None = None,
    on_arm: Callable[[ArmResult], None] | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[Round, Benches | None]:
    """Try remedies for what was found in a case; return what came of it, and the rows judged by.

    `seed`: of the random remedy. `on_arm`: told of each arm as it is left behind or proven.
    `on_progress`: of the share of all trials that is about done. The case stays as it is. Ctrl-C
    ends it without a verdict.
    """
    began = time.perf_counter()
    slugs = tuple(dict.fromkeys(one.slug for one in case.findings))
    result = Round(number, slugs)
    known = registered_remedies() if remedies is None else list(remedies)
    benches = None
    try:
        result.wrong_answers = case.has_wrong_answers
        benches = Benches.of(
            case.setting, classes_alike=case.harms_rare_classes, wrong_answers=result.wrong_answers
        )
        result.classes_alike = benches.classes_alike
        result.rows = {
            "learned": len(benches.learned),
            "choosing": len(benches.choosing),
            "proving": len(benches.proving),
        }
        result.apart = benches.apart is not None
        result.shared = benches.choosing is benches.proving
        if case.answers_leak:
            result.verdict = Verdict.ANSWERS_LEAK
            return result, benches
        left = budget.updates_left(lambda: case.setting.seconds_per_update)
        named, drawn = _arms(case, known, result, seed, left)
        # A random remedy beside nothing would be believed by chance alone.
        if named:
            _try(case, benches, result, named, drawn, budget, on_arm, on_progress)
    except KeyboardInterrupt:
        result.verdict = Verdict.INTERRUPTED
    result.seconds = time.perf_counter() - began
    return result, benches


@dataclass(frozen=True)
class _Proposal:
    remedy: Remedy
    change: Change
    answers: str


def _arms(
    case: Case, known: Sequence[Remedy], result: Round, seed: int, left: float
) -> tuple[list[_Proposal], _Proposal | None]:
    """Return what findings name, general remedies where that is little, and a random remedy."""
    named: list[_Proposal] = []
    asked: dict[str, str] = {}
    for slug in result.findings:
        for remedy in known:
            if slug in remedy.answers:
                asked.setdefault(remedy.name, slug)
    by_name = {remedy.name: remedy for remedy in known}
    for name, slug in asked.items():
        named += _proposed(by_name[name], slug, case, result, left)
    general = [one for one in known if one.is_general and one.name not in asked]
    if len(named) < FEW_ARMS:
        for remedy in general:
            named += _proposed(remedy, "", case, result, left)
    if not named:
        return [], None
    # The first change of each remedy before the second of any.
    named = _in_turn(named)[:MOST_ARMS]
    tried = {one.remedy.name for one in named}
    others = [one for one in known if one.name not in tried]
    order = np.random.default_rng([seed, result.number]).permutation(len(others))
    # Of those that findings name, and that were too many, only where there are no others.
    shuffled = sorted((others[place] for place in order), key=lambda one: one.name in asked)
    for remedy in shuffled:
        drawn = _proposed(remedy, "", case, result, left)
        if drawn:
            return named, drawn[0]
    return named, None


def _proposed(remedy: Remedy, slug: str, case: Case, result: Round, left: float) -> list[_Proposal]:
    """Return what a remedy proposes; `left`: updates that are left of the budget."""
    cost = remedy.cost(case)
    if cost and cost > SPENT_SHARE * (left - result.updates):
        result.not_applicable[remedy.name] = f"to find it would take {cost:,} updates"
        return []
    changes = proposals(remedy, case, result.not_applicable, MOST_CHANGES)
    result.updates += sum(change.spent for change in changes)
    return [_Proposal(remedy, change, slug) for change in changes]


def _in_turn(named: Sequence[_Proposal]) -> list[_Proposal]:
    places: dict[str, int] = {}
    ranked = []
    for one in named:
        place = places[one.remedy.name] = places.get(one.remedy.name, -1) + 1
        ranked.append((place, one))
    return [one for _, one in sorted(ranked, key=lambda each: each[0])]


def _try(
    case: Case,
    benches: Benches,
    result: Round,
    named: list[_Proposal],
    drawn: _Proposal | None,
    budget: Budget,
    on_arm: Callable[[ArmResult], None] | None,
    on_progress: Callable[[float], None] | None,
) -> None:
    whole = case.setting.taken
    arms = [_arm(case, benches, one, "remedy") for one in named]
    random_arm = None if drawn is None else _arm(case, benches, drawn, "random")
    lengths = [Length(one.trial.updates, one.change.goes_on, one.trial.stride) for one in arms]
    always = [whole, *([] if random_arm is None else [random_arm.trial.updates])]
    left = budget.updates_left(lambda: case.setting.seconds_per_update) - result.updates
    places, courses = affordable(lengths, always, left)
    shortest = min(lengths, key=lambda one: one.updates, default=Length(whole))
    result.needed = round_cost([shortest], always, 1)
    if (named and not places) or round_cost([], always, 1) > left:
        result.verdict = Verdict.NO_BUDGET
        budget.spent += result.updates
        return
    arms = [arms[place] for place in places]
    control = _arm(case, benches, _Proposal(_Unchanged(), _unchanged(case), ""), "control")
    every = [control, *arms, *([] if random_arm is None else [random_arm])]
    result.arms = every
    try:
        # What the most important finding names first is heard to the end: some runs learn nothing
        # for a long while, and then all at once.
        labels = {one.trial.label for one in (control, random_arm, *arms[:1]) if one is not None}
        expected = round_cost([lengths[place] for place in places], always, courses)

        def tell() -> None:
            if on_progress is not None:
                done = sum(one.trial.done for one in every) + result.updates
                on_progress(min(done / max(expected, 1), 1.0))

        def may_go_on() -> bool:
            tell()
            return budget.seconds_left > 0

        def note(rung: Rung) -> None:
            _note_differences(control, every, rung)

        finalists: list[Trial] = []
        for goes_on in (False, True):
            # What goes on from the end is ahead of what begins anew; they meet at the end.
            group = [one.trial for one in every if one.change.goes_on is goes_on]
            finalists += successive_halving(
                group, always=labels, may_go_on=may_go_on, on_rung=note
            )[0]
        finished = sorted(
            (one for one in every if one.trial in finalists and one.trial.is_over),
            key=lambda one: one.trial.loss,
        )
        for place, one in enumerate(finished, start=1):
            one.rank = place
        if on_arm is not None:
            for one in every:
                if one.rank is None:
                    on_arm(one)
        _compare_with_run(case, benches, control, result)
        winner = _most_certain(control, [one for one in finished if one is not control])
        if control.rank is None or winner is None:
            result.verdict = Verdict.NO_BUDGET
            return
        result.winner = winner
        _prove(benches, control, winner, random_arm, result, courses, may_go_on)
        if on_arm is not None:
            for one in finished:
                on_arm(one)
    finally:
        taken = sum(one.trial.done for one in every)
        result.updates += taken
        budget.spent += result.updates


def _most_certain(control: ArmResult, finished: Sequence[ArmResult]) -> ArmResult | None:
    """Return the arm that is better than the control by most for sure, on the choosing rows.

    By the lower end of its interval: an arm that is a little better on nearly every row can be
    proven, one that is far better on a few of them can't. One that does as the control does is
    surely no worse, and never enough better.
    """
    if not finished or control.rank is None:
        return finished[0] if finished else None
    theirs = control.trial.penalties()[None]

    def least(one: ArmResult) -> tuple[bool, float]:
        gain = difference(theirs, one.trial.penalties()[None])
        return gain.share >= LEAST_SHARE, gain.low

    return max(finished, key=least)


def _prove(
    benches: Benches,
    control: ArmResult,
    winner: ArmResult,
    random_arm: ArmResult | None,
    result: Round,
    courses: int,
    may_go_on: Callable[[], bool],
) -> None:
    """Hold the winner against control and random remedy, in several courses, on other rows.

    `may_go_on`: whether there is time for a further course.
    """
    judge = benches.judge(benches.proving, most=NOT_FINITE)
    contenders = [control, winner]
    if random_arm is not None and random_arm is not winner and random_arm.rank is not None:
        contenders.append(random_arm)
    seen = [[_proving_penalties(one.trial, judge)] for one in contenders]
    for course in range(1, courses):
        if not may_go_on():
            break
        for one, rows in zip(contenders, seen, strict=True):
            trial = _in_course(one.trial, course)
            try:
                trial.advance(1.0)
            finally:
                result.updates += trial.done
                one.trial.seconds += trial.seconds
            rows.append(_proving_penalties(trial, judge))
    held = {one.trial.label: np.stack(rows) for one, rows in zip(contenders, seen, strict=True)}
    theirs = held[control.trial.label]
    for one in contenders[1:]:
        one.difference, one.proven = difference(theirs, held[one.trial.label]), True
    assert winner.difference is not None
    result.verdict = Verdict.ADOPTED if winner.difference.is_proven else Verdict.NOT_BETTER
    if len(contenders) > 2:
        random_held = held[contenders[2].trial.label]
        result.beside_random = difference(random_held, held[winner.trial.label])
        if result.beside_random.is_refuted:
            result.verdict = Verdict.RANDOM_BETTER


def _in_course(trial: Trial, course: int) -> Trial:
    """Return a trial from its beginning, with another order of rows."""
    return replace(
        trial,
        seed=trial.trainer.seed + course,
        curve=[],
        failed=False,
        ended=False,
        seconds=0.0,
        _fork=None,
        _best=None,
    )


def _note_differences(control: ArmResult, every: Sequence[ArmResult], rung: Rung) -> None:
    """Note by how much arms that are left behind differ from the control, and all at the end."""
    if not control.trial.curve:
        return
    last = rung.share >= 1.0
    noted = [
        one
        for one in every
        if one is not control
        and not one.trial.failed
        and one.trial.curve
        and (one.trial.label in rung.order or last)
        and (last or one.trial.label not in rung.kept)
    ]
    theirs = control.trial.penalties() if noted else np.empty(0)
    for one in noted:
        if one.difference is None and (not last or one.trial.is_over):
            one.difference = difference(theirs[None], one.trial.penalties()[None])


def _proving_penalties(trial: Trial, judge: Judge) -> Array:
    choosing = trial.judge
    trial.judge = judge
    try:
        return trial.penalties()
    finally:
        trial.judge = choosing


def _compare_with_run(case: Case, benches: Benches, control: ArmResult, result: Round) -> None:
    """Note whether the control came to the very weights of the run."""
    trained = case.trained
    if (
        trained is None
        or trained.state is None
        or benches.apart is not None
        or control.rank is None
    ):
        return
    if control.trial.failed or trained.state.update != control.trial.done:
        return
    mine = control.trial.last_parameters
    result.identical = bool(np.array_equal(mine, trained.state.parameters))


class _Unchanged(Remedy):
    """The control, which is no remedy and not among them."""

    answers = ()
    title = "the run as it was"

    def changes(self, case: Case) -> Any:
        """Yield nothing: the control is made by the round."""
        yield from ()


def _unchanged(case: Case) -> Change:
    return Change(CONTROL, case.start, "")


def _arm(case: Case, benches: Benches, proposal: _Proposal, kind: str) -> ArmResult:
    change, remedy = proposal.change, proposal.remedy
    own = case.setting.rows if change.rows is None else change.rows
    rows = benches.learned_of(own, change.set_aside)
    trial = Trial(
        change.label,
        change.trainer,
        rows,
        benches.judge(benches.choosing),
        change.updates or case.setting.taken,
        keeps_best=case.keeps_best if change.keeps_best is None else change.keeps_best,
        begins=change.trainer.state if change.goes_on else None,
        # What takes as long as the run had its schedule cut short where the run was.
        planned=case.setting.planned if change.updates is None and not change.goes_on else None,
    )
    name = getattr(remedy, "name", "")
    return ArmResult(change, name, remedy.title, proposal.answers, kind, trial)
