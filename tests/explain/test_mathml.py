"""Explanations as MathML: elements that browsers know, nothing lost, nothing let in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from test_neuron import worked_neuron

import misstep as ms
from misstep.explain import EntryName, explain
from misstep.explain.mathml import formula_in_mathml
from misstep.ir import make_parameter

# Elements of MathML Core (W3C, 2024) that are needed, and of HTML around them.
CORE = {"math", "mi", "mn", "mo", "mrow", "mfrac", "msub", "msup", "msqrt", "mtext", "mspace"}
AROUND = {"div", "p", "h3", "h4", "dl", "dt", "dd", "ol", "li"}


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html)


def words(element: ElementTree.Element) -> str:
    """Return all letters, without blanks."""
    return re.sub(r"\s", "", "".join(element.itertext()))


def flat(formula: str) -> str:
    """Return a formula without blanks, and what MathML lays out: brackets, indices and powers."""
    signs = str.maketrans("²³⁻⁰¹⁴⁵⁶⁷⁸⁹ᵀₖ", "23−0145678" + "9⊤k", "√^()[]")
    return re.sub(r"\s", "", formula.translate(signs).replace("½", "12"))


def test_the_neuron_worked_by_hand_is_all_there() -> None:
    tree = parsed(worked_neuron().mathml())
    lines = [words(each) for each in tree.iter("p")]
    assert "z=w·x+b=0.4·0.5+0.1=0.3" in lines
    assert "L=0.5·(1−a)2=0.5·(1−0.5744)2=0.0905" in lines
    assert "∂a∂z=a·(1−a)=0.5744·(1−0.5744)=0.2445" in lines
    assert "∂L∂w=∂L∂a·∂a∂z·∂z∂w=−0.4256·0.2445·0.5=−0.0520" in lines
    assert "w←w−η·∂L∂w=0.4−0.1·(−0.0520)=0.4052" in lines
    assert "Lfallsfrom0.0905to0.0903." in lines
    assert [each.text for each in tree.iter("h4")] == [
        "Forward",
        "Local derivatives",
        "Chain rule",
        "Update",
    ]


def test_only_elements_of_mathml_core_and_no_style_or_script() -> None:
    html = worked_neuron().mathml("h3")
    for element in parsed(html).iter():
        assert element.tag in CORE | AROUND
        assert not {"style", "id", "onclick"} & set(element.attrib)
    assert "<h3>" in html


def test_derivatives_are_fractions_and_powers_are_raised() -> None:
    tree = parsed(worked_neuron().mathml())
    fractions = {words(each) for each in tree.iter("mfrac")}
    assert {"∂L∂a", "∂a∂z", "∂z∂w", "∂L∂w"} == fractions
    raised = [each for each in tree.iter("msup") if words(each) == "(1−a)2"]
    assert raised
    assert raised[0][0].tag == "mrow"


@pytest.mark.parametrize(
    "formula",
    [
        "w² + 1",
        "(1 − a)² · x[3, 0]",
        "−3.1×10⁻⁷ · (−2)",
        "Σₖ w[k] · x[k] + [6 more: 0]",
        "½ · e^(−z²)",
        "√(x² + 1) / 2",
        "ln softmax(z[0, …])[3]",
        "max(0, z1[4]) ≥ 0",
        "3 if z[0] > 0 else 0",
        "Wᵀ",
        "1,234.5 − 2",
        "x[share of steps]",
        "(unclosed · (twice",
        "closed) too often)",
        "",
    ],
)
def test_no_sign_of_a_formula_is_lost(formula: str) -> None:
    tree = parsed(f"<math>{formula_in_mathml(formula)}</math>")
    assert flat(words(tree)) == flat(formula)


def test_a_minus_knows_whether_it_is_a_sign() -> None:
    tree = parsed(f"<math>{formula_in_mathml('−2 − (−3) · −x')}</math>")
    forms = [each.get("form") for each in tree.iter("mo") if each.text == "−"]
    assert forms == ["prefix", "infix", "prefix", "prefix"]
    goes_on = parsed(f"<math>{formula_in_mathml('− 4', after=True)}</math>")
    assert next(goes_on.iter("mo")).get("form") == "infix"


def test_long_formulas_are_cut_where_a_line_may_be_broken() -> None:
    random = make_parameter([[0.5, -1.0, 2.0, 0.25, 1.5, -0.75]], name="x")
    w = make_parameter([[1.0]] * 6, name="w")
    hidden = ms.ops.matmul(random, w).named("z")
    loss = ms.ops.sum(hidden * hidden)
    tree = parsed(explain(loss, w, (1, 0)).mathml())
    for line in tree.iter("p"):
        for piece in line.iter("math"):
            assert len(words(piece)) < 48


def test_names_that_hold_markup_stay_names() -> None:
    w = make_parameter(0.4)
    loss = (1 - w) ** 2
    names = {w: EntryName("W<script>", "weights & <b>more</b>"), loss: "a<b>&amp;\x1b"}
    html = explain(loss, w, names=names, learning_rate=0.1).mathml()
    assert "<script" not in html
    assert "<b>" not in html
    assert "\x1b" not in html
    assert "W<script>" in words(parsed(html))


def test_many_paths_are_listed_with_what_is_left() -> None:
    x = make_parameter([[0.5, 1.0]], name="x")
    w = make_parameter([[0.1] * 6] * 2, name="w")
    v = make_parameter([[0.2]] * 6, name="v")
    hidden = ms.ops.tanh(ms.ops.matmul(x, w)).named("h")
    loss = ms.ops.sum(ms.ops.matmul(hidden, v)) ** 2
    explanation = explain(loss, x, (0, 0), paths=2)
    assert explanation.number_of_paths == 6
    tree = parsed(explanation.mathml())
    assert len(list(tree.iter("li"))) == 2
    assert any("4otherpathstogether" in words(each) for each in tree.iter("p"))
