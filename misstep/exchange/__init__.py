"""Several processes that work as one: who is among them, sums in a fixed tree, what all agree on.

MPI carries it; nothing of a cluster is written here. Knows arrays and plain JSON; what they mean is
its users' business. Read in this order: ranks (one process alone), tree, launch, mpi.
"""

from misstep.exchange.launch import joined, world
from misstep.exchange.ranks import ALONE, LostRankError, RankError, Ranks
from misstep.exchange.tree import shards_of, summed

__all__ = ["ALONE", "LostRankError", "RankError", "Ranks", "joined", "shards_of", "summed", "world"]
