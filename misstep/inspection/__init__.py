"""Compiled programs and graphs, looked at: reports, profiles, and a readable Python file.

`report.py` puts a program into words; `profiling.py` measures where the time of a step goes, and
`profile_text.py` puts that into words; all stand on `costs.py` (what each kernel has to do),
`labels.py` (what it is called) and `roofline.py` (what this machine can do at most).
`emit_python.py` writes any graph as a Python file. Knows the compiler's insides, and no network;
nothing here changes what runs.
"""

from misstep.inspection.emit_python import emit_python
from misstep.inspection.profile_text import profile_text
from misstep.inspection.profiling import Profile, profile_program
from misstep.inspection.report import SECTIONS, graph_section, overview, report, summary

__all__ = [
    "SECTIONS",
    "Profile",
    "emit_python",
    "graph_section",
    "overview",
    "profile_program",
    "profile_text",
    "report",
    "summary",
]
