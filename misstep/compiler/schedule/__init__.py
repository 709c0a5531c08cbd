"""The second stage: which kernels compute a graph, in which order, and where results lie.

Read in this order: `kernel_classes.py` and `reads.py` (what a kernel reads), `fuse.py` (which
values share a kernel), `partition.py` (regions between barriers), `plan_memory.py`. Knows no
processor, and writes no code that stays.
"""
