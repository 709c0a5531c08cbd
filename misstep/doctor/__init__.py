"""What goes wrong in a run, where, why and what to do: rules that examine records.

Reads records only; never trains, never prints. Begin with `rule.py`, then `evidence.py` and any
file of `rules/`.
"""

from misstep.doctor.before_training import examine_start
from misstep.doctor.evidence import Evidence
from misstep.doctor.examine import Diagnosis, diagnose, examine, registered_rules
from misstep.doctor.finding import Finding, NotExamined, Severity
from misstep.doctor.flow import Strip, dead_shares, gradient_flow, saturated_shares, update_ratios
from misstep.doctor.rule import CannotTellError, Example, Rule

__all__ = [
    "CannotTellError",
    "Diagnosis",
    "Evidence",
    "Example",
    "Finding",
    "NotExamined",
    "Rule",
    "Severity",
    "Strip",
    "dead_shares",
    "diagnose",
    "examine",
    "examine_start",
    "gradient_flow",
    "registered_rules",
    "saturated_shares",
    "update_ratios",
]
