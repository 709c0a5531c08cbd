"""Graphs in words, formulas and numbers: the chain rule for any entry, and who contributed most.

Pure functions that print nothing. Read in this order: explaining (the main road), chain_rule and
explanation (what comes out), evaluation and local_derivatives (the numbers), unrolling (time),
naming, edges and paths (which way), formulas and terms (as written), derivation, algebra and
op_templates (a local derivative as a formula), describing, wording, latex and mathml with
formula_tokens. entry_names and network_names say what things are called; contributions stands
beside.
"""

from misstep.explain.contributions import Contribution, contribution_table, contributions
from misstep.explain.entry_names import EntryName
from misstep.explain.explaining import explain
from misstep.explain.explanation import Explanation
from misstep.explain.naming import names_in_frame
from misstep.explain.network_names import network_names

__all__ = [
    "Contribution",
    "EntryName",
    "Explanation",
    "contribution_table",
    "contributions",
    "explain",
    "names_in_frame",
    "network_names",
]
