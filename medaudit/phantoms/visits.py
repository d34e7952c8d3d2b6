"""Two visits of one patient: what was seen has worsened, improved, or stayed the same.

A large finding has hardly just improved: whoever sees the current picture alone can be right in up to 66 %
of cases, not 33 %. What the prior adds is the gain over answers without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import people, rendering
from medaudit.phantoms.cases import Drawn, meta
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import VENDORS, Lesion, Picture
from medaudit.phantoms.questions import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGES = ("worsened", "improved", "unchanged")
#: Least difference in extent that counts as a change.
STEP = 0.4
#: Share of patients who have another finding too, which stays as it is.
WITH_OTHER = 0.5


def change(prior: Picture, current: Picture, kind: str) -> str | None:
    """What happened to the finding from prior to current: one of ``CHANGES``.

    None where nothing can be said: the finding is not there exactly once in both, lies elsewhere, or its
    extent differs by less than ``STEP``.
    """
    before, after = prior.lesion(kind), current.lesion(kind)
    if before is None or after is None or before.place != after.place:
        return None
    grown = round(after.extent - before.extent, 6)
    if abs(grown) >= STEP:
        return "worsened" if grown > 0 else "improved"
    return "unchanged" if grown == 0 else None


def question(kind: str, prior: Picture) -> Question:
    """The question about a current picture that is shown after ``prior``."""
    return Question(
        name=f"{kind}-change",
        text=f"Compared with the first picture, has the {kind} worsened, improved or stayed the same?",
        options=CHANGES,
        truth=lambda current: change(prior, current, kind),
    )


def visits(
    name: str, kind: str, answer: str, rng: np.random.Generator, *, dose: float = 0.0
) -> tuple[Picture, Picture]:
    """Prior and current picture of a random patient in whom ``kind`` has changed so.

    The visits differ in noise and in the finding's extent; with chance ``dose`` each, the current one comes
    from another vendor and, where the modality has several, in another view. Extents rise by 0.4 to 1 for
    ``worsened``; ``improved`` is the same in reverse; for ``unchanged`` the extent is one of either kind.
    """
    extents = _extents(answer, rng)
    place = modality(name).places[rng.integers(2)]
    others = _others(name, kind, rng)
    prior = people.draw_person(name, rng, (Lesion(kind, place, extents[0]), *others))
    current = prior.but(lesions=(Lesion(kind, place, extents[1]), *others), visit=prior.visit + 1)
    return prior, _elsewhere(current, rng, dose)


def _extents(answer: str, rng: np.random.Generator) -> tuple[float, float]:
    step = rng.uniform(STEP, 1.0)
    low = round(rng.uniform(0.0, 1.0 - step), 3)
    # Rounded up, so that no step falls short of STEP.
    high = min(1.0, round(low + step + 0.0005, 3))
    if answer == "unchanged":
        same = (low, high)[rng.integers(2)]
        return same, same
    return (low, high) if answer == "worsened" else (high, low)


def _others(name: str, kind: str, rng: np.random.Generator) -> tuple[Lesion, ...]:
    if rng.random() >= WITH_OTHER:
        return ()
    kinds = [other for other in modality(name).kinds if other != kind]
    drawn = Lesion(
        kinds[rng.integers(len(kinds))], modality(name).places[rng.integers(2)], people.draw_extent(rng)
    )
    return (drawn,)


def _elsewhere(current: Picture, rng: np.random.Generator, dose: float) -> Picture:
    """Another vendor, another view, each with chance ``dose``; the draws do not depend on it."""
    moved = rng.random(2) < dose
    views = modality(current.modality).views
    vendor = VENDORS[current.vendor == VENDORS[0]] if moved[0] else current.vendor
    view = views[(views.index(current.view) + 1) % len(views)] if moved[1] else current.view
    return current.but(vendor=vendor, view=view)


def make_visit(case_id: str, prior: Picture, current: Picture, kind: str) -> Case:
    """Ask how the finding has changed; ``images`` are (prior, current), ``regions`` those of the prior.

    Metadata is that of the current picture. DataError where the change has no name.
    """
    asked = question(kind, prior)
    answer = asked.truth(current)
    if answer is None:
        raise DataError(f"case {case_id!r}: the {kind} has no clear course over the two pictures.")
    return Case(
        id=case_id,
        images=(rendering.image(prior), rendering.image(current)),
        question=asked.text,
        answer=answer,
        options=asked.options,
        group=f"phantom-{current.patient}",
        meta=meta(current) | {"vendor_before": prior.vendor, "view_before": prior.view},
        regions=rendering.regions(prior),
        split="test",
    )


def visit_cases(n: int = 240, seed: int = 0, *, name: str = "chest", dose: float = 0.0) -> CaseSet:
    """``n`` cases over two visits each; answers balanced to within one, overall and for each finding.

    ``dose`` is as in ``visits``. DataError for n < 1, UsageError for a dose outside 0 to 1.
    """
    rows = _rows(f"{name}-visits", n, seed, name, dose)
    return CaseSet(f"{name}-visits", "phantom", tuple(case for case, _, _ in rows), public=True)


def build(n: int, seed: int) -> Sequence[Drawn]:
    """The set ``chest-visits``."""
    return _rows("chest-visits", n, seed, "chest", 0.0)


def _rows(set_name: str, n: int, seed: int, name: str, dose: float) -> list[Drawn]:
    if n < 1:
        raise DataError(f"phantom:{set_name}: {n} cases were asked for; give a number from 1.")
    if not 0 <= dose <= 1:
        raise UsageError(f"dose = {dose!r}: give a number from 0 to 1.")
    kinds = modality(name).kinds
    # A Latin square of findings and answers, over and over: each is balanced wherever the deck is cut.
    deck = [(kinds[i % 3], CHANGES[(i + i // 3) % 3]) for i in range(n)]
    keyed_rng("medaudit.visits", set_name, seed).shuffle(deck)
    rows: list[Drawn] = []
    for i, (kind, answer) in enumerate(deck):
        rng = keyed_rng("medaudit.visits", set_name, seed, i)
        prior, current = visits(name, kind, answer, rng, dose=dose)
        case = make_visit(f"{set_name}-{seed}-{i:05d}", prior, current, kind)
        rows.append((case, current, question(kind, prior)))
    return rows
