"""Can the inside of the network be read and changed, and does what is read belong to what is answered?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medaudit.checks.bench import ALIVE, OPTIONS, Bench, Outcome, difference, said
from medaudit.errors import MedauditError
from medaudit.model import Capability
from medaudit.whitebox.reach import NotReached

#: Largest relative error of the gradient's slope against a finite difference.
SLOPE = 0.1
#: Change of score, natural log, that the finite difference aims at.
STEP = 1e-2
#: Largest step of one processed pixel, whose spread is about 1; and a change of score that rounding hides.
FARTHEST, FLAT = 0.1, 1e-4
#: Copies of larger models are not made for a check.
LARGEST_COPY = 1_000_000_000
#: Beyond any padding that a processor adds.
_BESIDE = (0, -9e5, -9e5, -8e5, -8e5)


def attention(bench: Bench) -> Outcome:
    """Attention to the image and within the vision tower: rows sum to 1, and reading changes no output."""
    if Capability.ATTEND not in bench.offered:
        return "not_applicable", "the model does not show attention"
    model: Any = bench.model
    read: dict[str, float] = {}
    details = []
    for where in ("decoder", "vision"):
        try:
            found = model.attend(bench.plain[0], OPTIONS[0], where)
        except NotReached as reason:
            details.append(f"{where}: {reason}")
            continue
        read[where] = found.agreement
        details.append(
            f"{where}: {len(found.layers)} layers, rows sum to 1 within {found.row_error:.2g}, "
            f"outputs within {found.agreement:.2g} of those in production, tolerance {bench.tolerance:g}"
        )
    if not read:
        return "not_applicable", "; ".join(details)
    # "not <=" also refuses NaN.
    wrong = [where for where, gap in read.items() if not gap <= bench.tolerance]
    return ("fails" if wrong else "works"), "; ".join(details)


def gradients(bench: Bench) -> Outcome:
    """The gradient at the pixels: alive, and its slope that of a finite difference along it."""
    if Capability.GRADIENTS not in bench.offered:
        return "not_applicable", "the model gives no gradients"
    from medaudit.whitebox.gradients import score_and_gradient

    try:
        score, pixels, raw = score_and_gradient(bench.model, bench.plain[0], OPTIONS[0])
    except NotReached as reason:
        return "not_applicable", str(reason)
    slope = sum(float((part.astype("float64") ** 2).sum()) for part in raw.values()) ** 0.5
    if not slope < float("inf"):
        return "fails", "the gradient is not a number"
    if slope == 0:
        return "fails", "the gradient is zero at every pixel: the score does not depend on the image"
    if not bench.exact:
        return "works", f"slope {slope:.2g} at score {score:.3g}; half precision is too coarse to compare it"
    steepest = max(float(abs(part).max()) for part in raw.values()) / slope
    length = min(STEP / slope, FARTHEST / steepest)
    if length * slope < FLAT:
        return "note", f"slope {slope:.3g}: too flat for a finite difference to show"
    ends = [
        score_and_gradient(
            bench.model,
            bench.plain[0],
            OPTIONS[0],
            {name: pixels[name] + sign * length * raw[name] / slope for name in raw},
        )[0]
        for sign in (1, -1)
    ]
    measured = (ends[0] - ends[1]) / (2 * length)
    error = abs(measured - slope) / slope
    detail = f"slope {slope:.3g}, by finite difference {measured:.3g}, tolerance {SLOPE:.0%}"
    return ("works" if error <= SLOPE else "fails"), detail


def intervention(bench: Bench) -> Outcome:
    """Removing the image at each point must change scores; removing a box beside it must change nothing."""
    if Capability.INTERVENE not in bench.offered:
        return "not_applicable", "the model's inside cannot be changed"
    found: dict[str, Outcome] = {}
    for point in ("pixels", "patch", "block:0", "projector", "embedding", "attention", "kv"):
        found[point] = _tried(lambda point=point: _point(bench, point))  # type: ignore[misc]
    statuses = {status for status, _ in found.values()}
    worst = next((s for s in ("fails", "works") if s in statuses), "not_applicable")
    return worst, "; ".join(f"{point} {detail}" for point, (_, detail) in found.items())


def _tried(act: Callable[[], Outcome]) -> Outcome:
    try:
        return act()
    except NotReached as reason:
        return "not_applicable", f"not reached ({reason})"
    except MedauditError as error:
        return "fails", f"fails ({error})"


def _point(bench: Bench, point: str) -> Outcome:
    from medaudit.whitebox.intervention import Intervention

    plain = bench.plain[:1]
    clear = bench.ask(plain)
    gone = _edited(bench, Intervention(point))
    if gone[0].error:
        return "not_applicable", f"not reached ({gone[0].error})"
    effect = difference(clear, gone)
    beside = _edited(bench, Intervention(point, (_BESIDE,)))
    still = None if beside[0].error else difference(clear, beside)
    if still is not None and still > bench.tolerance:
        return "fails", f"changes by {still:.2g} where nothing is removed, tolerance {bench.tolerance:g}"
    # Hidden cache entries change what is said after the first token only.
    if effect <= ALIVE and point != "kv":
        return "fails", f"changes nothing ({effect:.2g}, must exceed {ALIVE:g})"
    return "works", f"{effect:.2g}"


def _edited(bench: Bench, one: Any) -> Any:
    return bench.ask([replace(request, intervention=one.to_text()) for request in bench.plain[:1]])


def tuning(bench: Bench) -> Outcome:
    """A copy that learns nothing answers alike, one that learns lowers its loss; the model stays the same."""
    if Capability.TUNE not in bench.offered:
        return "not_applicable", "the model cannot be tuned"
    size = bench.model.info.parameters or 0
    if size > LARGEST_COPY:
        return "note", f"not tried: it needs a second copy of {size:,} parameters"
    from medaudit.whitebox.tuning import tune

    requests = bench.plain[:2]
    taught = list(zip(requests, OPTIONS, strict=True))
    before = bench.ask(requests)
    same, _ = tune(bench.model, taught, steps=0, seed=bench.seed)
    gap = difference(before, same.answer(same.prepare(requests)))
    _, report = tune(bench.model, taught, steps=4, learning_rate=3e-3, seed=bench.seed)
    base = difference(before, bench.ask(requests))
    detail = (
        f"no step: {said(gap)}; 4 steps: loss {report.loss_before:.3g} to {report.loss_after:.3g}; "
        f"the model itself: {said(base)}, tolerance {bench.tolerance:g}; "
        f"{report.layers} layers, {report.share:.2%} of the parameters"
    )
    sound = gap <= bench.tolerance and base <= bench.tolerance and report.loss_after < report.loss_before
    return ("works" if sound else "fails"), detail
