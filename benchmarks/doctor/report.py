"""Tables of measures, and lists of what was missed, for those who write rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.doctor.programs import PROGRAMS
from benchmarks.doctor.scoring import Measures, Verdict, measures

# What a rule must reach, beside each measure.
ASKED = {"noticed": 0.95, "first": 0.7, "among_three": 0.88}
ALLOWED = {"healthy_critical": 0.02, "healthy_any": 0.1}
_COLUMNS = {
    "noticed": "noticed",
    "first": "cause first",
    "among_three": "among three",
    "beneath_three": "or beneath",
    "healthy_critical": "healthy: critical",
    "healthy_any": "healthy: any",
    "hard_any": "hard ones: any",
}


def percent(share: float | None) -> str:
    """Return 87.5 %, or nothing where there was nothing to count."""
    return "" if share is None else f"{100 * share:.1f} %"


def measure_table(found: Mapping[str, Measures], head: str) -> str:
    """Return a Markdown table with a row for each name."""
    lines = [
        f"| {head} | runs | {' | '.join(_COLUMNS.values())} |",
        f"|---|{'---|' * (len(_COLUMNS) + 1)}",
    ]
    for name, one in found.items():
        runs = one.counts["broken"] + one.counts["several"], one.counts["healthy"]
        cells = [percent(getattr(one, column)) for column in _COLUMNS]
        lines.append(f"| {name} | {runs[0]} + {runs[1]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _grouped(
    verdicts: Sequence[Verdict], group: Callable[[Verdict], str]
) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(group(verdict), []).append(verdict)
    return dict(sorted(found.items()))


def by_program(verdicts: Sequence[Verdict]) -> str:
    """Return the measures of each program."""
    groups = _grouped(verdicts, lambda one: one.case.program)
    ordered = {name: measures(groups[name]) for name in PROGRAMS if name in groups}
    return measure_table(ordered, "program")


def fault_counts(verdicts: Sequence[Verdict]) -> dict[str, list[int]]:
    """Return for each fault how many runs there are, noticed, named first, and among three."""
    broken = [one for one in verdicts if one.case.kind == "broken"]
    groups = _grouped(broken, lambda one: one.case.faults[0][0])
    several = [one for one in verdicts if one.case.kind == "several"]
    if several:
        groups["two or three at once"] = several
    return {
        name: [
            len(group),
            sum(one.noticed for one in group),
            sum(one.named_among(1) for one in group),
            sum(one.named_among(3) for one in group),
        ]
        for name, group in groups.items()
    }


def fault_table(counts: Mapping[str, Sequence[int]]) -> str:
    """Return how often each fault was noticed and named."""
    lines = ["| fault | runs | noticed | cause first | among three |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(map(str, row))} |" for name, row in counts.items()]
    return "\n".join(lines)


def wrong_list(verdicts: Sequence[Verdict]) -> str:
    """Return every run that was missed or whose cause is not first, and every false alarm."""
    lines = []
    for one in verdicts:
        named = [f"{finding.slug}{'!' if finding.critical else ''}" for finding in one.findings]
        said = ", ".join(named[:5]) or "nothing"
        if one.case.kind == "healthy":
            if one.noticed:
                lines.append(f"FALSE ALARM  {one.case.name}: {said}")
            continue
        if one.named_among(1):
            continue
        word = "BEHIND" if one.named_among(3) else ("WRONG" if one.noticed else "MISSED")
        if word == "WRONG" and one.named_among(len(one.findings), beneath=True):
            word = "BENEATH"
        faults = "; ".join(f"{name} at {strength}" for name, strength in one.case.faults)
        lines.append(f"{word:<12} {one.case.name} ({faults}): {said}")
    return "\n".join(sorted(lines))
