"""Every kind of data end to end: default trainings on real files, beside what was asked of them.

`python -m benchmarks.systems [NAME ...]` prints a table. One file for each kind lists its
`System`s; `system.py` holds what a system is and where the data lie.
"""
