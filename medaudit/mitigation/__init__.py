"""Would tuning a model away from a region help where the region misleads it? Losses, a bounded recipe."""

from medaudit.mitigation.loss import alignment_loss, choice_loss, region_aware_loss, relevance_loss
from medaudit.mitigation.recipe import Lesson, Recipe

__all__ = ["Lesson", "Recipe", "alignment_loss", "choice_loss", "region_aware_loss", "relevance_loss"]
