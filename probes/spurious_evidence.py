"""What a finding on a cluster shows: where it lies, which cases hold it, what is answered with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.probes.spurious_judging import on_evidence
from medaudit.stats.bootstrap import percentile_interval

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.arms import Floats
    from medaudit.probes.spurious_judging import Study
    from medaudit.probes.spurious_tasks import Mask
    from medaudit.regions import Cluster

#: Members and classes that a finding lists.
SHOWN_MEMBERS, SHOWN_CLASSES = 12, 20
# Share of a cluster's regions in one ninth of the image, from which the place is said.
_MOSTLY = 0.6
# A mark differs from the ground of its region by this many grey levels of 256, and covers so much of it:
# less is what a neighbour's edge leaves in the corner of a region, more is no mark.
_MARK, _LEAST, _SMALL = 96, 0.03, 0.3
# Grey levels of 256 by which a part is brighter or darker than its image.
_SHADE = 24


def gallery(study: Study, cluster: Cluster) -> dict[str, Any]:
    """Medoid, nearest members, accuracy by class with and without, and one sentence; JSON, bounded."""
    seen, task = study.seen, study.task
    shown: dict[str, Any] = {"sentence": sentence(study, cluster), "classes": _classes(study, cluster)}
    shown["helped"] = task.options[cluster.helped] if cluster.helped is not None else None
    if cluster.medoid is None:
        return shown
    members: dict[int, int] = {}
    for region in cluster.members.tolist():
        members.setdefault(int(seen.regions.image[region]), region)
    rows = [
        {
            "case": task.cases[image].id,
            "box": list(seen.box(region)),
            "truth": task.options[int(task.labels[image])],
            "answer": task.options[int(task.predicted[image])],
        }
        for image, region in list(members.items())[:SHOWN_MEMBERS]
    ]
    medoid = cluster.medoid
    shown["medoid"] = {
        "case": task.cases[int(seen.regions.image[medoid])].id,
        "box": list(seen.box(medoid)),
    }
    shown |= {"members": rows, "regions": len(cluster.members), "images": len(cluster.images)}
    shown["place"] = _place(study, cluster)
    shown["look"] = look(study, cluster)
    shown["on_annotated_evidence"] = on_evidence(study, cluster)
    return shown


def sentence(study: Study, cluster: Cluster) -> str:
    """With it, the class that it helps is answered so often; without it, so often."""
    label = cluster.helped if cluster.helped is not None else cluster.hurt
    if label is None:
        return f"{cluster.name}: no class is answered more often with it."
    inside, outside = sides(study, cluster)
    answered = study.task.predicted == label
    option = study.task.options[label]
    what = cluster.name
    if cluster.medoid is not None:
        what = f"{look(study, cluster)} in the {_place(study, cluster)['where']} ({cluster.name})"
    return (
        f"With {what}, {option!r} is answered {int(answered[inside].sum())} of "
        f"{int(inside.sum())} times; without it {int(answered[outside].sum())} of {int(outside.sum())}."
    )


def sides(study: Study, cluster: Cluster) -> tuple[Mask, Mask]:
    """Tested images with the feature, and those known to lack it."""
    inside = np.zeros(len(study.task.cases), dtype=np.bool_)
    inside[cluster.images] = True
    known = np.ones(len(inside), dtype=np.bool_)
    for name, column in study.seen.regions.covariates.items():
        if cluster.medoid is None and cluster.name.startswith(f"{name}: "):
            known = np.asarray([value is not None for value in column], dtype=np.bool_)
    return inside & study.tested, ~inside & known & study.tested


def gap_interval(ctx: Context, study: Study, cluster: Cluster) -> tuple[float, float] | None:
    """Bootstrap over patients of G, the cluster held fixed; its lower end less what chance makes of G.

    G sums sizes, so it is above 0 by chance alone, and so are its resamples. None for a single patient and
    where no class is compared.
    """
    task = study.task
    inside, outside = sides(study, cluster)
    labels = [row.label for row in cluster.rows if row.gap is not None]
    groups = np.asarray(task.groups)[study.tested]
    if not labels or len(set(groups.tolist())) < 2:
        return None
    columns = [
        side & (task.labels == label) & answered
        for label in labels
        for side in (inside, outside)
        for answered in (np.ones_like(task.correct), task.correct)
    ]
    table = np.stack(columns, axis=1)[study.tested].astype(np.float64)
    draws = stats.cluster_bootstrap(table, groups, _gaps, resamples=ctx.resamples, seed=ctx.seed)
    low, high = percentile_interval(draws, len(set(groups.tolist())), ctx.confidence)
    chance = cluster.test.null_mean if cluster.test is not None else 0.0
    return min(max(0.0, low - chance), cluster.gap), max(high, cluster.gap)


def _gaps(sums: Floats, sizes: Floats) -> Floats:
    """G of each resample, from counts and right answers with and without, class by class."""
    total = np.zeros(len(sums))
    for start in range(0, sums.shape[1], 4):
        n_in, right_in, n_out, right_out = sums[:, start : start + 4].T
        weight = 2 * np.minimum(n_in, n_out) / np.maximum(n_in + n_out, 1)
        total += weight * np.abs(right_in / np.maximum(n_in, 1) - right_out / np.maximum(n_out, 1))
    return total


def _classes(study: Study, cluster: Cluster) -> list[dict[str, Any]]:
    rows = sorted(cluster.rows, key=lambda row: -abs(row.gap or 0.0))[:SHOWN_CLASSES]
    return [
        {
            "answer": study.task.options[row.label],
            "with": {"n": row.n_in, "accuracy": row.accuracy_in},
            "without": {"n": row.n_out, "accuracy": row.accuracy_out},
            "gap": row.gap,
        }
        for row in rows
    ]


_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")


def _place(study: Study, cluster: Cluster) -> dict[str, Any]:
    """Ninth of the image in which most regions have their middle."""
    counts = np.zeros((3, 3))
    for region in cluster.members.tolist():
        x0, y0, x1, y1 = study.seen.box(region)
        height, width = study.task.images[int(study.seen.regions.image[region])].size
        counts[min(2, int(1.5 * (y0 + y1) / height)), min(2, int(1.5 * (x0 + x1) / width))] += 1
    row, column = np.unravel_index(int(counts.argmax()), counts.shape)
    share = float(counts.max() / counts.sum())
    where = f"{_ROWS[row]} {_COLUMNS[column]}" if share >= _MOSTLY else "image"
    return {"where": where, "share": share}


def look(study: Study, cluster: Cluster) -> str:
    """The medoid in words, for who does not see it: a mark on its ground, or bright or dark as a whole."""
    assert cluster.medoid is not None
    pixels = study.task.images[int(study.seen.regions.image[cluster.medoid])].pixels()
    x0, y0, x1, y1 = study.seen.box(cluster.medoid)
    part = pixels[y0:y1, x0:x1].astype(np.float64)
    above = part - np.median(part)
    for name, beyond in (("bright", above > _MARK), ("dark", above < -_MARK)):
        if _LEAST <= beyond.mean() < _SMALL:
            return f"a part with a {name} mark"
    over = float(part.mean() - pixels.mean())
    return "a part" if abs(over) < _SHADE else "a bright part" if over > 0 else "a dark part"
