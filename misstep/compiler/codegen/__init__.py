"""The third stage: the text of one native function that runs the kernels of a schedule.

Begin with `lower.py` (how the parts fit together), then `kernels/` (the loops of each class of
kernel), `outlining.py`, `barrier.py`, `timers.py`, `entry.py`. Knows a processor by its `Target`
only; runs nothing.
"""
