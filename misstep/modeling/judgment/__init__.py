"""What a model does on rows that it did not learn from, as facts to be drawn.

A file for each fact: confusion, reliability and residuals say how often and how far it errs,
importance and partial_dependence what it goes by, mistakes where it errs most, blame which units
and weights a mistake is owed to. Each takes a `HeldOut` and gives a frozen dataclass of plain
arrays and names; none draws, prints, or looks at a clock.
"""
