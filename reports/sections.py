"""One section per probe: cards, curves per shift, forests per attribute, ladders for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medaudit.reports import wording
from medaudit.reports.blocks import Card, cards
from medaudit.reports.contrast import contrast
from medaudit.reports.gallery import Gallery, gallery
from medaudit.reports.items import Item
from medaudit.reports.ladders import Ladder, forests, in_forest, ladders
from medaudit.reports.open_answers import OpenAnswers, open_answers
from medaudit.reports.pairs_gallery import Pairs, pairs
from medaudit.reports.panels import Panels, has_severity, panels
from medaudit.reports.pictures import NO_PICTURES, Pictures
from medaudit.reports.sentences import sentence, shown_to_beat

MOST_CARDS = 8

#: Probes whose results mean nothing for a model that does as well without the image.
NEEDS_SIGHT = frozenset({"robustness", "confusion", "spurious", "grounding", "attribution"})


@dataclass(frozen=True)
class Section:
    """Everything that the page says about one probe."""

    probe: str
    words: wording.Words
    anchor: str
    banner: Markup | None
    cards: list[Card]
    more_cards: int
    curves: Panels | None
    contrast: Ladder | None
    forests: list[Ladder]
    ladders: list[Ladder]
    open_answers: OpenAnswers | None
    gallery: Gallery | None
    pairs: Pairs | None


def sections(items: Sequence[Item], pictures: Pictures = NO_PICTURES) -> list[Section]:
    """Sections in the order of the document, the baselines first: they say what the rest is worth."""
    names = list(dict.fromkeys(item.probe for item in items if item.estimate is not None or _searched(item)))
    names.sort(key=lambda name: name != "baselines")
    return [_section(name, f"probe-{number}", items, pictures) for number, name in enumerate(names, 1)]


def _section(name: str, anchor: str, everything: Sequence[Item], pictures: Pictures) -> Section:
    every = [item for item in everything if item.probe == name]
    found = gallery(every, pictures) if name == "spurious" else None
    confused = pairs(every, pictures) if name == "confusion" else None
    elsewhere = (found.shown if found else frozenset()) | (confused.shown if confused else frozenset())
    items = [item for item in every if id(item) not in elsewhere]
    split = [item for item in items if in_forest(item)]
    headline = cards([item for item in items if item.threshold or not item.slice])
    curves = panels(items, everything)
    curved = [item for item in items if has_severity(item)] if curves else []
    shown = {id(item) for item in [*curved, *split]} | {id(card.item) for card in headline}
    return Section(
        probe=name,
        words=wording.probe(name),
        anchor=anchor,
        banner=_banner(name, everything),
        cards=headline[:MOST_CARDS],
        more_cards=max(0, len(headline) - MOST_CARDS),
        curves=curves,
        contrast=contrast(items),
        forests=forests(split),
        ladders=ladders([item for item in items if id(item) not in shown]),
        open_answers=open_answers(items),
        gallery=found,
        pairs=confused,
    )


def _searched(item: Item) -> bool:
    """A question in which nothing was found is a result too."""
    return item.metric == "shortcut" and "question" in item.slice


def _banner(probe: str, items: Sequence[Item]) -> Markup | None:
    """Why a probe's numbers must not be read as they stand, or None."""
    if probe not in NEEDS_SIGHT:
        return None
    head = Markup("<b>{} here is not interpretable:</b> ").format(wording.plain(probe).capitalize())
    gains = [item for item in items if item.metric == "visual_gain"]
    if not gains:
        return head + "no baselines were measured, so it is not known whether the model looks at the image."
    beaten = next((gain for gain in gains if not shown_to_beat(gain)), None)
    if beaten is None:
        return None
    return head + sentence(beaten) + " Stable answers may only mean that it does not look."
