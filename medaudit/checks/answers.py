"""Are answers decided by the request alone: by its image, and by nothing else in the batch?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medaudit.checks.bench import ALIVE, QUESTIONS, Bench, Outcome, difference, said
from medaudit.checks.generation import stepwise
from medaudit.errors import ModelError
from medaudit.image import ArrayImage, Image
from medaudit.model import Capability, Request

#: More than 29 tokens longer than the shortest question, in any tokenizer.
LONG = (
    "Look at the whole image before you answer, the borders and the corners as well, and say whether "
    "anything in it departs from what a radiologist would call normal for an adult. Is anything abnormal?"
)


def image_used(bench: Bench) -> Outcome:
    """Answers to a blank image, and to another case's image, against those to the right one."""
    clear = bench.ask(bench.plain)
    # The floor is the same question in another batch, or chance would pass for sight.
    floor = difference(clear[:2], bench.ask(bench.requests([(p,) for p in bench.pictures[:2]], replicate=1)))
    blank = ArrayImage(np.full((96, 96, 3), 127, dtype=np.uint8), name="blank")
    swapped = bench.pictures[1:] + bench.pictures[:1]
    effects = {
        "blank": difference(clear, bench.ask(bench.requests([(blank,)] * len(clear)))),
        "swapped": difference(clear, bench.ask(bench.requests([(picture,) for picture in swapped]))),
    }
    detail = "; ".join(f"{name} image: {said(effect)}" for name, effect in effects.items())
    if floor == float("inf"):
        return "note", "answers change without any change of input, so sight cannot be told from chance"
    bound = max(ALIVE, 5 * floor)
    if max(effects.values()) > bound:
        return "works", f"{detail}; must exceed {bound:.2g}, noise floor {floor:.2g}"
    return "fails", f"{detail}; must exceed {bound:.2g}: the model answers without looking"


def repeatable(bench: Bench) -> Outcome:
    """The same batch asked twice."""
    gap = difference(bench.ask(bench.plain), bench.ask(bench.plain))
    if gap == 0:
        return "works", f"{len(bench.plain)} answers identical, tolerance 0"
    return "note", f"{said(gap)}; robustness subtracts this as its noise floor"


def batching(bench: Bench) -> Outcome:
    """Four requests in one batch against each of them alone."""
    return _together(bench, bench.plain)


def generated_batching(bench: Bench) -> Outcome:
    """The same for generated texts, of models that also choose."""
    if Capability.GENERATE not in bench.offered:
        return "not_applicable", "the model does not generate"
    if bench.task is Capability.GENERATE:
        return "not_applicable", "compared in the row above"
    shown: list[tuple[Image, ...]] = [(picture,) for picture in bench.pictures]
    return _together(bench, bench.requests(shown, task=Capability.GENERATE))


def padding(bench: Bench) -> Outcome:
    """A short and a long prompt in one batch against each alone: the short one is padded."""
    shown: list[tuple[Image, ...]] = [(picture,) for picture in bench.pictures[:2]]
    tasks = [task for task in (Capability.CHOOSE, Capability.GENERATE) if task in bench.offered]
    questions = (QUESTIONS[-1], LONG)
    outcomes = [_together(bench, bench.requests(shown, questions, task=task)) for task in tasks]
    side = _side(bench, bench.requests(shown, questions))
    statuses = [status for status, _ in outcomes]
    worst = next((status for status in ("fails", "note") if status in statuses), "works")
    each = "; ".join(f"{task}: {detail}" for task, (_, detail) in zip(tasks, outcomes, strict=True))
    return worst, f"{side}; {each}"


def _together(bench: Bench, requests: Sequence[Request]) -> Outcome:
    texts = requests[0].task is Capability.GENERATE
    steps = stepwise(bench, requests) if texts else None
    gap = difference(bench.ask(requests), bench.alone(requests))
    status = "works" if gap <= bench.tolerance else "fails"
    if status == "fails" and texts and not bench.exact:
        status = "note"
    bound = "texts must be equal" if texts else f"tolerance {bench.tolerance:g}"
    one_by_one = getattr(getattr(bench.model, "builder", None), "one_by_one", False)
    detail = f"{said(gap)}, {bound}" + ("; run one by one" if one_by_one else "")
    if steps is None or status == "fails":
        return status, detail
    return (steps[0] if steps[0] == "fails" else status), f"{detail}; {steps[1]}"


def _side(bench: Bench, requests: Sequence[Request]) -> str:
    """Where the shorter prompt is padded, from the tensors themselves."""
    builder: Any = getattr(bench.model, "builder", None)
    if builder is None:
        return "padding is out of sight"
    mask = builder.groups(requests)[0].inputs.get("attention_mask")
    if mask is None or len(mask) < 2 or bool(mask.all()):
        return "no padding"
    row = mask[int(mask.sum(dim=1).argmin())]
    if not row[0]:
        return "left padding"
    return "right padding" if not row[-1] else "padding inside the prompt"


def brute_force(bench: Bench) -> Outcome:
    """Option scores of the fast route against one full pass for each option."""
    reference: Any = getattr(bench.model, "brute_force", None)
    if reference is None:
        return "not_applicable", "the model has no second route to compare with"
    requests = bench.plain
    gap = difference(bench.ask(requests), reference(bench.model.prepare(requests)))
    status = "works" if gap <= bench.tolerance else "fails"
    return status, f"{said(gap)}, tolerance {bench.tolerance:g}"


def text_only(bench: Bench) -> Outcome:
    """A question without an image."""
    return _tried(bench, [()])


def several_images(bench: Bench) -> Outcome:
    """A question with two images."""
    return _tried(bench, [(bench.pictures[0], bench.pictures[1])])


def _tried(bench: Bench, images: Sequence[tuple[Image, ...]]) -> Outcome:
    try:
        answer = bench.ask(bench.requests(images))[0]
    except ModelError as error:
        return "not_applicable", f"the network refuses it ({type(error.__cause__ or error).__name__})"
    return ("not_applicable", answer.error) if answer.error else ("works", "answered")
