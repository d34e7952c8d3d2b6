"""How many tokens is an image, and do they look where the map says?"""

from __future__ import annotations

from typing import Any

from medaudit.checks.bench import Bench, Outcome

#: Share of painted cells that must answer at their own token.
RATE = 0.75
#: Below this chance of being above chance by luck, a map that misses more is still a map.
LUCK = 0.01


def tokens(bench: Bench) -> Outcome:
    """Image positions in the sequence of one request."""
    count: Any = getattr(bench.model, "image_tokens", None)
    if count is None:
        return "not_applicable", "no token sequence to look at"
    own, length = count(bench.plain[0])
    if own == 0:
        return "note", f"no image tokens among {length}: the image enters by another path"
    return "works", f"{own} image tokens of {length}"


def geometry(bench: Bench) -> Outcome:
    """Painting the cell of a token must change that token most, among all tokens of the view."""
    from medaudit.geometry.errors import NoGrid
    from medaudit.geometry.oracle import oracle

    if getattr(bench.model, "network", None) is None:
        return "not_applicable", "no tokens to look at"
    reasons = []
    for stage in ("projector", "patch"):
        try:
            found = oracle(bench.model, stage=stage, seed=bench.seed)
        except NoGrid as reason:
            reasons.append(f"{stage}: {reason.reason}")
            continue
        return _judged(found, stage)
    return "not_applicable", "; ".join(reasons)


def _judged(found: Any, stage: str) -> Outcome:
    share = found.hits / found.tried if found.tried else 0.0
    detail = (
        f"{stage}: {found.hits} of {found.tried} painted cells answer at their token, at least {RATE:g} "
        f"needed; chance {found.chance:.2g}, shifted map {found.control:.2g}"
    )
    if found.disturbed != "image":
        return "note", f"{detail}; on its {found.disturbed} instead of the image, which its tower spreads out"
    if found.chance >= RATE or found.control >= max(share, RATE):
        return "note", f"{detail}: too few tokens to prove anything"
    if share >= RATE:
        return "works", detail
    from scipy.special import bdtrc

    above = found.hits > 0 and bdtrc(found.hits - 1, found.tried, found.chance) < LUCK
    return ("note" if above else "fails"), detail
