"""Training steps and predictions timed beside other libraries, fairly: docs/benchmarks.md says how.

Not a part of the package. Read `workloads.py` (what is run), `entrant.py` (who runs it),
`compete.py` (how two are compared) and `report.py` (what is printed), in this order.
"""
