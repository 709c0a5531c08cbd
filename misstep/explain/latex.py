"""An explanation as LaTeX: one `align*` environment, for the package amsmath and nothing else.

Knows the parts of an explanation; turns its formulas from text into LaTeX sign by sign.
"""

from __future__ import annotations

import re
import unicodedata

from misstep.explain.chain_rule import ChainRule
from misstep.explain.formula_tokens import FUNCTIONS, LOWERED, OPERATORS, PROSE, TOKEN
from misstep.explain.wording import added, bracketed, equal, product
from misstep.text.figures import figure

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


def write_latex(rule: ChainRule) -> str:
    r"""Return the explanation as one `align*` environment, without a line break at its end."""
    loss, own = name_in_latex(rule.loss_name), label_in_latex(rule.label)
    sign = derivative(loss, own)
    lines = []
    for step in rule.forward:
        parts = [step.formula, step.with_numbers, figure(step.number)]
        lines.append(_line(label_in_latex(step.label), *map(in_latex, parts)))
    if rule.paths:
        for link in rule.paths[0].links:
            left = derivative(label_in_latex(link.label), label_in_latex(link.by_label))
            shown = [link.formula or "", link.with_numbers or "", figure(link.number)]
            lines.append(_line(left, *(in_latex(part) for part in shown)))
        lines += _sum_of_paths(rule, sign)
    else:
        lines.append(_line(sign, in_latex(figure(rule.gradient))))
    if rule.update is not None:
        rate = figure(rule.update.learning_rate)
        arithmetic = f"{figure(rule.update.old)} − {rate} · {bracketed(rule.gradient)}"
        lines.append(
            rf"{own} &\leftarrow {own} - \eta \cdot {sign} = {in_latex(arithmetic)} = "
            + in_latex(figure(rule.update.new))
        )
    body = " \\\\\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def derivative(upper: str, lower: str) -> str:
    """Return a derivative as a fraction."""
    return rf"\frac{{\partial {upper}}}{{\partial {lower}}}"


def _sum_of_paths(rule: ChainRule, sign: str) -> list[str]:
    products = [in_latex(product([link.number for link in path.links])) for path in rule.paths]
    total = in_latex(figure(rule.gradient))
    if rule.number_of_paths == 1 and rule.all_paths_counted:
        names = r" \cdot ".join(
            derivative(label_in_latex(link.label), label_in_latex(link.by_label))
            for link in rule.paths[0].links
        )
        return [_line(sign, names, products[0], total)]
    lines = [f"{sign} &= {products[0]}"]
    lines += [rf"&\quad + {_in_brackets(each)}" for each in products[1:]]
    shown = [path.product for path in rule.paths]
    rest = rule.number_of_paths - len(rule.paths)
    if rest or not rule.all_paths_counted:
        shown.append(rule.other_paths_sum)
        number = f"{rest} other" if rule.all_paths_counted else "all other"
        noun = "path" if rest == 1 and rule.all_paths_counted else "paths"
        lines.append(
            rf"&\quad + {_in_brackets(in_latex(figure(rule.other_paths_sum)))} "
            rf"\quad \text{{({number} {noun})}}"
        )
    lines.append(f"&= {in_latex(added(shown))} = {total}")
    return lines


def _in_brackets(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _line(left: str, *parts: str) -> str:
    return f"{left} &= {equal(*parts)}"


def name_in_latex(name: str) -> str:
    """Return a name: one letter as it is, Greek as its command, longer ones as one word."""
    if len(name) == 1:
        return _letter(name)
    return rf"\mathit{{{''.join(_plain(letter) for letter in name)}}}"


def label_in_latex(label: str) -> str:
    """Return an entry with its index below: z_{3,0}."""
    name, bracket, index = label.partition("[") if label.endswith("]") else (label, "", "")
    text = name_in_latex(name)
    return f"{text}_{{{_index(index[:-1])}}}" if bracket else text


def _index(index: str) -> str:
    """Return what stands below a name: numbers as they are, names of inputs as text."""
    return ",".join(_place(part.strip()) for part in index.split(", "))


def _place(part: str) -> str:
    if part.lstrip("-").isdigit() or len(part) <= 1:
        return part if part.isascii() and part not in "_^&%$#~\\{}" else _sign(part)
    return rf"\text{{{''.join(_plain(letter) for letter in part)}}}"


def in_latex(text: str) -> str:
    """Return a formula, written as text, in LaTeX."""
    pieces: list[str] = []
    # For each open bracket, what closes it.
    closing: list[str] = []
    for token in TOKEN.finditer(text):
        group = token.lastgroup if token.lastgroup != "index" else "word"
        sign = token.group()
        if group == "power":
            pieces.append(rf" \times 10^{{{sign[3:].translate(LOWERED)}}}")
        elif group == "number":
            pieces.append(sign.replace(",", "{,}"))
        elif group == "word":
            pieces.append(_word(token["word"], token["index"]))
        elif group in {"root", "raised"}:
            pieces.append(r"\sqrt{" if group == "root" else "^{")
            closing.append("}")
        elif sign == "(":
            pieces.append("(")
            closing.append(")")
        elif sign == ")":
            pieces.append(closing.pop() if closing else ")")
        else:
            pieces.append(_sign(sign))
    pieces += reversed(closing)
    return re.sub(r" {2,}", " ", "".join(pieces)).strip()


def _word(word: str, index: str | None) -> str:
    if index is None and word in FUNCTIONS:
        return rf"\{word} "
    if index is None and word in OPERATORS:
        return rf"\operatorname{{{word}}}"
    if index is None and word in PROSE and word != "a":
        return rf"\text{{ {word} }}"
    text = name_in_latex(word)
    if index is None:
        return text
    return f"{text}_{{{_index(index[1:-1])}}}"


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    return sign if sign.isascii() else _letter(sign)


def _letter(letter: str) -> str:
    if letter in _SIGNS:
        return _SIGNS[letter].strip()
    if letter.isascii():
        return letter
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words and len(words) == 4:
        name = words[3].lower().replace("lamda", "lambda")
        return rf"\{name if words[1] == 'SMALL' else name.capitalize()} "
    return rf"\text{{{_plain(letter)}}}"


def _plain(letter: str) -> str:
    """Return a letter for use inside of words: without what LaTeX takes for a command."""
    if letter.isascii():
        return {"_": r"\_", "\\": "/", "^": r"\^{}", "~": "-"}.get(
            letter, rf"\{letter}" if letter in "#$%&{}" else letter
        )
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"]:
        return f"${_letter(letter).strip()}$" if len(words) == 4 else "?"
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return bare or "?"
