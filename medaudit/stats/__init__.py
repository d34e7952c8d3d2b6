"""Statistics: intervals, tests, corrections, power. Names resolve on first use; importing loads no numpy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medaudit.stats.association import associate as associate
    from medaudit.stats.association import cramers_v as cramers_v
    from medaudit.stats.bootstrap import cluster_bootstrap as cluster_bootstrap
    from medaudit.stats.clusters import design_effect as design_effect
    from medaudit.stats.equivalence import Tost as Tost
    from medaudit.stats.equivalence import tost as tost
    from medaudit.stats.estimate import Estimate as Estimate
    from medaudit.stats.estimates import corrected_ratio as corrected_ratio
    from medaudit.stats.estimates import difference as difference
    from medaudit.stats.estimates import mean as mean
    from medaudit.stats.estimates import ratio as ratio
    from medaudit.stats.exact import mcnemar as mcnemar
    from medaudit.stats.intervals import clopper_pearson as clopper_pearson
    from medaudit.stats.intervals import wilson as wilson
    from medaudit.stats.multiplicity import benjamini_hochberg as benjamini_hochberg
    from medaudit.stats.multiplicity import holm as holm
    from medaudit.stats.permutation import paired_permutation as paired_permutation
    from medaudit.stats.power import power_paired as power_paired
    from medaudit.stats.power import power_two_proportions as power_two_proportions
    from medaudit.stats.power import required_n_paired as required_n_paired
    from medaudit.stats.power import required_n_proportion as required_n_proportion
    from medaudit.stats.power import required_n_two_proportions as required_n_two_proportions
    from medaudit.stats.subgroup_gap import Gap as Gap
    from medaudit.stats.subgroup_gap import gap as gap
    from medaudit.stats.unpaired import unpaired_corrected_ratio as unpaired_corrected_ratio
    from medaudit.stats.unpaired import unpaired_difference as unpaired_difference
    from medaudit.stats.unpaired import unpaired_ratio as unpaired_ratio

_HOME = {
    "Estimate": "estimate",
    "Gap": "subgroup_gap",
    "Tost": "equivalence",
    "associate": "association",
    "benjamini_hochberg": "multiplicity",
    "clopper_pearson": "intervals",
    "cluster_bootstrap": "bootstrap",
    "corrected_ratio": "estimates",
    "cramers_v": "association",
    "design_effect": "clusters",
    "difference": "estimates",
    "gap": "subgroup_gap",
    "holm": "multiplicity",
    "mcnemar": "exact",
    "mean": "estimates",
    "paired_permutation": "permutation",
    "power_paired": "power",
    "power_two_proportions": "power",
    "ratio": "estimates",
    "required_n_paired": "power",
    "required_n_proportion": "power",
    "required_n_two_proportions": "power",
    "tost": "equivalence",
    "unpaired_corrected_ratio": "unpaired",
    "unpaired_difference": "unpaired",
    "unpaired_ratio": "unpaired",
    "wilson": "intervals",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.stats.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit.stats' has no attribute {name!r}")
