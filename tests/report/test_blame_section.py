"""Who is blamed, in the report: the drawing and the tables hold what was computed."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from trained_for_judgment import pair, trained

from misstep.modeling import blame_of, mistakes_of
from misstep.modeling.judgment import blame as blaming
from misstep.report.blame_drawing import blame_drawing, short_figure
from misstep.report.material import Material
from misstep.report.sections.blame import MOST_MISTAKES, WhoIsBlamed
from misstep.text.figures import three_figures

KINDS = ["passengers", "houses", "messages", "pictures", "recordings"]


def content_of(kind: str) -> str:
    content = WhoIsBlamed().content(Material.of_result(trained(kind), name=kind))
    assert content is not None
    return content.html


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_data_has_its_mistakes_handed_back(kind: str) -> None:
    model, held_out = pair(kind)
    html = content_of(kind)
    worst = mistakes_of(model, held_out, most=MOST_MISTAKES).worst
    parts = html.split("data-name=")[1:]
    assert len(parts) == len(worst)
    for part, mistake in zip(parts, worst, strict=True):
        blame = blame_of(model, mistake.features, mistake.truth, trainer=trained(kind).trainer)
        words = unescape(part)
        assert f"the loss of {three_figures(blame.loss)}" in words
        for layer in blame.layers:
            for unit in layer.units:
                if unit.gradient:
                    wish = "smaller" if unit.gradient > 0 else "larger"
                    slope = three_figures(unit.gradient)
                    assert re.search(
                        rf"{re.escape(unit.name)}: gradient {re.escape(slope)}.*; "
                        rf"it should be {wish}",
                        words,
                    )
        for update in blame.updates:
            losses = f"{short_figure(update.loss_before)} → {short_figure(update.loss_after)}"
            assert losses in words
        if blame.explained is not None:
            assert f"The chain rule of {blame.explained.name}" in words
            assert "<math" in part


def test_the_same_mistakes_give_the_same_bytes() -> None:
    assert content_of("houses") == content_of("houses")


def test_made_anew_plain_descent_has_the_rate_of_the_run() -> None:
    material = Material.of_result(trained("houses"), name="houses")
    anew = WhoIsBlamed().content(replace(material, result=None, run=None))
    said = re.findall(r"at a rate of ([\d.]+)[^<]*", content_of("houses"))
    assert material.record is not None
    assert material.record.description is not None
    rate = f"{material.record.description.optimizer.learning_rate:g}"
    assert set(said) == set(re.findall(r"at a rate of ([\d.]+)[^<]*", str(anew))) == {rate}


def test_links_are_those_that_hand_back_most() -> None:
    model, held_out = pair("houses")
    mistake = mistakes_of(model, held_out).worst[0]
    blame = blame_of(model, mistake.features, mistake.truth)
    svg = unescape(blame_drawing(blame, mistake, model).svg())
    told = re.findall(r"<title>(\S+) hands back (\S+) to ([^<]+) over (\S+), (\S+)</title>", svg)
    assert told
    for end, handed, start, weight, value in told:
        link = next(one for one in blame.links if one.weight_name == weight)
        assert link.weight is not None
        assert blame.layers[link.layer].units[link.start].name == start
        assert blame.layers[link.layer + 1].units[link.end].name == end
        assert handed == short_figure(link.handed)
        assert value == short_figure(link.weight)


def test_what_was_said_and_what_is_right_stand_at_the_end() -> None:
    model, held_out = pair("recordings")
    mistake = mistakes_of(model, held_out).worst[0]
    blame = blame_of(model, mistake.features, mistake.truth)
    svg = blame_drawing(blame, mistake, model).svg()
    assert f"right {mistake.answer}" in svg
    model, held_out = pair("houses")
    mistake = mistakes_of(model, held_out).worst[0]
    blame = blame_of(model, mistake.features, mistake.truth)
    assert f"right {mistake.answer:,.6g}" in blame_drawing(blame, mistake, model).svg()


def test_a_network_too_large_to_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blaming, "MOST_OPERATIONS", 10)
    html = content_of("houses")
    assert "Not drawn: the backward pass of one row" in html
    assert "<svg" not in html
