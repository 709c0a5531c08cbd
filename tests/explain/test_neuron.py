"""The neuron worked by hand: its textbook numbers, in the text, in LaTeX and as data."""

from __future__ import annotations

import json

import pytest

from misstep import ops as ms
from misstep.explain import Explanation, explain
from misstep.ir import make_parameter


def worked_neuron(learning_rate: float | None = 0.1) -> Explanation:
    w = make_parameter(0.4)
    b = make_parameter(0.1)
    x = 0.5
    z = w * x + b
    a = ms.sigmoid(z)
    L = 0.5 * (1 - a) ** 2
    return explain(L, w, learning_rate=learning_rate)


@pytest.mark.parametrize(
    "line",
    [
        "How w moves L: ∂L/∂w = −0.0520",
        "  z = w · x + b = 0.4 · 0.5 + 0.1 = 0.3",
        "  a = σ(z) = σ(0.3) = 0.5744",
        "  L = 0.5 · (1 − a)² = 0.5 · (1 − 0.5744)² = 0.0905",
        "  ∂L/∂a = a − 1 = 0.5744 − 1 = −0.4256",
        "      by the chain rule: 0.5 · 2 · (1 − a) · (−1)",
        "  ∂a/∂z = a · (1 − a) = 0.5744 · (1 − 0.5744) = 0.2445",
        "  ∂z/∂w = x = 0.5",
        "  ∂L/∂w = ∂L/∂a · ∂a/∂z · ∂z/∂w = −0.4256 · 0.2445 · 0.5 = −0.0520",
        "  w ← w − η · ∂L/∂w = 0.4 − 0.1 · (−0.0520) = 0.4052",
        "  L falls from 0.0905 to 0.0903",
    ],
)
def test_the_text_has_the_textbook_line(line: str) -> None:
    assert line in worked_neuron().text().splitlines()


def test_the_full_precision_is_there() -> None:
    text = str(worked_neuron())
    assert "L = 0.0905495" in text
    assert "∂L/∂w = −0.05201553" in text


def test_the_parts_are_data() -> None:
    one = worked_neuron()
    assert one.gradient == pytest.approx(-0.0520155319337924, rel=1e-12)
    assert one.finite_difference == pytest.approx(one.gradient, rel=1e-8)
    assert one.number_of_paths == 1
    assert one.all_paths_counted
    (path,) = one.paths
    assert [(link.name, link.by) for link in path.links] == [("L", "a"), ("a", "z"), ("z", "w")]
    assert [round(link.number, 4) for link in path.links] == [-0.4256, 0.2445, 0.5]
    assert [step.name for step in one.forward] == ["z", "a", "L"]
    assert one.update is not None
    assert round(one.update.new, 4) == 0.4052
    assert one.update.loss_after < one.update.loss_before
    parts = json.loads(json.dumps(one.to_dict(), allow_nan=False))
    assert parts["gradient"] == one.gradient
    assert parts["paths"][0]["links"][0]["formula"] == "a − 1"


def test_without_a_learning_rate_there_is_no_update() -> None:
    one = worked_neuron(None)
    assert one.update is None
    assert "Update" not in one.text()


def test_the_latex_has_the_textbook_lines() -> None:
    latex = worked_neuron().latex()
    assert latex.startswith("\\begin{align*}\n")
    assert latex.endswith("\n\\end{align*}")
    assert r"z &= w \cdot x + b = 0.4 \cdot 0.5 + 0.1 = 0.3 \\" in latex
    assert r"\frac{\partial L}{\partial a} &= a - 1 = 0.5744 - 1 = -0.4256 \\" in latex
    assert r"-0.4256 \cdot 0.2445 \cdot 0.5 = -0.0520 \\" in latex
    assert r"w &\leftarrow w - \eta \cdot \frac{\partial L}{\partial w}" in latex


def test_the_session_in_one_line_reads_the_same() -> None:
    # fmt: off
    w = make_parameter(0.4); b = make_parameter(0.1); x = 0.5; z = w * x + b; a = ms.sigmoid(z); L = 0.5 * (1 - a) ** 2  # noqa: E501, E702
    # fmt: on
    assert explain(L, w, learning_rate=0.1).text() == worked_neuron().text()


def test_a_neuron_in_one_expression_gets_made_up_names() -> None:
    w = make_parameter(0.4)
    loss = 0.5 * (1 - ms.sigmoid(w * 0.5 + 0.1)) ** 2
    text = explain(loss, w).text()
    assert "∂loss/∂w = ∂loss/∂a · ∂a/∂z · ∂z/∂w = −0.4256 · 0.2445 · 0.5 = −0.0520" in text
    assert "z and a are names made up here" in text


def test_too_large_a_step_is_seen() -> None:
    w = make_parameter(3.0)
    L = w**2
    text = explain(L, w, learning_rate=1.5).text()
    assert "L rises from 9 to 36: η = 1.5 steps too far" in text
