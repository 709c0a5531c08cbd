"""What breaks a program: one function for each fault, registered by name.

`registry.py` says what a fault is; `optimization.py`, `network.py`, `outputs.py` and `data.py` hold
them. Importing this package registers all.
"""

from benchmarks.doctor.faults import data, network, optimization, outputs
from benchmarks.doctor.faults.registry import FAULTS, Fault, Harm

__all__ = ["FAULTS", "Fault", "Harm", "data", "network", "optimization", "outputs"]
