"""Drawings and pages: what models, records and explanations hold, to be looked at.

Every function returns one text, SVG or HTML, that needs nothing else: no script, no file, no
network; who asks writes it or shows it. Knows the rooms below, no estimator and no command.
"""

from misstep.report.forecast import draw_forecast
from misstep.report.material import Material
from misstep.report.model_summary import model_summary
from misstep.report.page import report_page
from misstep.report.rate_range import draw_rate_range
from misstep.report.repair import draw_repair
from misstep.report.report import (
    Report,
    leave_report_of_record,
    leave_report_of_result,
    leave_report_of_run,
    report_of_result,
    report_of_run,
)
from misstep.report.tuning import Search, TrialPoint, draw_tuning

__all__ = [
    "Material",
    "Report",
    "Search",
    "TrialPoint",
    "draw_forecast",
    "draw_rate_range",
    "draw_repair",
    "draw_tuning",
    "leave_report_of_record",
    "leave_report_of_result",
    "leave_report_of_run",
    "model_summary",
    "report_of_result",
    "report_of_run",
    "report_page",
]
