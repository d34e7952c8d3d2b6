"""Pairs of pictures that differ in exactly one attribute, all else equal: patient, factors and noise.

A model that sees the attribute gives the two pictures different answers; one that cannot tell them apart
gives the same answer twice. Nuisance attributes are the control: there the right answers are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medaudit.case import CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import people
from medaudit.phantoms.cases import Drawn, make_case
from medaudit.phantoms.changes import CONTROLS, FINDINGS, can_differ, controls, other
from medaudit.phantoms.picture import Picture
from medaudit.phantoms.questions import Question, by_name

if TYPE_CHECKING:
    import numpy as np


def mix(name: str) -> tuple[str, ...]:
    """Attributes by default: half the pairs differ in a finding, half in a nuisance, all in turn."""
    nuisances = controls(name) * len(FINDINGS)
    return tuple(each for i, nuisance in enumerate(nuisances) for each in (FINDINGS[i % 4], nuisance))


def pair(picture: Picture, attribute: str, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """The picture, and the same one with another value of ``attribute`` (``FINDINGS``, ``CONTROLS``).

    One field of ``Picture`` differs: ``lesions`` for findings, in one lesion, else the attribute of that
    name. UsageError for an unknown attribute, and for a picture in which it cannot differ: ``side`` needs a
    finding in one place only, ``size`` the modality's last finding, once, ``kind`` a single finding;
    nuisances must be seen in the modality.
    """
    return picture, other(picture, attribute, rng)[0]


def pair_cases(
    n: int = 240, seed: int = 0, attributes: Sequence[str] | None = None, *, name: str = "chest"
) -> CaseSet:
    """``n // 2`` pairs of cases over the modality ``name``, the attributes in turn (default: ``mix``).

    The two cases of a pair share question, options, group and ``Case.pair``; ``meta["attribute"]`` is what
    differs. For each attribute, either answer comes first equally often, to within one. DataError for n < 2.
    """
    rows = _rows(f"{name}-pairs", n, seed, mix(name) if attributes is None else attributes, name)
    return CaseSet(f"{name}-pairs", "phantom", tuple(case for case, _, _ in rows), public=True)


def build(n: int, seed: int) -> list[Drawn]:
    """The set ``chest-pairs``."""
    return _rows("chest-pairs", n, seed, mix("chest"), "chest")


def _rows(set_name: str, n: int, seed: int, attributes: Sequence[str], name: str) -> list[Drawn]:
    if n < 2:
        raise DataError(f"phantom:{set_name}: {n} cases were asked for; give a number from 2, a pair.")
    if not attributes:
        raise UsageError(f"No attribute was given; legal are {', '.join((*FINDINGS, *CONTROLS))}.")
    rows: list[Drawn] = []
    turns = dict.fromkeys(attributes, 0)
    for i in range(n // 2):
        attribute = attributes[i % len(attributes)]
        rng = keyed_rng("medaudit.pairs", set_name, seed, i)
        two, question = _draw_pair(name, attribute, turns[attribute], rng)
        turns[attribute] += 1
        for which, picture in enumerate(two):
            case_id, more = f"{set_name}-{seed}-{2 * i + which:05d}", {"attribute": attribute}
            case = make_case(case_id, picture, question, more, pair=f"{set_name}-{seed}-{i:05d}")
            rows.append((case, picture, question))
    return rows


def _draw_pair(
    name: str, attribute: str, turn: int, rng: np.random.Generator
) -> tuple[tuple[Picture, Picture], Question]:
    """A random pair and what is asked about it; in odd turns the answer that would come first comes last."""
    picture = people.draw_person(name, rng, people.draw_lesions(name, rng))
    while attribute in FINDINGS and not can_differ(picture, attribute):
        picture = picture.but(lesions=people.draw_lesions(name, rng))
    changed, asked = other(picture, attribute, rng)
    question = by_name(name)[asked] if asked else _any_question(name, picture, rng)
    places = [question.options.index(question.truth(shown) or "") for shown in (picture, changed)]
    two = (picture, changed) if places[0] <= places[1] else (changed, picture)
    return (two[::-1] if turn % 2 else two), question


def _any_question(name: str, picture: Picture, rng: np.random.Generator) -> Question:
    askable = [question for question in by_name(name).values() if question.truth(picture) is not None]
    return askable[rng.integers(len(askable))]
