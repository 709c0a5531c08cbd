"""The second stage: which kernels compute a graph, in which order, and where results lie.

Begin with `scheduling.py` (how the parts fit together); then `roles.py` and `arguments.py` (arrays
of the caller), `kernel_classes.py` and `reads.py` (what a kernel reads), `kernel.py`, `fuse.py`
(which values share a kernel), `partition.py` (regions between barriers), `plan_memory.py`. Knows no
processor, and writes no code that stays.
"""
