"""Time series: steps of dates, seasons, and windows as rows."""
