"""A repair as a drawing: for each round the curves of its arms, and their differences.

Knows the plain numbers that a record holds of a repair, nothing that trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from misstep.drawing import Axis, Canvas, Drawing, Frame, Key, draw_legend, shortened

__all__ = ["draw_repair", "repair_drawing"]

# In pixels: the drawing; of each round the room above and below; where curves begin and end, where
# the names of arms and differences begin and end, and how far arms are apart.
WIDTH, HEAD = 980, 78
ABOVE, BELOW, LOWEST_ROUND = 40, 52, 210
LEFT, CURVES_END, NAMES_START, BARS_START, BARS_END = 62, 420, 466, 716, 950
STEP = 22
CONTROL, RANDOM, ADOPTED = ("thick", "solid"), ("negative",), ("accent", "thick")
# Of the other arms, in their order; none of them was believed.
OTHERS = tuple((f"series-{number}", "solid") for number in (3, 4, 6, 7, 8, 5))
# Errors above this are shown at the edge, where the control's end is not above it: 1 is what the
# best constant costs, and what is worse by more was of no use.
WORST_SHOWN = 1.3
# A difference is shown up to this share of the control's error on either side.
MOST_CHANGE = 1.0
# From a number to pixels.
Scale = Callable[[float], float]
Classes = tuple[str, ...]
ASIDE = (
    "Error on rows that no arm learned from, 1 is the best constant. Dashed: goes on from the end "
    "of the run. Filled dot: held against the control in the end."
)


def draw_repair(repair: Mapping[str, Any], title: str) -> str:
    """Return every round of a repair, `Repair.plain()`, as SVG."""
    return repair_drawing(repair, title).svg(standalone=True)


def repair_drawing(repair: Mapping[str, Any], title: str) -> Drawing:
    """Return the same as a drawing of a page."""
    rounds = [one for one in repair["rounds"] if one["arms"]]
    heights = [max(LOWEST_ROUND, ABOVE + BELOW + STEP * len(one["arms"])) for one in rounds]
    canvas = Canvas(WIDTH, HEAD + (sum(heights) if rounds else STEP))
    canvas.text(LEFT, 20, shortened(title, WIDTH - LEFT, 14), "heading")
    keys = [
        Key("unchanged, the control", CONTROL),
        Key("adopted", ADOPTED),
        Key("a random remedy", RANDOM),
        Key("others", OTHERS[0]),
    ]
    draw_legend(canvas, keys, LEFT, 28, WIDTH - LEFT)
    canvas.text(LEFT, 62, ASIDE, "quiet")
    top = HEAD
    for one, height in zip(rounds, heights, strict=True):
        _round(canvas, one, top, height)
        top += height
    if not rounds:
        canvas.text(LEFT, top, "nothing was tried", "quiet")
    told = "; ".join(_heading(one) for one in rounds) or "nothing was tried"
    return canvas.drawing(title, told, wide=True)


def _round(canvas: Canvas, one: Mapping[str, Any], top: int, height: int) -> None:
    arms = sorted(one["arms"], key=_place)
    looks = _looks(arms, one)
    first, last = top + ABOVE, top + height - BELOW
    low, high = _span(arms)
    longest = max([1, *(arm["updates"] for arm in arms)])
    canvas.text(LEFT, top + 18, shortened(_heading(one), WIDTH - LEFT - 20, 13), "strong")
    frame = Frame(
        *(canvas, LEFT, first, CURVES_END, last),
        Axis(0, longest, "updates", whole=True),
        Axis(low, high),
    )
    frame.grid()
    # The control on top of all others, what was adopted just beneath it.
    for arm in sorted(arms, key=lambda arm: (arm["arm"] == "control", arm is _winner(one, arms))):
        _curve(canvas, frame, arm, looks[arm["label"]])
    _differences(canvas, one, arms, looks, first)


def _heading(one: Mapping[str, Any]) -> str:
    found = ", ".join(one["findings"][:3]) or "nothing found"
    return f"Round {one['number']}, for {found}: {one['verdict']}"


def _place(arm: Mapping[str, Any]) -> tuple[int, float]:
    """Return where an arm stands: the control, then those that went all the way, then the rest."""
    if arm["arm"] == "control":
        return 0, 0.0
    return (1, float(arm["rank"])) if arm["rank"] is not None else (2, -float(arm["updates"]))


def _winner(one: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((arm for arm in arms if arm["label"] == one["winner"]), None)


def _looks(arms: Sequence[Mapping[str, Any]], one: Mapping[str, Any]) -> dict[str, Classes]:
    looks: dict[str, Classes] = {}
    others = 0
    for arm in arms:
        classes: Classes
        if arm["arm"] == "control":
            classes = CONTROL
        elif one["verdict"] == "adopted" and arm["label"] == one["winner"]:
            classes = ADOPTED
        elif arm["arm"] == "random":
            classes = RANDOM
        else:
            classes, others = OTHERS[others % len(OTHERS)], others + 1
        looks[arm["label"]] = classes
    return looks


def _span(arms: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the lowest and the highest error that are shown."""
    errors = [loss for arm in arms for _, loss in arm["curve"] if math.isfinite(loss)]
    control = [loss for _, loss in arms[0]["curve"] if math.isfinite(loss)]
    most = max([WORST_SHOWN, *(1.1 * loss for loss in control[-1:] if loss < 3 * WORST_SHOWN)])
    high = min(max(errors, default=1.0), most)
    return 0.0, high if high > 0 else 1.0


def _curve(canvas: Canvas, frame: Frame, arm: Mapping[str, Any], classes: Classes) -> None:
    points = [
        (float(frame.x(updates)), float(frame.y(loss)))
        for updates, loss in arm["curve"]
        if math.isfinite(loss)
    ]
    if not points:
        return
    dashes = ("dashed",) if arm["goes_on"] else ()
    canvas.polyline(points, "line", *classes, *dashes, title=arm["label"])
    canvas.circle(*points[-1], 3 if "thick" in classes else 2, "fill", *classes)


def _differences(
    canvas: Canvas,
    one: Mapping[str, Any],
    arms: Sequence[Mapping[str, Any]],
    looks: Mapping[str, Classes],
    first: int,
) -> None:
    """Draw each arm's difference from the control as a dot with its interval."""

    def x(change: float) -> float:
        shown = min(max(change, -MOST_CHANGE), MOST_CHANGE)
        return BARS_START + (BARS_END - BARS_START) * (shown + MOST_CHANGE) / (2 * MOST_CHANGE)

    bottom = first + STEP * len(arms)
    middle = (BARS_START + BARS_END) / 2
    canvas.text(middle, first - 10, "error beside the unchanged run", "quiet", anchor="middle")
    for change, words in ((-1.0, "none left"), (0.0, "as it was"), (1.0, "twice")):
        canvas.line(x(change), first, x(change), bottom, "grid" if change else "axis")
        canvas.text(x(change), bottom + 16, words, "quiet", anchor="middle")
    for number, arm in enumerate(arms):
        middle = first + STEP * number + STEP / 2
        classes = looks[arm["label"]]
        name = arm["label"] + (" (random)" if arm["arm"] == "random" else "")
        adopted = one["verdict"] == "adopted" and arm["label"] == one["winner"]
        strong = ("strong",) if adopted or arm["arm"] == "control" else ()
        shown = shortened(name, BARS_START - NAMES_START - 8)
        canvas.text(NAMES_START, middle + 4, shown, *strong)
        dashes = ("dashed",) if arm["goes_on"] else ()
        canvas.line(CURVES_END + 20, middle, CURVES_END + 40, middle, "line", *classes, *dashes)
        gain = arm["difference"]
        if arm["failed"]:
            canvas.text(x(0) + 8, middle + 4, "failed", "quiet")
        elif gain and gain["mean"]:
            scale = gain["share"] / gain["mean"]
            low, high = sorted((-scale * gain["high"], -scale * gain["low"]))
            if low >= MOST_CHANGE:
                canvas.text(x(MOST_CHANGE) - 42, middle + 4, "worse →", "quiet")
                continue
            canvas.line(x(low), middle, x(high), middle, "line", *classes, "solid")
            # Hollow where it was not proven on other rows.
            kind = "fill" if arm["proven"] else "hollow"
            canvas.circle(x(-gain["share"]), middle, 4, kind, *classes)
