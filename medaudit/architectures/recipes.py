"""What the generic builder cannot know: exceptions by model type, as data, in alphabetical tables."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.architectures.recipe import Recipe
from medaudit.architectures.recipes_a_to_f import RECIPES as A_TO_F
from medaudit.architectures.recipes_g_to_l import RECIPES as G_TO_L
from medaudit.architectures.recipes_m_to_p import RECIPES as M_TO_P
from medaudit.architectures.recipes_q_to_z import RECIPES as Q_TO_Z

#: By model type; a type's contrastive class stands as ``type:contrastive``.
RECIPES: Mapping[str, Recipe] = {**A_TO_F, **G_TO_L, **M_TO_P, **Q_TO_Z}


def recipe(kind: str) -> Recipe:
    """The exceptions of a type; an empty one where the generic way is enough."""
    return RECIPES.get(kind, Recipe())
