"""How the gradient flowed: layers over time beside what is healthy, updates, sleeping units."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from misstep.doctor import Strip, dead_shares, gradient_flow, saturated_shares, update_ratios
from misstep.drawing import Drawing
from misstep.drawing.charts import heat_strip
from misstep.record import Record
from misstep.report.markup import Markup, figure, joined, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted
from misstep.text.figures import figure as number_words
from misstep.text.lists import shortened

# Strips of one drawing; of more layers those that are farthest from what is healthy.
MOST_STRIPS, LONGEST_NAME = 24, 40
# Of a drawing, in pixels, where nobody asks for another one.
WIDTH = 720
TITLES = {
    "gradient_flow": "How strongly each layer is blamed, beside the last one",
    "update_ratio": "By how much of itself each weight moves in an update",
    "dead_share": "Units that are 0 for every row",
    "saturated_share": "Outputs at a bound",
}
# What is said of numbers below, within and above the band.
WORDS = {
    "gradient_flow": ("vanishing", "healthy", "exploding"),
    "update_ratio": ("hardly moves", "healthy", "moves too far"),
    "dead_share": ("", "healthy", "too many"),
    "saturated_share": ("", "healthy", "too many"),
}
ASIDE = {
    "gradient_flow": "A layer is blamed by the gradient of its weights; 1 is as strong as at the "
    "end of the network, where the error comes from.",
    "update_ratio": "Length of the update ÷ length of the weights. A schedule that ends makes all "
    "of them small at last, which is no fault.",
    "dead_share": "A unit that is 0 for every row learns nothing.",
    "saturated_share": "An output at a bound hardly answers to what comes in.",
}


class Flow(Section):
    """Strips of what the looks into the network saw."""

    slug: ClassVar[str] = "flow"
    title: ClassVar[str] = "How the gradient flowed"
    place: ClassVar[int] = 50

    def content(self, material: Material) -> Markup | None:
        """Return the strips; None where nobody looked into the layers."""
        record = material.record
        if record is None:
            return None
        drawings = [
            part
            for strip in strips_of(record)
            for part in (
                tag("h3", TITLES[strip.signal]),
                figure(strip_drawing(strip), f"{ASIDE[strip.signal]} Healthy: {strip.source}."),
            )
        ]
        return joined(drawings) if drawings else None


def strips_of(record: Record) -> list[Strip]:
    """Return what was seen of a run's layers over time, that which has something to say."""
    found = [gradient_flow(record), update_ratios(record)]
    # Where no unit ever slept there is nothing to look at.
    shares = [dead_shares(record), saturated_shares(record)]
    found += [one for one in shares if one is not None and np.nanmax(one.numbers, initial=0) > 0]
    return [one for one in found if one is not None]


def strip_drawing(strip: Strip, width: float = WIDTH) -> Drawing:
    """Return a strip for each layer or weight, the network's first one on top.

    `width`: of the drawing, in pixels.
    """
    shown = _worst(strip)
    left = len(strip.names) - len(shown.names)
    more = f"; {left:,} more lie nearer to what is healthy" if left else ""
    latest = ", ".join(
        f"{name} {number_words(number)}"
        for name, number in zip(shown.names, shown.latest.tolist(), strict=True)
        if np.isfinite(number)
    )
    return heat_strip(
        [shortened(name, int(LONGEST_NAME * width / WIDTH)) for name in shown.names],
        shown.steps,
        shown.numbers,
        band=shown.band,
        title=TITLES[strip.signal],
        description=f"{counted(strip.looks, 'look')}; at last: {latest}{more}",
        across=f"updates{more}",
        words=WORDS[strip.signal],
        width=width,
    )


def _worst(strip: Strip) -> Strip:
    """Return at most so many strips as can be looked at, in their order."""
    if len(strip.names) <= MOST_STRIPS:
        return strip
    low, high = strip.band
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers = np.maximum(strip.numbers, 1e-300)
        beyond = np.log10(np.maximum(numbers / high, max(low, 1e-300) / numbers))
    far = np.nan_to_num(beyond, nan=-np.inf).max(axis=1)
    kept = np.sort(np.argsort(-far, kind="stable")[:MOST_STRIPS])
    names = tuple(strip.names[at] for at in kept)
    return replace(strip, names=names, numbers=strip.numbers[kept])
