"""How to train when people leave it to us: one file for each kind of data, and what all share.

One place for every face. Knows sizes and the target, no rows.
"""

from misstep.modeling.plans.augmentation import augmentation
from misstep.modeling.plans.candidate import Candidate
from misstep.modeling.plans.images import plan_images
from misstep.modeling.plans.plan import Plan, Planner, default_optimizer
from misstep.modeling.plans.sequences import plan_sequences
from misstep.modeling.plans.series import plan_series_network
from misstep.modeling.plans.tables import number_positions, plan_table
from misstep.modeling.plans.texts import check_vectors, plan_texts, reads_in_order
from misstep.modeling.plans.warm_start import gone_on_with

__all__ = [
    "Candidate",
    "Plan",
    "Planner",
    "augmentation",
    "check_vectors",
    "default_optimizer",
    "gone_on_with",
    "number_positions",
    "plan_images",
    "plan_sequences",
    "plan_series_network",
    "plan_table",
    "plan_texts",
    "reads_in_order",
]
