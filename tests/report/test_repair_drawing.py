"""A repair drawn: each arm has its curve and its difference, whatever came of it; names escaped."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from misstep.report import draw_repair

SVG = "{http://www.w3.org/2000/svg}"


def arm(label: str, kind: str = "remedy", **more: Any) -> dict[str, Any]:
    gain = {"mean": 0.5, "low": 0.3, "high": 0.7, "share": 0.5, "elsewhere": None}
    plain = {
        "label": label,
        "arm": kind,
        "curve": [[10, 1.0], [20, 0.6], [40, 0.5]],
        "updates": 40,
        "planned": 40,
        "failed": False,
        "goes_on": False,
        "rank": 1,
        "proven": True,
        "difference": gain,
    }
    return plain | more


def repair(*arms: dict[str, Any], verdict: str = "adopted", winner: str = "b < c") -> Any:
    control = arm("unchanged", "control", difference=None, curve=[[10, 1.0], [40, 1.0]], rank=2)
    one = {"number": 1, "findings": ["dead-units"], "verdict": verdict, "winner": winner}
    return {"rounds": [{**one, "arms": [*arms, control]}]}


def test_each_arm_has_its_curve_and_its_difference() -> None:
    random = arm(
        "d",
        "random",
        rank=3,
        difference={"mean": -0.2, "low": -0.3, "high": -0.1, "share": -0.2, "elsewhere": None},
    )
    root = ElementTree.fromstring(draw_repair(repair(arm("b < c"), random), "A & B"))
    assert len(root.findall(f"{SVG}polyline")) == 3
    # The dots of differences are larger than those at the ends of curves.
    dots = [dot for dot in root.findall(f"{SVG}circle") if dot.attrib["r"] == "4"]
    better, worse = (float(dot.attrib["cx"]) for dot in dots)
    names = [each.text for each in root.findall(f"{SVG}text")]
    zero = next(each for each in root.findall(f"{SVG}text") if each.text == "as it was")
    assert better < float(zero.attrib["x"]) < worse
    assert {"b < c", "d (random)", "unchanged", "A & B"} <= set(names)
    assert "Round 1, for dead-units: adopted" in names


def test_what_failed_or_came_to_nothing_is_told_in_words() -> None:
    huge = {"mean": -9.0, "low": -9.5, "high": -8.5, "share": -9.0, "elsewhere": None}
    failed = arm("e", failed=True, curve=[], difference=None, rank=None)
    text = draw_repair(repair(failed, arm("f", difference=huge), verdict="not better"), "A")
    ElementTree.fromstring(text)
    assert ">failed<" in text
    assert "worse →" in text


@pytest.mark.parametrize("curve", [[], [[10, 1e30]], [[10, float("inf")]], [[10, 0.0]]], ids=str)
def test_however_little_there_is(curve: list[list[float]]) -> None:
    text = draw_repair(repair(arm("b", curve=curve, difference=None)), "A")
    ElementTree.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text
    nothing = draw_repair({"rounds": []}, "A")
    ElementTree.fromstring(nothing)
    assert "nothing was tried" in nothing
