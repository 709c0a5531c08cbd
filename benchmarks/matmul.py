"""Square matrix products on one thread: misstep's kernels beside NumPy's OpenBLAS.

`scripts/bench matmul`. Each side is a workload of its own, run like all others.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.compete import Say, compete
from benchmarks.report import all_agree, heading, peer_table, ratio_table, write_results
from benchmarks.workloads import PRODUCT_SIDES, product

THREADS = 1
PEERS = ("numpy", "torch")


def run(wanted: argparse.Namespace, facts: dict[str, Any], slug: str, say: Say) -> bool:
    """Measure all sides; print and keep the tables; return whether all products agree."""
    facts = facts | {"threads": THREADS}
    outcomes = []
    for side in PRODUCT_SIDES:
        outcome = compete(
            product(side),
            PEERS,
            pairs=wanted.pairs,
            threads=THREADS,
            seconds=wanted.seconds / 2,
            peak=None,
            say=say,
        )
        outcomes.append(outcome)
        say(peer_table([outcome]).splitlines()[-1])
    text = "\n\n".join([heading(facts), ratio_table(outcomes), peer_table(outcomes)])
    say(f"\n{text}")
    say(f"\nkept as {write_results('matmul', facts, outcomes, text, slug)}.json and .md")
    return all_agree(outcomes, say)
