"""An explanation as text: forward, local derivatives, chain rule, check, update, remarks.

Knows the parts of an explanation and nothing of graphs.
"""

from __future__ import annotations

import math

from misstep.explain.chain_rule import ChainRule, Computation, Index, LocalDerivative, Path
from misstep.text.counts import counted
from misstep.text.figures import figure, in_full
from misstep.text.lists import joined
from misstep.text.tables import in_columns

WIDTH = 100


def derivative(upper: str, lower: str) -> str:
    """Return the sign of a derivative: ∂L/∂w."""
    return f"∂{upper}/∂{lower}"


def link_name(link: LocalDerivative) -> str:
    """Return the sign of a link's derivative: ∂z[3, 0]/∂w[0, 0]."""
    return derivative(link.label, link.by_label)


def equal(*parts: str | None) -> str:
    """Return parts joined by equals signs, without those that say the same as the one before."""
    different: list[str] = []
    for part in parts:
        if part and (not different or part != different[-1]):
            different.append(part)
    return " = ".join(different)


def bracketed(number: float) -> str:
    """Return a number as it stands behind an operator: negative ones in brackets."""
    return f"({figure(number)})" if number < 0 else figure(number)


def product(numbers: list[float]) -> str:
    """Return numbers multiplied: −0.4256 · 0.2445 · 0.5."""
    return " · ".join(
        bracketed(number) if at else figure(number) for at, number in enumerate(numbers)
    )


def added(numbers: list[float]) -> str:
    """Return numbers added: 0.3 + 0.2 − 0.1."""
    text = figure(numbers[0]) if numbers else "0"
    for number in numbers[1:]:
        text += f" {'−' if number < 0 else '+'} {figure(abs(number))}"
    return text


def write_text(rule: ChainRule) -> str:
    """Return the whole explanation as text, without a line break at its end."""
    own = rule.label
    sign = derivative(rule.loss_name, own)
    parts = [f"How {own} moves {rule.loss_name}: {sign} = {figure(rule.gradient)}"]
    if rule.chosen:
        parts[0] += f"\n({_choice(rule, own)})"
    if rule.sentence:
        parts[0] += f"\n{own} is {rule.sentence}"
    if rule.legend:
        table = in_columns([[each.symbol, each.meaning] for each in rule.legend], indent=0)
        parts.append(section("Names", [table]))
    if rule.forward:
        several = " (along the largest path)" if rule.number_of_paths > 1 else ""
        lines = [_computation(each) for each in rule.forward]
        parts.append(section(f"Forward{several}", lines))
    if rule.paths:
        several = " (along the largest path)" if rule.number_of_paths > 1 else ""
        parts.append(section(f"Local derivatives{several}", _local_derivatives(rule.paths[0])))
        parts.append(section(*_chain_rule(rule, sign, own)))
    if rule.remarks:
        parts.append(section("Remarks", list(rule.remarks)))
    parts.append(section("Check", _check(rule, sign, own)))
    if rule.update is not None:
        parts.append(section("Update", _update(rule, sign, own)))
    full = f"{rule.loss_name} = {in_full(rule.loss)}, {sign} = {in_full(rule.gradient)}"
    parts.append(section("In full precision", [full]))
    return "\n\n".join(parts)


def _choice(rule: ChainRule, own: str) -> str:
    """Return why this entry was taken, where none was asked for."""
    if rule.gradient == 0:
        count = math.prod(rule.shape)
        return (
            f"the slopes of all {count:,} entries of {rule.name} {shape(rule.shape)} are 0; "
            f"{own} stands for them, and the remarks say why"
        )
    slope = "slope" if math.isfinite(rule.gradient) else "or an infinite slope"
    return f"{own} is the entry of {rule.name} {shape(rule.shape)} with the largest {slope}"


def wrapped(text: str, between: str, indent: str) -> str:
    """Return text in lines of at most `WIDTH` letters, broken behind `between`."""
    lines = [""]
    for piece in text.split(between):
        longer = f"{lines[-1]}{between}{piece}" if lines[-1].strip() else lines[-1] + piece
        if len(longer) <= WIDTH - 4 or not lines[-1].strip():
            lines[-1] = longer
        else:
            lines[-1] += between.rstrip()
            lines.append(indent + piece)
    return "\n".join(lines)


def section(title: str, lines: list[str]) -> str:
    """Return a title with its lines indented under it."""
    return "\n".join([title, *(f"  {line}" for text in lines for line in text.split("\n"))])


def shape(lengths: Index) -> str:
    """Return a shape for readers: 2×3."""
    return "×".join(map(str, lengths))


def _computation(step: Computation) -> str:
    name = step.label
    line = equal(name, step.formula, step.with_numbers, figure(step.number))
    if len(line) <= WIDTH:
        return line
    indent = " " * len(name)
    rest = [text for text in (step.with_numbers, figure(step.number)) if text != step.formula]
    return "\n".join([f"{name} = {step.formula}", *(f"{indent} = {text}" for text in rest)])


def _local_derivatives(path: Path) -> list[str]:
    lines = []
    for link in path.links:
        name = link_name(link)
        line = equal(name, link.formula, link.with_numbers, figure(link.number))
        if len(line) > WIDTH:
            line = (
                equal(name, link.formula)
                + f"\n{' ' * len(name)} = "
                + equal(link.with_numbers, figure(link.number))
            )
        if link.derivation is not None:
            line += f"\n    by the {joined(link.rules)}: {link.derivation}"
        if link.formula is None:
            line += "\n    (its formula is too long to be read)"
        for note in link.notes:
            line += f"\n    ({note})"
        lines.append(line)
    return lines


def _chain_rule(rule: ChainRule, sign: str, own: str) -> tuple[str, list[str]]:
    if rule.number_of_paths == 1 and rule.all_paths_counted:
        return "Chain rule", [_chain(rule.paths[0], sign)]
    number = counted(rule.number_of_paths, "path")
    if not rule.all_paths_counted:
        title = f"Chain rule: more than {number} from {own} to {rule.loss_name}; the largest found"
    else:
        title = f"Chain rule: {number} from {own} to {rule.loss_name}, the largest first"
    lines = []
    for number_of_path, path in enumerate(rule.paths, 1):
        head = f"{number_of_path}. {stops(path)}"
        numbers = product([link.number for link in path.links])
        head = wrapped(head, " → ", "     ")
        lines.append(f"{head}\n   {equal(numbers, figure(path.product))}")
    shown = [path.product for path in rule.paths]
    rest = rule.number_of_paths - len(rule.paths)
    if rest and rule.all_paths_counted:
        other = "the other path" if rest == 1 else f"the other {rest:,} paths together"
        lines.append(f"{other}: {figure(rule.other_paths_sum)}")
    elif not rule.all_paths_counted:
        lines.append(f"all other paths together: {figure(rule.other_paths_sum)}")
    if rest or not rule.all_paths_counted:
        shown.append(rule.other_paths_sum)
    total = equal(added(shown), figure(rule.gradient))
    line = f"{sign} = the sum over all paths = {total}"
    if len(line) > WIDTH:
        line = f"{sign} = the sum over all paths\n{' ' * len(sign)} = {total}"
    lines.append(line)
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
    """Return where a path goes: w → z → a → L."""
    if not path.links:
        return "itself"
    names = [path.links[-1].by_label]
    names += [link.label for link in reversed(path.links)]
    return " → ".join(names)


def _check(rule: ChainRule, sign: str, own: str) -> list[str]:
    check = rule.difference
    line = f"measured by moving {own} by ±{figure(check.step)}: {figure(check.slope)}"
    if not math.isfinite(check.slope) or not math.isfinite(rule.gradient):
        return [f"{line}; there is nothing to compare where numbers aren't finite"]
    sides = f"left slope {figure(check.left)}, right slope {figure(check.right)}"
    choice = f"{rule.loss_name} has a kink there, and {sign} is one of the slopes to choose from."
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
        else f"they disagree ({sides}): {rule.loss_name} bends more sharply there than this step "
        "can see, or a gradient rule is wrong."
    )
    return [f"{line}, not {figure(rule.gradient)}", why]


def _update(rule: ChainRule, sign: str, own: str) -> list[str]:
    update = rule.update
    assert update is not None
    rate = figure(update.learning_rate)
    line = (
        f"{own} ← {own} − η · {sign} = {figure(update.old)} − {rate} · {bracketed(rule.gradient)} "
        f"= {figure(update.new)}"
    )
    before, after = figure(update.loss_before), figure(update.loss_after)
    if before == after and update.loss_before != update.loss_after:
        before, after = in_full(update.loss_before), in_full(update.loss_after)
    if update.loss_after < update.loss_before:
        outcome = f"{rule.loss_name} falls from {before} to {after}"
    elif update.loss_after > update.loss_before:
        outcome = f"{rule.loss_name} rises from {before} to {after}: η = {rate} steps too far"
    elif update.loss_after == update.loss_before:
        outcome = f"{rule.loss_name} stays at {before}"
    else:
        outcome = f"{rule.loss_name} goes from {before} to {after}"
    return [line, outcome]
