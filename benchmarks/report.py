"""What is printed and kept: a Markdown table of ratios, one of times, one of memory, and JSON.

Knows outcomes; measures nothing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.compete import Outcome, Say, Standing
from benchmarks.job import plain_workload
from benchmarks.ratios import Spread, ratio, share_of_roofline, spread
from benchmarks.workloads import Target

RESULTS = Path(__file__).resolve().parent / "results"
NOTHING = "–"


def best_peer(outcome: Outcome) -> Standing | None:
    """Return the fastest peer that took part and agrees; only those that the target judges."""
    judged = outcome.workload.target.judged
    fit = [
        peer
        for peer in outcome.peers
        if peer.times and peer.agrees and (not judged or peer.name in judged)
    ]
    return min(fit, key=lambda peer: median(peer.times), default=None)


def shares(outcome: Outcome, times: Sequence[float]) -> Spread | None:
    """Return the share of the roofline that times have, against the peak of the same rounds."""
    if not outcome.peaks or not times:
        return None
    # The highest: a roofline must not sink because something else ran during a measurement.
    peak = max(outcome.peaks)
    return spread([share_of_roofline(outcome.workload.flops, one, peak) for one in times])


def verdicts(outcome: Outcome) -> list[tuple[str, float, float]]:
    """Return what was to be reached, what was, and in words what it is about."""
    target: Target = outcome.workload.target
    found = []
    best = best_peer(outcome)
    if target.ratio is not None and best is not None:
        found.append((f"ratio to {best.name}", ratio(best.ours, best.times).median, target.ratio))
    for peer in outcome.peers:
        if peer.name in target.against and peer.times:
            reached = ratio(peer.ours, peer.times).median
            found.append((f"ratio to {peer.name}", reached, target.against[peer.name]))
    share = shares(outcome, outcome.ours.times)
    if target.share is not None and share is not None:
        found.append(("share of roofline", share.median, target.share))
    return found


def _microseconds(seconds: float) -> str:
    number = seconds * 1e6
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _percent(share: Spread | None) -> str:
    return NOTHING if share is None else f"{share.median:.2f}"


def heading(facts: dict[str, Any]) -> str:
    """Return in words on what, with what and how often all was measured."""
    versions = [f"{name} {version}" for name, version in facts["versions"].items() if version]
    quick = ", quick: a look, not a result" if facts["quick"] else ""
    lines = [
        f"{facts['processor']}, {facts['cores']} cores; {facts['threads']} threads for everybody; "
        f"{facts['pairs']} pairs of about {facts['seconds']:g} s each{quick}.",
        f"{', '.join(versions)}; Python {facts['python']}; commit {facts['commit'] or 'unknown'}; "
        f"misstep's way: {facts['ours']}.",
    ]
    for dtype, found in facts.get("peaks", {}).items():
        told = [f"{name} {one['flops'] / 1e9:.0f} GFLOP/s" for name, one in found.items()]
        lines.append(f"Peak of a large {dtype} product: {', '.join(told)}.")
    return "\n".join(lines)


def taking_part(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the peers that were measured at least once."""
    return list(dict.fromkeys(peer.name for one in outcomes for peer in one.peers if peer.times))


def ratio_table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of ratios and shares of the roofline, in Markdown."""
    lines = [
        "| workload | ours, µs | best peer | its µs | ratio (p10–p90) | share of roofline: ours | "
        "best peer | what to reach | losses |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        best = best_peer(outcome)
        told = [
            f"{name} ≥ {wanted:g}: {'yes' if reached >= wanted else f'no ({reached:.2f})'}"
            for name, reached, wanted in verdicts(outcome)
        ]
        cells = [
            outcome.workload.words,
            _microseconds(median(outcome.ours.times)),
            NOTHING if best is None else best.name,
            NOTHING if best is None else _microseconds(median(best.times)),
            NOTHING if best is None else str(ratio(best.ours, best.times)),
            _percent(shares(outcome, outcome.ours.times)),
            NOTHING if best is None else _percent(shares(outcome, best.times)),
            "; ".join(told) or NOTHING,
            _losses_in_words(outcome),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _losses_in_words(outcome: Outcome) -> str:
    wrong = [peer for peer in outcome.peers if not peer.agrees]
    if wrong:
        return "**DIFFER**: " + ", ".join(f"{peer.name} by {peer.apart:.1e}" for peer in wrong)
    compared = [peer.apart for peer in outcome.peers if not peer.skipped]
    return f"within {max(compared):.0e}" if compared else NOTHING


def peer_table(outcomes: Sequence[Outcome]) -> str:
    """Return every peer's time and its ratio to ours, in Markdown."""
    names = taking_part(outcomes)
    lines = [
        "| time ÷ ours (µs) | ours | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
    ]
    for outcome in outcomes:
        cells = [outcome.workload.words, _microseconds(median(outcome.ours.times))]
        standings = {peer.name: peer for peer in outcome.peers}
        for name in names:
            peer = standings.get(name)
            if peer is None or not peer.times:
                cells.append(NOTHING)
            else:
                found = ratio(peer.ours, peer.times)
                cells.append(f"{found} ({_microseconds(median(peer.times))})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def memory_table(outcomes: Sequence[Outcome]) -> str:
    """Return the most memory that each process had, in Markdown, in MiB."""
    names = taking_part(outcomes)
    lines = [
        "| peak memory, MiB (with the rows) | ours | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
    ]
    for outcome in outcomes:
        standings = {peer.name: peer for peer in [outcome.ours, *outcome.peers]}
        cells = [outcome.workload.words]
        for name in ["ours", *names]:
            peer = standings.get(name)
            known = peer is not None and peer.memory
            cells.append(f"{peer.memory / 2**20:.0f}" if peer is not None and known else NOTHING)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def loss_lines(outcome: Outcome) -> list[str]:
    """Return the losses of everybody after the same steps, one line each."""
    if outcome.workload.kind != "train" or not outcome.ours.losses.get("epochs"):
        return []
    lines = []
    for one in [outcome.ours, *outcome.peers]:
        if one.skipped:
            lines.append(f"  {one.name}: left out: {one.skipped}")
            continue
        numbers = [*one.losses["epochs"], one.losses["final"]]
        told = ", ".join(f"{number:.6f}" for number in numbers)
        mark = "" if one.agrees else f"   <-- DIFFERS from ours by {one.apart:.1e}"
        lines.append(f"  {one.name}: {told}{mark}")
    return lines


def all_agree(outcomes: Sequence[Outcome], say: Say) -> bool:
    """Return whether everybody did the same work in every workload; say loudly where not."""
    differing = [outcome.workload.words for outcome in outcomes if not outcome.agrees]
    for words in differing:
        say(f"FAILED: LOSSES DIFFER, so somebody does other work: {words}")
    return not differing


def as_plain(outcome: Outcome) -> dict[str, Any]:
    """Return everything that was measured, as plain JSON."""
    best = best_peer(outcome)
    return {
        "workload": plain_workload(outcome.workload),
        "flops": outcome.workload.flops,
        "threads": outcome.threads,
        "rows_from": outcome.source,
        "peaks_flops": outcome.peaks,
        "best_peer": None if best is None else best.name,
        "ratio": None if best is None else asdict(ratio(best.ours, best.times)),
        "verdicts": verdicts(outcome),
        "agrees": outcome.agrees,
        "ours": _standing(outcome.ours),
        "peers": [_standing(peer) for peer in outcome.peers],
    }


def _standing(standing: Standing) -> dict[str, Any]:
    plain = asdict(standing)
    if "numbers" in plain["losses"]:
        plain["losses"] = {"numbers": plain["losses"]["numbers"][:10]}
    return plain


def write_results(
    kind: str, facts: dict[str, Any], outcomes: Sequence[Outcome], text: str, slug: str
) -> Path:
    """Write JSON and Markdown to results/; return the path without its ending."""
    RESULTS.mkdir(exist_ok=True)
    day = datetime.date.today().isoformat()
    stem = f"{day}-{slug}" if kind == "workloads" else f"{kind}-{day}-{slug}"
    plain = facts | {"outcomes": [as_plain(one) for one in outcomes]}
    body = json.dumps(plain, indent=1, ensure_ascii=False)
    (RESULTS / f"{stem}.json").write_text(body + "\n", encoding="utf-8")
    (RESULTS / f"{stem}.md").write_text(text + "\n", encoding="utf-8")
    return RESULTS / stem
