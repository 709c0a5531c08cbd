"""What a command does where a launcher of MPI started it in several processes.

Rank 0 reads first, writes and speaks; the others train with it, in silence. Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from signal import SIGINT
from typing import Any

from misstep.cli.exits import DONE, FAILED, INTERRUPTED_BY
from misstep.cli.page import Page
from misstep.errors import NotYetError
from misstep.exchange import Ranks
from misstep.exchange.launch import is_launched
from misstep.modeling import Options, Walk, recognize
from misstep.train.agreement import default_shards


def check_together(ranks: Ranks, options: Options, *, repair: bool) -> None:
    """Raise NotYetError for what several processes can't do together yet."""
    if ranks.size == 1:
        return
    asked = {
        "--repair": repair,
        "--minutes": options.minutes is not None,
        "--folds": options.folds is not None,
    }
    reasons = {
        "--repair": "`misstep repair` afterwards, in one process",
        "--minutes": "--epochs, which each rank counts alike",
        "--folds": "the command without it, and the folds in one process",
    }
    for name, given in asked.items():
        if given:
            raise NotYetError(
                f"{name} on {ranks.size} ranks",
                needed="a training in one process",
                try_=reasons[name],
            )


def say_together(page: Page, ranks: Ranks, options: Options) -> None:
    """Say into how many shards batches are cut, and who shares them out."""
    if not is_launched() and options.shards is None:
        return
    shards = options.shards or (None if options.resume else default_shards(ranks))
    number = "shards" if shards is None else f"{shards} shards"
    who = "this process works on" if ranks.size == 1 else f"{ranks.size} ranks share out"
    page.say(f"Each batch is cut into {number}, which {who}; its bits do not depend on how many.")


def follow(ranks: Ranks, read: Callable[[], Any], options: Options) -> int:
    """Train with rank 0, as one of the others; return the exit code."""
    ranks.from_first(None)  # it has read, and prepared what does not fit into memory
    walk = Walk(recognize(read(), replace(options, progress=False)))
    for _ in walk:
        pass
    run = walk.result.run
    if run.failed:
        return FAILED
    return DONE if run.finished else INTERRUPTED_BY + run.ending.facts.get("signal", SIGINT)
