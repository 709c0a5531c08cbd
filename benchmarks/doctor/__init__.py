"""Broken and healthy runs, made on purpose, and how well a diagnosis names what is the matter.

Not a part of the package. Read `setups.py` (what is trained), `programs.py` (six base programs),
`faults/` (what breaks them), `healthy.py` (what must stay silent), `cases.py` (which runs there
are), `recording.py`, `scoring.py` and `report.py`, in this order. README.md says how to use it.
"""
