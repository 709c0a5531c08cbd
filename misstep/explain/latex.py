"""An explanation as LaTeX: one `align*` environment, for the package amsmath and nothing else.

Knows the parts of an explanation; turns its formulas from text into LaTeX sign by sign.
"""

from __future__ import annotations

import re
import unicodedata

from misstep.explain.chain_rule import ChainRule, Index
from misstep.explain.wording import added, bracketed, product
from misstep.text.figures import figure

_FUNCTIONS = {"exp", "ln", "max", "min", "sin", "cos", "tanh"}
_OPERATORS = {"sign", "erf", "softmax", "argmax", "mean", "NaN"}
_PROSE = {
    *("if", "else", "where", "part", "of", "padded", "reversed", "at", "it", "is", "the", "in"),
    *("largest", "larger", "smaller", "equal", "terms", "numbers", "taken", "picked", "shared"),
    *("constants", "tie", "a"),
}
_SIGNS = {
    "·": r"\cdot ",
    "−": "-",
    "×": r"\times ",
    "²": "^{2}",
    "³": "^{3}",
    "½": r"\tfrac{1}{2}",
    "ᵀ": r"^{\top}",
    "Σ": r"\sum ",
    "ₖ": "_{k}",
    "≤": r"\le ",
    "≥": r"\ge ",
    "∧": r"\land ",
    "∨": r"\lor ",
    "¬": r"\lnot ",
    "∞": r"\infty ",
    "…": r"\ldots ",
    "±": r"\pm ",
    "←": r"\leftarrow ",
    "→": r"\to ",
    "∂": r"\partial ",
    "√": r"\sqrt ",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "~": r"\sim ",
    "\\": r"\backslash ",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "¼": r"\tfrac{1}{4}",
}
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

_TOKEN = re.compile(
    r"(?P<power>×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"|(?P<word>[^\W\d](?:\w|\.(?=\w))*)(?P<index>\[[^\[\]]*\])?"
    r"|(?P<root>√\()|(?P<raised>\^\()"
    r"|(?P<sign>.)",
    re.DOTALL,
)


def write_latex(explanation: ChainRule) -> str:
    r"""Return the explanation as one `align*` environment, without a line break at its end."""
    one = explanation
    loss, own = name_in_latex(one.loss_name), entry_in_latex(one.name, one.index)
    sign = derivative(loss, own)
    lines = []
    for step in one.forward:
        parts = [step.formula, step.with_numbers, figure(step.number)]
        lines.append(_line(entry_in_latex(step.name, step.index), *map(in_latex, parts)))
    if one.paths:
        for link in one.paths[0].links:
            left = derivative(
                entry_in_latex(link.name, link.index), entry_in_latex(link.by, link.by_index)
            )
            shown = [link.formula or "", link.with_numbers or "", figure(link.number)]
            lines.append(_line(left, *(in_latex(part) for part in shown)))
        lines += _sum_of_paths(one, sign)
    else:
        lines.append(_line(sign, in_latex(figure(one.gradient))))
    if one.update is not None:
        rate = figure(one.update.learning_rate)
        made = f"{figure(one.update.old)} − {rate} · {bracketed(one.gradient)}"
        lines.append(
            rf"{own} &\leftarrow {own} - \eta \cdot {sign} = {in_latex(made)} = "
            + in_latex(figure(one.update.new))
        )
    body = " \\\\\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def derivative(upper: str, lower: str) -> str:
    """Return a derivative as a fraction."""
    return rf"\frac{{\partial {upper}}}{{\partial {lower}}}"


def _sum_of_paths(one: ChainRule, sign: str) -> list[str]:
    products = [in_latex(product([link.number for link in path.links])) for path in one.paths]
    total = in_latex(figure(one.gradient))
    if one.number_of_paths == 1 and one.all_paths_counted:
        names = r" \cdot ".join(
            derivative(
                entry_in_latex(link.name, link.index), entry_in_latex(link.by, link.by_index)
            )
            for link in one.paths[0].links
        )
        return [_line(sign, names, products[0], total)]
    lines = [f"{sign} &= {products[0]}"]
    lines += [rf"&\quad + {_in_brackets(each)}" for each in products[1:]]
    shown = [path.product for path in one.paths]
    rest = one.number_of_paths - len(one.paths)
    if rest or not one.all_paths_counted:
        shown.append(one.other_paths_sum)
        number = f"{rest} other" if one.all_paths_counted else "all other"
        noun = "path" if rest == 1 and one.all_paths_counted else "paths"
        lines.append(
            rf"&\quad + {_in_brackets(in_latex(figure(one.other_paths_sum)))} "
            rf"\quad \text{{({number} {noun})}}"
        )
    lines.append(f"&= {in_latex(added(shown))} = {total}")
    return lines


def _in_brackets(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _line(left: str, *parts: str) -> str:
    said: list[str] = []
    for part in parts:
        if part and (not said or said[-1] != part):
            said.append(part)
    return f"{left} &= {' = '.join(said)}"


def name_in_latex(name: str) -> str:
    """Return a name: one letter as it is, Greek as its command, longer ones as one word."""
    if len(name) == 1:
        return _letter(name)
    return rf"\mathit{{{''.join(_plain(letter) for letter in name)}}}"


def entry_in_latex(name: str, index: Index) -> str:
    """Return an entry with its index below: z_{3,0}."""
    text = name_in_latex(name)
    return f"{text}_{{{','.join(map(str, index))}}}" if index else text


def in_latex(text: str) -> str:
    """Return a formula, written as text, in LaTeX."""
    made: list[str] = []
    # For each open bracket, what closes it.
    closing: list[str] = []
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup if token.lastgroup != "index" else "word"
        found = token.group()
        if kind == "power":
            made.append(rf" \times 10^{{{found[3:].translate(_LOWERED)}}}")
        elif kind == "number":
            made.append(found.replace(",", "{,}"))
        elif kind == "word":
            made.append(_word(token["word"], token["index"]))
        elif kind in {"root", "raised"}:
            made.append(r"\sqrt{" if kind == "root" else "^{")
            closing.append("}")
        elif found == "(":
            made.append("(")
            closing.append(")")
        elif found == ")":
            made.append(closing.pop() if closing else ")")
        else:
            made.append(_sign(found))
    made += reversed(closing)
    return re.sub(r" {2,}", " ", "".join(made)).strip()


def _word(word: str, index: str | None) -> str:
    if index is None and word in _FUNCTIONS:
        return rf"\{word} "
    if index is None and word in _OPERATORS:
        return rf"\operatorname{{{word}}}"
    if index is None and word in _PROSE and word != "a":
        return rf"\text{{ {word} }}"
    text = name_in_latex(word)
    if index is None:
        return text
    inside = ",".join(in_latex(part) for part in index[1:-1].split(","))
    return f"{text}_{{{inside}}}"


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    return sign if sign.isascii() else _letter(sign)


def _letter(letter: str) -> str:
    if letter in _SIGNS:
        return _SIGNS[letter].strip()
    if letter.isascii():
        return letter
    told = unicodedata.name(letter, "").split()
    if told[:1] == ["GREEK"] and "LETTER" in told and len(told) == 4:
        name = told[3].lower().replace("lamda", "lambda")
        return rf"\{name if told[1] == 'SMALL' else name.capitalize()} "
    return rf"\text{{{_plain(letter)}}}"


def _plain(letter: str) -> str:
    """Return a letter for use inside of words: without what LaTeX takes for a command."""
    if letter.isascii():
        return {"_": r"\_", "\\": "/", "^": r"\^{}", "~": "-"}.get(
            letter, rf"\{letter}" if letter in "#$%&{}" else letter
        )
    told = unicodedata.name(letter, "").split()
    if told[:1] == ["GREEK"]:
        return f"${_letter(letter).strip()}$" if len(told) == 4 else "?"
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return bare or "?"
