"""From a graph to a smaller one with the same numbers: passes, one in each file.

Read in this order: `rules.py` (what a pass is), `rewriting.py` (what they are written with),
`pipeline.py` (which runs when), then any of them. Knows ops; knows nothing of code or machines.
"""

from misstep.compiler.passes.pipeline import DECIDED_BY_SIZE, ORDER, simplify
from misstep.compiler.passes.rules import Pass, Rules, registered_passes

__all__ = ["DECIDED_BY_SIZE", "ORDER", "Pass", "Rules", "registered_passes", "simplify"]
