"""The probe ``baselines``: is the picture worth anything to the model?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.alarms import AlarmRule
from medaudit.finding import Control, Finding
from medaudit.model import Capability
from medaudit.probes import ablations, predictors
from medaudit.probes.arms import Arm, ask_arms
from medaudit.probes.pull import prior_pull
from medaudit.probes.sheet import Sheet, accuracy, as_control, complete
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit import stats
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request
    from medaudit.probes.arms import Floats

NO_IMAGE = "this model cannot be asked without an image; blank, noise and swapped images stand in"
BEATEN = "does not beat its baselines here: its accuracy is explained without looking at the right image"
UNSHOWN = "not shown to beat its baselines at n = {n} in {groups}"
SELECTION = (
    "the best baseline is the one with the smallest gain over it on these same cases; "
    "choosing it so can only make the gain look smaller"
)


@probe(
    "baselines",
    needs=[["generate"], ["choose"]],
    reference=(
        "Kahl et al. 2024, SURE-VQA, arXiv:2411.19688; Goyal et al. 2017, Making the V in VQA Matter, CVPR; "
        "Asadi et al. 2026, Mirage, arXiv:2603.21687"
    ),
    metrics=("accuracy", "visual_gain", "prior_index", "prior_pull"),
    alarms=(
        AlarmRule(
            "blind",
            "visual_gain",
            below=0.10,
            among="gains",
            says="the right image gains it {points:.1f} points over its best baseline: "
            "it hardly needs the image",
        ),
        AlarmRule(
            "answers_from_prior",
            "prior_pull",
            above=0.05,
            measure="excess",
            says="it is right {points:.1f} points more often, beyond what its questions explain, where the "
            "answer that it gives without looking is the right one: it falls back on that answer",
        ),
    ),
)
def baselines(ctx: Context) -> Iterator[Finding]:
    """Does the model do better with the right image than without looking at it?

    Every case is asked with its own image, with no image, a blank one, noise, and the image of another
    case. Two predictors that see no image at all stand beside: the most frequent answer among equal
    options, and the most frequent answer to the same question, both learnt from other groups (5-fold
    cross-fitting). A model that does not beat the best of these does not need the picture on this data,
    whatever its accuracy is.

    Formulas, acc = share of right answers, an answer that chooses nothing is wrong::

        visual_gain = min over baselines b of mean(right_full - right_b)    paired, per case
        prior_index = acc(none) / acc(full)                                 undefined when acc(full) = 0
        prior_pull  = acc(full | none right) - acc(full | none wrong)       closed questions, unpaired

    The best baseline is chosen on the same cases, which can only understate ``visual_gain``. A gain above 0
    whose interval reaches 0 is not shown, one of 0 or less is explained by the baseline. ``blank`` is
    mid-grey, ``noise`` uniform per pixel, both of the image's size; ``swapped`` is a derangement in which
    no case meets a picture equal to its own.

    ``prior_pull`` asks what it says when it cannot tell: 0 for a model that errs both ways alike, 1 for one
    that repeats what it says without looking. Answers that choose no option are left out. Its control deals
    the cases of each question anew to the two sides: what a mixture of easy and hard questions makes alone;
    the alarm looks at what is left beyond that.
    """
    cases = tuple(case for case in ctx.askable if case.images)
    sheet = Sheet(ctx, "baselines", cases)
    if not cases:
        yield sheet.absent("accuracy", "no case with an image")
        return
    arms = ask_arms(ctx, cases, _requests(ctx, cases))
    guesses = {
        "majority": predictors.score(ctx, cases, predictors.majority(cases, ctx.seed)),
        "question_only": predictors.score(ctx, cases, predictors.question_only(cases, ctx.seed)),
    }
    yield from _accuracies(sheet, arms, guesses)
    rivals = {name: arm.scores for name, arm in arms.items() if name != "full"} | guesses
    yield _visual_gain(sheet, arms["full"].scores, rivals)
    yield _prior_index(sheet, arms, guesses["majority"])
    yield prior_pull(sheet, arms)


def _requests(ctx: Context, cases: tuple[Case, ...]) -> dict[str, list[Request | None]]:
    requests: dict[str, list[Request | None]] = {"full": [ctx.request(case) for case in cases]}
    if ctx.model.takes_text_alone and Capability.GENERATE in ctx.model.capabilities:
        requests["none"] = [ctx.request(case, ()) for case in cases]
    requests["blank"] = [ctx.request(case, ablations.blank(case)) for case in cases]
    requests["noise"] = [ctx.request(case, ablations.noise(case, ctx.seed)) for case in cases]
    requests["swapped"] = [
        None if images is None else ctx.request(case, images)
        for case, images in zip(cases, ablations.swapped(cases, ctx.seed), strict=True)
    ]
    return requests


def _accuracies(sheet: Sheet, arms: Mapping[str, Arm], guesses: Mapping[str, Floats]) -> Iterator[Finding]:
    control = as_control("majority", sheet.mean(guesses["majority"]))
    for name in ("full", "none", "blank", "noise", "swapped"):
        if name in arms:
            yield _accuracy(sheet, name, arms[name], control)
        else:
            yield sheet.absent("accuracy", NO_IMAGE, {"image": name})
    for name, scores in guesses.items():
        estimate = sheet.mean(scores)
        data = {"cross_fitting": {"folds": predictors.FOLDS, "by": "group"}, **_by_kind(sheet, scores)}
        yield sheet.finding("accuracy", estimate, {"predictor": name}, data=data)


def _accuracy(sheet: Sheet, name: str, arm: Arm, control: Control) -> Finding:
    data: dict[str, Any] = {"outcomes": dict(arm.outcomes), "errors": arm.errors}
    left_out = sum(answer is None for answer in arm.answers)
    if left_out:
        data["without_partner"] = left_out
    wrong = sheet.ids(arm.scores < 0.5) if name == "full" else ()
    data |= _by_kind(sheet, arm.scores)
    if arm.open_scores:
        data["open_scores"] = dict(arm.open_scores)
    return sheet.finding(
        "accuracy", sheet.mean(arm.scores), {"image": name}, control=control, evidence=wrong, data=data
    )


def _by_kind(sheet: Sheet, scores: Floats) -> dict[str, Any]:
    """Accuracy on closed and on open questions, where the data holds both."""
    closed = np.asarray([case.closed for case in sheet.cases])
    if closed.all() or not closed.any():
        return {}
    kinds = {"closed": scores[closed], "open": scores[~closed]}
    return {
        "kinds": {
            name: {"n": int(np.isfinite(part).sum()), "accuracy": accuracy(part)}
            for name, part in kinds.items()
        }
    }


def _visual_gain(sheet: Sheet, full: Floats, rivals: Mapping[str, Floats]) -> Finding:
    gains = {}
    for name, scores in rivals.items():
        both = complete((full, scores))
        # A baseline that few cases have (a picture that most share cannot be swapped) is no yardstick.
        if both.sum() >= min(sheet.ctx.min_n, np.isfinite(full).sum()) and both.any():
            gains[name] = float((full[both] - scores[both]).mean())
    if not gains:
        empty = np.full(len(full), np.nan)
        return sheet.finding("visual_gain", sheet.difference(full, empty))
    best = min(gains, key=lambda name: gains[name])
    estimate = sheet.difference(full, rivals[best])
    shown = estimate.interval is not None and estimate.interval[0] > 0
    beaten = (full < 0.5) & (rivals[best] > 0.5)
    return sheet.finding(
        "visual_gain",
        estimate,
        control=as_control(f"accuracy_{best}", sheet.mean(rivals[best])),
        reason="" if shown else _unbeaten(estimate),
        evidence=sheet.ids(beaten, full < 0.5),
        data={
            "best_baseline": best,
            "gains": gains,
            "explained_by_baseline": not shown and (estimate.estimate or 0) <= 0,
            "shown_to_beat": shown,
            "selection": SELECTION,
        },
    )


def _unbeaten(estimate: stats.Estimate) -> str:
    """Why a gain proves nothing: there is none, or too few cases to tell."""
    if (estimate.estimate or 0) <= 0:
        return BEATEN
    groups = f"{estimate.groups} group" + ("" if estimate.groups == 1 else "s")
    unshown = UNSHOWN.format(n=estimate.n, groups=groups)
    return f"{unshown}; {estimate.reason}" if estimate.reason else unshown


def _prior_index(sheet: Sheet, arms: Mapping[str, Arm], majority: Floats) -> Finding:
    if "none" not in arms:
        return sheet.absent("prior_index", NO_IMAGE)
    full, none = arms["full"].scores, arms["none"].scores
    return sheet.finding(
        "prior_index",
        sheet.ratio(none, full),
        control=as_control("majority_over_full", sheet.ratio(majority, full)),
        evidence=sheet.ids((none > 0.5) & (full > 0.5)),
        data={"accuracy_none": accuracy(none), "accuracy_full": accuracy(full)},
    )
