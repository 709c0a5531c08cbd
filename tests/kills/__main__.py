"""`python -m tests.kills`: kills works again and again, and says what came of it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kills.campaign import Campaign
from tests.kills.commands import COMMANDS
from tests.kills.moments import CALLS
from tests.kills.trainings import TRAININGS

WORKS = {one.name: one for one in (*TRAININGS, *COMMANDS)}
# Kinds of kills, by how a campaign does so many of them.
KINDS = ("clock", "chain", "moment")
# Besides: a kill at each moment of the calls asked for, however many there are.
EVERY = "every"
# Moments between those of a chain's lives: prime, so that chains meet all of them in time.
STRIDE = 7


def main() -> int:
    """Return 0 where nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="kills in all, about")
    parser.add_argument("--works", default=",".join(WORKS), help="which; NAME=N: N of each kind")
    parser.add_argument(
        "--kinds", default=",".join(KINDS), help=f"of kills; {EVERY}: at each moment"
    )
    parser.add_argument("--calls", default=",".join((*CALLS, "flock")), help="whose moments")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--stride", type=int, default=STRIDE, help="moments between two deaths")
    parser.add_argument("--json", action="store_true", help="say it in a line of JSON, too")
    asked = parser.parse_args()
    works, kinds = asked.works.split(","), asked.kinds.split(",")
    each = -(-asked.count // (len(works) * len(kinds)))
    place = Path(tempfile.mkdtemp(prefix="misstep-kills-"))
    kills: Counter[str] = Counter()
    faults, facts = 0, {}
    for words in works:
        name, _, own = words.partition("=")
        count = int(own or each)
        began = time.monotonic()
        campaign = None
        try:
            campaign = Campaign(WORKS[name](), place / name, asked.seed, asked.calls.split(","))
            if "clock" in kinds:
                campaign.at_random(count)
            if "chain" in kinds:
                campaign.in_chains(count, asked.stride)
            if "moment" in kinds:
                campaign.at_each_moment(count)
            if EVERY in kinds:
                campaign.at_each_moment()
        except AssertionError as error:
            faults += 1
            print(f"{name}: LOST: {error}", flush=True)
        if campaign is not None:
            kills += campaign.kills
            facts[name] = campaign.facts()
            print(f"{campaign} in {time.monotonic() - began:.0f} s", flush=True)
    print(f"seed {asked.seed}: {sum(kills.values()):,} kills, {faults} faults")
    if asked.json:
        print(json.dumps({"kills": sum(kills.values()), "faults": faults, "works": facts}))
    if faults:
        print(f"what was left lies in {place}")
    else:
        shutil.rmtree(place)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
