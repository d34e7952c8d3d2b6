"""What a search for spurious regions came to, in a word and in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from medaudit.reports import format, loose
from medaudit.reports.items import Item

#: What became of a task, and what is printed beside its sign.
CONFIRMED, FOUND, FAITHFUL, NOT_FOUND, INSUFFICIENT, ABSENT = (
    "found and confirmed",
    "found, not confirmed",
    "nothing was tested",
    "not found",
    "insufficient data",
    "not applicable",
)
#: What a task without a found cluster comes to.
NOTHING = {
    FAITHFUL: (
        "Searched as published (mode “faithful”): nothing was tested, and a cluster is named on most models, "
        "clean ones too. What stands here is no finding."
    ),
    NOT_FOUND: "No part of the images goes with right and wrong answers beyond chance.",
    INSUFFICIENT: "Nothing was found, and the data are too few to say that there is nothing.",
}
_EDITS = {"removal_flip": "painting it over", "insertion_flip": "pasting it in"}


def state(item: Item) -> str:
    """What became of the task of a ``shortcut``, whatever a gate says of its number."""
    data = loose.mapping(item.finding.get("data"))
    if item.confirmed:
        return CONFIRMED
    if data.get("mode") == "faithful":
        return FAITHFUL
    if item.verdict in ("not_applicable", "error"):
        return ABSENT
    if data.get("kept"):
        # Under a gate the probe's own verdict is gone; what confirmed the cluster is not.
        directions = loose.mapping(data.get("confirmed")).get(str(data.get("cluster")))
        return CONFIRMED if directions and item.threshold is not None else FOUND
    if data.get("verdict") == "insufficient data" or item.estimate is None:
        return INSUFFICIENT
    return NOT_FOUND


def verdict(item: Item) -> str:
    """The word beside the sign of a task; under a gate that of the gate comes first."""
    word = state(item)
    return f"{item.word}; {word}" if item.threshold is not None else word


def detectable(item: Item) -> str:
    """The smallest effect that these data could have shown."""
    least = loose.number(loose.mapping(item.finding.get("data")).get("smallest_detectable"))
    if least is None:
        return "How small an effect could have been seen is not known: nothing could be tested."
    if least > 1:
        return "No effect, however large, would have been seen reliably in so few cases."
    return (
        f"Smallest detectable effect: a difference in accuracy of {format.quantity(least, 'points')} between "
        "images with a part and without it, in each of two answers; four of five such samples would show it."
    )


def task_sentence(item: Item) -> Markup:
    """What a search came to in one question; only a part that was kept is spoken of."""
    data, became = loose.mapping(item.finding.get("data")), state(item)
    asked = Markup("“{}”").format(loose.text(str(item.slice["question"])))
    if became == FAITHFUL:
        return Markup("Nothing was tested on {}: it was searched as published.").format(asked)
    if became not in (CONFIRMED, FOUND):
        return Markup("No part of the image is shown to move its answers to {} ({}).").format(asked, became)
    helped = loose.text(data.get("helped"))
    said = Markup("Answers <b>“{}”</b> to {}") if helped else Markup("{}Answers to {}")
    verb = "hang on" if became == CONFIRMED else "go with"
    end = "" if became == CONFIRMED else "; that they hang on it is not confirmed"
    what = thing(data, loose.text(str(data.get("cluster"))))
    return Markup("{} {} <b>{}</b>{}.").format(said.format(helped, asked), verb, what, end)


def thing(data: Mapping[str, Any], name: str) -> str:
    """What a cluster is, in words: ``a part with a bright mark in the upper left``."""
    look, where = loose.text(data.get("look")), loose.text(loose.mapping(data.get("place")).get("where"))
    return f"{look} in the {where}" if look and where else name


def cluster_sentence(task: str, item: Item, flips: Sequence[Item], name: str) -> Markup:
    """One plain sentence on a cluster; ``task`` is the state of its task, ``item`` its gap."""
    data = loose.mapping(item.finding.get("data"))
    helped, what = loose.text(data.get("helped")) or _helped(flips), thing(data, name)
    confirmed = [flip for flip in flips if loose.mapping(flip.finding.get("data")).get("confirmed") is True]
    answers = Markup("Answers <b>“{}”</b>").format(helped) if helped else Markup("Right and wrong answers")
    if task == FAITHFUL:
        return Markup("{} go with {}; whether by chance was not tested.").format(answers, what)
    if data.get("kept") is not True:
        return Markup("Not shown to matter: {}.").format(what)
    if confirmed:
        done = Markup("; ").join(_effect(flip, helped) for flip in confirmed)
        return Markup("{} hang on <b>{}</b>: {}.").format(answers, what, done)
    return Markup("{} go with <b>{}</b>; that they hang on it is not confirmed.").format(answers, what)


def _helped(flips: Sequence[Item]) -> str:
    return next((loose.text(loose.mapping(f.finding.get("data")).get("answer")) for f in flips), "")


def _effect(flip: Item, helped: str) -> Markup:
    rate, control = rates(flip)
    verb = "takes the answer away" if flip.metric == "removal_flip" else "brings the answer"
    beside = "as much elsewhere" if flip.metric == "removal_flip" else "that place of other images"
    return Markup("{} {} in <b>{}</b> of images ({}: {})").format(
        _EDITS[flip.metric], verb, rate, beside, control
    )


def influence_words(items: Sequence[Item]) -> str:
    """How many errors are decided by regions of a cluster, beside what lot gives; empty if not known."""
    for item in items:
        data = loose.mapping(item.finding.get("data"))
        share, lot = loose.number(data.get("share")), loose.number(data.get("by_lot"))
        if item.metric == "influence" and share is not None and lot is not None:
            return (
                f"its regions are the loudest in {format.quantity(share, 'share')} of {item.n} errors, "
                f"by lot in {format.quantity(lot, 'share')}"
            )
    return ""


def rates(flip: Item) -> tuple[str, str]:
    """Share of answers changed by an edit and by its control, in print."""
    data = loose.mapping(flip.finding.get("data"))
    rate, control = loose.number(data.get("rate")), loose.number(data.get("control_rate"))
    return format.quantity(rate, "share"), format.quantity(control, "share")
