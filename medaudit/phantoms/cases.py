"""Sets of cases over chest phantoms.

``chest``
    Every question's answers are balanced, and sex, age, view, vendor, site and the marker's corner are
    independent of everything.
``chest-marker``
    Half of the questions ask for an opacity. At the site ``home`` (70 %) the marker sits upper left where
    there is an opacity and upper right where there is none, in 95 % of pictures; at ``away`` it sits in
    the other corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import chest
from medaudit.phantoms.chest import CORNERS, ChestSpec, Corner, Lesion
from medaudit.phantoms.lesions import KINDS, SIDES
from medaudit.phantoms.questions import BY_NAME, QUESTIONS, Question

if TYPE_CHECKING:
    import numpy as np

#: How often each question comes, in a row of cards.
MIXES: dict[str, tuple[str, ...]] = {
    "chest": tuple(question.name for question in QUESTIONS),
    "chest-marker": ("opacity",) * 6 + tuple(q.name for q in QUESTIONS if q.name != "opacity"),
}
HOME_SHARE = 0.7
#: Share of pictures at ``home`` whose marker agrees with the opacity; at ``away`` it is the complement.
AGREEMENT = 0.95
_SLOTS = tuple(Lesion(kind, side) for kind in KINDS for side in SIDES)
# Number of findings in a picture: normal and single pictures carry the option question.
_COUNTS = (0.2, 0.4, 0.25, 0.15)


def case_set(name: str, n: int = 240, seed: int = 0) -> CaseSet:
    """``n`` cases of the named set; another seed gives other patients."""
    if name not in MIXES:
        raise UsageError.unknown("image phantom", name, MIXES)
    if n < 1:
        raise DataError(f"phantom:{name}: {n} cases were asked for; give a number from 1.")
    cases: list[Case] = []
    for index, cards in enumerate(_pictures(name, n, seed)):
        rng = keyed_rng("medaudit.cases", name, seed, index)
        spec, site = draw_spec(name, rng, cards)
        for question, _ in cards:
            cases.append(make_case(f"{name}-{seed}-{len(cases):05d}", spec, question, site))
    return CaseSet(name=name, reader="phantom", cases=tuple(cases), public=True)


def make_case(case_id: str, spec: ChestSpec, question: Question, site: str) -> Case:
    """Ask ``question`` about the picture that ``spec`` names."""
    answer = question.truth(spec)
    if answer is None:
        raise DataError(f"case {case_id!r}: the question {question.name!r} has no answer in this picture.")
    return Case(
        id=case_id,
        images=(chest.image(spec),),
        question=question.text,
        answer=answer,
        options=question.options,
        group=f"phantom-{spec.patient}",
        meta={
            "sex": spec.sex,
            "age": spec.age,
            "view": spec.view,
            "vendor": spec.vendor,
            "site": site,
            "marker": spec.marker,
        },
        regions=chest.regions(spec),
        split="test",
    )


Card = tuple[Question, str]


def _pictures(name: str, n: int, seed: int) -> Iterator[list[Card]]:
    """Deal the balanced deck two cards a picture, where one picture can bear both."""
    deck = _deck(name, n, seed)
    while deck:
        first = deck.pop()
        partner = next((i for i in reversed(range(len(deck))) if _compatible(first, deck[i])), None)
        yield [first] if partner is None else [first, deck.pop(partner)]


def _deck(name: str, n: int, seed: int) -> list[Card]:
    mix, deck, dealt = MIXES[name], [], dict.fromkeys(BY_NAME, 0)
    for position in range(n):
        question = BY_NAME[mix[position % len(mix)]]
        deck.append((question, question.options[dealt[question.name] % len(question.options)]))
        dealt[question.name] += 1
    keyed_rng("medaudit.deck", name, seed).shuffle(deck)
    return deck


def _compatible(first: Card, second: Card) -> bool:
    if first[0].name == second[0].name:
        return False
    return any(_holds(lesions, (first, second)) for lesions in _EXAMPLES)


def _holds(lesions: tuple[Lesion, ...], cards: tuple[Card, ...] | list[Card]) -> bool:
    spec = ChestSpec(0, lesions)
    return all(question.truth(spec) == answer for question, answer in cards)


_EXAMPLES: tuple[tuple[Lesion, ...], ...] = (
    (),
    *((slot,) for slot in _SLOTS),
    *((a, b) for i, a in enumerate(_SLOTS) for b in _SLOTS[i + 1 :]),
)


def draw_lesions(rng: np.random.Generator) -> tuple[Lesion, ...]:
    """Up to three findings."""
    count = int(rng.choice(len(_COUNTS), p=_COUNTS))
    return tuple(_SLOTS[i] for i in sorted(rng.choice(len(_SLOTS), size=count, replace=False)))


def draw_spec(name: str, rng: np.random.Generator, cards: list[Card]) -> tuple[ChestSpec, str]:
    """A picture of the named set in which every card's answer is true, and its site."""
    lesions = draw_lesions(rng)
    while not _holds(lesions, cards):
        lesions = draw_lesions(rng)
    opacity = any(lesion.kind == "opacity" for lesion in lesions)
    if name == "chest-marker":
        site = "home" if rng.random() < HOME_SHARE else "away"
        agrees = (rng.random() < AGREEMENT) == (site == "home")
        marker = agreeing_corner(opacity) if agrees else chest.other_corner(agreeing_corner(opacity))
    else:
        site, marker = "AB"[rng.integers(2)], CORNERS[rng.integers(2)]
    return draw_person(rng, lesions, marker), site


def agreeing_corner(opacity: bool) -> Corner:
    """Where the marker sits when it agrees with the opacity: upper left if there is one."""
    return CORNERS[0] if opacity else CORNERS[1]


def draw_person(rng: np.random.Generator, lesions: tuple[Lesion, ...], marker: Corner | None) -> ChestSpec:
    """A patient of random sex, age, view and vendor."""
    return ChestSpec(
        patient=int(rng.integers(2**40)),
        lesions=lesions,
        sex="F" if rng.random() < 0.5 else "M",
        age=int(rng.integers(20, 91)),
        view="AP" if rng.random() < 0.4 else "PA",
        vendor="A" if rng.random() < 0.5 else "B",
        marker=marker,
    )
