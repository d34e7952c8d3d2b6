"""One attribute of a picture changed, everything else kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import people
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import CORNERS, LARGE, SEXES, SMALL, VENDORS, Lesion, Picture
from medaudit.phantoms.rendering import render

if TYPE_CHECKING:
    import numpy as np

#: What a question can be about: a finding there or not, its place, its size, its kind.
FINDINGS = ("presence", "side", "size", "kind")
#: What no question is about. The right answer is the same in both pictures.
CONTROLS = ("sex", "age", "view", "vendor", "marker", "tube", "leads", "text", "noise", "visit")
Changed: TypeAlias = tuple[Picture, str | None]


def can_differ(picture: Picture, attribute: str) -> bool:
    """Whether a picture like this one can differ from it in that attribute alone."""
    if attribute == "presence":
        return bool(_once_or_never(picture))
    if attribute == "side":
        return bool(_once(picture))
    if attribute == "size":
        last = picture.lesion(modality(picture.modality).kinds[-1])
        return last is not None and last.label is not None
    if attribute == "kind":
        return len(picture.lesions) == 1
    return attribute in controls(picture.modality)


@cache
def controls(name: str) -> tuple[str, ...]:
    """The nuisance attributes that show in this modality: a section of tissue has no age."""
    base, rng = Picture(name, 0), keyed_rng("medaudit.pairs/controls")
    return tuple(factor for factor in CONTROLS if _shows(base, factor, rng))


def _shows(base: Picture, factor: str, rng: np.random.Generator) -> bool:
    if factor == "view" and len(modality(base.modality).views) == 1:
        return False
    changed = base.but(**{factor: _value(base, factor, rng)})
    return render(base).tobytes() != render(changed).tobytes()


def _once(picture: Picture) -> list[Lesion]:
    found = [picture.lesion(kind) for kind in modality(picture.modality).kinds]
    return [lesion for lesion in found if lesion is not None]


def _once_or_never(picture: Picture) -> list[str]:
    return [kind for kind in modality(picture.modality).kinds if len(picture.places(kind)) < 2]


def other(picture: Picture, attribute: str, rng: np.random.Generator) -> Changed:
    """The second picture, and the name of the question that tells the two apart, None for nuisances.

    UsageError for an unknown attribute and for one that cannot differ in this picture.
    """
    if attribute not in (*FINDINGS, *CONTROLS):
        raise UsageError.unknown("attribute", attribute, (*FINDINGS, *CONTROLS))
    if not can_differ(picture, attribute):
        needs = _NEEDS.get(attribute, "in this modality it is not seen")
        raise UsageError(f"{attribute!r} cannot differ in this {picture.modality} picture: {needs}.")
    if attribute in FINDINGS:
        return _CHANGES[attribute](picture, rng)
    return picture.but(**{attribute: _value(picture, attribute, rng)}), None


_NEEDS = {
    "presence": "every finding lies in both places; leave one out",
    "side": "it needs a finding that lies in one place only",
    "size": "it needs the modality's last kind of finding once, clearly small or clearly large",
    "kind": "it needs exactly one finding",
}


def _presence(picture: Picture, rng: np.random.Generator) -> Changed:
    kinds = _once_or_never(picture)
    kind = kinds[rng.integers(len(kinds))]
    if picture.places(kind):
        return picture.but(lesions=tuple(x for x in picture.lesions if x.kind != kind)), kind
    places = modality(picture.modality).places
    added = Lesion(kind, places[rng.integers(2)], people.draw_extent(rng))
    return picture.but(lesions=(*picture.lesions, added)), kind


def _side(picture: Picture, rng: np.random.Generator) -> Changed:
    found = _once(picture)
    lesion = found[rng.integers(len(found))]
    places = modality(picture.modality).places
    moved = replace(lesion, place=places[1 - places.index(lesion.place)])
    return _exchanged(picture, lesion, moved), f"{lesion.kind}-side"


def _size(picture: Picture, rng: np.random.Generator) -> Changed:
    lesion = picture.lesion(modality(picture.modality).kinds[-1])
    assert lesion is not None
    extent = round(rng.uniform(0.8, 1.0) if lesion.extent <= SMALL else rng.uniform(0.0, 0.2), 3)
    assert not SMALL < extent < LARGE
    return _exchanged(picture, lesion, replace(lesion, extent=extent)), f"{lesion.kind}-size"


def _kind(picture: Picture, rng: np.random.Generator) -> Changed:
    (lesion,) = picture.lesions
    others = [kind for kind in modality(picture.modality).kinds if kind != lesion.kind]
    return _exchanged(picture, lesion, replace(lesion, kind=others[rng.integers(len(others))])), "main"


def _exchanged(picture: Picture, old: Lesion, new: Lesion) -> Picture:
    return picture.but(lesions=tuple(new if lesion == old else lesion for lesion in picture.lesions))


_CHANGES: dict[str, Callable[[Picture, np.random.Generator], Changed]] = {
    "presence": _presence,
    "side": _side,
    "size": _size,
    "kind": _kind,
}


def _value(picture: Picture, factor: str, rng: np.random.Generator) -> Any:
    """Another value of a nuisance factor, far enough away to be seen."""
    given = getattr(picture, factor)
    if factor == "age":
        return 85 if given < 55 else 25
    if factor == "visit":
        return given + 1
    legal: Sequence[Any] = {
        "sex": SEXES,
        "view": modality(picture.modality).views,
        "vendor": VENDORS[:2],  # the third is rare in training
        "noise": (0.0, 0.3),  # seen, and yet it hides nothing
        "marker": CORNERS,
    }.get(factor, (0.0, 1.0))
    others = [value for value in legal if value != given]
    return others[rng.integers(len(others))]
