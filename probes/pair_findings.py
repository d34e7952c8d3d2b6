"""The five numbers of one mode, with the pictures and the options as the data give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medaudit.finding import Control, Finding
from medaudit.probes.pair_arms import counts, examples, unread
from medaudit.probes.pair_controls import confusion_control
from medaudit.probes.sheet import as_control
from medaudit.stats.pair_scores import sign_test

if TYPE_CHECKING:
    from medaudit.probes.pair_arms import Arms
    from medaudit.stats.pair_scores import PairScores

P_VALUE = "one-sided, exact: pairs with both right against both exchanged, signs of whole groups flipped"


def main_findings(arms: Arms) -> Iterator[Finding]:
    """Set and individual accuracy, confusion, invalid rate, precision."""
    own, scores = arms.given, arms.scored(arms.given)
    blind = arms.scored(arms.pairs["blank"]) if "blank" in arms.pairs else None
    table = counts(own)
    data = table | {"left_out": dict(arms.left_out)}
    yield arms.sheet.finding(
        "set_accuracy",
        scores.set,
        arms.slice,
        control=None if blind is None else as_control("blank", blind.set),
        evidence=own.ids(own.columns.both < 1),
        data=data,
    )
    yield arms.sheet.finding(
        "individual_accuracy",
        scores.individual,
        arms.slice,
        control=None if blind is None else as_control("blank", blind.individual),
        data=data,
    )
    yield arms.sheet.finding(
        "confusion",
        scores.confusion,
        arms.slice,
        control=confusion_control(arms) or (None if blind is None else as_control("blank", blind.confusion)),
        reason=unread(table["valid_pairs"], table["pairs"]),
        evidence=own.ids(own.columns.same == 1),
        data=data | {"examples": examples(own, own.columns.same == 1)},
    )
    yield arms.sheet.finding(
        "invalid_rate",
        scores.invalid,
        arms.slice,
        control=None if blind is None else as_control("blank", blind.invalid),
        evidence=own.ids(np.asarray((own.chosen < 0).any(axis=1))),
        data=data,
    )
    yield _precision(arms, scores)


def _precision(arms: Arms, scores: PairScores) -> Finding:
    """The coin: of the ordered pairs of unlike options one is right."""
    own, table = arms.given, counts(arms.given)
    options = [len(pair.first.options) for pair in own.pairs]
    guess = float(np.mean([1 / (k * (k - 1)) for k in options])) if options else None
    right, exchanged = table["both_right"], table["both_exchanged"]
    data = table | {
        "p_value_is": P_VALUE,
        "sign_test_of_independent_pairs": sign_test(right, right + exchanged),
    }
    return arms.sheet.finding(
        "precision",
        scores.precision,
        arms.slice,
        control=Control("two_unlike_guesses", guess),
        evidence=own.ids(own.columns.direction < 0),
        data=data,
    )
