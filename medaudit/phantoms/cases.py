"""Sets of cases over image phantoms.

Every question's answers are balanced. In a plain set (``chest``, ``fundus``, ...) all factors are
independent of everything. In a planted one a factor goes with a finding: at the site ``home`` (70 % of
pictures) with the stated Cramer's V, at ``away`` with the same V the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from medaudit.case import Case, CaseSet, Region
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.modality import modality_named
from medaudit.phantoms import deck, rendering
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.picture import CORNERS, Picture
from medaudit.phantoms.questions import Question, by_name

if TYPE_CHECKING:
    import numpy as np

HOME_SHARE = 0.7

#: A case, the picture that it shows (the current one of two), and the question that it asks.
Drawn: TypeAlias = tuple[Case, Picture, Question]
#: From a number of cases and a seed to cases.
Builder: TypeAlias = Callable[[int, int], Sequence[Drawn]]


@dataclass(frozen=True)
class Planted:
    """A factor that goes with a finding: ``levels`` without and with the finding when V is 1."""

    factor: str
    finding: str
    levels: tuple[Any, Any]
    v: float = 0.9


@dataclass(frozen=True)
class SetRecipe:
    """One named set. ``extra`` is how many more cards the planted finding's question gets."""

    modality: str
    planted: Planted | None = None
    extra: int = 0


def _from(module: str) -> Builder:
    """The ``build`` of a module that is imported on first use."""

    def build(n: int, seed: int) -> Sequence[Drawn]:
        found: Sequence[Drawn] = import_module(module).build(n, seed)
        return found

    return build


#: Every set by name, as in ``phantom:NAME``. Other modules add theirs: a recipe, or a function that builds.
SETS: dict[str, SetRecipe | Builder] = {
    **{name: SetRecipe(name) for name in NAMES},
    "chest-marker": SetRecipe("chest", Planted("marker", "opacity", CORNERS[::-1]), extra=6),
    "chest-tube": SetRecipe("chest", Planted("tube", "effusion", (0.0, 1.0)), extra=6),
    "chest-pairs": _from("medaudit.phantoms.pairs"),
    "chest-visits": _from("medaudit.phantoms.visits"),
    "chest-attributes": _from("medaudit.phantoms.attributes"),
}


def case_set(name: str, n: int = 240, seed: int = 0, *, planted: Planted | None = None) -> CaseSet:
    """``n`` cases of the named set (pairs: n rounded down to even); another seed gives other patients.

    ``planted`` replaces the set's association: ``Planted("vendor", "nodule", ("A", "B"), v=0.8)``.
    UsageError for an unknown name and for an association that cannot be planted, DataError for n < 1.
    """
    rows = drawn(name, n, seed, planted=planted)
    return CaseSet(name=name, reader="phantom", cases=tuple(case for case, _, _ in rows), public=True)


def drawn(name: str, n: int, seed: int, *, planted: Planted | None = None) -> list[Drawn]:
    """The same cases, each with its picture and question, from which the truth about it follows."""
    if name not in SETS:
        raise UsageError.unknown("image phantom", name, SETS)
    if n < 1:
        raise DataError(f"phantom:{name}: {n} cases were asked for; give a number from 1.")
    recipe = SETS[name]
    if isinstance(recipe, SetRecipe):
        return _dealt(name, recipe, planted or recipe.planted, n, seed)
    if planted is not None:
        raise UsageError(
            f"phantom:{name} takes no planted association; plant it in a set of single pictures, such as "
            f"{', '.join(NAMES[:3])}."
        )
    return list(recipe(n, seed))


def _dealt(name: str, recipe: SetRecipe, planted: Planted | None, n: int, seed: int) -> list[Drawn]:
    asked = list(by_name(recipe.modality))
    if planted is not None:
        _check(planted, recipe.modality)
        asked += [planted.finding] * recipe.extra
    cards = deck.shuffled(recipe.modality, asked, n, keyed_rng("medaudit.deck", name, seed))
    hands = list(deck.hands(recipe.modality, cards))
    pictures = [
        deck.draw(recipe.modality, hand, keyed_rng("medaudit.cases", name, seed, i))
        for i, hand in enumerate(hands)
    ]
    pictures, sites = _with_sites(pictures, planted, keyed_rng("medaudit.sites", name, seed))
    found: list[Drawn] = []
    for hand, picture, site in zip(hands, pictures, sites, strict=True):
        boxes = rendering.regions(picture)
        for question in (by_name(recipe.modality)[card[0]] for card in hand):
            case_id = f"{name}-{seed}-{len(found):05d}"
            case = make_case(case_id, picture, question, {"site": site}, regions=boxes)
            found.append((case, picture, question))
    return found


def make_case(
    case_id: str,
    picture: Picture,
    question: Question,
    more: Mapping[str, Any],
    *,
    pair: str | None = None,
    regions: tuple[Region, ...] | None = None,
) -> Case:
    """Ask ``question`` about the picture; ``more`` are further columns of metadata.

    ``regions`` are the picture's boxes, where they are at hand. DataError where the question has no answer.
    """
    answer = question.truth(picture)
    if answer is None:
        raise DataError(f"case {case_id!r}: the question {question.name!r} has no answer in this picture.")
    return Case(
        id=case_id,
        images=(rendering.image(picture),),
        question=question.text,
        answer=answer,
        options=question.options,
        group=f"phantom-{picture.patient}",
        meta={**meta(picture), **more},
        regions=rendering.regions(picture) if regions is None else regions,
        pair=pair,
        split="test",
    )


def meta(picture: Picture) -> dict[str, Any]:
    """The factors that a hospital would know."""
    known = {name: getattr(picture, name) for name in ("sex", "age", "view", "vendor", "marker")}
    return {"modality": modality_named(picture.modality), **known, "tube": "yes" if picture.tube else "no"}


def plant(
    pictures: Sequence[Picture], planted: Planted, rng: np.random.Generator, *, turned: bool = False
) -> list[Picture]:
    """Give each picture a level of the factor, so that Cramer's V with the finding is ``planted.v``.

    ``turned`` exchanges the levels: the association that holds at another site. Where the finding is in all
    pictures or in none, V says nothing, and each gets its own level with chance (1 + v) / 2.
    """
    from medaudit.stats.association import associate

    levels = planted.levels[::-1] if turned else planted.levels
    found = [bool(picture.places(planted.finding)) for picture in pictures]
    if len(set(found)) == 2:
        dealt = associate(found, levels, planted.v, rng)
    else:
        agrees = rng.random(len(found)) < (1 + planted.v) / 2
        dealt = [levels[int(there == agreed)] for there, agreed in zip(found, agrees, strict=True)]
    return [picture.but(**{planted.factor: level}) for picture, level in zip(pictures, dealt, strict=True)]


def _with_sites(
    pictures: Sequence[Picture], planted: Planted | None, rng: np.random.Generator
) -> tuple[list[Picture], list[str]]:
    if planted is None:
        return list(pictures), ["AB"[i] for i in rng.integers(2, size=len(pictures))]
    sites = ["home" if draw < HOME_SHARE else "away" for draw in rng.random(len(pictures))]
    shown = list(pictures)
    for site in ("home", "away"):
        at = [i for i, where in enumerate(sites) if where == site]
        placed = plant([pictures[i] for i in at], planted, rng, turned=site == "away")
        for i, picture in zip(at, placed, strict=True):
            shown[i] = picture
    return shown, sites


_OWN = ("modality", "patient", "lesions", "visit", "size")


def _check(planted: Planted, name: str) -> None:
    if planted.finding not in modality(name).kinds:
        raise UsageError.unknown(f"{name} finding", planted.finding, modality(name).kinds)
    factors = [field.name for field in fields(Picture) if field.name not in _OWN]
    if planted.factor not in factors:
        raise UsageError.unknown("factor", planted.factor, factors)
    if not 0 <= planted.v <= 1:
        raise UsageError(f"Planted v = {planted.v!r}: Cramer's V is a number from 0 to 1.")
    if len(set(planted.levels)) != 2:
        raise UsageError(
            f"Planted levels {planted.levels!r}: give two different ones, without and with the finding."
        )
    for level in planted.levels:
        Picture(name, 0).but(**{planted.factor: level})  # refuses what is no level of this factor
