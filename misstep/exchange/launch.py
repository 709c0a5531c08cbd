"""Whether this process was started as one of several, and by whom: looked up once.

A launcher of MPI says so in the environment. A process that one of them starts has that from its
parent and is none of them, so the first one that asks leaves its number there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from misstep.exchange.ranks import ALONE, RankError, Ranks

# What launchers set for each process that they start: Open MPI, PMIx (Slurm's srun, PRRTE), and
# PMI (MPICH, Intel MPI, srun --mpi=pmi2).
LAUNCHED = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
# How many there are, where the launcher says it.
SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
# The number of the process that is a rank, for those that it starts.
MARK = "MISSTEP_RANK_PROCESS"

_world: Ranks | None = None


def is_launched(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether a launcher of MPI started this process."""
    environment = os.environ if environment is None else environment
    mark = environment.get(MARK, str(os.getpid()))
    return mark == str(os.getpid()) and any(name in environment for name in LAUNCHED)


def world() -> Ranks:
    """Return the processes that were started together with this one; by itself it is alone.

    Raises RankError where there are several and mpi4py is not installed.
    """
    global _world
    if _world is None or not is_launched():
        _world = _join() if is_launched() else ALONE
    return _world


def joined() -> Ranks:
    """Return the world where it is known by now; else this process alone."""
    return ALONE if _world is None or not is_launched() else _world


def _join() -> Ranks:
    try:
        import mpi4py
    except ImportError as error:
        count = next((os.environ[name] for name in SIZES if name in os.environ), "")
        if count == "1":
            return ALONE
        raise RankError(
            f"training in {count or 'several'} processes, as a launcher of MPI started them",
            needed="the package mpi4py, of the same MPI as the launcher",
            got="none",
            try_='pip install "misstep[mpi]", or without the launcher',
        ) from error
    del mpi4py
    from misstep.exchange.mpi import join

    os.environ[MARK] = str(os.getpid())
    return join()
