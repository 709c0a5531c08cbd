"""A batch cut into shards: the step's program cut where shards need each other, and who runs it.

Read in this order: programs (what a shard computes), cutting, stepper; judging (of other rows).
"""

from misstep.train.shards.judging import judged_together, threads_here
from misstep.train.shards.stepper import ShardedStepper

__all__ = ["ShardedStepper", "judged_together", "threads_here"]
