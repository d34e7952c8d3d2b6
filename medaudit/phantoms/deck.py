"""A balanced deck of questions with their answers, and pictures that make one or two of them true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from medaudit.phantoms import people
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.questions import by_name

if TYPE_CHECKING:
    import numpy as np

#: A question's name and the answer that is to be right.
Card: TypeAlias = tuple[str, str]


def shuffled(name: str, asked: Sequence[str], n: int, rng: np.random.Generator) -> list[Card]:
    """``n`` cards that ask ``asked`` in turn, in random order: answers balanced to within one a question."""
    known = by_name(name)
    found: list[Card] = []
    times = dict.fromkeys(asked, 0)
    for position in range(n):
        question = asked[position % len(asked)]
        options = known[question].options
        found.append((question, options[times[question] % len(options)]))
        times[question] += 1
    rng.shuffle(found)
    return found


def hands(name: str, deck: Sequence[Card]) -> Iterator[tuple[Card, ...]]:
    """Deal from the end, two cards a picture where one picture can bear both: with the nearest that fits.

    Each kind of card keeps a pile of its places in the deck, so a hand costs the number of kinds, however
    long the deck is.
    """
    piles: dict[Card, list[int]] = {}
    for position, card in enumerate(deck):
        piles.setdefault(card, []).append(position)
    gone: set[int] = set()
    for position in reversed(range(len(deck))):
        if position in gone:
            continue
        first = deck[position]
        piles[first].pop()
        nearest = max((piles[card][-1] for card in partners(name, first) if piles.get(card)), default=None)
        if nearest is None:
            yield (first,)
            continue
        gone.add(nearest)
        yield first, deck[piles[deck[nearest]].pop()]


@cache
def partners(name: str, first: Card) -> tuple[Card, ...]:
    """Cards of other questions that one picture can bear together with ``first``."""
    cards = [(q.name, answer) for q in by_name(name).values() for answer in q.options]
    others = [card for card in cards if card[0] != first[0]]
    return tuple(card for card in others if any(holds(p, (first, card)) for p in _examples(name)))


def holds(picture: Picture, hand: Sequence[Card]) -> bool:
    """Whether every card's answer is true of the picture."""
    known = by_name(picture.modality)
    return all(known[question].truth(picture) == answer for question, answer in hand)


@cache
def _examples(name: str) -> tuple[Picture, ...]:
    """Every picture of up to two findings."""
    kind = modality(name)
    slots = [Lesion(k, place, e) for k in kind.kinds for place in kind.places for e in (0.0, 1.0)]
    pairs = [
        (a, b) for i, a in enumerate(slots) for b in slots[i + 1 :] if (a.kind, a.place) != (b.kind, b.place)
    ]
    return tuple(Picture(name, 0, found) for found in ((), *((slot,) for slot in slots), *pairs))


def draw(name: str, hand: Sequence[Card], rng: np.random.Generator) -> Picture:
    """A random patient of whom every card's answer is true."""
    lesions = people.draw_lesions(name, rng)
    while not holds(Picture(name, 0, lesions), hand):
        lesions = people.draw_lesions(name, rng)
    return people.draw_person(name, rng, lesions)
