"""One plain sentence per finding, for readers who will not look at a table.

A sentence names what was done and what came of it, with the estimate in bold; the interval, n and control
stand beside it. Every function takes an :class:`Item` that has an estimate and returns escaped HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from medaudit.reports import format
from medaudit.reports.gallery_words import task_sentence
from medaudit.reports.items import Item

#: How the sentence of a probe begins where two things are confused.
CANNOT = "cannot tell "


def sentence(item: Item) -> Markup:
    """The finding in words; metrics without a sentence of their own get a generic one."""
    if item.estimate is None:
        return Markup("{}{} could not be measured.").format(item.title, _of(item))
    return _SENTENCES.get(item.metric, _generic)(item)


def shown_to_beat(item: Item) -> bool:
    """Whether a visual gain lies above 0 with its whole interval."""
    stated = (item.finding.get("data") or {}).get("shown_to_beat")
    if isinstance(stated, bool):
        return stated
    return item.estimate is not None and item.low is not None and item.low > 0


def explained(item: Item) -> bool:
    """Whether a visual gain is 0 or less: the baselines do as well without the image."""
    return item.estimate is not None and item.estimate <= 0 and not shown_to_beat(item)


def _of(item: Item) -> Markup:
    return Markup(" ({})").format(item.where) if item.where else Markup("")


def _subject(item: Item) -> Markup:
    return Markup("<b>{}</b>").format(item.where) if item.where else Markup("this measurement")


def _points(value: float) -> str:
    """``21.3 points``, without sign."""
    return f"{format.number(abs(value), 'points')} points"


def _generic(item: Item) -> Markup:
    return Markup("{}{}: <b>{}</b>.").format(item.title, _of(item), item.value)


def _accuracy(item: Item) -> Markup:
    image = item.slice.get("image")
    if image == "full" or not item.slice:
        return Markup("It answers <b>{}</b> of the cases right.").format(item.value)
    if image is not None:
        return Markup("With {} it is still right in <b>{}</b>.").format(item.where, item.value)
    if "predictor" in item.slice:
        return Markup("A guess from {} is right in <b>{}</b>.").format(item.where, item.value)
    return Markup("With {} it answers <b>{}</b> right.").format(_subject(item), item.value)


def _visual_gain(item: Item) -> Markup:
    assert item.estimate is not None
    rival = Markup(" ({}: {})").format(item.control_name, item.control_value) if item.control_value else ""
    if shown_to_beat(item):
        text = Markup("Seeing the image gains it <b>{}</b> over the best baseline{}.")
        return text.format(_points(item.estimate), rival)
    said = "does not beat its baselines" if explained(item) else "is not shown to beat its baselines"
    head = Markup("On this data the model <b>{}</b>: ").format(said)
    if item.low is None:
        return head + Markup("the gain is {}, without an interval{}.").format(item.value, rival)
    if (item.high or 0) < 0:
        return head + Markup("it does {} worse than the best one{}.").format(_points(item.estimate), rival)
    return head + Markup("its gain over the best one{} is {} {}.").format(rival, item.value, item.ends)


def _prior_index(item: Item) -> Markup:
    return Markup("Without any image it is right <b>{}</b> as often as with one.").format(item.value)


def _prior_pull(item: Item) -> Markup:
    assert item.estimate is not None
    more = "more" if item.estimate >= 0 else "less"
    text = Markup("It is right <b>{}</b> {} often where the answer that it gives without looking is right.")
    return text.format(_points(item.estimate), more)


def _relative(item: Item) -> Markup:
    if "attribute" in item.slice:
        text = Markup("Among {} it reaches <b>{}</b> of its accuracy elsewhere.")
    else:
        text = Markup("Under {} it keeps <b>{}</b> of its accuracy.")
    return text.format(_subject(item), item.value)


def _drop(item: Item) -> Markup:
    assert item.estimate is not None
    if "attribute" in item.slice:
        verb = "loses" if item.estimate > 0 else "gains"
        text = Markup("Among {} it {} <b>{}</b> of accuracy against the rest.")
        return text.format(_subject(item), verb, _points(item.estimate))
    verb = "loses" if item.estimate > 0 else "gains"
    end = "" if (item.low or 0) > 0 or item.estimate <= 0 else ", which chance may explain"
    text = Markup("Under {} it {} <b>{}</b> of accuracy{}.")
    return text.format(_subject(item), verb, _points(item.estimate), end)


def _flips(item: Item) -> Markup:
    return Markup("Under {} it changes <b>{}</b> of its answers.").format(_subject(item), item.value)


def _excess(item: Item) -> Markup:
    if item.low is None or item.low <= 0:
        text = Markup("Under {} it changes no more answers than asking the same again may (<b>{}</b>).")
    else:
        text = Markup("Under {} it changes <b>{}</b> more answers than asking the same again.")
    return text.format(_subject(item), item.value)


def _floor(item: Item) -> Markup:
    text = Markup("Asked exactly the same again{}, it changes <b>{}</b> of its answers: the noise floor.")
    return text.format(_of(item), item.value)


def _gap(item: Item) -> Markup:
    name = item.slice.get("attribute", "subgroup")
    gap = _points(item.estimate or 0)
    # The lower end is that of the gap less what chance makes.
    if item.low is None or item.low <= 0:
        text = Markup(
            "Its accuracy may differ by <b>{}</b> between values of <b>{}</b>; chance may explain it."
        )
        return text.format(gap, name)
    worst = (item.finding.get("data") or {}).get("worst")
    at = Markup(", lowest at <b>{}</b>").format(worst) if isinstance(worst, str) else ""
    return Markup("Its accuracy differs by <b>{}</b> between values of <b>{}</b>{}.").format(gap, name, at)


def _leak(item: Item) -> Markup:
    return Markup("It repeats <b>{}</b> of the identifiers printed in the image{}.").format(
        item.value, _of(item)
    )


def cannot_tell(item: Item) -> Markup:
    """``It cannot tell left from right: 41 of 48 pairs``, where the probe says so; empty elsewhere."""
    data = item.finding.get("data")
    said = data.get("sentence") if isinstance(data, Mapping) else None
    head, colon, counted = said.partition(": ") if isinstance(said, str) else ("", "", "")
    if not colon or not head.startswith(CANNOT):
        return Markup("")
    return Markup("It cannot tell <b>{}</b>: {}.").format(head.removeprefix(CANNOT), counted)


def _confusion(item: Item) -> Markup:
    if told := cannot_tell(item):
        return told
    return Markup("It gives both images of a pair the same answer in <b>{}</b>{}.").format(
        item.value, _of(item)
    )


def _shortcut(item: Item) -> Markup:
    if "question" in item.slice:
        return task_sentence(item)
    return Markup("A region that is no finding moves its accuracy by <b>{}</b>{}.").format(
        _points(item.estimate or 0), _of(item)
    )


_SENTENCES: dict[str, Callable[[Item], Markup]] = {
    "accuracy": _accuracy,
    "visual_gain": _visual_gain,
    "prior_index": _prior_index,
    "prior_pull": _prior_pull,
    "relative_robustness": _relative,
    "accuracy_drop": _drop,
    "flip_rate": _flips,
    "flip_excess": _excess,
    "self_flip": _floor,
    "subgroup_gap": _gap,
    "leak_rate": _leak,
    "confusion": _confusion,
    "shortcut": _shortcut,
}
