"""Checks that reach inside: attention, gradients, interventions, tuning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medaudit.architectures.reaching import reaching
from medaudit.architectures.subject import (
    ALIVE,
    OPTIONS,
    SIZES,
    Fails,
    NotApplicable,
    Subject,
    difference,
    tolerance,
)
from medaudit.geometry import NoGrid, geometry_of
from medaudit.model import Capability

#: Points at which every token of an image can be masked without a leak, the aim first.
POINTS = ("embedding", "projector", "patch")
#: A box beyond any padding: (image, x0, y0, x1, y1).
NOWHERE = (0, -9e5, -9e5, -8e5, -8e5)
#: Steps along the gradient, as the change of score that they should make.
STEPS = (3e-2, 1e-2, 3e-3, 1e-3)


@reaching(Capability.ATTEND)
def attend(subject: Subject) -> None:
    """Are attention weights distributions, those of the pass that is used, and do they follow the image?"""
    from medaudit.whitebox.attention import attend as read

    where = "decoder" if subject.generative else "vision"
    first, other = subject.questions()[0], replace(subject.questions()[0], images=(subject.pictures[2],))
    found, again, moved = (read(subject.model, asked, OPTIONS[0], where) for asked in (first, first, other))
    if found.agreement > 1e-3:
        raise Fails(f"logits differ by {found.agreement:.2g} from the implementation that is used")
    if _gap(found, again) > 1e-5:
        raise Fails("control: one picture twice gives two attentions")
    if _gap(found, moved) <= 1e-7:
        raise Fails("another picture does not change the attention")


def _gap(one: Any, other: Any) -> float:
    pairs = [
        (a, b)
        for layer in one.layers
        for a, b in zip(one.layers[layer], other.layers[layer], strict=True)
        if a.shape == b.shape and a.size
    ]
    return max((float(np.abs(a - b).max()) for a, b in pairs), default=0.0)


@reaching(Capability.GRADIENTS)
def gradients(subject: Subject) -> None:
    """Does a small step along the gradient change the score as the gradient says?"""
    from medaudit.whitebox.gradients import score_and_gradient

    asked = subject.questions()[0]
    option = subject.options[0]
    _, pixels, raw = score_and_gradient(subject.model, asked, option)
    length = float(np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in raw.values())))
    if not length > 1e-7:
        raise Fails(f"the gradient at the pixels is {length:.2g}")
    along = {name: g / length for name, g in raw.items()}
    across = {name: _shuffled(d) for name, d in along.items()}

    def slope(direction: dict[str, Any], step: float) -> float:
        import torch

        ends = []
        for sign in (1, -1):
            moved = {
                name: torch.from_numpy((p + sign * step * direction[name]).astype(np.float32))
                for name, p in pixels.items()
            }
            ends.append(score_and_gradient(subject.model, asked, option, moved)[0])
        return (ends[0] - ends[1]) / (2 * step)

    ratios = [slope(along, change / length) / length for change in STEPS]
    if min(abs(ratio - 1) for ratio in ratios) > 0.1:
        raise Fails("a step along the gradient changes the score by " + _listed(ratios) + " of what it says")
    if abs(slope(across, STEPS[1] / length) / length) > 0.5:
        raise Fails("control: a step along shuffled gradients changes the score as much")


def _shuffled(direction: Any) -> Any:
    """The same numbers at other pixels; what carries no gradient (places, padding) is left alone."""
    moved = direction.copy()
    shown = moved != 0
    moved[shown] = np.random.default_rng(3).permutation(moved[shown])
    return moved


def _listed(ratios: list[float]) -> str:
    return ", ".join(f"{ratio:.2g}" for ratio in ratios)


@reaching(Capability.INTERVENE)
def intervene(subject: Subject) -> None:
    """With every image token masked, is the score blind to the image, and only then?"""
    from medaudit.whitebox.applying import unreached

    points = POINTS if subject.generative else POINTS[1:]
    reasons = [unreached(subject.model, subject.questions()[0], point) for point in points]
    reached = [point for point, reason in zip(points, reasons, strict=True) if reason is None]
    for point in reached:
        _masked(subject, point)
    if reasons[0] is not None and subject.generative:
        instead = f"; proved at: {', '.join(reached)}" if reached else ""
        raise NotApplicable(f"at the embedding: {reasons[0]}{instead}")
    if not reached:
        raise NotApplicable(str(reasons[-1]))


def _masked(subject: Subject, point: str) -> None:
    from medaudit.whitebox.intervention import Intervention

    masked = Intervention(point).to_text()
    plain, hooks = subject.effect(), _hooks(subject)
    left = subject.effect(intervention=masked)
    if left > 1e-5 + 1e-4 * plain:
        raise Fails(f"with all image tokens masked ({point}), another image moves the scores by {left:.2g}")
    asked = subject.questions()
    if difference(subject.ask(asked), subject.ask([replace(q, intervention=masked) for q in asked])) <= ALIVE:
        raise Fails(f"masking every image token ({point}) changes nothing")
    if _hooks(subject) != hooks:
        raise Fails(f"a hook was left behind ({point})")
    if _mapped(subject, "patch" if point == "patch" else "projector"):
        _no_op(subject, point)


def _mapped(subject: Subject, stage: str) -> bool:
    try:
        geometry_of(subject.model).token_map(SIZES[0], stage)
    except NoGrid:
        return False
    return True


def _no_op(subject: Subject, point: str) -> None:
    """Control: masking a box that no token sees is no mask."""
    from medaudit.whitebox.intervention import Intervention

    asked = subject.questions()
    nothing = Intervention(point, boxes=(NOWHERE,)).to_text()
    # Masked questions are scored by full passes, so that is what they are compared with.
    reference = getattr(subject.model, "brute_force", subject.model.answer)
    idle = difference(
        reference(subject.model.prepare(asked)),
        subject.ask([replace(q, intervention=nothing) for q in asked]),
    )
    if idle > ALIVE:
        raise Fails(f"control: masking no token changes the scores by {idle:.2g}")


def _hooks(subject: Subject) -> int:
    """Hooks on all modules; the library keeps some of its own on towers whose hidden states it collects."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in subject.model.network.modules())


@reaching(Capability.TUNE)
def tune(subject: Subject) -> None:
    """Does a copy learn an answer from a few steps, while the model itself stays as it was?"""
    from medaudit.whitebox.tuning import tune as train

    asked = subject.questions()
    before = subject.ask(asked)
    examples = [(question, subject.options[1]) for question in asked]
    tuned, report = train(subject.model, examples, steps=4, rank=2, learning_rate=1e-2)
    if not report.loss_after < report.loss_before:
        raise Fails(f"the loss went from {report.loss_before:.3g} to {report.loss_after:.3g}")
    if difference(before, subject.ask(asked)) > 1e-6:
        raise Fails("the model's own answers changed")
    if difference(before, tuned.answer(tuned.prepare(asked))) <= ALIVE:
        raise Fails("the tuned copy answers as before")
    same, _ = train(subject.model, examples, steps=0, rank=2)
    if difference(before, same.answer(same.prepare(asked))) > tolerance(before):
        raise Fails("control: zero steps change the answers")
