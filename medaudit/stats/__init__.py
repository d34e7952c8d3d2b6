"""Statistics: intervals, tests, corrections, power. Names resolve on first use; importing loads no numpy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medaudit.stats.association import associate as associate
    from medaudit.stats.association import cramers_v as cramers_v
    from medaudit.stats.bootstrap import cluster_bootstrap as cluster_bootstrap
    from medaudit.stats.clusters import design_effect as design_effect
    from medaudit.stats.corruption_error import CorruptionError as CorruptionError
    from medaudit.stats.corruption_error import balanced_error as balanced_error
    from medaudit.stats.corruption_error import mean_corruption_error as mean_corruption_error
    from medaudit.stats.corruption_error import relative_error as relative_error
    from medaudit.stats.equivalence import Tost as Tost
    from medaudit.stats.equivalence import tost as tost
    from medaudit.stats.estimate import Estimate as Estimate
    from medaudit.stats.estimates import corrected_ratio as corrected_ratio
    from medaudit.stats.estimates import difference as difference
    from medaudit.stats.estimates import mean as mean
    from medaudit.stats.estimates import ratio as ratio
    from medaudit.stats.exact import mcnemar as mcnemar
    from medaudit.stats.independence import Dependence as Dependence
    from medaudit.stats.independence import dependence as dependence
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
    from medaudit.stats.reliability import CalibrationError as CalibrationError
    from medaudit.stats.reliability import calibration_error as calibration_error
    from medaudit.stats.roc import Separation as Separation
    from medaudit.stats.roc import auc as auc
    from medaudit.stats.roc import domain_auc as domain_auc
    from medaudit.stats.selective import RiskCoverage as RiskCoverage
    from medaudit.stats.selective import risk_coverage as risk_coverage
    from medaudit.stats.simultaneous import MaxT as MaxT
    from medaudit.stats.simultaneous import max_t as max_t
    from medaudit.stats.standardise import Standardised as Standardised
    from medaudit.stats.standardise import standardised_drop as standardised_drop
    from medaudit.stats.subgroup_gap import Gap as Gap
    from medaudit.stats.subgroup_gap import gap as gap
    from medaudit.stats.temperature import fit_temperature as fit_temperature
    from medaudit.stats.unpaired import unpaired_corrected_ratio as unpaired_corrected_ratio
    from medaudit.stats.unpaired import unpaired_difference as unpaired_difference
    from medaudit.stats.unpaired import unpaired_ratio as unpaired_ratio
    from medaudit.stats.worst_cell import worst_group as worst_group
    from medaudit.stats.worst_cell import worst_group_gain as worst_group_gain

_HOME = {
    "CalibrationError": "reliability",
    "CorruptionError": "corruption_error",
    "Dependence": "independence",
    "Estimate": "estimate",
    "Gap": "subgroup_gap",
    "MaxT": "simultaneous",
    "RiskCoverage": "selective",
    "Separation": "roc",
    "Standardised": "standardise",
    "Tost": "equivalence",
    "associate": "association",
    "auc": "roc",
    "balanced_error": "corruption_error",
    "benjamini_hochberg": "multiplicity",
    "calibration_error": "reliability",
    "clopper_pearson": "intervals",
    "cluster_bootstrap": "bootstrap",
    "corrected_ratio": "estimates",
    "cramers_v": "association",
    "dependence": "independence",
    "design_effect": "clusters",
    "difference": "estimates",
    "domain_auc": "roc",
    "fit_temperature": "temperature",
    "gap": "subgroup_gap",
    "holm": "multiplicity",
    "max_t": "simultaneous",
    "mcnemar": "exact",
    "mean": "estimates",
    "mean_corruption_error": "corruption_error",
    "paired_permutation": "permutation",
    "power_paired": "power",
    "power_two_proportions": "power",
    "ratio": "estimates",
    "relative_error": "corruption_error",
    "required_n_paired": "power",
    "required_n_proportion": "power",
    "required_n_two_proportions": "power",
    "risk_coverage": "selective",
    "standardised_drop": "standardise",
    "tost": "equivalence",
    "unpaired_corrected_ratio": "unpaired",
    "unpaired_difference": "unpaired",
    "unpaired_ratio": "unpaired",
    "wilson": "intervals",
    "worst_group": "worst_cell",
    "worst_group_gain": "worst_cell",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.stats.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit.stats' has no attribute {name!r}")
