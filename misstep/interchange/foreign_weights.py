"""Layers of a network beside what another library keeps of its own: which belongs to which.

`Layout` says what a layer here needs there, in the other's names, shapes and order of entries;
`Group` is what is found there under one name. Both are paired by what a person says, by equal
names, by kind and shapes, and only then by order. Knows no library: conventions stand in
`torch_layouts.py` and `keras_layouts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array
from misstep.text.names import did_you_mean

Shape = tuple[int, ...]
Arrays = Mapping[str, Array]
# Parameters by names of their own, such as vectors of places, often have an axis for the batch.
PLAIN_AXES = 2


def without_ones(shape: Shape) -> Shape:
    """Return the shape of a parameter without leading axes of length 1, beyond two."""
    while len(shape) > PLAIN_AXES and shape[0] == 1:
        shape = shape[1:]
    return shape


@dataclass(frozen=True)
class Layout:
    """What a layer here is in another library.

    `path`: where it is in the network. `words`: how messages call it. `label`: how the other side
    would call it by itself. `needed`: shapes there by name; those in `optional` may be missing.
    `here`: from their arrays to ours, by the names of our network; `there`: the way back. `kind`:
    what it is there, where the other side says kinds. `is_parameter`: a single parameter, by a name
    of its own.
    """

    path: str
    words: str
    label: str
    needed: Mapping[str, Shape]
    here: Callable[[Arrays], dict[str, Array]]
    there: Callable[[Arrays], dict[str, Array]]
    optional: frozenset[str] = frozenset()
    kind: str = ""
    is_parameter: bool = False

    def fits(self, group: Group) -> bool:
        """Tell whether a group has what is needed, in the same shapes, and nothing else."""
        if self.kind != group.kind:
            return False
        missing = set(self.needed) - set(group.shapes) - self.optional
        return not missing and all(
            self.needed.get(name) == shape for name, shape in group.shapes.items()
        )


@dataclass(frozen=True)
class Group:
    """What stands under one name at the other side: shapes by name; `keys`: where each is read."""

    label: str
    shapes: dict[str, Shape] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    kind: str = ""

    def describe(self) -> str:
        """Return it in words: fc1 with weight (3, 2) and bias (3,)."""
        named = self.label or "the whole network"
        kind = f" ({self.kind})" if self.kind else ""
        return f"{named}{kind} with {_shapes(self.shapes)}"


@dataclass(frozen=True)
class Side:
    """The other side of a pairing: its name in messages, and whether its order means something."""

    name: str
    groups: Sequence[Group]
    ordered: bool


def pair_up(
    layouts: Sequence[Layout],
    side: Side,
    names: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
) -> list[tuple[Layout, Group]]:
    """Return each layer with what belongs to it.

    `names`: the other side's name of a layer, by its path here. `leave`: paths here and names
    there that have no counterpart, with all that is below them. Raises ArgumentError for names
    that there are not and for layers that could be exchanged, ShapeError for what does not fit.
    """
    groups = {group.label: group for group in side.groups}
    named = dict(names or {})
    _check_names(layouts, groups, side, named, list(leave))
    left = tuple(leave)
    waiting = [one for one in layouts if not _is_below(one.path, left)]
    open_groups = [one for one in side.groups if not _is_below(one.label, left)]
    pairs: dict[str, Group] = {}

    def join(layout: Layout, group: Group) -> None:
        if not layout.fits(group):
            raise _unfit(layout, [group], side)
        pairs[layout.path] = group
        open_groups.remove(group)

    for layout in waiting:
        if layout.path in named:
            join(layout, groups[_label_of(named[layout.path], groups)])
    for layout in waiting:
        same = groups.get(layout.label)
        if layout.path not in pairs and same in open_groups and same and layout.fits(same):
            join(layout, same)
    _by_shapes([one for one in waiting if one.path not in pairs], open_groups, side, join)
    if open_groups:
        raise ArgumentError(
            side.name,
            needed="a layer here for all that there is",
            got=f"none for {_listed([one.describe() for one in open_groups])}",
            try_="leave=[…] with what has no place here, or a network with these layers too",
        )
    return [(layout, pairs[layout.path]) for layout in waiting]


def _by_shapes(
    waiting: list[Layout],
    open_groups: list[Group],
    side: Side,
    join: Callable[[Layout, Group], None],
) -> None:
    while waiting:
        first = waiting[0]
        fitting = [group for group in open_groups if first.fits(group)]
        alike = [one for one in waiting if all(one.fits(group) for group in fitting)]
        if not fitting or len(alike) != len(fitting):
            raise _unfit(first, fitting or open_groups, side, len(alike) if fitting else 0)
        if len(fitting) > 1 and not side.ordered:
            fitting = _numbered(fitting, alike, side)
        for layout, group in zip(alike, fitting, strict=True):
            join(layout, group)
        waiting = [one for one in waiting if one not in alike]


def _numbered(groups: list[Group], alike: list[Layout], side: Side) -> list[Group]:
    """Return groups whose names differ by their numbers alone in the order of these."""
    shapes = {re.sub(r"\d+", "#", group.label) for group in groups}
    if len(shapes) > 1:
        labels = sorted(one.label for one in groups)
        raise ArgumentError(
            side.name,
            needed="an order, or names, for layers of the same shapes",
            got=f"{_listed([one.path for one in alike])} here and {_listed(labels)} there",
            try_=f"names={{{alike[0].path!r}: {labels[0]!r}, …}}",
        )
    return sorted(groups, key=lambda one: [int(n) for n in re.findall(r"\d+", one.label)])


def _check_names(
    layouts: Sequence[Layout],
    groups: Mapping[str, Group],
    side: Side,
    named: Mapping[str, str],
    left: Sequence[str],
) -> None:
    paths = [one.path for one in layouts]
    for path, label in named.items():
        if path not in paths:
            raise ArgumentError(
                f"names: {path!r}",
                needed="the path of a layer with weights",
                try_=did_you_mean(path, paths),
            )
        if _label_of(label, groups) not in groups:
            raise ArgumentError(
                f"names: {label!r}",
                needed=f"something that {side.name} has",
                try_=did_you_mean(label, list(groups)),
            )
    for name in left:
        if not any(_is_below(one, (name,)) for one in (*paths, *groups)):
            raise ArgumentError(
                f"leave: {name!r}",
                needed="a layer here or a name there",
                try_=did_you_mean(name, [*paths, *groups]),
            )


def _label_of(wanted: str, groups: Mapping[str, Group]) -> str:
    """Return the label that a name means: a recurrent module may go without its number."""
    return f"{wanted}_l0" if wanted not in groups and f"{wanted}_l0" in groups else wanted


def _is_below(name: str, tops: Sequence[str]) -> bool:
    return any(name == top or name.startswith((f"{top}.", f"{top}_l")) for top in tops)


def _unfit(
    layout: Layout, groups: Sequence[Group], side: Side, alike: int = 0
) -> ShapeError | ArgumentError:
    needed = _shapes(layout.needed)
    if layout.kind:
        needed = f"{layout.kind} with {needed}"
    if alike:
        return ArgumentError(
            f"the layer {layout.path or 'of the network'} ({layout.words})",
            needed=f"{needed} as often in {side.name} as here: {alike} times",
            got=_listed([one.label for one in groups]),
            try_="names={…} by path here, or leave=[…] with what has no counterpart",
        )
    return ShapeError(
        f"the layer {layout.path or 'of the network'} ({layout.words})",
        needed=f"{needed} in {side.name}",
        got=_listed([one.describe() for one in groups]) or "nothing that is left",
        try_=_advice(layout, groups),
    )


def _advice(layout: Layout, groups: Sequence[Group]) -> str:
    for group in groups:
        less = {name: shape for name, shape in layout.needed.items() if name in group.shapes}
        if less == group.shapes and layout.kind == group.kind:
            missing = [name for name in layout.needed if name not in less]
            if missing == ["bias"]:
                return "a layer without a bias here: bias=False"
            return f"the whole of it: {', '.join(missing)} is missing there"
        if all(group.shapes.get(name) == shape for name, shape in layout.needed.items()):
            more = [name for name in group.shapes if name not in layout.needed]
            if more == ["bias"]:
                return "a layer with a bias here: bias=True"
    return "a network of the same sizes; names={…} by path here; leave=[…] for what stays as it is"


def _shapes(shapes: Mapping[str, Shape]) -> str:
    return " and ".join(f"{name} {shape}" for name, shape in shapes.items())


def _listed(words: Sequence[str], most: int = 6) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{'; '.join(words[:most])}{more}"
