"""From a graph to an explanation: evaluates, finds the paths, words them, checks, updates.

This is the room's main road; each step has a file of its own. Read `explanation.py` for what comes
out.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.explain.chain_rule import Computation, Difference, Meaning, Path, Update
from misstep.explain.describing import DescribedEdge, describe_edge, entry_index
from misstep.explain.edges import Edge, Edges, Node
from misstep.explain.entry_names import EntryName
from misstep.explain.evaluation import Evaluation, check_loss
from misstep.explain.explanation import Explanation
from misstep.explain.formulas import Formulas, Index
from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import Names, variables_in_frame
from misstep.explain.paths import Chain, PathSearch, find_paths
from misstep.explain.reasons import Reasons
from misstep.ir import Array, Value
from misstep.text.counts import counted
from misstep.text.lists import joined

# The step that balances rounding against curvature for central differences in float64: the cube
# root of the machine epsilon, 2.2e-16 (Press et al., Numerical Recipes, section 5.7).
STEP = 6e-6
# Central differences with this step are good to about 1e-9; at a kink they are off by a half.
AGREES = 1e-5
# Both losses of a difference are rounded; an op may be off by a unit in the last place, not a half.
ROUNDINGS = 4

_WORD = re.compile(r"[^\W\d][\w.]*")


def explain(
    loss: Value,
    wrt: Value,
    index: SupportsIndex | Sequence[SupportsIndex] | None = None,
    *,
    learning_rate: float | None = None,
    feeds: Mapping[Any, Any] | None = None,
    paths: int = 5,
    names: Mapping[Value, str | EntryName] | None = None,
) -> Explanation:
    """Explain, with numbers, how one entry of `wrt` moves `loss`: the chain rule written out.

    `loss`: a Value with one entry. `wrt`: a parameter or any Value that holds floating-point
    numbers. `index`: the entry of `wrt`, such as (0, 1); without it the entry with the largest
    gradient is taken. `learning_rate`: also show the update that it makes. `feeds`: numbers for
    inputs without any, by name. `paths`: how many paths to list. `names`: what to call Values;
    otherwise they are called by their own name, by the variables of the caller that hold them, or
    by the variable that their line assigns to. All is computed in float64.

    Raises ShapeError when the loss has several entries or the index is outside, ArgumentError for
    other arguments that can't be used, AbstractValueError when an input has no numbers.

    >>> import misstep as ms
    >>> w, b = ms.parameter(0.4), ms.parameter(0.1)
    >>> z = w * 0.5 + b
    >>> a = ms.sigmoid(z)
    >>> L = 0.5 * (1 - a) ** 2
    >>> round(ms.explain(L, w).gradient, 4)
    -0.052
    """
    check_loss(loss, wrt)
    _check_arguments(learning_rate, paths, names)
    entry = _checked_index(wrt, index)
    evaluation = Evaluation(loss, wrt, feeds)
    naming = Names(evaluation, names or {}, variables_in_frame(sys._getframe(1)))
    gradients = evaluation.gradients[evaluation.wrt]
    if entry is None:
        sizes = np.nan_to_num(np.abs(gradients), nan=np.inf)
        entry = tuple(int(at) for at in np.unravel_index(int(sizes.argmax()), wrt.shape))
    derivatives = LocalDerivatives(evaluation.numbers)
    formulas = Formulas(evaluation.numbers, naming.of, derivatives, naming.labels)
    gradient = float(gradients[entry])
    loss_now = float(evaluation.numbers[evaluation.loss].reshape(()))
    finite = bool(np.isfinite(gradient) and np.isfinite(loss_now))
    edges = Edges(naming.stops, evaluation.active, derivatives) if evaluation.active else None
    search = PathSearch([], 0, True, 0.0)
    if finite and edges is not None:
        search = _search(evaluation, edges, entry, max(paths, 1))
    chains = [chain for chain in search.chains if chain.product != 0]
    if chains and edges is not None:
        nodes = [(edges.stops[edge.source[0]], edge.source[1]) for edge in chains[0].edges]
        formulas.shown = {(value, entry_index(value, flat)) for value, flat in nodes}
    described = Described(edges, formulas) if edges is not None else None
    listed = tuple(described.path(chain) for chain in chains) if described is not None else ()
    reasons = Reasons(evaluation, derivatives, formulas)
    everywhere = index is None and wrt.size > 1 and not np.any(gradients)
    remarks = _remarks(reasons, described, chains, gradient, finite, entry, everywhere)
    forward = _forward(evaluation, naming, formulas, edges, chains)
    used = {link.name for path in listed for link in path.links} | {step.name for step in forward}
    if made_up := [name for name in naming.made_up if name in used]:
        remarks.append(_made_up(made_up))
    own = naming.labels.get(evaluation.wrt)
    difference = _difference(evaluation, entry, gradient)
    listed = listed[:paths]
    return Explanation(
        loss_name=formulas.named(evaluation.loss, (0,) * loss.ndim) or "L",
        loss=loss_now,
        name=naming.of[evaluation.wrt],
        index=entry,
        shape=wrt.shape,
        value=float(evaluation.numbers[evaluation.wrt][entry]),
        chosen=index is None and wrt.size > 1,
        gradient=gradient,
        difference=difference,
        forward=forward,
        paths=listed,
        number_of_paths=search.number,
        all_paths_counted=search.exact,
        other_paths_sum=(gradient if search.sum is None else search.sum)
        - sum(path.product for path in listed)
        if len(listed) < search.number
        else 0.0,
        update=_update(evaluation, entry, gradient, learning_rate),
        remarks=tuple(remarks),
        label=formulas.named(evaluation.wrt, entry) or "",
        sentence=own.describe(entry) if own is not None else "",
        legend=_legend(naming, listed, forward),
    )


def _legend(
    naming: Names, paths: tuple[Path, ...], forward: tuple[Computation, ...]
) -> tuple[Meaning, ...]:
    """Return what the names mean that occur, as far as somebody said it."""
    texts = [text for step in forward for text in (step.label, step.formula)]
    for path in paths:
        for link in path.links:
            texts += [link.label, link.by_label, link.formula or ""]
    words = set(_WORD.findall(" ".join(texts)))
    return tuple(
        Meaning(label.legend(naming.of[value]), label.meaning)
        for value, label in naming.labels.items()
        if label.meaning and naming.of.get(value) in words
    )


def _made_up(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is a name made up here for a result that has none."
    return f"{joined(names)} are names made up here for results that have none."


def _check_arguments(
    learning_rate: float | None, paths: int, names: Mapping[Value, str | EntryName] | None
) -> None:
    if learning_rate is not None and not (
        isinstance(learning_rate, int | float) and np.isfinite(learning_rate)
    ):
        raise ArgumentError("explain: learning_rate", needed="a number", got=repr(learning_rate))
    if isinstance(paths, bool) or not isinstance(paths, int) or paths < 1:
        raise ArgumentError("explain: paths", needed="1 or more", got=repr(paths))
    for value, name in (names or {}).items():
        if not isinstance(value, Value) or not isinstance(name, str | EntryName) or not name:
            raise ArgumentError(
                "explain: names",
                needed="a name for each Value",
                got=f"{value!r}: {name!r}",
                try_='names={value: "h"}',
            )


def _checked_index(
    wrt: Value, index: SupportsIndex | Sequence[SupportsIndex] | None
) -> Index | None:
    """Return the entry asked for, counted from the front; None when it is to be chosen."""
    if index is None:
        return None if wrt.size > 1 else (0,) * wrt.ndim
    try:
        if isinstance(index, SupportsIndex) and not isinstance(index, np.ndarray):
            entry: Index = (operator.index(index),)
        else:
            entry = tuple(operator.index(at) for at in index)
    except TypeError:
        raise ArgumentError(
            "explain: index", needed="whole numbers such as (0, 1)", got=repr(index)
        ) from None
    fits = len(entry) == wrt.ndim and all(
        -length <= at < length for at, length in zip(entry, wrt.shape, strict=True)
    )
    if not fits:
        last = tuple(length - 1 for length in wrt.shape)
        near = tuple(max(min(at, top), 0) for at, top in zip(entry, last, strict=False))
        raise ShapeError(
            f"explain: the entry {entry} of {wrt.describe()}",
            needed=f"{counted(wrt.ndim, 'whole number')} from {(0,) * wrt.ndim} to {last}"
            if wrt.ndim
            else "no index, since it is a single number",
            got=str(entry),
            try_=f"index={near if wrt.ndim == len(entry) else last}" if wrt.ndim else "no index",
        )
    return tuple(at % length for at, length in zip(entry, wrt.shape, strict=True))


def _search(evaluation: Evaluation, edges: Edges, entry: Index, most: int) -> PathSearch:
    wrt = evaluation.wrt
    start = (0, int(np.ravel_multi_index(entry, wrt.shape)) if entry else 0)
    goal = (len(edges.stops) - 1, 0)

    def gradient(node: Node) -> float:
        return float(evaluation.gradients[edges.stops[node[0]]].reshape(-1)[node[1]])

    return find_paths(edges, start, goal, most, gradient)


class Described:
    """The edges of paths in words, each worked out once."""

    def __init__(self, edges: Edges, formulas: Formulas) -> None:
        self._edges, self._formulas = edges, formulas
        self._known: dict[Edge, DescribedEdge] = {}

    def edge(self, edge: Edge) -> DescribedEdge:
        """Return an edge in words."""
        if edge not in self._known:
            self._known[edge] = describe_edge(edge, self._edges, self._formulas)
        return self._known[edge]

    def path(self, chain: Chain) -> Path:
        """Return a path in words, the derivative of the loss first."""
        links = [self.edge(edge).link for edge in reversed(chain.edges)]
        return Path(tuple(links), chain.product)


def _forward(
    evaluation: Evaluation,
    naming: Names,
    formulas: Formulas,
    edges: Edges | None,
    chains: list[Chain],
) -> tuple[Computation, ...]:
    """Return the computations along the largest path; without one, along all single numbers."""
    entries: list[tuple[Value, Index]] = []
    if chains and edges is not None:
        for edge in chains[0].edges:
            value = edges.stops[edge.target[0]]
            entries.append((value, entry_index(value, edge.target[1])))
    else:
        for value in naming.stops:
            array: Array = evaluation.numbers[value]
            bad = np.argwhere(~np.isfinite(array))
            at = tuple(int(position) for position in bad[0]) if len(bad) else (0,) * value.ndim
            if value is not evaluation.wrt and (len(bad) or value.size == 1):
                entries.append((value, at))
    if not entries and evaluation.loss.op is not None:
        entries.append((evaluation.loss, (0,) * evaluation.loss.ndim))
    steps = []
    for value, index in entries:
        formula = formulas.formula(value, index)
        steps.append(
            Computation(
                naming.of[value],
                index,
                formula.names(),
                formula.numbers(),
                formulas.figure(value, index),
                formulas.named(value, index) or "",
            )
        )
    return tuple(steps)


def _remarks(
    reasons: Reasons,
    described: Described | None,
    chains: list[Chain],
    gradient: float,
    finite: bool,
    entry: Index,
    everywhere: bool,
) -> list[str]:
    if not finite:
        return reasons.for_not_finite()
    if gradient == 0:
        return reasons.for_zero(entry, everywhere)
    if not chains or described is None:
        return []
    return reasons.for_saturation(
        [step for edge in chains[0].edges for step in described.edge(edge).steps]
    )


def _difference(evaluation: Evaluation, entry: Index, gradient: float) -> Difference:
    array = np.array(evaluation.numbers[evaluation.wrt])
    old = float(array[entry])
    step = STEP * max(1.0, abs(old)) if np.isfinite(old) else STEP

    def loss_at(moved: float) -> float:
        array[entry] = moved
        return evaluation.forward(evaluation.wrt, array)

    with np.errstate(all="ignore"):
        before, now, after = loss_at(old - step), loss_at(old), loss_at(old + step)
        measured = (after - before) / (2 * step)
        left, right = (now - before) / step, (after - now) / step
        gap = abs(measured - gradient)
        size = max(abs(measured), abs(gradient))
        near = step / 4
        closer = (loss_at(old + near) - 2 * now + loss_at(old - near)) / near
        # Rounding on the way limits what a difference can show.
        rounding = ROUNDINGS * evaluation.rounding / (2 * step)
        relative = gap / size if size else 0.0
    agrees = bool(gap <= rounding + AGREES * size)
    # Where a function is smooth, the sides draw together as fast as the step shrinks.
    kink = bool(abs(closer) > max(0.5 * abs(right - left), 100 * rounding))
    return Difference(step, measured, left, right, relative, rounding, agrees, kink)


def _update(
    evaluation: Evaluation, entry: Index, gradient: float, learning_rate: float | None
) -> Update | None:
    if learning_rate is None:
        return None
    array = np.array(evaluation.numbers[evaluation.wrt])
    old = float(array[entry])
    new = old - learning_rate * gradient
    array[entry] = new
    before = float(evaluation.numbers[evaluation.loss].reshape(()))
    after = evaluation.forward(evaluation.wrt, array)
    return Update(old, new, float(learning_rate), before, after)
