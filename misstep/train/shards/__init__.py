"""A batch cut into shards: the step's program cut where shards need each other, and who runs it.

Read in this order: programs (what a shard computes), cutting, stepper.
"""

from misstep.train.shards.stepper import ShardedStepper

__all__ = ["ShardedStepper"]
