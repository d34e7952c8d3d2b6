"""The reasons that discovery gives, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from medaudit.regions.inputs import Regions
from medaudit.regions.outputs import Cluster, Detectable, Stability


def too_few_answers(right: int, wrong: int, least: int) -> str:
    """Nothing could be told from luck."""
    return f"{right} right and {wrong} wrong answers; at least {least} of each are needed to compare."


def too_few_regions(regions: int, counts: Sequence[int]) -> str:
    """Nothing could be clustered."""
    return f"{regions} regions cannot be cut into {min(counts)} to {max(counts)} clusters."


def nothing_testable(features: int, least: int) -> str:
    """No feature is common enough, or none has answers that vary."""
    return (
        f"none of {features} features has, in two classes whose answers vary, {least} patients with it and "
        f"{least} without."
    )


def finding(top: Cluster, regions: Regions, tests: int, resamples: int, repeated: Stability | None) -> str:
    """What was found, with its numbers."""
    assert top.test is not None
    parts = [
        f"{top.name}, in {len(top.images)} of {regions.n} images: G {top.gap:.2f} where chance gives "
        f"{top.test.null_mean:.2f}, p = {top.test.p_max_t:.3g} among {tests} features ({resamples} deals)",
        *_side(top, regions, "helped"),
        *_side(top, regions, "hurt"),
    ]
    if top.influence is not None and top.influence.lower is not None:
        own = top.influence
        parts.append(
            f"its regions decide {own.share:.0%} of {own.errors} errors where lot gives {own.expected:.0%}"
        )
    if repeated is not None:
        parts.append(f"found again with a median Jaccard index of {repeated.median:.2f}")
    return "; ".join(parts) + "."


def unstable(top: Cluster, repeated: Stability, least: float) -> str:
    """A finding of one partition only."""
    return (
        f"{top.name} stands out in this partition but is not found again: median Jaccard index "
        f"{repeated.median:.2f} over {len(repeated.values)} others, {least:g} is needed."
    )


def one_sided(top: Cluster, alpha: float) -> str:
    """Hard images rather than misleading ones."""
    assert top.test is not None
    missing = "hurts" if top.test.p_hurt > alpha else "helps"
    return (
        f"{top.name} goes with accuracy (p = {top.test.p_max_t:.3g}) but {missing} no class beyond chance: "
        "images with it are hard or easy, not misleading."
    )


def none_beyond_chance(best: float, tests: int, seen: str) -> str:
    """The honest no, with what could have been seen."""
    return f"no gap beyond chance among {tests} features (smallest p = {best:.3g}). {seen}"


def blind(best: float, tests: int, seen: str, resolution: float) -> str:
    """A no that says nothing."""
    return (
        f"no gap beyond chance among {tests} features (smallest p = {best:.3g}), but even {resolution:.0%} "
        f"could have gone unseen. {seen}"
    )


def detectable(visible: Detectable) -> str:
    """What the data could have shown."""
    size = f"{visible.difference:.0%}" if visible.difference <= 1 else "more than 100%"
    return (
        f"Seen in four of five such samples would be a difference in accuracy of {size} in each of two "
        "classes, for the median feature."
    )


def _side(top: Cluster, regions: Regions, side: str) -> list[str]:
    label = top.helped if side == "helped" else top.hurt
    if label is None:
        return []
    row = top.rows[label]
    return [
        f"{side} most: {regions.class_names[label]}, accuracy {row.accuracy_in:.2f} with it "
        f"(n = {row.n_in}), {row.accuracy_out:.2f} without (n = {row.n_out})"
    ]
