"""How to train on pictures when people leave it to us."""

from __future__ import annotations

from functools import partial

from misstep.modeling.recipes.recipe import RecipeMaker
from misstep.modeling.recipes.tables import table_recipe


def picture_recipe(shape: tuple[int, ...]) -> RecipeMaker:
    """Return what makes the recipe for pictures of `shape`: height, width, channels."""
    return partial(table_recipe, shape=shape)
