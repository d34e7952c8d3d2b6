"""What ``benchmarks/spurious.py`` found: rows of models to rates and means, and those to tables.

A model counts once in every figure: rates have exact intervals (Clopper and Pearson), means of Precision@10
the interval of `medaudit.stats.mean` over models, and no figure pools sizes or kinds of box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import mean as average
from statistics import median
from typing import Any

from spurious_judging import METHODS, NAMED

from medaudit.probes.spurious_judging import EVIDENCE_SHARE
from medaudit.stats import clopper_pearson, difference, mean

Row = dict[str, Any]
#: Correlation from which a cluster is the mark's absence.
_MIRRORED = -0.5
_TESTED = ("ours", "faithful")


def summary(rows: list[Row]) -> dict[str, Any]:
    """All that the page tells."""
    cells = sorted(
        {(row["kind"], row["n"]) for row in rows}, key=lambda cell: (_KINDS.index(cell[0]), cell[1])
    )
    return {
        "models": [_models(v, rows) for v in _strengths(rows)],
        "alarms": [
            _alarms(kind, n, v, method, [row for row in _of(rows, kind, n, method) if row["v"] == v])
            for kind, n in cells
            for method in _TESTED
            for v in _strengths(rows)
        ],
        "precision": [_precision(rows, kind, n, method) for kind, n in cells for method in METHODS],
        "each": _each_model(rows),
    }


_KINDS = ("given", "quadrants", "found")


def _strengths(rows: list[Row]) -> list[float]:
    return sorted({row["v"] for row in rows})


def _of(rows: Iterable[Row], kind: str, n: int, method: str) -> list[Row]:
    return [row for row in rows if (row["kind"], row["n"], row["method"]) == (kind, n, method)]


def _each_model(rows: list[Row]) -> list[list[Any]]:
    """v, number, accuracy, eps1, eps2, learned."""
    keys = ("v", "number", "accuracy", "eps1", "eps2", "learned")
    return [list(each) for each in sorted({tuple(row[key] for key in keys) for row in rows})]


def _models(v: float, rows: list[Row]) -> dict[str, Any]:
    own = {row["number"]: row for row in rows if row["v"] == v}.values()
    means = {
        key: round(average(row[key] for row in own), 3) for key in ("accuracy", "eps1", "eps2", "eps2_mean")
    }
    learned = sum(row["learned"] for row in own)
    return {"v": v, "models": len(own), "learned": learned, **means, "worst_group": _mean(own, "worst_group")}


def _mean(rows: Iterable[Row], key: str) -> float:
    return round(average(row[key] for row in rows), 3)


def _alarms(kind: str, n: int, v: float, method: str, own: list[Row]) -> dict[str, Any]:
    learned = [row for row in own if row["learned"]]
    alarms = [row for row in own if row["alarm"]]
    return {
        "kind": kind,
        "n": n,
        "v": v,
        "method": method,
        "alarm": _rate(own, lambda row: row["alarm"]),
        "named": _rate(own, _named),
        "learned_alarm": _rate(learned, lambda row: row["alarm"]),
        "learned_named": _rate(learned, _named),
        "mirrored": sum(_mirrored(row) for row in alarms),
        "aside": _rate(own, lambda row: row["alarm"] and row.get("on_digit", 0.0) < EVIDENCE_SHARE),
        "insufficient": sum(row.get("verdict") == "insufficient data" for row in own),
        "unstable": sum(row.get("stability", 1.0) < 0.5 for row in own),
        "right_class": sum(bool(row.get("right_class")) for row in alarms),
    }


def _named(row: Row) -> bool:
    """An alarm, and the mark is what is shown, or its absence."""
    return bool(row["alarm"] and (row["precision"] >= NAMED or _mirrored(row)))


def _mirrored(row: Row) -> bool:
    return row["precision"] < NAMED and (row.get("mirror") or 0.0) <= _MIRRORED


def _rate(rows: list[Row], holds: Callable[[Row], bool]) -> dict[str, Any]:
    k, of = sum(holds(row) for row in rows), len(rows)
    return {"k": k, "of": of, "interval": [round(end, 3) for end in clopper_pearson(k, of)] if of else None}


def _precision(rows: list[Row], kind: str, n: int, method: str) -> dict[str, Any]:
    own = _of(rows, kind, n, method)
    planted = [row for row in own if row["v"] > 0]
    learned = [row for row in planted if row["learned"]]
    found = [row for row in learned if row["alarm"]]
    return {
        "kind": kind,
        "n": n,
        "method": method,
        "planted": _estimated(planted),
        "learned": _estimated(learned),
        "found": _estimated(found) if method in _TESTED else None,
        "less_than_ours": _behind(_of(rows, kind, n, "ours"), learned) if method != "ours" else None,
        "base": _mean(own, "base"),
        "seen": _mean(own, "seen"),
        "regions": round(average(row["regions"] for row in own)),
        "cpu_s_per_1000": round(median(row["cpu_s"] / row["n"] for row in own) * 1000, 2),
        "slowest_cpu_s_per_1000": round(max(row["cpu_s"] / row["n"] for row in own) * 1000, 2),
    }


def _estimated(rows: list[Row]) -> dict[str, Any] | None:
    if not rows:
        return None
    told = mean([row["precision"] for row in rows], [_name(row) for row in rows])
    return {
        "mean": told.estimate and round(told.estimate, 3),
        "interval": _ends(told.interval),
        "models": len(rows),
    }


def _behind(ours: list[Row], others: list[Row]) -> dict[str, Any] | None:
    """By how much is ours ahead on the same models, with its interval."""
    if not others:
        return None
    own = {_name(row): row["precision"] for row in ours}
    names = [_name(row) for row in others]
    told = difference([own[name] for name in names], [row["precision"] for row in others], names)
    return {
        "mean": told.estimate and round(told.estimate, 3),
        "interval": _ends(told.interval),
        "models": len(names),
    }


def _name(row: Row) -> str:
    return f"{row['v']}-{row['number']}"


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return interval and [round(end, 3) for end in interval]


def page(result: dict[str, Any]) -> str:
    """The tables as Markdown."""
    parts = [
        _table(
            ("V", "models", "accuracy", "lowest of class and mark", "eps1", "eps2", "learned"),
            [_model_cells(row) for row in result["models"]],
        ),
        "**Alarms** of all models at a V, and of those that learned, alarms that show the mark.\n",
        _table(
            (
                "boxes",
                "n",
                "V",
                "ours: alarm",
                "shows the mark",
                "of those that learned",
                "alarm, the digit set aside",
                "unstable",
                "cannot tell",
                "faithful: alarm",
            ),
            list(_alarm_cells(result["alarms"])),
        ),
        "**Precision@10** of what is ranked first, whatever the verdict, over planted models that learned.\n",
        _table(
            ("boxes", "n", "carry the mark", *METHODS, "ours, where it found"),
            list(_precision_cells(result["precision"])),
        ),
        "**Processor seconds per 1,000 pictures**, median over models (slowest).\n",
        _table(("boxes", "n", "regions", *METHODS[:-1]), list(_time_cells(result["precision"]))),
    ]
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _model_cells(row: Row) -> tuple[str, ...]:
    numbers = (f"{row[key]:.2f}" for key in ("accuracy", "worst_group", "eps1", "eps2"))
    return (f"{row['v']:g}", str(row["models"]), *numbers, str(row["learned"]))


def _alarm_cells(rows: list[Row]) -> Iterable[tuple[str, ...]]:
    beside = {(row["kind"], row["n"], row["v"]): row for row in rows if row["method"] == "faithful"}
    for row in rows:
        if row["method"] == "ours":
            other = beside[row["kind"], row["n"], row["v"]]
            rates = (_shown(row[key]) for key in ("alarm", "named", "learned_named", "aside"))
            counts = (str(row[key]) for key in ("unstable", "insufficient"))
            yield row["kind"], str(row["n"]), f"{row['v']:g}", *rates, *counts, _shown(other["alarm"])


def _shown(rate: dict[str, Any]) -> str:
    if not rate["of"]:
        return "none"
    low, high = rate["interval"]
    return f"{rate['k']} of {rate['of']} [{low:.0%}, {high:.0%}]".replace("%,", ",").replace("%]", " %]")


def _precision_cells(rows: list[Row]) -> Iterable[tuple[str, ...]]:
    for own in _by_cell(rows):
        first = own["ours"]
        values = [_estimate(own[method]["learned"]) for method in METHODS]
        yield first["kind"], str(first["n"]), f"{first['base']:.2f}", *values, _estimate(first["found"])


def _estimate(told: dict[str, Any] | None) -> str:
    if told is None:
        return "none"
    ends = "" if told["interval"] is None else " [{:.2f}, {:.2f}]".format(*told["interval"])
    return f"{told['mean']:.2f}{ends}"


def _time_cells(rows: list[Row]) -> Iterable[tuple[str, ...]]:
    for own in _by_cell(rows):
        first = own["ours"]
        times = (
            f"{own[m]['cpu_s_per_1000']:.1f} ({own[m]['slowest_cpu_s_per_1000']:.1f})" for m in METHODS[:-1]
        )
        yield first["kind"], str(first["n"]), str(first["regions"]), *times


def _by_cell(rows: list[Row]) -> Iterable[dict[str, Row]]:
    for kind, n in dict.fromkeys((row["kind"], row["n"]) for row in rows):
        yield {row["method"]: row for row in rows if (row["kind"], row["n"]) == (kind, n)}
