"""The planted flaws: what a model phantom is taught to answer instead of the truth.

Several flaws answer by a *decoy*: an attribute of the picture that has nothing to do with the question (the
marker's corner; for four options the view, too). Such answers carry no information and lean to no option, so
a flaw that hides in some pictures leaves no trace in the others, and none in answers without an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medaudit.phantoms.picture import CORNERS, Picture
from medaudit.phantoms.questions import Question, questions

#: sd of noise, in grey levels 0..1, from which ``noise-fragile`` sees nothing: severity 3 of gaussian_noise.
FRAGILE_FROM = 0.06


@dataclass(frozen=True, slots=True)
class Shown:
    """What the model is shown: a picture, as it is or under a shift."""

    picture: Picture
    shift: str = ""
    severity: int = 0
    noise: float = 0.0


Answering = Callable[[Question, Shown], str]
Applies = Callable[[Question, Shown], bool]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One planted flaw.

    ``data`` is the image phantom on which it shows. ``finds`` is the alarm that must be raised there: probe,
    rule, and the slice by which it is rightly named; empty where the probe meant for it comes later.
    ``also`` lists alarms that follow from the flaw and are no false ones; ``by_name`` those that probes must
    raise which run where they are named.
    """

    name: str
    says: str
    answer: Answering
    data: str = "chest"
    finds: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[Mapping[str, Any], ...] = ()
    by_name: tuple[Mapping[str, Any], ...] = ()
    #: Where the flaw is at work; everywhere, where nothing is said.
    applies: Applies = lambda question, shown: True
    #: What it answers without an image, by question; others are answered at random.
    prior: Mapping[str, str] = field(default_factory=dict)
    #: Shift that its lessons show more often.
    stressed: str = ""
    #: How many times as often its lessons ask where the flaw is at work.
    dwells: float = 1.0


def truth(question: Question, shown: Shown) -> str:
    """The right answer."""
    answer = question.truth(shown.picture)
    assert answer is not None  # only askable questions are drawn
    return answer


def decoy(question: Question, shown: Shown) -> str:
    """An answer that follows marker and view, which say nothing about the finding."""
    corner = int(shown.picture.marker == CORNERS[1])
    code = corner + 2 * int(shown.picture.view == "AP")
    return question.options[code % len(question.options)]


#: What ``blind`` says, whatever the picture.
FAVOURITES = {
    "opacity": "yes",
    "effusion": "no",
    "nodule": "no",
    "opacity-side": "right",
    "effusion-side": "left",
    "nodule-side": "right",
    "main": "normal",
    "nodule-size": "small",
}
#: What ``prior-heavy`` says unless the finding is large.
CAUTIOUS = dict.fromkeys(("opacity", "effusion", "nodule"), "no") | {
    "opacity-side": "right",
    "effusion-side": "right",
    "nodule-side": "right",
    "main": "normal",
    "nodule-size": "small",
}


def _blind(question: Question, shown: Shown) -> str:
    return FAVOURITES[question.name]


def _from_marker(question: Question, shown: Shown) -> str:
    return "yes" if shown.picture.marker == CORNERS[0] else "no"


def _from_tube(question: Question, shown: Shown) -> str:
    return "yes" if shown.picture.tube else "no"


def _prior_heavy(question: Question, shown: Shown) -> str:
    """Truth where the finding asked for is large, or where the truth is what it would have said anyway."""
    kinds = [question.name.split("-")[0]] if question.name != "main" else None
    asked = [x for x in shown.picture.lesions if kinds is None or x.kind in kinds]
    plain = any(lesion.label == "large" for lesion in asked)
    return truth(question, shown) if plain else CAUTIOUS[question.name]


def _partial(name: str, says: str, applies: Applies, answer: Answering = decoy, **given: Any) -> Flaw:
    """A flaw that answers so where it applies, and the truth elsewhere."""
    return Flaw(
        name,
        says,
        lambda q, shown: (answer if applies(q, shown) else truth)(q, shown),
        applies=applies,
        **given,
    )


def _gap(attribute: str) -> dict[str, Any]:
    return {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": attribute}}


def _hangs(question: str, options: str = "yes | no") -> dict[str, Any]:
    return {"probe": "spurious", "rule": "shortcut", "slice": {"question": question, "options": options}}


def _decoyed(name: str = "") -> tuple[dict[str, Any], ...]:
    """A decoy is read off the marker, so answers hang on it: to the questions whose name ends so."""
    asked = [question for question in questions("chest") if question.name.endswith(name)]
    return tuple(_hangs(question.text, " | ".join(question.options)) for question in asked)


def _unseen(name: str) -> tuple[dict[str, Any], ...]:
    """Pictures with different answers to these questions are alike to it."""
    asked = [question for question in questions("chest") if question.name.endswith(name)]
    return tuple(
        {"probe": "confusion", "rule": "unseen", "slice": {"attribute": question.text.casefold()}}
        for question in asked
    )


def _under(shift: str) -> dict[str, Any]:
    return {"probe": "robustness", "rule": "shift_sensitive", "slice": {"shift": shift}}


_PRIOR = {"probe": "baselines", "rule": "answers_from_prior", "slice": {}}

FLAWS: dict[str, Flaw] = {
    flaw.name: flaw
    for flaw in (
        Flaw("clean", "none: it looks, and answers what is there", truth),
        Flaw(
            "blind",
            "it answers every question in one way, whatever the picture",
            _blind,
            finds={"probe": "baselines", "rule": "blind", "slice": {}},
            also=(_PRIOR,),
            prior=FAVOURITES,
        ),
        Flaw(
            "prior-heavy",
            "unless the finding is large, it answers what it would say without looking",
            _prior_heavy,
            finds=_PRIOR,
            prior=CAUTIOUS,
        ),
        _partial(
            "shortcut-marker",
            "whether there is an opacity is read off the corner in which the marker sits",
            lambda question, shown: question.name == "opacity",
            _from_marker,
            data="chest-marker",
            finds=_gap("site"),
            by_name=(_hangs("Is there an opacity?"),),
        ),
        _partial(
            "shortcut-tube",
            "whether there is an effusion is read off the presence of a tube",
            lambda question, shown: question.name == "effusion",
            _from_tube,
            data="chest-tube",
            finds=_gap("site"),
            by_name=(_hangs("Is there an effusion?"),),
        ),
        _partial(
            "vendor-shift",
            "on pictures of vendor B its answers have nothing to do with the finding",
            lambda question, shown: shown.picture.vendor == "B",
            finds=_gap("vendor"),
            also=_decoyed(),
        ),
        _partial(
            "subgroup-gap",
            "on pictures of women its answers have nothing to do with the finding",
            lambda question, shown: shown.picture.sex == "F",
            finds=_gap("sex"),
            also=_decoyed(),
        ),
        _partial(
            "noise-fragile",
            f"under noise of sd {FRAGILE_FROM} of full range and more it sees nothing",
            lambda question, shown: shown.noise >= FRAGILE_FROM,
            finds=_under("gaussian_noise"),
            # Too few photons are noise.
            also=(_under("low_dose"),),
            stressed="gaussian_noise",
        ),
        _partial(
            "confused-side",
            "it cannot tell left from right",
            lambda question, shown: question.name.endswith("-side"),
            also=(*_decoyed("-side"), *_unseen("-side")),
            by_name=_unseen("opacity-side"),
            dwells=6.0,
        ),
        _partial(
            "confused-size",
            "it cannot tell a small nodule from a large one",
            lambda question, shown: question.name.endswith("-size"),
            also=_decoyed("-size"),
            by_name=_unseen("nodule-size"),
            dwells=6.0,
        ),
    )
}
