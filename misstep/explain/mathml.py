"""An explanation as MathML Core, which browsers set by themselves: no script, no font, no style.

Each line is a paragraph of several `math` elements one behind the other, cut where an equation or a
sum may be broken, so that a narrow page breaks them as it breaks words. Knows the parts of an
explanation; turns its formulas from text into elements sign by sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

from misstep.explain.chain_rule import ChainRule, LocalDerivative
from misstep.explain.formula_tokens import FUNCTIONS, LOWERED, OPERATORS, PROSE, TOKEN
from misstep.explain.wording import added, bracketed, product, stops
from misstep.text.counts import counted
from misstep.text.figures import figure
from misstep.text.lists import joined
from misstep.text.plain import printable

__all__ = ["formula_in_mathml", "write_mathml"]

# A formula of more letters than this is cut at its sums and products, so that it can be broken.
LONGEST_PIECE = 24
# Of more letters than this, a piece is cut inside of its brackets, and of those inside of them.
LONGEST_WHOLE, DEEPEST_CUT = 34, 3
_RAISED = {"²": "2", "³": "3", "ᵀ": "⊤"}
_FRACTIONS = {"½": ("1", "2"), "¼": ("1", "4")}
# Signs that stand between two things; after one of them, or a bracket, a minus is a sign.
_BETWEEN = frozenset("+−-·×/=<>≤≥≠←→∧∨±,&|")
_APART = '<mspace width="0.17em"></mspace>'
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


def write_mathml(rule: ChainRule, *, heading: str = "h4") -> str:
    """Return the explanation as HTML with MathML: a `div` of the class chain-rule.

    heading: the element that its parts are headed by, as fits the page. It has no `style`, no
    script and no identifiers.
    """
    own, loss = _name(rule.label), _name(rule.loss_name)
    sign = _derivative(loss, own)
    parts = [_line(_math(sign), *_equal(figure(rule.gradient)), kind="result")]
    if rule.sentence:
        parts.append(f"<p>{_math(own)} is {_words(rule.sentence)}.</p>")
    if rule.legend:
        meanings = [
            f"<dt>{_math(formula_in_mathml(each.symbol))}</dt><dd>{_words(each.meaning)}</dd>"
            for each in rule.legend
        ]
        parts.append(_headed(heading, "Names", f"<dl>{''.join(meanings)}</dl>"))
    along = ", along the largest path" if rule.number_of_paths > 1 else ""
    if rule.forward:
        lines = [
            _line(
                _math(_name(step.label)),
                *_equal(step.formula, step.with_numbers, figure(step.number)),
            )
            for step in rule.forward
        ]
        parts.append(_headed(heading, f"Forward{along}", *lines))
    if rule.paths:
        lines = [_local(link) for link in rule.paths[0].links]
        parts.append(_headed(heading, f"Local derivatives{along}", *lines))
        parts.append(_headed(heading, "Chain rule", *_chain(rule, sign)))
    if rule.remarks:
        parts.append(
            _headed(heading, "Remarks", *(f"<p>{_words(remark)}</p>" for remark in rule.remarks))
        )
    if rule.update is not None:
        parts.append(_headed(heading, "Update", *_update(rule, own, sign)))
    return f'<div class="chain-rule">{"".join(parts)}</div>'


def _local(link: LocalDerivative) -> str:
    sign = _derivative(_name(link.label), _name(link.by_label))
    line = _line(
        _math(sign), *_equal(link.formula or "", link.with_numbers or "", figure(link.number))
    )
    notes = []
    if link.derivation is not None:
        cut = "".join(_math(piece) for piece in _pieces(link.derivation))
        notes.append(f"by the {_words(joined(link.rules))}: {cut}")
    if link.formula is None:
        notes.append("its formula is too long to be read")
    notes += [_words(note) for note in link.notes]
    return line + "".join(f'<p class="quiet note">{note}</p>' for note in notes)


def _chain(rule: ChainRule, sign: str) -> list[str]:
    total = figure(rule.gradient)
    if rule.number_of_paths == 1 and rule.all_paths_counted:
        (path,) = rule.paths
        signs = [_derivative(_name(link.label), _name(link.by_label)) for link in path.links]
        names = [_math(signs[0])] if signs else []
        names += [_math(_operator("·", "infix"), each) for each in signs[1:]]
        numbers = product([link.number for link in path.links])
        first = [_math(_operator("=", "infix")), *names] if names else []
        return [_line(_math(sign), *first, *_equal(numbers, total))]
    count = counted(rule.number_of_paths, "path")
    most = "" if rule.all_paths_counted else "more than "
    lines = [
        f"<p>There are {most}{count} from {_math(_name(rule.label))} to "
        f"{_math(_name(rule.loss_name))}; the largest, each with its product:</p>"
    ]
    shown = [path.product for path in rule.paths]
    items = []
    for path in rule.paths:
        way = "".join(_math(piece) for piece in _pieces(stops(path), between=("→",)))
        numbers = product([link.number for link in path.links])
        amount = _line(*_equal(numbers, figure(path.product)))
        items.append(f"<li>{_line(way)}{amount}</li>")
    lines.append(f"<ol>{''.join(items)}</ol>")
    rest = rule.number_of_paths - len(rule.paths)
    if rest or not rule.all_paths_counted:
        shown.append(rule.other_paths_sum)
        others = counted(rest, "other path") if rule.all_paths_counted else "all other paths"
        number = _math(formula_in_mathml(figure(rule.other_paths_sum)))
        lines.append(f"<p>{others} together: {number}</p>")
    lines.append(_line(_math(sign), *_equal(added(shown), total)))
    return lines


def _update(rule: ChainRule, own: str, sign: str) -> list[str]:
    update = rule.update
    assert update is not None
    rate = figure(update.learning_rate)
    arithmetic = f"{figure(update.old)} − {rate} · {bracketed(rule.gradient)}"
    step = [
        _math(own),
        _math(_operator("←", "infix"), own),
        _math(_operator("−", "infix"), "<mi>η</mi>", _operator("·", "infix"), sign),
    ]
    before, after = figure(update.loss_before), figure(update.loss_after)
    moved = "stays at" if update.loss_after == update.loss_before else "goes from"
    if update.loss_after < update.loss_before:
        moved = "falls from"
    elif update.loss_after > update.loss_before:
        moved = "rises from"
    loss, then = _math(_name(rule.loss_name)), ""
    if update.loss_after != update.loss_before:
        then = f" to {_math(formula_in_mathml(after))}"
    number = _math(formula_in_mathml(before))
    return [
        _line(*step, *_equal(arithmetic, figure(update.new))),
        f"<p>{loss} {moved} {number}{then}.</p>",
    ]


# --- lines --------------------------------------------------------------------------------------


def _headed(heading: str, title: str, *lines: str) -> str:
    return f"<{heading}>{_words(title)}</{heading}>{''.join(lines)}"


def _line(*pieces: str, kind: str = "") -> str:
    name = f"formula {kind}".strip()
    return f'<p class="{name}">{" ".join(pieces)}</p>'


def _math(*elements: str) -> str:
    return f'<math displaystyle="true">{"".join(elements)}</math>'


def _equal(*parts: str) -> list[str]:
    """Return parts behind equals signs, without those that say the same as the one before."""
    pieces: list[str] = []
    before = None
    for part in parts:
        if not part or part == before:
            continue
        first, *more = _pieces(part)
        pieces.append(_math(_operator("=", "infix"), first))
        pieces += [_math(each) for each in more]
        before = part
    return pieces


def _pieces(formula: str, between: tuple[str, ...] = ("+", "−", "·", "/")) -> list[str]:
    """Return a formula cut before the signs that stand between its parts, outside of brackets.

    Where that leaves pieces that no telephone is wide enough for, inside of brackets as well.
    """
    pieces = [formula]
    for depth in range(DEEPEST_CUT + 1):
        most = LONGEST_PIECE if depth == 0 else LONGEST_WHOLE
        pieces = [
            part
            for piece in pieces
            for part in (_cut(piece, between, depth) if len(piece) > most else [piece])
        ]
    return [formula_in_mathml(piece.strip(), after=bool(at)) for at, piece in enumerate(pieces)]


def _cut(formula: str, between: tuple[str, ...], deepest: int) -> list[str]:
    pieces, depth, start = [], 0, 0
    for at, letter in enumerate(formula):
        depth += (letter in "([") - (letter in ")]")
        spaced = letter in between and formula[at - 1 : at] == " "
        if spaced and depth <= deepest and at - start > LONGEST_PIECE // 2:
            pieces.append(formula[start:at])
            start = at
    return [*pieces, formula[start:]]


def _derivative(upper: str, lower: str) -> str:
    partial = "<mo>∂</mo>"
    return f"<mfrac><mrow>{partial}{upper}</mrow><mrow>{partial}{lower}</mrow></mfrac>"


def _words(text: str) -> str:
    return escape(printable(text), quote=True)


# --- formulas -----------------------------------------------------------------------------------


@dataclass
class _Row:
    """What stands one behind the other; `closes`: what becomes of it at its closing bracket."""

    closes: str = ""
    items: list[str] = field(default_factory=list)
    # Whether what came last stands between two things, so that a sign may follow.
    open: bool = True

    # Whether what came last is a function, from which its argument stands apart.
    function: bool = False

    def add(self, element: str, *, opens: bool = False, function: bool = False) -> None:
        if self.function and not element.startswith('<mrow><mo form="prefix" stretchy'):
            self.items.append(_APART)
        self.items.append(element)
        self.open, self.function = opens, function

    def raise_last(self, above: str) -> None:
        base = self.items.pop() if self.items else "<mrow></mrow>"
        self.add(f"<msup>{base}{above}</msup>")

    @property
    def whole(self) -> str:
        return self.items[0] if len(self.items) == 1 else f"<mrow>{''.join(self.items)}</mrow>"


def formula_in_mathml(formula: str, *, after: bool = False) -> str:
    """Return a formula, written as text, as the inside of a `math` element.

    after: whether it goes on another one, so that the sign at its beginning stands between them.

    >>> formula_in_mathml("w² + 1")
    '<mrow><msup><mi>w</mi><mn>2</mn></msup><mo form="infix">+</mo><mn>1</mn></mrow>'
    """
    rows = [_Row(open=not after)]
    for token in TOKEN.finditer(printable(formula)):
        group = token.lastgroup if token.lastgroup != "index" else "word"
        sign, row = token.group(), rows[-1]
        if group == "power":
            row.add(_operator("×", "infix"))
            row.add(f"<msup><mn>10</mn>{_number(sign[3:].translate(LOWERED))}</msup>")
        elif group == "number":
            row.add(f"<mn>{sign}</mn>")
        elif group == "word":
            called = token["index"] is None and token["word"] in FUNCTIONS | OPERATORS
            row.add(_word(token["word"], token["index"]), function=called)
        elif group in {"root", "raised"}:
            rows.append(_Row("root" if group == "root" else "raised"))
        elif sign in _OPEN:
            rows.append(_Row(sign))
        elif sign in _CLOSE and len(rows) > 1:
            _close(rows, sign)
        elif sign in _RAISED:
            row.raise_last(f"<mn>{_RAISED[sign]}</mn>" if sign != "ᵀ" else "<mo>⊤</mo>")
        elif sign == "ₖ":
            base = row.items.pop() if row.items else "<mrow></mrow>"
            row.add(f"<msub>{base}<mi>k</mi></msub>", opens=True)
        elif sign in _FRACTIONS:
            upper, lower = _FRACTIONS[sign]
            row.add(f"<mfrac><mn>{upper}</mn><mn>{lower}</mn></mfrac>")
        elif not sign.isspace():
            row.add(*_sign(sign, row.open), opens=True)
    while len(rows) > 1:
        _close(rows, "")
    return rows[0].whole


def _close(rows: list[_Row], sign: str) -> None:
    row = rows.pop()
    if row.closes == "root":
        rows[-1].add(f"<msqrt>{row.whole}</msqrt>")
    elif row.closes == "raised":
        rows[-1].raise_last(row.whole)
    else:
        inside = "".join(row.items)
        end = f'<mo form="postfix" stretchy="false">{sign}</mo>' if sign else ""
        rows[-1].add(
            f'<mrow><mo form="prefix" stretchy="false">{row.closes}</mo>{inside}{end}</mrow>'
        )


def _sign(sign: str, first: bool) -> tuple[str]:
    """Return a single sign; `first`: whether nothing stands before it that it could be between."""
    if sign in _BETWEEN:
        return (_operator(sign, "prefix" if first and sign in "+−-±" else "infix"),)
    if sign.isalpha() and sign != "Σ":
        return (f"<mi>{escape(sign)}</mi>",)
    return (f"<mo>{escape(sign)}</mo>",)


def _operator(sign: str, form: str) -> str:
    return f'<mo form="{form}">{escape(sign)}</mo>'


def _number(text: str) -> str:
    if text.startswith("-"):
        return f"<mrow>{_operator('−', 'prefix')}<mn>{text[1:]}</mn></mrow>"
    return f"<mn>{text}</mn>"


def _word(word: str, index: str | None) -> str:
    if index is None and (word in FUNCTIONS or word in OPERATORS):
        return f"<mi>{word}</mi>"
    if index is None and word in PROSE and word != "a":
        return f"<mtext>\N{NO-BREAK SPACE}{word}\N{NO-BREAK SPACE}</mtext>"
    name = f"<mi>{escape(word)}</mi>"
    if index is None:
        return name
    return f"<msub>{name}{_index(index[1:-1])}</msub>"


def _name(label: str) -> str:
    """Return an entry with its index below; names may hold any letter."""
    label = printable(label)
    name, bracket, index = label.partition("[") if label.endswith("]") else (label, "", "")
    text = f"<mi>{escape(name)}</mi>"
    return f"<msub>{text}{_index(index[:-1])}</msub>" if bracket else text


def _index(index: str) -> str:
    """Return what stands below a name: numbers as such, names of inputs as text."""
    places = [_place(part.strip()) for part in index.split(", ")]
    if len(places) == 1:
        return places[0]
    return f"<mrow>{'<mo>,</mo>'.join(places)}</mrow>"


def _place(part: str) -> str:
    if re.fullmatch(r"-?\d+", part):
        return _number(part)
    return f"<mi>{escape(part)}</mi>" if len(part) == 1 else f"<mtext>{escape(part)}</mtext>"
