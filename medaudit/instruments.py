"""Small cases of known truth, and a way to ask a model without a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.case import Case, CaseSet, Region
from medaudit.context import Context
from medaudit.image import ArrayImage, keyed_rng
from medaudit.model import Answer, Capability, Request
from medaudit.teaching import Pupil, Tuned

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.model import Model
    from medaudit.teaching import Teaching

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 40), "blue": (40, 60, 220), "yellow": (220, 210, 40)}
_SIDE = 32
_SQUARE = 8


def direct_ask(model: Model) -> Callable[[Sequence[Request]], list[Answer]]:
    """``ask`` without a store: distinct requests are asked once per call, together, in order.

    Requests marked ``alone`` get a batch of their own, and so does each task.
    """

    def ask(requests: Sequence[Request]) -> list[Answer]:
        fingerprint = model.info.fingerprint
        keys = [request.key(fingerprint) for request in requests]
        batches: dict[str, list[tuple[str, Request]]] = {}
        for key, request in dict(zip(keys, requests, strict=True)).items():
            batches.setdefault(key if request.alone else request.task.value, []).append((key, request))
        answers: dict[str, Answer] = {}
        for batch in batches.values():
            replies = model.answer(model.prepare([request for _, request in batch]))
            answers.update(zip((key for key, _ in batch), replies, strict=True))
        return [answers[key] for key in keys]

    return ask


def direct_teach(model: Model) -> Callable[[Teaching], Tuned]:
    """``teach`` without a store: a copy is tuned when it is first asked."""

    def teach(teaching: Teaching) -> Tuned:
        pupil, report = Pupil(model, teaching), dict[str, Any]()

        def ask(requests: Sequence[Request]) -> list[Answer]:
            if not pupil.learnt:
                report.update(pupil.learn())
            return direct_ask(pupil)(requests)

        return Tuned(pupil.info, ask, lambda: report)

    return teach


def context_for(cases: CaseSet | Iterable[Case], model: Model, **fields: Any) -> Context:
    """A context that asks ``model`` directly. ``fields`` are those of :class:`Context` (seed, shifts, ...).

    ``mode`` is ``generate`` where the model offers it, else ``choose``; ``shifts`` are none. A model that can
    be tuned is.
    """
    listed = tuple(cases.cases if isinstance(cases, CaseSet) else cases)
    offers = model.info.capabilities
    mode = Capability.GENERATE if Capability.GENERATE in offers else Capability.CHOOSE
    given = {"cases": listed, "model": model.info, "ask": direct_ask(model), "mode": mode}
    if Capability.TUNE in offers:
        given["teach"] = direct_teach(model)
    return Context(**{**given, **fields})


def synthetic_cases(n: int, seed: int = 0, *, closed: bool = False) -> CaseSet:
    """``n`` questions about coloured squares, 32 x 32 pixels, two to an image and four to a patient.

    Questions take turns: *is it red?* (yes or no), *on which side?* (left or right), *which colour?* (one
    of four), *name the colour* (open; left out when ``closed``). Squares are red in half of the images
    and their sides are even, as far as ``n`` allows. Each case has a region (the square), ``meta`` with
    ``site`` and ``age``, and ``group`` (the patient).
    """
    cases = []
    for number in range(n):
        picture = number // 2
        colour, x, y = _square(picture, seed)
        image = ArrayImage(_paint(colour, x, y, picture, seed), f"square-{picture}.png")
        # The next image starts at another question, so that no question goes with one colour.
        question, answer, options = _question((number + picture // 2) % (3 if closed else 4), colour, x)
        case = Case(
            id=f"s{number:04d}",
            images=(image,),
            question=question,
            answer=answer,
            options=options,
            group=f"patient-{number // 4}",
            meta={"site": "A" if (number // 4) % 2 else "B", "age": 30 + (number // 4) * 7 % 50},
            regions=(Region("square", (x, y, x + _SQUARE, y + _SQUARE)),),
            split="test",
        )
        cases.append(case)
    return CaseSet(f"synthetic-{seed}", "synthetic", tuple(cases), public=True)


def _square(picture: int, seed: int) -> tuple[str, int, int]:
    rng = keyed_rng("synthetic", seed, picture)
    others = [name for name in COLOURS if name != "red"]
    colour = "red" if picture % 2 else others[int(rng.integers(len(others)))]
    right = (picture // 2) % 2 * (_SIDE // 2)
    x, y = (int(value) for value in rng.integers(0, [_SIDE // 2 - _SQUARE + 1, _SIDE - _SQUARE + 1]))
    return colour, right + x, y


def _paint(colour: str, x: int, y: int, picture: int, seed: int) -> Pixels:
    pixels = keyed_rng("paper", seed, picture).integers(90, 110, (_SIDE, _SIDE, 3), dtype=np.uint8)
    pixels[y : y + _SQUARE, x : x + _SQUARE] = COLOURS[colour]
    return pixels


def _question(kind: int, colour: str, x: int) -> tuple[str, str, tuple[str, ...]]:
    if kind == 0:
        return "Is the square red?", "yes" if colour == "red" else "no", ("yes", "no")
    if kind == 1:
        return "On which side is the square?", "left" if x < _SIDE // 2 else "right", ("left", "right")
    if kind == 2:
        return "Which colour is the square?", colour, tuple(COLOURS)
    return "Name the colour of the square.", colour, ()
