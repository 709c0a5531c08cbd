"""An explanation as text: forward, local derivatives, chain rule, check, update, remarks.

Knows the parts of an explanation and nothing of graphs.
"""

from __future__ import annotations

import math

from misstep.explain.chain_rule import ChainRule, Computation, Index, LocalDerivative, Path
from misstep.explain.formulas import labeled
from misstep.text.counts import counted
from misstep.text.figures import figure, in_full

WIDTH = 100


def derivative(upper: str, lower: str) -> str:
    """Return the sign of a derivative: ∂L/∂w."""
    return f"∂{upper}/∂{lower}"


def link_name(link: LocalDerivative) -> str:
    """Return the sign of a link's derivative: ∂z[3, 0]/∂w[0, 0]."""
    return derivative(labeled(link.name, link.index), labeled(link.by, link.by_index))


def through(link: LocalDerivative) -> str:
    """Return which of several ways a link takes, in brackets, or nothing if there is just one."""
    return f" ({link.through})" if link.through else ""


def equal(*parts: str | None) -> str:
    """Return parts joined by equals signs, without those that say the same as the one before."""
    said: list[str] = []
    for part in parts:
        if part and (not said or part != said[-1]):
            said.append(part)
    return " = ".join(said)


def bracketed(number: float) -> str:
    """Return a number as it stands behind an operator: negative ones in brackets."""
    return f"({figure(number)})" if number < 0 else figure(number)


def product(numbers: list[float]) -> str:
    """Return numbers multiplied: −0.4256 · 0.2445 · 0.5."""
    return " · ".join(
        figure(number) if place == 0 else bracketed(number) for place, number in enumerate(numbers)
    )


def added(numbers: list[float]) -> str:
    """Return numbers added: 0.3 + 0.2 − 0.1."""
    text = figure(numbers[0]) if numbers else "0"
    for number in numbers[1:]:
        text += f" {'−' if number < 0 else '+'} {figure(abs(number))}"
    return text


def write_text(explanation: ChainRule) -> str:
    """Return the whole explanation as text, without a line break at its end."""
    one = explanation
    own = labeled(one.name, one.index)
    sign = derivative(one.loss_name, own)
    parts = [f"How {own} moves {one.loss_name}: {sign} = {figure(one.gradient)}"]
    if one.chosen:
        parts[0] += f"\n({own} is the entry of {one.name} {shape(one.shape)} with the largest "
        parts[0] += f"{'slope' if math.isfinite(one.gradient) else 'or an infinite slope'})"
    if one.forward:
        several = " (along the largest path)" if one.number_of_paths > 1 else ""
        lines = [_computation(each) for each in one.forward]
        parts.append(section(f"Forward{several}", lines))
    if one.paths:
        several = " (along the largest path)" if one.number_of_paths > 1 else ""
        parts.append(section(f"Local derivatives{several}", _slopes(one.paths[0])))
        parts.append(section(*_chain_rule(one, sign, own)))
    if one.remarks:
        parts.append(section("Remarks", list(one.remarks)))
    parts.append(section("Check", _check(one, sign, own)))
    if one.update is not None:
        parts.append(section("Update", _update(one, sign, own)))
    full = f"{one.loss_name} = {in_full(one.loss)}, {sign} = {in_full(one.gradient)}"
    parts.append(section("In full precision", [full]))
    return "\n\n".join(parts)


def section(title: str, lines: list[str]) -> str:
    """Return a title with its lines indented under it."""
    return "\n".join([title, *(f"  {line}" for text in lines for line in text.split("\n"))])


def shape(lengths: Index) -> str:
    """Return a shape for readers: 2×3."""
    return "×".join(map(str, lengths))


def _computation(step: Computation) -> str:
    name = labeled(step.name, step.index)
    line = equal(name, step.formula, step.with_numbers, figure(step.number))
    if len(line) <= WIDTH:
        return line
    indent = " " * len(name)
    rest = [text for text in (step.with_numbers, figure(step.number)) if text != step.formula]
    return "\n".join([f"{name} = {step.formula}", *(f"{indent} = {text}" for text in rest)])


def _slopes(path: Path) -> list[str]:
    lines = []
    for link in path.links:
        name = link_name(link) + through(link)
        line = equal(name, link.formula, link.with_numbers, figure(link.number))
        if len(line) > WIDTH:
            line = (
                equal(name, link.formula)
                + f"\n{' ' * len(name)} = "
                + equal(link.with_numbers, figure(link.number))
            )
        if len(link.factors) > 1:
            names = " · ".join(_whole(each.formula, at) for at, each in enumerate(link.factors))
            numbers = product([each.number for each in link.factors])
            if names != link.formula:
                line += f"\n    step by step: {equal(names, numbers)}"
        elif link.formula is None:
            spread = "one route that spreads over several entries"
            several = counted(link.routes, "route") if link.routes > 1 else spread
            line += f"\n    ({several} inside, added up)"
        elif link.routes > 1:
            line += f"\n    ({counted(link.routes, 'route')} inside, added up in this formula)"
        lines.append(line)
    return lines


def _whole(formula: str, place: int) -> str:
    """Return a formula as a factor: in brackets if it is a sum, or starts with a minus sign."""
    depth, loose = 0, formula.startswith("−") and place > 0
    for at, letter in enumerate(formula):
        depth += (letter in "([") - (letter in ")]")
        loose = loose or (depth == 0 and formula[at : at + 3] in (" + ", " − "))
    return f"({formula})" if loose else formula


def _chain_rule(one: ChainRule, sign: str, own: str) -> tuple[str, list[str]]:
    if one.number_of_paths == 1 and one.all_paths_counted:
        return "Chain rule", [_chain(one.paths[0], sign)]
    number = counted(one.number_of_paths, "path")
    if not one.all_paths_counted:
        title = f"Chain rule: more than {number} from {own} to {one.loss_name}; the largest found"
    else:
        title = f"Chain rule: {number} from {own} to {one.loss_name}, the largest first"
    lines = []
    for place, path in enumerate(one.paths, 1):
        head = f"{place}. {stops(path)}"
        numbers = product([link.number for link in path.links])
        lines.append(f"{head}\n   {equal(numbers, figure(path.product))}")
    shown = [path.product for path in one.paths]
    rest = one.number_of_paths - len(one.paths)
    if rest and one.all_paths_counted:
        other = "the other path" if rest == 1 else f"the other {rest:,} paths together"
        lines.append(f"{other}: {figure(one.other_paths_sum)}")
    elif not one.all_paths_counted:
        lines.append(f"all other paths together: {figure(one.other_paths_sum)}")
    if rest or not one.all_paths_counted:
        shown.append(one.other_paths_sum)
    lines.append(f"{sign} = the sum over all paths = {equal(added(shown), figure(one.gradient))}")
    return title, lines


def _chain(path: Path, sign: str) -> str:
    names = " · ".join(link_name(link) for link in path.links)
    numbers = product([link.number for link in path.links])
    line = equal(sign, names, numbers, figure(path.product))
    if len(line) <= WIDTH:
        return line
    indent = " " * len(sign)
    rest = [names, *([] if numbers == figure(path.product) else [numbers]), figure(path.product)]
    return sign + f"\n{indent}".join(f" = {text}" for text in rest)


def stops(path: Path) -> str:
    """Return where a path goes: w → z → a → L, and through what where it could go two ways."""
    if not path.links:
        return "itself"
    last = path.links[-1]
    names = [labeled(last.by, last.by_index)]
    names += [labeled(link.name, link.index) + through(link) for link in reversed(path.links)]
    return " → ".join(names)


def _check(one: ChainRule, sign: str, own: str) -> list[str]:
    check = one.difference
    line = f"measured by moving {own} by ±{figure(check.step)}: {figure(check.slope)}"
    if not math.isfinite(check.slope) or not math.isfinite(one.gradient):
        return [f"{line}; there is nothing to compare where numbers aren't finite"]
    sides = f"left slope {figure(check.left)}, right slope {figure(check.right)}"
    choice = f"{one.loss_name} has a kink there, and {sign} is one of the slopes to choose from."
    if check.agrees and check.kink:
        return [line, f"the two sides differ, though: {sides}. {choice}"]
    if check.agrees:
        if check.relative_difference > 1e-3:
            off = figure(float(f"{check.rounding:.0e}"))
            return [f"{line}; equal as far as rounding lets it show (it may be off by ±{off})"]
        gap = check.relative_difference
        return [f"{line} (relative difference {figure(float(f'{gap:.1e}'))})"]
    why = (
        f"the two sides differ: {sides}. {choice}"
        if check.kink
        else f"they disagree ({sides}): {one.loss_name} bends more sharply there than this step "
        "can see, or a gradient rule is wrong."
    )
    return [f"{line}, not {figure(one.gradient)}", why]


def _update(one: ChainRule, sign: str, own: str) -> list[str]:
    update = one.update
    assert update is not None
    rate = figure(update.learning_rate)
    line = (
        f"{own} ← {own} − η · {sign} = {figure(update.old)} − {rate} · {bracketed(one.gradient)} "
        f"= {figure(update.new)}"
    )
    before, after = figure(update.loss_before), figure(update.loss_after)
    if before == after and update.loss_before != update.loss_after:
        before, after = in_full(update.loss_before), in_full(update.loss_after)
    if update.loss_after < update.loss_before:
        outcome = f"{one.loss_name} falls from {before} to {after}"
    elif update.loss_after > update.loss_before:
        outcome = f"{one.loss_name} rises from {before} to {after}: η = {rate} steps too far"
    elif update.loss_after == update.loss_before:
        outcome = f"{one.loss_name} stays at {before}"
    else:
        outcome = f"{one.loss_name} goes from {before} to {after}"
    return [line, outcome]
