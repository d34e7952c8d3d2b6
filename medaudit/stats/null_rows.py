"""Every public statistic on data whose truth is known: the rows of the null simulations."""

from __future__ import annotations

from dataclasses import dataclass

from medaudit import stats
from medaudit.stats import null_draws as draws
from medaudit.stats import simulation as sim

ICCS = (0.0, 0.2, 0.5)
SIZES = (20, 100, 1000)


@dataclass(frozen=True)
class Row:
    """One statistic on one kind of data.

    ``continuous``: p-values without ties, held to the uniform law too. ``control``: breaks a rule on purpose
    and must be seen to fail for the largest ICC. ``limit``: outside what the statistic promises; measured to
    say by how much it fails there.
    """

    name: str
    data: str
    draw: draws.Draw
    iccs: tuple[float, ...] = ICCS
    confidence: float = 0.95
    continuous: bool = False
    control: bool = False
    costly: bool = False
    limit: bool = False

    def repeats(self, n: int, full: int = 2000) -> int:
        """Samples to draw: half for 1,000 cases, half again for statistics that deal labels many times."""
        return full // (2 if n >= 1000 else 1) // (2 if self.costly else 1)


EXEMPT = {
    "CalibrationError": "a type",
    "CorruptionError": "a type",
    "Dependence": "a type",
    "Estimate": "a type",
    "Gap": "a type",
    "MaxT": "a type",
    "RiskCoverage": "a type",
    "Separation": "a type",
    "Standardised": "a type",
    "Tost": "a type",
    "associate": "deals labels; held to a given V in its own tests",
    "auc": "a description without interval or p-value",
    "balanced_error": "a description without interval or p-value",
    "calibration_error": "simulates its own null; coverage held in its own tests",
    "cramers_v": "a description without interval or p-value",
    "dependence": "level held in its own tests",
    "design_effect": "a description without interval or p-value",
    "domain_auc": "level and coverage held in its own tests",
    "fit_temperature": "held against planted temperatures in its own tests",
    "max_t": "family-wise level and simultaneous coverage held in its own tests",
    "mean_corruption_error": "a description without interval or p-value",
    "power_paired": "a plan; held against simulated rejections in its own tests",
    "power_two_proportions": "a plan; held against published numbers in its own tests",
    "relative_error": "a description without interval or p-value",
    "required_n_paired": "a plan, the inverse of power_paired",
    "required_n_proportion": "a plan, the inverse of an interval's width",
    "required_n_two_proportions": "a plan, the inverse of power_two_proportions",
    "risk_coverage": "a constant confidence gives the error rate; held in its own tests",
    "standardised_drop": "coverage held in its own tests",
    "worst_group": "coverage held in its own tests",
    "worst_group_gain": "coverage held in its own tests",
}

_ALONE = (0.0,)
_KEEP, _HIGH = draws.shifted_draw(0.7), draws.shifted_draw(0.9)

ROWS = (
    Row("wilson", "50 % right, groups of one", draws.proportion_draw(stats.wilson, 0.5), _ALONE),
    Row("wilson", "90 % right, groups of one", draws.proportion_draw(stats.wilson, 0.9), _ALONE),
    Row(
        "clopper_pearson",
        "90 % right, groups of one",
        draws.proportion_draw(stats.clopper_pearson, 0.9),
        _ALONE,
    ),
    Row("mean", "50 % right", draws.mean_draw(draws.rate(0.5), 0.5)),
    Row("mean", "90 % right", draws.mean_draw(draws.rate(0.9), 0.9)),
    Row("mean", "graded scores", draws.mean_draw(sim.graded, sim.GRADED_MEAN)),
    Row("mean", "skewed values without an end", draws.mean_draw(sim.skewed, 4.0)),
    Row("cluster_bootstrap", "graded scores", draws.bootstrap_draw),
    Row(
        "difference", "two arms, 80 % right", draws.paired_draw(stats.difference, 0.0, draws.twins(0.8), True)
    ),
    Row(
        "difference",
        "one arm clusters, one does not",
        draws.paired_draw(stats.difference, 0.0, draws.unlike_twins, True),
    ),
    Row(
        "difference",
        "graded scores",
        draws.paired_draw(stats.difference, 0.0, draws.graded_twins, True),
        continuous=True,
    ),
    Row("difference", "70 % shifted to 59 %", draws.paired_draw(stats.difference, -0.11, _KEEP, False)),
    Row("difference", "90 % shifted to 73 %", draws.paired_draw(stats.difference, -0.17, _HIGH, False)),
    Row("ratio", "two arms, 80 % right", draws.paired_draw(stats.ratio, 1.0, draws.twins(0.8), True)),
    Row("ratio", "70 % shifted to 59 %", draws.paired_draw(stats.ratio, 0.59 / 0.7, _KEEP, False)),
    Row("ratio", "90 % shifted to 73 %", draws.paired_draw(stats.ratio, 0.73 / 0.9, _HIGH, False)),
    Row("corrected_ratio", "80 % right, baseline 30 %", draws.corrected_draw(0.8, 0.8, 1.0)),
    Row(
        "corrected_ratio", "90 % shifted to 65 %, baseline 30 %", draws.corrected_draw(0.65, 0.9, 0.35 / 0.6)
    ),
    Row(
        "unpaired_difference",
        "sides of whole groups",
        draws.sides_draw(stats.unpaired_difference, (0.8, 0.8), True, 0.0),
    ),
    Row(
        "unpaired_difference",
        "groups on both sides",
        draws.sides_draw(stats.unpaired_difference, (0.8, 0.8), False, 0.0),
    ),
    Row("unpaired_difference", "graded scores", draws.graded_sides, continuous=True),
    Row(
        "unpaired_difference",
        "90 % against 75 %",
        draws.sides_draw(stats.unpaired_difference, (0.9, 0.75), True, 0.15),
    ),
    Row(
        "unpaired_ratio",
        "sides of whole groups",
        draws.sides_draw(stats.unpaired_ratio, (0.8, 0.8), True, 1.0),
    ),
    Row(
        "unpaired_ratio", "90 % against 75 %", draws.sides_draw(stats.unpaired_ratio, (0.9, 0.75), True, 1.2)
    ),
    Row(
        "unpaired_corrected_ratio",
        "80 % right, baseline 30 %",
        draws.unpaired_margin((0.8, 0.8), 1.0),
        costly=True,
    ),
    Row(
        "unpaired_corrected_ratio",
        "65 % against 90 %",
        draws.unpaired_margin((0.65, 0.9), 0.35 / 0.6),
        costly=True,
    ),
    Row("gap", "two labels of whole groups", draws.gap_draw(2, True), costly=True),
    Row("gap", "four labels of whole groups", draws.gap_draw(4, True), costly=True),
    Row("gap", "four labels within groups", draws.gap_draw(4, False), costly=True),
    Row(
        "gap",
        "four labels, one with group effects of its own",
        draws.gap_draw(4, False, apart=True),
        costly=True,
        limit=True,
    ),
    Row("gap", "two labels, one better by 30 points", draws.gap_draw(2, True, 0.3), costly=True),
    Row("mcnemar", "two arms, groups of one", draws.mcnemar_draw, _ALONE),
    Row("paired_permutation", "graded scores", draws.flips_draw, continuous=True),
    Row("tost", "difference at the margin", draws.tost_draw(0.1), confidence=0.9),
    Row("tost", "no difference", draws.tost_draw(0.0), confidence=0.9),
    Row("holm", "smallest of 10, p uniform", draws.family_draw(stats.holm, False), _ALONE),
    Row("holm", "smallest of 10 arms against one", draws.family_draw(stats.holm, True), costly=True),
    Row(
        "benjamini_hochberg",
        "smallest of 10, p uniform",
        draws.family_draw(stats.benjamini_hochberg, False),
        _ALONE,
        continuous=True,
    ),
    Row(
        "benjamini_hochberg",
        "smallest of 10 arms against one",
        draws.family_draw(stats.benjamini_hochberg, True),
        costly=True,
    ),
    Row("wilson", "clustered answers", draws.proportion_draw(stats.wilson, 0.7), control=True),
    Row("mean", "groups left out", draws.mean_without_groups, control=True),
    Row("mcnemar", "clustered answers", draws.mcnemar_draw, control=True),
    Row("unpaired_difference", "groups left out", draws.sides_without_groups, control=True),
)
