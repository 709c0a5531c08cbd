"""How to train when people leave it to us: one file for each kind of data, and what all share.

One place for the command line and the estimators. Knows sizes and the kind of target, no rows.
"""

from misstep.modeling.recipes.augmentation import augmentation
from misstep.modeling.recipes.images import image_recipe
from misstep.modeling.recipes.recipe import (
    Recipe,
    RecipeMaker,
    as_loss_wants,
    check_settings,
    choose_loss,
    choose_optimizer,
)
from misstep.modeling.recipes.sequences import sequence_recipe
from misstep.modeling.recipes.series import series_recipe
from misstep.modeling.recipes.tables import places_of_numbers, table_recipe
from misstep.modeling.recipes.texts import columns_recipe, reads_in_order

__all__ = [
    "Recipe",
    "RecipeMaker",
    "as_loss_wants",
    "augmentation",
    "check_settings",
    "choose_loss",
    "choose_optimizer",
    "columns_recipe",
    "image_recipe",
    "places_of_numbers",
    "reads_in_order",
    "sequence_recipe",
    "series_recipe",
    "table_recipe",
]
